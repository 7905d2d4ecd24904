//! A Redis that is restarted, fails over, hangs or goes away: what calls get in the meantime, and afterwards.

use std::{net::TcpStream, time::Duration};

use hubspot_partner_clients::{
    PermitUsage, RateLimit, RateLimitHeaders, RateLimiter,
    oauth::TokenStore,
    redis::{Redis, RedisLimiter},
};
use tokio::time::{Instant, sleep};

use crate::limiters::{
    GENERAL, KEY, SLACK, WINDOW, answered, limiter, limiter_at, limiters, none_for, redis, refused, reported, take,
};
use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;

/// One that goes on with a tenth of `limit` while Redis is gone.
async fn sharing(server: &RedisServer, limit: u32) -> RedisLimiter {
    let limiter = redis(server.url()).await.limiter("account");
    limiter.rate_limit(RateLimit::per_ten_seconds(limit)).local_share(0.1).connect().await.unwrap()
}

async fn until_limit(limiter: &RedisLimiter, limit: u32) {
    let started = Instant::now();
    while limiter.status().general.limit != Some(limit) {
        assert!(started.elapsed() < Duration::from_secs(4), "{limiter:?}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_redis_that_was_restarted_while_nobody_called_answers_the_next_call() {
    let mut server = RedisServer::start();
    let limiter = limiter(&server, 10).await;
    let store = redis(server.url()).await.token_store("app", "account", [7; 32]).await.unwrap();
    take(&limiter, 1).await;
    server.stop();
    server.restart();
    take(&limiter, 1).await;
    assert!(store.load().await.unwrap().is_none());
    assert_eq!(server.number(&["ZCARD", KEY]), 2, "the request, and what is known");
}

#[tokio::test]
async fn a_permit_whose_answer_was_lost_is_granted_all_the_same_and_counts_once() {
    let server = RedisServer::start();
    let proxy = RedisProxy::to(server.port());
    let limiter = limiter_at(proxy.url(), 1).await;
    proxy.lose_an_answer();
    let started = Instant::now();
    take(&limiter, 1).await;
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    assert_eq!(limiter.status().general.used, 1);
    assert_eq!(server.number(&["ZCARD", KEY]), 2, "the request, and what is known");
}

#[tokio::test]
async fn without_redis_calls_fail_and_later_go_on() {
    let mut server = RedisServer::start();
    let limiter = limiter(&server, 10).await;
    take(&limiter, 1).await;
    server.stop();
    let error = limiter.acquire(GENERAL).await.unwrap_err().to_string();
    assert!(error.contains(&format!("Redis at 127.0.0.1:{}", server.port())), "{error}");
    server.restart();
    take(&limiter, 1).await;
    assert_eq!(server.number(&["ZCARD", KEY]), 2);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_waited_for() {
    let server = RedisServer::start();
    let limiter = limiter(&server, 10).await;
    server.signal("-STOP");
    let started = Instant::now();
    let error = limiter.acquire(GENERAL).await.unwrap_err().to_string();
    assert!(error.ends_with("did not reply in time"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    server.signal("-CONT");
    take(&limiter, 1).await;
}

// Failovers.

#[tokio::test]
async fn a_redis_that_was_demoted_fails_calls_until_it_is_promoted_again() {
    let (server, primary) = (RedisServer::start(), RedisServer::start());
    let limiter = limiter(&server, 10).await;
    let redis = redis(server.url()).await;
    server.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let error = limiter.acquire(GENERAL).await.unwrap_err().to_string();
    assert!(error.contains(&format!("Redis at 127.0.0.1:{}: ", server.port())), "{error}");
    assert!(error.to_lowercase().contains("read only replica"), "{error}");
    let error = redis.limiter("other").connect().await.unwrap_err();
    assert!(error.is_connect() && error.is_retryable(), "nothing is wrong with the settings: {error:?}");
    server.command(&["REPLICAOF", "NO", "ONE"]);
    take(&limiter, 1).await;
}

#[tokio::test]
async fn a_failover_behind_one_address_is_followed_by_the_first_call() {
    let (first, second) = (RedisServer::start(), RedisServer::start());
    let proxy = RedisProxy::to(first.port());
    let limiter = limiter_at(proxy.url(), 10).await;
    take(&limiter, 1).await;
    // The connection to the old one stays open.
    first.command(&["REPLICAOF", "127.0.0.1", &second.port().to_string()]);
    proxy.lead_to(second.port());
    take(&limiter, 1).await;
    assert_eq!(second.number(&["ZCARD", KEY]), 2, "the request, and what is known");
}

#[tokio::test]
async fn what_passes_by_itself_is_no_fault_of_the_settings() {
    let busy = RedisServer::with(&["--lua-time-limit", "1"]);
    let mut script = TcpStream::connect(("127.0.0.1", busy.port())).unwrap();
    std::io::Write::write_all(&mut script, b"EVAL \"while true do end\" 0\r\n").unwrap();
    let alone = RedisServer::with(&["--min-replicas-to-write", "1"]);
    reported().await;
    for (server, said) in [(busy, "BUSY"), (alone, "NOREPLICAS")] {
        let error = match Redis::connect(server.url()).await {
            Ok(redis) => redis.limiter("account").connect().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.is_connect() && error.is_retryable(), "{said}: {error:?}");
        assert!(error.message().contains(said), "{said}: {error}");
    }
}

// A local share.

#[tokio::test]
async fn without_redis_a_local_share_goes_on_and_what_it_sent_counts_afterwards() {
    let mut server = RedisServer::start();
    let limiter = sharing(&server, 100).await;
    let release = |permit| {
        let mut headers = RateLimitHeaders::default();
        (headers.limit, headers.remaining) = (Some(100), Some(50));
        limiter.release(permit, &PermitUsage::Response { headers, rate_limited: false });
    };
    release(take(&limiter, 1).await.remove(0));
    reported().await;
    server.stop();
    // The request before it counts as well.
    for _ in 0..9 {
        release(take(&limiter, 1).await.remove(0));
    }
    assert!(none_for(&limiter, Duration::from_millis(500)).await);
    assert_eq!(limiter.status().general.limit, Some(10));
    server.restart();
    until_limit(&limiter, 100).await;
    take(&limiter, 1).await;
    assert_eq!(limiter.status().general.used, 10, "Redis has forgotten the first");
}

#[tokio::test]
async fn a_request_of_the_local_share_that_is_still_under_way_counts_when_redis_is_back() {
    let mut server = RedisServer::start();
    let limiter = sharing(&server, 240).await;
    server.stop();
    let mut permits = take(&limiter, 3).await;
    server.restart();
    until_limit(&limiter, 240).await;
    reported().await;
    assert_eq!(server.number(&["ZCARD", KEY]), 1 + 3, "what is known, and the requests");
    limiter.release(permits.remove(0), &PermitUsage::NotSent);
    reported().await;
    assert_eq!(server.number(&["ZCARD", KEY]), 1 + 2);
    take(&limiter, 1).await;
    assert_eq!(limiter.status().general.used, 3);
}

#[tokio::test]
async fn a_request_of_one_outage_that_ends_in_the_next_frees_no_place_of_its_own() {
    let mut server = RedisServer::durable();
    let limiter = sharing(&server, 10).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let shared = take(&limiter, 1).await.remove(0);
        limiter.release(shared, &answered(10, None));
        reported().await;
        sleep(WINDOW).await;
        server.stop();
        held.append(&mut take(&limiter, 1).await);
        assert_eq!(limiter.status().general.limit, Some(1), "the share");
        if held.len() < 2 {
            server.restart();
            until_limit(&limiter, 10).await;
            sleep(WINDOW + SLACK).await;
        }
    }
    limiter.release(held.remove(0), &PermitUsage::NotSent);
    assert!(none_for(&limiter, WINDOW / 2).await);
    limiter.release(held.remove(0), &PermitUsage::NotSent);
    take(&limiter, 1).await;
}

#[tokio::test]
async fn two_outages_in_a_row_have_one_share() {
    let mut server = RedisServer::start();
    let limiter = sharing(&server, 10).await;
    server.stop();
    take(&limiter, 1).await;
    server.restart();
    until_limit(&limiter, 10).await;
    server.stop();
    assert!(none_for(&limiter, Duration::from_millis(500)).await);
    assert_eq!(limiter.status().general.limit, Some(1), "the share");
}

#[tokio::test]
async fn a_redis_that_hangs_is_replaced_by_the_local_share_until_it_answers_again() {
    let server = RedisServer::start();
    let limiter = sharing(&server, 100).await;
    server.signal("-STOP");
    let started = Instant::now();
    for _ in 0..5 {
        let permit = take(&limiter, 1).await.remove(0);
        limiter.release(permit, &PermitUsage::Response { headers: RateLimitHeaders::default(), rate_limited: false });
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(limiter.status().general.limit, Some(10));
    server.signal("-CONT");
    until_limit(&limiter, 100).await;
    take(&limiter, 1).await;
    assert_eq!(limiter.status().general.used, 6);
}

// Pauses.

#[tokio::test]
async fn a_pause_lasts_from_its_refusal_however_late_redis_hears_of_it() {
    let mut server = RedisServer::start();
    let limiters = limiters(&server, 2, 10).await;
    let permit = take(&limiters[0], 1).await.remove(0);
    server.stop();
    let pause = Duration::from_secs(5);
    limiters[0].release(permit, &refused(Some(pause)));
    let at = Instant::now();
    // Longer than a request counts.
    sleep(WINDOW + SLACK + Duration::from_millis(600)).await;
    server.restart();
    sleep(Duration::from_millis(1_500)).await;
    assert!(at.elapsed() < pause, "the machine is too slow for this test");
    take(&limiters[1], 1).await;
    assert!(at.elapsed() >= pause && at.elapsed() < pause + SLACK, "{:?}", at.elapsed());
}
