//! `undo` of runs that were interrupted or still go on: what they did not do is not reversed.

use std::{fs, path::Path, thread::sleep, time::Duration};

use hubspot_simulator::{AssociationCategory, Fault, Simulator, SimulatorBuilder, UnlabeledCompanions};

use crate::cli::{END, begin, path, ran, run, run_at, signal, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

const FOR_EVER: Duration = Duration::from_secs(600);

fn companies(hubspot: &Simulator) -> Vec<u64> {
    let mut all: Vec<_> =
        hubspot.associations("1").into_iter().map(|made| made.to_object_id.parse().unwrap()).collect();
    all.sort_unstable();
    all
}

fn rows(companies: impl IntoIterator<Item = u64>) -> String {
    companies.into_iter().fold(HEADER.to_owned(), |rows, company| rows + &format!("1,companies,{company},owner\n"))
}

/// How many changes `undo` would make.
fn undoes(undo: &Path) -> usize {
    let plans = run(tool(&["undo", path(undo), "--dry-run", "--json"])).json().remove(0)["plans"].take();
    let plans = plans.as_array().unwrap().iter();
    plans.flat_map(|plan| ["add", "remove"].map(|name| plan[name].as_array().unwrap().len())).sum()
}

fn wait_for_writes(hubspot: &Simulator, count: usize) {
    let is_write = |method: &str| matches!(method, "PUT" | "DELETE");
    while hubspot.requests().iter().filter(|request| is_write(request.method())).count() < count {
        sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_after_an_interrupted_run_that_had_not_come_to_it_is_not_undone() {
    for command in [&["associate-many"][..], &["dissociate-many", "--yes"]] {
        let hubspot = crm(1, 8).start().await.unwrap();
        let folder = Folder::new();
        let (file, undo) = (folder.write("rows.csv", rows(1..=8)), folder.at("undo.json"));
        let removes = command[0] == "dissociate-many";
        if removes {
            assert_eq!(run_at(&hubspot, &["associate-many", path(&file)]).code, Some(0));
        }
        hubspot.clear_requests();
        for operation in ["associate", "dissociate"] {
            hubspot.inject(Fault::script([None, None, Some(Fault::delay(FOR_EVER))]).on(operation));
        }
        let options = [path(&file), "--undo", path(&undo), "--strategy", "single", "--concurrency", "1"];
        let child = begin(tool_at(&hubspot, &[command, &options].concat()));
        wait_for_writes(&hubspot, 3);
        signal(child.id(), END);
        let ended = ran(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(143), "{}", ended.err);
        hubspot.clear_faults();
        assert_eq!(undoes(&undo), 3, "two are done, and one was under way");
        let others: &[&str] = if removes { &["dissociate", "--yes"] } else { &["associate"] };
        let others = [others, &["1", "companies", "8", "owner"]].concat();
        assert_eq!(run_at(&hubspot, &others).code, Some(0));
        let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!(undone.code, Some(0), "{}", undone.err);
        let expected: Vec<u64> = if removes { (1..=7).collect() } else { vec![8] };
        assert_eq!(companies(&hubspot), expected, "{command:?}");
    }
}

/// It waits for the rate limit, reads the labels that it is to keep, or sends one by one what was refused as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_after_an_interrupted_run_that_was_about_to_send_it_is_not_undone() {
    let whole = ["batch_associate", "batch_set_labels", "batch_dissociate", "batch_dissociate_labels"];
    let reconcile = &["reconcile", "--to-type", "companies", "--apply", "--yes"];
    for command in [&["associate-many"][..], &["dissociate-many", "--yes"], reconcile] {
        for (version, case) in [("v3", "limit"), ("2026-09", "limit"), ("2026-09", "labels"), ("v3", "alone")] {
            if case == "limit" && command[0] == "reconcile" {
                // It has no such option.
                continue;
            }
            let hubspot = crm(1, 8)
                .association_type("companies", 7, "partner_client_to_company_unlabeled")
                .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
                .unlabeled_companions(UnlabeledCompanions::Never);
            let removes = command[0] == "dissociate-many";
            let there = 1..if removes { 9 } else { 1 };
            let associated = |hubspot: SimulatorBuilder, company: u64| {
                hubspot.association("1", "companies", company.to_string(), "7")
            };
            let hubspot = there.fold(hubspot, associated).start().await.unwrap();
            let folder = Folder::new();
            let (file, undo) = (folder.write("rows.csv", rows(1..=8).replace("owner", "7")), folder.at("undo.json"));
            let many = [command, &[path(&file), "--undo", path(&undo), "--api-version", version]].concat();

            // Of a run that HubSpot refuses nothing is undone either. Before that it only reads.
            whole.into_iter().for_each(|operation| hubspot.inject(Fault::status(403).on(operation)));
            assert_ne!(run_at(&hubspot, &many).code, Some(0));
            assert!(!undo.exists() || undoes(&undo) == 0, "{command:?} {version}");
            let reads = hubspot.requests().len() - 1;
            hubspot.clear_faults();
            hubspot.clear_requests();

            let limit = reads.to_string();
            let (options, until) = match case {
                "limit" => (&["--rate-limit", &*limit][..], reads),
                "labels" => {
                    let held = Some(Fault::delay(FOR_EVER));
                    hubspot.inject(Fault::script((1..reads).map(|_| None).chain([held])));
                    (&[][..], reads)
                }
                _ => {
                    whole.into_iter().for_each(|operation| hubspot.inject(Fault::status(400).on(operation)));
                    ["associate", "dissociate"]
                        .into_iter()
                        .for_each(|operation| hubspot.inject(Fault::delay(FOR_EVER).on(operation)));
                    // Of eight, four, two and one.
                    (&[][..], reads + 4)
                }
            };
            let mut child = begin(tool_at(&hubspot, &[&many, options].concat()));
            while hubspot.requests().len() < until {
                assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
                sleep(Duration::from_millis(5));
            }
            // Nothing more comes.
            sleep(Duration::from_millis(200));
            assert_eq!(hubspot.requests().len(), until, "{:?}", hubspot.requests().last());
            signal(child.id(), END);
            let ended = ran(child.wait_with_output().unwrap());
            assert_eq!(ended.code, Some(143), "{}", ended.err);
            let under_way = usize::from(case == "alone");
            let left = if undo.exists() { undoes(&undo) } else { 0 };
            assert_eq!(left, under_way, "{command:?} {version} {case}");

            hubspot.clear_faults();
            let others: &[&str] = if removes { &["dissociate", "--yes"] } else { &["associate"] };
            assert_eq!(run_at(&hubspot, &[others, &["1", "companies", "8", "7"]].concat()).code, Some(0));
            if undo.exists() {
                assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
            }
            let expected: Vec<u64> = if removes { (1..=7).collect() } else { vec![8] };
            assert_eq!(companies(&hubspot), expected, "{command:?} {version} {case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_refused_and_is_under_way_once_more_is_undone() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, undo) = (folder.write("rows.csv", rows([1, 1])), folder.at("undo.json"));
    hubspot.inject(
        Fault::script([Some(Fault::status(400)), Some(Fault::delay(FOR_EVER).after_operation())]).on("associate"),
    );
    let many = ["associate-many", path(&file), "--undo", path(&undo), "--strategy", "single", "--concurrency", "1"];
    let child = begin(tool_at(&hubspot, &many));
    while companies(&hubspot).is_empty() {
        sleep(Duration::from_millis(5));
    }
    signal(child.id(), END);
    assert_eq!(ran(child.wait_with_output().unwrap()).code, Some(143));
    hubspot.clear_faults();
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert!(companies(&hubspot).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_refused_only_after_it_may_have_been_carried_out_is_undone() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, undo) = (folder.write("rows.csv", rows([1])), folder.at("undo.json"));
    let answers = [Fault::status(502).after_operation(), Fault::status(400)];
    hubspot.inject(Fault::script(answers.map(Some)).on("associate"));
    let made = run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&undo), "--strategy", "single"]);
    assert_eq!((made.code, companies(&hubspot)), (Some(1), vec![1]), "{}", made.err);
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert!(companies(&hubspot).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_file_is_not_used_while_its_run_goes_on() {
    for command in [&["associate-many"][..], &["reconcile", "--to-type", "companies", "--apply"]] {
        let hubspot = crm(1, 2).start().await.unwrap();
        let folder = Folder::new();
        let (file, undo) = (folder.write("rows.csv", rows(1..=2)), folder.at("undo.json"));
        for operation in ["associate", "batch_associate"] {
            hubspot.inject(Fault::delay(FOR_EVER).on(operation));
        }
        let many = [command, &[path(&file), "--undo", path(&undo)]].concat();
        let child = begin(tool_at(&hubspot, &many));
        while !undo.exists() {
            sleep(Duration::from_millis(5));
        }
        let begun = fs::read(&undo).unwrap();
        let refused = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("undo.json is in use by another run"), "{}", refused.err);
        let reversed = run_at(&hubspot, &["reconcile", "--plan", path(&undo), "--apply", "--yes"]);
        assert_eq!(reversed.code, Some(2), "{}", reversed.err);
        assert!(command[0] != "reconcile" || reversed.err.contains("is in use by another run"), "{}", reversed.err);
        let second = run_at(&hubspot, &many);
        assert!(second.code == Some(2) && second.err.contains("undo.json is in use by another run"), "{}", second.err);
        assert_eq!(fs::read(&undo).unwrap(), begun);
        assert_eq!(undoes(&undo), 2, "a dry run only looks");
        while !hubspot.requests().iter().any(|request| request.path().ends_with("/batch/create")) {
            sleep(Duration::from_millis(5));
        }
        signal(child.id(), END);
        assert_eq!(ran(child.wait_with_output().unwrap()).code, Some(143));
        hubspot.clear_faults();
        assert_eq!(folder.names(), ["rows.csv", "undo.json"]);
        assert_eq!(run_at(&hubspot, &many).code, Some(0));
        assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
        assert_eq!((companies(&hubspot), folder.names()), (vec![], vec!["rows.csv".into(), "undo.json".into()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_file_is_not_undone_twice_at_once_and_a_lock_ends_with_its_process() {
    let hubspot = crm(1, 2).start().await.unwrap();
    let folder = Folder::new();
    let (file, undo) = (folder.write("rows.csv", rows(1..=2)), folder.at("undo.json"));
    let many = ["associate-many", path(&file), "--undo", path(&undo)];
    assert_eq!(run_at(&hubspot, &many).code, Some(0));
    hubspot.clear_requests();
    hubspot.inject(Fault::delay(FOR_EVER).on("batch_dissociate"));
    let mut child = begin(tool_at(&hubspot, &["undo", path(&undo), "--yes"]));
    while !hubspot.requests().iter().any(|request| request.path().ends_with("/batch/archive")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        sleep(Duration::from_millis(5));
    }
    for other in [&["undo", path(&undo), "--yes"][..], &many] {
        let refused = run_at(&hubspot, other);
        assert!(refused.code == Some(2) && refused.err.contains("is in use by another run"), "{}", refused.err);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    hubspot.clear_faults();
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!((companies(&hubspot), folder.names()), (vec![], vec!["rows.csv".into(), "undo.json".into()]));
}
