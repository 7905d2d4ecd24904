//! Bulk work that several workers share. Redis is real, and so is its clock.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{
    Association, Client, Error, Permit, PermitFuture, PermitUsage, RateLimitStatus, RateLimiter, Result,
    bulk::Outcome,
    redis::{Job, Redis},
    spec::RateBucket,
};
use hubspot_simulator::{Fault, Simulator};
use tokio::time::{sleep, timeout};

use crate::redis_server::RedisServer;
use crate::support::{client_speaking, crm};

on_each_version! {
    several_workers_settle_a_job_together,
    associations_are_removed_as_well,
    batches_are_claimed_together_so_that_object_types_mix_without_more_requests,
    enqueuing_goes_on_where_it_stopped_and_adds_nothing_twice,
    what_stops_a_worker_is_no_outcome,
    faults_that_pass_are_tried_again_and_those_that_do_not_are_outcomes_in_the_end,
    what_never_reached_hubspot_is_no_attempt,
    inputs_that_cannot_be_sent_keep_their_error,
    a_worker_of_a_job_that_is_removed_ends,
    a_user_needs_no_more_than_is_documented,
}

pub const CLIENTS: usize = 100;
pub const BATCH: usize = 2_000;
pub const META: &str = "hubspot-partner-clients:job:meta:test";

pub async fn job(server: &RedisServer) -> Job {
    Redis::connect(server.url()).await.unwrap().job("test")
}

/// Different associations of a hundred partner clients; every five hundredth is with a company that there is none of.
pub fn rows(count: usize) -> impl Iterator<Item = Result<Association>> + Clone {
    (0..count).map(|row| {
        let company = if row % 500 == 250 { 1_000_000 + row } else { row / CLIENTS + 1 };
        Association::new(row % CLIENTS + 1, "companies", company, 7)
    })
}

fn is_bad(row: usize) -> bool {
    row % 500 == 250
}

pub async fn hubspot(rows: usize) -> Simulator {
    crm(CLIENTS, rows / CLIENTS).start().await.unwrap()
}

async fn outcomes(job: &Job) -> Vec<Outcome> {
    job.outcomes().try_collect().await.unwrap()
}

/// One outcome for each row, in their order, and what HubSpot has is what they say.
pub async fn is_done(job: &Job, hubspot: &Simulator, count: usize) {
    let outcomes = outcomes(job).await;
    assert_eq!(outcomes.len(), count);
    let value = |Association { partner_client_id, to_object_id, .. }: &Association| {
        (partner_client_id.to_string(), to_object_id.to_string())
    };
    let mut wanted = BTreeSet::new();
    for (row, (outcome, association)) in outcomes.iter().zip(rows(count).map(Result::unwrap)).enumerate() {
        assert_eq!((outcome.index, value(outcome.association.as_ref().unwrap())), (row as u64, value(&association)));
        match &outcome.result {
            Ok(()) => assert!(!is_bad(row) && wanted.insert(value(&association))),
            Err(error) => {
                assert!(is_bad(row), "{row}: {error}");
                assert_eq!((error.status(), error.category()), (Some(400), Some("VALIDATION_ERROR")));
                assert!(error.correlation_id().is_some());
            }
        }
    }
    assert_eq!(hubspot.association_count(), wanted.len());
    for client in 1..=CLIENTS {
        for made in hubspot.associations(&client.to_string()) {
            assert!(wanted.contains(&(client.to_string(), made.to_object_id)));
        }
    }
    let status = job.status().await.unwrap();
    assert!(status.is_complete && status.is_finished);
    assert_eq!((status.total, status.enqueued, status.settled()), (Some(count as u64), count as u64, count as u64));
    assert_eq!(status.succeeded, wanted.len() as u64);
    assert_eq!(status.time_left, Some(Duration::ZERO));
}

/// Requests that change something.
pub fn batches(hubspot: &Simulator) -> usize {
    hubspot.requests().iter().filter(|request| request.method() != "GET").count()
}

async fn several_workers_settle_a_job_together(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(20_000).await);
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(20_000)).await.unwrap();
    let before = job.status().await.unwrap();
    assert_eq!((before.operation.as_str(), before.input.as_str()), ("associate", "rows"));
    assert_eq!((before.enqueued, before.settled(), before.workers), (20_000, 0, 0));
    assert!(before.is_complete && !before.is_finished && before.time_left.is_none());

    let clients: Vec<Client> = (0..4).map(|_| client_speaking(&hubspot, version)).collect();
    let workers = clients.iter().map(|client| job.worker(client).concurrency(1).run());
    let parts = futures_util::future::try_join_all(workers).await.unwrap();

    is_done(&job, &hubspot, 20_000).await;
    let sum = |part: fn(&hubspot_partner_clients::bulk::Progress) -> u64| parts.iter().map(part).sum::<u64>();
    assert_eq!((sum(|part| part.succeeded), sum(|part| part.failed)), (19_960, 40));
    assert!(parts.iter().filter(|part| part.succeeded > 0).count() > 1, "more than one had a part");
    // The bad rows are named, so the second request makes the rest of a batch.
    let after = job.status().await.unwrap();
    assert_eq!((batches(&hubspot), sum(|part| part.requests), after.requests), (20, 20, 20));
    assert!(after.rate > 0.0);

    job.remove().await.unwrap();
    assert_eq!(server.number(&["DBSIZE"]), 0);
}

