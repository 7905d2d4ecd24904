//! What the command-line tool prints, and how it ends.

use hubspot_simulator::{Fault, READ_SCOPE, Simulator};

use crate::cli::{run, run_at, sent, tool, tool_at};
use crate::support::{RawServer, crm, http};

const OWNER: [&str; 4] = ["1", "companies", "1", "owner"];

fn with<'a>(command: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&[command], arguments].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_association_is_made_listed_and_removed() {
    let hubspot = crm(1, 1).start().await.unwrap();

    let made = run_at(&hubspot, &with("associate", &OWNER));
    assert_eq!((made.code, &*made.out), (Some(0), "Partner client 1 is associated with companies 1 as owner.\n"));
    assert_eq!(
        run_at(&hubspot, &["--json", "associate", "1", "companies", "1", "7"]).json()[0]["partnerClientId"],
        "1"
    );
    assert_eq!(hubspot.association_count(), 1);

    let listed = run_at(&hubspot, &["associations", "1", "companies"]);
    assert_eq!((listed.code, &*listed.out), (Some(0), "id  type\n1   owner\n"));
    let listed = run_at(&hubspot, &["associations", "1", "companies", "--json"]).json();
    assert_eq!(listed, [serde_json::json!({"id": "1", "type": "owner"})]);

    let removed = run_at(&hubspot, &with("dissociate", &[&OWNER[..], &["--yes"]].concat()));
    assert_eq!(removed.code, Some(0));
    assert_eq!(removed.out, "Partner client 1 is no longer associated with companies 1 as owner.\n");
    let removed = run_at(&hubspot, &with("dissociate", &["1", "companies", "1", "owner", "--json", "--yes"]));
    assert_eq!((removed.code, removed.json()[0]["result"].as_str()), (Some(0), Some("removed")));
    assert_eq!(hubspot.association_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn association_types_are_listed() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let table = "id  name   category         label\n7   owner  HUBSPOT_DEFINED  -\n";
    for version in ["v3", "2026-03", "2026-09"] {
        let types = run_at(&hubspot, &["types", "companies", "--api-version", version]);
        assert_eq!((&*types.out, &*types.err), (table, ""), "{version}");
    }
    let types = run_at(&hubspot, &["types", "companies", "--json"]).json();
    assert_eq!(types, [serde_json::json!({"id": "7", "name": "owner", "category": "HUBSPOT_DEFINED"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn association_types_of_v3_show_what_they_are_in_dated_versions() {
    let category = hubspot_simulator::AssociationCategory::UserDefined;
    let labeled = crm(1, 1).association_label("companies", category, 36, "Referred By").start().await.unwrap();
    let types = run_at(&labeled, &["types", "companies"]).out;
    assert!(types.ends_with("36  referred_by  USER_DEFINED     Referred By\n"), "{types}");

    // Where the dated versions are not served, v3 says what it knows, and the other way round.
    for (served, told, row) in [
        (["v3"], "warning: the categories and labels of 2026-09 could not be read: ", "7   owner  -         -\n"),
        (["2026-09"], "warning: the names of v3 could not be read: ", "7   -     HUBSPOT_DEFINED  -\n"),
    ] {
        let hubspot = crm(1, 1).versions(served).start().await.unwrap();
        let types = run_at(&hubspot, &["types", "companies", "--api-version", served[0]]);
        assert_eq!(types.code, Some(0), "{}", types.err);
        assert!(types.out.ends_with(row) && types.err.starts_with(told), "{} {}", types.out, types.err);
        let json = run_at(&hubspot, &["types", "companies", "--api-version", served[0], "--json"]);
        assert!(json.err.starts_with("{\"warning\":"), "{}", json.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partner_clients_are_read_listed_and_searched() {
    let named = |id: u32| (id.to_string(), [("name", format!("Client {id}")), ("employees", (id * 10).to_string())]);
    let hubspot = Simulator::builder().without_seed().partner_clients((1..=150).map(named)).start().await.unwrap();

    let one = run_at(&hubspot, &["get", "7", "--properties", "name,employees"]);
    assert_eq!(one.code, Some(0));
    assert!(one.out.contains("\nname       Client 7\n") && one.out.contains("\nemployees  70\n"), "{}", one.out);
    assert_eq!(run_at(&hubspot, &["get", "7", "--json"]).json()[0]["properties"]["name"], "Client 7");

    let all = run_at(&hubspot, &["list", "--properties", "name"]);
    assert_eq!(all.out.lines().count(), 151, "with a heading");
    assert!(all.out.starts_with("id   name        updated\n1    Client 1    20"), "{}", all.out);
    assert_eq!(run_at(&hubspot, &["list", "--json"]).json().len(), 150);
    hubspot.clear_requests();
    assert_eq!(run_at(&hubspot, &["list", "--limit", "3", "--json"]).json().len(), 3);
    assert_eq!(sent(&hubspot), 1);

    let search = |filters: &[&str]| {
        let arguments = [&["search", "--json", "--properties", "name"], filters].concat();
        let found = run_at(&hubspot, &arguments);
        assert_eq!(found.code, Some(0), "{}", found.err);
        found.json().iter().map(|client| client["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search(&["--filter", "name=Client 7"]), ["7"]);
    assert_eq!(search(&["--filter", "employees > 1480"]), ["149", "150"]);
    assert_eq!(search(&["--filter", "employees>=1480", "--filter", "employees!=1490"]), ["148", "150"]);
    assert_eq!(search(&["--filter", "employees<=20", "--limit", "1"]), ["1"]);
    assert_eq!(search(&["--filter", "name~12*", "--filter", "employees<1220"]), ["12", "120", "121"]);
    assert_eq!(search(&["--query", "client 33"]), ["33"]);
    let table = run_at(&hubspot, &["search", "--filter", "name=Client 7", "--properties", "name"]).out;
    assert!(table.starts_with("id  name      updated\n7   Client 7  20"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_object_type_is_answered_with_the_one_that_is_meant() {
    let hubspot = Simulator::start().await.unwrap();
    let folder = crate::folder::Folder::new();
    let row = |to_type: &str| format!("{}512,{to_type},9001,partner_client_to_company\n", crate::folder::HEADER);
    let file = folder.write("rows.csv", row("compnies"));
    let commands: [&[&str]; 6] = [
        &["associate", "512", "compnies", "9001", "partner_client_to_company"],
        &["dissociate", "512", "compnies", "9001", "partner_client_to_company", "--yes"],
        &["associations", "512", "compnies"],
        &["types", "compnies"],
        &["associate-many", crate::cli::path(&file)],
        &["reconcile", crate::cli::path(&file), "--to-type", "compnies"],
    ];
    for command in commands {
        let failed = run_at(&hubspot, command);
        assert_eq!(failed.code, Some(1), "{command:?}: {}", failed.err);
        let told = failed.out + &failed.err;
        assert!(told.contains("Did you mean the object type companies?"), "{command:?}: {told}");
    }
    let far = run_at(&hubspot, &["types", "2-1234567"]);
    assert!(far.code == Some(1) && !far.err.contains("Did you mean"), "{}", far.err);
}

#[test]
fn a_typo_of_a_command_an_option_or_its_value_is_answered_with_what_is_meant() {
    let cases: [(&[&str], &str); 6] = [
        (&["asociate", "1"], "'associate'"),
        (&["list", "--outptu", "json"], "'--output'"),
        (&["list", "--output", "jsn"], "'json'"),
        (&["associate-many", "f", "--strategy", "btach"], "'batch'"),
        (&["associate-many", "f", "--chek"], "'--check'"),
        (&["completions", "bsh"], "'bash'"),
    ];
    for (arguments, meant) in cases {
        let ran = run(tool(arguments));
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{}", ran.err);
        let tip = ran.err.lines().find(|line| line.contains("tip:")).unwrap_or_default();
        assert!(tip.contains(meant), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_association_type_is_answered_with_those_that_are_meant() {
    let hubspot = Simulator::start().await.unwrap();
    let failed = run_at(&hubspot, &["associate", "512", "companies", "9001", "partner_client_to_compny"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.err.contains("Did you mean partner_client_to_company?"), "{}", failed.err);
    assert!(failed.err.contains("`hubspot-partner-clients types companies` lists them"), "{}", failed.err);
    let failed = run_at(&hubspot, &["associate", "512", "companies", "9001", "zzz"]);
    assert!(failed.err.contains("There is no association type \"zzz\"") && !failed.err.contains("Did you mean"));
    let failed = run_at(&hubspot, &["associate", "512", "companies", "404", "partner_client_to_company"]);
    assert!(!failed.err.contains("There is no association type"), "it is the object: {}", failed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_to_do_and_is_json_where_that_is_asked_for() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let failed = run_at(&hubspot, &["get", "404"]);
    assert_eq!((failed.code, &*failed.out), (Some(1), ""));
    assert!(failed.err.starts_with("error: get: HubSpot answered 404"), "{}", failed.err);
    assert!(failed.err.contains("\nwhat to do: Check the id"), "{}", failed.err);
    let error = run_at(&hubspot, &["get", "404", "--json"]).error();
    assert_eq!((&error["kind"], &error["status"]), (&"not_found".into(), &404.into()));
    assert!(error["correlationId"].is_string() && error["message"].is_string() && error["remedy"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_kind_of_failure_it_is() {
    let reader = crm(1, 1).token("reader", [READ_SCOPE]).start().await.unwrap();
    let code = |arguments: &[&str], token: &str| {
        let mut command = tool_at(&reader, arguments);
        command.env("HUBSPOT_ACCESS_TOKEN", token);
        let ran = run(command);
        assert!(!ran.err.contains(token) && !ran.out.contains(token), "{}", ran.err);
        (ran.code.unwrap(), ran.error()["kind"].as_str().unwrap().to_owned())
    };
    let associate = with("associate", &["1", "companies", "1", "owner", "--json"]);
    assert_eq!(code(&associate, "reader"), (3, "missing_scope".into()));
    assert_eq!(code(&associate, "nobody-knows-it"), (3, "unauthorized".into()));
    let good = reader.access_token();
    assert_eq!(code(&["get", "..", "--json"], good), (2, "invalid_input".into()));
    assert_eq!(code(&["get", "--json"], good), (2, "usage".into()));
    assert_eq!(code(&["list", "--limit", "0", "--json"], good), (2, "usage".into()));
    for run in [&["associate-many", "f"][..], &["dissociate-many", "f"], &["job", "worker", "march"]] {
        assert_eq!(code(&[run, &["--concurrency", "0", "--json"]].concat(), good), (2, "usage".into()), "{run:?}");
    }
    assert_eq!(code(&["search", "--filter", "name", "--json"], good), (2, "usage".into()));
    assert_eq!(code(&["list", "--json", "--base-url", "http://127.0.0.1:1"], good), (4, "connect".into()));
    reader.inject(Fault::daily_limit());
    assert_eq!(code(&["list", "--json"], good), (4, "daily_limit".into()));
}

#[test]
fn without_a_token_it_says_where_one_can_come_from() {
    for token in [None, Some("")] {
        let mut command = tool(&["get", "512"]);
        command.envs(token.map(|token| ("HUBSPOT_ACCESS_TOKEN", token)));
        let ran = run(command);
        assert_eq!((ran.code, &*ran.out), (Some(3), ""));
        for way in ["HUBSPOT_ACCESS_TOKEN", "in a terminal", "--simulator"] {
            assert!(ran.err.contains(way), "{}", ran.err);
        }
    }
    let error = run(tool(&["get", "512", "--json"])).error();
    assert_eq!(error["kind"], "token");
}

#[test]
fn a_token_is_no_argument() {
    let ran = run(tool(&["--token", "pat-na1-1234", "get", "512"]));
    assert_eq!(ran.code, Some(2));
    let help = run(tool(&["--help"])).out;
    assert!(help.contains("No option takes the token") && help.contains("HUBSPOT_ACCESS_TOKEN"), "{help}");
}

#[test]
fn the_simulator_needs_no_token() {
    let ran = run(tool(&["--simulator", "associate", "512", "companies", "9001", "partner_client_to_company"]));
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    assert_eq!(run(tool(&["list", "--simulator", "--json"])).json().len(), 251);
    assert_eq!(run(tool(&["list", "--simulator", "--base-url", "http://127.0.0.1:1"])).code, Some(2));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_told_on_standard_error() {
    let page = r#"{"total": 1, "results": [{"id": "7", "type": "a"}, {"name": "no id"}]}"#;
    let server = RawServer::answering(http(200, "application/json", page)).await;
    for command in [&["list"][..], &["search"], &["associations", "512", "companies"]] {
        let ran = async |more: &[&str]| {
            let mut tool = tool(&[&["--base-url", &server.base_url], command, more].concat());
            tool.env("HUBSPOT_ACCESS_TOKEN", "t");
            tokio::task::spawn_blocking(move || run(tool)).await.unwrap()
        };
        let text = ran(&[]).await;
        assert_eq!((text.code, text.out.lines().count()), (Some(0), 2), "{}", text.err);
        assert_eq!(text.err, "warning: 1 entry in HubSpot's responses could not be read and is left out\n");
        let json = ran(&["--json"]).await;
        let warning: serde_json::Value = serde_json::from_str(&json.err).unwrap();
        assert_eq!(warning["warning"]["count"], 1);
    }
}

#[test]
fn help_has_the_exit_codes_and_no_escape_sequences() {
    let help = run(tool(&["--help"]));
    assert_eq!(help.code, Some(0));
    for code in ["  0    ", "  1    ", "  2    ", "  3    ", "  4    ", "  130  "] {
        assert!(help.out.contains(code), "{}", help.out);
    }
    assert!(!help.out.contains('\x1b'));
    assert!(run(tool(&["associate-many", "--help"])).out.contains("to_object_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_in_line_on_the_screen() {
    // On a terminal a character is one or two cells wide, or none.
    let names =
        [("1", "ascii", 5), ("2", "日本語株式会社", 14), ("3", "e\u{301}té", 3), ("4", "🚀 Rocket", 9), ("5", "👩‍👩‍👧", 2)];
    let clients = names.map(|(id, name, _)| (id, [("name", name), ("domain", "x.example")]));
    let hubspot = Simulator::builder().without_seed().partner_clients(clients).start().await.unwrap();
    let table = run_at(&hubspot, &["list", "--properties", "name,domain"]).out;
    assert_eq!(table.lines().next().unwrap().find("domain"), Some("id  ".len() + 14 + 2), "{table}");
    for (line, (_, name, width)) in table.lines().skip(1).zip(names) {
        let rest = line.split_once(name).unwrap().1;
        assert_eq!(rest.find("x.example"), Some(14 - width + 2), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_properties_may_have_spaces_around_and_a_comma_at_the_end() {
    let hubspot = crm(1, 1).start().await.unwrap();
    for names in ["name, domain", "name,domain,", " name ,, domain "] {
        hubspot.clear_requests();
        let ran = run_at(&hubspot, &["get", "1", "--properties", names, "--json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.json()[0]["properties"].as_object().unwrap().contains_key("name"));
        assert_eq!(
            run_at(&hubspot, &["list", "--properties", names]).out.lines().next().unwrap(),
            "id  name  domain  updated"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_have_white_space_around_it_and_nothing_else_beside_it() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let token = hubspot.access_token();
    let with = |token: &str| {
        let mut command = tool_at(&hubspot, &["get", "1"]);
        command.env("HUBSPOT_ACCESS_TOKEN", token);
        run(command)
    };
    for token in [format!("{token}\n"), format!("  {token}\r\n"), format!("\t{token} ")] {
        assert_eq!(with(&token).code, Some(0), "{}", with(&token).err);
    }
    for wrong in [format!("\"{token}\""), format!("Bearer {token}"), format!("{token}\n{token}"), format!("{token}é")]
    {
        let ran = with(&wrong);
        assert_eq!((ran.code, &*ran.out), (Some(3), ""), "{wrong:?}: {}", ran.err);
        assert!(ran.err.contains("HUBSPOT_ACCESS_TOKEN") && !ran.err.contains(token), "{}", ran.err);
    }
    for nothing in ["", " ", "\n"] {
        let ran = with(nothing);
        assert_eq!((ran.code, ran.err.contains("HUBSPOT_ACCESS_TOKEN")), (Some(3), true), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hubspot_holds_cannot_command_the_terminal() {
    let hubspot = Simulator::builder().partner_client("9", [("name", "a\x1b[31mb\nc")]).start().await.unwrap();
    let ran = run_at(&hubspot, &["get", "9", "--properties", "name"]);
    assert!(ran.out.ends_with("a\\u{1b}[31mb\\nc\n"), "{}", ran.out);
}
