use serde_json::json;

use super::{changes, codegen::correct, schema, step};

const OBJECTS: [&str; 2] = ["SimplePublicObject", "SimplePublicObjectWithAssociations"];

#[test]
fn property_values_may_be_null() {
    let (before, after) = step(correct::property_values_may_be_null);
    for name in OBJECTS {
        let values = |api| &schema(api, name)["properties"]["properties"]["additionalProperties"];
        assert_eq!(values(&before).get("nullable"), None);
        assert_eq!(values(&after)["nullable"], true);
    }
    assert_eq!(schema(&after, "ValueWithTimestamp")["properties"]["value"]["nullable"], true);
    assert_eq!(changes(&before, &after).len(), 3, "requests keep plain strings");
}

#[test]
fn archived_may_be_absent() {
    let (before, after) = step(correct::archived_may_be_absent);
    for name in OBJECTS {
        assert!(schema(&before, name)["required"].as_array().unwrap().contains(&json!("archived")));
        assert!(!schema(&after, name)["required"].as_array().unwrap().contains(&json!("archived")));
        assert_eq!(schema(&after, name)["properties"]["archived"]["default"], false);
    }
}

#[test]
fn unknown_fields_are_allowed() {
    let (_, after) = step(|api| {
        let mut strict = serde_json::to_value(&*api).unwrap();
        strict["components"]["schemas"]["Error"]["additionalProperties"] = json!(false);
        *api = serde_json::from_value(strict).unwrap();
        correct::unknown_fields_are_allowed(api);
    });
    assert_eq!(schema(&after, "Error").get("additionalProperties"), None);
}

#[test]
fn enumerations_grow() {
    let (before, after) = step(correct::enumerations_grow);
    let status = |api| &schema(api, "BatchResponseSimplePublicObject")["properties"]["status"];
    assert_eq!(status(&before)["enum"], json!(["PENDING", "PROCESSING", "CANCELED", "COMPLETE"]));
    assert_eq!(status(&after).get("enum"), None);
    assert_eq!(status(&after)["x-extensible-enum"], status(&before)["enum"]);
    let operator = |api| &schema(api, "Filter")["properties"]["operator"];
    assert_eq!(operator(&after)["x-extensible-enum"].as_array().unwrap().len(), 13);
    assert!(!after.to_string().contains("\"enum\""));
}

#[test]
fn request_fields_may_be_absent() {
    let (_, after) = step(correct::request_fields_may_be_absent);
    assert_eq!(schema(&after, "BatchReadInputSimplePublicObjectId")["required"], json!(["inputs"]));
    assert_eq!(schema(&after, "PublicObjectSearchRequest").get("required"), None);
}

#[test]
fn error_fields_may_be_absent() {
    let (before, after) = step(correct::error_fields_may_be_absent);
    assert_eq!(schema(&before, "Error")["required"].as_array().unwrap().len(), 3);
    for name in ["Error", "ErrorDetail", "StandardError"] {
        assert_eq!(schema(&after, name).get("required"), None, "{name}");
    }
}

#[test]
fn error_bodies_are_json() {
    let path = "/crm/v3/objects/partner_clients/search";
    let (before, after) = step(|api| {
        let mut open = serde_json::to_value(&*api).unwrap();
        let content = &mut open["paths"][path]["post"]["responses"]["default"]["content"];
        *content = json!({"*/*": content["application/json"].take()});
        *api = serde_json::from_value(open).unwrap();
        correct::error_bodies_are_json(api);
    });
    let error = |api: &serde_json::Value| api["paths"][path]["post"]["responses"]["default"]["content"].clone();
    assert_eq!(error(&after), error(&before));
}

#[test]
fn correlation_ids_may_be_no_uuid() {
    let (before, after) = step(correct::correlation_ids_may_be_no_uuid);
    assert_eq!(changes(&before, &after), ["/components/schemas/Error/properties/correlationId/format"]);
}

#[test]
fn integers_are_64_bit() {
    let (before, after) = step(correct::integers_are_64_bit);
    assert!(before.to_string().contains("int32"));
    assert!(!after.to_string().contains("int32"));
    assert_eq!(
        schema(&after, "CollectionResponseWithTotalSimplePublicObject")["properties"]["total"]["format"],
        "int64"
    );
}

#[test]
fn lists_travel_as_one_value() {
    let (before, after) = step(correct::lists_travel_as_one_value);
    let changes = changes(&before, &after);
    // Three lists of `list` and three of `get`.
    let parameters = |api: &serde_json::Value, path: &str| {
        let parameters = api["paths"][path]["get"]["parameters"].as_array().unwrap().clone();
        parameters.into_iter().filter(|p| p["schema"]["type"] == "array").collect::<Vec<_>>()
    };
    for path in ["/crm/v3/objects/partner_clients", "/crm/v3/objects/partner_clients/{partnerClientId}"] {
        let lists = parameters(&after, path);
        assert_eq!(lists.len(), 3);
        assert!(lists.iter().all(|list| list["explode"] == false));
    }
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[test]
fn sorts_are_strings_or_objects() {
    let (_, after) = step(correct::sorts_are_strings_or_objects);
    assert_eq!(schema(&after, "PublicObjectSearchRequest")["properties"]["sorts"]["items"], json!({}));
}

#[test]
fn the_corrected_document_stays_plain() {
    let (_, after) = step(correct::document);
    for word in ["oneOf", "anyOf", "allOf", "2XX"] {
        assert!(!after.to_string().contains(&format!("\"{word}\"")), "{word}");
    }
    let responses = &after["paths"]["/crm/v3/objects/partner_clients/batch/read"]["post"]["responses"];
    for status in ["200", "207", "default"] {
        assert!(responses.get(status).is_some(), "{status}");
    }
}
