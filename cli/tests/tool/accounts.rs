//! The account that a command changes: it is named before anything is sent, and another one is refused.

use hubspot_simulator::{Fault, Simulator};
use serde_json::Value;

use crate::cli::{path, run, run_at, sent, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_changes_something_names_the_account_first() {
    let hubspot = crm(2, 3).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let commands: [&[&str]; 5] = [
        &["associate", "1", "companies", "1", "7"],
        &["dissociate", "1", "companies", "1", "7", "--yes"],
        &["associate-many", path(&file)],
        &["dissociate-many", path(&file), "--yes"],
        &["reconcile", path(&file), "--to-type", "companies", "--apply"],
    ];
    for version in ["v3", "2026-09"] {
        for command in commands {
            hubspot.clear_requests();
            let ran = run_at(&hubspot, &[command, &["--api-version", version]].concat());
            assert_eq!(ran.code, Some(0), "{command:?} {version}: {}", ran.err);
            assert_eq!(ran.account, "Account 1234567 (STANDARD, app.hubspot.com)\n", "{command:?}");
            assert!(hubspot.requests()[0].path().starts_with("/account-info/"), "{command:?} {:?}", hubspot.requests());

            let ran = run_at(&hubspot, &[command, &["--api-version", version, "--json"]].concat());
            let account: Value = serde_json::from_str(&ran.account).unwrap();
            assert_eq!(account["account"]["id"], "1234567", "{command:?}");
        }
    }
    let read = run_at(&hubspot, &["get", "1"]);
    assert_eq!((read.code, &*read.account), (Some(0), ""), "nothing is changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_account_is_refused_and_nothing_is_sent() {
    let hubspot = crm(2, 3).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let commands: [&[&str]; 5] = [
        &["associate", "1", "companies", "1", "7"],
        &["associate-many", path(&file)],
        &["reconcile", path(&file), "--to-type", "companies", "--apply"],
        &["get", "1"],
        &["list"],
    ];
    for command in commands {
        let refused = run_at(&hubspot, &[command, &["--account", "5678"]].concat());
        assert_eq!(refused.code, Some(2), "{command:?} {}", refused.err);
        assert!(
            refused.err.starts_with(
                "error: the token is for the account 1234567 (STANDARD, app.hubspot.com), not for 5678\nwhat to do: Set "
            ),
            "{}",
            refused.err
        );
        assert_eq!((sent(&hubspot), hubspot.association_count()), (0, 0), "{command:?}");
        let json = run_at(&hubspot, &[command, &["--account", "5678", "--json"]].concat());
        assert_eq!(json.error()["kind"], "account");
    }
    for command in commands {
        assert_eq!(run_at(&hubspot, &[command, &["--account", " 1234567 "]].concat()).code, Some(0), "{command:?}");
    }
    let empty = run_at(&hubspot, &["get", "1", "--account", " "]);
    assert!(empty.code == Some(2) && empty.err.contains("--account"), "{}", empty.err);
    let simulated = run(tool(&["associate", "512", "companies", "9001", "partner_client_to_company", "--simulator"]));
    assert_eq!((simulated.code, &*simulated.account), (Some(0), ""), "{}", simulated.err);
}

/// Nobody who asked for one account is left to hope that it is the right one.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_hubspot_does_not_tell_is_told_and_never_taken_for_the_right_one() {
    let hubspot = crm(2, 3).start().await.unwrap();
    for fault in [Fault::status(404), Fault::status(403), Fault::invalid_json(), Fault::html(404), Fault::empty(200)] {
        hubspot.clear_faults();
        hubspot.inject(fault.on("account_details"));
        let associate = ["associate", "1", "companies", "1", "7"];
        let ran = run_at(&hubspot, &associate);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.starts_with("warning: HubSpot does not tell which account the token is for: "), "{}", ran.err);
        hubspot.clear_requests();
        let refused = run_at(&hubspot, &[&associate[..], &["--account", "1234567"]].concat());
        assert_ne!(refused.code, Some(0), "{}", refused.err);
        assert!(refused.err.contains("could not be compared with --account"), "{}", refused.err);
        assert_eq!(sent(&hubspot), 0);
    }
    hubspot.clear_faults();
    let mut unknown = tool_at(&hubspot, &["associate", "1", "companies", "1", "7"]);
    unknown.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let refused = run(unknown);
    assert_eq!((refused.code, sent(&hubspot)), (Some(3), 0), "{}", refused.err);
}

/// A script's variable that is not set is not to mean HubSpot itself, nor everybody.
#[test]
fn an_option_without_its_value_is_refused_and_nothing_is_sent() {
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let reconcile = ["reconcile", path(&file), "--to-type", "companies"];
    for (arguments, named) in [
        (&["list", "--base-url", ""][..], "--base-url"),
        (&[&reconcile[..], &["--partner-clients", "", "--apply", "--yes"]].concat(), "--partner-clients"),
    ] {
        let ran = run(tool(arguments));
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains(named), "{}", ran.err);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let mut odd = tool(&["list"]);
        odd.env("HUBSPOT_BASE_URL", std::ffi::OsStr::from_bytes(b"http://127.0.0.1:1\xff"));
        let ran = run(odd);
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains("HUBSPOT_BASE_URL is not UTF-8"), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_refuses_another_account_before_anything_else() {
    let hubspot = Simulator::start().await.unwrap();
    let ran = run_at(&hubspot, &["doctor", "--account", "999"]);
    assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains("999"), "{}", ran.err);
}
