//! Associations of two objects, by the same calls on every version of HubSpot's API.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, TryStreamExt, future::join_all};
use httpmock::MockServer;
use hubspot_partner_clients::{
    AccessToken, ApiVersion, Client, ErrorKind, RateLimit, RetryPolicy, TokenFuture, TokenProvider,
};
use hubspot_simulator::{AssociationCategory, Fault, Simulator, SimulatorBuilder};
use serde_json::json;

use crate::support::{RawServer, client_speaking, http};

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];
const DATED: [&str; 2] = ["2026-03", "2026-09"];

/// Partner client 1, companies 1 to 3, and to companies the unlabelled type 7 with the labels 36 and 37.
fn labels() -> SimulatorBuilder {
    let builder = Simulator::builder().without_seed().partner_clients([("1", [("name", "Acme")])]);
    (1..=3)
        .fold(builder, |builder, id: u32| builder.object("companies", id.to_string(), [("name", "x")]))
        .association_type("companies", 7, "client_to_company_unlabeled")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer")
}

async fn start(builder: SimulatorBuilder, version: &str) -> (Simulator, Client) {
    let simulator = builder.start().await.unwrap();
    let client = client_speaking(&simulator, version);
    (simulator, client)
}

/// The labelled types between partner client 1 and a company.
fn held(simulator: &Simulator, company: &str) -> BTreeSet<String> {
    let of_company = simulator.associations("1").into_iter().filter(|a| a.to_object_id == company);
    of_company.map(|a| a.type_id.to_string()).filter(|id| id != "7").collect()
}

fn set<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

/// The methods and paths that a simulator was asked by.
fn asked(simulator: &Simulator) -> Vec<String> {
    simulator.requests().iter().map(|request| format!("{} {}", request.method(), request.path())).collect()
}

fn client_at(base_url: &str) -> Client {
    let builder = Client::builder().base_url(base_url).access_token("t").api_version(ApiVersion::V2026_09);
    builder.rate_limit(RateLimit::unlimited()).retry(RetryPolicy::never()).build().unwrap()
}

#[tokio::test]
async fn associating_adds_a_type_and_keeps_the_others() {
    for version in VERSIONS {
        let (simulator, client) = start(labels().association("1", "companies", "1", "36"), version).await;
        for text in ["payer", "37", "USER_DEFINED:37", "PAYER"] {
            let associated = client.associate(1).with("companies", 1).as_type(text).await.unwrap();
            assert_eq!(held(&simulator, "1"), set(["36", "37"]), "{version} {text}");
            assert_eq!((associated.partner_client_id.as_str(), associated.to_object_id.as_str()), ("1", "1"));
            assert_eq!(
                (associated.to_object_type.as_str(), associated.association_type.unwrap().as_str()),
                ("companies", text)
            );
            assert_eq!(associated.partner_client.is_some(), version == "v3");
            let labels: BTreeSet<_> = associated.labels.into_iter().collect();
            assert_eq!(labels, if version == "v3" { set([]) } else { set(["Payer", "Referred by"]) });
        }
    }
}

#[tokio::test]
async fn a_label_is_found_in_any_case_and_by_the_name_that_is_made_of_it() {
    for version in DATED {
        let (simulator, client) = start(labels(), version).await;
        for text in ["Referred by", "REFERRED BY", "referred_by", "Referred_By", "36"] {
            client.associate(1).with("companies", 1).as_type(text).replacing().await.unwrap();
            assert_eq!(held(&simulator, "1"), set(["36"]), "{text}");
            client.dissociate(1).with("companies", 1).as_type(text).await.unwrap();
            assert_eq!(held(&simulator, "1"), set([]), "{text}");
        }
    }
}

#[tokio::test]
async fn replacing_takes_the_other_labels_away() {
    let (simulator, client) = start(labels().association("1", "companies", "1", "36"), "2026-09").await;
    client.associate(1).with("companies", 1).as_type(37).replacing().await.unwrap();
    assert_eq!(held(&simulator, "1"), set(["37"]));
    assert_eq!(asked(&simulator).len(), 2, "the list of types and the write");

    let (simulator, client) = start(labels(), "v3").await;
    let error = client.associate(1).with("companies", 1).as_type(37).replacing().await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("version v3"), "{error}");
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn one_label_alone_takes_one_request_for_each_association() {
    let builder = Simulator::builder().without_seed().partner_clients([("1", [("name", "x")])]);
    let builder = builder
        .object("companies", "1", [("name", "x")])
        .association_type("companies", 7, "client_to_company_unlabeled")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Owner");
    let (simulator, client) = start(builder, "2026-09").await;
    let other = client.clone();
    for client in [&client, &other, &client] {
        client.associate(1).with("companies", 1).as_type("owner").await.unwrap();
    }
    let pair = "PUT /crm/objects/2026-09/partner_clients/1/associations/companies/1";
    assert_eq!(asked(&simulator), ["GET /crm/associations/2026-09/partner_clients/companies/labels", pair, pair, pair]);
}

