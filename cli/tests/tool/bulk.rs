//! Bulk runs: the outcome of each row, the summary, and the file of failed rows.

use std::{collections::BTreeSet, fs, time::Duration};

use hubspot_simulator::{Fault, RateLimits};

use crate::cli::{path, run, run_at, sent, tool};
use crate::folder::{Folder, HEADER, associate};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_file_are_associated_and_dissociated() {
    let hubspot = crm(3, 3).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,owner\n2,companies,2,OWNER\n3,companies,3,7\n"));

    let made = run_at(&hubspot, &["associate-many", path(&file)]);
    assert_eq!((made.code, &*made.err), (Some(0), ""));
    let table: Vec<Vec<_>> = made.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table[0][..3], ["rows", "made", "failed"]);
    assert_eq!(table[1][..5], ["3", "3", "0", "0", "1"], "with one request");
    assert_eq!(hubspot.association_count(), 3);

    let removed = run_at(&hubspot, &["dissociate-many", path(&file), "--json", "--strategy", "single", "--yes"]).json();
    assert_eq!(removed.len(), 4);
    assert_eq!((&removed[2]["line"], &removed[2]["result"]), (&4.into(), &"removed".into()));
    assert_eq!((&removed[3]["summary"]["removed"], &removed[3]["summary"]["requests"]), (&3.into(), &3.into()));
    assert_eq!(hubspot.association_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_commands_neither_a_terminal_nor_a_spreadsheet() {
    const TEXT: &str = "=HYPERLINK(\"http://evil\") \u{1b}[2J \u{9b}31m \u{202e}gpj\u{2066}\u{200b}\u{7f} \u{e0041}";
    let answer = serde_json::json!({"status": "error", "category": "VALIDATION_ERROR", "message": TEXT,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf"});
    let server = crate::support::RawServer::json(400, &answer.to_string()).await;
    let files = Folder::new();
    let note = "@SUM(1+1)*cmd|' /C calc'!A0";
    let file = files.write(
        "rows.csv",
        format!("note,{}\n{note},1,companies,1,+owner\n-3,1,companies,2,owner\n", HEADER.trim_end()),
    );
    let failed = files.at("failed.csv");
    let run = |file: &std::path::Path, more: &[&str]| {
        let mut command = tool(&[&["associate-many", path(file), "--strategy", "single"], more].concat());
        command.env("HUBSPOT_ACCESS_TOKEN", "pat-na1-test").env("HUBSPOT_BASE_URL", &server.base_url);
        run(command)
    };
    let is_neutral = |text: &str| {
        !text.contains(|c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}\u{e0041}".contains(c))
    };

    let ran = run(&file, &["--failed", path(&failed)]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("\\u{1b}[2J \\u{9b}31m \\u{202e}gpj"), "{}", ran.out);
    let json = run(&file, &["--json"]);
    assert_eq!(json.json()[0]["error"]["message"], TEXT, "as it was, once it is read");
    let single = ["associate", "1", "companies", "1", "owner"];
    for more in [&[][..], &["--json"]] {
        let mut command = tool(&[&single, more].concat());
        command.env("HUBSPOT_ACCESS_TOKEN", "pat-na1-test").env("HUBSPOT_BASE_URL", &server.base_url);
        let ran = crate::cli::run(command);
        assert!(ran.code == Some(1) && is_neutral(&ran.err), "{}", ran.err);
    }

    let written = fs::read_to_string(&failed).unwrap();
    for text in [&ran.out, &json.out, &written] {
        assert!(is_neutral(text), "{text:?}");
    }
    let read = |file: &std::path::Path| {
        let mut reader = csv::Reader::from_path(file).unwrap();
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let rows = read(&failed);
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{rows:?}");
    assert_eq!(rows[0][..5], [&format!("'{note}"), "1", "companies", "1", "'+owner"]);
    // Given as input again, it has the same rows, however often.
    let again = files.at("again.csv");
    let ran = run(&failed, &["--failed", path(&again), "--json"]);
    assert_eq!(ran.json()[0]["associationType"], "+owner");
    assert_eq!(read(&again), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_fail_alike_are_told_together() {
    let hubspot = crm(1, 1).fault(Fault::status(409).on("associate")).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}{}", "1,companies,1,owner\n".repeat(100)));
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--strategy", "single"]);
    assert_eq!(ran.out.matches("answered 409").count(), 1, "{}", ran.out);
    assert!(ran.out.starts_with("100 rows (lines 2, 3, 4, 5, 6 and 95 more): "), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_nothing_and_needs_no_token() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}1,companies,1,owner\n1,companies,2,owner\n"));
    let failed = files.at("failed.csv");
    let ran = run(tool(&["associate-many", path(&file), "--dry-run", "--failed", path(&failed)]));
    assert_eq!((ran.code, &*ran.out), (Some(0), "Dry run: 2 rows are valid; nothing was sent\n"));
    let ran = run_at(&hubspot, &["dissociate-many", path(&file), "--dry-run", "--json"]);
    assert_eq!(ran.json(), [serde_json::json!({"rows": 2, "sent": false})]);
    assert_eq!(sent(&hubspot), 0);
    assert!(!failed.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_that_failed_succeed_as_input_once_the_cause_is_gone() {
    let hubspot = crm(2, 1).start().await.unwrap();
    let files = Folder::new();
    let file = files
        .write("rows.csv", format!("note,{HEADER}\"a, b\",1,companies,1,owner\n\"c\"\"\r\nd\",2,companies,9,owner\n"));
    let (failed, again) = (files.at("failed.csv"), files.at("again.csv"));
    fs::write(&failed, "what was there before, which is longer than a header").unwrap();

    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&failed)]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("line 3: "), "{}", ran.out);
    let text = fs::read_to_string(&failed).unwrap();
    let header = format!("note,{},error,correlation_id\n", HEADER.trim_end());
    let row = text.strip_prefix(&header).unwrap();
    assert!(row.starts_with("\"c\"\"\r\nd\",2,companies,9,owner,"), "{row}");
    assert!(row.contains("COMPANY=9 is not valid") || row.contains("400"), "{row}");

    let still = run_at(&hubspot, &["associate-many", path(&failed), "--failed", path(&again)]);
    assert_eq!(still.code, Some(1));
    assert!(fs::read_to_string(&again).unwrap().starts_with(&header), "the columns come once");

    let repaired = crm(2, 9).start().await.unwrap();
    let ran = run_at(&repaired, &["associate-many", path(&again), "--failed", path(&failed)]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(repaired.associations("2")[0].to_object_id, "9");
    assert_eq!(fs::read_to_string(&failed).unwrap(), header, "nothing failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_is_not_overwritten_by_the_rows_that_failed() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let files = Folder::new();
    let content = format!("{HEADER}1,companies,9,owner\n");
    let file = files.write("rows.csv", &content);
    let same = files.path().join(".").join("rows.csv");
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&same)]);
    assert_eq!(ran.code, Some(2));
    let nowhere = files.at("no/failed.csv");
    assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&nowhere)]).code, Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    assert_eq!(sent(&hubspot), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_a_token_that_is_not_taken_and_every_row_has_an_outcome() {
    let hubspot = crm(1, 1).fault(Fault::status(401).on("associate")).start().await.unwrap();
    let files = Folder::new();
    let file = files.write("rows.csv", format!("{HEADER}{}", "1,companies,1,owner\n".repeat(500)));
    let failed = files.at("failed.csv");
    let many = ["associate-many", path(&file), "--failed", path(&failed), "--json", "--strategy", "single"];
    let ran = run_at(&hubspot, &many);
    assert_eq!((ran.code, &ran.error()["kind"]), (Some(3), &"unauthorized".into()));
    assert_eq!(ran.json().len(), 501);
    assert!(sent(&hubspot) < 20, "{}", sent(&hubspot));
    assert_eq!(fs::read_to_string(&failed).unwrap().lines().count(), 501);
}

/// Requests that are under way when the daily limit is reached may be carried out.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_hubspot_made_is_never_told_as_failed() {
    for (strategy, made) in [("single", 60), ("batch", 0)] {
        let limits = RateLimits::default().per_day(made + 1);
        let hubspot =
            crm(1, 200).rate_limits(limits).fault(Fault::delay(Duration::from_millis(30))).start().await.unwrap();
        let files = Folder::new();
        let rows: String = (1..=200).map(|company| format!("1,companies,{company},owner\n")).collect();
        let file = files.write("rows.csv", format!("{HEADER}{rows}"));
        let failed = files.at("failed.csv");
        let options = ["--json", "--strategy", strategy, "--concurrency", "30", "--failed", path(&failed)];
        let ran = run_at(&hubspot, &[&["associate-many", path(&file)], &options[..]].concat());
        assert_eq!(ran.code, Some(4), "{}", ran.err);
        let outcomes = ran.json();
        let (summary, rows) = outcomes.split_last().unwrap();
        let of = |word: &str| rows.iter().filter(|row| row["result"] == word).count();
        let there = hubspot.associations("1");
        assert_eq!((of("made"), rows.len()), (there.len(), 200), "{strategy}");
        for row in rows {
            let is_there = there.iter().any(|made| row["toObjectId"] == *made.to_object_id);
            assert_eq!(row["result"] == "made", is_there, "{row}");
        }
        assert_eq!(summary["summary"]["unsettled"], of("not sent"), "{summary}");
        let kept = fs::read_to_string(&failed).unwrap();
        assert_eq!(kept.lines().count(), 201 - there.len(), "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_of_the_most_telling_failure() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let rows = format!("{HEADER}1,companies,9,owner\n1,companies,1,owner\n");
    assert_eq!(associate(&hubspot, &rows, &[]).code, Some(1));
    hubspot.inject(Fault::html(404).on("associate").times(1));
    hubspot.inject(Fault::daily_limit().on("associate").times(1));
    assert_eq!(associate(&hubspot, &rows, &["--strategy", "single", "--concurrency", "1"]).code, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_not_of_hubspot_is_no_refusal_and_the_same_command_goes_on() {
    let faults = [Fault::html(404), Fault::html(200), Fault::redirect(302, "https://sign-in.example/")];
    for fault in faults {
        let hubspot = crm(1, 2).start().await.unwrap();
        let folder = Folder::new();
        let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n1,companies,2,owner\n"));
        let journal = folder.at("run.journal");
        let many = ["associate-many", path(&file), "--journal", path(&journal), "--strategy", "single"];
        hubspot.inject(fault.clone().on("associate"));
        let failed = run_at(&hubspot, &many);
        assert_eq!(failed.code, Some(4), "{fault:?}: {} {}", failed.out, failed.err);
        hubspot.clear_faults();
        assert_eq!((run_at(&hubspot, &many).code, hubspot.association_count()), (Some(0), 2), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_type_that_is_unknown_is_told_of_at_the_end() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let ran = associate(&hubspot, format!("{HEADER}1,companies,1,ower\n1,companies,1,owner\n"), &[]);
    assert!(ran.out.contains("\"ower\" for companies. Did you mean owner?"), "{}", ran.out);
    let json = associate(&hubspot, format!("{HEADER}1,companies,1,ower\n1,companies,1,owner\n"), &["--json"]).json();
    let summary = &json[2]["summary"];
    assert!(ran.out.contains(summary["hints"][0].as_str().unwrap()), "the same for programs: {summary}");
    let cause = &summary["causes"][0];
    assert_eq!((&cause["rows"], &cause["lines"]), (&1.into(), &serde_json::json!([2])));
    assert!(cause["message"].as_str().unwrap().contains("ower"), "{cause}");
}

#[test]
fn the_simulator_holds_what_the_file_names() {
    let both = &["v3", "2026-09"][..];
    let of_v3 = &["v3"][..];
    for (versions, rows, objects) in [
        (of_v3, "512,companies,9001,1001\n9,contacts,8,mine\n9,deals,7,77\n9,tickets,6,partner_client_to_ticket\n", 4),
        (of_v3, "512,companies,9001,1001\n512,companies,9001,partner_client_to_company\n", 1),
        (both, "512,companies,9001,1001\n9,contacts,8,mine\n9,products,7,77\n009,deals,007,77\n", 4),
        // By what the simulator's own objects have.
        (both, "domain=client.example,companies,domain=company.example,1001\n512,Companies,9001,1001\n", 1),
        (both, "1001,0-2,domain=Company.example,1001\n1001,company,9001,1001\n", 1),
        (
            both,
            "9,companies,domain=new.example,1001\n9,Companies,domain=New.example,mine\n9,0-2,hs_object_id=7,1001\n",
            2,
        ),
        (both, "9,companies,name=5,1001\n9,companies,5,1001\n8,companies,6,1001\n8,companies,name=6,1001\n", 3),
        // Of custom types and those that the simulator does not have.
        (
            both,
            "9,2-1234567,5,mine\n9,p_vehicle,5,mine\n9,P_Vehicle,vin=x,mine\n9,p1234567_boat,6,77\n9,calls,7,77\n",
            4,
        ),
        (
            both,
            "512,companies,9001,USER_DEFINED:36\n512,companies,9001,36\n512,companies,9001,HUBSPOT_DEFINED:1001\n",
            1,
        ),
        (both, "9,products,8,user_defined:36\n9,2-7,8,INTEGRATOR_DEFINED:5\n", 1),
    ] {
        for version in versions {
            let files = Folder::new();
            let file = files.write("rows.csv", format!("{HEADER}{rows}"));
            let ran = run(tool(&["associate-many", path(&file), "--simulator", "--json", "--api-version", version]));
            assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{version} {rows}: {}", ran.out);
            let told = ran.json();
            let ids: BTreeSet<_> = told.iter().filter_map(|row| row["toObjectId"].as_str()).collect();
            assert_eq!(ids.len(), objects, "{version} {rows}: {}", ran.out);
        }
    }
}
