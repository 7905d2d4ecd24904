//! Associations of single objects in v4 and the dated versions, on one state with v3.

use hubspot_simulator::{AssociationCategory, Fault, READ_SCOPE, Simulator, SimulatorBuilder, UnlabeledCompanions};
use serde_json::{Value, json};

use crate::support::{Caller, DATED, assert_refused, spec};

/// Partner clients 1 and 2, companies 1 and 2; the unlabelled type 7, and the labels 36 and 37.
fn labels() -> SimulatorBuilder {
    Simulator::builder()
        .without_seed()
        .partner_clients([("1", [("name", "x")]), ("2", [("name", "x")])])
        .object("companies", "1", [("name", "x")])
        .object("companies", "2", [("name", "x")])
        .association_type("companies", 7, "owner")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer")
}

fn pair(version: &str) -> String {
    format!("{}/partner_clients/1/associations/companies/1", objects(version))
}

fn objects(version: &str) -> String {
    if version == "v4" { "/crm/v4/objects".to_owned() } else { format!("/crm/objects/{version}") }
}

const LABELED: [&str; 3] = ["v4", DATED[0], DATED[1]];

fn labeled(id: u64, label: &str) -> (u64, Option<String>) {
    (id, Some(label.to_owned()))
}

#[tokio::test]
async fn setting_labels_replaces_those_that_were_there_and_leaves_the_unlabelled_type() {
    for version in LABELED {
        let caller = Caller::of(labels()).await;
        let (status, body) = caller.put(&pair(version), json!([spec("USER_DEFINED", 36)])).await;
        let expected = json!({
            "fromObjectTypeId": "0-145", "fromObjectId": 1, "toObjectTypeId": "0-2", "toObjectId": 1,
            "labels": ["Referred by"],
        });
        assert_eq!((status, body), (201, expected));
        assert_eq!(caller.types(), [(7, None), labeled(36, "Referred by")], "{version}");

        let (_, body) = caller.put(&pair(version), json!([spec("USER_DEFINED", 37)])).await;
        assert_eq!(body["labels"], json!(["Payer"]));
        assert_eq!(caller.types(), [(7, None), labeled(37, "Payer")], "{version}");

        let both = json!([spec("USER_DEFINED", 36), spec("USER_DEFINED", 37)]);
        assert_eq!(caller.put(&pair(version), both).await.1["labels"], json!(["Referred by", "Payer"]));
        let (status, body) = caller.put(&pair(version), json!([spec("HUBSPOT_DEFINED", 7)])).await;
        assert_eq!((status, &body["labels"]), (201, &json!([])));
        assert_eq!(caller.types(), [(7, None)], "{version}");
    }
}

#[tokio::test]
async fn a_label_brings_the_unlabelled_association_along_as_the_test_chooses() {
    for (companions, dated, v3) in [
        (UnlabeledCompanions::WithLabels, 2, 1),
        (UnlabeledCompanions::Always, 2, 2),
        (UnlabeledCompanions::Never, 1, 1),
    ] {
        let caller = Caller::of(labels().unlabeled_companions(companions)).await;
        caller.put(&pair("2026-09"), json!([spec("USER_DEFINED", 36)])).await;
        assert_eq!(caller.types().len(), dated, "{companions:?}");
        let path = "/crm/v3/objects/partner_clients/2/associations/companies/1/referred_by";
        assert_eq!(caller.put(path, Value::Null).await.0, 200);
        assert_eq!(caller.simulator.associations("2").len(), v3, "{companions:?}");
    }
}

#[tokio::test]
async fn v3_and_the_dated_versions_see_one_state_from_both_ends() {
    let caller = Caller::of(labels().association("1", "companies", "1", "payer")).await;
    for version in LABELED {
        let (_, list) = caller.get(&format!("{}/partner_clients/1/associations/companies", objects(version))).await;
        let types = json!([{"category": "USER_DEFINED", "typeId": 37, "label": "Payer"}]);
        assert_eq!(list, json!({"results": [{"toObjectId": 1, "associationTypes": types}]}));
        let (_, list) = caller.get(&format!("{}/companies/1/associations/partner_clients", objects(version))).await;
        let types = json!([{"category": "USER_DEFINED", "typeId": 1037, "label": "Payer"}]);
        assert_eq!(list, json!({"results": [{"toObjectId": 1, "associationTypes": types}]}));
    }
    caller
        .put("/crm/objects/2026-09/companies/2/associations/partner_clients/1", json!([spec("USER_DEFINED", 1036)]))
        .await;
    let (_, list) = caller.get("/crm/v3/objects/partner_clients/1/associations/companies").await;
    let expected =
        json!([{"id": "1", "type": "payer"}, {"id": "2", "type": "owner"}, {"id": "2", "type": "referred_by"}]);
    assert_eq!(list["results"], expected);
    let (_, list) = caller.get("/crm/v3/objects/companies/2/associations/partner_clients").await;
    assert_eq!(list["results"], json!([{"id": "1", "type": "owner"}, {"id": "1", "type": "referred_by"}]));
}

