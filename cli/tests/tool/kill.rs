//! A run of the command-line tool that is killed, time and again.

use std::{collections::BTreeSet, fs, path::Path, process::Stdio, thread, time::Duration};

use hubspot_simulator::{AssociationCategory, Fault, RateLimits, Simulator};
use tempfile::TempDir;

use crate::cli::{path, run_at, sent, tool_at};
use crate::support::{crm, sized};

const KILLS: usize = sized(20, 6);

/// Kills runs at random moments, each begun again by the same command, then lets one end.
async fn killed_time_and_again(version: &str, command: &str, rows: usize, options: &[&str], latency: u64, seed: u64) {
    // Every two hundredth row is of a partner client that there is none of.
    let client = |row: usize| if row % 200 == 150 { 1_000_000 + row } else { row % 100 + 1 };
    let input: Vec<_> = (0..rows).map(|row| (client(row), row / 100 + 1)).collect();
    let good: BTreeSet<_> = input.iter().filter(|(client, _)| *client <= 100).collect();
    // Another label of a company is to stay as it is.
    let label = |id| (AssociationCategory::UserDefined, id, format!("Label {id}"));
    let mut builder = crm(100, 1_000);
    for (category, id, label) in [label(36), label(37)] {
        builder = builder.association_label("companies", category, id, label);
    }
    if command == "dissociate-many" {
        for (client, company) in &good {
            builder = builder.association(client.to_string(), "companies", company.to_string(), "36");
        }
    }
    let hubspot = builder
        .association("1", "companies", "1000", "36")
        .association("1", "companies", "1", "37")
        .rate_limits(RateLimits::default().per_ten_seconds(2_000))
        .fault(Fault::status(503).with_probability(0.02, seed))
        .fault(Fault::reset().after_operation().with_probability(0.02, seed + 1))
        .fault(Fault::delay(Duration::from_millis(latency)))
        .start()
        .await
        .unwrap();
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (file, journal, failed) = (at("rows.csv"), at("run.journal"), at("failed.csv"));
    let csv: String = input.iter().map(|(client, company)| format!("{client},companies,{company},36\n")).collect();
    fs::write(&file, format!("partner_client_id,to_object_type,to_object_id,association_type\n{csv}")).unwrap();
    let files = ["--journal", path(&journal), "--failed", path(&failed), "--json"];
    let yes = if command == "dissociate-many" { &["--yes"][..] } else { &[] };
    let arguments = [&[command, path(&file), "--api-version", version], &files[..], options, yes].concat();

    let mut random = fastrand::Rng::with_seed(seed);
    let mut killed = 0;
    for kill in 0..KILLS {
        hubspot.clear_requests();
        let mut command = tool_at(&hubspot, &arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Every other one while it starts as well, the rest once it sends, and the last when some of it is settled.
        while (kill % 2 == 0 && sent(&hubspot) == 0) || (kill == KILLS - 1 && settled(&journal) == 0) {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(random.u64(0..400)));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        killed += usize::from(ended.is_none());
    }
    assert_eq!(killed, KILLS, "each while it ran");
    let begun = settled(&journal);
    assert!((1..rows).contains(&begun), "some of it was settled, and some not: {begun}");
    hubspot.clear_faults();
    let last = run_at(&hubspot, &arguments);

    assert_eq!(last.code, Some(1), "{}", last.err);
    let mut wanted: BTreeSet<_> = [(1, 1_000, 36), (1, 1, 37)].into();
    if command == "associate-many" {
        wanted.extend(good.iter().map(|(client, company)| (*client, *company, 36)));
    }
    assert_eq!(labelled(&hubspot), wanted);
    let done = if command == "associate-many" { "made" } else { "removed" };
    let outcomes = last.json();
    assert_eq!(outcomes.len(), rows + 1);
    for (place, (outcome, (client, company))) in outcomes.iter().zip(&input).enumerate() {
        assert_eq!(outcome["line"], place + 2);
        assert_eq!(
            (&outcome["partnerClientId"], &outcome["toObjectId"]),
            (&client.to_string().into(), &company.to_string().into())
        );
        let result = if *client <= 100 { done } else { "failed" };
        assert_eq!(outcome["result"], result, "{outcome}");
    }
    let bad = input.iter().filter(|(client, _)| *client > 100).count();
    assert_eq!(outcomes[rows]["summary"]["failed"], bad);
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), bad + 1);
}

/// How many lines a journal has below its first.
fn settled(journal: &Path) -> usize {
    fs::read_to_string(journal).unwrap_or_default().lines().skip(1).count()
}

/// Partner client, company and type of what has a label.
fn labelled(hubspot: &Simulator) -> BTreeSet<(usize, usize, u64)> {
    let of = |client: usize| {
        let all = hubspot.associations(&client.to_string()).into_iter().filter(|made| made.label.is_some());
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=100).flat_map(of).collect()
}

async fn single_requests(version: &str, seed: u64) {
    let options = ["--strategy", "single", "--rate-limit", "2000"];
    killed_time_and_again(version, "associate-many", 1_000, &options, 40, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_single_requests_survives_being_killed() {
    single_requests("v3", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_single_requests_on_a_dated_version_survives_being_killed() {
    single_requests("2026-09", 3).await;
}

// Batches of 100, halved until the bad rows stand alone.
async fn batches(version: &str, seed: u64) {
    killed_time_and_again(version, "dissociate-many", 5_000, &["--concurrency", "1"], 40, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_batches_survives_being_killed() {
    batches("v3", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_batches_on_a_dated_version_survives_being_killed() {
    batches("2026-09", 4).await;
}
