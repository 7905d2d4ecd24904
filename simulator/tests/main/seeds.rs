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

#[tokio::test]
async fn a_time_outside_of_the_years_that_have_a_text_is_refused_and_the_last_one_in_them_stays_itself() {
    let outside = [
        "9999999999999999",
        "253402300800000",
        "-62167219200001",
        "9223372036854775807",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00+01:00",
    ];
    for (time, name) in outside.iter().flat_map(|time| [(time, "createdate"), (time, "hs_lastmodifieddate")]) {
        let builder = Simulator::builder().object("companies", "1", [(name, *time)]);
        let error = builder.start().await.unwrap_err().to_string();
        assert!(error.contains(&format!("{name} of companies `1`")), "{time}: {error}");
    }
    let builder = Simulator::builder()
        .date_property("partner_clients", "day")
        .datetime_property("partner_clients", "moment")
        .object("companies", "1", [("createdate", "-62167219200000"), ("hs_lastmodifieddate", "253402300799999")]);
    let caller = Caller::of(builder).await;
    let (_, company) = caller.get("/crm/v3/objects/companies/1").await;
    assert_eq!(company["createdAt"], "0000-01-01T00:00:00.000Z");
    assert_eq!(company["updatedAt"], "9999-12-31T23:59:59.999Z");
    let seed = caller.simulator.export_seed().unwrap();
    assert_eq!(Simulator::builder().seed(&seed).unwrap().start().await.unwrap().export_seed().unwrap(), seed);
    for objects in ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"] {
        let path = format!("{objects}/partner_clients/512");
        for (name, time) in ["day", "moment"].into_iter().flat_map(|name| outside.map(|time| (name, time))) {
            crate::support::assert_refused(&caller.patch(&path, json!({name: time})).await, time);
        }
        let kept = caller.simulator.partner_client("512").unwrap().properties;
        assert!(!kept.contains_key("day") && !kept.contains_key("moment"), "{kept:?}");
    }
    let (_, written) =
        caller.patch("/crm/objects/2026-09/partner_clients/512", json!({"day": "253402300799999"})).await;
    assert_eq!(written["properties"]["day"], "9999-12-31");
    for (operator, value, total) in [("LT", "9999999999999999", 1), ("GT", "9999999999999999", 0)] {
        let filter = json!({"propertyName": "createdate", "operator": operator, "value": value});
        let body = json!({"filterGroups": [{"filters": [filter]}]});
        let (_, found) = caller.post("/crm/v3/objects/partner_clients/search", body).await;
        assert_eq!(found["total"], total, "{operator}");
    }
}
