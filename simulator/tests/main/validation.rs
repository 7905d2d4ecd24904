//! Writes that an account's own rules refuse or normalize, from 2026-09 on.

use hubspot_simulator::{Simulator, SimulatorBuilder};
use serde_json::json;

use crate::support::{Caller, assert_refused};

fn ruled() -> SimulatorBuilder {
    Simulator::builder()
        .required_property_when("partner_clients", "hs_country", "hs_is_sold", "true")
        .required_property("companies", "domain")
        .date_property("partner_clients", "hs_next_renewal_date")
        .datetime_property("partner_clients", "hs_first_seen")
}

#[tokio::test]
async fn a_conditionally_required_property_is_demanded_from_2026_09_on() {
    let caller = Caller::of(ruled()).await;
    let refused = caller.patch("/crm/objects/2026-09/partner_clients/512", json!({"hs_is_sold": "true"})).await;
    assert_refused(&refused, "hs_country");
    let error = &refused.1["errors"][0];
    assert_eq!(error["code"], "MISSING_CONDITIONAL_REQUIRED_PROPERTY");
    assert_eq!(error["context"]["propertyName"], json!(["hs_country"]));
    assert_eq!(caller.simulator.partner_client("512").unwrap().properties.get("hs_is_sold"), None);

    let both = json!({"hs_is_sold": "true", "hs_country": "FR"});
    assert_eq!(caller.patch("/crm/objects/2026-09/partner_clients/512", both).await.0, 200);
    let cleared = caller.patch("/crm/objects/2026-09/partner_clients/512", json!({"hs_country": ""})).await;
    assert_refused(&cleared, "hs_country");
    for objects in ["/crm/v3/objects", "/crm/objects/2026-03"] {
        let path = format!("{objects}/partner_clients/512");
        assert_eq!(caller.patch(&path, json!({"hs_country": ""})).await.0, 200, "{objects}");
    }
}

#[tokio::test]
async fn one_input_of_a_batch_that_breaks_a_rule_fails_alone() {
    let caller = Caller::of(ruled().partner_client("513", [("name", "x")])).await;
    let inputs = json!({"inputs": [
        {"id": "512", "properties": {"hs_is_sold": "true"}}, {"id": "513", "properties": {"name": "y"}},
    ]});
    let (status, body) = caller.post("/crm/objects/2026-09/partner_clients/batch/update", inputs.clone()).await;
    assert_eq!((status, &body["results"][0]["id"], &body["numErrors"]), (207, &json!("513"), &json!(1)));
    assert_eq!(body["errors"][0]["errors"][0]["code"], "MISSING_CONDITIONAL_REQUIRED_PROPERTY");
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["512"]));
    assert_eq!(caller.post("/crm/v3/objects/partner_clients/batch/update", inputs).await.0, 200);
}

#[tokio::test]
async fn a_required_property_is_demanded_when_an_object_is_created() {
    let caller = Caller::of(ruled()).await;
    let nameless = json!({"properties": {"name": "x"}});
    let refused = caller.post("/crm/objects/2026-09/companies", nameless.clone()).await;
    assert_refused(&refused, "domain");
    assert_eq!(refused.1["errors"][0]["code"], "MISSING_REQUIRED_PROPERTY");
    assert_eq!(caller.post("/crm/v3/objects/companies", nameless).await.0, 201);
}

#[tokio::test]
async fn times_are_normalized_with_a_warning_from_2026_09_on_and_refused_before() {
    let caller = Caller::of(ruled()).await;
    for (name, raw, normalized) in [
        ("hs_next_renewal_date", "2027-01-02T10:30:00Z", "2027-01-02"),
        ("hs_first_seen", "2027-01-02", "2027-01-02T00:00:00.000Z"),
    ] {
        for objects in ["/crm/v3/objects", "/crm/objects/2026-03"] {
            let refused = caller.patch(&format!("{objects}/partner_clients/512"), json!({name: raw})).await;
            assert_refused(&refused, "Property values were not valid");
            assert_eq!(refused.1["errors"][0]["code"], "INVALID_DATE");
        }
        let (status, body) = caller.patch("/crm/objects/2026-09/partner_clients/512", json!({name: raw})).await;
        assert_eq!((status, &body["properties"][name]), (200, &json!(normalized)));
        let warning = &body["warnings"][0];
        assert_eq!(warning["category"], "PROPERTY_VALUE_NORMALIZED");
        let context = json!({"propertyName": name, "rawValue": raw, "normalizedValue": normalized});
        assert_eq!(warning["context"], context);

        let (_, body) = caller.patch("/crm/objects/2026-09/partner_clients/512", json!({name: normalized})).await;
        assert_eq!(body.get("warnings"), None, "it is as it should be");
        let refused = caller.patch("/crm/objects/2026-09/partner_clients/512", json!({name: "soon"})).await;
        assert_refused(&refused, "Property values were not valid");
    }
}