#[tokio::test]
async fn a_type_that_does_not_exist_ends_in_the_choices_before_anything_is_changed() {
    let (simulator, client) = start(labels(), "2026-09").await;
    for text in ["owner", "38", "HUBSPOT_DEFINED:37", "client_to_company_unlabeled", "99999999999999999"] {
        for error in [
            client.associate(1).with("companies", 1).as_type(text).await.unwrap_err(),
            client.dissociate(1).with("companies", 1).as_type(text).await.unwrap_err(),
        ] {
            assert!(error.is_invalid_input());
            let expected = format!(
                "association type {text:?} does not exist from partner clients to companies: give one of \
                 HUBSPOT_DEFINED:7 (unlabelled), USER_DEFINED:36 (Referred by), USER_DEFINED:37 (Payer)"
            );
            assert_eq!(error.message(), expected);
        }
    }
    assert!(asked(&simulator).iter().all(|request| request.ends_with("/labels")), "no write");
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        let error = client.associate(1).with("companies", 1).as_type("NOBODY_DEFINED:36").await.unwrap_err();
        assert_eq!(
            error.message(),
            "association type \"NOBODY_DEFINED:36\" has a category that HubSpot does not have: give one of \
             HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED, WORK before the number"
        );
        assert!(simulator.requests().is_empty());
    }
}

#[tokio::test]
async fn what_may_be_several_types_ends_in_those() {
    let listed = json!({"results": [
        {"category": "HUBSPOT_DEFINED", "typeId": 36, "label": null},
        {"category": "USER_DEFINED", "typeId": 36, "label": "Payer"},
        {"category": "USER_DEFINED", "typeId": 40, "label": " payer "},
    ]});
    let server = RawServer::json(200, &listed.to_string()).await;
    let client = client_at(&server.base_url);
    for (text, several) in [
        ("36", "HUBSPOT_DEFINED:36 (unlabelled), USER_DEFINED:36 (Payer)"),
        ("PAYER", "USER_DEFINED:36 (Payer), USER_DEFINED:40 ( payer )"),
    ] {
        let error = client.associate(1).with("companies", 1).as_type(text).await.unwrap_err();
        assert!(error.is_invalid_input());
        let expected = format!(
            "association type {text:?} is more than one type from partner clients to companies: give one of {several}"
        );
        assert_eq!(error.message(), expected);
    }
    assert_eq!(server.received().len(), 1, "the list, once");
}

#[tokio::test]
async fn the_default_type_is_hubspots_choice() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        let associated = client.associate(1).with("companies", 2).as_default().await.unwrap();
        let types: Vec<_> = simulator.associations("1").iter().map(|a| a.type_id.to_string()).collect();
        assert_eq!(types, ["7"], "{version}");
        let association_type = associated.association_type.unwrap();
        assert_eq!(association_type.as_str(), if version == "v3" { "7" } else { "HUBSPOT_DEFINED:7" });
        client.dissociate(1).with("companies", 2).as_type(association_type).await.unwrap();
        assert!(simulator.associations("1").is_empty());
    }
    let two = labels().association_type("deals", 50, "one").association_type("deals", 51, "two");
    let (_simulator, client) = start(two, "v3").await;
    let error = client.associate(1).with("deals", 2).as_default().await.unwrap_err();
    assert!(
        error.is_invalid_input() && error.message().ends_with("give one of one (50), two (51) to as_type"),
        "{error}"
    );
}

#[tokio::test]
async fn dissociating_removes_one_type() {
    for version in VERSIONS {
        let builder = labels().association("1", "companies", "1", "36").association("1", "companies", "1", "37");
        let (simulator, client) = start(builder.association("1", "companies", "2", "36"), version).await;
        for _ in 0..2 {
            client.dissociate(1).with("companies", 1).as_type(36).await.unwrap();
            assert_eq!(held(&simulator, "1"), set(["37"]), "{version}");
        }
        assert_eq!(held(&simulator, "2"), set(["36"]), "{version}");
    }
}

#[tokio::test]
async fn the_unlabelled_type_does_not_take_labels_along_unless_they_may_go() {
    for version in DATED {
        let builder = labels().association("1", "companies", "1", "7").association("1", "companies", "1", "36");
        let (simulator, client) = start(builder.association("1", "companies", "2", "7"), version).await;
        let error = client.dissociate(1).with("companies", 1).as_type(7).await.unwrap_err();
        assert!(error.is_invalid_input());
        assert_eq!(
            error.message(),
            "association type \"7\" is the unlabelled one, and HubSpot removes the labels of the pair with it (Referred \
             by): set including_labels if they may go, or remove a label instead"
        );
        assert_eq!(held(&simulator, "1"), set(["36"]));
        // Without labels there is nothing to lose.
        client.dissociate(1).with("companies", 2).as_type(7).await.unwrap();
        client.dissociate(1).with("companies", 1).as_type(7).including_labels().await.unwrap();
        assert!(simulator.associations("1").is_empty());
    }
}

#[tokio::test]
async fn all_types_of_two_objects_are_removed_at_once() {
    for version in VERSIONS {
        let builder = labels().association("1", "companies", "1", "36").association("1", "companies", "1", "7");
        let (simulator, client) = start(builder.association("1", "companies", "2", "37"), version).await;
        for _ in 0..2 {
            client.dissociate_all(1, "companies", 1).await.unwrap();
        }
        let left: Vec<_> = simulator.associations("1").into_iter().map(|a| a.to_object_id).collect();
        assert_eq!(left, ["2"], "{version}");
    }
}

/// Each row can be given back to the calls that remove it.
#[tokio::test]
async fn each_type_of_an_associated_object_is_a_row() {
    for version in VERSIONS {
        let mut builder = labels();
        for company in ["1", "2", "3"] {
            builder = builder.association("1", "companies", company, "36").association("1", "companies", company, "37");
        }
        let (simulator, client) = start(builder, version).await;
        let rows: Vec<_> = client.associations(1, "companies").page_size(2).items().try_collect().await.unwrap();
        let found: BTreeSet<_> = rows.iter().map(|row| format!("{} {}", row.id, row.type_)).collect();
        let types = if version == "v3" { ["referred_by", "payer"] } else { ["USER_DEFINED:36", "USER_DEFINED:37"] };
        let expected = ["1", "2", "3"].into_iter().flat_map(|id| types.map(|name| format!("{id} {name}"))).collect();
        assert_eq!(found, expected, "{version}");
        assert_eq!(rows.len(), 6);
        assert!(client.is_associated(1, "companies", 2, 36).await.unwrap());
        for row in rows {
            client.dissociate(1).with("companies", row.id).as_type(row.type_).await.unwrap();
        }
        assert!(simulator.associations("1").is_empty(), "{version}");
        assert!(!client.is_associated(1, "companies", 2, 36).await.unwrap());
    }
}