#[tokio::test]
async fn the_default_association_is_made_in_both_directions_and_again_without_harm() {
    for version in LABELED {
        let caller = Caller::of(labels().association("1", "companies", "1", "payer")).await;
        let path = format!("{}/partner_clients/1/associations/default/companies/1", objects(version));
        for _ in 0..2 {
            let (status, body) = caller.put(&path, Value::Null).await;
            assert_eq!((status, &body["status"], body.get("errors")), (200, &json!("COMPLETE"), None));
            let expected = json!([
                {"from": {"id": "1"}, "to": {"id": "1"}, "associationSpec": spec("HUBSPOT_DEFINED", 7)},
                {"from": {"id": "1"}, "to": {"id": "1"}, "associationSpec": spec("HUBSPOT_DEFINED", 1007)},
            ]);
            assert_eq!(body["results"], expected);
        }
        assert_eq!(caller.types(), [(7, None), labeled(37, "Payer")], "{version}");
        let (status, _) = caller.put(&path.replace("companies", "deals"), Value::Null).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn deleting_a_pair_ends_every_association_of_it() {
    for version in LABELED {
        let builder = labels().association("1", "companies", "1", "payer").association("1", "companies", "1", "7");
        let caller = Caller::of(builder.association("1", "companies", "2", "7")).await;
        for _ in 0..2 {
            assert_eq!(caller.delete(&pair(version)).await, (204, Value::Null));
        }
        assert_eq!(caller.types(), [(7, None)], "{version}: the other pair's");
    }
}

#[tokio::test]
async fn the_labels_of_a_pair_are_told_by_direction_with_null_for_the_unlabelled() {
    let caller = Caller::of(labels()).await;
    for path in ["/crm/associations/2026-09", "/crm/associations/2026-03", "/crm/v4/associations"] {
        let (status, body) = caller.get(&format!("{path}/partner_clients/companies/labels")).await;
        let label = |category: &str, id: u64, label: Value| {
            let mut body = json!({"category": category, "typeId": id, "label": label});
            if !path.contains("v4") {
                body["fromObjectTypeId"] = Value::Null;
                body["toObjectTypeId"] = Value::Null;
            }
            body
        };
        let expected = [
            label("HUBSPOT_DEFINED", 7, Value::Null),
            label("USER_DEFINED", 36, json!("Referred by")),
            label("USER_DEFINED", 37, json!("Payer")),
        ];
        assert_eq!((status, body), (200, json!({"results": expected})));
        let (_, body) = caller.get(&format!("{path}/0-2/partner_client/labels")).await;
        let ids: Vec<_> = body["results"].as_array().unwrap().iter().map(|label| &label["typeId"]).collect();
        assert_eq!(ids, [1007, 1036, 1037]);
        let (_, body) = caller.get(&format!("{path}/partner_clients/deals/labels")).await;
        assert_eq!(body, json!({"results": []}));
    }
    let (_, types) = caller.get("/crm/v3/associations/partner_clients/companies/types").await;
    let joined =
        json!([{"id": "7", "name": "owner"}, {"id": "36", "name": "referred_by"}, {"id": "37", "name": "payer"}]);
    assert_eq!(types["results"], joined);
}

#[tokio::test]
async fn one_id_in_two_categories_is_two_types() {
    let builder = labels().association_label("companies", AssociationCategory::HubspotDefined, 36, "Primary");
    let caller = Caller::of(builder).await;
    caller.put(&pair("2026-09"), json!([spec("HUBSPOT_DEFINED", 36)])).await;
    assert_eq!(caller.types(), [(7, None), labeled(36, "Primary")]);
    caller.put(&pair("2026-09"), json!([spec("HUBSPOT_DEFINED", 36), spec("USER_DEFINED", 36)])).await;
    assert_eq!(caller.types(), [(7, None), labeled(36, "Primary"), labeled(36, "Referred by")]);
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_as_hubspot_does_and_changes_nothing() {
    let caller = Caller::of(labels().association("1", "companies", "1", "payer")).await;
    let unknown = caller.put(&pair("2026-09"), json!([spec("USER_DEFINED", 3), spec("USER_DEFINED", 36)])).await;
    assert_refused(&unknown, "One or more associations are invalid");
    let context = json!({
        "associationSpec": ["USER_DEFINED=3"],
        "INVALID_ASSOCIATION_TYPE_ID": ["USER_DEFINED=3 is not a valid association definition id"],
    });
    assert_eq!(unknown.1["context"], context);

    let path = "/crm/objects/2026-09/partner_clients/9/associations/companies/8";
    let missing = caller.put(path, json!([spec("USER_DEFINED", 36)])).await;
    assert_refused(&missing, "One or more associations are invalid");
    assert_eq!(
        missing.1["context"]["INVALID_OBJECT_IDS"],
        json!(["PARTNER_CLIENT=9 is not valid", "COMPANY=8 is not valid"])
    );
    assert_refused(&caller.put(&pair("2026-09"), json!([])).await, "At least one association type");
    let missing = caller.put(&pair("2026-09"), json!([{}])).await;
    assert_refused(&missing, "Some required fields were not set: [associationCategory]");
    for wrong in [json!("payer"), json!([spec("OTHER", 36)]), json!({"types": []})] {
        let (status, body) = caller.put(&pair("2026-09"), wrong).await;
        assert_eq!((status, body.get("category")), (400, None), "{body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with("Invalid input JSON on line 1"), "{body}");
        assert!(message.contains("Cannot deserialize value of type"), "{body}");
    }
    assert_eq!(caller.types(), [labeled(37, "Payer")]);
}

#[tokio::test]
async fn a_list_has_one_entry_an_object_and_is_paged_by_objects() {
    let mut builder = labels();
    for id in 10..17 {
        let id = id.to_string();
        builder = builder.object("companies", &id, [("name", "x")]);
        builder = builder.association("1", "companies", &id, "7").association("1", "companies", &id, "payer");
    }
    let caller = Caller::of(builder).await;
    let mut path = "/crm/objects/2026-09/partner_clients/1/associations/companies?limit=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let (status, body) = caller.get(&path).await;
        assert_eq!(status, 200);
        let results = body["results"].as_array().unwrap();
        assert!(results.iter().all(|result| result["associationTypes"].as_array().unwrap().len() == 2));
        seen.push(results.iter().map(|result| result["toObjectId"].as_u64().unwrap()).collect::<Vec<_>>());
        let Some(link) = body["paging"]["next"]["link"].as_str() else { break };
        path = link.strip_prefix(caller.simulator.base_url()).unwrap().to_owned();
        assert!(path.starts_with("/crm/objects/2026-09/partner_clients/1/associations/companies?"), "{path}");
    }
    assert_eq!(seen, [vec![10, 11, 12], vec![13, 14, 15], vec![16]]);
    let all = caller.get("/crm/objects/2026-03/partner_clients/1/associations/0-2").await.1;
    assert_eq!((all["results"].as_array().unwrap().len(), all.get("paging")), (7, None));
    assert_refused(&caller.get(&path.replace("limit=3", "limit=501")).await, "limit must be 1 to 500");
}

#[tokio::test]
async fn ids_are_numbers_where_they_can_be_and_text_where_the_test_says() {
    let builder = || labels().object("companies", "c1", [("name", "x")]).object("companies", "007", [("name", "x")]);
    for (text, one) in [(false, json!(1)), (true, json!("1"))] {
        let builder = if text { builder().text_ids() } else { builder() };
        let caller = Caller::of(builder).await;
        for (company, id) in [("1", one), ("c1", json!("c1")), ("007", json!("007"))] {
            let path = format!("/crm/objects/2026-09/partner_clients/1/associations/companies/{company}");
            let (_, body) = caller.put(&path, json!([spec("HUBSPOT_DEFINED", 7)])).await;
            assert_eq!(body["toObjectId"], id);
        }
    }
}

#[tokio::test]
async fn each_operation_takes_a_scope_of_either_end_and_meets_its_faults() {
    let builder = labels()
        .token("reader", [READ_SCOPE])
        .token("companies", ["crm.objects.companies.write"])
        .fault(Fault::status(503).on("associate").times(1))
        .fault(Fault::status(502).on("associate_default").times(1))
        .fault(Fault::status(504).on("dissociate_all").times(1));
    let caller = Caller::of(builder).await;
    let set = json!([spec("HUBSPOT_DEFINED", 7)]);
    let default = "/crm/objects/2026-09/partner_clients/1/associations/default/companies/1";
    assert_eq!(caller.put(&pair("2026-09"), set.clone()).await.0, 503);
    assert_eq!(caller.put(default, Value::Null).await.0, 502);
    assert_eq!(caller.delete(&pair("2026-09")).await.0, 504);
    for (token, status) in [("reader", 403), ("companies", 201), ("stranger", 401)] {
        let answer = caller.send_as(token, reqwest::Method::PUT, &pair("2026-09"), set.clone()).await;
        assert_eq!(answer.0, status, "{token}");
    }
}
