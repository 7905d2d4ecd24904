//! `doctor --beliefs`: which answers differ from what the simulator believes, and that the report tells nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hubspot_simulator::{
    AssociationCategory, Fault, InvalidAssociations, RateLimits, Simulator, SimulatorBuilder, UnlabeledCompanions,
};
use serde_json::Value;

use crate::cli::{run, run_at, tool, tool_at};
use crate::support::crm;

const BELIEFS: &str = include_str!("../../../simulator/BELIEFS.md");
const BUILDER: [&str; 2] =
    [include_str!("../../../simulator/src/builder/mod.rs"), include_str!("../../../simulator/src/builder/account.rs")];
const SWITCHES: &str = include_str!("../../../simulator/src/switches.rs");

/// Partner client 1 has two companies and no deal; deals have a label.
fn account() -> SimulatorBuilder {
    crm(3, 3)
        .association("1", "companies", "1", "owner")
        .association("1", "companies", "2", "owner")
        .association_type_between("contacts", "contacts", 449, "contact_to_contact")
        .object("deals", "5", [("dealname", "x")])
        .association_label("deals", AssociationCategory::UserDefined, 36, "Referred by")
        .rate_limits(RateLimits::default().per_ten_seconds(500).per_day(5_000))
}

const WRITE: [&str; 8] = ["doctor", "--beliefs", "--json", "--write", "1", "deals", "5", "referred_by"];

/// The report with `--write`; nothing that it makes stays.
fn report(hubspot: &Simulator) -> Value {
    let before: Vec<_> = ["1", "2", "3"].map(|id| format!("{:?}", hubspot.associations(id))).into();
    let ran = run_at(hubspot, &WRITE);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
    let after: Vec<_> = ["1", "2", "3"].map(|id| format!("{:?}", hubspot.associations(id))).into();
    assert_eq!(before, after, "what is made is removed");
    ran.json().remove(0)
}

fn differing(report: &Value) -> BTreeSet<String> {
    let differences = report["differences"].as_array().unwrap().iter();
    differences.map(|difference| difference["belief"].as_str().unwrap().to_owned()).collect()
}

/// The names of the table, with its last column.
fn table() -> BTreeMap<&'static str, &'static str> {
    let rows = BELIEFS.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches(['|', ' ']).split(" | ").collect::<Vec<_>>());
    let table: Vec<_> = cells.map(|cells| (cells[0].trim_matches('`'), *cells.last().unwrap())).collect();
    let count = table.len();
    let table: BTreeMap<_, _> = table.into_iter().collect();
    assert_eq!(table.len(), count, "each belief has a name of its own");
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_answers_as_it_believes_and_each_belief_is_compared_as_the_table_says() {
    let hubspot = account().start().await.unwrap();
    let report = report(&hubspot);
    assert_eq!(report["differences"], serde_json::json!([]));
    assert_eq!(report["notCompared"], serde_json::json!({}));
    assert_eq!(report["versions"], serde_json::json!(["v3", "2026-03", "2026-09"]));
    let compared: BTreeSet<_> =
        report["compared"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let table = table();
    let said: BTreeSet<_> =
        table.iter().filter(|(_, doctor)| !doctor.starts_with("no: ")).map(|(name, _)| *name).collect();
    assert_eq!(compared, said);

    hubspot.clear_requests();
    let read = run_at(&hubspot, &["doctor", "--beliefs", "--json"]).json().remove(0);
    for (name, doctor) in &table {
        let is_compared = read["compared"].as_array().unwrap().iter().any(|compared| compared == name);
        assert_eq!(is_compared, doctor.starts_with("reads"), "{name}");
        let why = &read["notCompared"][name];
        assert_eq!(why.is_string(), doctor.starts_with("`--write`"), "{name}: {why}");
    }
    let reads =
        |path: &str| ["/batch/read", "/access-token-info", "/oauth/v1/token"].iter().any(|end| path.ends_with(end));
    let requests = hubspot.requests();
    assert!(requests.iter().all(|request| request.method() == "GET" || reads(request.path())), "{requests:?}");

    let people = run_at(&hubspot, &["doctor", "--beliefs"]).out;
    assert!(people.starts_with("no difference in 16 beliefs compared on v3, 2026-03, 2026-09\n"), "{people}");
    let csv = run_at(&hubspot, &["doctor", "--beliefs", "--output", "csv"]).out;
    assert_eq!(csv, "belief,version,believed,found\n");
    let own = run(tool(&["doctor", "--beliefs", "--simulator"]));
    assert!(own.out.starts_with("no difference in "), "{}", own.out);
}

type Side = (fn(SimulatorBuilder) -> SimulatorBuilder, &'static [&'static str]);