#[tokio::test]
async fn association_types_tell_what_their_version_knows() {
    let (_simulator, v3) = start(labels(), "v3").await;
    let (_simulator, dated) = start(labels(), "2026-09").await;
    let (of_v3, of_dated) =
        (v3.association_types("companies").await.unwrap(), dated.association_types("companies").await.unwrap());
    let ids = |types: &[hubspot_partner_clients::AssociationDefinition]| -> BTreeSet<_> {
        types.iter().map(|known| known.id.to_string()).collect()
    };
    assert_eq!(ids(&of_v3), ids(&of_dated), "what a name becomes is found by the number");
    let payer = of_v3.iter().find(|known| known.id.as_str() == "37").unwrap();
    assert_eq!((payer.name.as_deref(), &payer.category, &payer.label), (Some("payer"), &None, &None));
    let payer = of_dated.iter().find(|known| known.id.as_str() == "37").unwrap();
    assert_eq!(
        (&payer.name, payer.category.as_deref(), payer.label.as_deref()),
        (&None, Some("USER_DEFINED"), Some("Payer"))
    );
    let unlabelled = of_dated.iter().find(|known| known.id.as_str() == "7").unwrap();
    assert_eq!((unlabelled.category.as_deref(), &unlabelled.label), (Some("HUBSPOT_DEFINED"), &None));
    dated.associate(1).with("companies", 1).as_type(payer).await.unwrap();
}

#[tokio::test]
async fn the_partner_client_is_had_on_every_version() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        let call = client.associate(1).with("companies", 1).as_type(36).then_get();
        let (partner_client, meta) = call.send_with_meta().await.unwrap();
        assert_eq!((partner_client.id.as_str(), meta.status), ("1", Some(200)), "{version}");
        assert_eq!(held(&simulator, "1"), set(["36"]));
    }
    let (simulator, client) = start(labels(), "2026-09").await;
    simulator.inject(Fault::status(503).on("get"));
    let error = client.associate(1).with("companies", 1).as_type(36).then_get().await.unwrap_err();
    assert_eq!((error.operation(), error.kind()), (Some("get"), ErrorKind::Server), "the association was made");
    assert_eq!(held(&simulator, "1"), set(["36"]));
}

#[tokio::test]
async fn many_calls_ask_for_the_types_once_and_again_for_one_that_is_not_there() {
    let (simulator, client) = start(labels(), "2026-09").await;
    let calls =
        (0..40).map(|place| client.clone().associate(1).with("companies", place % 3 + 1).as_type("payer").send());
    join_all(calls).await.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    let lists = || asked(&simulator).iter().filter(|request| request.ends_with("/labels")).count();
    assert_eq!(lists(), 1);
    client.associate(1).with("companies", 1).as_type("nobody").await.unwrap_err();
    assert_eq!(lists(), 2, "it may be new");
    client.associate(1).with("companies", 1).as_type("payer").await.unwrap();
    assert_eq!(lists(), 2);
    let other = client.for_account(hubspot_partner_clients::AccessToken::new(simulator.access_token()).unwrap());
    other.associate(1).with("companies", 1).as_type("payer").await.unwrap();
    assert_eq!(lists(), 3, "another account has types of its own");
}

#[tokio::test]
async fn a_list_that_failed_is_asked_for_again() {
    let (simulator, client) = start(labels(), "2026-09").await;
    simulator.inject(Fault::status(503).times(1));
    let error = client.associate(1).with("companies", 1).as_type("payer").await.unwrap_err();
    assert_eq!((error.operation(), error.kind()), (Some("association_labels"), ErrorKind::Server));
    client.associate(1).with("companies", 1).as_type("payer").await.unwrap();
}

/// The one who asks for the types may be dropped, or never be polled again.
#[tokio::test]
async fn a_call_left_alone_while_it_finds_its_type_holds_up_no_other() {
    let (_simulator, client) = start(labels(), "2026-09").await;
    let mut left_alone = Box::pin(client.associate(1).with("companies", 1).as_type("payer").send());
    assert!((&mut left_alone).now_or_never().is_none());
    let mut dropped = Box::pin(client.associate(1).with("companies", 1).as_type("payer").send());
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    let other = client.associate(1).with("companies", 2).as_type("payer");
    tokio::time::timeout(Duration::from_secs(60), other.send()).await.expect("it is held up").unwrap();
    left_alone.await.unwrap();
}

