//! Batches that fail time and again: they are set aside with their error, hold up nothing, and can be tried again. And the list
//! of all jobs.

use futures_util::TryStreamExt;
use hubspot_partner_clients::{
    Association, Result,
    bulk::Outcome,
    redis::{Job, Redis},
};
use hubspot_simulator::Fault;

use crate::redis_server::RedisServer;
use crate::support::{client_speaking, crm};

on_each_version! {
    a_batch_that_fails_to_the_last_is_set_aside_with_its_error_and_can_be_tried_again,
    what_is_tried_again_is_counted_once,
}

const BATCH: usize = 2_000;

async fn redis(server: &RedisServer) -> Redis {
    Redis::connect(server.url()).await.unwrap()
}

/// Of one partner client: a batch, and two more, of which the first is with a company that there is none of.
fn rows() -> impl Iterator<Item = Result<Association>> {
    let companies = (1..=BATCH).map(|company| Association::new(1, "companies", company % 20 + 1, 7));
    companies.chain([Association::new(1, "companies", 99, 7), Association::new(1, "companies", 1, 7)])
}

async fn outcomes(job: &Job) -> Vec<Outcome> {
    job.outcomes().try_collect().await.unwrap()
}

fn attempts(server: &RedisServer, tried: &str) {
    server.number(&["HSET", "hubspot-partner-clients:job:meta:test", tried, "4"]);
}

async fn a_batch_that_fails_to_the_last_is_set_aside_with_its_error_and_can_be_tried_again(version: &str) {
    let server = RedisServer::start();
    let job = redis(&server).await.job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    attempts(&server, "tried:0");
    attempts(&server, "tried:1");
    let broken = crm(1, 20).fault(Fault::status(500)).start().await.unwrap();
    // Of the server that the job belongs to.
    let client = client_speaking(&broken, version);
    job.worker(&client).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, status.set_aside, status.failed), (true, 2, 2_002));
    let aside = job.set_aside().await.unwrap();
    let known: Vec<_> = aside.iter().map(|aside| (aside.number, aside.inputs, aside.failed)).collect();
    assert_eq!(known, [(0, 2_000, 2_000), (1, 2, 2)]);
    assert!(aside.iter().all(|aside| aside.error.status() == Some(500)), "{aside:?}");
    assert!(outcomes(&job).await.iter().all(|outcome| outcome.result.is_err()), "they are outcomes until then");

    broken.clear_faults();
    assert_eq!(job.retry().await.unwrap(), 2);
    assert_eq!(job.retry().await.unwrap(), 0);
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, status.set_aside, status.settled()), (false, 0, 0));
    assert!(job.outcomes().try_next().await.unwrap_err().message().contains("is not finished"));
    job.worker(&client).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, status.set_aside), (true, 0));
    assert_eq!((status.succeeded, status.failed), (2_001, 1));
    assert!(job.set_aside().await.unwrap().is_empty());
    let outcomes = outcomes(&job).await;
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.result.is_err()).map(|outcome| outcome.index).collect();
    assert_eq!((outcomes.len(), failed), (2_002, vec![2_000]), "one outcome for each input, in their order");
    assert_eq!(broken.association_count(), 20);
}

async fn what_is_tried_again_is_counted_once(version: &str) {
    let server = RedisServer::start();
    let job = redis(&server).await.job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    // The second batch alone is refused for what it is, and the first fails.
    attempts(&server, "tried:0");
    let hubspot = crm(1, 20).fault(Fault::status(500).times(1)).start().await.unwrap();
    let client = client_speaking(&hubspot, version);
    job.worker(&client).concurrency(1).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, status.set_aside), (true, 1));
    assert_eq!((status.succeeded, status.failed), (1, 2_001));
    for _ in 0..3 {
        assert_eq!(job.retry().await.unwrap(), 1);
        attempts(&server, "tried:0");
        hubspot.inject(Fault::status(503).times(1));
        job.worker(&client).run().await.unwrap();
        let status = job.status().await.unwrap();
        assert_eq!((status.is_finished, status.set_aside), (true, 1));
        assert_eq!((status.succeeded, status.failed), (1, 2_001));
        assert_eq!(job.set_aside().await.unwrap()[0].error.status(), Some(503), "the latest");
    }
    job.retry().await.unwrap();
    job.worker(&client).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.succeeded, status.failed, status.set_aside), (2_001, 1, 0));
}

#[tokio::test]
async fn all_jobs_are_listed_until_they_are_removed() {
    let server = RedisServer::start();
    let redis = redis(&server).await;
    assert!(redis.jobs().await.unwrap().is_empty());
    for name in ["march", "april", "a:b c*"] {
        redis.job(name).enqueue_associate_many("rows", rows().take(1)).await.unwrap();
        // So that the order of their beginning can be told.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    redis.job("march").enqueue_associate_many("rows", rows().take(1)).await.unwrap();
    assert_eq!(redis.jobs().await.unwrap(), ["march", "april", "a:b c*"]);
    let elsewhere = Redis::builder(server.url()).prefix("other").connect().await.unwrap();
    assert!(elsewhere.jobs().await.unwrap().is_empty());
    redis.job("april").remove().await.unwrap();
    assert_eq!(redis.jobs().await.unwrap(), ["march", "a:b c*"]);
    assert_eq!(server.number(&["EXISTS", "hubspot-partner-clients:jobs"]), 1);
    for name in ["march", "a:b c*"] {
        redis.job(name).remove().await.unwrap();
    }
    assert_eq!(server.number(&["DBSIZE"]), 0);
}
