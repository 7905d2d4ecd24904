//! Signals: what is settled is told and written, and the exit code names the signal.

#[cfg(target_os = "linux")]
use std::process::Command;
use std::{fs, thread::sleep, time::Duration};

use hubspot_simulator::{Fault, Simulator};

use crate::cli::{END, begin, in_a_shell, path, ran, sent, signal, tool_at, wait_for_requests};
#[cfg(target_os = "linux")]
use crate::cli::{through, tool};
use crate::folder::{Folder, HEADER, rows, slow};
use crate::support::crm;

/// Signals, what the tool calls them, and its exit codes.
#[cfg(unix)]
const SIGNALS: [(&str, &str, i32); 4] =
    [("HUP", "SIGHUP", 129), ("INT", "SIGINT", 130), ("QUIT", "SIGQUIT", 131), ("TERM", "SIGTERM", 143)];
#[cfg(windows)]
const SIGNALS: [(&str, &str, i32); 3] = [("INT", "SIGINT", 130), ("BREAK", "SIGINT", 130), ("CLOSE", "SIGTERM", 143)];

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
    for (signal_name, told_name, code) in SIGNALS {
        let folder = Folder::new();
        let (file, failed) = (folder.write("rows.csv", rows(2_000)), folder.write("failed.csv", "of another run"));
        hubspot.clear_requests();
        let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed), "--json"];
        let child = begin(tool_at(&hubspot, &many));
        wait_for_requests(&hubspot, 12);
        signal(child.id(), signal_name);
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        let error = ran.error();
        assert_eq!((&error["kind"], &error["signal"]), (&"interrupted".into(), &told_name.into()));
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
    signal(child.id(), END);
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
    // Windows sends no second signal after that of a window which is closed: it ends the process.
    let (name, code) = if cfg!(windows) { ("BREAK", 130) } else { ("TERM", 143) };
    let mut signals = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        signal(child.id(), name);
        signals += 1;
        sleep(Duration::from_millis(100));
    };
    assert_eq!(status.code(), Some(code));
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

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_whose_files_are_of_no_account_does_not_say_that_it_resumes() {
    let not_told = Fault::status(403).on("account_details");
    let slow = Fault::delay(Duration::from_millis(50));
    let never = Fault::delay(Duration::from_secs(600)).on("batch_associate");
    let hubspot = crm(2, 9).fault(not_told).fault(never).fault(slow).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}{}", "1,companies,1,owner\n".repeat(2_000)));
    let of_other: String = (1..=9).map(|company| format!("2,companies,{company},owner\n")).collect();
    let wanted = files.write("wanted.csv", format!("{HEADER}{of_other}"));
    let (journal, undo) = (files.at("run.journal"), files.at("undo.json"));
    let (journal, undo) = (["--journal", path(&journal)], ["--undo", path(&undo)]);
    let reconcile = ["reconcile", path(&wanted), "--to-type", "companies", "--apply"];
    let many = ["associate-many", path(&file), "--strategy", "single"];
    let cases = [
        (&many[..], &[&journal[..]][..], "Give --journal another path"),
        (&many, &[&undo], "Give --undo another path and keep both files"),
        (&many, &[], "Run the command again"),
        (&reconcile, &[&journal], "Give --journal another path"),
        (&reconcile, &[&journal, &undo], "Give --journal and --undo other paths, and keep both undo files"),
    ];
    for (command, options, remedy) in cases {
        for kept in files.names().iter().filter(|name| !name.ends_with(".csv")) {
            std::fs::remove_file(files.at(kept)).unwrap();
        }
        hubspot.clear_requests();
        let mut child = begin(tool_at(&hubspot, &[command, &options.concat()].concat()));
        let requests = || hubspot.requests().into_iter();
        let writes = || requests().filter(|r| r.method() == "PUT" || r.path().ends_with("/batch/create")).count();
        while writes() < if command[0] == "reconcile" { 1 } else { 12 } {
            if child.try_wait().unwrap().is_some() {
                panic!("it ended by itself: {}", ran(child.wait_with_output().unwrap()).err);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(child.id(), "INT");
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        assert!(ran.err.contains(remedy), "{}", ran.err);
        assert!(!ran.err.contains("To resume") && !ran.err.contains("resumes where"), "{}", ran.err);
        assert!(options.is_empty() || !ran.err.contains("same command again"), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_an_interrupted_run_prints_resumes_it_in_a_shell() {
    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(50))).start().await.unwrap();
    let folder = Folder::new();
    // Windows takes neither quotation marks nor asterisks.
    let name = if cfg!(windows) { "it's & (my) rows ü.csv" } else { "it's $HOME & `my` \"rows\" * ü.csv" };
    let file = folder.write(name, format!("{HEADER}{}", "1,companies,1,owner\n".repeat(400)));
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
    let resumed = in_a_shell(&tool_at(&hubspot, &[]), printed);
    assert_eq!(resumed.code, Some(0), "{printed}: {}", resumed.err);
    assert!(resumed.out.contains("from the journal, settled by an earlier run"), "{}", resumed.out);
}

/// A server of names that hears and says nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_a_tool_that_waits_for_a_name_to_be_looked_up() {
    let Ok(names) = std::net::UdpSocket::bind("127.0.0.153:53") else {
        println!("skipped: this user may not listen on port 53");
        return;
    };
    names.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let folder = Folder::new();
    let settings = folder.write("resolv.conf", "nameserver 127.0.0.153\noptions timeout:30 attempts:5\n");
    let script = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", path(&settings));
    let apart = ["unshare", "--mount", "/bin/sh", "-c", &script, "sh"];
    if !Command::new(apart[0]).args(&apart[1..]).arg("true").output().is_ok_and(|apart| apart.status.success()) {
        println!("skipped: this user may not have another resolv.conf");
        return;
    }
    let mut list = tool(&["list", "--base-url", "https://hubspot.example"]);
    list.env("HUBSPOT_ACCESS_TOKEN", "t");
    let child = begin(through(&apart, &list));
    names.recv(&mut [0; 512]).unwrap();
    signal(child.id(), "TERM");
    let asked = std::time::Instant::now();
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    // The look-up goes on for minutes.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}

/// At the end of a run, association types are looked up that HubSpot may have refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_during_the_last_look_ups_says_what_is_settled_and_why_the_run_stopped() {
    for stops in [true, false] {
        let hubspot = crm(1, 1).start().await.unwrap();
        let folder = Folder::new();
        let rows = "1,companies,1,ower\n".to_owned() + &"1,companies,1,owner\n".repeat(29);
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let failed = folder.at("failed.csv");
        if stops {
            hubspot.inject(Fault::script([None, Some(Fault::daily_limit())]).on("associate"));
        }
        hubspot.inject(Fault::delay(Duration::from_secs(600)).on("association_types"));
        let options = ["--strategy", "single", "--concurrency", "1", "--failed", path(&failed)];
        let child = begin(tool_at(&hubspot, &[&["associate-many", path(&file)], &options[..]].concat()));
        while !hubspot.requests().iter().any(|request| request.path().ends_with("/types")) {
            sleep(Duration::from_millis(5));
        }
        signal(child.id(), "INT");
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        assert_eq!(ran.err.contains("Every row is settled."), !stops, "{}", ran.err);
        assert!(ran.out.contains("not settled"), "the summary is told: {}", ran.out);
        if stops {
            assert!(ran.err.contains(" of 30 rows are settled") && ran.err.contains("daily"), "{}", ran.err);
            assert!(!ran.err.contains(": 30 of"), "{}", ran.err);
        }
        let left = fs::read_to_string(&failed).unwrap().lines().count();
        assert!(if stops { left > 20 } else { left == 2 }, "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_of_standard_input_asks_for_the_same_rows() {
    let folder = Folder::new();
    let journal = folder.at("run.journal");
    let reconcile = ["reconcile", "-", "--to-type", "companies", "--apply"];
    let many = ["associate-many", "-", "--strategy", "single"];
    for command in [&many[..], &[&many[..], &["--journal", path(&journal)]].concat(), &reconcile] {
        let hubspot = crm(1, 1).start().await.unwrap();
        hubspot.inject(Fault::delay(Duration::from_secs(600)).on("batch_associate"));
        hubspot.inject(Fault::delay(Duration::from_millis(20)));
        let mut tool = tool_at(&hubspot, command);
        tool.stdin(std::process::Stdio::piped());
        let mut child = begin(tool);
        let content = if command[0] == "reconcile" { format!("{HEADER}1,companies,1,owner\n") } else { rows(400) };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), content.as_bytes()).unwrap();
        let is_write = |method: &str, path: &str| method == "PUT" || path.ends_with("/batch/create");
        while !hubspot.requests().iter().any(|request| is_write(request.method(), request.path())) {
            assert!(child.try_wait().unwrap().is_none(), "nothing is left to be interrupted");
            sleep(Duration::from_millis(5));
        }
        signal(child.id(), "INT");
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        assert!(ran.err.contains("same command again with the same rows on standard input"), "{}", ran.err);
    }
}