/// HubSpot lists errors in an answer that has the status of a success.
#[tokio::test]
async fn errors_inside_of_a_success_are_errors() {
    let server = MockServer::start_async().await;
    let types = json!({"results": [{"category": "HUBSPOT_DEFINED", "typeId": 36, "label": null}]});
    server
        .mock_async(|when, then| {
            when.path("/crm/associations/2026-09/partner_clients/companies/labels");
            then.status(200).json_body(types);
        })
        .await;
    let failed = json!({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [
        {"status": "error", "category": "VALIDATION_ERROR", "message": "One or more associations are invalid"}]});
    server
        .mock_async(|_, then| {
            then.status(200).json_body(failed);
        })
        .await;
    let client = client_at(&server.base_url());
    for (operation, error) in [
        ("batch_dissociate_labels", client.dissociate(1).with("companies", 1).as_type(36).await.unwrap_err()),
        ("associate_default", client.associate(1).with("companies", 1).as_default().await.unwrap_err()),
    ] {
        assert_eq!((error.operation(), error.category()), (Some(operation), Some("VALIDATION_ERROR")));
        assert_eq!(error.message(), "One or more associations are invalid");
    }
}

#[tokio::test]
async fn a_write_that_was_carried_out_is_no_failure_whatever_its_answer_says() {
    let types = json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"}]}).to_string();
    for body in ["", "null", "{}", r#"{"labels": null, "toObjectId": {}}"#, r#"{"labels": "Owner"}"#] {
        for status in [200, 201, 204] {
            let (types, answered) = (types.clone(), body.to_owned());
            let server = RawServer::start(move |mut stream, _| {
                let (types, answered) = (types.clone(), answered.clone());
                async move {
                    let request = crate::support::tcp::read_request(&mut stream).await;
                    let answer = match request.starts_with("GET") {
                        true => http(200, "application/json", &types),
                        false if status == 204 => http(204, "application/json", ""),
                        false => http(status, "application/json", &answered),
                    };
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
                    Some(stream)
                }
            })
            .await;
            let client = client_at(&server.base_url);
            client.associate(1).with("companies", 1).as_type("owner").await.unwrap();
            if body.contains("labels") {
                continue;
            }
            client.associate(1).with("companies", 1).as_default().await.unwrap();
            client.dissociate(1).with("companies", 1).as_type("owner").await.unwrap();
            client.dissociate_all(1, "companies", 1).await.unwrap();
        }
    }
}

/// What cannot be read may be a label that would be lost.
#[tokio::test]
async fn labels_that_cannot_be_read_are_not_replaced() {
    let server = MockServer::start_async().await;
    let types = json!({"results": [
        {"category": "USER_DEFINED", "typeId": 36, "label": "Owner"},
        {"category": "USER_DEFINED", "typeId": 37, "label": "Payer"},
    ]});
    server
        .mock_async(|when, then| {
            when.path("/crm/associations/2026-09/partner_clients/companies/labels");
            then.status(200).json_body(types);
        })
        .await;
    let odd = json!({"results": [{"toObjectId": 1, "associationTypes": [{"category": "USER_DEFINED", "typeId": {}}]}]});
    server
        .mock_async(|when, then| {
            when.path("/crm/objects/2026-09/partner_clients/1/associations/companies");
            then.status(200).json_body(odd);
        })
        .await;
    let error = client_at(&server.base_url()).associate(1).with("companies", 1).as_type("owner").await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}

/// From 2026-09 on writes obey the rules of the account.
#[tokio::test]
async fn what_an_account_s_rules_refuse_is_told_apart() {
    let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid", "errors": [
        {"code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "message": "m", "context": {"propertyName": ["reason"]}},
        {"code": "INVALID_INTEGER", "message": "m", "context": {"propertyName": ["count"]}},
        {"code": "MISSING_REQUIRED_PROPERTY", "message": "m", "context": {"propertyName": ["owner"]}},
    ]});
    let server = RawServer::json(400, &body.to_string()).await;
    let error = client_at(&server.base_url).update(1).set("status", "LOST").await.unwrap_err();
    assert_eq!(error.missing_properties(), ["reason", "owner"]);
    assert!(error.remedy().contains("the account's rules require them"), "{}", error.remedy());
    assert!(!error.is_missing_permission());

    let body = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Missing 'Edit Associations' permission."});
    let server = RawServer::json(400, &body.to_string()).await;
    let error = client_at(&server.base_url).associate(1).with("companies", 1).as_default().await.unwrap_err();
    assert!(error.is_missing_permission() && error.missing_properties().is_empty());
    assert!(error.remedy().contains("permission to edit associations"), "{}", error.remedy());
}

/// HubSpot takes a time of day where a date belongs, and says what it made of it.
#[tokio::test]
async fn a_value_that_hubspot_normalizes_comes_back_with_a_warning() {
    let (_simulator, client) = start(labels().date_property("partner_clients", "renewal"), "2026-09").await;
    let updated = client.update(1).set("renewal", "2026-11-27T15:30:00Z").await.unwrap();
    let warning = &updated.warnings[0];
    assert_eq!(warning.category, "PROPERTY_VALUE_NORMALIZED");
    assert_eq!((&*warning.context["propertyName"], &*warning.context["rawValue"]), ("renewal", "2026-11-27T15:30:00Z"));
}

/// A server that lists these association types, and answers every other request with a body.
async fn listing(types: serde_json::Value, body: serde_json::Value) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path("/crm/associations/2026-09/partner_clients/companies/labels");
            then.status(200).json_body(json!({"results": types}));
        })
        .await;
    server
        .mock_async(|_, then| {
            then.status(200).json_body(body);
        })
        .await;
    server
}

#[tokio::test]
async fn a_type_without_a_number_or_a_category_is_no_type() {
    let odd = json!([
        {"category": "USER_DEFINED", "typeId": -5, "label": "Odd"},
        {"category": "USER_DEFINED", "typeId": 36, "label": "Owner"},
        {"category": "", "typeId": 37, "label": "None"},
    ]);
    let associated = json!({"results": [{"toObjectId": 1, "associationTypes": odd}]});
    let server = listing(odd, associated).await;
    let client = client_at(&server.base_url());
    let types = client.association_types("companies").await.unwrap();
    assert_eq!(types.iter().map(|listed| listed.id.as_str()).collect::<Vec<_>>(), ["36"]);
    let rows = client.associations(1, "companies").await.unwrap().results;
    assert_eq!(rows.iter().map(|row| row.type_.as_str()).collect::<Vec<_>>(), ["", "USER_DEFINED:36", "37"]);
}

