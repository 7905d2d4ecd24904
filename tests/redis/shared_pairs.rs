//! Jobs whose batches share pairs of objects, of which dated versions of HubSpot's API set all labels at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::TryStreamExt;
use hubspot_partner_clients::{
    Association, Client,
    bulk::Outcome,
    redis::{Job, Redis},
};
use hubspot_simulator::{AssociationCategory, Fault, Simulator, SimulatorBuilder};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;
use crate::support::{client_speaking, crm};

on_each_version! {
    at_the_end_each_pair_has_what_it_had_and_what_was_asked_for,
    workers_of_two_versions_do_not_work_together,
}

const META: &str = "hubspot-partner-clients:job:meta:test";
const BATCHES: &str = "hubspot-partner-clients:job:batches:test";
const BATCH: usize = 2_000;
const LABELS: std::ops::Range<u64> = 36..86;

/// Partner client, company, type.
type Triple = (u64, u64, u64);

/// To companies the unlabelled type 7, and labels.
fn labels(clients: usize, companies: usize) -> SimulatorBuilder {
    LABELS.fold(crm(clients, companies), |builder, id| {
        builder.association_label("companies", AssociationCategory::UserDefined, id, format!("Label {id}"))
    })
}

fn association((client, company, kind): Triple) -> Association {
    Association::new(client, "companies", company, kind).unwrap()
}

/// The labelled associations of all partner clients.
fn labelled(hubspot: &Simulator, clients: u64) -> BTreeSet<Triple> {
    let of = |client: u64| {
        let all = hubspot.associations(&client.to_string()).into_iter().filter(|made| made.label.is_some());
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=clients).flat_map(of).collect()
}

async fn job_at(url: String) -> Job {
    Redis::connect(url).await.unwrap().job("test")
}

async fn outcomes(job: &Job) -> Vec<Outcome> {
    job.outcomes().try_collect().await.unwrap()
}

/// The words of an answer of Redis that are data.
fn words(answer: &str) -> Vec<&str> {
    answer.split("\r\n").filter(|line| !line.starts_with(['$', '*', ':']) && !line.is_empty()).collect()
}

/// A worker in a task, and the name that Redis knows it by.
struct Worker {
    task: JoinHandle<()>,
    name: String,
}

impl Worker {
    fn names(server: &RedisServer) -> BTreeSet<String> {
        let fields = server.command(&["HKEYS", META]);
        words(&fields).into_iter().filter_map(|field| field.strip_prefix("seen:")).map(str::to_owned).collect()
    }

