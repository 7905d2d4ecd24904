//! Shared bulk work whose workers are killed or stopped, and whose Redis is slow, restarted or loses data.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hubspot_partner_clients::redis::Job;
use hubspot_simulator::{Fault, InvalidAssociations};
use tokio::time::{sleep, timeout};

use crate::jobs::{BATCH, CLIENTS, batches, hubspot, is_done, job, rows};
use crate::limiters::round_trips;
use crate::redis_server::RedisServer;
use crate::support::{client_of, client_speaking, crm};

on_each_version! {
    the_batches_of_a_worker_that_is_gone_are_claimed_by_others,
    a_worker_that_is_slow_keeps_its_batches_and_one_that_stops_gives_them_back,
    workers_wait_for_a_redis_that_is_slow,
    workers_survive_a_restart_of_redis_that_loses_the_latest,
    what_redis_lost_of_the_enqueuing_is_enqueued_again,
}

async fn the_batches_of_a_worker_that_is_gone_are_claimed_by_others(version: &str) {
    let server = RedisServer::start();
    let hubspot = crm(CLIENTS, 80)
        .fault(Fault::delay(Duration::from_secs(600)).on("batch_associate").times(4))
        .start()
        .await
        .unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(8_000)).await.unwrap();
    // As a process that is killed.
    let killed = timeout(Duration::from_secs(1), job.worker(&client_speaking(&hubspot, version)).run()).await;
    assert!(killed.is_err());
    assert_eq!(job.status().await.unwrap().settled(), 0);
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    is_done(&job, &hubspot, 8_000).await;
}

async fn a_worker_that_is_slow_keeps_its_batches_and_one_that_stops_gives_them_back(version: &str) {
    let server = RedisServer::start();
    let hubspot = crm(CLIENTS, 20)
        .fault(Fault::delay(Duration::from_secs(600)).on("batch_associate").times(1))
        .start()
        .await
        .unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    let client = client_speaking(&hubspot, version);
    let slow = job.worker(&client).run_until(sleep(Duration::from_secs(18)));
    let other = async {
        sleep(Duration::from_secs(1)).await;
        let part = timeout(Duration::from_secs(16), job.worker(&client).run()).await;
        assert!(part.is_err(), "the lease was renewed");
        assert_eq!(job.status().await.unwrap().workers, 2);
        // On a dated version the request that was on its way may still set labels, until the lease ends.
        let patience = if version == "v3" { 5 } else { 25 };
        timeout(Duration::from_secs(patience), job.worker(&client).run()).await.expect("it has them by then")
    };
    let (stopped, part) = tokio::join!(slow, other);
    assert_eq!(stopped.unwrap().succeeded, 0);
    assert_eq!(part.unwrap().succeeded, BATCH as u64 - 4);
    is_done(&job, &hubspot, BATCH).await;
}

/// Two workers, begun again as supervisors do when they end with an error, while something happens to Redis.
async fn workers_while(version: &str, server: &mut RedisServer, happens: impl AsyncFnOnce(&mut RedisServer, &Job)) {
    let count = 12_000;
    let hubspot = crm(CLIENTS, count / CLIENTS)
        .invalid_associations(InvalidAssociations::Refuse)
        .fault(Fault::delay(Duration::from_millis(20)))
        .start()
        .await
        .unwrap();
    let job = job(server).await;
    job.enqueue_associate_many("rows", rows(count)).await.unwrap();
    let ended = AtomicUsize::new(0);
    let work = async || {
        let client = client_speaking(&hubspot, version);
        job.worker(&client).concurrency(1).run().await.unwrap();
        ended.fetch_add(1, Ordering::Relaxed);
    };
    let happening = async {
        while job.status().await.is_ok_and(|status| status.settled() < 4_000) {
            sleep(Duration::from_millis(5)).await;
        }
        happens(server, &job).await;
        assert_eq!(ended.load(Ordering::Relaxed), 0, "it happened in the middle");
    };
    tokio::join!(work(), work(), happening);
    is_done(&job, &hubspot, count).await;
}

async fn workers_wait_for_a_redis_that_is_slow(version: &str) {
    workers_while(version, &mut RedisServer::start(), async |server, _| {
        server.signal("-STOP");
        sleep(Duration::from_secs(5)).await;
        server.signal("-CONT");
    })
    .await;
}

async fn workers_survive_a_restart_of_redis_that_loses_the_latest(version: &str) {
    workers_while(version, &mut RedisServer::durable(), async |server, job| {
        let before = job.status().await.unwrap().settled();
        server.stop();
        // The settling of a batch takes some hundred bytes; on a dated version some for each of its inputs as well, and so
        // do the claims that come after it.
        server.lose(if version == "v3" { 2_500 } else { 200_000 });
        sleep(Duration::from_secs(1)).await;
        server.restart();
        let after = job.status().await.unwrap();
        assert!(after.settled() < before, "{} were settled, {after:?}", before);
        assert_eq!(after.enqueued, 12_000);
    })
    .await;
}

async fn what_redis_lost_of_the_enqueuing_is_enqueued_again(version: &str) {
    let mut server = RedisServer::durable();
    let hubspot = hubspot(8_000).await;
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(8_000)).await.unwrap();
    server.stop();
    server.lose(100_000);
    server.restart();
    let status = job.status().await.unwrap();
    assert!(!status.is_complete && status.enqueued < 8_000, "{status:?}");
    job.enqueue_associate_many("rows", rows(8_000)).await.unwrap();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    is_done(&job, &hubspot, 8_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_redis_lost_while_a_worker_had_it_is_not_sent_again() {
    for is_settled_before in [true, false] {
        let mut server = RedisServer::durable();
        let hubspot = crm(CLIENTS, 20).fault(Fault::delay(Duration::from_secs(5)).times(1)).start().await.unwrap();
        let job = job(&server).await;
        job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
        let happening = async {
            while batches(&hubspot) == 0 {
                sleep(Duration::from_millis(5)).await;
            }
            server.stop();
            server.lose(50_000);
            server.restart();
            assert_eq!(job.status().await.unwrap().enqueued, 0);
            while is_settled_before && job.status().await.unwrap().settled() == 0 {
                sleep(Duration::from_millis(20)).await;
            }
            job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
        };
        let client = client_of(&hubspot);
        let (part, ()) = tokio::join!(job.worker(&client).run(), happening);
        part.unwrap();
        is_done(&job, &hubspot, BATCH).await;
        assert_eq!(batches(&hubspot), 2, "one names the bad rows, one makes the others");
        let asked = round_trips(&server);
        assert!(is_settled_before || asked < 60, "{asked} round trips, to find what the worker has");
    }
}