#[tokio::test]
async fn a_time_that_cannot_be_kept_is_refused_before_anything_is_sent() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        for time in [Duration::MAX, Duration::ZERO] {
            let pair = || client.associate(1).with("companies", 1);
            for error in [
                pair().as_type("payer").call_timeout(time).await.unwrap_err(),
                pair().as_type("payer").then_get().call_timeout(time).await.unwrap_err(),
                client.dissociate(1).with("companies", 1).as_type("payer").call_timeout(time).await.unwrap_err(),
                client.dissociate_all(1, "companies", 1).call_timeout(time).await.unwrap_err(),
            ] {
                assert!(error.is_invalid_input() && error.message().contains("call timeout"), "{version}: {error}");
            }
        }
        assert!(simulator.requests().is_empty());
    }
}

/// However many requests a call takes.
#[tokio::test(start_paused = true)]
async fn a_call_timeout_is_of_the_whole_call_and_told_as_it_was_set() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        client.associate(1).with("companies", 1).as_type("36").await.unwrap();
        simulator.inject(Fault::delay(Duration::from_secs(6)));
        let began = tokio::time::Instant::now();
        let all = client.dissociate_all(1, "companies", 1).call_timeout(Duration::from_secs(10)).await;
        assert!(began.elapsed() <= Duration::from_secs(10), "{version}: {:?}", began.elapsed());
        if version == "v3" {
            let error = all.unwrap_err();
            assert!(error.message().contains("10s"), "{error}");
        }
        let began = tokio::time::Instant::now();
        let associate = client.associate(1).with("companies", 1).as_type("36").then_get();
        let both = associate.call_timeout(Duration::from_secs(10)).await;
        assert!(began.elapsed() <= Duration::from_secs(10), "{version}: {:?}", began.elapsed());
        if version != "v3" {
            let error = both.unwrap_err();
            assert!(error.message().contains("10s"), "{error}");
        }
        // The type is looked up first.
        let client = Client::builder()
            .base_url(simulator.base_url())
            .access_token(simulator.access_token())
            .api_version(version.parse().unwrap())
            .call_timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        let began = tokio::time::Instant::now();
        let error = client.is_associated(1, "companies", 1, "36").await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_secs(10), "{version}: {:?}", began.elapsed());
        assert!(error.message().contains("10s"), "{error}");
    }
}

#[tokio::test]
async fn a_category_is_meant_in_any_case() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(), version).await;
        client.associate(1).with("companies", 1).as_type("user_defined:36").await.unwrap();
        assert_eq!(held(&simulator, "1"), set(["36"]), "{version}");
    }
}

