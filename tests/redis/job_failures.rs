//! What goes wrong with shared bulk work: what is told, what is counted, and what is tried again. Redis is real.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt;
use httpmock::MockServer;
use hubspot_partner_clients::{
    ApiVersion, Association, Client, ClientBuilder, Error, ErrorKind, RateLimit, Result, RetryPolicy, TokenFuture,
    TokenProvider,
    bulk::Outcome,
    redis::{Job, Redis},
};
use hubspot_simulator::Fault;
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::{Instant, advance, pause, resume, sleep, timeout},
};

use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::{RawServer, client_at, client_of, client_speaking, crm, http, tcp::read_request};

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
        job.enqueue_associate_many("rows", rows(1)).await.unwrap_err(),
        job.retry().await.unwrap_err(),
    ] {
        names_it(&error, &["job \"test\" is damaged", BATCHES, "is gone", remedy]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_job_that_redis_has_lost_can_be_removed() {
    let server = RedisServer::start();
    let redis = Redis::connect(server.url()).await.unwrap();
    let jobs = ["test", "other"].map(|name| redis.job(name));
    for job in &jobs {
        job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    }
    let [lost, other] = jobs;
    server.number(&["DEL", META]);
    names_it(&lost.status().await.unwrap_err(), &["is not in Redis"]);
    assert_eq!(redis.jobs().await.unwrap(), ["test", "other"]);
    lost.remove().await.unwrap();
    assert_eq!((redis.jobs().await.unwrap(), server.number(&["EXISTS", BATCHES])), (vec!["other".to_owned()], 0));
    names_it(&lost.remove().await.unwrap_err(), &["is not in Redis"]);
    assert_eq!(other.status().await.unwrap().enqueued, 1);
}

/// In one thread, so that the clock can be moved.
#[tokio::test]
async fn a_worker_whose_batches_are_lost_says_so_whatever_it_does_next() {
    for version in ["v3", "2026-09"] {
        for (next, fault) in [
            ("settle", Fault::delay(Duration::ZERO)),
            ("tried", Fault::status(503)),
            ("renew", Fault::delay(Duration::from_secs(600))),
        ] {
            let (server, hubspot) = (Arc::new(RedisServer::start()), crm(1, 10).fault(fault).start().await.unwrap());
            let proxy = RedisProxy::to(server.port());
            let job = job_at(proxy.url()).await;
            job.enqueue_associate_many("rows", rows(10)).await.unwrap();
            let client = client_speaking(&hubspot, version);
            let loss = async {
                // It renews at first as well, without a batch.
                while next == "renew" && hubspot.requests().is_empty() {
                    sleep(Duration::from_millis(2)).await;
                }
                let server = Arc::clone(&server);
                proxy.upon(next, move || {
                    server.number(&["DEL", BATCHES]);
                    false
                });
                if next == "renew" {
                    pause();
                    advance(Duration::from_secs(5)).await;
                    resume();
                }
                std::future::pending::<()>().await;
            };
            let error = tokio::select! {
                biased;
                () = loss => unreachable!(),
                ended = job.worker(&client).run() => ended.unwrap_err(),
            };
            assert!(proxy.has_happened() && error.is_invalid_input(), "{version} {next}: {error}");
            names_it(&error, &["job \"test\" is damaged", BATCHES, "is gone", "remove it and enqueue it again"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_is_no_number_is_damage_and_not_zero() {
    let server = RedisServer::start();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    for (field, kept) in [("succeeded", None), ("requests", None), ("inputs", Some("1")), ("total", Some("1"))] {
        server.command(&["HSET", META, field, "many"]);
        let error = job.status().await.unwrap_err();
        names_it(&error, &["job \"test\" is damaged", "is \"many\"", "remove it and enqueue it again"]);
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
async fn a_version_that_cannot_be_read_is_told_and_not_taken_for_none() {
    let server = RedisServer::start();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    assert_eq!(job.status().await.unwrap().api_version, None);
    server.command(&["HSET", META, "version", "v3.5"]);
    for error in [job.status().await.unwrap_err(), job.outcomes().next().await.unwrap().unwrap_err()] {
        names_it(&error, &["job \"test\" is damaged", "version of HubSpot's API is \"v3.5\""]);
    }
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
    // What cannot be sent reaches nobody either.
    let inputs = rows(10).chain([Association::new(1, "companies", "12a", "owner")]);
    job.enqueue_associate_many("rows", inputs).await.unwrap();
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
    // Nor does a token that cannot be had for a moment, or a rate limit that others have used up.
    let away = Client::builder().base_url(hubspot.base_url()).token_provider(Away).build().unwrap();
    let busy = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    let busy = busy.rate_limit(RateLimit::per_ten_seconds(1)).call_timeout(Duration::from_secs(1)).build().unwrap();
    busy.get(1).await.unwrap();
    hubspot.clear_requests();
    for client in [away, busy] {
        let part = job.worker(&client).run_until(sleep(Duration::from_secs(3))).await.unwrap();
        assert_eq!((part.succeeded, part.failed), (0, 0));
        assert!(hubspot.requests().is_empty());
        let batch = server.command(&["XRANGE", BATCHES, "-", "+"]);
        let entry = batch.split("\r\n").find(|line| line.contains('-')).unwrap();
        server.command(&["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "JUSTID"]);
    }
    job.worker(&client_of(&hubspot)).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.succeeded, status.failed), (10, 1));
}

/// The kinds of the errors in the outcomes of a job of one batch after the last of its attempts, by a client that has as many
/// requests as that in ten seconds.
async fn after_the_last_attempt(
    inputs: Vec<Result<Association>>,
    client: ClientBuilder,
    requests: u32,
) -> Vec<Option<ErrorKind>> {
    let server = RedisServer::start();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", inputs).await.unwrap();
    server.number(&["HSET", META, "tried:0", "4"]);
    // Less than the limiter's window, so that it refuses at once.
    let client = client.rate_limit(RateLimit::per_ten_seconds(requests)).call_timeout(Duration::from_secs(5));
    let worker = job.worker(&client.build().unwrap()).concurrency(1);
    worker.run_until(sleep(Duration::from_secs(60))).await.unwrap();
    assert!(job.status().await.unwrap().is_finished);
    assert_eq!(job.set_aside().await.unwrap()[0].error.kind(), ErrorKind::QueueTimeout);
    let outcomes = outcomes(&job).await;
    outcomes.into_iter().map(|outcome| Some(outcome.unwrap().result.err()?.kind())).collect()
}

/// HubSpot was reached, and would be each time. Otherwise the batch would have all workers wait for it and never be settled.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_which_a_part_has_no_time_for_the_rate_limit_uses_up_its_attempts() {
    // HubSpot has no company 11. The others are sent again without it.
    let refused = rows(11).collect();
    // Those of another object type are sent by themselves.
    let done = vec![Association::new(1, "companies", 1, "owner"), Association::new(1, "contacts", 1, "owner")];
    for (inputs, succeeded, out_of_time) in [(refused, 0, 10), (done, 1, 1)] {
        let hubspot = crm(1, 10).start().await.unwrap();
        let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
        let kinds = after_the_last_attempt(inputs, client, 1).await;
        assert_eq!(hubspot.requests().len(), 1);
        let count = |wanted: Option<ErrorKind>| kinds.iter().filter(|kind| **kind == wanted).count();
        assert_eq!((count(None), count(Some(ErrorKind::QueueTimeout))), (succeeded, out_of_time));
    }
}

/// Each attempt would end like this, although HubSpot was reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_which_a_response_settles_nothing_uses_up_its_attempts_without_time_for_its_parts() {
    let out_of_time = [Some(ErrorKind::QueueTimeout); 11];
    let unnamed = json!({"status": "error", "message": "no", "category": "VALIDATION_ERROR", "correlationId": "c"});
    for (status, body) in [
        (400, unnamed.to_string()),
        (413, String::new()),
        (207, json!({"status": "COMPLETE", "results": []}).to_string()),
        (200, r#"{"correlationId": "c", "results": ["#.to_owned()),
    ] {
        let hubspot = RawServer::json(status, &body).await;
        let client = Client::builder().base_url(&hubspot.base_url).access_token("t");
        assert_eq!(after_the_last_attempt(rows(11).collect(), client, 1).await, out_of_time, "{status} {body}");
        assert_eq!(hubspot.received().len(), 1, "{status} {body}");
    }
    // On a dated version, the types come first, and then what the partner client has.
    let hubspot = RawServer::start(|mut stream, _| async move {
        let results = if read_request(&mut stream).await.starts_with("GET") {
            let label = |id: u32, label: &str| json!({"category": "USER_DEFINED", "typeId": id, "label": label});
            json!([label(7, "owner"), label(9, "other")])
        } else {
            json!([{"from": {"id": "1"}, "to": []}])
        };
        let body = json!({"status": "COMPLETE", "results": results}).to_string();
        stream.write_all(http(200, "application/json", &body).as_bytes()).await.unwrap();
        Some(stream)
    });
    let hubspot = hubspot.await;
    let client = Client::builder().base_url(&hubspot.base_url).access_token("t").api_version(ApiVersion::V2026_09);
    assert_eq!(after_the_last_attempt(rows(11).collect(), client, 2).await, out_of_time);
    assert_eq!(hubspot.accepted(), 2);
}

/// A source of tokens whose server cannot be reached.
#[derive(Debug)]
pub struct Away;

impl TokenProvider for Away {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err(client_at(NOWHERE, "token").get(1).await.unwrap_err().into()) })
    }
}

/// From here on, Tokio's clock goes fifty times as fast as Redis.
pub async fn batches_in_a_hurry(server: &RedisServer, count: usize) -> Job {
    let redis = Redis::builder(server.url()).timeout(Duration::from_secs(24 * 3600)).connect().await.unwrap();
    let job = redis.job("test");
    let rows = (1..=100 * count).map(|company| (1, ("companies", company), "owner"));
    job.enqueue_dissociate_many("rows", rows).await.unwrap();
    pause();
    tokio::spawn(async {
        loop {
            sleep(Duration::from_millis(100)).await;
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    job
}

#[tokio::test]
async fn a_batch_that_is_given_up_does_not_prolong_the_wait_for_hubspot() {
    let server = RedisServer::start();
    let job = batches_in_a_hurry(&server, 100).await;
    let started = Instant::now();
    let suspect = async {
        sleep(Duration::from_secs(200)).await;
        let first = server.command(&["XRANGE", BATCHES, "-", "+", "COUNT", "1"]);
        let entry = first.split("\r\n").find(|line| line.contains('-')).unwrap();
        let suspected =
            ["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "RETRYCOUNT", "10", "JUSTID"];
        server.command(&suspected);
    };
    let client = client_at(NOWHERE, "token");
    let (ended, ()) = tokio::join!(job.worker(&client).run(), suspect);
    assert!(ended.unwrap_err().is_connect());
    assert!((300..360).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let status = job.status().await.unwrap();
    assert_eq!((status.failed, status.set_aside), (100, 1));
}

#[tokio::test]
async fn a_worker_without_network_waits_between_batches_and_ends_after_five_minutes() {
    let server = RedisServer::start();
    let job = batches_in_a_hurry(&server, 100).await;
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

/// They would fail as well wherever and whenever they are sent, until somebody does something about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_not_about_the_inputs_settles_none_of_them() {
    let said = |message: &str| {
        json!({"status": "error", "message": message, "category": "VALIDATION_ERROR", "correlationId": "c"}).to_string()
    };
    let server = RedisServer::start();
    let job = job(&server).await;
    job.enqueue_associate_many("rows", rows(10)).await.unwrap();
    let hubspot = RawServer::json(404, &said("No route for POST /crm/v3/associations/a/b/batch/create")).await;
    let seen = async {
        while hubspot.received().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(100)).await;
    };
    job.worker(&client_at(&hubspot.base_url, "t")).run_until(seen).await.unwrap();
    let hubspot = RawServer::json(400, &said("Missing 'Edit Associations' permission.")).await;
    let error = job.worker(&client_at(&hubspot.base_url, "t")).run().await.unwrap_err();
    assert!(error.is_missing_permission() && hubspot.received().len() == 1, "{error}");
    let status = job.status().await.unwrap();
    assert_eq!((status.settled(), status.server), (0, None));
    // Of a batch of one, it need not name the input.
    job.remove().await.unwrap();
    job.enqueue_associate_many("rows", rows(1)).await.unwrap();
    let limit = json!({"status": "error", "message": "You have reached your daily limit", "category": "RATE_LIMITS"});
    let body = json!({"status": "COMPLETE", "results": [], "errors": [limit]});
    let hubspot = RawServer::json(207, &body.to_string()).await;
    let error = job.worker(&client_at(&hubspot.base_url, "t")).run().await.unwrap_err();
    assert_eq!((error.kind(), hubspot.received().len()), (ErrorKind::DailyLimit, 1), "{error}");
    assert_eq!(job.status().await.unwrap().settled(), 0);
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
