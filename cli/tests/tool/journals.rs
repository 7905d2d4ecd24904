//! Journals: what they belong to, and what happens when one cannot be written.

use std::fs;

use hubspot_simulator::Fault;

#[cfg(unix)]
use crate::cli::{Ran, through};
use crate::cli::{path, run, run_at, sent, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_refused_for_another_file_and_another_operation() {
    let hubspot = crm(2, 1).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let (journal, failed) = (files.at("run.journal"), files.at("failed.csv"));
    let arguments = ["associate-many", path(&file), "--journal", path(&journal), "--failed", path(&failed), "--json"];
    assert_eq!(run_at(&hubspot, &arguments).code, Some(0));
    let again = run_at(&hubspot, &arguments).json();
    assert_eq!(
        (&again[0]["fromJournal"], &again[1]["summary"]["requests"]),
        (&true.into(), &0.into()),
        "all is settled"
    );
    assert_eq!(again[1]["summary"]["fromJournal"], 1);
    let again = run_at(&hubspot, &arguments[..6]).out;
    assert!(again.contains("1 row from the journal, settled by an earlier run: 1 made, 0 failed."), "{again}");
    let table: Vec<Vec<_>> = again.lines().rev().take(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table[0][..4], ["1", "1", "0", "0"], "this run made nothing: {again}");

    fs::write(&failed, "kept").unwrap();
    let before = sent(&hubspot);
    let other = [&["dissociate-many", "--yes"], &arguments[1..]].concat();
    let refused = run_at(&hubspot, &other);
    assert_eq!((refused.code, &refused.error()["kind"]), (Some(2), &"journal".into()));

    files.write("rows.csv", format!("{HEADER}2,companies,1,owner\n"));
    let refused = run_at(&hubspot, &arguments);
    assert_eq!((refused.code, &refused.error()["kind"]), (Some(2), &"journal".into()));
    assert!(refused.error()["message"].as_str().unwrap().contains("belongs to another input"), "{}", refused.err);
    assert_eq!(sent(&hubspot), before);
    assert_eq!(fs::read_to_string(&failed).unwrap(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_refused_for_another_server_and_not_taken_for_the_simulator() {
    let (one, other) = (crm(1, 1).start().await.unwrap(), crm(1, 1).start().await.unwrap());
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let journal = files.at("run.journal");
    let arguments = ["associate-many", path(&file), "--journal", path(&journal)];
    let simulated = run(tool(&[&arguments[..], &["--simulator"]].concat()));
    assert!(simulated.code == Some(2) && simulated.err.contains("--simulator"), "{}", simulated.err);
    assert!(!journal.exists());

    assert_eq!(run_at(&one, &arguments).code, Some(0));
    let refused = run_at(&other, &arguments);
    assert_eq!((refused.code, sent(&other)), (Some(2), 0), "{}", refused.err);
    assert!([one.base_url(), other.base_url()].iter().all(|server| refused.err.contains(server)), "{}", refused.err);
    assert_eq!(run_at(&one, &arguments).code, Some(0));
    assert_eq!(sent(&one), 1);
}

/// The tool with a limit on the size of each file that it writes, in blocks of 512 bytes.
#[cfg(unix)]
fn limited(command: &std::process::Command, blocks: u32) -> Ran {
    let script = format!("ulimit -f {blocks}; exec \"$@\"");
    run(through(&["/bin/sh", "-c", &script, "sh"], command))
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_told_even_at_the_last_row() {
    let folder = Folder::new();
    let rows: String = (1..=20).map(|company| format!("1,companies,{company},owner\n")).collect();
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    for (journal, options) in [("one", &["--json"][..]), ("two", &["--json", "--strategy", "single"])] {
        let hubspot = crm(3, 50).start().await.unwrap();
        let journal = folder.at(journal);
        let many = [&["associate-many", path(&file), "--journal", path(&journal)], options].concat();
        let told = limited(&tool_at(&hubspot, &many), 1);
        assert_eq!((told.code, &told.error()["kind"]), (Some(2), &"journal".into()), "{}", told.out);
        let mut rows = told.json();
        let summary = rows.pop().unwrap()["summary"].take();
        let there = hubspot.associations("1");
        for row in &rows {
            let is_there = there.iter().any(|made| row["toObjectId"] == *made.to_object_id);
            assert_eq!(row["result"] == "made", is_there, "{row}");
        }
        assert!(rows.iter().all(|row| row["result"] != "failed"), "what was not sent did not fail: {}", told.out);
        let unsettled = rows.iter().filter(|row| row["result"] == "not sent").count();
        assert_eq!((rows.len(), &summary["unsettled"]), (20, &unsettled.into()), "every row has its outcome");
        let again = run_at(&hubspot, &many);
        assert_eq!(again.code, Some(0), "once there is room, the same command resumes: {}", again.err);
        assert_eq!(hubspot.associations("1").len(), 20);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_a_reconcile_cannot_write_is_told_even_at_the_last_change() {
    let hubspot = crm(3, 3).association("2", "companies", "1", "7").start().await.unwrap();
    let folder = Folder::new();
    // What HubSpot refuses takes more of the journal than of the plan.
    let rows: String = (101..=116).map(|company| format!("1,companies,{company},owner\n")).collect();
    let file = folder.write("rows.csv", format!("{HEADER}{rows}2,companies,2,owner\n"));
    let journal = folder.at("run.journal");
    let reconcile = ["reconcile", path(&file), "--to-type", "companies", "--apply", "--yes"];
    let reconcile = [&reconcile[..], &["--journal", path(&journal), "--json"]].concat();
    let told = limited(&tool_at(&hubspot, &reconcile), 6);
    assert_eq!((told.code, &told.error()["kind"]), (Some(2), &"journal".into()), "{}", told.out);
    let applied = told.json()[0]["applied"].take();
    assert_eq!(applied["failed"].as_array().unwrap().len(), 16);
    // What was not sent did not fail, and nothing interrupted the run.
    assert_eq!((&applied["added"], &applied["unsettled"]), (&1.into(), &1.into()), "{applied}");
    assert!(told.error()["remedy"].as_str().unwrap().ends_with("1 change is not settled."), "{}", told.err);
    assert_eq!(hubspot.associations("2").len(), 2);
    let again = run_at(&hubspot, &reconcile);
    assert_eq!(again.code, Some(1), "once there is room, the same command resumes: {}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_and_a_plan_are_refused_for_another_account() {
    let hubspot = crm(2, 3).account(5678).start().await.unwrap();
    let other = hubspot.account(5678).unwrap().access_token().to_owned();
    let own = hubspot.accounts().next().unwrap().account_id().to_string();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let (journal, plan) = (folder.at("run.journal"), folder.at("plan.json"));
    let many = ["associate-many", path(&file), "--journal", path(&journal)];
    let wanted = folder.write("wanted.csv", format!("{HEADER}1,companies,1,owner\n1,companies,2,owner\n"));
    let reconcile = ["reconcile", path(&wanted), "--to-type", "companies", "--save-plan", path(&plan)];
    let apply = ["reconcile", "--plan", path(&plan), "--apply"];
    assert_eq!(run_at(&hubspot, &many).code, Some(0));
    assert_eq!(run_at(&hubspot, &reconcile).code, Some(0));
    hubspot.clear_requests();
    for arguments in [&many[..], &apply] {
        let mut elsewhere = tool_at(&hubspot, arguments);
        elsewhere.env("HUBSPOT_ACCESS_TOKEN", &other);
        let refused = run(elsewhere);
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains(&own) && refused.err.contains("5678"), "{}", refused.err);
    }
    assert_eq!(sent(&hubspot), 0, "nothing was changed");
    assert_eq!(run_at(&hubspot, &many).code, Some(0));
    assert_eq!(run_at(&hubspot, &apply).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_not_taken_up_where_hubspot_does_not_tell_the_account() {
    for fault in [Fault::status(403), Fault::status(404), Fault::html(404), Fault::html(200)] {
        let hubspot = crm(2, 3).account(5678).start().await.unwrap();
        let other = hubspot.account(5678).unwrap();
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
        let (journal, of_plan) = (folder.at("run.journal"), folder.at("plan.journal"));
        let many = ["associate-many", path(&file), "--journal", path(&journal)];
        let wanted = folder.write("wanted.csv", format!("{HEADER}1,companies,1,owner\n1,companies,2,owner\n"));
        let reconcile = ["reconcile", path(&wanted), "--to-type", "companies", "--apply", "--journal", path(&of_plan)];
        hubspot.inject(fault.on("account_details"));
        for (arguments, made) in [(&many[..], 1), (&reconcile, 2)] {
            let begun = run_at(&hubspot, arguments);
            assert_eq!((begun.code, hubspot.association_count()), (Some(0), made), "{}", begun.err);
            assert!(begun.err.contains("no later run can go on with the journal"), "{}", begun.err);
            let kept = fs::read(arguments[arguments.len() - 1]).unwrap();
            hubspot.clear_requests();
            let mut elsewhere = tool_at(&hubspot, arguments);
            elsewhere.env("HUBSPOT_ACCESS_TOKEN", other.access_token());
            for refused in [run(elsewhere), run_at(&hubspot, arguments)] {
                assert_eq!(refused.code, Some(2), "{} {}", refused.out, refused.err);
                assert!(refused.err.contains("may be of another account"), "{}", refused.err);
                assert!(refused.err.contains("--journal another path"), "{}", refused.err);
            }
            let refused = run_at(&hubspot, &[arguments, &["--json"]].concat());
            assert_eq!(refused.error()["kind"], "journal");
            assert!(!refused.err.contains("once HubSpot tells it"), "it is refused then as well: {}", refused.err);
            assert_eq!(sent(&hubspot), 0, "{arguments:?}");
            assert_eq!(fs::read(arguments[arguments.len() - 1]).unwrap(), kept);
        }
        hubspot.clear_faults();
        let told = run_at(&hubspot, &many);
        assert!(told.code == Some(2) && told.err.contains("was begun without an account"), "{}", told.err);
        // One that has an account can be gone on with later.
        let known = folder.at("known.journal");
        let many = ["associate-many", path(&file), "--journal", path(&known)];
        assert_eq!(run_at(&hubspot, &many).code, Some(0));
        hubspot.inject(Fault::status(403).on("account_details"));
        let refused = run_at(&hubspot, &many);
        assert!(refused.code == Some(2) && refused.err.contains("once HubSpot tells it, or give"), "{}", refused.err);
    }
}