async fn associations_are_removed_as_well(version: &str) {
    let server = RedisServer::start();
    let mut crm = crm(CLIENTS, 10);
    for id in 1..=250 {
        crm = crm.association((id % CLIENTS + 1).to_string(), "companies", (id / CLIENTS + 1).to_string(), "7");
    }
    let hubspot = crm.start().await.unwrap();
    let job = job(&server).await;
    let inputs = (1..=250).map(|id| (id % CLIENTS + 1, ("companies", id / CLIENTS + 1), 7));
    job.enqueue_dissociate_many("rows", inputs).await.unwrap();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    assert_eq!((hubspot.association_count(), batches(&hubspot)), (0, 3));
    assert!(outcomes(&job).await.iter().all(|outcome| outcome.result.is_ok()));
}

async fn batches_are_claimed_together_so_that_object_types_mix_without_more_requests(version: &str) {
    let (server, hubspot) = (RedisServer::start(), crm(8_000, 1).object("deals", "1", [("name", "x")]));
    let hubspot = hubspot.start().await.unwrap();
    let job = job(&server).await;
    let inputs = (1..=8_000).map(|id| if id % 2 == 0 { (id, ("companies", 1), 7) } else { (id, ("deals", 1), 8) });
    job.enqueue_associate_many("rows", inputs).await.unwrap();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    assert_eq!((hubspot.association_count(), batches(&hubspot)), (8_000, 4));
}

async fn enqueuing_goes_on_where_it_stopped_and_adds_nothing_twice(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(7_000).await);
    let job = job(&server).await;
    let interrupted = tokio::spawn({
        let job = job.clone();
        let inputs =
            rows(7_000).enumerate().map(|(row, input)| if row < 5_000 { input } else { panic!("interrupted") });
        async move { job.enqueue_associate_many("rows", inputs).await }
    });
    assert!(interrupted.await.unwrap_err().is_panic());
    let status = job.status().await.unwrap();
    assert_eq!((status.is_complete, status.enqueued), (false, 4_000));
    let error = job.outcomes().try_next().await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("is not finished (0 of"), "{error}");

    // A worker does what there is, and waits for the rest.
    let worker = tokio::spawn({
        let (job, client) = (job.clone(), client_speaking(&hubspot, version));
        async move { job.worker(&client).run().await }
    });
    while job.status().await.unwrap().settled() < status.enqueued {
        sleep(Duration::from_millis(20)).await;
    }
    assert!(!worker.is_finished());
    let (first, second) = (job.clone(), job.clone());
    let (first, second) = tokio::join!(
        first.enqueue_associate_many("rows", rows(7_000)),
        second.enqueue_associate_many("rows", rows(7_000))
    );
    first.and(second).unwrap();
    worker.await.unwrap().unwrap();
    is_done(&job, &hubspot, 7_000).await;

    job.enqueue_associate_many("rows", rows(7_000)).await.unwrap();
    is_done(&job, &hubspot, 7_000).await;
    assert_eq!(server.number(&["XLEN", "hubspot-partner-clients:job:batches:test"]), 4);
}

async fn what_stops_a_worker_is_no_outcome(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(BATCH).await);
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    let another = Client::builder().base_url(hubspot.base_url()).access_token("another");
    let another = another.api_version(version.parse().unwrap()).build().unwrap();
    let error = job.worker(&another).run().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    let error = job.worker(&client_speaking(&hubspot, version)).concurrency(0).run().await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("concurrency \"0\" "), "{error}");
    assert_eq!(job.status().await.unwrap().settled(), 0);
    // It gave back what it had.
    timeout(Duration::from_secs(10), job.worker(&client_speaking(&hubspot, version)).run()).await.unwrap().unwrap();
    is_done(&job, &hubspot, BATCH).await;
}

async fn faults_that_pass_are_tried_again_and_those_that_do_not_are_outcomes_in_the_end(version: &str) {
    let server = RedisServer::start();
    let hubspot = crm(CLIENTS, 20).fault(Fault::status(503).times(1)).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    is_done(&job, &hubspot, BATCH).await;

    job.remove().await.unwrap();
    job.enqueue_associate_many("rows", rows(2)).await.unwrap();
    server.number(&["HSET", META, "tried:0", "4"]);
    let broken = crm(CLIENTS, 20).fault(Fault::status(500)).start().await.unwrap();
    let part = job.worker(&client_speaking(&broken, version)).run().await.unwrap();
    assert_eq!((part.succeeded, part.failed), (0, 2));
    for outcome in outcomes(&job).await {
        let error = outcome.result.unwrap_err();
        assert_eq!(error.status(), Some(500), "{error}");
    }
}

