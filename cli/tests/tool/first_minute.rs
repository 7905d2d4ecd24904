//! What a newcomer reads in the terminal when the first association does not come about.

use hubspot_simulator::{READ_SCOPE, Simulator};

use crate::cli::{Ran, run, tool, tool_at};
use crate::support::{RawServer, http};

const ASSOCIATION: [&str; 4] = ["512", "companies", "9001", "partner_client_to_company"];

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn associate(hubspot: &Simulator, association: [&str; 4], environment: &[(&str, &str)]) -> Ran {
    let mut command = tool_at(hubspot, &[&["associate"][..], &association].concat());
    command.envs(environment.iter().copied());
    run(command)
}

/// The lines on standard error, and the exit code.
#[track_caller]
fn assert_told(ran: &Ran, code: i32, happened: &[&str], remedy: &str) {
    assert_eq!((ran.code, &*ran.out), (Some(code), ""), "{}", ran.err);
    let (error, what_to_do) = ran.err.split_once("\nwhat to do: ").unwrap_or_else(|| panic!("{}", ran.err));
    assert!(happened.iter().all(|part| error.contains(part)), "{happened:?} is not in {error}");
    assert!(what_to_do.contains(remedy), "{remedy:?} is not in {what_to_do}");
}

#[test]
fn the_demo_shows_what_the_tool_does_without_an_account() {
    let mut command = tool(&["demo"]);
    // Neither is looked at.
    command.env("HUBSPOT_ACCESS_TOKEN", "a token").env("HUBSPOT_BASE_URL", "http://127.0.0.1:1");
    command.env("HUBSPOT_API_VERSION", "2026-09");
    let ran = run(command);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for shown in [
        "\nPartner client 512 is associated with companies 9001 as partner_client_to_company.\n",
        "\n9001  partner_client_to_company\n",
        "\nline 61: ",
        "\n60    59    1 ",
    ] {
        assert!(ran.out.contains(shown), "{shown:?} is not in {}", ran.out);
    }
    let (error, remedy) = ran.err.split_once("\nwhat to do: ").unwrap();
    assert!(error.contains("400") && remedy.contains("Did you mean partner_client_to_company?"), "{}", ran.err);

    let (_, next) = ran.out.split_once("\n# Try next\n").unwrap();
    assert_eq!(next.lines().count(), 3, "{next}");
    for line in next.lines() {
        let arguments =
            line.strip_prefix("$ cargo run -- ").or(line.strip_prefix("$ hubspot-partner-clients ")).unwrap();
        let ran = run(tool(&arguments.split(' ').collect::<Vec<_>>()));
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
    }
    assert_eq!(run(tool(&["demo", "--json"])).code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_happened_and_what_to_do() {
    let hubspot = Simulator::builder().token("reader", [READ_SCOPE]).start().await.unwrap();
    let [partner_client, to_type, to_id, association_type] = ASSOCIATION;
    let token = |token| associate(&hubspot, ASSOCIATION, &[("HUBSPOT_ACCESS_TOKEN", token)]);
    assert_told(&token("unknown"), 3, &["401"], "Check HUBSPOT_ACCESS_TOKEN");
    assert_told(&token("reader"), 3, &["403", "crm.objects.partner-clients.write"], "the scopes named");

    let wrong = |association| associate(&hubspot, association, &[]);
    let object_type = wrong([partner_client, "widgets", to_id, association_type]);
    assert_told(&object_type, 1, &["widgets"], "Check the object type");
    let object = wrong([partner_client, to_type, "9009", association_type]);
    assert_told(&object, 1, &["COMPANY=9009 is not valid"], "Check the id of the other object");
    let close = wrong([partner_client, to_type, to_id, "partner_client_to_compny"]);
    assert_told(&close, 1, &["partner_client_to_compny"], "Did you mean partner_client_to_company?");

    let base_url = |url: &str| associate(&hubspot, ASSOCIATION, &[("HUBSPOT_BASE_URL", url)]);
    assert_told(&base_url(&format!("{}/crm", hubspot.base_url())), 4, &["404"], "Check the base URL");
    assert_told(&base_url("api.hubapi.com"), 2, &["is not a URL"], "the value that the message names");
    let url = nowhere();
    assert_told(&base_url(&url), 4, &["no connection to ", url.trim_start_matches("http://")], "Check the network");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_nothing_that_only_a_program_can_call() {
    let hubspot = Simulator::start().await.unwrap();
    let with = |base_url: &str, arguments: &[&str]| {
        let mut command = tool_at(&hubspot, arguments);
        command.env("HUBSPOT_BASE_URL", base_url);
        run(command)
    };
    let huge = RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
    let unknown_type =
        r#"{"message":"m","category":"VALIDATION_ERROR","context":{"INVALID_ASSOCIATION_TYPE_ID":["9 is no type"]}}"#;
    let unknown_type = RawServer::json(400, unknown_type).await;
    let associate = [&["associate"][..], &ASSOCIATION].concat();
    let clear = with("http://api.hubapi.com", &["list"]);
    assert_told(&clear, 2, &["would send the token in the clear", "use https"], "the value that the message names");
    let credentials = with("https://user:password@api.hubapi.com", &["list"]);
    assert_told(&credentials, 2, &["contains credentials", "goes into HUBSPOT_ACCESS_TOKEN"], "the value that");
    let names = vec!["a_property"; 1_000].join(",");
    let long = with(hubspot.base_url(), &["list", "--properties", &names]);
    assert_told(&long, 2, &["ask for fewer"], "the value that the message names");
    assert_told(&with(&huge.base_url, &["list"]), 4, &["larger than"], "Ask for fewer properties");
    assert_told(&with(&unknown_type.base_url, &associate), 1, &["400"], "`types` lists");
    let json = with(&unknown_type.base_url, &[&["--json"][..], &associate].concat());
    assert!(json.error()["remedy"].as_str().unwrap().contains("`types` lists"), "{}", json.err);
    for ran in
        [clear, credentials, long, with(&huge.base_url, &["list"]), with(&unknown_type.base_url, &associate), json]
    {
        for name in ["allow_insecure_http", "access_token", "batch_read", "max_response_bytes", "association_types"] {
            assert!(!ran.err.contains(name), "{}", ran.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_hubspot_s_has_an_exit_code_of_its_own() {
    for status in [500, 501, 522, 525, 526, 599] {
        let gateway = RawServer::answering(http(status, "text/html", "<html>")).await;
        let arguments = ["dissociate", "512", "companies", "9001", "owner", "--yes", "--base-url", &gateway.base_url];
        let mut command = tool(&arguments);
        command.env("HUBSPOT_ACCESS_TOKEN", "t");
        assert_told(&run(command), 4, &[&status.to_string()], "");
    }
}
