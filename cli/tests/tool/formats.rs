//! The forms of standard output.

use hubspot_simulator::Simulator;

use crate::cli::{run, run_at, tool};
use crate::folder::{HEADER, associate};
use crate::support::{RawServer, crm};

fn records(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_csv_that_commands_no_spreadsheet() {
    let clients = [("1", "Acme, \"Ltd\""), ("2", "=1+1"), ("3", "")].map(|(id, name)| (id, [("name", name)]));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).start().await.unwrap();
    let ran = run_at(&hubspot, &["list", "--properties", "name", "--output", "csv"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    let records = records(&ran.out);
    let names: Vec<_> = records.iter().map(|record| &*record[1]).collect();
    assert_eq!(names, ["name", "Acme, \"Ltd\"", "'=1+1", ""]);
    assert_eq!(records[0], ["id", "name", "updated"]);

    let none = run_at(&hubspot, &["search", "--query", "nobody", "--output", "csv", "--properties", "name"]);
    assert_eq!((none.code, &*none.out), (Some(0), "id,name,updated\n"), "the heading all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_in_csv_have_all_columns_of_the_file() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let header = HEADER.trim_end();
    let content = format!("note,error,{header}\n\"a, b\",old,1,companies,1,owner\n@c,old,1,companies,9,owner\n");
    let ran = associate(&hubspot, content, &["--output", "csv"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let records = records(&ran.out);
    assert_eq!(records[0].join(","), format!("note,{header},result,error,correlation_id"));
    assert_eq!(records[1], ["a, b", "1", "companies", "1", "owner", "made", "", ""]);
    assert_eq!(records[2][..6], ["'@c", "1", "companies", "9", "owner", "failed"]);
    assert!(records[2][6].contains("400") && !records[2][7].is_empty(), "{records:?}");
    assert_eq!(records.len(), 3);
    assert!(ran.err.starts_with("line 3: ") && ran.err.contains("not settled"), "the summary: {}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_asked_for_in_two_ways_and_csv_not_where_there_is_none() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let [short, long] = [&["--json"][..], &["--output=json"]]
        .map(|format| run_at(&hubspot, &[&["types", "companies"], format].concat()).out);
    assert!(short == long && short.starts_with('{'), "{short} {long}");
    for format in [&["--output=json"][..], &["--output", "json"]] {
        let ran = run_at(&hubspot, &[&["no-such-command"], format].concat());
        assert_eq!(ran.error()["kind"], "usage");
    }
    for arguments in [
        &["types", "companies", "--json", "--output", "csv"][..],
        &["types", "companies", "--output", "xml"],
        &["reconcile", "rows.csv", "--to-type", "companies", "--output", "csv"],
    ] {
        let ran = run_at(&hubspot, arguments);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{arguments:?}");
    }
    // A sentence is no CSV.
    let ran = run_at(&hubspot, &["associate", "1", "companies", "1", "owner", "--output", "csv"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), ""));
    assert!(ran.err.contains("is associated with"), "{}", ran.err);
}

/// The names of an object of JSON and of those inside it, but for what HubSpot itself names.
fn names(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                found.insert(name.clone());
                if !matches!(&**name, "context" | "properties") {
                    names(value, found);
                }
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_names_that_the_library_and_hubspot_use() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = crate::folder::Folder::new();
    let (journal, log) = (folder.at("journal"), folder.at("log"));
    let [journal, log] = [&journal, &log].map(|file| crate::cli::path(file));
    let content = format!("{HEADER}1,companies,1,owner\n1,companies,9,owner\n");
    let rows = ["--json", "--journal", journal, "--log", log];
    let made = associate(&hubspot, &content, &rows).json();
    let again = associate(&hubspot, &content, &rows).json();
    let bad = associate(&hubspot, "a,b\n1,2\n", &["--json"]).error();
    let bad_value = associate(&hubspot, format!("{HEADER}x y,companies,1,owner\n"), &["--json"]).error();
    let removed = run_at(&hubspot, &["dissociate", "1", "companies", "1", "owner", "--json", "--yes"]).json();
    let missing = run_at(&hubspot, &["get", "404", "--json"]).error();
    let listed = run_at(&hubspot, &["list", "--json"]).json();
    let beliefs = run_at(&hubspot, &["doctor", "--beliefs", "--json"]).json().remove(0);
    let beliefs: Vec<_> = beliefs.as_object().unwrap().keys().map(|name| serde_json::json!({name: null})).collect();
    let log: Vec<_> =
        std::fs::read_to_string(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    let mut found = std::collections::BTreeSet::new();
    for value in [made.clone(), again, vec![bad, bad_value, missing], removed, listed, log, beliefs].iter().flatten() {
        names(value, &mut found);
    }
    for name in
        ["partnerClientId", "associationType", "correlationId", "fromJournal", "notCompared", "unsettled", "columnName"]
    {
        assert!(found.contains(name), "{name} is in none of {found:?}");
    }
    assert!(found.iter().all(|name| !name.contains(['_', '-', ' '])), "{found:?}");

    // An association of the library is read from a row of the output.
    let association = hubspot_partner_clients::Association::new(1, "companies", 1, "owner").unwrap();
    let serde_json::Value::Object(members) = serde_json::to_value(&association).unwrap() else { panic!() };
    for (name, value) in members {
        assert_eq!(made[0][&name], value, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correlation_id_commands_neither_a_terminal_nor_a_spreadsheet() {
    let id = "=\u{1b}]0;owned\u{7}\u{202e}";
    let refusal =
        serde_json::json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": id});
    let server = RawServer::json(400, &refusal.to_string()).await;
    let folder = crate::folder::Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let failed = folder.at("failed.csv");
    let [file, failed] = [&file, &failed].map(|file| crate::cli::path(file));
    let mut command = tool(&["associate-many", file, "--failed", failed, "--output", "csv", "--strategy", "single"]);
    command.env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", &server.base_url);
    let ran = run(command);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    for csv in [ran.out, std::fs::read_to_string(failed).unwrap()] {
        let records = records(&csv);
        assert_eq!(records[1].last().unwrap(), "'=\\u{1b}]0;owned\\u{7}\\u{202e}", "{csv}");
        assert!(!csv.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{csv:?}");
    }
    assert!(!ran.err.contains(['\u{1b}', '\u{202e}']), "{}", ran.err);
}