/// What the report shows of a method of the builder.
enum Shows {
    /// Each side of a switch, with exactly the beliefs that differ.
    Sides(Vec<Side>),
    /// Nothing, and why.
    Nothing(&'static str),
    /// It describes an account or a server, and no belief.
    Content,
}

/// What each method of the builder shows. A method that is new has to be added.
fn shows(method: &str) -> Shows {
    use Shows::{Content, Nothing, Sides};
    match method {
        "text_ids" => Sides(vec![(SimulatorBuilder::text_ids, &["ids"])]),
        "refuse_duplicate_associations" => {
            Sides(vec![(SimulatorBuilder::refuse_duplicate_associations, &["duplicates"])])
        }
        "reversed_results" => Sides(vec![(SimulatorBuilder::reversed_results, &["order"])]),
        "inverse_results" => Sides(vec![(SimulatorBuilder::inverse_results, &["inverse-results"])]),
        "html_not_found" => Sides(vec![(SimulatorBuilder::html_not_found, &["not-found"])]),
        "unlabeled_companions" => Sides(vec![
            (|builder| builder.unlabeled_companions(UnlabeledCompanions::Always), &["companions"]),
            (|builder| builder.unlabeled_companions(UnlabeledCompanions::Never), &["companions"]),
            (|builder| builder.unlabeled_companions(UnlabeledCompanions::WithLabels), &[]),
        ]),
        "short_search_pages" | "numeric_search_cursors" => Nothing("few searches show it"),
        "invalid_associations" => Sides(vec![
            (|builder| builder.invalid_associations(InvalidAssociations::Refuse), &["invalid-associations"]),
            (
                |builder| builder.invalid_associations(InvalidAssociations::Partial),
                &["invalid-associations", "unknown-type"],
            ),
            (|builder| builder.invalid_associations(InvalidAssociations::RefuseNaming), &[]),
        ]),
        "default_properties" => {
            Sides(vec![(|builder| builder.default_properties("partner_clients", [""; 0]), &["default-properties"])])
        }
        "unique_property" => {
            Sides(vec![(|builder| builder.unique_property("partner_clients", "createdate"), &["id-property"])])
        }
        "window_edge" => Nothing("it takes as many requests as the limit allows"),
        "associations_per_ten_seconds" | "associations_per_day" => Nothing("no header tells of it"),
        "versions" => Nothing("what a version answers that is not served is not compared"),
        "association_type" | "association_type_between" | "association_label" => {
            Nothing("the types of an account are its own")
        }
        "required_property" | "required_property_when" | "date_property" | "datetime_property" => {
            Nothing("no property is changed")
        }
        "port"
        | "token"
        | "rate_limits"
        | "oauth_app"
        | "latency"
        | "log"
        | "keep_requests"
        | "control"
        | "fault"
        | "account"
        | "without_seed"
        | "partner_client"
        | "partner_clients"
        | "archived_partner_client"
        | "null_property"
        | "object"
        | "custom_object_type"
        | "association"
        | "association_between"
        | "seed" => Content,
        _ => panic!("say what `doctor --beliefs` shows of SimulatorBuilder::{method}"),
    }
}

fn methods() -> BTreeSet<&'static str> {
    let methods = BUILDER.iter().flat_map(|source| source.lines()).filter_map(|line| line.strip_prefix("    pub fn "));
    methods.map(|line| line.split(['(', '<']).next().unwrap()).filter(|name| *name != "builder").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_switch_of_the_simulator_shows_as_its_own_difference_or_says_why_not() {
    let mut thrown = 0;
    for method in methods() {
        match shows(method) {
            Shows::Sides(sides) => {
                for (place, (throw, expected)) in sides.into_iter().enumerate() {
                    let hubspot = throw(account()).start().await.unwrap();
                    let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
                    assert_eq!(differing(&report(&hubspot)), expected, "{method}, side {place}");
                    thrown += 1;
                }
            }
            Shows::Nothing(why) => assert!(!why.is_empty()),
            Shows::Content => {}
        }
    }
    assert!(thrown >= 12);
    // Each switch of the program is a method, and each that the table of beliefs names has an entry above.
    let program = SWITCHES.lines().filter_map(|line| line.split("=> builder.").nth(1));
    for method in program.map(|call| call.split('(').next().unwrap()).chain(["window_edge"]) {
        assert!(!matches!(shows(method), Shows::Content), "{method}");
    }
    let windowed = account().window_edge(Duration::from_millis(50)).start().await.unwrap();
    assert!(differing(&report(&windowed)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_tells_nothing_of_the_account() {
    let secret = "striking-token-8675309";
    let hubspot = Simulator::builder()
        .account(60_606_060)
        .without_seed()
        .token(secret, ["crm.objects.partner-clients.read", "crm.objects.partner-clients.write"])
        .partner_client("70707071", [("name", "Striking Name"), ("hs_client_name", "Striking Value")])
        .partner_client("70707072", [("name", "Striking Name")])
        .object("companies", "80808081", [("name", "Striking Company")])
        .object("companies", "80808082", [("name", "Striking Company")])
        .object("deals", "80808083", [("dealname", "Striking Deal")])
        .association_type("companies", 9_090_901, "striking_type")
        .association_type("deals", 9_090_902, "striking_type")
        .association_label("deals", AssociationCategory::UserDefined, 9_090_903, "Striking Label")
        .association("70707071", "companies", "80808081", "striking_type")
        .association("70707071", "companies", "80808082", "striking_type")
        .default_properties("partner_clients", [""; 0])
        .reversed_results()
        .text_ids()
        .refuse_duplicate_associations()
        .inverse_results()
        .html_not_found()
        .invalid_associations(InvalidAssociations::Partial)
        .unlabeled_companions(UnlabeledCompanions::Always)
        .rate_limits(RateLimits::default().per_ten_seconds(500).per_day(5_000))
        .start()
        .await
        .unwrap();
    for format in ["table", "json", "csv"] {
        let write = ["--write", "70707071", "deals", "80808083", "9090903"];
        let mut command = tool_at(&hubspot, &[&["doctor", "--beliefs", "--output", format], &write[..]].concat());
        command.env("HUBSPOT_ACCESS_TOKEN", secret);
        let ran = run(command);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.account.contains("60606060"), "who writes says in which account: {}", ran.account);
        let told = ran.out.to_lowercase();
        for belief in ["ids", "order", "default-properties", "duplicates", "companions", "inverse-results", "not-found"]
        {
            assert!(told.contains(belief), "{belief}: {told}");
        }
        for striking in ["striking", "8675309", "6060606", "7070707", "8080808", "90909", "127.0.0.1"] {
            assert!(!told.contains(striking), "{striking}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_is_neither_a_difference_nor_a_comparison() {
    // What is refused to the token says something where the belief is on what a token may ask for.
    let refuted = ["account-info", "private-app-token-info"];
    let struck: [&[(&str, &[&str])]; 3] = [
        &[
            ("oauth_token", &["oauth-v1"]),
            ("private_app_token_info", &["private-app-token-info"]),
            ("account_details", &["account-info"]),
            ("api_usage", &["account-info", "daily-usage"]),
            ("get", &["not-found", "partner-client-type-id", "default-properties", "computed-times", "id-property"]),
            ("batch_read", &["id-property-batch"]),
            ("association_types", &["association-window", "same-type-ids"]),
            ("batch_read_associations", &["batch-cursor"]),
        ],
        &[("list_associations", &["ids", "batch-cursor"])],
        &[("list", &["daily-usage", "order"])],
    ];
    let hubspot = account().start().await.unwrap();
    for (operations, status) in struck.into_iter().flat_map(|operations| [(operations, 403), (operations, 503)]) {
        for (operation, _) in operations {
            // The first three lists find out which versions answer.
            let spared = if *operation == "list" { 3 } else { 0 };
            let faults = (0..60).map(|place| (place >= spared).then(|| Fault::status(status)));
            hubspot.inject(Fault::script(faults).on(*operation));
        }
        let report = run_at(&hubspot, &["doctor", "--beliefs", "--json"]).json().remove(0);
        hubspot.clear_faults();
        let differing = differing(&report);
        let is_refutation = |belief: &str| status == 403 && refuted.contains(&belief);
        assert!(differing.iter().all(|belief| is_refutation(belief)), "{status}: {differing:?}");
        for belief in operations.iter().flat_map(|(_, beliefs)| *beliefs) {
            // No token was sent to this endpoint, so a refusal tells that it is served.
            let says = is_refutation(belief) || status == 403 && *belief == "oauth-v1";
            let is_compared = report["compared"].as_array().unwrap().iter().any(|compared| compared == belief);
            let why = report["notCompared"][belief].as_str();
            let differs = differing.contains(*belief);
            assert_eq!((is_compared, differs, why.is_none()), (says, is_refutation(belief), says), "{status} {belief}");
        }
    }
    hubspot.inject(Fault::status(404).on("private_app_token_info"));
    let report = run_at(&hubspot, &["doctor", "--beliefs", "--json"]).json().remove(0);
    assert_eq!(differing(&report), BTreeSet::new());
    assert_eq!(report["notCompared"]["private-app-token-info"], "the token is not of a private app");

    let one = crm(1, 1).association("1", "companies", "1", "owner").start().await.unwrap();
    let report = run_at(&one, &["doctor", "--beliefs", "--json"]).json().remove(0);
    assert_eq!(report["notCompared"]["order"], "the account shows nothing of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_fails_leaves_the_report() {
    let hubspot = crm(1, 1).versions(["v3"]).fault(Fault::status(403).on("dissociate")).start().await.unwrap();
    let ran = run_at(&hubspot, &["doctor", "--beliefs", "--write", "1", "companies", "1", "7"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.out.contains("compared on v3\n") && !ran.out.contains("not compared: duplicates"), "{}", ran.out);
    assert!(ran.err.contains("Look at partner client 1 and companies 1"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_says_why_and_a_token_that_is_refused_is_an_error() {
    let hubspot = crm(1, 1).association("1", "companies", "1", "owner").start().await.unwrap();
    let mut unknown = tool_at(&hubspot, &["doctor", "--beliefs"]);
    unknown.env("HUBSPOT_ACCESS_TOKEN", "unknown-token");
    let unknown = run(unknown);
    assert_eq!((unknown.code, &*unknown.out), (Some(3), ""), "{}", unknown.err);

    let write = ["doctor", "--beliefs", "--json", "--write", "1", "companies", "1", "owner"];
    let report = run_at(&hubspot, &write).json().remove(0);
    assert_eq!(report["notCompared"]["duplicates"], "the two objects are associated already");
    assert!(hubspot.requests().iter().all(|request| !request.path().ends_with("/batch/create")), "nothing was tried");
    let other = run_at(&hubspot, &["doctor", "--beliefs", "--account", "5678"]);
    assert_eq!((other.code, &*other.out), (Some(2), ""), "{}", other.err);

    for version in ["v3", "2026-09"] {
        let fault = Fault::reset().after_operation().times(1).on("batch_associate");
        let cut = crm(1, 1).versions([version]).fault(fault).start().await.unwrap();
        let write = ["doctor", "--beliefs", "--api-version", version, "--write", "1", "companies", "1", "7"];
        let ran = run_at(&cut, &write);
        assert_eq!(ran.code, Some(4), "{version}: {}", ran.err);
        let told = |text: &str| ran.out.contains(text);
        assert!(told(&format!("compared on {version}\n")), "the report is not lost: {}", ran.out);
        assert!(told("not compared: duplicates, because an error ended the comparisons"), "{}", ran.out);
        let created = cut.requests().iter().filter(|request| request.path().ends_with("/batch/create")).count();
        assert!(created == 1 && cut.associations("1").is_empty(), "{version}: what was not answered is removed");
    }

    let v3 = crm(1, 1).versions(["v3"]).start().await.unwrap();
    let report =
        run_at(&v3, &["doctor", "--beliefs", "--json", "--write", "1", "companies", "1", "owner"]).json().remove(0);
    assert_eq!((&report["versions"], differing(&report).len()), (&serde_json::json!(["v3"]), 0), "{report}");
    assert_eq!(v3.associations("1").len(), 0);
    let dated = crm(1, 1).versions(["2026-09"]).start().await.unwrap();
    let report =
        run_at(&dated, &["doctor", "--beliefs", "--json", "--write", "1", "companies", "1", "7"]).json().remove(0);
    assert_eq!((&report["versions"], differing(&report).len()), (&serde_json::json!(["2026-09"]), 0), "{report}");
    assert_eq!(dated.associations("1").len(), 0);
}
