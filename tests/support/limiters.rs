//! Limiters that share an allowance, each with a connection of its own as a process has. Redis's clock is real, so the
//! windows are short.
#![allow(dead_code)]

use std::{sync::Arc, time::Duration};

use hubspot_partner_clients::{
    Permit, PermitOutcome, RateLimit, RateLimitHeaders, RateLimiter,
    redis::{Redis, RedisLimiter},
    spec::RateBucket,
};
use tokio::time::{sleep, timeout};

use crate::redis_server::RedisServer;

pub const GENERAL: RateBucket = RateBucket::General;
pub const WINDOW: Duration = Duration::from_millis(400);
/// What a request without an answer counts beyond the window.
pub const SLACK: Duration = Duration::from_secs(1);
pub const KEY: &str = "hubspot-partner-clients:limit:account:general";

pub async fn redis(url: String) -> Redis {
    Redis::builder(url).timeout(Duration::from_millis(300)).connect().await.unwrap()
}

pub async fn limiter(server: &RedisServer, limit: u32) -> RedisLimiter {
    limiter_at(server.url(), limit).await
}

pub async fn limiter_at(url: String, limit: u32) -> RedisLimiter {
    redis(url).await.limiter("account").rate_limit(RateLimit::per_ten_seconds(limit)).connect().await.unwrap()
}

/// Several limiters that know the short window.
pub async fn limiters(server: &RedisServer, count: usize, limit: u32) -> Vec<Arc<RedisLimiter>> {
    let mut limiters = Vec::new();
    for _ in 0..count {
        limiters.push(Arc::new(limiter(server, limit).await));
    }
    let permit = limiters[0].acquire(GENERAL).await.unwrap();
    limiters[0].settle(permit, &answered(limit, None));
    told().await;
    limiters
}

/// An answer of the short window.
pub fn answered(limit: u32, remaining: Option<u32>) -> PermitOutcome {
    let mut headers = RateLimitHeaders::default();
    (headers.limit, headers.interval, headers.remaining) = (Some(limit), Some(WINDOW), remaining);
    PermitOutcome::Answered { headers, refused: false }
}

pub fn refused(retry_after: Option<Duration>) -> PermitOutcome {
    let mut headers = RateLimitHeaders::default();
    headers.retry_after = retry_after;
    PermitOutcome::Answered { headers, refused: true }
}

/// Until Redis has been told of what was settled.
pub async fn told() {
    sleep(Duration::from_millis(60)).await;
}

pub async fn take(limiter: &RedisLimiter, count: usize) -> Vec<Permit> {
    let mut permits = Vec::new();
    for _ in 0..count {
        permits.push(timeout(Duration::from_secs(5), limiter.acquire(GENERAL)).await.unwrap().unwrap());
    }
    permits
}

/// Whether there is no permit for so long.
pub async fn none_for(limiter: &RedisLimiter, time: Duration) -> bool {
    timeout(time, limiter.acquire(GENERAL)).await.is_err()
}