/// Has no permit once, as when Redis was gone for a moment.
#[derive(Debug, Default)]
struct FailsOnce(AtomicBool);

impl RateLimiter for FailsOnce {
    fn try_acquire(&self, _: RateBucket) -> Option<Permit> {
        None
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        let failed = self.0.swap(true, Ordering::Relaxed);
        Box::pin(async move { if failed { Ok(Permit::new(bucket, 0)) } else { Err("gone".into()) } })
    }

    fn release(&self, _: Permit, _: &PermitUsage) {}

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

async fn what_never_reached_hubspot_is_no_attempt(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(CLIENTS).await);
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(CLIENTS)).await.unwrap();
    server.number(&["HSET", META, "tried:0", "4"]);
    let client = Client::builder()
        .base_url(hubspot.base_url())
        .access_token(hubspot.access_token())
        .api_version(version.parse().unwrap());
    let client = client.rate_limiter(FailsOnce::default()).build().unwrap();
    job.worker(&client).run().await.unwrap();
    is_done(&job, &hubspot, CLIENTS).await;
}

async fn inputs_that_cannot_be_sent_keep_their_error(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(CLIENTS).await);
    let job = job(&server).await;
    let inputs = [(1, ("companies", "1"), 7), (1, ("companies", ".."), 7), (2, ("companies", "1"), 7)];
    job.enqueue_associate_many("rows", inputs).await.unwrap();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    let outcomes = outcomes(&job).await;
    let alone = client_speaking(&hubspot, version)
        .associate_many([inputs[1]])
        .outcomes()
        .next()
        .await
        .unwrap()
        .result
        .unwrap_err();
    let error = outcomes[1].result.as_ref().unwrap_err();
    assert!(error.is_invalid_input() && error.message() == alone.message(), "{error}");
    assert!(outcomes[0].result.is_ok() && outcomes[2].result.is_ok());
    assert_eq!(hubspot.association_count(), 2);
}

pub fn names_it(error: &Error, parts: &[&str]) {
    assert!(error.is_invalid_input(), "{error:?}");
    for part in parts {
        assert!(error.message().contains(part), "{part:?} in {error}");
    }
}

async fn a_worker_of_a_job_that_is_removed_ends(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot(CLIENTS).await);
    let (job, client) = (job(&server).await, client_speaking(&hubspot, version));
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    server.number(&["HDEL", META, "complete"]);
    let removing = async {
        while job.status().await.unwrap().settled() == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        job.remove().await.unwrap();
        // Another of the same name is not its own.
        job.enqueue_associate_many("other rows", rows(5)).await.unwrap();
    };
    let (ended, ()) = tokio::join!(job.worker(&client).run(), removing);
    names_it(&ended.unwrap_err(), &["was removed and enqueued anew", "start again"]);
    assert_eq!(job.status().await.unwrap().settled(), 0);
}

async fn a_user_needs_no_more_than_is_documented(version: &str) {
    let tour = include_str!("../../src/tour.md");
    let documented = tour.split("restricted by an ACL").nth(1).unwrap().split("\n#").next().unwrap();
    let commands: String = documented
        .split('`')
        .filter(|part| part.starts_with('+'))
        .fold(String::new(), |all, part| all + &part.split_whitespace().collect::<Vec<_>>().join(" ") + " ");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("users.acl");
    std::fs::write(&file, format!("user worker on >secret ~hubspot-partner-clients:* {commands}\n")).unwrap();
    let server = RedisServer::with(&["--aclfile", file.to_str().unwrap()]);
    let hubspot = hubspot(CLIENTS).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1gb"]);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let redis = Redis::connect(format!("redis://worker:secret@127.0.0.1:{}/1", server.port())).await.unwrap();
    assert!(redis.warning().is_some());
    let limiter = redis.limiter("account").connect().await.unwrap();
    let client = Client::builder()
        .base_url(hubspot.base_url())
        .access_token(hubspot.access_token())
        .api_version(version.parse().unwrap());
    let client = client.rate_limiter(limiter).build().unwrap();
    let job = redis.job("test");
    job.enqueue_associate_many("rows", rows(CLIENTS)).await.unwrap();
    job.worker(&client).run().await.unwrap();
    is_done(&job, &hubspot, CLIENTS).await;
    assert!(job.set_aside().await.unwrap().is_empty());
    assert_eq!((job.retry().await.unwrap(), redis.jobs().await.unwrap().len()), (0, 1));
    job.remove().await.unwrap();
    // Nothing was denied but what nothing depends on.
    let log = server.command(&["ACL", "LOG"]);
    let mut denied = log.split("object\r\n").skip(1).map(|entry| entry.split("\r\n").nth(1).unwrap());
    assert!(
        log.contains("\r\nping\r\n") && denied.all(|command| ["ping", "client|setinfo"].contains(&command)),
        "{log}"
    );
}
