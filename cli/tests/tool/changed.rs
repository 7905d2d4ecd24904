//! A file that changes while its rows are sent: no row is sent that was not checked.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hubspot_simulator::Fault;
use tokio::io::AsyncWriteExt;

use crate::cli::{Ran, begin, path, ran, run, sent, tool, tool_at, wait_for_requests};
use crate::folder::{Folder, HEADER};
use crate::support::{RawServer, crm, http, tcp::read_request};

const CHANGED: &str = "rows.csv was changed after it was checked";

/// A row for each partner client, with a note that makes it longer than what is read at once.
fn noted(partner_clients: impl IntoIterator<Item = usize>, company: usize) -> String {
    let line = |id: usize| format!("{id},companies,{company},owner,{}\n", "x".repeat(100_000));
    HEADER.trim_end().to_owned() + ",note\n" + &partner_clients.into_iter().map(line).collect::<String>()
}

fn replace(file: &Path, content: &str) {
    let new = file.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, file).unwrap();
}

/// Runs `dissociate-many` while the file changes before the request of this number is answered. The first is for the account.
/// HubSpot removes all, and from then on refuses the token if that is wanted. Returns the requests as well.
async fn ran_while(
    number: usize,
    change: impl Fn(&Path) + Send + Sync + 'static,
    refuses: bool,
    content: &str,
    options: &[&str],
) -> (Ran, Vec<String>) {
    let folder = Folder::new();
    let file = folder.write("rows.csv", content);
    let (count, change, changing) = (Arc::new(AtomicUsize::new(0)), Arc::new(change), file.clone());
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    let server = RawServer::start(move |mut stream, _| {
        let (count, change, file, log) = (Arc::clone(&count), Arc::clone(&change), changing.clone(), Arc::clone(&log));
        async move {
            let request = read_request(&mut stream).await;
            let this = count.fetch_add(1, Ordering::SeqCst) + 1;
            if this == number {
                change(&file);
            }
            let answer = if request.contains("/account-info/") {
                let account = r#"{"portalId":62515,"accountType":"STANDARD","uiDomain":"app.hubspot.com"}"#;
                http(200, "application/json", account)
            } else {
                log.lock().unwrap().push(request);
                match refuses && this >= number {
                    true => http(
                        401,
                        "application/json",
                        r#"{"status":"error","message":"m","category":"INVALID_AUTHENTICATION"}"#,
                    ),
                    false => http(204, "application/json", ""),
                }
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let mut command = tool(&[&["dissociate-many", path(&file), "--yes", "--strategy", "single"], options].concat());
    command.env("HUBSPOT_ACCESS_TOKEN", "pat-na1-test").env("HUBSPOT_BASE_URL", &server.base_url);
    let ran = tokio::task::spawn_blocking(|| run(command)).await.unwrap();
    let requests = requests.lock().unwrap().clone();
    (ran, requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_of_a_file_that_changed_before_the_first_request() {
    let row = |company: usize| format!("{HEADER}1,companies,{company},owner\n");
    let long = noted(1..10, 1);
    // A row more, and another row of the same length, at once and far behind what was read.
    let changes = [(row(1), row(2)), (row(1), row(1) + "2,companies,1,owner\n"), (long.clone(), noted(1..10, 2))];
    for (content, changed) in changes {
        let ways =
            [("renamed", replace as fn(&Path, &str)), ("in place", |file, content| fs::write(file, content).unwrap())];
        // Windows puts no other file in the place of one that is open.
        for (how, write) in ways.into_iter().skip(usize::from(cfg!(windows))) {
            for options in [&[][..], &["--json"]] {
                let changed = changed.clone();
                let (ran, requests) = ran_while(1, move |file| write(file, &changed), false, &content, options).await;
                assert_eq!((ran.code, requests.len()), (Some(2), 0), "{how}: {}", ran.err);
                assert!(ran.err.contains(CHANGED), "{how}: {}", ran.err);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_not_checked_is_never_sent() {
    let changes = [noted(1..20, 2), noted(1..10, 1), noted(1..20, 1) + "20,companies,2,owner,\n"];
    for changed in changes {
        for options in [&[][..], &["--json"]] {
            let changed = changed.clone();
            let write = move |file: &Path| fs::write(file, &changed).unwrap();
            let (ran, requests) = ran_while(6, write, false, &noted(1..20, 1), options).await;
            assert_eq!(ran.code, Some(2), "{}", ran.err);
            assert!(ran.err.contains(CHANGED), "{}", ran.err);
            assert!((5..20).contains(&requests.len()), "{}", requests.len());
            let of_new = requests.iter().filter(|request| request.contains("/companies/2/")).count();
            assert_eq!(of_new, 0, "{requests:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_an_error_ends_tells_of_the_change_as_well() {
    let write = |file: &Path| fs::write(file, noted(1..20, 2)).unwrap();
    let (ran, _) = ran_while(6, write, true, &noted(1..20, 1), &[]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.err.contains(CHANGED), "{}", ran.err);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_under_way_is_sent_as_it_was_checked() {
    let change = |file: &Path| replace(file, &noted(1..20, 2));
    let (ran, requests) = ran_while(6, change, false, &noted(1..20, 1), &[]).await;
    assert_eq!((ran.code, requests.len()), (Some(0), 19), "{}", ran.err);
    assert!(!requests.iter().any(|request| request.contains("/companies/2/")), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_gets_the_outcome_of_another_where_the_file_changes() {
    let hubspot = crm(1, 1).fault(Fault::delay(Duration::from_millis(20))).start().await.unwrap();
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", noted(1_000..1_050, 1)), folder.at("failed.csv"));
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed), "--json"];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    folder.write("rows.csv", noted(5_000..5_050, 1));
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains(CHANGED) && sent(&hubspot) < 50, "{}", ran.err);
    assert!(!hubspot.requests().iter().any(|request| request.path().contains("/5")), "{:?}", hubspot.requests());
    for line in fs::read_to_string(&failed).unwrap().lines().skip(1) {
        assert!(line.starts_with('1'), "{line}");
    }
}
