//! What can be wrong between a program and its Redis: told by name when it is set up, and never with the password.

use std::time::Duration;

use hubspot_partner_clients::{Error, RateLimit, RateLimiter, redis::Redis, spec::RateBucket};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use crate::redis_server::{RedisServer, free_port};

const PASSWORD: &str = "correct-horse-battery";

async fn refused(url: &str) -> Error {
    let error = Redis::connect(url).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
    error
}

#[tokio::test]
async fn a_url_that_is_none_of_redis_s_is_refused_by_name() {
    for url in [
        "",
        "localhost",
        "http://localhost",
        "redis://",
        &format!("https://user:{PASSWORD}@localhost"),
        &format!("redis://user:{PASSWORD}@localhost:notaport"),
    ] {
        let error = refused(url).await;
        assert!(error.is_invalid_input() && error.message().starts_with("Redis URL cannot be used"), "{error}");
    }
}

#[tokio::test]
async fn nothing_of_a_url_shows_but_host_and_port() {
    let port = free_port();
    for url in [
        &format!("redis://127.0.0.1:{port}/?protocol={PASSWORD}"),
        &format!("redis://127.0.0.1:{port}/{PASSWORD}"),
        &format!("redis://127.0.0.1:{port}/0#{PASSWORD}"),
        &format!("rediss://127.0.0.1:{port}/0#{PASSWORD}"),
        &format!("redis://{PASSWORD}:x@127.0.0.1:{port}/x"),
        &format!("redis://user:{PASSWORD}@127.0.0.1:{port}/0"),
        &format!("redis://:{PASSWORD}/x@127.0.0.1:{port}"),
        &format!("redis://{PASSWORD}/x@127.0.0.1:{port}"),
        &format!("redis://{PASSWORD}?x@127.0.0.1:{port}"),
        &format!("redis://{PASSWORD}#x@127.0.0.1:{port}"),
        &format!("{PASSWORD}://127.0.0.1:{port}"),
        &format!("redis+{PASSWORD}://127.0.0.1:{port}"),
        &format!("unix:///{PASSWORD}?pass={PASSWORD}&db={PASSWORD}"),
        &format!("unix:///{PASSWORD}"),
        PASSWORD,
    ] {
        let error = refused(url).await;
        let builder = format!("{:?}", Redis::builder(url));
        assert!(!builder.contains(PASSWORD), "{builder}");
        assert!(error.is_connect() || error.message().starts_with("Redis URL cannot be used ("), "{error}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_by_name() {
    let server = RedisServer::start();
    let builder = || Redis::builder(server.url());
    let redis = builder().connect().await.unwrap();
    let outcomes = [
        builder().prefix("").connect().await.map(drop),
        builder().timeout(Duration::ZERO).connect().await.map(drop),
        redis.limiter("").connect().await.map(drop),
        redis.limiter("a").rate_limit(RateLimit::per_ten_seconds(0)).connect().await.map(drop),
        redis.limiter("a").rate_limit(RateLimit::unlimited()).connect().await.map(drop),
        redis.limiter("a").local_share(0.0).connect().await.map(drop),
        redis.limiter("a").local_share(1.5).connect().await.map(drop),
        redis.limiter("a").local_share(f64::NAN).connect().await.map(drop),
        redis.token_store("", "a", [7; 32]).await.map(drop),
        redis.token_store("app", "", [7; 32]).await.map(drop),
    ];
    let named: Vec<String> = outcomes
        .into_iter()
        .map(|outcome| {
            let error = outcome.unwrap_err();
            assert!(error.is_invalid_input(), "{error:?}");
            error.message().split(" is").next().unwrap().split(" leaves").next().unwrap().to_owned()
        })
        .collect();
    let expected = [
        "Redis prefix",
        "Redis timeout \"0s\"",
        "account",
        "rate limit \"0\" allows no request: give 1 or more",
        "rate limit",
        "local share \"0\"",
        "local share \"1.5\"",
        "local share \"NaN\"",
        "client id",
        "account",
    ];
    assert_eq!(named, expected);
    assert_eq!(server.number(&["DBSIZE"]), 0, "nothing was kept");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_told_at_once() {
    let port = free_port();
    let started = Instant::now();
    let error = refused(&format!("redis://user:{PASSWORD}@127.0.0.1:{port}")).await;
    assert!(error.is_connect() && error.is_retryable(), "{error:?}");
    assert!(error.message().contains(&format!("Redis at 127.0.0.1:{port}: ")), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_redis_that_says_nothing_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let started = Instant::now();
    let error = Redis::builder(url).timeout(Duration::from_millis(200)).connect().await.unwrap_err();
    assert!(error.is_connect() && error.message().ends_with("did not reply in time"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_of_something_else_is_told() {
    let simulator = hubspot_simulator::Simulator::start().await.unwrap();
    let error = refused(&simulator.base_url().replace("http", "redis")).await;
    assert!(error.is_connect() && error.message().ends_with("is not Redis"), "{error}");
}

#[tokio::test]
async fn a_password_is_taken_from_the_url_and_a_wrong_one_is_refused() {
    let server = RedisServer::with(&["--requirepass", PASSWORD]);
    let port = server.port();
    let redis = Redis::connect(format!("redis://:{PASSWORD}@127.0.0.1:{port}")).await.unwrap();
    redis.limiter("account").connect().await.unwrap();
    assert!(!format!("{redis:?}").contains(PASSWORD), "{redis:?}");

    let wrong = format!("{PASSWORD}-wrong");
    let error = refused(&format!("redis://:{wrong}@127.0.0.1:{port}")).await;
    assert!(error.is_invalid_input() && error.message().contains("assword"), "{error}");
    let error = refused(&format!("redis://127.0.0.1:{port}")).await;
    assert!(error.is_invalid_input() && error.message().contains("NOAUTH"), "{error}");
}

#[tokio::test]
async fn a_user_needs_no_more_than_is_documented_and_lacks_nothing_in_silence() {
    let all = "+evalsha +script|load +time +zadd +zrem +zscore +zcount +zrangebyscore +zremrangebyscore +pexpire \
               +hget +hset +hdel +hincrby";
    let user = |name: &str, commands: &str| format!("user {name} on >{PASSWORD} ~hubspot-partner-clients:* {commands}");
    let users = [user("enough", all), user("scriptless", "+@all -@scripting"), user("readonly", "+@all -@write")];
    let folder = std::env::temp_dir().join(format!("acl-{}", uuid::Uuid::new_v4().simple()));
    std::fs::write(&folder, users.join("\n")).unwrap();
    let server = RedisServer::with(&["--aclfile", folder.to_str().unwrap()]);
    let url = |user: &str| format!("redis://{user}:{PASSWORD}@127.0.0.1:{}", server.port());

    let redis = Redis::connect(url("enough")).await.unwrap();
    let limiter = redis.limiter("account").connect().await.unwrap();
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    limiter.release(permit, &hubspot_partner_clients::PermitUsage::NotSent);
    redis.token_store("app", "account", [7; 32]).await.unwrap();

    for (user, named) in [("scriptless", "evalsha"), ("readonly", "can't run this command")] {
        let redis = Redis::connect(url(user)).await.unwrap();
        for error in [
            redis.limiter("other").connect().await.unwrap_err(),
            redis.token_store("app", "other", [7; 32]).await.unwrap_err(),
        ] {
            assert!(error.is_invalid_input() && error.message().starts_with("Redis refuses"), "{error}");
            assert!(error.message().to_lowercase().contains(named), "{user}: {error}");
            assert!(!error.message().contains(user), "{error}");
        }
    }
    std::fs::remove_file(folder).unwrap();
}

#[tokio::test]
async fn a_key_of_another_type_in_the_way_is_told() {
    let server = RedisServer::start();
    let redis = Redis::connect(server.url()).await.unwrap();
    server.command(&["SET", "hubspot-partner-clients:limit:account:search", "something"]);
    server.command(&["SET", "hubspot-partner-clients:token:app:account", "something"]);
    let limiter = redis.limiter("account").connect().await.unwrap_err();
    let store = redis.token_store("app", "account", [7; 32]).await.unwrap_err();
    for error in [limiter, store] {
        assert!(error.is_invalid_input() && error.message().contains("WRONGTYPE"), "{error}");
        assert!(error.message().contains("hubspot-partner-clients:"), "the key is named: {error}");
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn tls_is_checked_by_the_certificate_that_is_given() {
    let (server, pem) = RedisServer::with_tls();
    let url = format!("rediss://localhost:{}", server.port());
    let redis = Redis::builder(&url).root_certificates(pem).connect().await.unwrap();
    let limiter = redis.limiter("account").connect().await.unwrap();
    drop(limiter.acquire(RateBucket::General).await.unwrap());

    let error = refused(&url).await;
    assert!(error.is_connect() && error.message().contains("certificate"), "{error}");
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn root_certificates_that_cannot_be_used_are_refused_by_name() {
    let server = RedisServer::start();
    let tls = format!("rediss://localhost:{}", server.port());
    let garbage = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n";
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    for (url, pem, named) in [
        (&tls, "no certificate", "root certificate is not PEM"),
        (&tls, "", "root certificate is not PEM"),
        (&tls, garbage, "root certificate cannot be used"),
        (&tls, cut, "root certificate cannot be used"),
        (&server.url(), &own, "root certificate needs TLS"),
    ] {
        let error = Redis::builder(url).root_certificates(pem).connect().await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with(named), "{error}");
    }
}

/// An error inside a script as a Redis before version 7 tells of it, and one that a Redis nearby ends the connection too
/// soon to tell.
#[tokio::test]
async fn what_passes_by_itself_is_known_in_any_form() {
    let old = "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY You can't write \
               against a read only replica.";
    for (question, answer) in [("EVALSHA", old), ("PING", "ERR max number of clients reached")] {
        let error = match Redis::connect(answering(question, answer).await).await {
            Ok(redis) => redis.limiter("account").connect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.is_connect() && error.is_retryable(), "{error:?}");
        assert!(error.message().contains(answer.trim_start_matches("ERR ")), "{error}");
    }
}

/// The URL of what answers this question with this error, and all else with OK.
async fn answering(question: &'static str, error: &'static str) -> String {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", server.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut buffer = vec![0; 65_536];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let answer = if asked.contains(question) { format!("-{error}\r\n") } else { "+OK\r\n".to_owned() };
                let commands = asked.lines().filter(|line| line.starts_with('*')).count();
                stream.write_all(answer.repeat(commands).as_bytes()).await.unwrap();
            }
        }
    });
    url
}
