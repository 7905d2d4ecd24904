//! `reconcile` that is run again as it says, without the plan of the first run: its undo file reverses both runs.

use std::{thread::sleep, time::Duration};

use hubspot_simulator::{AssociationCategory, Fault, Simulator, UnlabeledCompanions};

use crate::cli::{begin, in_a_shell, path, ran, run_at, signal, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

const VERSIONS: [&str; 2] = ["v3", "2026-09"];
/// The list of association types in both.
const TYPES: [&str; 2] = ["/types", "/labels"];

async fn hubspot(there: &[(u64, u64)]) -> Simulator {
    let builder = there.iter().fold(crm(3, 9), |builder, (client, company)| {
        builder.association(client.to_string(), "companies", company.to_string(), "owner")
    });
    builder.start().await.unwrap()
}

fn there(hubspot: &Simulator) -> Vec<(u64, u64)> {
    let of = |client: u64| {
        let mut companies: Vec<u64> =
            hubspot.associations(&client.to_string()).iter().map(|made| made.to_object_id.parse().unwrap()).collect();
        companies.sort_unstable();
        companies.into_iter().map(move |company| (client, company))
    };
    (1..=3).flat_map(of).collect()
}

fn rows(wanted: &[(u64, u64)]) -> String {
    let rows = wanted.iter().map(|(client, company)| format!("{client},companies,{company},7\n"));
    HEADER.to_owned() + &rows.collect::<String>()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_goes_on_by_the_command_that_it_prints_and_both_are_undone() {
    for version in VERSIONS {
        for name in ["INT", "KILL"] {
            let hubspot = hubspot(&[(1, 1), (1, 2), (2, 3)]).await;
            let folder = Folder::new();
            let file = folder.write("rows.csv", rows(&[(1, 2), (1, 4), (2, 5)]));
            let undo = folder.at("undo.json");
            let run = ["reconcile", path(&file), "--to-type", "companies", "--api-version", version];
            let run = [&run[..], &["--apply", "--yes", "--undo", path(&undo)]].concat();
            hubspot.inject(Fault::delay(Duration::from_secs(600)).on("batch_dissociate"));
            let mut child = begin(tool_at(&hubspot, &run));
            while !hubspot.requests().iter().any(|request| request.path().ends_with("archive")) {
                sleep(Duration::from_millis(5));
            }
            if name == "KILL" {
                child.kill().unwrap()
            } else {
                signal(child.id(), name)
            }
            let ended = ran(child.wait_with_output().unwrap());
            assert_eq!(there(&hubspot), [(1, 1), (1, 2), (1, 4), (2, 3), (2, 5)]);
            hubspot.clear_faults();
            // A colleague does something else meanwhile.
            assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "7", "owner"]).code, Some(0));
            let went_on = match ended.err.lines().find_map(|line| line.strip_prefix("  hubspot-partner-clients ")) {
                Some(printed) => in_a_shell(&tool_at(&hubspot, &[]), printed),
                None => run_at(&hubspot, &run),
            };
            assert_eq!((name == "KILL", went_on.code), (ended.err.is_empty(), Some(0)), "{}", went_on.err);
            assert_eq!(there(&hubspot), [(1, 2), (1, 4), (2, 5)], "{version} {name}");
            for _ in 0..2 {
                let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
                assert_eq!(undone.code, Some(0), "{}", undone.err);
                assert_eq!(there(&hubspot), [(1, 1), (1, 2), (1, 7), (2, 3)], "{version} {name}");
            }
        }
    }
}

