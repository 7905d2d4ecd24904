//! Code of users that panics where Redis is shared, and what needs a runtime outside of one: it is told, and the others go on.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::join_all};
use hubspot_partner_clients::{
    Association, Attempt, Client, ClientBuilder, Error, ErrorKind, Observer, RateLimiter, TokenProvider,
    oauth::OAuthApp,
    redis::{Job, Redis},
    spec::RateBucket,
};
use hubspot_simulator as simulator;
use hubspot_simulator::Simulator;
use tokio::time::timeout;

use crate::redis_server::RedisServer;
use crate::support::{client_of, crm};

const HANGS: Duration = Duration::from_secs(60);

async fn redis(server: &RedisServer) -> Redis {
    Redis::connect(server.url()).await.unwrap()
}

fn builder(hubspot: &Simulator) -> ClientBuilder {
    Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token())
}

fn rows() -> impl Iterator<Item = Association> {
    (1..=10).map(|id| Association::new(id, "companies", id, "owner").unwrap())
}

/// Whether the rest of the job is done by a worker that does not panic.
async fn is_finished_by_another(job: &Job, hubspot: &Simulator) {
    timeout(HANGS, job.worker(&client_of(hubspot)).run()).await.expect("it hangs").unwrap();
    let outcomes: Vec<_> = job.outcomes().try_collect().await.unwrap();
    assert!(outcomes.len() == 10 && outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
}

struct NoDisk;

impl Observer for NoDisk {
    fn on_attempt(&self, _: &Attempt<'_>) {
        panic!("no space left for metrics");
    }
}

#[tokio::test]
async fn an_observer_ends_the_worker_and_loses_nothing() {
    let (server, hubspot) = (RedisServer::start(), crm(10, 10).start().await.unwrap());
    let job = redis(&server).await.job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    let client = builder(&hubspot).observer(NoDisk).build().unwrap();
    let error = timeout(HANGS, job.worker(&client).run()).await.expect("it hangs").unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Panic, "the observer panicked: no space left for metrics"));
    assert!(hubspot.requests().len() <= 2, "HubSpot was asked again and again");
    is_finished_by_another(&job, &hubspot).await;
}

#[tokio::test]
async fn a_worker_s_progress_panics_where_the_worker_is_polled() {
    let (server, hubspot) = (RedisServer::start(), crm(10, 10).start().await.unwrap());
    let job = redis(&server).await.job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    let worker = job.worker(&client_of(&hubspot)).on_progress(|_| panic!("no terminal"));
    let run = timeout(HANGS, AssertUnwindSafe(worker.run()).catch_unwind());
    let panic = run.await.expect("it hangs").unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"no terminal"));
    // What it told of is settled.
    assert_eq!(job.status().await.unwrap().settled(), 10);
    is_finished_by_another(&job, &hubspot).await;
}

#[tokio::test]
async fn inputs_that_panic_leave_a_job_that_can_be_enqueued_on() {
    let (server, hubspot) = (RedisServer::start(), crm(10, 10).start().await.unwrap());
    let job = redis(&server).await.job("test");
    let damaged = rows().inspect(|row| assert!(row.partner_client_id.as_str() != "7", "line 7 is damaged"));
    AssertUnwindSafe(job.enqueue_associate_many("rows", damaged)).catch_unwind().await.unwrap_err();
    assert!(!job.status().await.unwrap().is_complete);
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    is_finished_by_another(&job, &hubspot).await;
}

#[tokio::test]
async fn a_limiter_goes_on_beside_calls_whose_observer_panics() {
    let (server, hubspot) = (RedisServer::start(), crm(10, 10).start().await.unwrap());
    let limiter = redis(&server).await.limiter("account").connect().await.unwrap();
    let limiter = std::sync::Arc::new(limiter);
    let client = builder(&hubspot).rate_limiter(std::sync::Arc::clone(&limiter)).observer(NoDisk).build().unwrap();
    let well = builder(&hubspot).rate_limiter(std::sync::Arc::clone(&limiter)).build().unwrap();
    let calls = join_all((1..=10).map(|id| client.get(id).send()));
    for outcome in timeout(HANGS, calls).await.expect("it hangs") {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Panic);
    }
    for outcome in timeout(HANGS, join_all((1..=10).map(|id| well.get(id).send()))).await.expect("it hangs") {
        outcome.unwrap();
    }
    assert!(limiter.status().general.used <= 20);
}

#[tokio::test]
async fn a_callback_for_refresh_tokens_keeps_no_other_process_from_its_token() {
    let server = RedisServer::start();
    let app = simulator::OAuthApp::new("id", "secret", "refresh").rotating_refresh_token();
    let hubspot = crm(1, 1).oauth_app(app).start().await.unwrap();
    let app = OAuthApp::builder("id", "secret").base_url(hubspot.base_url()).build().unwrap();
    let redis = redis(&server).await;
    let store = async || redis.token_store("id", "account", [7; 32]).await.unwrap();
    let token = app.token("refresh").unwrap().store(store().await);
    let token = token.on_new_refresh_token(|_| async {
        assert!(std::env::args().len() == 0, "the disk is full");
        Ok::<_, Infallible>(())
    });
    let error = timeout(HANGS, token.access_token()).await.expect("it hangs").unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    let other = app.token("refresh").unwrap().store(store().await);
    timeout(HANGS, other.access_token()).await.expect("it hangs").unwrap();
}

#[test]
fn what_needs_a_runtime_is_refused_outside_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = RedisServer::start();
    let (redis, hubspot) = runtime.block_on(async { (redis(&server).await, crm(10, 10).start().await.unwrap()) });
    let limiter = runtime.block_on(redis.limiter("account").connect()).unwrap();
    let client = client_of(&hubspot);
    let job = redis.job("test");
    let at_once = |outcome: Option<Result<(), Error>>| outcome.expect("it fails at once").unwrap_err();
    let errors = [
        at_once(job.status().now_or_never().map(|outcome| outcome.map(drop))),
        at_once(job.enqueue_associate_many("rows", rows()).now_or_never()),
        at_once(job.enqueue_dissociate_many("rows", rows()).now_or_never()),
        at_once(job.worker(&client).run().now_or_never().map(|outcome| outcome.map(drop))),
        at_once(job.worker(&client).run_until(std::future::pending::<()>()).now_or_never().map(|o| o.map(drop))),
        at_once(job.outcomes().next().now_or_never().flatten().map(|outcome| outcome.map(drop))),
        at_once(job.remove().now_or_never()),
        at_once(redis.token_store("id", "account", [7; 32]).now_or_never().map(|outcome| outcome.map(drop))),
        at_once(redis.limiter("account").connect().now_or_never().map(|outcome| outcome.map(drop))),
    ];
    for error in errors {
        assert!(error.is_invalid_input() && error.message().contains("Tokio runtime is missing"), "{error}");
    }
    let by = tokio::time::Instant::now() + Duration::from_secs(1);
    for permit in [limiter.acquire(RateBucket::General), limiter.acquire_by(RateBucket::General, by)] {
        assert!(permit.now_or_never().expect("it fails at once").is_err());
    }
    assert!(hubspot.requests().is_empty());
}
