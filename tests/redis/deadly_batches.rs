//! Batches that end their workers: they are leased a few times more, alone, and then set aside.

use std::{collections::BTreeSet, time::Duration};

use futures_util::TryStreamExt;
use hubspot_partner_clients::{
    Association, Client, ErrorKind, Result,
    redis::{Job, Redis},
};
use hubspot_simulator::{Fault, Simulator};
use tokio::{sync::mpsc::unbounded_channel, time::sleep};

use crate::job_failures::Away;
use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::{client_at_speaking, client_speaking, crm};

on_each_version! {
    a_batch_that_ends_its_workers_is_set_aside_after_ten_of_them_and_no_other_is,
    workers_that_stop_or_fail_leave_no_suspicion,
}

const BATCHES: &str = "hubspot-partner-clients:job:batches:test";
const BATCH: usize = 2_000;
const COUNT: usize = 5 * BATCH + 1;
/// The company whose association is the end of a worker.
const DEADLY: &str = "777777";
/// Its row, in the third of six batches.
const PLACE: usize = 2 * BATCH;

/// Different pairs of objects.
fn rows() -> impl Iterator<Item = Result<Association>> {
    (0..COUNT).map(|row| {
        let company = if row == PLACE { DEADLY.to_owned() } else { (row / 100 + 1).to_string() };
        Association::new(row % 100 + 1, "companies", company, 7)
    })
}

async fn hubspot() -> Simulator {
    let crm = crm(100, COUNT / 100 + 1).object("companies", DEADLY, [("name", "x")]);
    crm.fault(Fault::delay(Duration::from_millis(50))).start().await.unwrap()
}

async fn job(server: &RedisServer) -> Job {
    let job = Redis::connect(server.url()).await.unwrap().job("test");
    job.enqueue_associate_many("rows", rows()).await.unwrap();
    job
}

/// Has 15 s pass for what is leased, as far as leases go.
pub fn leases_end(server: &RedisServer) {
    let pending = server.command(&["XPENDING", BATCHES, "workers", "-", "+", "1000"]);
    for entry in pending.split("\r\n").filter(|line| line.contains('-')) {
        server.command(&["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "JUSTID"]);
    }
}

/// Has a worker at work that ends, like a process that is killed, while a request with this company is under way. Whether it
/// did.
async fn dies_of_it(job: &Job, client: &Client, proxy: &RedisProxy) -> bool {
    let (deadly, mut seen) = unbounded_channel();
    let (ended, end) = std::sync::mpsc::channel::<()>();
    proxy.upon_bytes(format!("\"{DEADLY}\""), move || {
        deadly.send(()).unwrap();
        // Nothing comes back until the worker is gone.
        let _ = end.recv();
        true
    });
    let killed = tokio::select! {
        part = job.worker(client).concurrency(2).run() => part.map(|_| false).unwrap(),
        _ = seen.recv() => true,
    };
    drop(ended);
    killed
}

async fn a_batch_that_ends_its_workers_is_set_aside_after_ten_of_them_and_no_other_is(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot().await);
    let job = job(&server).await;
    let proxy = RedisProxy::to(hubspot.base_url().rsplit(':').next().unwrap().parse().unwrap());
    let client = client_at_speaking(&proxy.url().replace("redis", "http"), hubspot.access_token(), version);
    let mut killed = 0;
    while dies_of_it(&job, &client, &proxy).await {
        killed += 1;
        assert!(killed <= 10, "it is leased for ever");
        leases_end(&server);
    }
    assert_eq!(killed, 10);
    let status = job.status().await.unwrap();
    assert_eq!((status.is_finished, status.set_aside, status.failed), (true, 1, BATCH as u64));
    let aside = job.set_aside().await.unwrap();
    assert_eq!((aside[0].number, aside[0].inputs, aside[0].failed), (2, BATCH as u64, BATCH as u64));
    assert_eq!(aside[0].error.kind(), ErrorKind::NoOutcome, "it may have been carried out");
    assert!(aside[0].error.message().contains("10 workers in a row have ended"), "{}", aside[0].error);
    let remedy = aside[0].error.remedy();
    assert!(remedy.contains("why they ended") && remedy.contains("`Job::retry`"), "{remedy}");
    assert!(!remedy.contains("associating") && !remedy.contains("update"), "{remedy}");

    assert_eq!(job.retry().await.unwrap(), 1);
    // As often as before.
    assert!(dies_of_it(&job, &client, &proxy).await);
    leases_end(&server);
    job.worker(&client).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.succeeded, status.failed, status.set_aside), (COUNT as u64, 0, 0));
    let outcomes: Vec<_> = job.outcomes().try_collect().await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    let made: BTreeSet<_> =
        (1..=100).flat_map(|id| hubspot.associations(&id.to_string())).map(|a| a.to_object_id).collect();
    assert!(made.contains(DEADLY));
    assert_eq!(hubspot.association_count(), COUNT);
}

async fn workers_that_stop_or_fail_leave_no_suspicion(version: &str) {
    let (server, hubspot) = (RedisServer::start(), hubspot().await);
    let job = job(&server).await;
    let away = Client::builder().base_url(hubspot.base_url()).token_provider(Away);
    let away = away.api_version(version.parse().unwrap()).build().unwrap();
    for _ in 0..3 {
        // Stopped at its first batches.
        hubspot.inject(Fault::delay(Duration::from_secs(600)).times(4));
        let count = hubspot.requests().len();
        let asked = async {
            while hubspot.requests().len() == count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        job.worker(&client_speaking(&hubspot, version)).run_until(asked).await.unwrap();
        leases_end(&server);
        // Without a token.
        job.worker(&away).run_until(sleep(Duration::from_millis(300))).await.unwrap();
        leases_end(&server);
        let pending = server.command(&["XPENDING", BATCHES, "workers", "-", "+", "1000"]);
        let numbers: Vec<_> = pending.lines().filter_map(|line| line.strip_prefix(':')).collect();
        assert!(!numbers.is_empty() && numbers.chunks(2).all(|of_one| of_one[1] == "0"), "{pending}");
    }
    hubspot.clear_faults();
    job.worker(&client_speaking(&hubspot, version)).run().await.unwrap();
    let status = job.status().await.unwrap();
    assert_eq!((status.succeeded, status.set_aside), (COUNT as u64, 0));
}
