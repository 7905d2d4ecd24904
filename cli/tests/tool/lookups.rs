//! Objects named by what people know of them, in files as people have them and in arguments.

use std::io::Write;

use hubspot_simulator::{Simulator, SimulatorBuilder};
use serde_json::{Value, json};

use crate::cli::{Ran, path, ran, run_at, sent, tool, tool_at};
use crate::folder::{Folder, HEADER, associate};

fn crm() -> SimulatorBuilder {
    Simulator::builder()
        .without_seed()
        .unique_property("partner_clients", "code")
        .partner_client("512", [("code", "c-512"), ("hs_client_domain_name", "client.example")])
        .partner_client("513", [("code", "c-513"), ("hs_client_domain_name", "other.example")])
        .object("companies", "9001", [("name", "Acme"), ("domain", "acme.example")])
        .object("companies", "9002", [("name", "Acme"), ("domain", "bücher.example")])
        .object("contacts", "301", [("email", "ada@acme.example")])
        .association_type("companies", 7, "owner")
        .association_type("contacts", 8, "owner")
}

/// The associations of both partner clients, as pairs of ids.
fn associated(hubspot: &Simulator) -> Vec<(&'static str, String)> {
    let of = |id: &'static str| hubspot.associations(id).into_iter().map(move |found| (id, found.to_object_id));
    let mut all: Vec<_> = of("512").chain(of("513")).collect();
    all.sort();
    all
}

fn pairs(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    expected.iter().map(|(from, to)| (*from, (*to).to_owned())).collect()
}

