//! The question before anything is removed.

#[cfg(target_os = "linux")]
use std::{
    io::Write,
    process::{Command, Stdio},
};

#[cfg(target_os = "linux")]
use hubspot_simulator::Simulator;

#[cfg(target_os = "linux")]
use crate::cli::ran;
use crate::cli::{path, run, run_at, sent, tool};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_nothing_is_removed_unless_it_is_said_to_be() {
    let hubspot = crm(1, 1).association("1", "companies", "1", "7").start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    for command in [&["dissociate", "1", "companies", "1", "7"][..], &["dissociate-many", path(&file)]] {
        let refused = run_at(&hubspot, command);
        assert_eq!((refused.code, &*refused.out), (Some(2), ""), "{}", refused.err);
        assert!(refused.err.contains("no terminal") && refused.err.contains("--yes"), "{}", refused.err);
        assert!(refused.account.contains("1234567"), "the account is named first");
        assert_eq!(sent(&hubspot), 0);
        let simulated = run(tool(&[command, &["--simulator"]].concat()));
        assert_ne!(simulated.code, Some(2), "there is nothing to lose: {}", simulated.err);
    }
    assert_eq!(run_at(&hubspot, &["dissociate-many", path(&file), "--yes"]).code, Some(0));
    assert_eq!(hubspot.association_count(), 0);
}

/// Runs the tool on a terminal, where this is typed. None where there is no `script` to make one.
#[cfg(target_os = "linux")]
fn on_a_terminal(hubspot: &Simulator, arguments: &str, typed: &str) -> Option<crate::cli::Ran> {
    Command::new("script").arg("--version").output().ok()?;
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} {arguments}", env!("CARGO_BIN_EXE_hubspot-partner-clients")), "/dev/null"]);
    command.env("HUBSPOT_ACCESS_TOKEN", hubspot.access_token()).env("HUBSPOT_BASE_URL", hubspot.base_url());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    Some(ran(child.wait_with_output().unwrap()))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_asks_and_only_yes_removes() {
    let hubspot = crm(1, 1).association("1", "companies", "1", "7").start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let many = format!("dissociate-many {}", path(&file));
    for (typed, left) in [("\n", 1), ("n\n", 1), ("y\n", 0)] {
        let Some(asked) = on_a_terminal(&hubspot, &many, typed) else { return };
        assert!(asked.out.contains("Remove up to 1 association? [y/N]"), "{}", asked.out);
        assert_eq!(hubspot.association_count(), left, "{typed:?} {}", asked.out);
        assert_eq!(asked.code, Some(if left == 0 { 0 } else { 2 }), "{}", asked.out);
    }
}
