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

#[cfg(unix)]
#[tokio::test]
async fn a_socket_may_have_any_path() {
    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("a@b.sock");
    let _server = RedisServer::with(&["--unixsocket", socket.to_str().unwrap()]);
    let redis = Redis::connect(format!("unix://{}", socket.display())).await.unwrap();
    assert!(redis.jobs().await.unwrap().is_empty());
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

#[test]
fn a_runtime_that_is_used_keeps_its_connection_however_many_others_come() {
    let server = RedisServer::start();
    let start = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let busy = start();
    let redis = busy.block_on(Redis::connect(server.url())).unwrap();
    let connections = || -> usize {
        let stats = server.command(&["INFO", "stats"]);
        stats.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap().parse().unwrap()
    };
    let before = connections();
    let others: Vec<_> = (0..8 * std::thread::available_parallelism().map_or(8, |threads| threads.get().max(4)))
        .map(|_| start())
        .collect();
    for other in &others {
        for runtime in [other, &busy] {
            assert!(runtime.block_on(redis.jobs()).unwrap().is_empty());
        }
    }
    assert_eq!(connections() - before, others.len() + 1, "one for each, and for what counts them");
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
    for rest in ["", "/1", "/?protocol=resp3", "/1?protocol=resp3"] {
        for (user, remedy) in [
            (format!(":{wrong}@"), ": correct the user and the password in the URL"),
            (format!("nobody:{PASSWORD}@"), ": correct the user and the password in the URL"),
            (String::new(), ": give the user and the password in the URL"),
        ] {
            let error = refused(&format!("redis://{user}127.0.0.1:{port}{rest}")).await;
            assert!(error.is_invalid_input(), "{error}");
            says_in_one_line(&error, &[remedy]);
        }
    }
    let open = RedisServer::start();
    let error = refused(&format!("redis://:{PASSWORD}@127.0.0.1:{}", open.port())).await;
    assert!(error.is_invalid_input(), "{error}");
    says_in_one_line(&error, &["or leave them out if Redis has none"]);
}

#[tokio::test]
async fn a_database_that_cannot_be_selected_is_told_with_what_to_do() {
    let server = RedisServer::start();
    server.command(&["ACL", "SETUSER", "limited", "on", &format!(">{PASSWORD}"), "~*", "+@all", "-select"]);
    for (user, database, remedy) in [
        ("", "99", "give the number of a database that this Redis has"),
        (&format!("limited:{PASSWORD}@"), "1", "permit this user the commands"),
    ] {
        let error = refused(&format!("redis://{user}127.0.0.1:{}/{database}", server.port())).await;
        assert!(error.is_invalid_input(), "{error}");
        says_in_one_line(&error, &["database", remedy]);
    }
}

/// Where a user may not run HELLO, no version is known. A Redis before 6.2 takes no IDLE in XPENDING, as SET does not.
#[tokio::test]
async fn a_redis_that_is_too_old_for_jobs_is_refused_before_anything_is_kept_there() {
    let server = RedisServer::with(&["--rename-command", "XPENDING", "", "--rename-command", "SET", "XPENDING"]);
    let redis = Redis::connect(server.url()).await.unwrap();
    let error = redis.job("test").enqueue_associate_many("rows", [(1, ("companies", 1), 7)]).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    says_in_one_line(&error, &["has a version before 6.2", "use Redis 6.2 or later, or Valkey"]);
    assert_eq!(server.number(&["DBSIZE"]), 0);
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

    for user in ["scriptless", "readonly"] {
        let redis = Redis::connect(url(user)).await.unwrap();
        for error in [
            redis.limiter("other").connect().await.unwrap_err(),
            redis.token_store("app", "other", [7; 32]).await.unwrap_err(),
        ] {
            assert!(error.is_invalid_input() && error.message().starts_with("Redis refuses"), "{error}");
            says_in_one_line(&error, &["permit this user the commands"]);
            assert_eq!(error.message().contains("evalsha"), user == "scriptless", "{error}");
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

/// What a server says to a greeting.
fn greeting(parts: &[(&str, &str)]) -> String {
    let text = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let parts = parts.iter().map(|(name, value)| text(name) + &text(value)).collect::<Vec<_>>();
    format!("*{}\r\n{}", 2 * parts.len(), parts.concat())
}

fn says_in_one_line(error: &Error, parts: &[&str]) {
    for part in parts {
        assert!(error.message().contains(part), "{part:?} in {error}");
    }
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_do_what_is_needed_is_refused_with_what_to_do_instead() {
    let newer = "use Redis 6.2 or later, or Valkey";
    let unknown = "-ERR unknown command `HELLO`, with args beginning with: \r\n".to_owned();
    let (cluster, sentinel) =
        ("give the address of a Redis with cluster mode disabled", "give the address of the Redis that it watches");
    for (answer, said) in [
        (unknown, ["has a version before 6", newer]),
        (
            greeting(&[("server", "redis"), ("version", "6.0.16"), ("mode", "standalone")]),
            ["has version 6.0.16", newer],
        ),
        (greeting(&[("version", "7.2.4"), ("mode", "sentinel")]), ["is a Sentinel", sentinel]),
        (greeting(&[("version", "7.2.4"), ("mode", "cluster"), ("role", "replica")]), ["Redis Cluster", cluster]),
    ] {
        let url = answering("HELLO", answer).await;
        let error = refused(&url).await;
        assert!(error.is_invalid_input(), "{error:?}");
        says_in_one_line(&error, &said);
        says_in_one_line(&error, &[&url.replace("redis://", "Redis at ")]);
    }
    let node = RedisServer::with(&["--cluster-enabled", "yes"]);
    says_in_one_line(&refused(&node.url()).await, &["is a node of a Redis Cluster", cluster]);
    assert_eq!(node.number(&["DBSIZE"]), 0);
}

#[tokio::test]
async fn a_read_only_replica_is_told_and_may_be_tried_again() {
    let (primary, replica) = (RedisServer::start(), RedisServer::start());
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let error = refused(&replica.url()).await;
    assert!(error.is_connect() && error.is_retryable(), "in a failover nothing is wrong with the settings: {error:?}");
    says_in_one_line(&error, &["is a read-only replica", "give the address of its primary"]);
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    Redis::connect(replica.url()).await.unwrap();
}

/// A server that says less of itself than Redis does, such as a proxy, is taken as it is.
#[tokio::test]
async fn what_a_server_does_not_say_of_itself_is_no_fault() {
    for answer in [
        "+OK\r\n".to_owned(),
        "-NOPERM this user has no permissions to run the 'hello' command\r\n".to_owned(),
        greeting(&[("version", "unstable"), ("mode", "")]),
        greeting(&[("server", "valkey"), ("version", "9.1.2"), ("mode", "standalone"), ("role", "master")]),
        greeting(&[("version", "10.0")]),
    ] {
        Redis::connect(answering("HELLO", answer).await).await.unwrap();
    }
}

#[tokio::test]
async fn a_redis_that_may_delete_what_it_keeps_is_warned_about() {
    let server = RedisServer::start();
    for (policy, memory, is_warned) in [
        ("noeviction", "100mb", false),
        ("volatile-lru", "100mb", false),
        ("allkeys-lru", "0", false),
        ("allkeys-lru", "100mb", true),
        ("allkeys-random", "100mb", true),
    ] {
        server.command(&["CONFIG", "SET", "maxmemory", memory]);
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        for url in [server.url(), server.url() + "/?protocol=resp3"] {
            let redis = Redis::connect(url).await.unwrap();
            let warning = redis.warning().unwrap_or_default();
            assert_eq!(warning.contains(&format!("maxmemory-policy {policy}")), is_warned, "{policy}: {warning}");
            assert_eq!(warning.contains("set `maxmemory-policy noeviction`"), is_warned, "{warning}");
        }
    }
}

#[tokio::test]
async fn a_full_memory_is_told_with_what_to_do() {
    let server = RedisServer::start();
    let redis = Redis::connect(server.url()).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = redis.job("test").enqueue_associate_many("rows", [(1, ("companies", 1), 7)]).await.unwrap_err();
    says_in_one_line(&error, &["OOM", "raise `maxmemory`, or remove jobs that are finished"]);
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
        let error = match Redis::connect(answering(question, format!("-{answer}\r\n")).await).await {
            Ok(redis) => redis.limiter("account").connect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.is_connect() && error.is_retryable(), "{error:?}");
        assert!(error.message().contains(answer.trim_start_matches("ERR ")), "{error}");
    }
}

/// The URL of what gives this answer to this question, and OK to all else.
async fn answering(question: &'static str, answer: String) -> String {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", server.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut buffer = vec![0; 65_536];
            while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let answer = if asked.contains(question) { answer.as_str() } else { "+OK\r\n" };
                let commands = asked.lines().filter(|line| line.starts_with('*')).count();
                stream.write_all(answer.repeat(commands).as_bytes()).await.unwrap();
            }
        }
    });
    url
}