/// HubSpot says that a batch was cancelled, that it is still at it, or only how many errors there were.
#[tokio::test]
async fn what_hubspot_does_not_say_is_done_is_not_told_as_done() {
    let types = json!([{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"}]);
    for body in [
        json!({"status": "CANCELED", "results": []}),
        json!({"status": "PROCESSING", "results": []}),
        json!({"status": "COMPLETE", "numErrors": 1, "results": []}),
    ] {
        let server = listing(types.clone(), body.clone()).await;
        let client = client_at(&server.base_url());
        let outcomes = client.dissociate_many([hubspot_partner_clients::Association::new(1, "companies", 1, "36")]);
        let outcomes: Vec<_> = futures_util::StreamExt::collect(outcomes.outcomes()).await;
        let (many, one) = (outcomes[0].result.clone(), client.dissociate(1).with("companies", 1).as_type("36").await);
        for outcome in [many, one, client.associate(1).with("companies", 1).as_default().await.map(drop)] {
            assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::NoOutcome), "{body}");
        }
    }
}

/// Somebody may make a label and use it while a client goes on.
#[tokio::test(start_paused = true)]
async fn a_list_that_is_old_does_not_decide_that_a_pair_has_no_other_label() {
    use std::sync::{Arc, Mutex};
    let labels = Arc::new(Mutex::new(json!([{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"}])));
    let (listed, sent) = (Arc::clone(&labels), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&sent);
    let server = RawServer::start(move |mut stream, _| {
        let (listed, log) = (Arc::clone(&listed), Arc::clone(&log));
        async move {
            let request = crate::support::tcp::read_request(&mut stream).await;
            let body = if request.contains("/labels") {
                json!({"results": *listed.lock().unwrap()})
            } else if request.starts_with("GET") {
                json!({"results": [{"toObjectId": 1, "associationTypes": *listed.lock().unwrap()}]})
            } else {
                log.lock().unwrap().push(request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned());
                json!({"labels": []})
            };
            let answer = http(200, "application/json", &body.to_string());
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url);
    let owner = || client.associate(1).with("companies", 1).as_type("owner");
    owner().await.unwrap();
    labels
        .lock()
        .unwrap()
        .as_array_mut()
        .unwrap()
        .push(json!({"category": "USER_DEFINED", "typeId": 37, "label": "B"}));
    tokio::time::sleep(Duration::from_secs(60)).await;
    owner().await.unwrap();
    let sent = sent.lock().unwrap();
    assert!(!sent[0].contains("37") && sent[1].contains("36") && sent[1].contains("37"), "{sent:?}");
}

#[tokio::test]
async fn a_label_is_found_as_people_have_typed_it() {
    let labels = ["Owner – EMEA", "❤️ Partner", "#1 contact", "(Primary)", "担当者\u{3000}A", "می\u{200c}خواهم"];
    let builder = Simulator::builder()
        .without_seed()
        .partner_clients([("1", [("name", "Acme")])])
        .object("companies", "1", [("name", "x")])
        .association_type("companies", 7, "client_to_company_unlabeled");
    let builder = (40..).zip(labels).fold(builder, |builder, (id, label)| {
        builder.association_label("companies", AssociationCategory::UserDefined, id, label)
    });
    let simulator = builder.start().await.unwrap();
    for version in DATED {
        let client = client_speaking(&simulator, version);
        for (id, label) in (40..).zip(labels) {
            client.associate(1).with("companies", 1).as_type(label).await.unwrap();
            let id: u64 = id;
            assert!(held(&simulator, "1").contains(&id.to_string()), "{version} {label}");
            client.dissociate(1).with("companies", 1).as_type(label).await.unwrap();
            assert!(!held(&simulator, "1").contains(&id.to_string()), "{version} {label}");
        }
    }
}

/// The list of types is asked for by a request of its own, for which the time of the call counts as well.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_used_up_is_told_at_once_whatever_a_call_has_to_find_out_first() {
    for version in VERSIONS {
        let simulator = labels().start().await.unwrap();
        let client = Client::builder()
            .base_url(simulator.base_url())
            .access_token(simulator.access_token())
            .api_version(version.parse().unwrap())
            .rate_limit(RateLimit::per_ten_seconds(1))
            .build()
            .unwrap();
        client.get(1).await.unwrap();
        let began = tokio::time::Instant::now();
        let time = Duration::from_secs(2);
        let pair = || client.associate(1).with("companies", 1);
        let row = [hubspot_partner_clients::Association::new(1, "companies", 1, "36")];
        let many = client.associate_many(row).call_timeout(time).outcomes();
        let many = futures_util::StreamExt::collect::<Vec<_>>(many).await.remove(0).result;
        for outcome in [
            pair().as_type("36").call_timeout(time).await.map(drop),
            pair().as_type("36").then_get().call_timeout(time).await.map(drop),
            client.dissociate(1).with("companies", 1).as_type("36").call_timeout(time).await,
            client.reconcile([1], "companies", row_of("36")).call_timeout(time).plan().await.map(drop),
            many,
        ] {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::QueueTimeout, 0), "{version}: {error}");
            assert!(error.retry_after().is_some_and(|after| after > Duration::from_secs(5)), "{version}: {error:?}");
            assert!(error.operation().is_some(), "{error}");
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{version}: {:?}", began.elapsed());
        assert_eq!(simulator.requests().len(), 1);
    }
}

fn row_of(association_type: &str) -> [hubspot_partner_clients::Association; 1] {
    [hubspot_partner_clients::Association::new(1, "companies", 1, association_type).unwrap()]
}

/// Of calls that wait for one list of types, one had too little time.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_fail_for_the_time_of_another() {
    for version in DATED {
        // The limit is used up, or HubSpot is slow.
        for is_slow in [false, true] {
            let simulator = labels().start().await.unwrap();
            let limit = if is_slow { RateLimit::unlimited() } else { RateLimit::per_ten_seconds(1) };
            let client = Client::builder()
                .base_url(simulator.base_url())
                .access_token(simulator.access_token())
                .api_version(version.parse().unwrap())
                .rate_limit(limit)
                .build()
                .unwrap();
            client.get(1).await.unwrap();
            if is_slow {
                simulator.inject(Fault::delay(Duration::from_secs(5)).on("association_types"));
            }
            let associate = |seconds| {
                let call = client.associate(1).with("companies", 1).as_type("36");
                call.call_timeout(Duration::from_secs(seconds)).send()
            };
            let call = client.associate(1).with("companies", 2).as_type("36");
            let (short, long, endless) = tokio::join!(associate(2), associate(90), call.send());
            let error = short.unwrap_err();
            let kind = if is_slow { ErrorKind::Timeout } else { ErrorKind::QueueTimeout };
            assert_eq!((error.kind(), error.operation()), (kind, Some("association_labels")), "{version}: {error}");
            long.unwrap();
            endless.unwrap();
            assert_eq!(held(&simulator, "1"), set(["36"]));
            let lists = asked(&simulator).iter().filter(|request| request.ends_with("/labels")).count();
            // The endless one does not rely on the long one, whose time may be too short as well.
            assert!(if is_slow { (2..=3).contains(&lists) } else { (1..=2).contains(&lists) }, "{lists}");
        }
    }
}

/// Nor for another's way to send it.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_fail_for_the_settings_of_another() {
    let (simulator, client) = start(labels(), "2026-09").await;
    for (fault, kind) in [
        (Fault::delay(Duration::from_secs(5)), ErrorKind::Timeout),
        (Fault::status(503).times(1), ErrorKind::Server),
        (Fault::status(401).times(1), ErrorKind::Unauthorized),
    ] {
        let client = client.for_account(hubspot_partner_clients::AccessToken::new(simulator.access_token()).unwrap());
        simulator.clear_faults();
        simulator.inject(fault.on("association_types"));
        let associate = |company| client.associate(1).with("companies", company).as_type("36");
        let short = associate(1).timeout(Duration::from_secs(1));
        let lists = || asked(&simulator).iter().filter(|request| request.ends_with("/labels")).count();
        let before = lists();
        let same = associate(3).timeout(Duration::from_secs(1));
        let (short, other, another, same) =
            tokio::join!(short.send(), associate(2).send(), associate(2).send(), same.send());
        assert_eq!(short.unwrap_err().kind(), kind);
        // One like it has the same error, and is not sent again.
        assert_eq!(same.unwrap_err().kind(), kind);
        match kind {
            ErrorKind::Unauthorized => {
                assert_eq!(other.unwrap_err().kind(), kind, "it is true of every call");
                assert_eq!((another.unwrap_err().kind(), lists() - before), (kind, 1));
            }
            _ => {
                other.unwrap();
                another.unwrap();
                assert_eq!(lists() - before, 2, "those alike ask once");
            }
        }
    }
}

/// Each call has a header of its own, so that none can tell from the failure of another that it fails as well.
#[tokio::test]
async fn calls_that_wait_for_one_list_do_not_fail_one_after_the_other() {
    const CALLS: usize = 20;
    let (first, rest) = (Arc::new(AtomicBool::new(true)), Arc::new(tokio::sync::Barrier::new(CALLS - 1)));
    let server = RawServer::start(move |mut stream, _| {
        let (first, rest) = (Arc::clone(&first), Arc::clone(&rest));
        async move {
            crate::support::tcp::read_request(&mut stream).await;
            if !first.swap(false, Ordering::SeqCst) {
                // None is answered before all are sent.
                rest.wait().await;
            }
            let answer = http(503, "application/json", "{}");
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url);
    let failed = tokio::time::timeout(Duration::from_secs(30), associate_in_ways(&client, CALLS)).await;
    for error in failed.expect("they wait for one another") {
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    }
    assert_eq!(server.accepted(), CALLS);
}

#[tokio::test]
async fn a_refusal_of_the_list_is_true_of_every_call_that_waits_for_it() {
    let of_hubspot = |category: &str| {
        json!({"status": "error", "category": category, "message": "no", "correlationId": "1"}).to_string()
    };
    let of_gateway = || "<html></html>".to_owned();
    // A gateway may tell calls apart by their headers.
    for (status, body, kind, by_header) in [
        (400, of_hubspot("VALIDATION_ERROR"), ErrorKind::Refused, 1),
        (401, of_hubspot("INVALID_AUTHENTICATION"), ErrorKind::Unauthorized, 1),
        (401, of_gateway(), ErrorKind::Unauthorized, 20),
        (404, of_gateway(), ErrorKind::UnknownPath, 20),
        (405, of_gateway(), ErrorKind::UnknownPath, 20),
    ] {
        let server = RawServer::json(status, &body).await;
        for error in associate_in_ways(&client_at(&server.base_url), 20).await {
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert_eq!(server.accepted(), by_header, "{status} {body}");

        let server = RawServer::json(status, &body).await;
        let client = client_at(&server.base_url);
        let call =
            |id: u64| client.associate(1).with("companies", 1).as_type("36").timeout(Duration::from_secs(30 + id));
        for outcome in join_all((0..20).map(|id| call(id).send())).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert_eq!(server.accepted(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn a_call_with_the_header_that_a_gateway_wants_does_not_fail_for_one_without() {
    for (status, kind) in [(401, ErrorKind::Unauthorized), (404, ErrorKind::UnknownPath)] {
        let server = RawServer::start(move |mut stream, _| async move {
            let request = crate::support::tcp::read_request(&mut stream).await;
            let answer = if !request.to_lowercase().contains("x-route: crm") {
                http(status, "text/html", "<html></html>")
            } else if request.starts_with("GET") {
                let types = json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"}]});
                http(200, "application/json", &types.to_string())
            } else {
                http(200, "application/json", &json!({"labels": []}).to_string())
            };
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
            Some(stream)
        })
        .await;
        let client = client_at(&server.base_url);
        let associate = || client.associate(1).with("companies", 1).as_type("owner");
        let (without, with) = tokio::join!(associate().send(), associate().header("x-route", "crm").send());
        assert_eq!(without.unwrap_err().kind(), kind);
        with.unwrap();
    }
}

/// Calls that are sent in different ways, and fail.
async fn associate_in_ways(client: &Client, calls: usize) -> Vec<hubspot_partner_clients::Error> {
    let call = |id: usize| {
        let call = client.associate(1).with("companies", 1).as_type("36");
        call.header("x-request-id", &id.to_string()).send()
    };
    join_all((0..calls).map(call)).await.into_iter().map(Result::unwrap_err).collect()
}

/// It gave up before its time was over, as the next attempt would have come after it.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_fail_where_another_had_no_time_for_its_next_attempt() {
    let day = Duration::from_secs(86_400);
    for status in [503, 429] {
        // The rate limit or the delay leaves no time.
        for is_limited in [false, true] {
            let (retry, limit) = match is_limited {
                true => (RetryPolicy::default().base_delay(Duration::from_millis(1)), RateLimit::per_ten_seconds(1)),
                false => (RetryPolicy::default().base_delay(day).max_delay(day), RateLimit::unlimited()),
            };
            let simulator = labels().start().await.unwrap();
            simulator.inject(Fault::status(status).times(1).on("association_types"));
            let client = Client::builder()
                .base_url(simulator.base_url())
                .access_token(simulator.access_token())
                .api_version(ApiVersion::V2026_09)
                .rate_limit(limit)
                .retry(retry)
                .timeout(day)
                .build()
                .unwrap();
            let associate = |company| client.associate(1).with("companies", company).as_type("36");
            let short = associate(1).call_timeout(Duration::from_secs(2));
            // It has more time, but not enough either, and is not sent again.
            let longer = associate(2).call_timeout(Duration::from_millis(2100));
            let (short, longer, endless) = tokio::join!(short.send(), longer.send(), associate(3).send());
            assert_eq!(short.unwrap_err().status(), Some(status), "{is_limited}");
            let longer = longer.unwrap_err();
            assert_eq!(longer.status(), Some(status), "{is_limited} {longer:?}");
            endless.unwrap();
            assert_eq!(held(&simulator, "3"), set(["36"]));
        }
    }
}

/// Each has a little more time than the one before, and the time of the first is over or leaves none for its next attempt.
#[tokio::test(start_paused = true)]
async fn calls_that_are_alike_ask_together_when_one_of_them_had_too_little_time() {
    const CALLS: u32 = 100;
    let (total, apart) = (Duration::from_secs(10), Duration::from_millis(10));
    let refused =
        |status| Fault::status(status).delayed(Duration::from_millis(1200)).retry_after(Duration::from_secs(9));
    for (fault, passes) in [
        (refused(503).times(1), true),
        (refused(429).times(1), true),
        (refused(503), false),
        (Fault::delay(Duration::from_secs(60)), false),
    ] {
        let simulator = labels().start().await.unwrap();
        simulator.inject(fault.clone().on("association_types"));
        let client = Client::builder()
            .base_url(simulator.base_url())
            .access_token(simulator.access_token())
            .api_version(ApiVersion::V2026_09)
            .rate_limit(RateLimit::unlimited())
            .call_timeout(total)
            .build()
            .unwrap();
        let associate = async |after: u32| {
            tokio::time::sleep(apart * after).await;
            client.associate(1).with("companies", 1).as_type("36").await
        };
        let outcomes = join_all((0..CALLS).map(associate)).await;
        let lists = asked(&simulator).iter().filter(|request| request.ends_with("/labels")).count();
        assert!((2..=3).contains(&lists), "{lists} lists, {fault:?}");
        assert!(outcomes[0].is_err(), "{fault:?}");
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(outcomes[CALLS as usize - 1].is_ok(), passes, "{fault:?}");
        assert!(if passes { done > CALLS as usize / 2 } else { done == 0 }, "{done} done, {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_fail_where_another_had_no_time_for_a_token() {
    let (simulator, _) = start(labels(), "2026-09").await;
    let client = Client::builder()
        .base_url(simulator.base_url())
        .token_provider(Slow(simulator.access_token().to_owned()))
        .api_version(ApiVersion::V2026_09)
        .rate_limit(RateLimit::unlimited())
        .build()
        .unwrap();
    let associate = |company| client.associate(1).with("companies", company).as_type("36");
    let short = associate(1).call_timeout(Duration::from_secs(2)).header("x-request-id", "1");
    let (short, other) = tokio::join!(short.send(), associate(2).send());
    assert_eq!(short.unwrap_err().kind(), ErrorKind::Token);
    other.unwrap();
}

/// A token takes five seconds.
struct Slow(String);

impl TokenProvider for Slow {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(AccessToken::new(self.0.clone())?)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_while_another_finds_its_type_has_sent_nothing() {
    let (simulator, client) = start(labels(), "2026-09").await;
    simulator.inject(Fault::delay(Duration::from_secs(60)).on("association_types"));
    let began = tokio::time::Instant::now();
    let other = client.associate(1).with("companies", 1).as_type("36");
    let short = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let call = client.associate(1).with("companies", 2).as_type("36");
        (call.call_timeout(Duration::from_secs(2)).await, began.elapsed().as_secs())
    };
    let (other, (short, seconds)) = tokio::join!(other.send(), short);
    other.unwrap();
    let error = short.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), seconds), (ErrorKind::QueueTimeout, 0, 3), "{error}");
    assert!(error.message().starts_with("nothing was sent: ") && error.message().contains("2s"), "{error}");
    assert!(error.remedy().starts_with("Nothing was sent."), "{}", error.remedy());
    assert_eq!((error.operation(), error.is_retryable()), (Some("association_labels"), true));
    assert_eq!((held(&simulator, "1"), held(&simulator, "2")), (set(["36"]), set([])));
}

/// A list that was asked for before a label was made may come after it.
#[tokio::test]
async fn a_label_that_was_made_before_a_call_is_known_to_it() {
    let (go, going) = tokio::sync::watch::channel(false);
    let (told, mut listed) = tokio::sync::watch::channel(false);
    let server = RawServer::start(move |mut stream, _| {
        let (mut going, told) = (going.clone(), told.clone());
        async move {
            let request = crate::support::tcp::read_request(&mut stream).await;
            let body = if request.contains("/labels") && !*going.borrow() {
                told.send_replace(true);
                going.wait_for(|going| *going).await.unwrap();
                json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"}]})
            } else if request.contains("/labels") {
                json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "Owner"},
                    {"category": "USER_DEFINED", "typeId": 37, "label": "New"}]})
            } else if request.starts_with("GET") {
                json!({"results": []})
            } else {
                json!({"labels": []})
            };
            let answer = http(200, "application/json", &body.to_string());
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url);
    let associate = |kind: &str| client.associate(1).with("companies", 1).as_type(kind.to_owned()).send();
    let mut before = Box::pin(associate("owner"));
    assert!((&mut before).now_or_never().is_none());
    // By now HubSpot has made out the list.
    listed.wait_for(|listed| *listed).await.unwrap();
    let mut after = Box::pin(associate("new"));
    assert!((&mut after).now_or_never().is_none());
    go.send(true).unwrap();
    let (before, after) = tokio::join!(before, after);
    before.unwrap();
    after.unwrap();
}
