//! The line of progress on a terminal.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use crate::cli::{names_account, path, run, tool_at};
use crate::folder::{Folder, rows, slow};

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
    for width in [1, 3, 10, 22, 25, 40, 80] {
        let many = format!("associate-many {} --strategy single --concurrency 1", path(&file));
        let tool = env!("CARGO_BIN_EXE_hubspot-partner-clients");
        let mut command = Command::new("script");
        command.args(["-qec", &format!("stty cols {width} rows 24; exec {tool} {many}"), "/dev/null"]);
        command.envs(tool_at(&hubspot, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm").stdin(Stdio::null());
        let ran = run(command);
        assert_eq!(ran.code, Some(1), "{}", ran.out);
        let told: String = ran.out.split_inclusive('\n').filter(|line| !names_account(line)).collect();
        let (drawn, summary) = told.rsplit_once("\x1b[2K").unwrap_or(("", &told));
        let drawn: Vec<_> = drawn.split(['\r', '\n']).map(|line| line.rsplit("\x1b[2K").next().unwrap()).collect();
        assert!(width < 3 || drawn.iter().filter(|line| line.contains(['%', '/'])).count() > 2, "{}", ran.out);
        for shown in drawn {
            assert!(shown.chars().count() <= width && !shown.contains('\x1b'), "{width}: {shown:?}");
        }
        assert!(summary.contains("not settled"), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_progress_is_drawn_between_the_outcomes_of_rows() {
    if !Command::new("script").arg("--version").output().is_ok_and(|script| script.status.success()) {
        println!("skipped: there is no `script`, which makes a terminal");
        return;
    }
    let hubspot = slow().await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(10));
    for format in ["csv", "json"] {
        let tool = env!("CARGO_BIN_EXE_hubspot-partner-clients");
        let many = format!("{tool} associate-many {} --strategy single --output {format}", path(&file));
        let mut command = Command::new("script");
        command.args(["-qec", &format!("stty cols 80 rows 24; exec {many}"), "/dev/null"]);
        command.envs(tool_at(&hubspot, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm").stdin(Stdio::null());
        let ran = run(command);
        assert_eq!(ran.code, Some(1), "{}", ran.out);
        assert!(ran.out.contains("made") && !ran.out.contains('\u{1b}'), "{:?}", ran.out);
    }
}
