//! Seed files: what a simulator holds, written down and read again.

use hubspot_simulator::{AssociationCategory, Simulator};
use serde_json::{Value, json};

use crate::support::{Caller, spec};

#[tokio::test]
async fn an_exported_seed_makes_a_simulator_that_holds_the_same_and_exports_the_same() {
    let builder = Simulator::builder()
        .custom_object_type("2-77", "vehicle", "vehicles")
        .object("vehicles", "5", [("name", "Van")])
        .archived_partner_client("9", [("name", "Gone")])
        .null_property("512", "industry")
        .association_type_between("vehicles", "companies", 60, "vehicle_to_company")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association("512", "companies", "9001", "referred_by")
        .association_between("vehicles", "5", "companies", "9001", "60")
        .association_between("contacts", "301", "companies", "9001", "279")
        .date_property("partner_clients", "hs_next_renewal_date")
        .required_property_when("partner_clients", "hs_country", "hs_is_sold", "true");
    let first = builder.start().await.unwrap();
    let seed = first.export_seed().unwrap();
    let again = Simulator::builder().seed(&seed).unwrap().start().await.unwrap();
    assert_eq!(again.export_seed().unwrap(), seed);
    assert_eq!(again.partner_client("512"), first.partner_client("512"));
    assert!(again.partner_client("9").unwrap().archived);
    assert_eq!(again.associations("512"), first.associations("512"));
    for (object_type, id) in [("companies", "9001"), ("vehicles", "5"), ("contacts", "301")] {
        let associations = again.associations_of(object_type, id);
        assert!(!associations.is_empty());
        assert_eq!(associations, first.associations_of(object_type, id), "{object_type}");
    }
}

#[tokio::test]
async fn a_seed_written_by_hand_may_leave_out_what_has_a_default() {
    let seed = r#"{
        "objects": [
            {"type": "partner_clients", "id": "1", "properties": {"name": "Acme", "phone": null}},
            {"type": "company", "id": "2"}
        ],
        "association_types": [
            {"from": "partner_clients", "to": "companies", "id": 7, "name": "owner"},
            {"from": "partner_clients", "to": "companies", "id": 8, "name": "referred_by"}
        ],
        "associations": [
            {"from_type": "partner_clients", "from_id": "1", "to_type": "companies", "to_id": "2", "type": "USER_DEFINED:8"}
        ]
    }"#;
    let caller = Caller::of(Simulator::builder().seed(seed).unwrap()).await;
    let (_, client) = caller.get("/crm/v3/objects/partner_clients/1").await;
    assert_eq!((&client["properties"]["name"], &client["properties"]["phone"]), (&json!("Acme"), &Value::Null));
    let (_, list) = caller.get("/crm/objects/2026-09/partner_clients/1/associations/companies").await;
    let types = json!([{"category": "USER_DEFINED", "typeId": 8, "label": "Referred by"}]);
    assert_eq!(list["results"], json!([{"toObjectId": 2, "associationTypes": types}]));
    assert_eq!(caller.get("/crm/v3/objects/partner_clients/512").await.0, 404, "the default seed is not there");
    let set = json!([spec("HUBSPOT_DEFINED", 7)]);
    assert_eq!(caller.put("/crm/objects/2026-09/partner_clients/1/associations/companies/2", set).await.0, 201);
}

#[tokio::test]
async fn a_seed_that_is_wrong_is_refused_with_what_is_wrong() {
    for (seed, part) in [
        ("", "no seed file: EOF"),
        (r#"{"object": []}"#, "unknown field `object`"),
        (r#"{"objects": [{"type": "companies"}]}"#, "missing field `id`"),
        (r#"{"objects": [{"type": "companies", "id": 7}]}"#, "line 1"),
    ] {
        let error = Simulator::builder().seed(seed).unwrap_err().to_string();
        assert!(error.contains(part), "{seed}: {error}");
    }
    let object = r#"{"type": "companies", "id": "1"}"#;
    let association =
        r#"{"from_type": "companies", "from_id": "1", "to_type": "deals", "to_id": "2", "type": "WORK:3"}"#;
    for (seed, part) in [
        (r#"{"objects": [{"type": "widgets", "id": "1"}]}"#.to_owned(), "no object type `widgets`"),
        (r#"{"object_types": [{"id": "3-1", "singular": "a", "plural": "b"}]}"#.to_owned(), "`3-1`"),
        (format!(r#"{{"associations": [{association}]}}"#), "no company `1`"),
        (format!(r#"{{"objects": [{object}], "associations": [{association}]}}"#), "no deal `2`"),
    ] {
        let error = Simulator::builder().seed(&seed).unwrap().start().await.unwrap_err().to_string();
        assert!(error.contains(part), "{seed}: {error}");
    }
}
