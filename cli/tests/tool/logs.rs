//! The log of requests, in a file and on standard error.

use std::{fs, path::Path};

use hubspot_simulator::Fault;
use serde_json::Value;

use crate::cli::{path, run_at, sent};
#[cfg(unix)]
use crate::cli::{run, through, tool_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

/// The lines of a log but the one that begins it.
fn attempts(log: &Path) -> Vec<Value> {
    let lines: Vec<Value> =
        fs::read_to_string(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.into_iter().filter(|line| line["log"].is_null()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_has_a_line_for_each_request_and_no_secret() {
    let hubspot = crm(2, 2).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n2,companies,9,owner\n"));
    let log = folder.at("run.log");
    hubspot.inject(Fault::status(503).on("associate").times(1));
    let many = ["associate-many", path(&file), "--strategy", "single", "--concurrency", "1", "--log", path(&log)];
    assert_eq!(run_at(&hubspot, &many).code, Some(1));

    let (asked, told): (Vec<_>, Vec<_>) =
        attempts(&log).into_iter().partition(|line| line["operation"] == "account_details");
    assert_eq!(asked.len(), 1, "for the account");
    let statuses: Vec<_> = told.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses[..3], [503, 200, 400]);
    assert_eq!((&told[0]["attempt"], &told[1]["attempt"]), (&1.into(), &2.into()));
    assert_eq!((&told[0]["operation"], &told[0]["error"]), (&"associate".into(), &"server".into()));
    assert!(told[2]["correlationId"].is_string() && told[1]["error"].is_null(), "{told:?}");
    assert_eq!(sent(&hubspot), told.len());

    assert_eq!(run_at(&hubspot, &["get", "1", "--log", path(&log)]).code, Some(0));
    assert_eq!(attempts(&log).len(), told.len() + 2, "a second run adds to it");
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains(hubspot.access_token()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_on_standard_error_where_that_is_asked_for() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let ran = run_at(&hubspot, &["get", "1", "--verbose"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.err.starts_with("get: attempt 1: 200 after ") && ran.err.ends_with(" ms\n"), "{}", ran.err);
    let json = run_at(&hubspot, &["get", "1", "-v", "--json"]);
    let line: Value = serde_json::from_str(&json.err).unwrap();
    assert_eq!((&line["operation"], &line["status"]), (&"get".into(), &200.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_that_compare_beliefs_are_told_as_well() {
    let hubspot = crm(2, 2).start().await.unwrap();
    let folder = Folder::new();
    let log = folder.at("run.log");
    let write = ["doctor", "--beliefs", "--write", "1", "companies", "1", "7", "--log", path(&log), "--verbose"];
    let ran = run_at(&hubspot, &write);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told = attempts(&log);
    let mut paths: Vec<_> = told.iter().filter(|line| line["operation"] == "beliefs").collect();
    paths.retain(|line| line["path"].as_str().unwrap().contains("batch/create") && line["method"] == "POST");
    assert!(
        paths.iter().any(|line| line["status"] == 400) && paths.iter().any(|line| line["status"] == 201),
        "{told:?}"
    );
    assert_eq!((hubspot.requests().len(), ran.err.lines().count()), (told.len(), told.len()), "{}", ran.err);
    assert!(!fs::read_to_string(&log).unwrap().contains(hubspot.access_token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_log_is_not_written_to() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let (missing, other) = (folder.at("missing/run.log"), folder.write("other", b"\xff\xfe"));
    let device = Path::new(if cfg!(windows) { "NUL" } else { "/dev/null" });
    for log in [&*file, folder.path(), &missing, &other, device] {
        let ran = run_at(&hubspot, &["associate-many", path(&file), "--log", path(log)]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{}", ran.err);
        assert!(ran.err.contains("--log") && ran.err.contains("nothing was sent"), "{}", ran.err);
    }
    let log = folder.at("run.log");
    let overwritten = run_at(&hubspot, &["associate-many", path(&file), "--log", path(&log), "--failed", path(&log)]);
    assert!(overwritten.code == Some(2) && overwritten.err.contains("the log"), "{}", overwritten.err);
    assert_eq!(sent(&hubspot), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{HEADER}1,companies,1,owner\n"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_is_told_at_the_end_and_stops_nothing() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", HEADER.to_owned() + &"1,companies,1,owner\n".repeat(30));
    let log = folder.at("run.log");
    let many = ["associate-many", path(&file), "--strategy", "single", "--json", "--log", path(&log)];
    let limited = ["sh", "-c", "ulimit -f 4; exec \"$@\"", "sh"];
    let ran = run(through(&limited, &tool_at(&hubspot, &many)));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(ran.json().last().unwrap()["summary"]["made"], 30);
    assert!(ran.error()["message"].as_str().unwrap().contains("run.log cannot be written"), "{}", ran.err);
}
