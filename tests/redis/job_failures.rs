//! What goes wrong with shared bulk work: what is told, what is counted, and what is tried again. Redis is real.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt;
use httpmock::MockServer;
use hubspot_partner_clients::{
    ApiVersion, Association, Client, Error, Result, RetryPolicy, TokenFuture, TokenProvider,
    bulk::Outcome,
    redis::{Job, Redis},
};
use hubspot_simulator::Fault;
use serde_json::json;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, pause, sleep, timeout},
};

use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::{client_at, client_of, crm};

const META: &str = "hubspot-partner-clients:job:meta:test";
const BATCHES: &str = "hubspot-partner-clients:job:batches:test";
const OUTCOMES: &str = "hubspot-partner-clients:job:outcomes:test";
const BATCH: usize = 2_000;
/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

async fn job_at(url: String) -> Job {
    Redis::connect(url).await.unwrap().job("test")
}

async fn job(server: &RedisServer) -> Job {
    job_at(server.url()).await
}

/// All of one partner client, with different companies.
fn rows(count: usize) -> impl Iterator<Item = Result<Association>> {
    (1..=count).map(|company| Association::new(1, "companies", company, "owner"))
}

async fn outcomes(job: &Job) -> Vec<Result<Outcome>> {
    let mut outcomes = job.outcomes();
    let mut all = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        let failed = outcome.is_err();
        all.push(outcome);
        if failed {
            break;
        }
    }
    all
}

