//! Signals: what is settled is told and written, and the exit code names the signal.
#![cfg(unix)]

use std::{fs, process::Command, thread::sleep, time::Duration};

use hubspot_simulator::{Fault, Simulator};

use crate::cli::{begin, path, ran, run, sent, signal, through, tool, tool_at, wait_for_requests};
use crate::folder::{Folder, HEADER, rows, slow};
use crate::support::crm;

const SIGNALS: [(&str, i32); 4] = [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)];

/// Until the tool has its handlers for signals.
#[cfg(target_os = "linux")]
fn wait_until_it_listens(pid: u32) {
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        u64::from_str_radix(status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim(), 16).ok()
    };
    while caught().is_none_or(|caught| caught & 1 << 14 == 0) {
        sleep(Duration::from_millis(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_a_run_has_what_is_settled_told_and_written() {
    let hubspot = slow().await;
    for (name, code) in SIGNALS {
        let folder = Folder::new();
        let (file, failed) = (folder.write("rows.csv", rows(2_000)), folder.write("failed.csv", "of another run"));
        hubspot.clear_requests();
        let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed), "--json"];
        let child = begin(tool_at(&hubspot, &many));
        wait_for_requests(&hubspot, 12);
        signal(child.id(), name);
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        let error = ran.error();
        assert_eq!((&error["kind"], &error["signal"]), (&"interrupted".into(), &format!("SIG{name}").into()));
        assert!(error["remedy"].as_str().unwrap().contains("failed.csv has the rows that failed so far"), "{error}");
        let told = ran.json();
        let summary = &told.last().unwrap()["summary"];
        let settled = summary["made"].as_u64().unwrap() + summary["failed"].as_u64().unwrap();
        assert!((4..1_000).contains(&settled), "{summary}");
        assert_eq!((told.len() as u64, &summary["rows"]), (settled + 1, &2_000.into()));
        let written = fs::read_to_string(&failed).unwrap();
        assert_eq!(written.lines().count() as u64, summary["failed"].as_u64().unwrap() + 1, "{written}");
        assert_eq!(folder.names(), ["failed.csv", "rows.csv"], "nothing else is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_that_waits_for_the_rate_limit() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(100)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--rate-limit", "4", "--failed", path(&failed)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 3);
    sleep(Duration::from_millis(300));
    signal(child.id(), "TERM");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert!(sent(&hubspot) < 10, "it did not wait for the next ten seconds");
    assert!(fs::read_to_string(&failed).unwrap().contains("1,companies,9,owner"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_check_of_a_large_file() {
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(2_000_000));
    let child = begin(tool(&["associate-many", path(&file), "--dry-run"]));
    wait_until_it_listens(child.id());
    signal(child.id(), "TERM");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.code, &*ran.out), (Some(143), ""));
    assert!(ran.err.contains("nothing was sent"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_tool_whose_reader_does_not_read() {
    let clients = (1..=3_000).map(|id| (id.to_string(), [("name", "x".repeat(100))]));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).start().await.unwrap();
    let mut child = begin(tool_at(&hubspot, &["list", "--json"]));
    wait_for_requests(&hubspot, 2);
    sleep(Duration::from_millis(200));
    let mut signals = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        signal(child.id(), "TERM");
        signals += 1;
        sleep(Duration::from_millis(100));
    };
    assert_eq!(status.code(), Some(143));
    assert!(signals >= 2, "the first one waits for the reader");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_was_ignored_from_the_beginning_stays_ignored() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", HEADER.to_owned() + &"1,companies,1,owner\n".repeat(40));
    let many = tool_at(&hubspot, &["associate-many", path(&file), "--strategy", "single"]);
    // As `nohup` does.
    let child = begin(through(&["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"], &many));
    wait_for_requests(&hubspot, 8);
    signal(child.id(), "HUP");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.code, sent(&hubspot)), (Some(0), 40), "{}", ran.err);
}

/// The process that `unshare` has started in its namespace.
#[cfg(target_os = "linux")]
fn first_process_in(unshare: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap();
    children.trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_first_process_of_a_container_at_once() {
    let unshare = ["unshare", "--pid", "--fork", "--kill-child"];
    if !Command::new(unshare[0]).args(&unshare[1..]).arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped: this user may make no namespace of processes");
        return;
    }
    let clients = (1..=3_000).map(|id| (id.to_string(), [("name", "x".repeat(100))]));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).start().await.unwrap();
    // Nobody reads what it writes, so it cannot end by itself.
    let mut child = begin(through(&unshare, &tool_at(&hubspot, &["list", "--json"])));
    wait_for_requests(&hubspot, 2);
    sleep(Duration::from_millis(200));
    let first = first_process_in(child.id());
    signal(first, "TERM");
    sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "the first signal waits for the reader");
    signal(first, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// The system ignores signals that process 1 has no handler for, as in a container.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_first_process_of_a_container_is_ended_by_a_signal_as_well() {
    let unshare = ["--pid", "--fork", "--kill-child"];
    if !Command::new("unshare").args(unshare).arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped: this user may make no namespace of processes");
        return;
    }
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(2_000)), folder.at("failed.csv"));
    let many = tool_at(&hubspot, &["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)]);
    let child = begin(through(&[&["unshare"], &unshare[..]].concat(), &many));
    wait_for_requests(&hubspot, 12);
    signal(first_process_in(child.id()), "TERM");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert!(fs::read_to_string(&failed).unwrap().lines().count() > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_says_how_to_go_on() {
    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(50))).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}{}", "1,companies,1,owner\n".repeat(2_000)));
    let journal = files.at("run.journal");
    let many = ["associate-many", path(&file), "--strategy", "single", "--journal", path(&journal)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    signal(child.id(), "INT");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130));
    assert!(ran.err.contains("of 2,000 rows are settled") && ran.err.contains("same command again"), "{}", ran.err);
    assert!(ran.err.contains("run.journal"), "{}", ran.err);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_an_interrupted_run_prints_resumes_it_in_a_shell() {
    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(50))).start().await.unwrap();
    let folder = Folder::new();
    let file =
        folder.write("it's $HOME & `my` \"rows\" * ü.csv", format!("{HEADER}{}", "1,companies,1,owner\n".repeat(400)));
    let (journal, failed) = (folder.at("=run;journal"), folder.at("failed ~ rows#1.csv"));
    let files = ["--journal", path(&journal), "--failed", path(&failed)];
    let many = [&["associate-many", path(&file), "--strategy", "single"], &files[..]].concat();
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    signal(child.id(), "INT");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}", ran.err);
    let printed = ran.err.lines().find_map(|line| line.strip_prefix("  hubspot-partner-clients ")).unwrap();
    hubspot.clear_faults();
    let resumed = run(through(&["/bin/sh", "-c", &format!("\"$@\" {printed}"), "sh"], &tool_at(&hubspot, &[])));
    assert_eq!(resumed.code, Some(0), "{printed}: {}", resumed.err);
    assert!(resumed.out.contains("from the journal, settled by an earlier run"), "{}", resumed.out);
}
