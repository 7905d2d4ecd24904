use openapiv3::OpenAPI;
use serde_json::{Value, json};

use super::{
    codegen::{adapt, correct, names, schemas::Mark},
    schema, step,
};

const BATCH_READ: &str = "/crm/v3/objects/partner_clients/batch/read";
const ASSOCIATE: &str =
    "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";

fn adapted(api: &mut OpenAPI) {
    let mark = Mark::of(api);
    adapt::document(api, &mark);
}

fn statuses(operation: &Value) -> Vec<&str> {
    let mut statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    statuses.sort();
    statuses
}

#[test]
fn one_success_per_operation() {
    let (_, after) = step(adapt::one_success_per_operation);
    let batch = &after["paths"][BATCH_READ]["post"];
    assert_eq!(statuses(batch), ["2XX", "default"]);
    assert_eq!(
        batch["responses"]["2XX"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/BatchResponseSimplePublicObjectWithErrors"
    );
    let dissociate = &after["paths"][ASSOCIATE]["delete"];
    assert_eq!(statuses(dissociate), ["2XX", "default"]);
    assert_eq!(dissociate["responses"]["2XX"].get("content"), None);
}

#[test]
fn one_error_per_operation() {
    let (_, after) = step(|api| {
        let mut more = serde_json::to_value(&*api).unwrap();
        more["paths"][BATCH_READ]["post"]["responses"]["404"] = json!({"description": "gone"});
        more["paths"][BATCH_READ]["post"]["responses"]["5XX"] = json!({"description": "down"});
        *api = serde_json::from_value(more).unwrap();
        adapt::one_error_per_operation(api);
    });
    assert_eq!(statuses(&after["paths"][BATCH_READ]["post"]), ["200", "207", "default"]);
}

#[test]
fn lists_become_strings() {
    let (_, after) = step(|api| {
        correct::lists_travel_as_one_value(api);
        adapt::lists_become_strings(api);
    });
    let parameters = after["paths"]["/crm/v3/objects/partner_clients"]["get"]["parameters"].as_array().unwrap();
    let properties = parameters.iter().find(|p| p["name"] == "properties").unwrap();
    assert_eq!(properties["schema"], json!({"type": "string"}));
}

#[test]
fn ids_are_shared_types() {
    let (_, after) = step(|api| {
        let mut more = serde_json::to_value(&*api).unwrap();
        more["paths"]["/crm/v3/objects/partner_clients/{partnerClientId}/notes/{noteId}"] = json!({"get": {
            "parameters": [{"name": "noteId", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {},
        }});
        *api = serde_json::from_value(more).unwrap();
        adapt::ids_are_shared_types(api);
    });
    for item in after["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "path") {
                let reference = parameter["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{parameter}"));
                let id = reference.rsplit('/').next().unwrap();
                assert!(names::ID_TYPES.iter().any(|known| names::checked(known) == id), "{id}");
                assert_eq!(id == "CheckedPathSegment", parameter["name"] == "noteId");
                assert_eq!(schema(&after, id)["type"], "string");
            }
        }
    }
    let id = |name| &schema(&after, name)["properties"]["id"]["$ref"];
    assert_eq!(id("AssociatedId"), "#/components/schemas/CheckedObjectId");
    assert_eq!(id("PublicAssociationDefinition"), "#/components/schemas/CheckedAssociationType");
}

#[test]
fn archived_is_false_unless_said() {
    let (_, after) = step(adapted);
    for name in ["SimplePublicObject", "PartnerClient"] {
        assert_eq!(schema(&after, name)["properties"]["archived"]["default"], false);
    }
}

#[test]
fn defaults_are_dropped() {
    let (_, after) = step(|api| {
        let mut more = serde_json::to_value(&*api).unwrap();
        more["components"]["schemas"]["NextPage"]["properties"]["link"]["default"] = json!("x");
        *api = serde_json::from_value(more).unwrap();
        adapt::defaults_are_dropped(api);
    });
    assert_eq!(schema(&after, "NextPage")["properties"]["link"], json!({"type": "string"}));
    assert!(!after["components"].to_string().contains("\"default\""));
}

#[test]
fn constraints_are_dropped() {
    let (before, after) = step(|api| {
        let mut strict = serde_json::to_value(&*api).unwrap();
        strict["components"]["schemas"]["NextPage"]["properties"]["after"] =
            json!({"type": "string", "pattern": "x", "minLength": 1, "maxLength": 2});
        *api = serde_json::from_value(strict).unwrap();
        adapt::constraints_are_dropped(api);
    });
    assert!(before.to_string().contains("\"maximum\"") && before.to_string().contains("\"maxItems\""));
    for word in ["pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"] {
        assert!(!after.to_string().contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn the_adapted_document_has_one_success_and_one_error_everywhere() {
    let (_, after) = step(|api| {
        correct::document(api);
        adapted(api);
    });
    for item in after["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            assert_eq!(statuses(operation), ["2XX", "default"], "{}", operation["operationId"]);
        }
    }
}

#[test]
fn mocks_know_each_documented_status_and_take_ids_as_text() {
    let (_, after) = step(|api| {
        correct::document(api);
        *api = adapt::for_mocks(api.clone(), &Mark::of(api));
    });
    assert_eq!(statuses(&after["paths"][BATCH_READ]["post"]), ["200", "207", "default"]);
    let parameters = after["paths"][ASSOCIATE]["put"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().all(|parameter| parameter["schema"] == json!({"type": "string"})));
}
