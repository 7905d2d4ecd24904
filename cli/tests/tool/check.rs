//! `--check`: what a run would do, and what is wrong with its rows, by requests that change nothing.

use hubspot_simulator::{AssociationCategory, Fault, RateLimits};

use crate::cli::{path, run_at};
use crate::folder::{Folder, HEADER};
use crate::support::{crm, sized};

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_of_each_row_what_a_run_would_do_and_changes_nothing() {
    for version in ["v3", "2026-09"] {
        let hubspot = crm(3, 3)
            .association("1", "companies", "1", "7")
            .rate_limits(RateLimits::default().per_ten_seconds(190).per_day(1_000))
            .start()
            .await
            .unwrap();
        let folder = Folder::new();
        let rows = "1,companies,1,7\n1,companies,2,7\n1,Companies,2,7\n99,companies,1,7\n2,companies,1,8\n3,planets,1,7\n2,companies,99,7\n";
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let failed = folder.at("failed.csv");
        let check = ["associate-many", path(&file), "--check", "--failed", path(&failed), "--api-version", version];
        let checked = run_at(&hubspot, &[&check[..], &["--json"]].concat());
        assert_eq!(checked.code, Some(1), "{}", checked.err);
        assert!(checked.account.contains("1234567"), "{}", checked.account);
        let told = checked.json();
        let results: Vec<_> = told.iter().filter_map(|row| row["result"].as_str()).collect();
        assert_eq!(results, ["there", "to make", "duplicate", "wrong", "wrong", "wrong", "wrong"], "{version}");
        let message = |row: usize| told[row]["error"]["message"].as_str().unwrap();
        assert!(message(3).contains("partner client 99"), "{}", message(3));
        assert!(message(4).contains('8'), "{}", message(4));
        assert_eq!(message(6), "HubSpot has none of the companies with the id 99");
        let summary = &told[7]["check"];
        let counts = ["rows", "toMake", "there", "duplicates", "wrong"].map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, [7, 1, 1, 1, 4]);
        assert!(summary["requestsLeftToday"].as_u64().unwrap() < 1_000, "{summary}");

        let text = run_at(&hubspot, &check).out;
        assert!(text.contains("line 5: HubSpot does not know the partner client 99\n"), "{text}");
        assert!(text.contains("line 4: the same association as in an earlier row\n"), "{text}");
        assert!(text.contains(" at 190 requests in 10 s; HubSpot allows "), "{text}");
        let csv = run_at(&hubspot, &[&check[..], &["--output", "csv"]].concat()).out;
        assert!(csv.starts_with(&format!("{},result,error\n1,companies,1,7,there,\n", HEADER.trim())), "{csv}");

        let count = hubspot.association_count();
        let undoing = [&["dissociate-many"], &check[1..], &["--json"]].concat();
        let told = run_at(&hubspot, &undoing).json();
        let results: Vec<_> = told.iter().filter_map(|row| row["result"].as_str()).collect();
        assert_eq!(
            results,
            ["to remove", "not there", "duplicate", "wrong", "wrong", "wrong", "not there"],
            "{version}"
        );
        assert_eq!((hubspot.association_count(), count), (1, 1));
        let read = |path: &str| {
            path.ends_with("/read")
                || path.ends_with("/search")
                || path.ends_with("/types")
                || path.ends_with("/labels")
        };
        for request in hubspot.requests() {
            assert!(request.method() == "GET" || read(request.path()), "{request:?}");
        }
        assert!(!failed.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_how_many_requests_a_run_then_takes() {
    for (version, options) in [("v3", &[][..]), ("v3", &["--strategy", "single"])] {
        let hubspot = crm(20, 60)
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .start()
            .await
            .unwrap();
        let folder = Folder::new();
        let rows: String = (1..=60).map(|company| format!("{},companies,{company},7\n", company % 20 + 1)).collect();
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        for (command, done, more) in [("associate-many", "made", &[][..]), ("dissociate-many", "removed", &["--yes"])] {
            let many = [&[command, path(&file), "--json", "--api-version", version], options, more].concat();
            let checked = run_at(&hubspot, &[&many[..], &["--check"]].concat());
            assert_eq!(checked.code, Some(0), "{}", checked.err);
            let check = checked.json().pop().unwrap()["check"].take();
            assert!(check["seconds"].as_f64().is_some(), "{check}");
            let ran = run_at(&hubspot, &many).json().pop().unwrap()["summary"].take();
            assert_eq!((&ran[done], &ran["requests"]), (&60.into(), &check["requests"]), "{command} {options:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_token_may_not_read_is_said_to_be_unchecked_and_not_to_be_missing() {
    let hubspot = crm(1, 1)
        .token("narrow", ["crm.objects.partner-clients.read", "crm.objects.partner-clients.write"])
        .start()
        .await
        .unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,7\n"));
    let mut command = crate::cli::tool_at(&hubspot, &["associate-many", path(&file), "--check"]);
    command.env("HUBSPOT_ACCESS_TOKEN", "narrow");
    let checked = crate::cli::run(command);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert!(checked.err.contains("warning: whether there are the companies was not checked"), "{}", checked.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_refuses_an_unlabelled_association_that_a_run_would_keep_for_its_labels() {
    let hubspot = crm(2, 2)
        .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Adviser")
        .association("1", "companies", "1", "7")
        .association("1", "companies", "1", "USER_DEFINED:36")
        .association("1", "companies", "2", "7")
        .association("1", "companies", "2", "USER_DEFINED:37")
        .association("2", "companies", "1", "7")
        .start()
        .await
        .unwrap();
    let folder = Folder::new();
    let rows = "1,companies,1,7\n1,companies,2,7\n1,companies,2,adviser\n2,companies,1,7\n";
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let of = |version: &str, more: &[&str]| {
        run_at(&hubspot, &[&["dissociate-many", path(&file), "--api-version", version], more].concat())
    };
    assert_eq!(results(&of("v3", &["--check", "--json"]).json()), ["to remove"; 4]);
    let allowed = ["--check", "--including-labels"];
    let told = of("2026-09", &[&allowed[..], &["--json"]].concat());
    assert_eq!((told.code, results(&told.json())), (Some(0), vec!["to remove".to_owned(); 4]));
    assert_eq!(
        (&told.json()[0]["labels"], &told.json()[1]["labels"]),
        (&serde_json::json!(["Payer"]), &serde_json::Value::Null)
    );
    let text = of("2026-09", &allowed).out;
    assert!(text.contains("line 2: HubSpot removes the labels of the pair with it (Payer)\n"), "{text}");

    let checked = of("2026-09", &["--check", "--json"]);
    assert_eq!(checked.code, Some(1), "{}", checked.err);
    assert_eq!(results(&checked.json()), ["wrong", "to remove", "to remove", "to remove"]);
    let ran = of("2026-09", &["--yes", "--json"]);
    assert_eq!(results(&ran.json()), ["failed", "removed", "removed", "removed"]);
    let message = |told: &[serde_json::Value]| told[0]["error"]["message"].clone();
    assert_eq!(message(&checked.json()), message(&ran.json()));
    assert!(message(&ran.json()).as_str().unwrap().contains("(Payer): add --including-labels if"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_which_hubspot_says_nothing_is_noted_and_the_others_are_checked() {
    let hubspot = crm(1, 4).start().await.unwrap();
    let refused = || Some(Fault::status(400));
    hubspot.inject(Fault::script([refused()]).on("batch_read"));
    // All four, the property alone, one half and both of its objects.
    hubspot.inject(Fault::script([refused(), None, refused(), None, refused(), None]).on("search"));
    let folder = Folder::new();
    let rows: String = (1..=4).map(|company| format!("1,companies,{company},7\n")).collect();
    let file = folder.write("rows.csv", format!("{HEADER}{rows}1,companies,1,8\n"));
    let checked = run_at(&hubspot, &["associate-many", path(&file), "--check", "--json"]);
    assert_eq!(checked.code, Some(1), "{}", checked.err);
    let told = checked.json();
    let results: Vec<_> = told.iter().filter_map(|row| row["result"].as_str()).collect();
    assert_eq!(results, ["to make", "to make", "to make", "to make", "wrong"]);
    assert_eq!(told[..4].iter().filter(|row| row["error"]["status"] == 400).count(), 1, "{}", checked.out);
}

/// The results of the rows, as a check or a run tells them.
fn results(told: &[serde_json::Value]) -> Vec<String> {
    told.iter().filter_map(|row| row["result"].as_str().map(str::to_owned)).collect()
}

/// HubSpot removes labels with the unlabelled association: a run keeps it for those that it removes in a later batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_refuses_an_unlabelled_association_whose_label_goes_in_a_later_batch() {
    let fillers: String = (1..=100).map(|company| format!("2,companies,{company},7\n")).collect();
    for (rows, options, first) in [
        (format!("1,companies,1,7\n{fillers}1,companies,1,36\n"), &[][..], ["wrong", "failed"]),
        (format!("1,companies,1,36\n{fillers}1,companies,1,7\n"), &[], ["to remove", "removed"]),
        ("1,companies,1,7\n1,companies,1,36\n".to_owned(), &[], ["to remove", "removed"]),
        ("1,companies,1,7\n1,companies,1,36\n".to_owned(), &["--strategy", "single"], ["wrong", "failed"]),
        ("1,companies,1,7\n1,company,1,36\n".to_owned(), &[], ["wrong", "failed"]),
    ] {
        let hubspot = crm(2, 100)
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .association("1", "companies", "1", "7")
            .association("1", "companies", "1", "36")
            .start()
            .await
            .unwrap();
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let many = ["dissociate-many", path(&file), "--json", "--api-version", "2026-09"];
        let of = |more: &[&str]| run_at(&hubspot, &[&many[..], options, more].concat()).json();
        let (checked, ran) = (of(&["--check"]), of(&["--yes"]));
        assert_eq!([&*results(&checked)[0], &*results(&ran)[0]], first, "{options:?} {rows}");
        assert_eq!(checked[0]["error"]["message"], ran[0]["error"]["message"], "{options:?} {rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_knows_that_a_run_sends_what_it_holds_once_it_can_take_no_more() {
    // For the outcome of the deal, a run of two hundred rows at once sends the last but one without the last.
    let fillers: String = (1..=198).map(|company| format!("2,companies,{company},7\n")).collect();
    let rows = format!("{HEADER}1,deals,1,8\n{fillers}1,companies,1,7\n1,companies,1,36\n");
    for (concurrency, told) in [("1", ["wrong", "failed"]), ("2", ["to remove", "removed"])] {
        let hubspot = crm(2, 198)
            .object("deals", "1", [("name", "x")])
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .association("1", "companies", "1", "7")
            .association("1", "companies", "1", "36")
            .start()
            .await
            .unwrap();
        let folder = Folder::new();
        let file = folder.write("rows.csv", &rows);
        let many = ["dissociate-many", path(&file), "--json", "--api-version", "2026-09", "--concurrency", concurrency];
        let of = |more: &str| results(&run_at(&hubspot, &[&many[..], &[more]].concat()).json());
        let (checked, ran) = (of("--check"), of("--yes"));
        assert_eq!([&*checked[199], &*ran[199]], told, "{concurrency}");
    }
}

// Any rows over a few pairs, whose object type is spelt in several ways: what a run refuses is wrong, and nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_wrong_about_no_row_that_a_run_refuses_or_removes() {
    for seed in 0..sized(8, 3) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut builder = crm(3, 8)
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .association_label("companies", AssociationCategory::UserDefined, 37, "Adviser");
        builder = (1..=8).fold(builder, |builder, id| builder.object("deals", id.to_string(), [("name", "x")]));
        let mut some = |kinds: &[u64]| {
            let kind = kinds[random.usize(..kinds.len())];
            (random.u64(1..=3).to_string(), random.u64(1..=8).to_string(), kind.to_string(), random.u8(..10))
        };
        for _ in 0..30 {
            let (client, company, kind, _) = some(&[7, 36, 37]);
            builder = builder.association(client, "companies", company, kind);
        }
        let rows: String = (0..300)
            .map(|_| {
                let (client, company, kind, spelt) = some(&[7, 7, 7, 7, 7, 7, 36, 37]);
                match spelt {
                    0 => format!("{client},company,{company},{kind}\n"),
                    1 => format!("{client},deals,{company},8\n"),
                    _ => format!("{client},companies,{company},{kind}\n"),
                }
            })
            .collect();
        let hubspot = builder.start().await.unwrap();
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let many = ["dissociate-many", path(&file), "--json", "--api-version", "2026-09", "--rate-limit", "9999"];
        let options = [&["--concurrency", "1"][..], &[], &["--strategy", "single"]][seed as usize % 3];
        let of = |more: &[&str]| results(&run_at(&hubspot, &[&many[..], options, more].concat()).json());
        let (checked, ran) = (of(&["--check"]), of(&["--yes"]));
        assert_eq!((checked.len(), ran.len()), (300, 300));
        for ((line, checked), ran) in rows.lines().zip(&checked).zip(&ran) {
            assert_eq!(checked == "wrong", ran == "failed", "{seed}: {line} is {checked}, and then {ran}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_is_the_same_however_its_object_type_is_spelt() {
    for version in ["v3", "2026-09"] {
        let hubspot = crm(1, 1).start().await.unwrap();
        let folder = Folder::new();
        let rows = "1,companies,1,7\n1,0-2,1,7\n1,Company,1,7\n";
        let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
        let many = ["associate-many", path(&file), "--json", "--api-version", version];
        let checked = run_at(&hubspot, &[&many[..], &["--check"]].concat());
        assert_eq!(results(&checked.json()), ["to make", "duplicate", "duplicate"], "{version} {}", checked.err);
        let undo = folder.at("undo.json");
        let made = run_at(&hubspot, &[&many[..], &["--undo", path(&undo)]].concat());
        assert_eq!((made.code, hubspot.association_count()), (Some(0), 1), "{}", made.err);
        let shown = run_at(&hubspot, &["undo", path(&undo), "--dry-run"]).out;
        assert_eq!(shown.matches("0 to add, 1 to remove").count(), 1, "{shown}");
        assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
        assert_eq!(hubspot.association_count(), 0);
    }
}
