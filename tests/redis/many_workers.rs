//! A hundred workers on one job: each input is settled once, the allowance is kept, and Redis has little to do.

use std::{sync::Arc, time::Duration};

use futures_util::{TryStreamExt, future::join_all};
use hubspot_partner_clients::{
    Association, Client, PermitUsage, RateLimit, RateLimiter, Result,
    redis::{Job, Redis},
    spec::RateBucket,
};
use hubspot_simulator::{Fault, RateLimits, Simulator};
use tokio::{task::JoinSet, time::sleep};

use crate::redis_server::RedisServer;
use crate::support::crm;

on_each_version! {
    a_hundred_workers_settle_each_input_once_within_the_allowance,
}

const WORKERS: usize = 100;
const BATCH: usize = 2_000;

/// Different pairs of objects.
fn rows(count: usize) -> impl Iterator<Item = Result<Association>> {
    (0..count).map(|row| Association::new(row % 100 + 1, "companies", row / 100 + 1, 7))
}

/// The job and a client, as a process of its own has them, that keeps to an allowance in ten seconds with all others.
async fn process(server: &RedisServer, hubspot: &Simulator, version: &str, allowance: u32) -> (Job, Client) {
    let redis = Redis::builder(server.url()).timeout(Duration::from_secs(5)).connect().await.unwrap();
    let limiter = redis.limiter("account").rate_limit(RateLimit::per_ten_seconds(allowance)).connect().await.unwrap();
    let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    let client = client.api_version(version.parse().unwrap()).rate_limiter(limiter).build().unwrap();
    (redis.job("test"), client)
}

/// How many scripts Redis has run, and its time in seconds.
fn scripts(server: &RedisServer) -> (u64, f64) {
    let info = server.command(&["INFO", "commandstats"]);
    let calls =
        info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok());
    let time =
        server.command(&["EVAL", "local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)", "0"]);
    let time: f64 = time.lines().find_map(|line| line.strip_prefix(':')?.parse().ok()).unwrap();
    (calls.unwrap_or_default(), time / 1_000.0)
}

/// Scripts a second, in the next seconds.
async fn scripts_per_second(server: &RedisServer, seconds: u64) -> f64 {
    let (before, began) = scripts(server);
    sleep(Duration::from_secs(seconds)).await;
    let (after, ended) = scripts(server);
    (after - before) as f64 / (ended - began)
}

async fn a_hundred_workers_settle_each_input_once_within_the_allowance(version: &str) {
    let (count, allowance) = (20 * BATCH, 12);
    let server = RedisServer::start();
    let limits = RateLimits::default().per_ten_seconds(allowance);
    let hubspot = crm(100, count / 100).rate_limits(limits).start().await.unwrap();
    let (job, _) = process(&server, &hubspot, version, allowance).await;
    job.enqueue_associate_many("rows", rows(count)).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (job, client) = process(&server, &hubspot, version, allowance).await;
        workers.spawn(async move { job.worker(&client).concurrency(1).run().await.unwrap() });
    }
    let parts = workers.join_all().await;
    assert_eq!(parts.iter().map(|part| part.succeeded).sum::<u64>(), count as u64);
    assert!(parts.iter().all(|part| part.failed == 0));
    // Each has up to two batches at once.
    let shares: Vec<_> = parts.iter().map(|part| part.succeeded).filter(|&rows| rows > 0).collect();
    assert!(shares.len() >= 5, "{shares:?}");
    let outcomes: Vec<_> = job.outcomes().try_collect().await.unwrap();
    assert!(outcomes.iter().enumerate().all(|(row, outcome)| outcome.index == row as u64 && outcome.result.is_ok()));
    assert_eq!((outcomes.len(), hubspot.association_count()), (count, count));
    let requests = hubspot.requests();
    assert_eq!(requests.iter().filter(|request| request.status() == Some(429)).count(), 0);
    // One for a batch; the others ask for the association types.
    let batches = requests.iter().filter(|request| request.method() == "POST").count();
    assert_eq!((batches, parts.iter().map(|part| part.requests).sum()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_without_work_ask_redis_about_once_a_second() {
    let server = RedisServer::start();
    let hubspot = crm(100, 20).fault(Fault::delay(Duration::from_secs(600))).start().await.unwrap();
    let (job, _) = process(&server, &hubspot, "v3", 100).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (job, client) = process(&server, &hubspot, "v3", 100).await;
        workers.spawn(async move { job.worker(&client).run().await });
    }
    while job.status().await.unwrap().workers < WORKERS as u32 {
        sleep(Duration::from_millis(50)).await;
    }
    let rate = scripts_per_second(&server, 5).await;
    assert!(rate <= 1.5 * WORKERS as f64, "{rate} scripts a second for {WORKERS} workers");
    assert!(workers.try_join_next().is_none(), "they wait for the one batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_wait_for_a_place_do_not_storm_redis() {
    let server = RedisServer::start();
    let mut limiters = Vec::new();
    for _ in 0..WORKERS {
        let redis = Redis::builder(server.url()).timeout(Duration::from_secs(5)).connect().await.unwrap();
        let limiter = redis.limiter("account").rate_limit(RateLimit::per_ten_seconds(190)).connect().await.unwrap();
        limiters.push(Arc::new(limiter));
    }
    let mut waiting = JoinSet::new();
    for limiter in &limiters {
        for _ in 0..20 {
            let limiter = Arc::clone(limiter);
            waiting.spawn(async move {
                let permit = limiter.acquire(RateBucket::General).await.unwrap();
                // No answer comes, which is when the place falls free earliest, at any moment.
                sleep(Duration::from_secs(60)).await;
                limiter.release(permit, &PermitUsage::NoResponse);
            });
        }
    }
    let rate = scripts_per_second(&server, 3).await;
    assert!(rate <= 1_500.0, "{rate} scripts a second for {WORKERS} processes");
    drop(waiting);
    join_all(limiters.iter().map(|limiter| async { limiter.status() })).await;
}
