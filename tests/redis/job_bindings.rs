//! The server, the account and the version that a job belongs to: those of the first worker that may have changed something.

use std::time::Duration;

use hubspot_partner_clients::{
    Association, Client, Error, Result,
    redis::{Job, JobStatus, Redis},
};
use hubspot_simulator::{Fault, Simulator};
use tokio::{
    io::AsyncWriteExt,
    time::{sleep, timeout},
};

use crate::deadly_batches::leases_end;
use crate::redis_server::RedisServer;
use crate::support::{RawServer, client_at_speaking, client_speaking, crm, http, tcp::read_request};

on_each_version! {
    no_input_goes_to_a_second_account_although_its_worker_begins_at_once,
    a_job_of_which_something_was_sent_is_bound_although_nothing_is_settled,
    a_job_of_a_worker_that_was_killed_is_bound,
    a_job_of_which_nothing_was_carried_out_is_left_to_others,
    a_worker_waits_until_it_is_known_whether_another_can_send,
}

const META: &str = "hubspot-partner-clients:job:meta:test";
const BATCH: usize = 2_000;
const OTHER: u64 = 5678;
/// The operations that change something, one of which each version has.
const WRITES: [&str; 2] = ["batch_associate", "batch_set_labels"];

/// Two batches.
fn rows() -> impl Iterator<Item = Result<Association>> {
    (0..BATCH + 100).map(|row| Association::new(row % 100 + 1, "companies", row / 100 + 1, 7))
}

