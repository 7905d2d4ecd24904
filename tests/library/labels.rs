//! Associations of two objects, by the same calls on every version of HubSpot's API.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{FutureExt, TryStreamExt, future::join_all};
use httpmock::MockServer;
use hubspot_partner_clients::{ApiVersion, Client, ErrorKind, RateLimit, RetryPolicy};
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
