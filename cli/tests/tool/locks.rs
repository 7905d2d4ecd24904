//! Files that a run holds, which another run of the tool leaves alone.

use std::{fs, time::Duration};

use hubspot_simulator::Fault;

use crate::cli::{begin, path, run, run_at, tool_at, wait_for_requests};
use crate::folder::{Folder, rows, slow};

/// Until the process is killed.
const FOR_EVER: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_leaves_the_old_file_of_failed_rows_and_the_new_one_beside_it() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(60)), folder.write("failed.csv", "of another run"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)];
    let mut child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 12);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(&failed).unwrap(), "of another run");
    let partial = folder.at("failed.csv.partial");
    let written = fs::read_to_string(&partial).unwrap();
    assert!(written.lines().count() > 2 && written.ends_with('\n'), "{written}");

    // What it left can be given as input, if it is not written to meanwhile.
    let refused = run_at(&hubspot, &["associate-many", path(&partial), "--failed", path(&failed)]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert_eq!(fs::read_to_string(&partial).unwrap(), written);
    // A run that sends nothing leaves both.
    let mut unauthorized = tool_at(&hubspot, &many);
    unauthorized.env("HUBSPOT_ACCESS_TOKEN", "");
    let other_journal = folder.write("other.journal", "x");
    let refused = [run(unauthorized), run_at(&hubspot, &[&many[..], &["--journal", path(&other_journal)]].concat())];
    assert!(refused.iter().all(|refused| matches!(refused.code, Some(2 | 3))), "{}", refused[0].err);
    assert_eq!(fs::read_to_string(&partial).unwrap(), written);
    fs::remove_file(other_journal).unwrap();
    // The next run replaces both.
    assert_eq!(run_at(&hubspot, &many).code, Some(1));
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), 31);
    assert_eq!(folder.names(), ["failed.csv", "rows.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_write_one_file_of_failed_rows() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(100)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)];
    let mut child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    hubspot.inject(Fault::delay(FOR_EVER).on("associate"));
    let second = run_at(&hubspot, &many);
    assert!(second.code == Some(2) && second.err.contains("is in use by another run"), "{}", second.err);
    child.kill().unwrap();
    child.wait().unwrap();
    hubspot.clear_faults();
    assert_eq!(run_at(&hubspot, &many).code, Some(1), "a lock ends with its process");
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_write_one_journal() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, journal) = (folder.write("rows.csv", rows(100)), folder.at("run.journal"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--journal", path(&journal), "--json"];
    let mut child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 12);
    hubspot.inject(Fault::delay(FOR_EVER).on("associate"));
    let second = run_at(&hubspot, &many);
    assert_eq!((second.code, &second.error()["kind"]), (Some(2), &"journal".into()), "{}", second.err);
    assert!(second.err.contains("is in use"), "{}", second.err);
    child.kill().unwrap();
    child.wait().unwrap();
    let settled = fs::read_to_string(&journal).unwrap().lines().count() - 1;
    assert!(settled > 0, "what was settled is in the journal");

    hubspot.clear_faults();
    let resumed = run_at(&hubspot, &many);
    assert_eq!(resumed.code, Some(1), "a lock ends with its process: {}", resumed.err);
    assert_eq!(resumed.json().last().unwrap()["summary"]["fromJournal"], settled);
}