/// Two accounts that have the same objects.
async fn two_accounts() -> Simulator {
    let companies = 1..=BATCH / 100 + 1;
    let other = crm(100, companies.clone().count())
        .account(OTHER)
        .without_seed()
        .partner_clients((1..=100).map(|id: usize| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner");
    let other = companies.fold(other, |other, id| other.object("companies", id.to_string(), [("name", "x")]));
    other.start().await.unwrap()
}

fn inject(hubspot: &Simulator, fault: impl Fn() -> Fault) {
    WRITES.into_iter().for_each(|operation| hubspot.inject(fault().on(operation)));
}

fn client_of_other(hubspot: &Simulator, version: &str) -> Client {
    client_at_speaking(hubspot.base_url(), hubspot.account(OTHER).unwrap().access_token(), version)
}

async fn job(server: &RedisServer) -> Job {
    let job = Redis::connect(server.url()).await.unwrap().job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    job
}

/// Requests that change something, in this account.
fn writes(hubspot: &Simulator, account: Option<u64>) -> usize {
    let is_write = |path: &str| path.ends_with("/create");
    let requests = hubspot.requests();
    requests.iter().filter(|request| is_write(request.path()) && request.account() == account).count()
}

async fn first_write(hubspot: &Simulator) {
    while !hubspot.requests().iter().any(|request| request.path().ends_with("/create")) {
        sleep(Duration::from_millis(2)).await;
    }
}

fn is_refused(error: &Error, parts: &[&str]) {
    assert!(error.is_invalid_input(), "{error:?}");
    for part in parts {
        assert!(error.message().contains(part), "{part:?} in {error}");
    }
}

fn bound(status: &JobStatus) -> (Option<&str>, Option<&str>) {
    (status.server.as_deref(), status.account.as_deref())
}

async fn no_input_goes_to_a_second_account_although_its_worker_begins_at_once(version: &str) {
    let (server, hubspot) = (RedisServer::start(), two_accounts().await);
    let job = job(&server).await;
    inject(&hubspot, || Fault::delay(Duration::from_secs(1)));
    let clients = [client_speaking(&hubspot, version), client_of_other(&hubspot, version)];
    let [one, two] = ["one", "two"].map(|account| job.clone().account(account));
    let (one, two) = tokio::join!(one.worker(&clients[0]).run(), two.worker(&clients[1]).run());
    let (part, error, named) = match (one, two) {
        (Ok(part), Err(error)) => (part, error, ["the account \"one\"", "not to \"two\""]),
        (Err(error), Ok(part)) => (part, error, ["the account \"two\"", "not to \"one\""]),
        both => panic!("{both:?}"),
    };
    is_refused(&error, &named);
    assert!(!error.message().contains("has sent"), "{error}");
    assert_eq!(part.succeeded as usize, BATCH + 100);
    let accounts = hubspot.accounts().map(|account| account.account_id());
    let sent = accounts.filter(|account| writes(&hubspot, Some(*account)) > 0).count();
    assert_eq!(sent, 1, "of two accounts");
}

async fn a_job_of_which_something_was_sent_is_bound_although_nothing_is_settled(version: &str) {
    let (server, hubspot) = (RedisServer::start(), two_accounts().await);
    // It failed after it may have been carried out, or was on its way when the worker was stopped.
    for fault in [|| Fault::status(503), || Fault::delay(Duration::from_secs(600))] {
        let job = job(&server).await;
        inject(&hubspot, fault);
        hubspot.clear_requests();
        let client = client_speaking(&hubspot, version);
        job.clone().account("one").worker(&client).run_until(first_write(&hubspot)).await.unwrap();
        hubspot.clear_faults();
        hubspot.clear_requests();
        let status = job.status().await.unwrap();
        assert_eq!((status.settled(), bound(&status)), (0, (Some(hubspot.base_url()), Some("one"))));
        let other = client_of_other(&hubspot, version);
        let refused = job.clone().account("two").worker(&other).run().await.unwrap_err();
        is_refused(&refused, &["belongs to the account \"one\", not to \"two\""]);
        assert_eq!(hubspot.requests().len(), 0);
        leases_end(&server);
        job.clone().account("one").worker(&client).run().await.unwrap();
        job.remove().await.unwrap();
    }
}

async fn a_job_of_a_worker_that_was_killed_is_bound(version: &str) {
    let (server, hubspot) = (RedisServer::start(), two_accounts().await);
    let job = job(&server).await;
    inject(&hubspot, || Fault::delay(Duration::from_secs(600)));
    let client = client_speaking(&hubspot, version);
    tokio::select! {
        ended = job.clone().account("one").worker(&client).run() => panic!("{ended:?}"),
        () = first_write(&hubspot) => {}
    }
    hubspot.clear_faults();
    hubspot.clear_requests();
    // As if 15 s had passed.
    leases_end(&server);
    let fields = server.command(&["HKEYS", META]);
    for seen in fields.split("\r\n").filter(|field| field.starts_with("seen:")) {
        server.number(&["HSET", META, seen, "1"]);
    }
    let other = client_of_other(&hubspot, version);
    let refused = timeout(Duration::from_secs(10), job.clone().account("two").worker(&other).run()).await.unwrap();
    is_refused(&refused.unwrap_err(), &["belongs to the account \"one\", not to \"two\""]);
    assert_eq!(hubspot.requests().len(), 0);
    job.account("one").worker(&client).run().await.unwrap();
}

async fn a_job_of_which_nothing_was_carried_out_is_left_to_others(version: &str) {
    let (server, hubspot) = (RedisServer::start(), two_accounts().await);
    let job = job(&server).await;
    let no_scope = r#"{"status": "error", "message": "no", "category": "MISSING_SCOPES", "correlationId": "c"}"#;
    let lacking = RawServer::json(403, no_scope).await;
    let unauthorized = client_at_speaking(hubspot.base_url(), "another", version);
    for client in [unauthorized, client_at_speaking(&lacking.base_url, "token", version)] {
        let error = job.clone().account("one").worker(&client).run().await.unwrap_err();
        assert!(error.is_unauthorized() || error.is_missing_scope(), "{error}");
        assert_eq!(bound(&job.status().await.unwrap()), (None, None));
    }
    // However often it is tried.
    let nowhere = Client::builder().base_url("http://127.0.0.1:1").access_token("token");
    let nowhere = nowhere.api_version(version.parse().unwrap()).build().unwrap();
    let tried = async {
        let mut pending = String::from(":1");
        while pending.contains(":1\r\n") || !pending.contains(":0\r\n") {
            sleep(Duration::from_millis(20)).await;
            let batches = "hubspot-partner-clients:job:batches:test";
            pending = server.command(&["XPENDING", batches, "workers", "-", "+", "10"]);
        }
    };
    job.clone().account("one").worker(&nowhere).run_until(tried).await.unwrap();
    assert_eq!(bound(&job.status().await.unwrap()), (None, None));
    leases_end(&server);
    let other = client_of_other(&hubspot, version);
    job.clone().account("two").worker(&other).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, bound(&status)), (true, (Some(hubspot.base_url()), Some("two"))));
}

async fn a_worker_waits_until_it_is_known_whether_another_can_send(version: &str) {
    let (server, hubspot) = (RedisServer::start(), two_accounts().await);
    let job = job(&server).await;
    let slow = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        sleep(Duration::from_millis(500)).await;
        stream.write_all(http(401, "application/json", "{}").as_bytes()).await.unwrap();
        Some(stream)
    })
    .await;
    let (first, other) = (client_at_speaking(&slow.base_url, "token", version), client_of_other(&hubspot, version));
    let first = async { job.clone().account("one").worker(&first).run().await };
    let second = async {
        while slow.accepted() == 0 {
            sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(bound(&job.status().await.unwrap()), (Some(&*slow.base_url), Some("one")));
        job.clone().account("two").worker(&other).run().await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.unwrap_err().is_unauthorized());
    assert_eq!(second.unwrap().succeeded as usize, BATCH + 100);
    assert_eq!(bound(&job.status().await.unwrap()), (Some(hubspot.base_url()), Some("two")));
}