    async fn start(server: &RedisServer, hubspot: &Simulator, version: &str, concurrency: usize) -> Self {
        let before = Self::names(server);
        let (job, client) = (job_at(server.url()).await, client_speaking(hubspot, version));
        let task = tokio::spawn(async move {
            job.worker(&client).concurrency(concurrency).run().await.unwrap();
        });
        loop {
            let name = Self::names(server).difference(&before).next().cloned();
            // One that finds all done is forgotten at once.
            if name.is_some() || task.is_finished() {
                return Self { task, name: name.unwrap_or_default() };
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends it as a signal does, and lets its lease end after all that it has sent.
    async fn kill(self, server: &RedisServer) -> bool {
        let was_at_it = !self.task.is_finished();
        self.task.abort();
        let _ = self.task.await;
        if !was_at_it {
            return false;
        }
        sleep(Duration::from_millis(300)).await;
        let pending = server.command(&["XPENDING", BATCHES, "workers", "-", "+", "1000", &self.name]);
        for entry in words(&pending).into_iter().filter(|word| *word != self.name) {
            server.command(&["XCLAIM", BATCHES, "workers", "gone", "0", entry, "IDLE", "60000", "JUSTID"]);
        }
        true
    }
}

// Several labels of a pair are spread over batches, some far from each other. Three workers, of which one after the other
// is killed as it works.
async fn at_the_end_each_pair_has_what_it_had_and_what_was_asked_for(version: &str) {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let case = format!("seed {seed}, {version}");
    let (clients, companies) = (30, 20);
    let pair = |place: usize| ((place % 30) as u64 + 1, (place / 30 % 20) as u64 + 1);
    // A batch has pairs of a window, most of which the next has as well.
    let inputs: Vec<Triple> = (0..20 * BATCH)
        .map(|place| {
            let (client, company) = pair(place / BATCH * 60 + random.usize(0..200));
            // One in two thousand is of a company that does not exist.
            let company = if random.usize(0..2_000) == 0 { 999 } else { company };
            // Each label of each pair about once, so that nobody makes good what another has lost.
            (client, company, if random.usize(0..20) == 0 { 7 } else { random.u64(LABELS) })
        })
        .collect();
    let there: Vec<Triple> = (0..200)
        .map(|_| {
            let (client, company) = pair(random.usize(0..600));
            (client, company, random.u64(LABELS))
        })
        .collect();
    let builder = there.iter().fold(labels(clients, companies), |builder, (client, company, kind)| {
        builder.association(client.to_string(), "companies", company.to_string(), kind.to_string())
    });
    let hubspot = builder
        .fault(Fault::status(503).with_probability(0.02, seed))
        .fault(Fault::reset().after_operation().with_probability(0.02, seed + 1))
        // A batch takes fewer requests on v3.
        .fault(Fault::delay(Duration::from_millis(if version == "v3" { 150 } else { 50 })))
        .start()
        .await
        .unwrap();
    let server = RedisServer::start();
    let job = job_at(server.url()).await;
    job.enqueue_associate_many("rows", inputs.iter().copied().map(association)).await.unwrap();

    let (mut workers, mut killed) = (Vec::new(), 0);
    while killed < 20 && !job.status().await.unwrap().is_finished {
        while workers.len() < 3 {
            workers.push(Worker::start(&server, &hubspot, version, random.usize(1..4)).await);
        }
        sleep(Duration::from_millis(random.u64(0..200))).await;
        killed += usize::from(workers.swap_remove(random.usize(0..3)).kill(&server).await);
    }
    // The rest is for three that are left alone, as slow as before.
    hubspot.clear_faults();
    hubspot.inject(Fault::delay(Duration::from_millis(50)));
    while workers.len() < 3 {
        workers.push(Worker::start(&server, &hubspot, version, 1).await);
    }
    for worker in workers {
        worker.task.await.unwrap();
    }
    // Ten may have been killed in a row with the same batch.
    while job.retry().await.unwrap() > 0 {
        Worker::start(&server, &hubspot, version, 1).await.task.await.unwrap();
    }
    println!("{case}: {killed} workers killed");
    assert!(killed > 2, "{case}: {killed} killed");

    let outcomes = outcomes(&job).await;
    assert_eq!(outcomes.len(), inputs.len(), "{case}");
    for (outcome, input) in outcomes.iter().zip(&inputs) {
        assert_eq!(outcome.association.as_ref(), Some(&association(*input)), "{case}");
        assert_eq!(outcome.result.is_ok(), input.1 != 999, "{case}: {outcome:?}");
    }
    let asked = inputs.iter().copied().filter(|(_, company, kind)| *company != 999 && *kind != 7);
    let wanted: BTreeSet<Triple> = there.iter().copied().chain(asked).collect();
    let found = labelled(&hubspot, clients as u64);
    let lost: Vec<_> = wanted.difference(&found).collect();
    let invented: Vec<_> = found.difference(&wanted).collect();
    assert!(lost.is_empty() && invented.is_empty(), "{case}: lost {lost:?}, invented {invented:?}");
    let status = job.status().await.unwrap();
    assert_eq!(status.settled(), inputs.len() as u64, "{case}");
    assert_eq!(server.number(&["EXISTS", "hubspot-partner-clients:job:pairs:test"]), 0, "{case}");
}

/// Batches of pairs of their own, besides one pair for each letter.
fn batches(letters: &[&str]) -> Vec<Triple> {
    let mut shared = BTreeMap::new();
    let mut own = 0;
    let mut next = || {
        own += 1;
        (own % 100 + 1, own / 100 + 1)
    };
    let mut all = Vec::new();
    for (batch, letters) in letters.iter().enumerate() {
        let first = all.len();
        for letter in letters.chars() {
            let (client, company) = *shared.entry(letter).or_insert_with(&mut next);
            all.push((client, company, LABELS.start + batch as u64));
        }
        while all.len() < first + BATCH {
            let (client, company) = next();
            all.push((client, company, LABELS.start + batch as u64));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_waits_for_another_worker_s_with_one_of_its_pairs_and_holds_up_no_other() {
    let (server, hubspot) = (RedisServer::start(), labels(100, 130).start().await.unwrap());
    let job = job_at(server.url()).await;
    let inputs = batches(&["a", "b", "ac", "d", "bcd", "d"]);
    job.enqueue_associate_many("rows", inputs.iter().copied().map(association)).await.unwrap();
    // The first worker has the first two batches, and gets no answer.
    hubspot.inject(Fault::delay(Duration::from_secs(600)).on("batch_read_associations").times(1));
    let client = client_speaking(&hubspot, "2026-09");
    let first = job.worker(&client).concurrency(1).run_until(sleep(Duration::from_secs(6)));
    let second = async {
        while hubspot.requests().len() < 2 {
            sleep(Duration::from_millis(5)).await;
        }
        let client = client_speaking(&hubspot, "2026-09");
        let part = job.worker(&client).concurrency(1).run_until(sleep(Duration::from_secs(4))).await.unwrap();
        assert_eq!(part.succeeded as usize, 2 * BATCH, "the fourth and the last batch");
    };
    let (part, ()) = tokio::join!(first, second);
    assert_eq!(part.unwrap().succeeded, 0);
    // Nothing was on its way that sets labels.
    let rest = timeout(Duration::from_secs(10), job.worker(&client).run()).await.unwrap().unwrap();
    assert_eq!(rest.succeeded as usize, 4 * BATCH);
    assert_eq!(labelled(&hubspot, 100), inputs.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_lost_its_lease_sets_no_labels() {
    let (server, hubspot) = (RedisServer::start(), labels(100, 130).start().await.unwrap());
    let proxy = RedisProxy::to(server.port());
    let (cut_off, job) = (job_at(proxy.url()).await, job_at(server.url()).await);
    let inputs = batches(&["a", "a"]);
    job.enqueue_associate_many("rows", inputs.iter().copied().map(association)).await.unwrap();
    // It has read what the pairs have, but hears of it only when another worker has set labels.
    let late = Fault::delay(Duration::from_secs(25)).on("batch_read_associations").after_operation();
    hubspot.inject(late.times(1));
    let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    let client = client.api_version("2026-09".parse().unwrap()).timeout(Duration::from_secs(60)).build().unwrap();
    let started = Instant::now();
    let first = tokio::spawn(async move { cut_off.worker(&client).concurrency(1).run().await });
    while hubspot.requests().len() < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    proxy.delay(Duration::from_secs(3600));
    job.worker(&client_speaking(&hubspot, "2026-09")).run().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(24), "{:?}", started.elapsed());
    let wanted: BTreeSet<_> = inputs.into_iter().collect();
    assert_eq!(labelled(&hubspot, 100), wanted);
    hubspot.clear_requests();
    sleep(Duration::from_secs(30).saturating_sub(started.elapsed())).await;
    assert_eq!(labelled(&hubspot, 100), wanted);
    assert_eq!(hubspot.requests().len(), 0);
    first.abort();
}

async fn workers_of_two_versions_do_not_work_together(version: &str) {
    let other = if version == "v3" { "2026-09" } else { "v3" };
    let (server, hubspot) = (RedisServer::start(), labels(100, 130).start().await.unwrap());
    let job = job_at(server.url()).await;
    let inputs = batches(&["a", "b", "c", "d"]);
    job.enqueue_associate_many("rows", inputs.iter().copied().map(association)).await.unwrap();
    hubspot.inject(Fault::delay(Duration::from_secs(3)).on("batch_associate").times(1));
    let first = Worker::start(&server, &hubspot, version, 1).await;
    while hubspot.requests().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    // It waits, and is told once there are outcomes.
    let client = client_speaking(&hubspot, other);
    let error = timeout(Duration::from_secs(30), job.worker(&client).run()).await.unwrap().unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    for part in [format!("API version {version}"), other.to_owned()] {
        assert!(error.message().contains(&part), "{part:?} in {error}");
    }
    first.task.await.unwrap();
    assert_eq!(labelled(&hubspot, 100), inputs.into_iter().collect());
    let prefix = if other == "v3" { "/crm/v3/" } else { "/2026-09/" };
    assert!(hubspot.requests().iter().all(|request| !request.path().contains(prefix)), "the other sent nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_go_with_the_unlabelled_type_where_the_job_says_so() {
    let (server, redis_less) = (RedisServer::start(), labels(3, 3));
    let there = [("1", "7"), ("1", "36"), ("2", "7")];
    let builder =
        there.iter().fold(redis_less, |builder, (client, kind)| builder.association(*client, "companies", "1", *kind));
    let hubspot = builder.start().await.unwrap();
    let client = client_speaking(&hubspot, "2026-09");
    let inputs = || [(1, 1, 7), (2, 1, 7)].map(association);
    let job = job_at(server.url()).await;
    job.enqueue_dissociate_many("rows", inputs()).await.unwrap();
    job.worker(&client).run().await.unwrap();
    let refused = outcomes(&job).await;
    let error = refused[0].result.as_ref().unwrap_err();
    let alone = client.remove_association(association((1, 1, 7))).await.unwrap_err();
    assert!(error.is_invalid_input() && error.message() == alone.message(), "{error}");
    assert!(refused[1].result.is_ok(), "{refused:?}");
    assert_eq!(hubspot.association_count(), 2);

    // As it was, not otherwise.
    let error = job.clone().including_labels().enqueue_dissociate_many("rows", inputs()).await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("may not remove labels"), "{error}");
    job.remove().await.unwrap();
    job.clone().including_labels().enqueue_dissociate_many("rows", inputs()).await.unwrap();
    let error = job.enqueue_dissociate_many("rows", inputs()).await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("may remove labels"), "{error}");
    assert!(job.status().await.unwrap().including_labels);
    job.worker(&client).run().await.unwrap();
    assert!(outcomes(&job).await.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(hubspot.association_count(), 0);
}
