//! `undo`: what a run made is removed again, what it removed is made again, and nothing else is changed.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use hubspot_simulator::{AssociationCategory, Fault, Simulator, UnlabeledCompanions};
use serde_json::Value;

use crate::cli::{begin, path, ran, run, run_at, sent, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::{crm, sized};

type State = BTreeSet<(u64, u64, u64)>;

fn state(hubspot: &Simulator) -> State {
    let of = |client: u64| {
        let all = hubspot.associations(&client.to_string()).into_iter();
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=6).flat_map(of).collect()
}

async fn hubspot(there: &State, companions: UnlabeledCompanions) -> Simulator {
    let companies = (1..=8).chain([10]);
    let mut builder = companies
        .fold(Simulator::builder().without_seed(), |builder, id| {
            builder.object("companies", id.to_string(), [("name", "x")])
        })
        .partner_clients((1..=6).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "partner_client_to_company_unlabeled")
        .unlabeled_companions(companions)
        .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Referred by");
    for (client, company, kind) in there {
        builder = builder.association(client.to_string(), "companies", company.to_string(), kind.to_string());
    }
    builder.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_that_was_there_before_is_not_removed_by_undo() {
    for version in ["v3", "2026-09"] {
        let before: State = [(1, 1, 7), (2, 2, 36), (2, 2, 7)].into();
        let hubspot = hubspot(&before, UnlabeledCompanions::default()).await;
        let before = state(&hubspot);
        let folder = Folder::new();
        let rows =
            "1,companies,1,7\n1,companies,2,Partner_Client_To_Company_Unlabeled\n2,companies,2,36\n3,companies,99,7\n";
        let rows =
            if version == "v3" { rows.to_owned() } else { rows.replace("Partner_Client_To_Company_Unlabeled", "7") };
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let undo = folder.at("undo.json");
        let many = ["associate-many", path(&file), "--undo", path(&undo), "--api-version", version];
        assert_eq!(run_at(&hubspot, &many).code, Some(1));
        assert_eq!(state(&hubspot).len(), before.len() + 1);
        hubspot.clear_requests();

        let shown = run(tool(&["undo", path(&undo), "--dry-run"]));
        assert_eq!(shown.code, Some(0), "{}", shown.err);
        assert!(shown.out.contains("0 to add, 1 to remove"), "{}", shown.out);
        let refused = run_at(&hubspot, &["undo", path(&undo)]);
        assert!(refused.code == Some(2) && refused.err.contains("--yes"), "{}", refused.err);
        assert!(refused.account.contains("1234567"), "{}", refused.account);
        assert_eq!(sent(&hubspot), 0);

        for removed in [1, 0] {
            let undone = run_at(&hubspot, &["undo", path(&undo), "--yes", "--json"]);
            assert_eq!(undone.code, Some(0), "{}", undone.err);
            assert_eq!(undone.json()[0]["applied"]["removed"], removed);
            assert_eq!(state(&hubspot), before, "{version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_file_is_of_one_run_and_one_account() {
    let hubspot = crm(2, 3).account(5678).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let other = folder.write("other.csv", format!("{HEADER}1,companies,2,7\n"));
    let undo = folder.at("undo.json");
    assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&undo)]).code, Some(0));
    let written = fs::read_to_string(&undo).unwrap();
    hubspot.clear_requests();
    for run in [["associate-many", path(&other)], ["dissociate-many", path(&file)]] {
        let yes = if run[0] == "dissociate-many" { &["--yes"][..] } else { &[] };
        let refused = run_at(&hubspot, &[&run[..], &["--undo", path(&undo)], yes].concat());
        assert!(refused.code == Some(2) && refused.err.contains("is not the undo file of this run"), "{}", refused.err);
    }
    let onto = run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&file)]);
    assert!(onto.code == Some(2) && onto.err.contains("would overwrite the input file"), "{}", onto.err);
    let mut elsewhere = tool_at(&hubspot, &["undo", path(&undo), "--yes"]);
    elsewhere.env("HUBSPOT_ACCESS_TOKEN", hubspot.account(5678).unwrap().access_token());
    let refused = run(elsewhere);
    assert!(refused.code == Some(2) && refused.err.contains("1234567"), "{}", refused.err);
    let wrong = run_at(&hubspot, &["undo", path(&file), "--yes"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("is not an undo file"), "{}", wrong.err);
    assert_eq!(fs::read_to_string(&undo).unwrap(), written);
    assert_eq!(hubspot.association_count(), 1, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reconcile_changed_is_undone_as_well_and_nothing_is_made_beside_it() {
    for version in ["v3", "2026-09"] {
        let before: State = [(1, 1, 36), (1, 3, 7)].into();
        let hubspot = hubspot(&before, UnlabeledCompanions::Never).await;
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,2,37\n1,companies,3,7\n"));
        let undo = folder.at("undo.json");
        let reconcile = ["reconcile", path(&file), "--to-type", "companies", "--apply", "--yes", "--undo", path(&undo)];
        let version = ["--api-version", version];
        let changed = run_at(&hubspot, &[&reconcile[..], &version].concat());
        assert_eq!(changed.code, Some(0), "{}", changed.err);
        assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "10", "7"]).code, Some(0));
        // Its `undo` file is refused for a bulk run.
        let many = ["associate-many", path(&file), "--undo", path(&undo)];
        let refused = run_at(&hubspot, &[&many[..], &version].concat());
        assert!(refused.err.contains("is not the undo file of this run"), "{}", refused.err);
        let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!(undone.code, Some(0), "{}", undone.err);
        assert_eq!(state(&hubspot), [(1, 1, 36), (1, 3, 7), (1, 10, 7)].into(), "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_make_between_two_runs_with_one_undo_file_stays() {
    for version in ["v3", "2026-09"] {
        let hubspot = hubspot(&[(3, 3, 7)].into(), UnlabeledCompanions::Never).await;
        let folder = Folder::new();
        let rows = "1,companies,1,7\n2,companies,2,36\n4,companies,4,7\n";
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let undo = folder.at("undo.json");
        let options = ["--undo", path(&undo), "--api-version", version];
        let run = || run_at(&hubspot, &[&["associate-many", path(&file)], &options[..]].concat());
        let undone = || assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
        let others = |client: &str, company: &str| {
            assert_eq!(run_at(&hubspot, &["associate", client, "companies", company, "7"]).code, Some(0));
        };
        hubspot.inject(Fault::status(400).on("associate"));
        hubspot.inject(Fault::status(400).on("batch_associate"));
        assert_eq!(run().code, Some(1), "refused");
        hubspot.clear_faults();
        others("1", "1");
        // The label is then made beside what is theirs.
        others("2", "2");
        assert_eq!(run().code, Some(0));
        undone();
        assert_eq!(state(&hubspot), [(1, 1, 7), (2, 2, 7), (3, 3, 7)].into(), "{version}");
        others("4", "4");
        assert_eq!(run().code, Some(0));
        undone();
        assert_eq!(state(&hubspot), [(1, 1, 7), (2, 2, 7), (3, 3, 7), (4, 4, 7)].into(), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_a_second_run_removes_are_made_again() {
    let before: State = [(1, 1, 36), (1, 1, 7)].into();
    let hubspot = hubspot(&before, UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let undo = folder.at("undo.json");
    let run = ["dissociate-many", path(&file), "--yes", "--undo", path(&undo), "--api-version", "2026-09"];
    assert_eq!(run_at(&hubspot, &run).code, Some(2), "its label keeps it");
    assert_eq!(run_at(&hubspot, &[&run[..], &["--including-labels"]].concat()).code, Some(0));
    assert_eq!(state(&hubspot), [].into());
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!(state(&hubspot), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_others_remove_after_a_refused_run_are_not_made_again() {
    let hubspot = hubspot(&[(1, 1, 36), (1, 1, 7)].into(), UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let undo = folder.at("undo.json");
    hubspot.inject(Fault::status(400).on("dissociate"));
    hubspot.inject(Fault::status(400).on("batch_dissociate"));
    let run = ["dissociate-many", path(&file), "--yes", "--including-labels", "--undo", path(&undo)];
    assert_eq!(run_at(&hubspot, &[&run[..], &["--api-version", "2026-09"]].concat()).code, Some(1));
    hubspot.clear_faults();
    assert_eq!(run_at(&hubspot, &["dissociate", "1", "companies", "1", "36", "--yes"]).code, Some(0));
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!(state(&hubspot), [(1, 1, 7)].into());
}

/// There, labels do not go with the unlabelled association.
#[tokio::test(flavor = "multi_thread")]
async fn labels_that_others_remove_after_a_run_on_v3_are_not_made_again() {
    let hubspot = hubspot(&[(1, 1, 36), (1, 1, 7)].into(), UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let undo = folder.at("undo.json");
    let run = ["dissociate-many", path(&file), "--yes", "--including-labels", "--undo", path(&undo)];
    assert_eq!((run_at(&hubspot, &run).code, state(&hubspot)), (Some(0), [(1, 1, 36)].into()));
    assert_eq!(run_at(&hubspot, &["dissociate", "1", "companies", "1", "36", "--yes"]).code, Some(0));
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!(state(&hubspot), [(1, 1, 7)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_undone_is_undone_later_and_nothing_else() {
    let hubspot = hubspot(&State::new(), UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n2,companies,2,7\n"));
    let run = |arguments: &[&str]| run_at(&hubspot, arguments).code;
    for (name, command) in [
        ("many.json", &["associate-many", path(&file)][..]),
        ("plan.json", &["reconcile", path(&file), "--to-type", "companies", "--apply"]),
    ] {
        let undo = folder.at(name);
        assert_eq!(run(&[command, &["--undo", path(&undo), "--api-version", "2026-09"]].concat()), Some(0));
        assert_eq!(run(&["associate", "1", "companies", "1", "36"]), Some(0));
        assert_ne!(run(&["undo", path(&undo), "--yes"]), Some(0), "a label of others would go with it");
        assert_eq!(state(&hubspot), [(1, 1, 7), (1, 1, 36)].into());
        assert_eq!(run(&["associate", "2", "companies", "2", "7"]), Some(0));
        assert_eq!(run(&["dissociate", "1", "companies", "1", "36", "--yes"]), Some(0));
        assert_eq!(run(&["undo", path(&undo), "--yes"]), Some(0));
        assert_eq!(state(&hubspot), [(2, 2, 7)].into(), "{name}");
        assert_eq!(run(&["dissociate", "2", "companies", "2", "7", "--yes"]), Some(0));
    }
}

// The unlabelled type that came with the label stays for the other label's sake.
#[tokio::test(flavor = "multi_thread")]
async fn beside_a_label_of_others_undo_comes_to_rest() {
    for version in ["v3", "2026-09"] {
        for companions in [UnlabeledCompanions::WithLabels, UnlabeledCompanions::Always, UnlabeledCompanions::Never] {
            let twins = [hubspot(&State::new(), companions).await, hubspot(&State::new(), companions).await];
            let [hubspot, without] = &twins;
            let folder = Folder::new();
            let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,36\n"));
            let undo = folder.at("undo.json");
            let many = ["associate-many", path(&file), "--undo", path(&undo), "--api-version", version];
            assert_eq!(run_at(hubspot, &many).code, Some(0));
            for hubspot in &twins {
                let others = ["associate", "1", "companies", "1", "37", "--api-version", version];
                assert_eq!(run_at(hubspot, &others).code, Some(0));
            }
            for removed in [1, 0] {
                let undone = run_at(hubspot, &["undo", path(&undo), "--yes", "--json"]);
                assert_eq!(undone.code, Some(0), "{version} {companions:?}: {} {}", undone.out, undone.err);
                assert_eq!(undone.json()[0]["applied"]["removed"], removed);
                assert_eq!(own(state(hubspot), version), own(state(without), version), "{version} {companions:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_reverses_nothing_is_not_carried_out_by_undo() {
    let hubspot = crm(2, 3).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let plan = folder.at("plan.json");
    let reconcile = ["reconcile", path(&file), "--to-type", "companies"];
    assert_eq!(run_at(&hubspot, &[&reconcile[..], &["--save-plan", path(&plan)]].concat()).code, Some(0));
    let refused = run_at(&hubspot, &["undo", path(&plan), "--yes"]);
    assert!(refused.code == Some(2) && refused.err.contains("reconcile --plan"), "{}", refused.err);
    // Nor is it taken for an undo file that is written again.
    let kept = fs::read_to_string(&plan).unwrap();
    let refused = run_at(&hubspot, &[&reconcile[..], &["--apply", "--undo", path(&plan)]].concat());
    assert!(refused.code == Some(2) && refused.err.contains("already exists"), "{}", refused.err);
    assert_eq!((fs::read_to_string(&plan).unwrap(), hubspot.association_count()), (kept, 0));

    let undo = folder.at("undo.json");
    let many = ["associate-many", path(&file), "--undo", path(&undo)];
    assert_eq!(run_at(&hubspot, &many).code, Some(0));
    let refused = run_at(&hubspot, &["reconcile", "--plan", path(&undo), "--apply"]);
    assert!(refused.code == Some(2) && refused.err.contains("use undo "), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_certainly_not_sent_is_not_undone() {
    let hubspot = crm(3, 3).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n2,companies,2,7\n3,companies,3,7\n"));
    let (undo, journal) = (folder.at("undo.json"), folder.at("run.journal"));
    let files = [path(&file), "--undo", path(&undo), "--journal", path(&journal)];
    // A journal of another input, and one of another operation.
    let other = folder.write("other.csv", format!("{HEADER}1,companies,9,7\n"));
    for begin in [&["associate-many", path(&other)][..], &["dissociate-many", path(&file), "--yes"]] {
        run_at(&hubspot, &[begin, &["--journal", path(&journal)]].concat());
        let refused = run_at(&hubspot, &[&["associate-many"], &files[..]].concat());
        assert!(refused.code == Some(2) && refused.err.contains("belongs to"), "{}", refused.err);
        assert!(!undo.exists());
        fs::remove_file(&journal).unwrap();
    }
    hubspot.inject(Fault::daily_limit().on("associate"));
    let one = ["associate-many", path(&file), "--undo", path(&undo), "--strategy", "single", "--concurrency", "1"];
    assert_eq!(run_at(&hubspot, &one).code, Some(4));
    hubspot.clear_faults();
    assert_eq!(run_at(&hubspot, &["associate", "3", "companies", "3", "7"]).code, Some(0));
    assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
    assert_eq!(hubspot.association_count(), 1);
}

// Any state, any file, any runs of it with one undo file, killed, refused, resumed or undone in between, and changes by others:
// what `undo` leaves is what there would be by the others alone.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_runs_did_before_they_were_killed_undo_leaves_what_was_there_and_what_others_did() {
    for seed in 0..sized(16, 4) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = if seed % 2 == 0 { "v3" } else { "2026-09" };
        let mut some = |count: usize, companies: u64| -> Vec<_> {
            (0..count)
                .map(|_| (random.u64(1..=5), random.u64(1..=companies), [7, 36, 37][random.usize(0..3)]))
                .collect()
        };
        let there = some(20, 7).into_iter().collect();
        let named = some(40, 9);
        let rows: String = named.iter().map(|(a, b, kind)| format!("{a},companies,{b},{kind}\n")).collect();
        let folder = Folder::new();
        let (journal, undo) = (folder.at("run.journal"), folder.at("undo.json"));
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        use UnlabeledCompanions::{Always, Never, WithLabels};
        let companions = [Always, Never, WithLabels][random.usize(0..3)];
        let twins = [hubspot(&there, companions).await, hubspot(&there, companions).await];
        let [hubspot, without] = &twins;
        let reconcile = ["reconcile", "--to-type", "companies", "--apply", "--yes", "--max-removals", "999"];
        let is_reconcile = seed % 4 > 1;
        let command: &[&str] = match random.bool() {
            _ if is_reconcile => &reconcile,
            true => &["associate-many", "--concurrency", "1"],
            false => &["dissociate-many", "--concurrency", "1", "--yes"],
        };
        let labels = command[0] == "dissociate-many" && random.bool();
        let single = if !is_reconcile && random.bool() { &["--strategy", "single"][..] } else { &[] };
        let journal = if random.bool() { &["--journal", path(&journal)][..] } else { &[] };
        let files = [path(&file), "--undo", path(&undo), "--api-version", version];
        let undone = || {
            if undo.exists() {
                let undone = run_at(hubspot, &["undo", path(&undo), "--yes"]);
                assert_eq!(undone.code, Some(0), "{seed}: {} {}", undone.out, undone.err);
            }
            // A plan takes the unlabelled type beside a label that stays for no association of its own.
            let of = if is_reconcile { "2026-09" } else { version };
            let [left, expected] = twins.each_ref().map(|hubspot| own(state(hubspot), of));
            assert_eq!(left, expected, "{seed} {version}: {command:?}\n{rows}");
        };
        // What runs may have changed that were killed, since the last one that came to its end.
        let (mut is_any, mut begun) = (false, BTreeSet::new());
        for _ in 0..random.usize(1..=4) {
            hubspot.clear_requests();
            let labels = if labels && random.bool() { &["--including-labels"][..] } else { &[] };
            let arguments = [command, &files, single, journal, labels].concat();
            hubspot.inject(Fault::delay(Duration::from_millis(15)));
            for operation in ["associate", "batch_associate", "dissociate", "batch_dissociate"] {
                hubspot.inject(Fault::status(400).on(operation).with_probability(0.2, random.u64(..)));
            }
            let is_killed = random.bool();
            if is_killed {
                let mut child = tool_at(hubspot, &arguments);
                let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
                sleep(Duration::from_millis(random.u64(0..300)));
                if random.bool() {
                    is_any = true;
                    child.kill().unwrap()
                } else {
                    interrupt(child.id())
                }
                child.wait().unwrap();
                // What is under way is carried out.
                sleep(Duration::from_millis(50));
                begun.extend(named_in_writes(hubspot));
            } else {
                let ended = run_at(hubspot, &arguments);
                // A plan that was kept may be out of date.
                let is_begun = undo.exists() || (is_reconcile && ended.code == Some(2));
                assert!(matches!(ended.code, Some(0..=2)) && is_begun, "{seed}: {} {}", ended.out, ended.err);
                if ended.code != Some(2) {
                    is_any = false;
                    begun.clear();
                }
            }
            hubspot.clear_faults();
            let mut left = BTreeSet::new();
            match random.u8(..) {
                0..60 => undone(),
                60..110 if undo.exists() => {
                    hubspot.inject(Fault::delay(Duration::from_millis(15)));
                    let child = begin(tool_at(hubspot, &["undo", path(&undo), "--yes"]));
                    sleep(Duration::from_millis(random.u64(50..250)));
                    interrupt(child.id());
                    let ended = ran(child.wait_with_output().unwrap());
                    assert!(matches!(ended.code, Some(0 | 130) | None), "{seed}: {} {}", ended.out, ended.err);
                    // What is under way is carried out.
                    sleep(Duration::from_millis(50));
                    hubspot.clear_faults();
                    left = still_in(&undo);
                }
                _ => {}
            }
            for _ in 0..random.usize(0..4) {
                let change = (random.u64(1..=5), random.u64(1..=8), [7, 36, 37][random.usize(0..3)]);
                let pair = |all: State| all.into_iter().filter(|made| (made.0, made.1) == (change.0, change.1));
                let [here, there] = twins.each_ref().map(|hubspot| State::from_iter(pair(state(hubspot))));
                // Nobody knows whether it was they or a run that was killed; what a run made is not theirs.
                let is_named = is_reconcile || named.iter().any(|row| (row.0, row.1) == (change.0, change.1));
                let is_unknown = is_named && (is_any || begun.contains(&(change.0, change.1)));
                if is_unknown || here != there || left.contains(&(change.0, change.1)) {
                    continue;
                }
                let [client, company, kind] = [change.0, change.1, change.2].map(|id| id.to_string());
                let others: &[&str] = if random.bool() { &["associate"] } else { &["dissociate", "--yes"] };
                for hubspot in &twins {
                    let changed = run_at(hubspot, &[others, &[&*client, "companies", &*company, &*kind]].concat());
                    assert_eq!(changed.code, Some(0), "{}", changed.err);
                }
            }
        }
        for hubspot in [hubspot, without] {
            assert_eq!(run_at(hubspot, &["associate", "6", "companies", "8", "7"]).code, Some(0));
            assert_eq!(run_at(hubspot, &["associate", "1", "companies", "10", "7"]).code, Some(0));
        }
        undone();
    }
}

/// Interrupts a run, which may have ended.
fn interrupt(pid: u32) {
    let kill = format!("kill -INT {pid}");
    let _ = Command::new("/bin/sh").args(["-c", &kill]).stderr(Stdio::null()).status();
}

/// The pairs that requests were to change.
fn named_in_writes(hubspot: &Simulator) -> BTreeSet<(u64, u64)> {
    let id = |of: &Value| of["id"].as_str().and_then(|id| id.parse().ok());
    let mut pairs = BTreeSet::new();
    for request in hubspot.requests() {
        if matches!(request.method(), "PUT" | "DELETE") {
            let mut ids = request.path().split('/').filter_map(|part| part.parse().ok());
            pairs.extend(ids.next().zip(ids.next()));
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        for input in body["inputs"].as_array().into_iter().flatten() {
            let to = input["to"].as_array().cloned().unwrap_or_else(|| vec![input["to"].clone()]);
            pairs.extend(to.iter().filter_map(|to| id(&input["from"]).zip(id(to))));
        }
    }
    pairs
}

/// The pairs that `undo` would change.
fn still_in(undo: &Path) -> BTreeSet<(u64, u64)> {
    let shown = run(tool(&["undo", path(undo), "--dry-run", "--json"])).json().remove(0);
    let plans = shown["plans"].as_array().unwrap().iter();
    let changes = plans.flat_map(|plan| ["add", "remove"].map(|name| plan[name].as_array().unwrap().clone())).flatten();
    let id = |change: &Value, name: &str| change[name].as_str().unwrap().parse().unwrap();
    changes.map(|change| (id(&change, "partnerClientId"), id(&change, "toObjectId"))).collect()
}

/// What can be taken back: on dated versions the unlabelled type cannot be removed without the labels.
fn own(all: State, version: &str) -> State {
    let labels: BTreeSet<_> = all.iter().filter(|made| made.2 != 7).map(|made| (made.0, made.1)).collect();
    all.into_iter().filter(|made| version == "v3" || made.2 != 7 || !labels.contains(&(made.0, made.1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_undone_is_carried_out_again_in_spite_of_its_journal() {
    for version in ["v3", "2026-09"] {
        let before: State = [(1, 1, 7), (2, 1, 36), (2, 1, 7)].into();
        let hubspot = hubspot(&before, UnlabeledCompanions::default()).await;
        let folder = Folder::new();
        let made = folder.write("made.csv", format!("{HEADER}1,companies,1,7\n1,companies,2,36\n3,companies,99,7\n"));
        let removed = folder.write("removed.csv", format!("{HEADER}1,companies,1,7\n2,companies,1,36\n"));
        let whole = folder.write("whole.csv", format!("{HEADER}2,companies,1,7\n"));
        let commands = [
            ("made", &["associate-many", path(&made)][..]),
            ("removed", &["dissociate-many", path(&removed), "--yes"]),
            ("with labels", &["dissociate-many", path(&whole), "--yes", "--including-labels"]),
        ];
        for (done, command) in commands.into_iter().filter(|(done, _)| version != "v3" || *done != "with labels") {
            let [journal, undo] = ["journal", "undo.json"].map(|name| folder.at(&format!("{done}.{name}")));
            let options = ["--journal", path(&journal), "--undo", path(&undo), "--api-version", version, "--json"];
            let run = || {
                let ran = run_at(&hubspot, &[command, &options[..]].concat());
                assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.err);
                ran.json().pop().unwrap()["summary"].take()
            };
            let count = |summary: &serde_json::Value, name: &str| summary[name].as_u64().unwrap();
            let first = run();
            assert_eq!(count(&first, "fromJournal"), 0);
            let after = state(&hubspot);
            assert_ne!(after, before);
            let resumed = run();
            assert_eq!(count(&resumed, "fromJournal"), count(&resumed, "rows"), "{version} {done}: {resumed}");
            for _ in 0..2 {
                let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
                assert_eq!((undone.code, state(&hubspot)), (Some(0), before.clone()), "{}", undone.err);
                // What HubSpot refused is not asked again.
                let again = run();
                assert_eq!((state(&hubspot), count(&again, "failed")), (after.clone(), count(&first, "failed")));
                assert!(count(&again, "fromJournal") >= count(&first, "failed"), "{again}");
            }
            assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
            assert_eq!(state(&hubspot), before, "{version} {done}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_sent_that_the_undo_file_could_not_reverse() {
    for version in ["v3", "2026-09"] {
        let hubspot = hubspot(&[(1, 1, 7)].into(), UnlabeledCompanions::Never).await;
        let folder = Folder::new();
        let undo = folder.at("undo.json");
        let run = |rows: &str, command: &[&str]| {
            let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
            hubspot.clear_requests();
            let options = ["--undo", path(&undo), "--api-version", version];
            let ran = run_at(&hubspot, &[command, &[path(&file)], &options[..]].concat());
            let is_read = |path: &str| ["/types", "/labels", "/read"].iter().any(|end| path.ends_with(end));
            let is_write =
                |request: &hubspot_simulator::RecordedRequest| request.method() != "GET" && !is_read(request.path());
            assert!(ran.code == Some(0) || !hubspot.requests().iter().any(is_write), "{:?}", hubspot.requests());
            ran
        };
        let faults = [Fault::status(400), Fault::status(404), Fault::html(400)];
        for command in [&["associate-many"][..], &["dissociate-many", "--yes"]] {
            for fault in faults.clone() {
                hubspot.inject(fault.on("association_types"));
                let refused = run("1,companies,2,7\n1,companies,3,7\n", command);
                hubspot.clear_faults();
                assert!(matches!(refused.code, Some(1 | 2)), "{}", refused.err);
                assert!(refused.err.contains("line 2, column 2 (to_object_type): "), "{}", refused.err);
                assert!(refused.err.contains("line 3") && refused.err.contains("Nothing was sent."), "{}", refused.err);
            }
            hubspot.inject(Fault::html(404).on("association_types"));
            assert_eq!(run("1,companies,2,7\n", command).code, Some(4), "the server does not know the path");
            hubspot.clear_faults();
            // HubSpot may know more types than it lists.
            let refused = run("1,companies,2,7\n2,companies,2,99\n", command);
            assert!(refused.code == Some(2) && refused.err.contains("line 3, column 4"), "{}", refused.err);
            let refused = run("1,companies,2,7\n77,companies,2,7\n", command);
            assert!(refused.code == Some(2) && refused.err.contains("the partner client 77"), "{}", refused.err);
            assert!(refused.err.contains("line 3, column 1") && refused.err.contains("--undo"), "{}", refused.err);
        }
        assert!(!undo.exists());
        assert_eq!(state(&hubspot), [(1, 1, 7)].into());
        assert_eq!(run("1,companies,2,7\n", &["associate-many"]).code, Some(0));
        assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
        assert_eq!(state(&hubspot), [(1, 1, 7)].into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_file_of_a_run_that_was_not_told_its_account_is_used_once_and_of_no_other_run() {
    let hubspot = crm(2, 3)
        .account(5678)
        .partner_client("1", [("name", "x")])
        .object("companies", "1", [("name", "x")])
        .association_type("companies", 7, "owner")
        .start()
        .await
        .unwrap();
    let other = hubspot.account(5678).unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    for command in
        [&["associate-many", path(&file)][..], &["reconcile", path(&file), "--to-type", "companies", "--apply"]]
    {
        let undo = folder.at(&format!("{}.json", command[0]));
        let arguments = [command, &["--undo", path(&undo)]].concat();
        hubspot.inject(Fault::status(403).on("account_details"));
        let begun = run_at(&hubspot, &arguments);
        assert_eq!((begun.code, hubspot.association_count()), (Some(0), 1));
        assert!(begun.err.contains("no later run can go on with the undo file"), "{}", begun.err);
        let kept = fs::read(&undo).unwrap();
        hubspot.clear_requests();
        let mut elsewhere = tool_at(&hubspot, &arguments);
        elsewhere.env("HUBSPOT_ACCESS_TOKEN", other.access_token());
        let refused = run(elsewhere);
        assert!(refused.code == Some(2) && refused.err.contains("may be of another account"), "{}", refused.err);
        assert_eq!(fs::read(&undo).unwrap(), kept);
        hubspot.clear_faults();
        let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!((undone.code, hubspot.association_count()), (Some(0), 0), "{}", undone.err);
        assert!(undone.err.contains("does not say which account it is of"), "{}", undone.err);
    }
    // One that says its account is not used where nobody knows whose the token is.
    let undo = folder.at("known.json");
    assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--undo", path(&undo)]).code, Some(0));
    hubspot.inject(Fault::status(403).on("account_details"));
    hubspot.clear_requests();
    let refused = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
    assert!(refused.code == Some(2) && refused.err.contains("does not tell which account"), "{}", refused.err);
    assert_eq!((sent(&hubspot), hubspot.association_count()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_removed_with_the_option_that_undo_names() {
    let hubspot = hubspot(&[(1, 1, 7)].into(), UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,2,7\n"));
    let undo = folder.at("undo.json");
    let moved = ["reconcile", path(&file), "--to-type", "companies", "--apply", "--yes", "--undo", path(&undo)];
    assert_eq!(run_at(&hubspot, &moved).code, Some(0));
    assert!(hubspot.archive_object("companies", "1"));
    let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
    assert_eq!(undone.code, Some(1), "{}", undone.err);
    assert!(undone.out.contains("held back: ") && undone.out.contains("add --remove-anyway"), "{}", undone.out);
    assert_eq!(state(&hubspot), [(1, 2, 7)].into());
    let undone = run_at(&hubspot, &["undo", path(&undo), "--yes", "--remove-anyway"]);
    assert_eq!((undone.code, state(&hubspot)), (Some(1), State::new()), "{}", undone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_advises_no_option_that_it_lacks_for_labels_of_others() {
    let hubspot = hubspot(&State::new(), UnlabeledCompanions::Never).await;
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let undo = folder.at("undo.json");
    let many = ["associate-many", path(&file), "--undo", path(&undo), "--api-version", "2026-09"];
    assert_eq!(run_at(&hubspot, &many).code, Some(0));
    assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "1", "36"]).code, Some(0));
    let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
    assert!(undone.out.contains("(Payer): if they may go, remove them first"), "{}", undone.out);
    let json = run_at(&hubspot, &["undo", path(&undo), "--yes", "--json"]);
    for told in [undone.out, json.out] {
        assert!(told.contains("remove them first") && !told.contains("--including-labels"), "{told}");
    }
    assert_eq!(run(tool(&["undo", path(&undo), "--including-labels"])).code, Some(2), "there is none");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_neither_waited_for_nor_read_for_ever() {
    let folder = Folder::new();
    let pipe = folder.at("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for given in [path(&pipe), "/dev/zero", path(folder.path())] {
        for dry_run in [&["--dry-run"][..], &["--yes"]] {
            let refused = run(tool(&[&["undo", given], dry_run].concat()));
            assert!(refused.code == Some(2) && refused.err.contains("is not a regular file"), "{}", refused.err);
        }
        let refused = run(tool(&["reconcile", "--plan", given]));
        assert!(refused.code == Some(2) && refused.err.contains("is not a regular file"), "{}", refused.err);
    }
}

/// What an earlier run has settled is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_resumed_although_a_row_that_is_settled_could_no_longer_be_reversed() {
    let hubspot = crm(2, 2).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n2,companies,2,owner\n"));
    let (undo, journal) = (folder.at("undo.json"), folder.at("run.journal"));
    let many = ["associate-many", path(&file), "--undo", path(&undo), "--journal", path(&journal)];
    hubspot.inject(Fault::script([None, Some(Fault::daily_limit())]).on("associate"));
    let begun = run_at(&hubspot, &[&many[..], &["--strategy", "single", "--concurrency", "1"]].concat());
    assert_ne!(begun.code, Some(0), "{}", begun.err);
    assert_eq!(hubspot.association_count(), 1);
    assert!(hubspot.archive("1"));
    hubspot.clear_faults();
    let resumed = run_at(&hubspot, &many);
    assert_eq!(resumed.code, Some(0), "{}", resumed.err);
    assert!(resumed.out.contains("from the journal"), "{}", resumed.out);
    assert!(hubspot.associations("2").len() == 1);
    // One that would be sent ends the run.
    fs::remove_file(&journal).unwrap();
    let refused = run_at(&hubspot, &many);
    assert!(refused.code == Some(2) && refused.err.contains("does not know the partner client 1"), "{}", refused.err);
}

/// A label goes with the unlabelled type of its pair, whatever becomes of a row of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_went_with_the_unlabelled_type_is_made_again_although_its_own_row_changed_nothing() {
    let before: State = [(1, 1, 36), (1, 1, 7), (2, 2, 7)].into();
    for is_interrupted in [false, true] {
        let hubspot = hubspot(&before, UnlabeledCompanions::Never).await;
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n2,companies,2,7\n1,companies,1,36\n"));
        let undo = folder.at("undo.json");
        let one = ["--api-version", "2026-09", "--strategy", "single", "--concurrency", "1"];
        let run = ["dissociate-many", path(&file), "--yes", "--including-labels", "--undo", path(&undo)];
        let second = is_interrupted.then(|| Fault::delay(Duration::from_secs(600)));
        let answers = [None, second, Some(Fault::status(400))];
        hubspot.inject(Fault::script(answers).on("batch_dissociate"));
        let child = begin(tool_at(&hubspot, &[&run[..], &one].concat()));
        if is_interrupted {
            while hubspot.requests().iter().filter(|request| request.path().ends_with("/archive")).count() < 2 {
                sleep(Duration::from_millis(5));
            }
            interrupt(child.id());
        }
        let ended = ran(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(if is_interrupted { 130 } else { 1 }), "{}", ended.err);
        assert!(!state(&hubspot).contains(&(1, 1, 36)));
        hubspot.clear_faults();
        let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!((undone.code, state(&hubspot)), (Some(0), before.clone()), "{}", undone.err);
    }
}
