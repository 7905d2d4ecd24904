//! `undo`: what a run made is removed again, what it removed is made again, and nothing else is changed.

use std::{collections::BTreeSet, fs, process::Stdio, thread::sleep, time::Duration};

use hubspot_simulator::{AssociationCategory, Fault, Simulator, UnlabeledCompanions};

use crate::cli::{path, run, run_at, sent, tool, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

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

// Any state, any file, any interruptions, resumed or not: what `undo` leaves is the state before, and what others did.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_run_did_before_it_was_killed_undo_leaves_the_state_before() {
    for seed in 0..16 {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = if seed % 2 == 0 { "v3" } else { "2026-09" };
        let mut some = |count: usize, companies: u64| -> Vec<_> {
            (0..count)
                .map(|_| (random.u64(1..=5), random.u64(1..=companies), [7, 36, 37][random.usize(0..3)]))
                .collect()
        };
        let there = some(20, 7).into_iter().collect();
        let rows: String = some(40, 9).iter().map(|(a, b, kind)| format!("{a},companies,{b},{kind}\n")).collect();
        let folder = Folder::new();
        let (journal, undo) = (folder.at("run.journal"), folder.at("undo.json"));
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        use UnlabeledCompanions::{Always, Never, WithLabels};
        let hubspot = hubspot(&there, [Always, Never, WithLabels][random.usize(0..3)]).await;
        let before = state(&hubspot);
        let removes = random.bool();
        let command: &[&str] = match removes {
            false => &["associate-many"],
            true if random.bool() => &["dissociate-many", "--yes"],
            true => &["dissociate-many", "--yes", "--including-labels"],
        };
        let single = if random.bool() { &["--strategy", "single"][..] } else { &[] };
        let journal = if random.bool() { &["--journal", path(&journal)][..] } else { &[] };
        let files = [path(&file), "--undo", path(&undo), "--api-version", version, "--concurrency", "1"];
        let arguments = [command, &files, single, journal].concat();
        hubspot.inject(Fault::delay(Duration::from_millis(15)));
        for _ in 0..random.usize(0..3) {
            let mut child = tool_at(&hubspot, &arguments);
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(random.u64(0..500)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        if random.bool() {
            hubspot.clear_faults();
            let ended = run_at(&hubspot, &arguments);
            assert!(matches!(ended.code, Some(0..=2)) && undo.exists(), "{seed}: {} {}", ended.out, ended.err);
        }
        hubspot.clear_faults();
        if !undo.exists() {
            assert_eq!(state(&hubspot), before, "{seed}: it was killed before anything was sent");
            continue;
        }
        assert_eq!(run_at(&hubspot, &["associate", "6", "companies", "8", "7"]).code, Some(0));
        assert_eq!(run_at(&hubspot, &["associate", "1", "companies", "10", "7"]).code, Some(0));
        let undone = run_at(&hubspot, &["undo", path(&undo), "--yes"]);
        assert_eq!(undone.code, Some(0), "{seed}: {} {}", undone.out, undone.err);
        let mut expected = before;
        expected.extend([(6, 8, 7), (1, 10, 7)]);
        let left = state(&hubspot);
        let own = |all: State| -> State {
            let labels: BTreeSet<_> = all.iter().filter(|made| made.2 != 7).map(|made| (made.0, made.1)).collect();
            // On dated versions the unlabelled type cannot be removed without the labels.
            all.into_iter()
                .filter(|made| version == "v3" || made.2 != 7 || !labels.contains(&(made.0, made.1)))
                .collect()
        };
        assert_eq!(own(left), own(expected), "{seed} {version}: {command:?}\n{rows}");
    }
}
