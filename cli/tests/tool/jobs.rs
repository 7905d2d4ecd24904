//! The command-line tool with work that several processes share, which are killed as they work.
#![cfg(feature = "redis")]

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use hubspot_partner_clients::redis::Redis;
use hubspot_simulator::{AssociationCategory, Fault, InvalidAssociations, RateLimits, Simulator};
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Ran, begin, path, ran, run, sent, signal, tool, tool_at, wait_for_requests};
use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::{RawServer, client_speaking, crm};

const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";
const CLIENTS: usize = 100;

fn at(simulator: &Simulator, redis: &RedisServer, arguments: &[&str]) -> Command {
    let mut command = tool_at(simulator, &[&["job"], arguments].concat());
    command.env("REDIS_URL", redis.url());
    command
}

fn job(redis: &RedisServer, arguments: &[&str]) -> Ran {
    let mut command = tool(&[&["job"], arguments].concat());
    command.env("REDIS_URL", redis.url());
    run(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_from_its_file_to_its_outcomes() {
    from_file_to_outcomes("v3", "owner").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_enqueues_is_warned_of_a_redis_that_deletes_what_it_keeps() {
    let redis = RedisServer::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    let enqueued = job(&redis, &["enqueue", "march", path(&file)]);
    assert_eq!(enqueued.code, Some(0), "{}", enqueued.err);
    assert!(enqueued.err.starts_with("warning: Redis at 127.0.0.1:"), "{}", enqueued.err);
    assert!(enqueued.err.contains("allkeys-lru") && enqueued.err.contains("set `maxmemory-policy noeviction`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_on_a_dated_version_from_its_file_to_its_outcomes() {
    from_file_to_outcomes("2026-09", "HUBSPOT_DEFINED:7").await;
}

async fn from_file_to_outcomes(version: &str, kind: &str) {
    let (redis, hubspot) = (RedisServer::start(), crm(3, 3).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,{kind}\n2,companies,9,{kind}\n3,companies,3,7\n")).unwrap();
    let enqueued = job(&redis, &["enqueue", "march", path(&file)]);
    assert_eq!(enqueued.code, Some(0), "{}", enqueued.err);
    assert!(enqueued.out.contains("3 rows are enqueued.") && enqueued.out.contains("job worker march"));
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0), "it is the same");
    assert!(job(&redis, &["status", "march"]).out.contains("Job march has no workers: start some with"));

    let early = job(&redis, &["collect", "march"]);
    assert_eq!((early.code, &*early.out), (Some(2), ""));
    assert!(early.err.contains("job \"march\" is not finished (0 of 3 inputs are settled)"), "{}", early.err);

    let worked = run(at(&hubspot, &redis, &["worker", "march", "--rate-limit", "190", "--api-version", version]));
    // A row failed, as `job worker --help` has it.
    assert_eq!(worked.code, Some(1), "{}", worked.err);
    assert!(worked.err.contains("job march is finished, and 1 row failed"), "{}", worked.err);
    assert!(worked.err.contains("job collect --failed march"), "{}", worked.err);
    let table: Vec<Vec<_>> = worked.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table, [["made", "failed", "requests", "retries"], ["2", "1", "2", "0"]]);

    let status = &job(&redis, &["status", "march", "--json"]).json()[0];
    let known = ["rows", "made", "failed", "left", "workers", "requests"].map(|name| status[name].as_u64().unwrap());
    assert_eq!((known, &status["finished"]), ([3, 2, 1, 0, 0, 2], &true.into()));
    assert_eq!(status["apiVersion"], version);
    // Whoever enqueues it anew is told that nothing more is sent.
    let again = job(&redis, &["enqueue", "march", path(&file)]);
    assert!(again.out.starts_with("Job march is finished already, and nothing more is sent"), "{}", again.out);
    assert!(again.out.contains("job remove march") && !again.out.contains("job worker"), "{}", again.out);
    let again = &job(&redis, &["enqueue", "march", path(&file), "--json"]).json()[0];
    assert_eq!((&again["rows"], &again["settled"], &again["finished"]), (&3.into(), &3.into(), &true.into()));
    let collected = job(&redis, &["collect", "march"]);
    assert_eq!(collected.code, Some(1), "a row failed");
    let rows: Vec<Vec<_>> = collected.out.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0].join(","), format!("{},result,error,correlation_id", HEADER.trim()));
    assert_eq!(rows[1], ["1", "companies", "1", kind, "made", "", ""]);
    assert_eq!(rows[2][..5], ["2", "companies", "9", kind, "failed"]);
    assert!(rows[2][5].contains("400 VALIDATION_ERROR") && !rows[2].last().unwrap().is_empty(), "{:?}", rows[2]);
    assert_eq!((rows[3][4], rows.len()), ("made", 4));

    // Those that failed are a file of their own, and its job removes what another made.
    let failed = job(&redis, &["collect", "march", "--failed"]);
    assert_eq!(failed.out.lines().count(), 2);
    assert_eq!(job(&redis, &["collect", "march", "--json"]).json()[1]["error"]["status"], 400);
    let again = directory.path().join("again.csv");
    fs::write(&again, failed.out).unwrap();
    assert_eq!(job(&redis, &["enqueue", "again", path(&again)]).code, Some(0));
    assert_eq!(job(&redis, &["enqueue", "undo", path(&file), "--dissociate", "--yes"]).code, Some(0));
    // On a dated version HubSpot says that it has no company 9.
    let undone = run(at(&hubspot, &redis, &["worker", "undo", "--api-version", version]));
    assert_eq!(undone.code, Some(i32::from(version != "v3")), "{}", undone.err);
    assert_eq!(hubspot.association_count(), 0);
    for name in ["march", "again", "undo"] {
        assert_eq!(job(&redis, &["remove", name]).code, Some(0));
    }
    let keys = redis.command(&["KEYS", "*:job*"]);
    assert!(keys.starts_with("*0"), "{keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_go_with_the_unlabelled_type_where_the_job_says_so() {
    let redis = RedisServer::start();
    let hubspot = crm(1, 1)
        .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
        .association("1", "companies", "1", "36")
        .association("1", "companies", "1", "7")
        .start()
        .await
        .unwrap();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,7\n")).unwrap();
    let allowed = ["enqueue", "allowed", path(&file), "--including-labels"];
    let refused = job(&redis, &allowed);
    assert!(refused.code == Some(2) && refused.err.contains("--dissociate"), "{}", refused.err);
    for (name, options, code, left) in [
        ("refused", &["--dissociate", "--yes"][..], 1, 2),
        ("allowed", &["--dissociate", "--including-labels", "--yes"], 0, 0),
    ] {
        assert_eq!(job(&redis, &[&["enqueue", name, path(&file)], options].concat()).code, Some(0));
        let worked = run(at(&hubspot, &redis, &["worker", name, "--api-version", "2026-09"]));
        assert_eq!(worked.code, Some(code), "{}", worked.err);
        let collected = job(&redis, &["collect", name]);
        assert_eq!(collected.code.map(|code| code.min(1)), Some(code), "{}", collected.out);
        assert_eq!(
            (collected.out.contains("Payer"), hubspot.association_count()),
            (left > 0, left),
            "{}",
            collected.out
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_set_aside_is_told_and_can_be_tried_again() {
    let (redis, hubspot) =
        (RedisServer::start(), crm(1, 1).fault(Fault::status(500).on("batch_associate")).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    assert_eq!(job(&redis, &["list"]).out, "name  account  rows  settled  failed  workers  set aside\n");
    let own = hubspot.accounts().next().unwrap().account_id().to_string();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--account", &own]).code, Some(0));
    assert_eq!(job(&redis, &["enqueue", "april", path(&file)]).code, Some(0));
    redis.number(&["HSET", "hubspot-partner-clients:job:meta:march", "tried:0", "4"]);
    let worked = run(at(&hubspot, &redis, &["worker", "march"]));
    assert_eq!(worked.code, Some(4), "{}", worked.err);
    assert!(worked.err.contains("finished except for 1 batch set aside"), "{}", worked.err);
    assert!(worked.err.contains("job retry march"), "{}", worked.err);
    let listed = job(&redis, &["list", "--json"]).json();
    let names: Vec<_> = listed.iter().map(|job| job["job"].as_str().unwrap()).collect();
    assert_eq!(
        (names, &listed[0]["account"], &listed[0]["setAside"]),
        (vec!["march", "april"], &own.into(), &1.into())
    );
    // One that cannot be read is told, and hides no other.
    redis.command(&["HSET", "hubspot-partner-clients:job:meta:april", "version", "v3.5"]);
    let listed = job(&redis, &["list"]);
    assert!(listed.code == Some(2) && listed.out.contains("march") && !listed.out.contains("april"), "{}", listed.out);
    assert!(listed.err.starts_with("warning: left out: job \"april\" is damaged"), "{}", listed.err);
    assert!(listed.err.contains("version of HubSpot's API is \"v3.5\""), "{}", listed.err);

    let status = job(&redis, &["status", "march"]);
    assert!(
        status.code == Some(0) && status.out.contains("1 batch set aside") && status.out.contains("500"),
        "{}",
        status.out
    );
    // As if another batch were still open.
    let meta = "hubspot-partner-clients:job:meta:march";
    redis.number(&["HINCRBY", meta, "batches", "1"]);
    let running = job(&redis, &["status", "march"]).out;
    for told in ["Job march has no workers", "1 batch set aside", "job retry march", "500"] {
        assert!(running.contains(told), "{told}: {running}");
    }
    redis.number(&["HINCRBY", meta, "batches", "-1"]);
    let status = job(&redis, &["status", "march", "--json"]).json();
    assert_eq!(status[0]["setAside"][0]["error"]["status"], 500);
    assert_eq!(job(&redis, &["collect", "march"]).code, Some(4));

    hubspot.clear_faults();
    let retried = job(&redis, &["retry", "march"]);
    assert!(retried.code == Some(0) && retried.out.starts_with("1 batch is to be tried again."), "{}", retried.out);
    assert_eq!(run(at(&hubspot, &redis, &["worker", "march"])).code, Some(0));
    assert_eq!(job(&redis, &["collect", "march"]).code, Some(0));
    assert_eq!(job(&redis, &["retry", "march"]).out, "No batch of job march is set aside.\n");
    let absent = job(&redis, &["retry", "may"]);
    assert!(absent.code == Some(2) && absent.err.contains("is not in Redis"), "{}", absent.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_refused_for_another_account() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    let own = hubspot.accounts().next().unwrap().account_id().to_string();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--account", "1234"]).code, Some(0));
    assert_eq!(job(&redis, &["enqueue", "april", path(&file), "--account", &own]).code, Some(0));
    for (name, account) in [("march", &[][..]), ("march", &["--account", "1234"]), ("april", &["--account", "1234"])] {
        let refused = run(at(&hubspot, &redis, &[&["worker", name], account].concat()));
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("1234"), "{}", refused.err);
    }
    assert_eq!(sent(&hubspot), 0);
    let worked = run(at(&hubspot, &redis, &["worker", "april"]));
    assert_eq!((worked.code, hubspot.association_count()), (Some(0), 1), "{}", worked.err);
}

/// They begin at the same time, so neither knows yet what the other sends.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_tokens_of_two_accounts_send_a_job_to_one_of_them() {
    let hubspot = crm(1, 1)
        .account(5678)
        .without_seed()
        .partner_client("1", [("name", "x")])
        .object("companies", "1", [("name", "x")])
        .association_type("companies", 7, "owner")
        .fault(Fault::delay(Duration::from_secs(1)).on("batch_associate"))
        .start()
        .await
        .unwrap();
    let redis = RedisServer::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(2_100)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "two", path(&file)]).code, Some(0));
    let workers: Vec<_> = hubspot
        .accounts()
        .map(|account| {
            let mut worker = at(&hubspot, &redis, &["worker", "two"]);
            worker.env("HUBSPOT_ACCESS_TOKEN", account.access_token());
            begin(worker)
        })
        .collect();
    let mut ended: Vec<_> = workers.into_iter().map(|worker| ran(worker.wait_with_output().unwrap())).collect();
    ended.sort_by_key(|ran| ran.code);
    assert_eq!(ended.iter().map(|ran| ran.code).collect::<Vec<_>>(), [Some(0), Some(2)]);
    assert!(ended[1].err.contains("job \"two\" belongs to the account"), "{}", ended[1].err);
    let mut made: Vec<_> = hubspot.accounts().map(|account| account.association_count()).collect();
    made.sort_unstable();
    assert_eq!(made, [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_rows_needs_no_workers() {
    let redis = RedisServer::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER).unwrap();
    let enqueued = job(&redis, &["enqueue", "march", path(&file)]);
    assert!(enqueued.code == Some(0) && !enqueued.out.contains("job worker"), "{} {}", enqueued.out, enqueued.err);
    assert!(enqueued.out.starts_with("Job march is finished already, and nothing more is sent"), "{}", enqueued.out);
}

#[cfg(unix)]
#[test]
fn an_address_of_redis_that_cannot_be_read_is_not_told_as_a_missing_one() {
    use std::os::unix::ffi::OsStrExt;

    let mut command = tool(&["job", "list"]);
    command.env("REDIS_URL", std::ffi::OsStr::from_bytes(b"redis://:secret\xff@127.0.0.1"));
    let refused = run(command);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("REDIS_URL is not UTF-8") && !refused.err.contains("secret"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_not_taken_up_where_hubspot_does_not_tell_the_account() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).account(5678).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(300)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    hubspot.inject(Fault::status(403).on("account_details"));
    // The first batch is carried out, and then no further requests are allowed today.
    let refusals = std::iter::once(None).chain(std::iter::repeat_n(Some(Fault::daily_limit()), 20));
    hubspot.inject(Fault::script(refusals).on("batch_dissociate"));
    let begun = run(at(&hubspot, &redis, &["worker", "march", "--concurrency", "1"]));
    assert_ne!(begun.code, Some(0), "{} {}", begun.out, begun.err);
    assert!(begun.err.contains("has this worker alone, and no later one can go on"), "{}", begun.err);
    let status = job(&redis, &["status", "march"]);
    assert!(status.out.contains("job remove march") && !status.out.contains("job worker"), "{}", status.out);
    hubspot.clear_requests();
    let mut elsewhere = at(&hubspot, &redis, &["worker", "march"]);
    elsewhere.env("HUBSPOT_ACCESS_TOKEN", hubspot.account(5678).unwrap().access_token());
    let refused = run(elsewhere);
    assert!(refused.code == Some(2) && refused.err.contains("may be of another account"), "{}", refused.err);
    assert!(refused.err.contains("job remove march"), "{}", refused.err);
    assert_eq!(sent(&hubspot), 0);

    // As every message says.
    hubspot.clear_faults();
    let told = run(at(&hubspot, &redis, &["worker", "march"]));
    assert!(told.code == Some(2) && told.err.contains("was begun without an account"), "{}", told.err);
    assert_eq!(job(&redis, &["remove", "march"]).code, Some(0));
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    let anew = run(at(&hubspot, &redis, &["worker", "march"]));
    assert_eq!(anew.code, Some(0), "{}", anew.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_no_account_that_ends_early_says_whether_the_job_is_to_be_enqueued_again() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(300)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    let stuck = || Fault::delay(Duration::from_secs(600));
    let interrupted = |when: &dyn Fn() -> bool| {
        let mut worker = begin(at(&hubspot, &redis, &["worker", "march", "--concurrency", "1"]));
        while !when() {
            if worker.try_wait().unwrap().is_some() {
                panic!("it ended by itself: {}", ran(worker.wait_with_output().unwrap()).err);
            }
            sleep(Duration::from_millis(5));
        }
        signal(worker.id(), "INT");
        let interrupted = ran(worker.wait_with_output().unwrap());
        assert_eq!(interrupted.code, Some(130), "{}", interrupted.err);
        (interrupted.err, job(&redis, &["status", "march"]).out)
    };
    hubspot.inject(Fault::status(403).on("account_details"));
    hubspot.inject(Fault::html(404).on("batch_dissociate"));
    // A gateway has answered instead of HubSpot, three times, and the batches are not counted as tried.
    let are_left = || {
        let batches = "hubspot-partner-clients:job:batches:march";
        let pending = redis.command(&["XPENDING", batches, "workers", "-", "+", "10"]);
        pending.contains(":0\r\n") && !pending.contains(":1\r\n")
    };
    let (told, status) = interrupted(&are_left);
    assert!(told.contains("same command again") && !told.contains("job remove"), "{told}");
    assert!(status.contains("job worker march") && !status.contains("job remove"), "{status}");

    hubspot.clear_faults();
    hubspot.inject(Fault::status(403).on("account_details"));
    hubspot.inject(
        Fault::script(std::iter::once(None).chain(std::iter::repeat_n(Some(stuck()), 20))).on("batch_dissociate"),
    );
    // As told, and after something was sent.
    let (told, status) =
        interrupted(&|| redis.number(&["HEXISTS", "hubspot-partner-clients:job:meta:march", "settled_batches"]) > 0);
    assert!(told.contains("job remove march") && !told.contains("same command again"), "{told}");
    assert!(status.contains("job remove march") && !status.contains("job worker"), "{status}");

    hubspot.clear_faults();
    hubspot.inject(Fault::status(403).on("account_details"));
    hubspot.inject(Fault::status(501).on("batch_associate"));
    hubspot.inject(Fault::status(501).on("associate"));
    fs::write(&file, HEADER.to_owned() + "1,companies,1,owner\n").unwrap();
    assert_eq!(job(&redis, &["enqueue", "april", path(&file)]).code, Some(0));
    redis.number(&["HSET", "hubspot-partner-clients:job:meta:april", "tried:0", "4"]);
    let aside = run(at(&hubspot, &redis, &["worker", "april"]));
    assert!(aside.code == Some(4) && aside.err.contains("set aside"), "{} {}", aside.out, aside.err);
    assert!(aside.err.contains("job remove april") && !aside.err.contains("job retry"), "{}", aside.err);
}

/// Both ask for the account before either has begun.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_no_account_do_not_begin_one_job_together() {
    let (redis, hubspot) = (RedisServer::start(), Arc::new(crm(1, 1).start().await.unwrap()));
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(300)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    hubspot.inject(Fault::status(403).on("account_details"));
    hubspot.inject(Fault::delay(Duration::from_secs(30)).on("batch_associate"));
    let first = at(&hubspot, &redis, &["worker", "march"]);
    let (proxy, asked) = (RedisProxy::to(redis.port()), Arc::clone(&hubspot));
    let (again, (done, begun)) = (proxy.clone(), std::sync::mpsc::channel());
    // It asks for the job's status first, and again when it knows the account.
    proxy.upon("status", move || {
        again.upon("status", move || {
            let mut first = first;
            let first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            done.send(first).unwrap();
            wait_for_requests(&asked, 1);
            false
        });
        false
    });
    let mut second = at(&hubspot, &redis, &["worker", "march"]);
    second.env("REDIS_URL", proxy.url());
    let refused = run(second);
    let mut first = begun.try_recv().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(refused.code == Some(2) && refused.err.contains("may be of another account"), "{}", refused.err);
    assert!(refused.err.contains("Wait until the worker that is at work has ended"), "{}", refused.err);
    assert!(!refused.err.contains("job remove"), "the first may leave before anything is settled: {}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_program_began_without_an_account_is_left_to_such_programs() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(300)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    let refusals = std::iter::once(None).chain(std::iter::repeat_n(Some(Fault::daily_limit()), 20));
    hubspot.inject(Fault::script(refusals).on("batch_dissociate"));
    let program = Redis::builder(redis.url()).connect().await.unwrap().job("march");
    let client = client_speaking(&hubspot, "v3");
    program.worker(&client).concurrency(1).run().await.unwrap_err();
    assert!((1..300).contains(&program.status().await.unwrap().settled()));
    hubspot.clear_faults();

    let left = ["no worker of this tool can go on", "a program of yours that sets no account can", "job remove march"];
    let status = job(&redis, &["status", "march"]).out;
    assert!(status.starts_with("Job march has no workers.\n"), "{status}");
    assert!(left.iter().all(|told| status.contains(told)) && !status.contains("job worker"), "{status}");
    let meta = "hubspot-partner-clients:job:meta:march";
    redis.number(&["HDEL", meta, "complete"]);
    let status = job(&redis, &["status", "march"]).out;
    assert!(status.starts_with("Job march is not completely enqueued: "), "{status}");
    assert!(left.iter().all(|told| status.contains(told)), "{status}");
    redis.number(&["HSET", meta, "complete", "1"]);

    // As the status says.
    let refused = run(at(&hubspot, &redis, &["worker", "march"]));
    assert!(refused.code == Some(2) && refused.err.contains("without an account"), "{}", refused.err);
    hubspot.inject(Fault::status(403).on("account_details"));
    let refused = run(at(&hubspot, &redis, &["worker", "march"]));
    assert!(refused.code == Some(2) && left.iter().all(|told| refused.err.contains(told)), "{}", refused.err);
    program.worker(&client).run().await.unwrap();
    let status = job(&redis, &["status", "march"]).out;
    assert!(status.starts_with("Job march is finished: "), "{status}");
    assert_eq!(job(&redis, &["collect", "march"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_that_a_job_is_not_completely_enqueued_and_whoever_enqueues_what_is_settled() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    // As if the end of the file had not come yet.
    redis.number(&["HDEL", "hubspot-partner-clients:job:meta:march", "complete"]);
    let worker = begin(at(&hubspot, &redis, &["worker", "march"]));
    while job(&redis, &["status", "march", "--json"]).json()[0]["made"] != 1 {
        sleep(Duration::from_millis(20));
    }
    signal(worker.id(), "INT");
    let ended = ran(worker.wait_with_output().unwrap());
    assert!(ended.err.starts_with("warning: job march is not completely enqueued: unless"), "{}", ended.err);
    let again = job(&redis, &["enqueue", "march", path(&file)]);
    assert!(again.out.contains("is finished already"), "{} {}", again.out, again.err);
}

#[test]
fn a_job_that_is_enqueued_is_told_so_although_its_state_cannot_be_read() {
    let redis = Arc::new(RedisServer::start());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    for (is_removed, options) in [(true, &[][..]), (false, &[]), (false, &["--json"])] {
        let proxy = RedisProxy::to(redis.port());
        let (server, elsewhere) = (Arc::clone(&redis), proxy.clone());
        proxy.upon("status", move || {
            if is_removed {
                server.number(&["DEL", "hubspot-partner-clients:job:meta:march"]);
            } else {
                // Nobody listens there.
                elsewhere.lead_to(1);
            }
            !is_removed
        });
        let mut command = tool(&[&["job", "enqueue", "march", path(&file)], options].concat());
        command.env("REDIS_URL", proxy.url());
        let enqueued = run(command);
        assert!(proxy.has_happened() && enqueued.code == Some(0), "{} {}", enqueued.out, enqueued.err);
        assert!(enqueued.err.contains("its state could not be read: "), "{}", enqueued.err);
        if options.is_empty() {
            assert!(enqueued.err.starts_with("warning: job march is enqueued, but "), "{}", enqueued.err);
            assert!(
                enqueued.out.starts_with("1 row is enqueued. To send them, start workers with"),
                "{}",
                enqueued.out
            );
        } else {
            assert_eq!(enqueued.json(), [serde_json::json!({"rows": 1})]);
        }
        let known = &job(&redis, &["status", "march", "--json"]);
        assert!(is_removed || known.json()[0]["allEnqueued"] == true, "{}", known.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_nothing_is_started() {
    let (redis, hubspot) = (RedisServer::with(&["--requirepass", "correct-horse"]), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let (file, bad) = (directory.path().join("rows.csv"), directory.path().join("bad.csv"));
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    fs::write(&bad, format!("{HEADER}1,companies,,owner\n")).unwrap();
    let wrong = format!("redis://:wrong-battery@127.0.0.1:{}", redis.port());
    let right = format!("redis://:correct-horse@127.0.0.1:{}", redis.port());
    let enqueue = ["job", "enqueue", "march", path(&file)];
    let cases: [(&str, &[&str], i32, &str); 8] = [
        ("", &enqueue, 2, "REDIS_URL"),
        ("http://localhost", &enqueue, 2, "Redis URL"),
        ("redis://127.0.0.1:1", &enqueue, 4, "127.0.0.1:1"),
        (&redis.url(), &enqueue, 2, "NOAUTH"),
        (&wrong, &enqueue, 2, "correct the user and the password in the URL"),
        (&right, &["job", "enqueue", "march", path(&bad)], 2, "line 2, column 3 (to_object_id)"),
        (&right, &["job", "worker", "march"], 2, "job \"march\" is not in Redis: enqueue it first"),
        (&right, &["job", "worker", "march", "--simulator"], 2, "--simulator runs inside one process"),
    ];
    for (url, arguments, code, told) in cases {
        let mut command = tool_at(&hubspot, arguments);
        let ran = run(std::mem::replace(command.env("REDIS_URL", url), Command::new("true")));
        assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{url} {arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{told:?} in {}", ran.err);
        assert!(!ran.err.contains("battery") && !ran.err.contains("horse"), "{}", ran.err);
    }
    let ran = run(tool(&["job", "status", "march"]));
    assert!(ran.code == Some(2) && ran.err.contains("REDIS_URL"), "{}", ran.err);
    // Without a token there is no worker, and the job is as it was.
    let mut command = tool(&enqueue);
    command.env("REDIS_URL", &right);
    assert_eq!(run(command).code, Some(0));
    let mut command = tool(&["job", "worker", "march"]);
    command.env("REDIS_URL", &right);
    assert_eq!(run(command).code, Some(3));
    assert_eq!(sent(&hubspot), 0);
}

#[test]
fn a_file_that_changes_while_it_is_enqueued_makes_no_complete_job() {
    let csv = |last: &str| {
        let rows: String = (1..4_000).map(|row| format!("{row},companies,1000001,owner\n")).collect();
        format!("{HEADER}{rows}{last}")
    };
    let last = "4000,companies,1000001,owner\n";
    let changes =
        [("a value", csv("4000,companies,1000002,owner\n")), ("shorter", csv("")), ("longer", csv(last) + last)];
    for (what, changed) in changes {
        let redis = RedisServer::start();
        let proxy = RedisProxy::to(redis.port());
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("rows.csv");
        fs::write(&file, csv(last)).unwrap();
        let to = file.clone();
        // It has been checked by then, and only its beginning been read again.
        proxy.upon("begin", move || {
            fs::write(&to, changed).unwrap();
            false
        });
        let mut command = tool(&["job", "enqueue", "march", path(&file)]);
        let ran = run(std::mem::replace(command.env("REDIS_URL", proxy.url()), Command::new("true")));
        assert!(proxy.has_happened());
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{what}: {}", ran.err);
        assert!(ran.err.contains("rows.csv was changed after it was checked"), "{what}: {}", ran.err);
        assert!(ran.err.contains("job remove march"), "{what}: {}", ran.err);
        let status = &job(&redis, &["status", "march", "--json"]).json()[0];
        assert_eq!((&status["allEnqueued"], &status["finished"]), (&false.into(), &false.into()), "{what}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_a_signal_ends_tells_what_it_did_and_leaves_the_rest_to_others() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    // Halved until the bad rows stand alone.
    let rows = "1,companies,1,owner\n1,companies,9,owner\n".repeat(3_000);
    fs::write(&file, format!("{HEADER}{rows}")).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file), "--dissociate", "--yes"]).code, Some(0));
    hubspot.inject(Fault::delay(Duration::from_millis(100)));
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        hubspot.clear_requests();
        let mut worker = at(&hubspot, &redis, &["worker", "march", "--concurrency", "1", "--json"]);
        let worker = worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while sent(&hubspot) < 3 {
            sleep(Duration::from_millis(5));
        }
        signal(worker.id(), name);
        let ran = crate::cli::ran(worker.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.json()[0]["worker"]["requests"].as_u64().unwrap() >= 2, "{}", ran.out);
        assert!(ran.error()["remedy"].as_str().unwrap().contains("Other workers take over its rows"), "{}", ran.err);
    }
    hubspot.clear_faults();
    assert_eq!(run(at(&hubspot, &redis, &["worker", "march"])).code, Some(0));
    assert_eq!(&job(&redis, &["status", "march", "--json"]).json()[0]["finished"], &true);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_begin_together_keep_to_the_limit_from_their_first_request_on() {
    let limits = RateLimits::default().per_ten_seconds(6);
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).rate_limits(limits).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    let worker = || {
        let mut worker = at(&hubspot, &redis, &["worker", "march", "--rate-limit", "6"]);
        worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for worker in [(); 10].map(|()| worker()) {
        let ran = crate::cli::ran(worker.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    let requests = hubspot.requests();
    // Each asks for the account, and one makes the association.
    assert_eq!(requests.len(), 11);
    assert!(requests.iter().all(|request| request.status() != Some(429)));
    // Nothing in Redis tells the token.
    let keys = redis.command(&["KEYS", "*"]);
    assert!(keys.contains(":limit:token-") && !keys.contains(hubspot.access_token()), "{keys}");
}

/// The library that shifts the clock of a program, if it is installed (`apt-get install faketime`).
fn faketime() -> Option<std::path::PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|folder| folder.path());
    folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|library| library.exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_whose_clocks_are_ten_minutes_apart_share_a_job_and_a_limit() {
    let Some(faketime) = faketime() else {
        println!("skipped, as faketime is not installed");
        return;
    };
    for version in ["v3", "2026-09"] {
        let limits = RateLimits::default().per_ten_seconds(12);
        let (redis, hubspot) = (RedisServer::start(), crm(100, 120).rate_limits(limits).start().await.unwrap());
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("rows.csv");
        let rows = (0..12_000).map(|row| format!("{},companies,{},7\n", row % 100 + 1, row / 100 + 1));
        fs::write(&file, HEADER.to_owned() + &rows.collect::<String>()).unwrap();
        assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
        let worker = |shift: &str| {
            let arguments = ["worker", "march", "--concurrency", "1", "--json", "--api-version", version];
            let mut command = at(&hubspot, &redis, &[&arguments[..], &["--rate-limit", "12"]].concat());
            command.env("LD_PRELOAD", &faketime).env("FAKETIME", shift).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut killed = worker("+5m");
        while sent(&hubspot) == 0 {
            sleep(Duration::from_millis(5));
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        let workers = ["+5m", "-5m", "+0"].map(worker);
        let parts = workers.map(|worker| crate::cli::ran(worker.wait_with_output().unwrap()));
        for ran in &parts {
            assert_eq!(ran.code, Some(0), "{}", ran.err);
        }
        let status = &job(&redis, &["status", "march", "--json"]).json()[0];
        assert_eq!((status["made"].as_u64(), status["finished"].as_bool()), (Some(12_000), Some(true)), "{status}");
        assert_eq!(hubspot.association_count(), 12_000);
        assert_eq!(hubspot.requests().iter().filter(|request| request.status() == Some(429)).count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_has_lost_of_a_job_is_told_before_anything_is_written() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    assert_eq!(run(at(&hubspot, &redis, &["worker", "march"])).code, Some(0));
    redis.number(&["DEL", "hubspot-partner-clients:job:batches:march"]);
    let collected = job(&redis, &["collect", "march"]);
    assert_eq!((collected.code, &*collected.out), (Some(2), ""), "{}", collected.err);
    assert!(collected.err.contains("job \"march\" is damaged"), "{}", collected.err);
    assert_eq!(job(&redis, &["remove", "march"]).code, Some(0));
}

/// What happens to a job that four workers share.
struct Ordeal {
    version: &'static str,
    rows: usize,
    per_ten_seconds: u32,
    kill_every: Duration,
    redis_paused: Duration,
    /// How long a worker stands still, with what it has read.
    worker_paused: Duration,
}

impl Ordeal {
    /// Every thousandth row is of a partner client that there is none of, and HubSpot does not say which.
    fn client(row: usize) -> usize {
        if row % 1_000 == 650 { 1_000_000 + row } else { row % CLIENTS + 1 }
    }

    /// Each pair stands in the file twice, some batches apart.
    fn row(&self, row: usize) -> (usize, usize, u64) {
        let apart = self.rows / 2;
        (Self::client(row), row % apart / CLIENTS + 1, if row < apart { 36 } else { 38 })
    }

    async fn survived(self) {
        let Self { version, rows, per_ten_seconds, .. } = self;
        let input: Vec<_> = (0..rows).map(|row| self.row(row)).collect();
        let mut builder = crm(CLIENTS, rows / CLIENTS + 1);
        for id in [36, 37, 38] {
            let (category, label) = (AssociationCategory::UserDefined, format!("Label {id}"));
            builder = builder.association_label("companies", category, id, label);
        }
        // They are there before, of a company in the file and of another.
        let there = [1, rows / CLIENTS + 1].map(|company| (1, company, 37));
        for (client, company, kind) in there {
            builder = builder.association(client.to_string(), "companies", company.to_string(), kind.to_string());
        }
        let hubspot = builder
            .invalid_associations(InvalidAssociations::Refuse)
            .rate_limits(RateLimits::default().per_ten_seconds(per_ten_seconds))
            .fault(Fault::status(503).with_probability(0.01, 1))
            .fault(Fault::reset().after_operation().with_probability(0.01, 2))
            .fault(Fault::delay(Duration::from_millis(50)))
            .start()
            .await
            .unwrap();
        let mut redis = RedisServer::durable();
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("rows.csv");
        let line = |(client, to, kind): &_| format!("{client},companies,{to},{kind}\n");
        let csv: String = input.iter().map(line).collect();
        fs::write(&file, format!("{HEADER}{csv}")).unwrap();

        let enqueue = ["enqueue", "ordeal", path(&file)];
        for milliseconds in [0, 300, 600] {
            let mut child = at(&hubspot, &redis, &enqueue).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(milliseconds));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(job(&redis, &enqueue).code, Some(0));
        let killed = self.run(&hubspot, &mut redis);
        println!("{rows} rows, {killed} workers killed, {} requests", sent(&hubspot));

        let collected = job(&redis, &["collect", "ordeal"]);
        assert_eq!(collected.code, Some(1), "{}", collected.err);
        let outcomes: Vec<_> = collected.out.lines().skip(1).collect();
        assert_eq!(outcomes.len(), rows);
        for ((client, company, kind), outcome) in input.iter().zip(outcomes) {
            let result = if *client <= CLIENTS { "made" } else { "failed" };
            assert!(outcome.starts_with(&format!("{client},companies,{company},{kind},{result},")), "{outcome}");
        }
        let good = input.iter().copied().filter(|(client, ..)| *client <= CLIENTS);
        let wanted: BTreeSet<_> = good.chain(there).collect();
        let made: BTreeSet<_> = (1..=CLIENTS)
            .flat_map(|client| {
                let all = hubspot.associations(&client.to_string()).into_iter().filter(|made| made.label.is_some());
                all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
            })
            .collect();
        let (lost, invented): (Vec<_>, Vec<_>) =
            (wanted.difference(&made).collect(), made.difference(&wanted).collect());
        assert!(lost.is_empty() && invented.is_empty(), "{version}: lost {lost:?}, invented {invented:?}");
    }

    /// Four workers, of whom one is killed and replaced time and again; how many were.
    fn run(&self, hubspot: &Simulator, redis: &mut RedisServer) -> usize {
        let begun = |redis: &RedisServer| -> Child {
            let arguments = ["worker", "ordeal", "--concurrency", "1", "--api-version", self.version];
            let mut worker = at(hubspot, redis, &arguments);
            worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut workers: Vec<Child> = (0..4).map(|_| begun(redis)).collect();
        let settled = |redis: &RedisServer| -> Option<u64> {
            let ran = job(redis, &["status", "ordeal", "--json"]);
            let status: Value = serde_json::from_str(&ran.out).ok()?;
            Some(status["made"].as_u64()? + status["failed"].as_u64()?)
        };
        let (mut killed, mut restarted, mut paused, mut next) = (0, false, false, Instant::now());
        let mut stopped: Option<(usize, Instant)> = None;
        let rows = self.rows as u64;
        loop {
            sleep(Duration::from_millis(200));
            let settled = settled(redis).unwrap_or_default();
            if settled == rows {
                break;
            }
            if !restarted && settled > rows / 4 {
                redis.stop();
                sleep(Duration::from_secs(1));
                redis.restart();
                restarted = true;
            }
            if !paused && settled > rows / 2 {
                redis.signal("-STOP");
                sleep(self.redis_paused);
                redis.signal("-CONT");
                paused = true;
            }
            if stopped.is_none() {
                signal(workers[0].id(), "STOP");
                stopped = Some((0, Instant::now()));
            }
            if let Some((worker, _)) = stopped.as_mut().filter(|(_, since)| since.elapsed() >= self.worker_paused)
                && *worker < 4
            {
                signal(workers[*worker].id(), "CONT");
                *worker = 4;
            }
            if next.elapsed() >= self.kill_every {
                let others = if stopped.is_some_and(|(worker, _)| worker == 0) { 1..4 } else { 0..4 };
                let worker = &mut workers[fastrand::usize(others)];
                killed += usize::from(worker.try_wait().unwrap().is_none());
                let _ = worker.kill();
                worker.wait().unwrap();
                next = Instant::now();
            }
            for worker in &mut workers {
                if worker.try_wait().unwrap().is_some() {
                    *worker = begun(redis);
                }
            }
        }
        assert!(restarted && paused && killed > 2, "{restarted} {paused} {killed}");
        for mut worker in workers {
            let code = worker.wait().unwrap().code();
            assert!(matches!(code, Some(1 | 4)), "a worker ends once all is done: {code:?}");
        }
        // Ten may have been killed in a row with the same batch, which is then set aside.
        while job(redis, &["retry", "ordeal", "--json"]).json()[0]["retried"] != 0 {
            assert_eq!(begun(redis).wait().unwrap().code(), Some(1));
        }
        killed
    }
}

async fn survives(version: &'static str) {
    let (kill_every, redis_paused) = (Duration::from_secs(2), Duration::from_secs(3));
    let worker_paused = Duration::from_secs(18);
    Ordeal { version, rows: 12_000, per_ten_seconds: 600, kill_every, redis_paused, worker_paused }.survived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_what_happens_to_its_workers_and_to_redis() {
    survives("v3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_on_a_dated_version_survives_what_happens_to_its_workers_and_to_redis() {
    survives("2026-09").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes"]
async fn a_large_job_survives_what_happens_to_its_workers_and_to_redis() {
    let (kill_every, redis_paused) = (Duration::from_secs(5), Duration::from_secs(60));
    let (rows, worker_paused) = (200_000, Duration::from_secs(18));
    for version in ["v3", "2026-09"] {
        Ordeal { version, rows, per_ten_seconds: 190, kill_every, redis_paused, worker_paused }.survived().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_takes_rows_that_name_objects_by_a_property() {
    let redis = RedisServer::start();
    let hubspot = crm(1, 0).object("companies", "9001", [("domain", "acme.example")]).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, "client;site\n1;ACME.example\n").unwrap();
    let options = ["--column", "partner_client_id=client", "--column", "to_object_id.domain=site"];
    let constants = ["--to-type", "companies", "--type", "owner"];
    let enqueue = [&["enqueue", "may", path(&file)], &options[..], &constants[..]].concat();
    let enqueued = run(at(&hubspot, &redis, &enqueue));
    assert_eq!(enqueued.code, Some(0), "{}", enqueued.err);
    assert_eq!(run(at(&hubspot, &redis, &enqueue)).code, Some(0), "it is the same");
    assert_eq!(run(at(&hubspot, &redis, &["worker", "may"])).code, Some(0));
    assert_eq!(hubspot.associations("1")[0].to_object_id, "9001");
    assert!(job(&redis, &["collect", "may"]).out.contains("1,companies,9001,owner"), "ids are what a job holds");
    fs::write(&file, "client;site\n1;nobody.example\n").unwrap();
    let refused = run(at(&hubspot, &redis, &[&["enqueue", "june"], &enqueue[2..]].concat()));
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("line 2, column 2 (site): none of the companies"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_that_nobody_reads_any_more_end_the_tool_as_for_any_other_command() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, HEADER.to_owned() + &"1,companies,1,owner\n".repeat(5_000)).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    assert_eq!(run(at(&hubspot, &redis, &["worker", "march"])).code, Some(0));
    for format in ["csv", "json", "table"] {
        let mut command = tool(&["job", "collect", "march", "--output", format]);
        command.env("REDIS_URL", redis.url()).stdout(std::io::pipe().unwrap().1).stderr(Stdio::piped());
        let closed = ran(command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!((closed.code, &*closed.err), (Some(141), ""), "{format}");
        if cfg!(target_os = "linux") {
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let mut command = tool(&["job", "collect", "march", "--output", format]);
            command.env("REDIS_URL", redis.url()).stdout(full).stderr(Stdio::piped());
            let full = ran(command.spawn().unwrap().wait_with_output().unwrap());
            assert!(full.code == Some(2) && full.err.contains("the output cannot be written"), "{}", full.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_id_of_a_job_commands_neither_a_terminal_nor_a_spreadsheet() {
    let id = "=\u{1b}]0;owned\u{202e}";
    let body =
        serde_json::json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": id});
    let server = RawServer::json(400, &body.to_string()).await;
    let redis = RedisServer::start();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    assert_eq!(job(&redis, &["enqueue", "march", path(&file)]).code, Some(0));
    let mut worker = tool(&["job", "worker", "march", "--base-url", &server.base_url]);
    worker.env("HUBSPOT_ACCESS_TOKEN", "t").env("REDIS_URL", redis.url());
    assert_eq!(run(worker).code, Some(1));
    let collected = job(&redis, &["collect", "march"]);
    assert!(collected.out.ends_with(",'=\\u{1b}]0;owned\\u{202e}\n"), "{}", collected.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_limit_of_a_server_however_each_of_them_spells_it() {
    let (redis, hubspot) = (RedisServer::start(), crm(1, 1).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("{HEADER}1,companies,1,owner\n")).unwrap();
    let url = hubspot.base_url();
    for (name, spelt) in
        [("a", url.to_owned()), ("b", format!("{url}/")), ("c", format!(" {}", url.replace("http", "HTTP")))]
    {
        assert_eq!(job(&redis, &["enqueue", name, path(&file)]).code, Some(0));
        let worked = run(at(&hubspot, &redis, &["worker", name, "--base-url", &spelt]));
        assert_eq!(worked.code, Some(0), "{}", worked.err);
    }
    let keys = redis.command(&["KEYS", "*token-*"]);
    let digests: BTreeSet<_> = keys.split("token-").skip(1).map(|key| &key[..16]).collect();
    assert_eq!(digests.len(), 1, "{keys}");
}
