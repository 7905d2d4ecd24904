//! `doctor`: what it finds, what it says to do, and that it changes nothing it is not asked to.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hubspot_simulator::{AssociationCategory, Fault, RateLimits, Simulator};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::cli::{Ran, run, run_at, tool, tool_at};
use crate::support::{RawServer, crm, http, tcp::read_request};

/// Each check with its level and message.
fn findings(ran: &Ran) -> BTreeMap<String, (String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let each = |finding: &Value| (text(finding, "check"), (text(finding, "level"), text(finding, "message")));
    ran.json().iter().map(each).collect()
}

fn examined(hubspot: &Simulator) -> (Ran, BTreeMap<String, (String, String)>) {
    let ran = run_at(hubspot, &["doctor", "--json"]);
    let found = findings(&ran);
    for finding in ran.json() {
        let told = finding["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty());
        assert_eq!(told, finding["level"] != "ok", "whatever is wrong has a remedy: {finding}");
    }
    (ran, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_account_has_no_error_and_nothing_is_changed() {
    let hubspot =
        crm(3, 1).rate_limits(RateLimits::default().per_ten_seconds(190).per_day(1000)).start().await.unwrap();
    let (ran, found) = examined(&hubspot);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    assert!(found.values().all(|(level, _)| level == "ok"), "{found:#?}");
    let says = |check: &str, words: &[&str]| {
        let message = &found[check].1;
        assert!(words.iter().all(|word| message.contains(word)), "{check}: {message}");
    };
    says("account", &["1234567", "STANDARD", "UTC"]);
    says("token", &["private app"]);
    says("scopes", &["all that partner clients need"]);
    says("rate limit", &["190 requests in 10 s", "of 1,000 left today"]);
    says("partner clients", &["3 partner clients"]);
    says("companies", &["v3: owner (7)", "2026-09: unlabelled (7)"]);
    says("tickets", &["v3: none"]);
    says("clock", &["as HubSpot's"]);
    for version in ["version v3", "version 2026-03", "version 2026-09"] {
        says(version, &["answers in"]);
    }
    let reads = |request: &hubspot_simulator::RecordedRequest| {
        let read_by_post = ["/search", "/access-token-info"].iter().any(|end| request.path().ends_with(end));
        request.method() == "GET" || read_by_post
    };
    assert!(hubspot.requests().iter().all(reads), "{:?}", hubspot.requests());

    let people = run_at(&hubspot, &["doctor"]);
    assert!(people.out.starts_with("ok       connection "), "{}", people.out);
    assert!(people.out.ends_with("0 errors, 0 warnings\n"), "{}", people.out);
    let csv = run_at(&hubspot, &["doctor", "--output", "csv"]);
    assert!(csv.out.starts_with("check,level,message,remedy\nconnection,ok,"), "{}", csv.out);
    assert_eq!(run(tool(&["doctor", "--simulator"])).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_what_to_do() {
    let hubspot = crm(0, 0).token("reader", ["crm.objects.partner-clients.read"]).start().await.unwrap();
    let mut unknown = tool_at(&hubspot, &["doctor", "--json"]);
    unknown.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let unknown = run(unknown);
    assert_eq!(unknown.code, Some(3));
    assert_eq!(findings(&unknown)["account"].0, "error");
    assert_eq!(hubspot.requests().len(), 1, "nothing else can be found out");

    let mut reader = tool_at(&hubspot, &["doctor", "--json"]);
    reader.env("HUBSPOT_ACCESS_TOKEN", "reader");
    let reader = run(reader);
    assert_eq!(reader.code, Some(3), "{}", reader.out);
    let found = findings(&reader);
    assert_eq!(found["scopes"].1, "crm.objects.partner-clients.write is missing");
    assert_eq!((&*found["version v3"].0, &*found["partner clients"].0), ("ok", "warning"), "there are none");

    let (ran, found) = {
        hubspot.inject(Fault::html(404).on("account_details"));
        hubspot.inject(Fault::status(400).on("private_app_token_info"));
        examined(&hubspot)
    };
    assert_eq!((ran.code, &*found["account"].0, &*found["token"].0), (Some(0), "warning", "ok"), "{}", ran.out);
    hubspot.clear_faults();

    let v3_alone = crm(1, 1).versions(["v3"]).start().await.unwrap();
    let (ran, found) = examined(&v3_alone);
    assert_eq!((ran.code, &*found["version 2026-09"].0, &*found["version v3"].0), (Some(0), "warning", "ok"));
    let dated = run_at(&v3_alone, &["doctor", "--json", "--api-version", "2026-09"]);
    assert_eq!((dated.code.unwrap_or_default() > 0, &*findings(&dated)["version 2026-09"].0), (true, "error"));

    let spent = crm(1, 1).rate_limits(RateLimits::default().per_day(100)).start().await.unwrap();
    for _ in 0..92 {
        spent_one(&spent);
    }
    let (_, found) = examined(&spent);
    assert_eq!(found["rate limit"].0, "warning", "{found:#?}");

    let mut nowhere = tool(&["doctor", "--json"]);
    nowhere.env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", "http://127.0.0.1:9");
    let nowhere = run(nowhere);
    assert_eq!(nowhere.code, Some(4), "{}", nowhere.out);
}

fn spent_one(hubspot: &Simulator) {
    assert_eq!(run_at(hubspot, &["get", "1"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_is_made_and_removed_on_each_version_and_what_was_there_stays() {
    let hubspot = crm(2, 3)
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association("2", "companies", "1", "owner")
        .start()
        .await
        .unwrap();
    let before = hubspot.associations("2").len();
    for association_type in ["owner", "Owner", "7", "36", "referred_by", "REFERRED BY"] {
        hubspot.clear_requests();
        let ran = run_at(&hubspot, &["doctor", "--json", "--write", "1", "companies", "2", association_type]);
        assert_eq!(ran.code, Some(0), "{association_type} {}", ran.out);
        let found = findings(&ran);
        for version in ["write on v3", "write on 2026-03", "write on 2026-09"] {
            assert_eq!(found[version].0, "ok", "{association_type} {version} {found:#?}");
        }
        assert!(hubspot.requests().iter().any(|request| request.method() == "PUT"), "it was tried");
        assert_eq!((hubspot.associations("1").len(), hubspot.associations("2").len()), (0, before));
    }
    hubspot.clear_requests();
    let ran = run_at(&hubspot, &["doctor", "--json", "--write", "2", "companies", "1", "owner"]);
    assert_eq!((ran.code, &*findings(&ran)["write on v3"].0), (Some(0), "warning"), "{}", ran.out);
    assert!(hubspot.requests().iter().all(|request| request.method() != "PUT" && request.method() != "DELETE"));
    for given in [["02", "companies", "1"], ["2", "companies", "001"], ["2", "company", "001"], ["2", "0-2", "1"]] {
        let written = [&["doctor", "--json", "--write"], &given[..], &["owner"]].concat();
        let found = findings(&run_at(&hubspot, &written));
        for version in ["write on v3", "write on 2026-03", "write on 2026-09"] {
            assert_eq!(found[version].0, "warning", "{given:?} is the same pair: {found:#?}");
        }
        let beliefs = [&["doctor", "--beliefs", "--json", "--write"], &given[..], &["owner"]].concat();
        let report = run_at(&hubspot, &beliefs).json().remove(0);
        assert_eq!(report["notCompared"]["duplicates"], "the two objects are associated already", "{given:?}");
    }
    assert!(hubspot.requests().iter().all(|request| !["PUT", "DELETE"].contains(&request.method())));
    assert_eq!(hubspot.associations("2").len(), before);
    let named = run_at(&hubspot, &["doctor", "--write", "1", "companies", "domain=x", "owner"]);
    assert_eq!((named.code, &*named.out), (Some(2), ""), "{}", named.err);
    let missing = run_at(&hubspot, &["doctor", "--json", "--write", "1", "companies", "99", "owner"]);
    assert_eq!((missing.code, &*findings(&missing)["write on v3"].0), (Some(1), "error"), "{}", missing.out);
    let other = run_at(&hubspot, &["doctor", "--account", "5678", "--write", "1", "companies", "2", "owner"]);
    assert_eq!((other.code, hubspot.associations("1").len()), (Some(2), 0), "{}", other.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_and_not_answered_is_removed() {
    for version in ["v3", "2026-09"] {
        let fault = Fault::reset().after_operation().on("associate");
        let hubspot = crm(1, 1).versions([version]).fault(fault).start().await.unwrap();
        let write = ["doctor", "--json", "--api-version", version, "--write", "1", "companies", "1", "7"];
        let ran = run_at(&hubspot, &write);
        assert_eq!(findings(&ran)[&format!("write on {version}")].0, "error", "{version}: {}", ran.out);
        let put = hubspot.requests().iter().filter(|request| request.method() == "PUT").count();
        assert!(put > 0 && hubspot.associations("1").is_empty(), "{version}, {put}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_told_even_if_nothing_answered_that_it_was_made() {
    for is_confirmed in [true, false] {
        let hubspot = crm(1, 1).versions(["v3"]).fault(Fault::status(403).on("dissociate")).start().await.unwrap();
        if !is_confirmed {
            hubspot.inject(Fault::status(501).after_operation().on("associate"));
        }
        let ran = run_at(&hubspot, &["doctor", "--json", "--write", "1", "companies", "1", "7"]);
        let told = ran.json().into_iter().find(|finding| finding["check"] == "write on v3").unwrap();
        let says = |name: &str, words: &str| told[name].as_str().unwrap().contains(words);
        assert_eq!((ran.code, told["level"].as_str()), (Some(3), Some("error")), "{told}");
        assert!(says("message", "may have been made and could not be removed"), "{told}");
        assert!(says("remedy", "Look at partner client 1 and companies 1 in HubSpot"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_shows_late_is_waited_for() {
    for arguments in [&["doctor", "--write"][..], &["doctor", "--beliefs", "--write"]] {
        let hubspot = crm(1, 1).versions(["v3"]).start().await.unwrap();
        // It is confirmed twice, and the association is still listed.
        hubspot.inject(Fault::empty(204).times(2).on("dissociate"));
        let ran = run_at(&hubspot, &[arguments, &["1", "companies", "1", "7"]].concat());
        assert_eq!((ran.code, &*ran.err, hubspot.associations("1").len()), (Some(0), "", 0), "{}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_points_to_the_doctor() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let mut unknown = tool_at(&hubspot, &["get", "1"]);
    unknown.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let ran = run(unknown);
    assert!(ran.err.contains("`hubspot-partner-clients doctor` shows"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_server_tells_commands_a_terminal_or_a_spreadsheet() {
    let told = "\u{1b}]0;owned\u{7}\u{202e}\nok       forged";
    let account =
        serde_json::json!({"portalId": 1, "accountType": told, "uiDomain": told, "timeZone": told}).to_string();
    let server = RawServer::json(200, &account).await;
    for format in ["csv", "table", "json"] {
        let mut doctor = tool(&["doctor", "--output", format]);
        doctor.env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", &server.base_url);
        let ran = run(doctor);
        assert!(ran.out.contains("owned"), "{}", ran.out);
        assert!(!ran.out.lines().any(|line| line.starts_with("ok       forged")), "{}", ran.out);
        assert!(!ran.out.contains("companies"), "no version answers, so nothing is known of them: {}", ran.out);
        assert!(!(ran.out + &ran.err).contains(['\u{1b}', '\u{7}', '\u{202e}']), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_called_by_one_name_however_it_is_typed() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let typed = format!(" {}// ", hubspot.base_url().replace("http", "HTTP"));
    let found = findings(&run_at(&hubspot, &["doctor", "--json", "--base-url", &typed]));
    assert_eq!(found["connection"].1, format!("{}, without TLS, on this machine, without a proxy", hubspot.base_url()));
}

/// Nobody listens there.
#[test]
fn the_proxy_that_is_told_is_the_one_that_is_used() {
    let connection_to = |server: &str, environment: &[(&str, &str)]| {
        let mut doctor = tool(&["doctor", "--json"]);
        for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            doctor.env_remove(name).env_remove(name.to_lowercase());
        }
        doctor.env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", server);
        doctor.envs(environment.iter().copied());
        let ran = run(doctor);
        assert!(!(ran.out.clone() + &ran.err).contains("hunter2"), "{} {}", ran.out, ran.err);
        (ran.code, ran.out.lines().next().map(str::to_owned).unwrap_or(ran.err))
    };
    let connection = |environment: &[(&str, &str)]| connection_to("https://hubspot.invalid:1", environment);
    let through = "through the proxy 127.0.0.1:1\"";
    let secret = "http://user:hunter2@127.0.0.1:1";
    // One variable on Windows, where the later value counts.
    let in_both_cases = if cfg!(windows) { through } else { "without a proxy\"" };
    for (environment, told) in [
        (&[("HTTPS_PROXY", secret)][..], through),
        (&[("https_proxy", secret)], through),
        (&[("HTTPS_PROXY", ""), ("ALL_PROXY", secret)], through),
        (&[("HTTPS_PROXY", ""), ("https_proxy", secret)], in_both_cases),
        (&[("HTTPS_PROXY", secret), ("NO_PROXY", "hubspot.invalid")], "without a proxy\""),
        (&[("HTTP_PROXY", secret)], "without a proxy\""),
    ] {
        let (_, connection) = connection(environment);
        assert!(connection.contains(told), "{environment:?}: {connection}");
    }
    for local in ["https://localhost:1", "https://127.0.0.1:1", "https://[::1]:1"] {
        let (_, connection) = connection_to(local, &[("HTTPS_PROXY", secret)]);
        assert!(connection.contains("without a proxy\""), "{local}: {connection}");
    }
    let (code, refused) = connection(&[("HTTPS_PROXY", "http://user:hunter2#@127.0.0.1:1")]);
    assert!(code == Some(2) && refused.contains("HTTPS_PROXY is not the URL of a proxy"), "{refused}");
}

/// An entry of HubSpot's list that cannot be read may be the association.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_or_removed_where_not_all_associations_can_be_read() {
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&writes);
    let respond = move |head: &str| {
        let is_write = head.ends_with("/batch/create HTTP/1.1") || head.ends_with("archive HTTP/1.1");
        if is_write || ["PUT ", "DELETE "].iter().any(|method| head.starts_with(method)) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        let body = if head.contains("/associations/companies") {
            r#"{"results": [{"id": "5", "type": "owner"}, {"toObject": 1, "type": "owner"}]}"#
        } else if head.contains("account-info") {
            r#"{"portalId": 1, "accountType": "STANDARD"}"#
        } else {
            r#"{"results": []}"#
        };
        let is_asked = head.starts_with("GET /crm/v3/") || head.contains("account-info");
        http(if is_asked { 200 } else { 404 }, "application/json", body)
    };
    let server = RawServer::start(move |mut stream, _| {
        let respond = respond.clone();
        async move {
            let request = read_request(&mut stream).await;
            let answer = respond(request.lines().next().unwrap_or_default());
            let _ = stream.write_all(answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    for beliefs in [&[][..], &["--beliefs"]] {
        let mut doctor = tool(&[&["doctor", "--json", "--write", "1", "companies", "9", "7"], beliefs].concat());
        doctor.env("HUBSPOT_ACCESS_TOKEN", "t").env("HUBSPOT_BASE_URL", &server.base_url);
        let ran = run(doctor);
        let told = "not all associations of the partner client could be read";
        assert!(ran.out.contains(told), "{} {}", ran.out, ran.err);
        if beliefs.is_empty() {
            let found = findings(&ran);
            assert_eq!(found["write on v3"].0, "warning", "{found:#?}");
        }
        assert_eq!(writes.load(Ordering::SeqCst), 0, "{}", ran.out);
    }
}