fn names_it(error: &Error, parts: &[&str]) {
    for part in parts {
        assert!(error.message().contains(part), "{part:?} in {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_which_redis_has_lost_a_part_is_damaged_and_not_shorter() {
    let server = RedisServer::start();
    let hubspot = crm(1, 5_000).start().await.unwrap();
    let remedy = "remove it and enqueue it again, with a Redis that keeps its data (`maxmemory-policy noeviction`, \
                  `appendonly yes`)";
    let last = || -> String {
        let entry = server.command(&["XREVRANGE", BATCHES, "+", "-", "COUNT", "1"]);
        entry.split("\r\n").find(|line| line.contains('-')).unwrap().to_owned()
    };
    let last_of = |part: &str| if part == "last" { last() } else { part.to_owned() };
    let cases: [(&[&str], usize, &str, &str); 4] = [
        (&["DEL", BATCHES], 0, BATCHES, "lacks batch 1 of 3"),
        (&["XTRIM", BATCHES, "MAXLEN", "2"], 0, BATCHES, "lacks batch 1 of 3"),
        (&["XDEL", BATCHES, "last"], 4_000, BATCHES, "lacks batch 3 of 3"),
        (&["HDEL", OUTCOMES, "1"], 2_000, OUTCOMES, "lacks the outcomes of batch 2 of 3"),
    ];
    for (loss, left, key, told) in cases {
        let job = job(&server).await;
        job.enqueue_associate_many("rows", rows(5_000)).await.unwrap();
        job.worker(&client_of(&hubspot)).run().await.unwrap();
        assert_eq!(outcomes(&job).await.len(), 5_000);
        let loss: Vec<String> = loss.iter().map(|part| last_of(part)).collect();
        assert!(server.number(&loss.iter().map(String::as_str).collect::<Vec<_>>()) > 0);
        let mut read = outcomes(&job).await;
        let error = read.pop().unwrap().unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        names_it(&error, &["job \"test\" is damaged", key, told, remedy]);
        assert_eq!(read.len(), left);
        assert!(read.iter().all(Result::is_ok));
        job.remove().await.unwrap();
    }
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    server.number(&["DEL", BATCHES]);
    for error in [
        job.worker(&client_of(&hubspot)).run().await.unwrap_err(),
        job.enqueue_associate_many("rows", rows(2)).await.unwrap_err(),
    ] {
        names_it(&error, &["job \"test\" is damaged", BATCHES, "is gone", remedy]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_no_number_is_damage_and_not_zero() {
    let server = RedisServer::start();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    for (field, kept) in [("succeeded", None), ("requests", None), ("inputs", Some("1")), ("total", Some("1"))] {
        server.command(&["HSET", META, field, "many"]);
        names_it(&job.status().await.unwrap_err(), &["job \"test\" is damaged", "remove it and enqueue it again"]);
        server.command(&["HDEL", META, field]);
        kept.into_iter().for_each(|kept| drop(server.command(&["HSET", META, field, kept])));
    }
    assert_eq!(job.status().await.unwrap().enqueued, 1);
    // As zero it would have the first batch enqueued again.
    server.command(&["HSET", META, "batches", "many"]);
    let error = job.enqueue_associate_many("rows", rows(1)).await.unwrap_err();
    names_it(&error, &["job \"test\" is damaged", "the number of its batches is \"many\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_job_that_holds_something_else_is_named() {
    let server = RedisServer::start();
    let hubspot = crm(1, 1).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    for key in [OUTCOMES, BATCHES] {
        server.number(&["DEL", key]);
        server.command(&["SET", key, "taken"]);
        let error = job.worker(&client_of(&hubspot)).run().await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        names_it(&error, &[&format!("the key {key} holds a string")]);
        assert!(!error.message().contains(META), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_rows_that_failed_is_small_however_much_hubspot_says() {
    let server = RedisServer::start();
    let hubspot = MockServer::start_async().await;
    let named = |company: usize| format!("COMPANY={company} is not valid");
    let details = (1..=BATCH).map(|company| {
        json!({"message": format!("{} {}", named(company), "for a reason ".repeat(5)), "in": company.to_string()})
    });
    let answer = json!({
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": (1..=BATCH).map(named).collect::<Vec<_>>().join(", "),
        "errors": details.collect::<Vec<_>>(),
        "context": {"INVALID_OBJECT_IDS": (1..=BATCH).map(named).collect::<Vec<_>>()},
    });
    hubspot.mock_async(|_, then| drop(then.status(400).json_body(answer))).await;
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    job.worker(&client_at(&hubspot.base_url(), "token")).run().await.unwrap();
    let kept = server.number(&["HSTRLEN", OUTCOMES, "0"]);
    assert!(kept < 2 << 20, "{kept} bytes");
    let outcomes = outcomes(&job).await;
    assert_eq!(outcomes.len(), BATCH);
    for (row, outcome) in outcomes.into_iter().enumerate() {
        let error = outcome.unwrap().result.unwrap_err();
        let own = named(row + 1);
        assert!(error.message().ends_with(&own), "{error}");
        assert_eq!(error.context()["INVALID_OBJECT_IDS"].join(","), own);
        assert_eq!(error.details().len(), 1, "{row}");
        assert!(error.details()[0].message.as_deref().is_some_and(|said| said.starts_with(&own)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_all_rows_have_is_kept_once_and_one_that_is_long_in_part() {
    let server = RedisServer::start();
    let hubspot = MockServer::start_async().await;
    let answer = json!({"category": "VALIDATION_ERROR", "message": "wrong ".repeat(2_000),
        "context": {"objectId": vec!["9".repeat(100); 500]}});
    hubspot.mock_async(|_, then| drop(then.status(403).json_body(answer))).await;
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(BATCH)).await.unwrap();
    server.number(&["HSET", META, "tried:0", "4"]);
    let client = client_at(&hubspot.base_url(), "token");
    job.worker(&client).run().await.unwrap();
    let kept = server.number(&["HSTRLEN", OUTCOMES, "0"]);
    assert!(kept < 20_000, "{kept} bytes");
    for outcome in outcomes(&job).await {
        let error = outcome.unwrap().result.unwrap_err();
        assert_eq!((error.status(), error.category()), (Some(403), Some("VALIDATION_ERROR")));
        assert!(error.message().starts_with("wrong wrong") && error.message().ends_with('…'), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_last_batch_is_settled_before_all_is_enqueued_keeps_its_rate() {
    let server = RedisServer::start();
    let hubspot = crm(1, 10).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    server.number(&["HDEL", META, "complete"]);
    let enqueuing = async {
        while job.status().await.unwrap().settled() < 10 {
            sleep(Duration::from_millis(10)).await;
        }
        job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    };
    let client = client_of(&hubspot);
    let (part, ()) = tokio::join!(job.worker(&client).run(), enqueuing);
    part.unwrap();
    // What is known of the last minute only.
    server.number(&["DEL", "hubspot-partner-clients:job:pace:test"]);
    let status = job.status().await.unwrap();
    assert!(status.is_finished && status.rate > 0.0, "{status:?}");
    sleep(Duration::from_millis(20)).await;
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    assert_eq!(job.status().await.unwrap().rate, status.rate, "it ended when it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_counted_once_though_redis_s_answer_was_lost() {
    let server = RedisServer::start();
    let proxy = RedisProxy::to(server.port());
    let job = job_at(proxy.url()).await;
    // One attempt fails, whose answer is lost, and then the settling's.
    let hubspot = crm(1, 10).fault(Fault::status(503).times(1)).start().await.unwrap();
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    proxy.upon("tried", || true);
    let client = client_of(&hubspot);
    let happening = async {
        while !proxy.has_happened() {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(500)).await;
        let tried = server.command(&["HGET", META, "tried:0"]);
        assert!(tried.starts_with("$1\r\n1\r\n"), "{tried}");
        proxy.upon("settle", || true);
    };
    let (part, ()) = tokio::join!(job.worker(&client).run(), happening);
    assert!(proxy.has_happened());
    let status = job.status().await.unwrap();
    assert_eq!((part.unwrap().requests, status.requests, status.succeeded), (2, 2, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_s_part_does_not_hold_what_was_tried_again() {
    let server = RedisServer::start();
    let hubspot = crm(1, 10).fault(Fault::status(503).times(1)).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(11)).await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let worker = job.worker(&client_of(&hubspot));
    let worker = worker.on_progress(move |part| tell.lock().unwrap().push((part.succeeded, part.failed)));
    let part = worker.run().await.unwrap();
    assert_eq!((part.succeeded, part.failed, part.requests), (10, 1, 3));
    assert_eq!(*told.lock().unwrap(), [(10, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limiter_that_fails_for_good_ends_the_worker() {
    let server = RedisServer::start();
    let hubspot = crm(1, 1).start().await.unwrap();
    let redis = Redis::connect(server.url()).await.unwrap();
    let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    let client = client.rate_limiter(redis.limiter("account").connect().await.unwrap()).build().unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    let limit = "hubspot-partner-clients:limit:account:general";
    server.command(&["SET", limit, "taken"]);
    let ended = timeout(Duration::from_secs(10), job.worker(&client).run()).await.expect("it need not try again");
    let error = ended.unwrap_err();
    assert!(error.is_limiter(), "{error}");
    names_it(&error, &["WRONGTYPE", limit]);
    assert_eq!(job.status().await.unwrap().settled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_the_network_uses_up_no_attempts() {
    let server = RedisServer::start();
    let hubspot = crm(1, 10).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    server.number(&["HSET", META, "tried:0", "4"]);
    // So many wait to be accepted that no other is answered.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    for base_url in [NOWHERE.to_owned(), format!("http://{address}")] {
        let client = Client::builder().base_url(base_url).access_token("token").retry(RetryPolicy::never());
        let client = client.connect_timeout(Duration::from_millis(300)).build().unwrap();
        let part = job.worker(&client).run_until(sleep(Duration::from_secs(3))).await.unwrap();
        assert_eq!((part.succeeded, part.failed, part.requests), (0, 0, 1));
        let batch = server.command(&["XRANGE", BATCHES, "-", "+"]);
        let entry = batch.split("\r\n").find(|line| line.contains('-')).unwrap();
        // As when the lease has ended.
        server.command(&["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "JUSTID"]);
    }
    // Nor does a token that cannot be had for a moment.
    let client = Client::builder().base_url(hubspot.base_url()).token_provider(Away).build().unwrap();
    let part = job.worker(&client).run_until(sleep(Duration::from_secs(3))).await.unwrap();
    assert_eq!((part.succeeded, part.failed), (0, 0));
    assert!(hubspot.requests().is_empty());
    let batch = server.command(&["XRANGE", BATCHES, "-", "+"]);
    let entry = batch.split("\r\n").find(|line| line.contains('-')).unwrap();
    server.command(&["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "JUSTID"]);
    job.worker(&client_of(&hubspot)).run().await.unwrap();
    assert_eq!(job.status().await.unwrap().succeeded, 10);
}

/// A source of tokens whose server cannot be reached.
#[derive(Debug)]
struct Away;

impl TokenProvider for Away {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err(client_at(NOWHERE, "token").get(1).await.unwrap_err().into()) })
    }
}

/// Here Tokio's clock goes fifty times as fast as Redis.
#[tokio::test]
async fn a_worker_without_network_waits_between_batches_and_ends_after_five_minutes() {
    let server = RedisServer::start();
    let redis = Redis::builder(server.url()).timeout(Duration::from_secs(24 * 3600)).connect().await.unwrap();
    let job = redis.job("test");
    let rows = (1..=10_000).map(|company| (1, ("companies", company), "owner"));
    job.enqueue_dissociate_many("rows", rows).await.unwrap();
    pause();
    tokio::spawn(async {
        loop {
            sleep(Duration::from_millis(100)).await;
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let started = Instant::now();
    let error = job.worker(&client_at(NOWHERE, "token")).run().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!((300..360).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let tried = server.command(&["XPENDING", BATCHES, "workers"]);
    let tried: usize = tried.split("\r\n").nth(1).unwrap().trim_start_matches(':').parse().unwrap();
    assert!((20..90).contains(&tried), "{tried} of a hundred batches");
    assert_eq!(job.status().await.unwrap().settled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_workers_that_were_killed_but_their_batches() {
    let server = RedisServer::start();
    let hubspot = crm(1, 10).start().await.unwrap();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    let killed = |worker: &str| {
        server.number(&["XGROUP", "CREATECONSUMER", BATCHES, "workers", worker]);
        server.number(&["HSET", META, &format!("seen:{worker}"), "1"]);
    };
    killed("first");
    killed("second");
    server.command(&["XREADGROUP", "GROUP", "workers", "second", "COUNT", "1", "STREAMS", BATCHES, ">"]);
    let known = || {
        let (kept, meta) =
            (server.command(&["XINFO", "CONSUMERS", BATCHES, "workers"]), server.command(&["HKEYS", META]));
        (["first", "second"].map(|worker| kept.contains(worker)), meta.matches("seen:").count())
    };
    job.worker(&client_of(&hubspot)).run_until(ready(())).await.unwrap();
    assert_eq!(known(), ([false, true], 1));
    job.worker(&client_of(&hubspot)).run().await.unwrap();
    assert_eq!(known(), ([false, false], 0));
    assert_eq!(job.status().await.unwrap().succeeded, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_end_before_they_said_leave_the_job_open() {
    let server = RedisServer::start();
    let job = job(&server).await;
    /// As a file that was cut short while it was read.
    struct Short(usize);
    impl Iterator for Short {
        type Item = Result<Association>;
        fn next(&mut self) -> Option<Self::Item> {
            self.0 = self.0.checked_sub(1).filter(|left| *left > 3)?;
            Some(Association::new(1, "companies", self.0, "owner"))
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.0, Some(self.0))
        }
    }
    let error = job.enqueue_associate_many("rows", Short(10)).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    names_it(&error, &["job \"test\"", "6 of 10 inputs"]);
    let status = job.status().await.unwrap();
    assert!(!status.is_complete && !status.is_finished, "{status:?}");
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    assert!(job.status().await.unwrap().is_complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_answers_is_no_outcome() {
    // At the same time, because each batch is tried again only after a while.
    let gateways = [Fault::html(404), Fault::html(400), Fault::empty(409)].map(async |fault| {
        let (server, hubspot) = (RedisServer::start(), crm(1, 10).fault(fault.times(1)).start().await.unwrap());
        let job = job(&server).await;
        job.enqueue_associate_many("rows", rows(10)).await.unwrap();
        let seen = async {
            while hubspot.requests().is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
            sleep(Duration::from_millis(100)).await;
        };
        job.worker(&client_of(&hubspot)).run_until(seen).await.unwrap();
        assert_eq!(job.status().await.unwrap().settled(), 0);
        job.worker(&client_of(&hubspot)).run().await.unwrap();
        assert_eq!(job.status().await.unwrap().succeeded, 10);
    });
    futures_util::future::join_all(gateways).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_belongs_to_one_server_and_one_account() {
    let server = RedisServer::start();
    let (one, other) = (crm(1, 10).start().await.unwrap(), crm(1, 10).start().await.unwrap());
    let of = async |account: &str| job(&server).await.account(account);
    of("1").await.enqueue_associate_many("rows", rows(10)).await.unwrap();
    names_it(&of("2").await.enqueue_associate_many("rows", rows(10)).await.unwrap_err(), &["\"1\"", "\"2\""]);
    for (job, client, named) in [
        (of("2").await, client_of(&one), ["account \"1\"", "\"2\""]),
        (job(&server).await, client_of(&one), ["account \"1\"", "not said"]),
    ] {
        let error = job.worker(&client).run().await.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        names_it(&error, &named);
    }
    of("1").await.worker(&client_of(&one)).run().await.unwrap();
    assert_eq!(of("1").await.status().await.unwrap().api_version, Some(ApiVersion::V3));
    let dated = Client::builder().base_url(one.base_url()).access_token(one.access_token());
    let error =
        of("1").await.worker(&dated.api_version(ApiVersion::V2026_09).build().unwrap()).run().await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    names_it(&error, &["API version", "2026-09"]);
    let error = of("1").await.worker(&client_of(&other)).run().await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    names_it(&error, &[one.base_url(), other.base_url()]);
    assert_eq!((one.requests().len(), other.requests().len()), (1, 0));
    let status = job(&server).await.status().await.unwrap();
    assert_eq!(
        (status.succeeded, status.server.as_deref(), status.account.as_deref()),
        (10, Some(one.base_url()), Some("1"))
    );
}
