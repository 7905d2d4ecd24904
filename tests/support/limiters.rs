//! Limiters that share an allowance, each with a connection of its own as a process has. Redis's clock is real, so the
//! windows are short.
#![allow(dead_code)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use hubspot_partner_clients::{
    Permit, PermitUsage, RateLimit, RateLimitHeaders, RateLimiter,
    redis::{Redis, RedisLimiter},
    spec::RateBucket,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::redis_server::RedisServer;

pub const GENERAL: RateBucket = RateBucket::General;
pub const WINDOW: Duration = Duration::from_millis(400);
/// What a request without an answer counts beyond the window.
pub const SLACK: Duration = Duration::from_secs(1);
pub const KEY: &str = "hubspot-partner-clients:limit:account:general";

/// Whoever uses it soon learns that Redis does not answer.
const TIMEOUT: Duration = Duration::from_millis(300);

pub async fn redis(url: String) -> Redis {
    Redis::builder(url).timeout(TIMEOUT).connect().await.unwrap()
}

pub async fn limiter(server: &RedisServer, limit: u32) -> RedisLimiter {
    limiter_at(server.url(), limit).await
}

pub async fn limiter_at(url: String, limit: u32) -> RedisLimiter {
    redis(url).await.limiter("account").rate_limit(RateLimit::per_ten_seconds(limit)).connect().await.unwrap()
}

/// Several limiters that know the short window.
pub async fn limiters(server: &RedisServer, count: usize, limit: u32) -> Vec<Arc<RedisLimiter>> {
    limiters_with(server, TIMEOUT, count, limit).await
}

/// Several of them that wait so long for Redis, which is slow where the machine is busy.
pub async fn limiters_with(
    server: &RedisServer,
    timeout: Duration,
    count: usize,
    limit: u32,
) -> Vec<Arc<RedisLimiter>> {
    let mut limiters = Vec::new();
    for _ in 0..count {
        let redis = Redis::builder(server.url()).timeout(timeout).connect().await.unwrap();
        let limiter = redis.limiter("account").rate_limit(RateLimit::per_ten_seconds(limit));
        limiters.push(Arc::new(limiter.connect().await.unwrap()));
    }
    let permit = limiters[0].acquire(GENERAL).await.unwrap();
    limiters[0].release(permit, &answered(limit, None));
    reported().await;
    limiters
}

/// An answer of the short window.
pub fn answered(limit: u32, remaining: Option<u32>) -> PermitUsage {
    let mut headers = RateLimitHeaders::default();
    (headers.limit, headers.interval, headers.remaining) = (Some(limit), Some(WINDOW), remaining);
    PermitUsage::Response { headers, rate_limited: false }
}

pub fn refused(retry_after: Option<Duration>) -> PermitUsage {
    let mut headers = RateLimitHeaders::default();
    headers.retry_after = retry_after;
    PermitUsage::Response { headers, rate_limited: true }
}

/// How often a script was asked for.
pub fn round_trips(server: &RedisServer) -> u64 {
    let all = server.command(&["INFO", "commandstats"]);
    let calls = all.split("cmdstat_evalsha:calls=").nth(1).unwrap();
    calls.split(',').next().unwrap().parse().unwrap()
}

/// Until the released permits have been reported to Redis.
pub async fn reported() {
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

/// HubSpot's count: accepts what has fewer than the limit before it in a window.
pub struct Account {
    limit: usize,
    accepted: Mutex<(VecDeque<Instant>, usize, usize)>,
}

impl Account {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, accepted: Mutex::default() })
    }

    pub fn request(&self) -> PermitUsage {
        let (recent, accepted, refusals) = &mut *self.accepted.lock().unwrap();
        let now = Instant::now();
        while recent.front().is_some_and(|time| now - *time >= WINDOW) {
            recent.pop_front();
        }
        if recent.len() >= self.limit {
            *refusals += 1;
            return refused(None);
        }
        recent.push_back(now);
        *accepted += 1;
        answered(self.limit as u32, Some((self.limit - recent.len()) as u32))
    }

    pub fn counts(&self) -> (usize, usize) {
        let counts = self.accepted.lock().unwrap();
        (counts.1, counts.2)
    }
}

/// Many calls at once, each of which takes a moment to HubSpot and back; ends after `time`.
pub async fn load(processes: &[Arc<RedisLimiter>], account: &Arc<Account>, time: Duration) -> Vec<usize> {
    let until = Instant::now() + time;
    let mut calls = JoinSet::new();
    for (index, process) in processes.iter().enumerate() {
        for _ in 0..20 {
            let (process, account) = (Arc::clone(process), Arc::clone(account));
            calls.spawn(async move {
                let mut done = 0;
                while let Ok(permit) = tokio::time::timeout_at(until, process.acquire(GENERAL)).await {
                    sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                    let usage = account.request();
                    sleep(Duration::from_millis(fastrand::u64(0..4))).await;
                    process.release(permit.unwrap(), &usage);
                    done += 1;
                }
                (index, done)
            });
        }
    }
    let mut served = vec![0; processes.len()];
    for (index, done) in calls.join_all().await {
        served[index] += done;
    }
    served
}
