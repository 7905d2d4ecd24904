//! Standard input, output and error, whatever they are: closed, full, slow or a pipe.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use hubspot_simulator::{Fault, Simulator};

use crate::cli::{begin, led, path, ran, run, sent, tool, tool_at};
use crate::folder::{Folder, HEADER, rows};
use crate::support::crm;

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
    let unread = |mut command: Command| {
        command.stderr(std::io::pipe().unwrap().1);
        run(command).code
    };
    for (arguments, code) in cases {
        let shell = ["2>&-", "2>/dev/full", "2>/dev/full >&-", "<&- 2>&-"];
        for to in shell.iter().filter(|_| cfg!(unix)) {
            assert_eq!(led(&tool_at(&hubspot, arguments), to).code, Some(code), "{arguments:?} {to}");
        }
        assert_eq!(unread(tool_at(&hubspot, arguments)), Some(code), "{arguments:?} with errors that nobody reads");
    }
    assert_eq!(unread(tool(&["get", "1"])), Some(3), "without a token");
    assert_eq!(unread(tool_at(&hubspot, &["list", "--base-url", "http://127.0.0.1:1"])), Some(4));
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
        if cfg!(unix) {
            let full = led(&tool_at(&hubspot, arguments), ">/dev/full");
            assert_eq!(full.code, Some(2), "{arguments:?} {}", full.err);
            assert!(full.err.contains("the output cannot be written"), "{}", full.err);
        }
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
        assert!(sent(&hubspot) <= line + 5, "{line} of {}", sent(&hubspot));
    }
    assert_eq!(lines.count(), 11);
    child.wait().unwrap();

    let clients = (1..=300).map(|id| (id.to_string(), [("name", "x")]));
    let slow = Fault::delay(Duration::from_millis(300));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).fault(slow).start().await.unwrap();
    let mut child = begin(tool_at(&hubspot, &["list", "--json"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().take(100).all(|line| line.unwrap().contains("\"id\"")));
    assert!(sent(&hubspot) < 3, "the last page is not asked for yet");
    assert_eq!(lines.count(), 200);
    child.wait().unwrap();
}
