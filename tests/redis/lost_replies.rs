//! Replies of Redis that are lost: what it has done is done once, and told as it was.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hubspot_partner_clients::{
    bulk::Progress,
    redis::{Job, Redis},
};
use hubspot_simulator::Fault;
use tokio::time::sleep;

use crate::jobs::{BATCH, META, batches, hubspot, is_done, rows};
use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::client_speaking;

on_each_version! {
    a_batch_whose_lease_was_told_in_a_reply_that_was_lost_is_sent_at_once_and_not_suspected,
    whatever_replies_are_lost_each_batch_is_leased_and_settled_once,
    what_is_tried_again_is_told_though_the_reply_was_lost,
}

const BATCHES: &str = "hubspot-partner-clients:job:batches:test";

async fn job_at(proxy: &RedisProxy) -> Job {
    Redis::connect(proxy.url()).await.unwrap().job("test")
}

/// How often each batch is leased in this answer, which says how long ago as well.
fn leases(pending: &str) -> Vec<u64> {
    let numbers: Vec<_> = pending.lines().filter_map(|line| line.strip_prefix(':')?.parse().ok()).collect();
    numbers.chunks(2).map(|of_one| of_one[1]).collect()
}

/// Loses so many replies to calls with this word, and then waits for another one.
fn lose(proxy: &RedisProxy, word: &'static str, times: usize, then: impl FnOnce(&RedisProxy) + Send + 'static) {
    let own = proxy.clone();
    proxy.upon(word, move || {
        match times {
            0 | 1 => then(&own),
            times => lose(&own, word, times - 1, then),
        }
        true
    });
}

async fn a_batch_whose_lease_was_told_in_a_reply_that_was_lost_is_sent_at_once_and_not_suspected(version: &str) {
    let (server, hubspot) = (Arc::new(RedisServer::start()), hubspot(2 * BATCH).await);
    let proxy = RedisProxy::to(server.port());
    let job = job_at(&proxy).await;
    job.enqueue_associate_many("rows", rows(2 * BATCH)).await.unwrap();
    let leased = Arc::new(Mutex::new(String::new()));
    let (redis, at_first) = (Arc::clone(&server), Arc::clone(&leased));
    lose(&proxy, "claim", 5, move |proxy| {
        proxy.upon("settle", move || {
            *at_first.lock().unwrap() = redis.command(&["XPENDING", BATCHES, "workers", "-", "+", "10"]);
            false
        });
    });
    job.worker(&client_speaking(&hubspot, version)).concurrency(1).run().await.unwrap();
    assert!(proxy.has_happened());
    let leased = leases(&leased.lock().unwrap());
    assert!(!leased.is_empty() && leased.iter().all(|&leases| leases == 1), "{leased:?}");
    is_done(&job, &hubspot, 2 * BATCH).await;
}

async fn whatever_replies_are_lost_each_batch_is_leased_and_settled_once(version: &str) {
    let count = 10 * BATCH;
    let (server, hubspot) = (RedisServer::start(), hubspot(count).await);
    hubspot.inject(Fault::delay(Duration::from_millis(50)));
    let job = Redis::connect(server.url()).await.unwrap().job("test");
    job.enqueue_associate_many("rows", rows(count)).await.unwrap();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let proxies = [(); 2].map(|()| RedisProxy::to(server.port()));
    let work = async |proxy: &RedisProxy| {
        let client = client_speaking(&hubspot, version);
        job_at(proxy).await.worker(&client).concurrency(1).run().await.unwrap()
    };
    // One loss is certain, however few turns a busy machine has for others.
    for proxy in &proxies {
        proxy.upon("settle", || true);
    }
    let mut has_lost = false;
    let losses = async {
        loop {
            for proxy in &proxies {
                if proxy.has_happened() && random.u8(0..4) == 0 {
                    has_lost = true;
                    proxy.upon(["claim", "settle", "bind", "renew"][random.usize(0..4)], || true);
                }
            }
            let pending = server.command(&["XPENDING", BATCHES, "workers", "-", "+", "100"]);
            assert!(leases(&pending).iter().all(|&leases| leases <= 1), "seed {seed}: {pending}");
            sleep(Duration::from_millis(10)).await;
        }
    };
    let parts = tokio::select! {
        parts = async { tokio::join!(work(&proxies[0]), work(&proxies[1])) } => parts,
        () = losses => unreachable!(),
    };
    assert!(has_lost || proxies.iter().any(RedisProxy::has_happened), "seed {seed}: no reply was lost");
    is_done(&job, &hubspot, count).await;
    let (status, own) = (job.status().await.unwrap(), [parts.0, parts.1]);
    let sum = |of: fn(&Progress) -> u64| own.iter().map(of).sum::<u64>();
    assert_eq!(
        (status.succeeded, status.failed, status.requests, status.set_aside),
        (sum(|part| part.succeeded), sum(|part| part.failed), sum(|part| part.requests), 0),
        "seed {seed}"
    );
}

async fn what_is_tried_again_is_told_though_the_reply_was_lost(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(2 * BATCH).await);
    let proxy = RedisProxy::to(server.port());
    let job = job_at(&proxy).await;
    job.enqueue_associate_many("rows", rows(2 * BATCH)).await.unwrap();
    for tried in ["tried:0", "tried:1"] {
        server.number(&["HSET", META, tried, "4"]);
    }
    hubspot.inject(Fault::status(500));
    let client = client_speaking(&hubspot, version);
    job.worker(&client).run().await.unwrap();
    hubspot.clear_faults();
    assert_eq!(job.set_aside().await.unwrap().len(), 2);
    lose(&proxy, "retry", 3, |_| ());
    assert_eq!(job.retry().await.unwrap(), 2);
    assert!(proxy.has_happened());
    assert_eq!(job.retry().await.unwrap(), 0);
    let before = batches(&hubspot);
    job.worker(&client).run().await.unwrap();
    assert!(batches(&hubspot) > before);
    is_done(&job, &hubspot, 2 * BATCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_whose_reply_was_lost_is_told_as_one() {
    let server = RedisServer::start();
    let proxy = RedisProxy::to(server.port());
    let job = job_at(&proxy).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    // It removes nothing of what has been enqueued under the name since.
    let other = Redis::connect(server.url()).await.unwrap().job("test");
    for is_enqueued_anew in [false, true] {
        let (removed, removal) = std::sync::mpsc::channel();
        lose(&proxy, "remove", 1, move |proxy| {
            proxy.upon("remove", move || {
                removed.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(if is_enqueued_anew { 300 } else { 0 }));
                false
            });
        });
        let anew = async {
            tokio::task::spawn_blocking(move || removal.recv().unwrap()).await.unwrap();
            if is_enqueued_anew {
                other.enqueue_associate_many("other rows", rows(2)).await.unwrap();
            }
        };
        let (outcome, ()) = tokio::join!(job.remove(), anew);
        outcome.unwrap();
        if is_enqueued_anew {
            assert_eq!(other.status().await.unwrap().enqueued, 2);
        } else {
            assert_eq!(server.number(&["DBSIZE"]), 0);
            let error = job.remove().await.unwrap_err();
            assert!(error.message().contains("is not in Redis"), "{error}");
            job.enqueue_associate_many("rows", rows(1)).await.unwrap();
        }
    }
}