/// Starts a run, ends it by a signal once one of these paths was asked for so often, and returns the command that it prints.
fn interrupted(hubspot: &Simulator, run: &[&str], paths: &[&str], times: usize) -> String {
    hubspot.clear_requests();
    let child = begin(tool_at(hubspot, run));
    let is_meant = |path: &str| paths.iter().any(|end| path.ends_with(end));
    while hubspot.requests().iter().filter(|request| is_meant(request.path())).count() < times {
        sleep(Duration::from_millis(5));
    }
    signal(child.id(), "INT");
    let ended = ran(child.wait_with_output().unwrap());
    hubspot.clear_faults();
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    let printed = ended.err.lines().find_map(|line| line.strip_prefix("  hubspot-partner-clients "));
    printed.unwrap_or_else(|| panic!("{}", ended.err)).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_before_a_signal_is_not_undone_where_others_do_it_meanwhile() {
    let never = || Fault::delay(Duration::from_secs(600));
    for version in VERSIONS {
        // As it reads what there is, and at the additions.
        for is_begun in [false, true] {
            let hubspot = hubspot(&[(1, 1), (1, 2)]).await;
            let folder = Folder::new();
            let file = folder.write("rows.csv", rows(&[(1, 2), (1, 4)]));
            let undo = folder.at("undo.json");
            let run = ["reconcile", path(&file), "--to-type", "companies", "--api-version", version];
            let run = [&run[..], &["--apply", "--yes", "--undo", path(&undo)]].concat();
            let printed = if is_begun {
                hubspot.inject(never().on("batch_associate"));
                interrupted(&hubspot, &run, &["/batch/create"], 1)
            } else {
                hubspot.inject(Fault::script([None, Some(never())]).on("association_types"));
                interrupted(&hubspot, &run, &TYPES, 2)
            };
            // A colleague does what the plan would have.
            if !is_begun {
                assert!(!undo.exists(), "nothing was sent");
                assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "4", "owner"]).code, Some(0));
            }
            assert_eq!(run_at(&hubspot, &["dissociate", "1", "companies", "1", "owner", "--yes"]).code, Some(0));
            let went_on = in_a_shell(&tool_at(&hubspot, &[]), &printed);
            assert_eq!((went_on.code, there(&hubspot)), (Some(0), vec![(1, 2), (1, 4)]), "{}", went_on.err);
            let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
            assert_eq!(undone.code, Some(0), "{}", undone.err);
            let left = if is_begun { vec![(1, 2)] } else { vec![(1, 2), (1, 4)] };
            assert_eq!(there(&hubspot), left, "{version} {is_begun}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_applied_again_and_interrupted_leaves_the_undo_file_of_the_first_run() {
    let never = || Fault::delay(Duration::from_secs(600));
    for version in VERSIONS {
        for is_read in [false, true] {
            let hubspot = hubspot(&[(1, 1)]).await;
            let folder = Folder::new();
            let file = folder.write("rows.csv", rows(&[(1, 2), (1, 3), (2, 4)]));
            let (plan, undo) = (folder.at("plan.json"), folder.at("undo.json"));
            let version = ["--api-version", version];
            let planned = ["reconcile", path(&file), "--to-type", "companies", "--save-plan", path(&plan)];
            assert_eq!(run_at(&hubspot, &[&planned[..], &version].concat()).code, Some(0));
            // A colleague makes one of its additions.
            assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "2", "owner"]).code, Some(0));
            let run = ["reconcile", "--plan", path(&plan), "--apply", "--yes", "--undo", path(&undo)];
            let run = [&run[..], &version].concat();
            assert_eq!(run_at(&hubspot, &run).code, Some(0));
            assert_eq!(there(&hubspot), [(1, 2), (1, 3), (2, 4)]);
            if is_read {
                // Another one removes what the run has made, which is sent again.
                assert_eq!(run_at(&hubspot, &["dissociate", "2", "companies", "4", "owner", "--yes"]).code, Some(0));
                hubspot.inject(never().on("batch_associate"));
                interrupted(&hubspot, &run, &["/batch/create"], 1);
            } else {
                let written = std::fs::read(&undo).unwrap();
                hubspot.inject(Fault::script([None, Some(never())]).on("association_types"));
                interrupted(&hubspot, &run, &TYPES, 2);
                assert_eq!(std::fs::read(&undo).unwrap(), written);
            }
            let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
            assert_eq!(undone.code, Some(0), "{}", undone.err);
            assert_eq!(there(&hubspot), [(1, 1), (1, 2)], "{version:?} {is_read}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_removals_were_held_back_is_run_again_as_it_says() {
    for version in VERSIONS {
        for has_journal in [false, true] {
            let hubspot = hubspot(&[(1, 1), (2, 1)]).await;
            let folder = Folder::new();
            let file = folder.write("rows.csv", rows(&[(1, 4), (2, 2)]));
            let (undo, first, second) = (folder.at("undo.json"), folder.at("first"), folder.at("second"));
            let run = |journal: &str| {
                let run = ["reconcile", path(&file), "--to-type", "companies", "--api-version", version];
                let journal = if has_journal { &["--journal", journal][..] } else { &[] };
                let files = ["--apply", "--yes", "--undo", path(&undo)];
                run_at(&hubspot, &[&run[..], &files, journal].concat())
            };
            for operation in ["associate", "batch_associate"] {
                hubspot.inject(Fault::status(400).on(operation));
            }
            let held = run(path(&first));
            assert!(held.code == Some(1) && held.out.contains("held back: "), "{} {}", held.out, held.err);
            assert_eq!(there(&hubspot), [(1, 1), (2, 1)]);
            hubspot.clear_faults();
            // What was refused is made by a colleague.
            assert_eq!(run_at(&hubspot, &["associate", "2", "companies", "2", "owner"]).code, Some(0));
            let advice = "Correct what failed and run the command again";
            if has_journal {
                assert!(held.out.contains(&format!("{advice} with another --journal, and with")), "{}", held.out);
                // This one keeps what HubSpot refused.
                assert_eq!(run(path(&first)).code, Some(1));
            } else {
                assert!(held.out.contains(&format!("{advice}, with another --undo if you")), "{}", held.out);
            }
            let again = run(path(&second));
            assert_eq!(again.code, Some(0), "{} {}", again.out, again.err);
            assert_eq!(there(&hubspot), [(1, 4), (2, 2)], "{version} {has_journal}");
            let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
            assert_eq!(undone.code, Some(0), "{}", undone.err);
            assert_eq!(there(&hubspot), [(1, 1), (2, 1), (2, 2)], "{version} {has_journal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_file_of_other_rows_is_not_added_to() {
    let hubspot = hubspot(&[(1, 1)]).await;
    let folder = Folder::new();
    let undo = folder.at("undo.json");
    let run = |wanted: &[(u64, u64)]| {
        let file = folder.write("rows.csv", rows(wanted));
        let options = ["--to-type", "companies", "--apply", "--yes", "--undo", path(&undo)];
        run_at(&hubspot, &[&["reconcile", path(&file)], &options[..]].concat())
    };
    assert_eq!(run(&[(1, 1), (1, 2)]).code, Some(0));
    let written = std::fs::read(&undo).unwrap();
    let refused = run(&[(1, 1), (1, 2), (1, 3)]);
    assert!(refused.code == Some(2) && refused.err.contains("already exists"), "{}", refused.err);
    assert_eq!((std::fs::read(&undo).unwrap(), there(&hubspot)), (written, vec![(1, 1), (1, 2)]));
}

/// The plan of the first run is older than what a colleague makes before the second one.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_make_beside_a_label_before_a_run_is_resumed_stays() {
    let builder = crm(1, 3).association_label("companies", AssociationCategory::UserDefined, 36, "Payer");
    let hubspot = builder.unlabeled_companions(UnlabeledCompanions::Never).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,36\n1,companies,2,7\n"));
    let (undo, journal) = (folder.at("undo.json"), folder.at("run.journal"));
    let run = ["reconcile", path(&file), "--to-type", "companies", "--api-version", "2026-09", "--apply", "--yes"];
    let run = [&run[..], &["--undo", path(&undo), "--journal", path(&journal)]].concat();
    let undone = || assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!(run_at(&hubspot, &run).code, Some(0));
    undone();
    assert_eq!(there(&hubspot), []);
    for company in ["1", "2"] {
        assert_eq!(run_at(&hubspot, &["associate", "1", "companies", company, "7"]).code, Some(0));
    }
    let resumed = run_at(&hubspot, &run);
    assert_eq!((resumed.code, hubspot.association_count()), (Some(0), 3), "{} {}", resumed.out, resumed.err);
    undone();
    assert_eq!(there(&hubspot), [(1, 1), (1, 2)]);
}
