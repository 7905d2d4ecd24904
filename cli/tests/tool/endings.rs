//! However the command-line tool is ended, what is settled is told and written, and its output files are whole.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use hubspot_simulator::{Fault, Simulator};
use tempfile::TempDir;

use crate::cli::{Ran, path, ran, run, run_at, tool, tool_at};
use crate::support::crm;

const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";
const SIGNALS: [(&str, i32); 4] = [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)];

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A HubSpot that takes its time, and rows every second of which fails.
async fn slow() -> Simulator {
    crm(1, 1).fault(Fault::delay(Duration::from_millis(20))).start().await.unwrap()
}

fn rows(count: usize) -> String {
    HEADER.to_owned() + &"1,companies,1,owner\n1,companies,9,owner\n".repeat(count / 2)
}

fn begin(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
    assert!(sent.unwrap().success());
}

fn wait_for_requests(hubspot: &Simulator, requests: usize) {
    while hubspot.requests().len() < requests {
        sleep(Duration::from_millis(5));
    }
}

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
    let many =
        ["associate-many", path(&file), "--strategy", "single", "--limit-per-10s", "4", "--failed", path(&failed)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 3);
    sleep(Duration::from_millis(300));
    signal(child.id(), "TERM");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert!(hubspot.requests().len() < 10, "it did not wait for the next ten seconds");
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
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(many.get_program()).args(many.get_args());
    command.envs(many.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = begin(command);
    wait_for_requests(&hubspot, 8);
    signal(child.id(), "HUP");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.code, hubspot.requests().len()), (Some(0), 40), "{}", ran.err);
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
    let mut command = Command::new("unshare");
    command.args(unshare).arg(many.get_program()).args(many.get_args());
    command.envs(many.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = begin(command);
    wait_for_requests(&hubspot, 12);
    let id = child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    signal(children.trim().parse().unwrap(), "TERM");
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(143), "{}", ran.err);
    assert!(fs::read_to_string(&failed).unwrap().lines().count() > 2);
}

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
    // The next run replaces both.
    assert_eq!(run_at(&hubspot, &many).code, Some(1));
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), 31);
    assert_eq!(folder.names(), ["failed.csv", "rows.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_file_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let content = HEADER.to_owned() + "1,companies,9,owner\n";
    let file = folder.write("rows.csv", &content);
    fs::hard_link(&file, folder.at("hard.csv")).unwrap();
    symlink(&file, folder.at("soft.csv")).unwrap();
    symlink(folder.at("nothing.csv"), folder.at("dangling.csv")).unwrap();
    fs::create_dir(folder.at("directory")).unwrap();
    fs::write(folder.at("read_only.csv"), "kept").unwrap();
    fs::set_permissions(folder.at("read_only.csv"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir(folder.at("taken.csv.partial")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.at("pipe")).status().unwrap().success());
    symlink(folder.at("pipe"), folder.at("linked_pipe")).unwrap();
    let before = folder.names();
    let journal = folder.at("run.journal");
    let cases = [
        ("rows.csv", "would overwrite the file of the rows"),
        ("directory/../rows.csv", "would overwrite the file of the rows"),
        ("hard.csv", "would overwrite the file of the rows"),
        ("soft.csv", "would overwrite the file of the rows"),
        ("run.journal", "would overwrite the journal"),
        ("dangling.csv", "is a link to a file that does not exist"),
        ("pipe", "is a pipe"),
        ("linked_pipe", "is a pipe"),
        ("directory", "is a directory"),
        ("missing/failed.csv", "cannot be written: the directory"),
        ("missing/", "is the name of a directory"),
        ("read_only.csv", "read-only"),
        ("taken.csv", "taken.csv.partial is in the way"),
        ("rows.csv/failed.csv", "Not a directory"),
        ("/dev/full", "is a device"),
        ("/dev/null", "is a device"),
        ("/dev/stdout", "is a pipe"),
        ("..", "is a directory"),
    ];
    for (failed, told) in cases {
        let failed_at = folder.at(failed);
        let many = ["associate-many", path(&file), "--failed", path(&failed_at), "--journal", path(&journal)];
        let ran = run_at(&hubspot, &many);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{failed}: {}", ran.err);
        assert!(ran.err.contains("--failed") && ran.err.contains(told), "{failed}: {}", ran.err);
    }
    for journal in ["rows.csv", "hard.csv", "soft.csv", "pipe", "directory", "missing/run.journal", "/dev/full"] {
        let ran = run_at(&hubspot, &["associate-many", path(&file), "--journal", path(&folder.at(journal))]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{journal}: {}", ran.err);
    }
    // Standard output that is a file.
    let mut command = tool_at(&hubspot, &["associate-many", path(&file), "--failed", path(&folder.at("out.txt"))]);
    command.stdout(fs::File::create(folder.at("out.txt")).unwrap());
    let refused = run(command);
    assert!(refused.code == Some(2) && refused.err.contains("is standard output as well"), "{}", refused.err);
    fs::remove_file(folder.at("out.txt")).unwrap();

    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    assert_eq!((folder.names(), hubspot.requests().len()), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_file_of_failed_rows_stays_a_link_and_the_file_as_private_as_it_was() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(2));
    let kept = folder.write("kept.csv", "old");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&kept, folder.at("failed.csv")).unwrap();
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&folder.at("failed.csv"))]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(fs::symlink_metadata(folder.at("failed.csv")).unwrap().is_symlink());
    assert!(fs::read_to_string(&kept).unwrap().contains("1,companies,9,owner,"));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Whether a process may act for another user, as that of a container may.
fn is_root(folder: &Folder) -> bool {
    fs::metadata(folder.0.path()).unwrap().uid() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_failed_rows_stays_its_owner_s_and_hidden_from_others_from_the_beginning() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(40)), folder.write("failed.csv", "old"));
    fs::set_permissions(&failed, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = if is_root(&folder) { 65_534 } else { fs::metadata(&failed).unwrap().uid() };
    chown(&failed, Some(owner), None).unwrap();
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    let is_private = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        found.permissions().mode() & 0o777 == 0o600 && found.uid() == owner
    };
    assert!(is_private(&folder.at("failed.csv.partial")));
    signal(child.id(), "TERM");
    assert_eq!(ran(child.wait_with_output().unwrap()).code, Some(143));
    assert!(is_private(&failed) && fs::read_to_string(&failed).unwrap().starts_with(HEADER.trim_end()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_s_file_in_a_shared_directory_is_written_to() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    if !is_root(&folder) {
        return;
    }
    let (file, failed) = (folder.write("rows.csv", rows(2)), folder.write("failed.csv", "x".repeat(10_000)));
    fs::set_permissions(folder.0.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::set_permissions(&failed, fs::Permissions::from_mode(0o666)).unwrap();
    let many = ["associate-many", path(&file), "--failed", path(&failed)];
    // Where that user can get at it.
    fs::copy(env!("CARGO_BIN_EXE_hubspot-partner-clients"), folder.at("tool")).unwrap();
    let mut command = Command::new(folder.at("tool"));
    command.args(many).envs(tool_at(&hubspot, &many).get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.uid(65_534).gid(65_534);
    let ran = run(command);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let written = fs::read_to_string(&failed).unwrap();
    assert!(written.starts_with(HEADER.trim_end()) && written.lines().count() == 2, "{written}");
    assert_eq!(fs::metadata(&failed).unwrap().uid(), 0);
    fs::remove_file(folder.at("tool")).unwrap();
    assert_eq!(folder.names(), ["failed.csv", "rows.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_write_one_file_of_failed_rows() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(2_000)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    let second = run_at(&hubspot, &many);
    assert!(second.code == Some(2) && second.err.contains("is being written by another run"), "{}", second.err);
    signal(child.id(), "TERM");
    assert_eq!(ran(child.wait_with_output().unwrap()).code, Some(143));
    assert!(fs::read_to_string(&failed).unwrap().lines().count() > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_ends_no_run_and_is_told_at_the_end() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(1_000)), folder.write("failed.csv", "of another run"));
    let many = tool_at(&hubspot, &["associate-many", path(&file), "--failed", path(&failed), "--json"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]).arg(many.get_program()).args(many.get_args());
    command.envs(many.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = run(command);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(ran.json().last().unwrap()["summary"]["failed"], 500);
    let told = ran.error();
    assert!(told["message"].as_str().unwrap().contains("failed.csv cannot be written"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("failed.csv.partial"), "{told}");
    assert_eq!(fs::read_to_string(&failed).unwrap(), "of another run");
    assert!(fs::read_to_string(folder.at("failed.csv.partial")).unwrap().starts_with(HEADER.trim_end()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_under_way_is_told_of_and_no_row_gets_the_outcome_of_another() {
    let hubspot = slow().await;
    let folder = Folder::new();
    // Longer than what is read at once.
    let line = |id: usize| format!("{id},companies,9,owner,{}\n", "x".repeat(100_000));
    let content =
        |ids: std::ops::Range<usize>| HEADER.trim_end().to_owned() + ",note\n" + &ids.map(line).collect::<String>();
    let (file, failed) = (folder.write("rows.csv", content(1_000..1_050)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed), "--json"];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    folder.write("rows.csv", content(5_000..5_050));
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("rows.csv was changed while it was sent"), "{}", ran.err);
    for line in fs::read_to_string(&failed).unwrap().lines().skip(1) {
        assert!(line.starts_with('1'), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn progress_takes_one_line_of_a_terminal() {
    if !Command::new("script").arg("--version").output().is_ok_and(|script| script.status.success()) {
        println!("skipped: there is no `script`, which makes a terminal");
        return;
    }
    let hubspot = slow().await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(30));
    for width in [40, 80] {
        let many = format!("associate-many {} --strategy single --concurrency 1", path(&file));
        let tool = env!("CARGO_BIN_EXE_hubspot-partner-clients");
        let mut command = Command::new("script");
        command.args(["-qec", &format!("stty cols {width} rows 24; exec {tool} {many}"), "/dev/null"]);
        command.envs(tool_at(&hubspot, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm").stdin(Stdio::null());
        let ran = run(command);
        assert_eq!(ran.code, Some(1), "{}", ran.out);
        let drawn: Vec<_> = ran.out.split(['\r', '\n']).filter(|line| line.contains("/30 ro")).collect();
        assert!(drawn.len() > 2, "{}", ran.out);
        for line in drawn {
            let shown = line.rsplit("\x1b[2K").next().unwrap();
            assert!(shown.chars().count() <= width, "{shown:?}");
        }
    }
}

/// Runs the tool with its output or its errors led somewhere by a shell.
fn led(command: &Command, to: &str) -> Ran {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("set -o pipefail; \"$@\" {to}"), "sh"]).arg(command.get_program());
    shell.args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    run(shell)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_same_whatever_standard_error_is() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (good, bad) = (folder.write("good.csv", HEADER), folder.write("bad.csv", "x\n"));
    let failing = folder.write("failing.csv", rows(2));
    let cases: [(&[&str], i32); 7] = [
        (&["associate", "1", "companies", "1", "owner"], 0),
        (&["associate-many", path(&good)], 0),
        (&["get", "404"], 1),
        (&["associate-many", path(&failing)], 1),
        (&["associate-many", path(&bad)], 2),
        (&["no-such-command"], 2),
        (&["no-such-command", "--json"], 2),
    ];
    for (arguments, code) in cases {
        for to in ["2>&-", "2>/dev/full", "2> >(true)", "2>/dev/full >&-", "<&- 2>&-"] {
            assert_eq!(led(&tool_at(&hubspot, arguments), to).code, Some(code), "{arguments:?} {to}");
        }
    }
    assert_eq!(led(&tool(&["get", "1"]), "2>/dev/full").code, Some(3), "without a token");
    let unreachable = tool_at(&hubspot, &["list", "--base-url", "http://127.0.0.1:1"]);
    assert_eq!(led(&unreachable, "2>/dev/full").code, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_has_an_exit_code_of_its_own() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(100)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--json", "--failed", path(&failed)];
    let commands: [&[&str]; 9] = [
        &["--help"],
        &["associate-many", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["get", "1"],
        &["list", "--json"],
        &["types", "companies"],
        &["associate-many", path(&file), "--dry-run"],
        &many,
    ];
    for arguments in commands {
        let full = led(&tool_at(&hubspot, arguments), ">/dev/full");
        assert_eq!(full.code, Some(2), "{arguments:?} {}", full.err);
        assert!(full.err.contains("the output cannot be written"), "{}", full.err);
        let mut command = tool_at(&hubspot, arguments);
        command.stdout(std::io::pipe().unwrap().1).stderr(Stdio::piped());
        let closed = ran(command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!((closed.code, &*closed.err), (Some(141), ""), "{arguments:?}: whoever closed it knows");
    }
    assert!(failed.exists(), "what is settled is written all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_json_is_there_when_it_is_known() {
    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(100))).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(20));
    let one = ["--strategy", "single", "--concurrency", "1", "--json"];
    let mut child = begin(tool_at(&hubspot, &[&["associate-many", path(&file)], &one[..]].concat()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in 1..=10 {
        let told: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(told["line"], line + 1);
        assert!(hubspot.requests().len() <= line + 5, "{line} of {}", hubspot.requests().len());
    }
    assert_eq!(lines.count(), 11);
    child.wait().unwrap();

    let clients = (1..=300).map(|id| (id.to_string(), [("name", "x")]));
    let slow = Fault::delay(Duration::from_millis(300));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).fault(slow).start().await.unwrap();
    let mut child = begin(tool_at(&hubspot, &["list", "--json"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().take(100).all(|line| line.unwrap().contains("\"id\"")));
    assert!(hubspot.requests().len() < 3, "the last page is not asked for yet");
    assert_eq!(lines.count(), 200);
    child.wait().unwrap();
}