fn writes(hubspot: &Simulator) -> usize {
    let is_write = |path: &str| path.contains("/batch/create") || path.contains("/batch/archive");
    hubspot.requests().iter().filter(|request| is_write(request.path()) || request.method() == "PUT").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_name_objects_of_either_side_by_any_property() {
    for version in ["v3", "2026-09"] {
        let hubspot = crm().start().await.unwrap();
        let rows = "512,companies,domain=acme.example,7\n\
                    code=c-513,contacts,\" Email = Ada@ACME.Example \",8\n\
                    hs_client_domain_name=CLIENT.example,contacts,301,8\n\
                    code=c-513,companies,domain=BÜCHER.example,7\n";
        let ran = associate(&hubspot, format!("{HEADER}{rows}"), &["--json", "--api-version", version]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let expected = [("512", "301"), ("512", "9001"), ("513", "301"), ("513", "9002")];
        assert_eq!(associated(&hubspot), pairs(&expected), "{version}");
        let told = ran.json();
        assert_eq!((&told[1]["partnerClientId"], &told[1]["toObjectId"]), (&json!("513"), &json!("301")));
        assert_eq!(told[4]["summary"]["made"], 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_any_name_are_read_as_the_options_say() {
    let options = [
        "--column",
        "partner_client_id.hs_client_domain_name=Kunde (Domain)",
        "--column",
        "to_object_id.domain=ウェブサイト",
        "--to-type",
        "companies",
        "--type",
        "owner",
    ];
    let table = "Kunde (Domain)|ウェブサイト|備考\n\"client.example\"|Acme.Example|\"a\nb\"\n other.example |bücher.example|\n||\n";
    for (mark, delimiter, end) in
        [("\u{feff}", ";", "\r\n"), ("", "\t", "\n"), ("\u{feff}", ",", "\r\n"), ("", "|", "\r")]
    {
        let hubspot = crm().start().await.unwrap();
        let content = mark.to_owned() + &table.replace('|', delimiter).replace('\n', end);
        let ran = associate(&hubspot, &content, &options);
        assert_eq!(ran.code, Some(0), "{} {content:?}", ran.err);
        assert_eq!(associated(&hubspot), pairs(&[("512", "9001"), ("513", "9002")]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_columns_that_are_compared_as_one_name_the_one_is_read_that_is_spelt_as_the_option_says() {
    for (wanted, read) in [("Customer #", Some("512")), (" Customer", Some("513")), ("customer", None)] {
        let hubspot = crm().start().await.unwrap();
        let column = format!("partner_client_id={wanted}");
        let options =
            ["--column", &column, "--column", "to_object_id=Company", "--to-type", "companies", "--type", "owner"];
        let ran = associate(&hubspot, "Customer,Customer # ,Company\n513,512,9001\n", &options);
        match read {
            Some(id) => assert_eq!(associated(&hubspot)[0].0, id, "{wanted}: {}", ran.err),
            None => assert!(ran.code == Some(2) && ran.err.contains("there are two columns"), "{}", ran.err),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constant_fills_what_a_file_lacks_and_contradicts_nothing() {
    let hubspot = crm().start().await.unwrap();
    let options = ["--to-type", "companies", "--type", "owner"];
    let ran = associate(&hubspot, "Partner Client ID,To Object ID,Association Type\n512,9001,\n", &options);
    assert_eq!((ran.code, associated(&hubspot)), (Some(0), pairs(&[("512", "9001")])), "{}", ran.err);
    let ran = associate(&hubspot, format!("{HEADER}512,companies,9002,owner\n512,contacts,301,payer\n"), &options);
    assert_eq!(ran.code, Some(2));
    for told in [
        "line 3, column 2 (to_object_type): the object type must be companies, as --to-type says",
        "line 3, column 4 (association_type): the association type must be owner, as --type says",
    ] {
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    assert_eq!(hubspot.association_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_is_there_twice_is_told_by_row_and_nothing_is_sent() {
    let hubspot = crm().start().await.unwrap();
    let rows = "512,companies,domain=acme.example,owner\n\
                512,companies,domain=nobody.example,owner\n\
                code=c-1,companies,name=acme,owner\n\
                512,companies,domain=nobody.example,owner\n";
    for options in [&[][..], &["--check"]] {
        let ran = associate(&hubspot, format!("{HEADER}{rows}"), options);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{}", ran.err);
        for told in [
            "rows.csv has 4 problems:",
            "line 3, column 3 (to_object_id): none of the companies in HubSpot has domain \"nobody.example\": correct it",
            "line 4, column 1 (partner_client_id): none of the partner clients in HubSpot has code \"c-1\"",
            "line 4, column 3 (to_object_id): 2 of the companies in HubSpot have name \"acme\", with the ids 9001, 9002: give the id",
            "line 5, column 3",
            "nothing was sent",
        ] {
            assert!(ran.err.contains(told), "{told:?} in {}", ran.err);
        }
    }
    let problem = &associate(&hubspot, format!("{HEADER}{rows}"), &["--json"]).error()["problems"][0];
    assert_eq!((&problem["line"], &problem["columnName"]), (&json!(3), &json!("to_object_id")));
    assert_eq!(writes(&hubspot), 0);

    let requests = sent(&hubspot);
    let ran = associate(&hubspot, format!("{HEADER}512,companies,domain=,owner\n512,companies,a b=c,owner\n"), &[]);
    assert!(ran.err.contains("line 2, column 3 (to_object_id): the value of domain is empty"), "{}", ran.err);
    assert!(ran.err.contains("line 3, column 3 (to_object_id): object id \"a b=c\""), "{}", ran.err);
    let ran = associate(&hubspot, format!("{HEADER}512,companies,domain=acme.example,owner\n"), &["--dry-run"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("1 object is named by a property"), "{}", ran.out);
    let ran =
        associate(&hubspot, format!("{HEADER}512,companies,domain=acme.example,owner\n"), &["--dry-run", "--json"]);
    assert_eq!(ran.json(), [json!({"rows": 1, "named": 1, "sent": false})]);
    assert_eq!(sent(&hubspot), requests, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_told_by_row_with_its_remedy() {
    let scopes = ["oauth", "crm.objects.partner-clients.read", "crm.objects.partner-clients.write"];
    let hubspot = crm().token("narrow", scopes).start().await.unwrap();
    let folder = Folder::new();
    let rows = "512,companies,domain=acme.example,owner\n512,companies,9001,owner\n";
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let mut command = tool_at(&hubspot, &["associate-many", path(&file)]);
    let told = ran(command.env("HUBSPOT_ACCESS_TOKEN", "narrow").output().unwrap());
    assert_eq!(told.code, Some(3), "{}", told.err);
    for text in [
        "line 2, column 3 (to_object_id): domain \"acme.example\" could not be looked up",
        "crm.objects.companies.read",
        "Nothing was sent",
    ] {
        assert!(told.err.contains(text), "{text:?} in {}", told.err);
    }
    assert!(!told.err.contains("line 3"), "{}", told.err);
    assert_eq!(writes(&hubspot), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asks_again_when_it_is_resumed_and_does_not_mix_objects() {
    let hubspot = crm().start().await.unwrap();
    let folder = Folder::new();
    let rows = "code=c-512,companies,domain=acme.example,owner\ncode=c-513,companies,9002,owner\n";
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let journal = folder.at("journal");
    let run = |more: &[&str]| {
        run_at(&hubspot, &[&["associate-many", path(&file), "--journal", path(&journal), "--json"], more].concat())
    };
    assert_eq!(run(&[]).code, Some(0));
    let count = writes(&hubspot);
    let again = run(&[]);
    let summary = again.json().pop().unwrap()["summary"].take();
    assert_eq!((again.code, &summary["fromJournal"]), (Some(0), &json!(2)), "{}", again.err);
    let other = run(&["--type", "owner"]);
    assert_eq!(other.code, Some(2), "other options read other rows: {}", other.err);
    // Now the key leads to another object.
    assert!(hubspot.set_property("512", "code", "c-0") && hubspot.set_property("513", "code", "c-512"));
    assert!(hubspot.set_property("512", "code", "c-513"));
    let mixed = run(&[]);
    assert_eq!((mixed.code, writes(&hubspot)), (Some(2), count), "{}", mixed.err);
    assert!(mixed.err.contains("journal"), "{}", mixed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_takes_the_same_rows() {
    let hubspot = crm().start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", "client;site\r\nc-512;acme.example\r\nc-512;bücher.example\r\n");
    let arguments = [
        "reconcile",
        path(&file),
        "--to-type",
        "companies",
        "--type",
        "owner",
        "--column",
        "partner_client_id.code=client",
        "--column",
        "to_object_id.domain=site",
        "--apply",
    ];
    let ran = run_at(&hubspot, &arguments);
    assert_eq!((ran.code, associated(&hubspot)), (Some(0), pairs(&[("512", "9001"), ("512", "9002")])), "{}", ran.err);
}

/// The tool, given this on standard input.
fn piped(mut command: std::process::Command, content: Vec<u8>) -> Ran {
    let piped = std::process::Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may not want all of it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&content)));
    let ran = ran(child.wait_with_output().unwrap());
    writer.join().unwrap();
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_read_up_to_a_bound() {
    let hubspot = crm().start().await.unwrap();
    let row = "512,companies,domain=acme.example,owner\n";
    let told = piped(tool_at(&hubspot, &["associate-many", "-"]), format!("{HEADER}{row}").into_bytes());
    assert_eq!((told.code, associated(&hubspot)), (Some(0), pairs(&[("512", "9001")])), "{}", told.err);
    let told =
        piped(tool_at(&hubspot, &["associate-many", "-"]), format!("{HEADER}512,companies,x,owner\n").into_bytes());
    assert!(told.err.contains("standard input has 1 problem:"), "{}", told.err);
    let requests = hubspot.requests().len();
    let told = piped(tool_at(&hubspot, &["associate-many", "-"]), vec![b'\n'; (64 << 20) + 1]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("standard input has more than 64 MiB") && told.err.contains("to a file"), "{}", told.err);
    assert_eq!(hubspot.requests().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_name_objects_as_rows_do() {
    let hubspot = crm().start().await.unwrap();
    let pair = ["code=c-512", "companies", "domain=ACME.example", "owner"];
    let ran = run_at(&hubspot, &[&["associate"], &pair[..]].concat());
    assert_eq!((ran.code, associated(&hubspot)), (Some(0), pairs(&[("512", "9001")])), "{}", ran.err);
    assert!(ran.out.contains("512") && ran.out.contains("companies 9001"), "{}", ran.out);
    assert!(run_at(&hubspot, &["associations", "code=c-512", "companies"]).out.contains("9001"));
    assert!(run_at(&hubspot, &["get", "hs_client_domain_name=client.example"]).out.contains("512"));
    let ran = run_at(&hubspot, &[&["dissociate", "--yes"], &pair[..]].concat());
    assert_eq!((ran.code, associated(&hubspot)), (Some(0), Vec::new()), "{}", ran.err);
    for (object, told) in [
        ("domain=nobody.example", "none of the companies"),
        ("domain=https://www.acme.example/", "leave out what is before and behind the domain"),
        ("name=acme", "with the ids 9001, 9002"),
    ] {
        let ran = run_at(&hubspot, &["associate", "512", "companies", object, "owner"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    assert_eq!(hubspot.association_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_refused_before_the_account_is_asked() {
    let hubspot = crm().start().await.unwrap();
    for arguments in [
        &["associate", "x", "companies", "9001", "owner"][..],
        &["associate", "512", "9001", "9001", "owner"],
        &["associate", "512", "companies", "1.2E+11", "owner"],
        &["associate", "512", "companies", "domain=", "owner"],
        &["associate", "512", "companies", "9001", ""],
        &["dissociate", "512", "companies", "x", "owner", "--yes"],
        &["associations", "x", "companies", "--account", "1234567"],
        &["types", "9001", "--account", "1234567"],
        &["get", "..", "--account", "1234567"],
    ] {
        let ran = run_at(&hubspot, arguments);
        assert_eq!((ran.code, &*ran.account), (Some(2), ""), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(hubspot.requests().len(), 0);
}

#[test]
fn an_option_that_means_nothing_is_refused_with_what_it_takes() {
    for (column, told) in [
        ("company=x", "is none of partner_client_id, to_object_type, to_object_id, association_type"),
        ("to_object_id", "it takes the form NAME=COLUMN"),
        ("to_object_id=", "it names no column"),
        ("to_object_id.=x", "is no property's internal name"),
        ("association_type.name=x", "association_type is no object"),
    ] {
        let ran = ran(tool(&["associate-many", "rows.csv", "--column", column]).output().unwrap());
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(told), "{column}: {}", ran.err);
    }
    let folder = Folder::new();
    let file = folder.write("rows.csv", "a,b\n1,2\n");
    let options =
        ["associate-many", path(&file), "--dry-run", "--type", "owner", "--column", "partner_client_id=Kunde"];
    let ran = ran(tool(&options).output().unwrap());
    for told in
        ["there is no column Kunde, which --column names", "no column to_object_type or to_object_id", "has: a, b"]
    {
        assert!(ran.err.contains(told), "{told:?} in {}", ran.err);
    }
}

#[test]
fn a_file_of_keys_can_be_tried_in_the_simulator() {
    let folder = Folder::new();
    let rows = "code=a,companies,domain=A.example,owner\ncode=A,companies,domain=b.example,owner\n7,contacts,email=x@y,owner\n";
    let file = folder.write("rows.csv", format!("{HEADER}{rows}"));
    let ran = ran(tool(&["associate-many", path(&file), "--simulator", "--json"]).output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let made: Vec<Value> = ran.json();
    assert_eq!(made[0]["partnerClientId"], made[1]["partnerClientId"]);
    assert_ne!(made[0]["toObjectId"], made[1]["toObjectId"]);
}
