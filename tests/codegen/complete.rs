use std::path::Path;

use openapiv3::OpenAPI;
use serde_json::{Value, json};

use super::{
    codegen::{self, complete, operations::KNOWN},
    documented, small,
};

const TYPES: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/types";

/// What becomes of a description that has something of partner clients too.
fn completed(api: &Value) -> Value {
    let mut api = api.clone();
    api["paths"]["/crm/v3/objects/partner_clients"] = json!({"get": {"responses": {}}});
    let mut api: OpenAPI = serde_json::from_value(api).unwrap();
    complete::what_is_described_elsewhere(&mut api, &documented());
    serde_json::to_value(api).unwrap()
}

#[test]
fn a_document_of_partner_clients_alone_gets_the_operations_on_associations() {
    let own = Path::new("openapi");
    let mut api = codegen::documented(&["tests/hubspot/v3/partner_clients.json"], own, &mut Vec::new()).unwrap();
    codegen::operations::check_complete("openapi", &mut api).unwrap();
    let names: Vec<_> = api.operations().map(|(_, _, o)| o.operation_id.clone().unwrap()).collect();
    let in_order = KNOWN.iter().filter(|known| known.method != "DELETE").map(|known| known.name);
    assert!(in_order.eq(names.iter().filter(|name| !name.starts_with("dissociate"))), "{names:?}");
}

#[test]
fn what_is_filled_in_brings_the_schemas_it_needs() {
    let api = completed(&small());
    let schemas = api["components"]["schemas"].as_object().unwrap();
    for name in ["PublicAssociationDefinition", "PublicObjectId", "AssociatedId", "NextPage", "Error", "ErrorDetail"] {
        assert!(schemas.contains_key(name), "{name}");
    }
    assert!(!schemas.contains_key("SimplePublicObjectInput"), "no more than that");
    assert!(api["components"]["securitySchemes"].get("oauth2").is_some());
}

#[test]
fn what_the_document_says_itself_stays() {
    let mut api = small();
    api["components"]["schemas"]["Error"] = json!({"type": "object", "properties": {"mine": {"type": "string"}}});
    api["paths"][TYPES]["get"] = json!({"operationId": "association_types", "responses": {}});
    let api = completed(&api);
    assert!(api["components"]["schemas"]["Error"]["properties"].get("mine").is_some());
    assert_eq!(api["paths"][TYPES]["get"]["responses"], json!({}));
    assert!(api["components"]["schemas"].get("PublicAssociationDefinition").is_none());
}

#[test]
fn what_the_facade_is_built_on_stays_whatever_a_description_no_longer_lists() {
    let list = "/crm/v3/objects/partner_clients";
    let read = "/crm/v3/objects/partner_clients/batch/read";
    let mut api = serde_json::to_value(documented()).unwrap();
    let schemas = api["components"]["schemas"].as_object_mut().unwrap();
    schemas.remove("BatchResponseSimplePublicObjectWithErrors");
    schemas["SimplePublicObjectBatchInput"]["properties"].as_object_mut().unwrap().remove("objectWriteTraceId");
    api["paths"][list]["get"]["parameters"].as_array_mut().unwrap().retain(|parameter| parameter["name"] == "after");
    api["paths"][read]["post"]["responses"].as_object_mut().unwrap().remove("207");
    let mut api: OpenAPI = serde_json::from_value(api).unwrap();
    complete::what_the_facade_is_built_on(&mut api, &documented());

    let api = serde_json::to_value(api).unwrap();
    let schemas = &api["components"]["schemas"];
    assert!(schemas.get("BatchResponseSimplePublicObjectWithErrors").is_some());
    assert!(schemas["SimplePublicObjectBatchInput"]["properties"].get("objectWriteTraceId").is_some());
    assert_eq!(api["paths"][list]["get"]["parameters"].as_array().unwrap().len(), 6);
    assert!(api["paths"][read]["post"]["responses"].get("207").is_some());
    let own = serde_json::to_value(documented()).unwrap();
    assert_eq!(api["paths"].as_object().unwrap().len(), own["paths"].as_object().unwrap().len());
}

/// HubSpot has other APIs with schemas of these names.
#[test]
fn another_schema_of_a_name_that_a_known_operation_has_is_told_apart() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-schemas");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::copy("tests/hubspot/v3/partner_clients.json", directory.join("partner_clients.json")).unwrap();
    let mut other = small();
    let thing = json!({"type": "object", "properties": {"labels": {"type": "object"}}});
    other["components"]["schemas"]["LabelsBetweenObjectPair"] = thing;
    other["components"]["schemas"]["Thing"]["properties"]["pair"] =
        json!({"$ref": "#/components/schemas/LabelsBetweenObjectPair"});
    std::fs::write(directory.join("things.json"), other.to_string()).unwrap();
    let api = codegen::documented(&[&directory], Path::new("openapi"), &mut Vec::new()).unwrap();
    let api = serde_json::to_value(api).unwrap();
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["LabelsBetweenObjectPair"]["properties"]["labels"]["type"], "array");
    assert_eq!(schemas["OtherLabelsBetweenObjectPair"]["properties"]["labels"]["type"], "object");
    let pair = &schemas["OtherThing"]["properties"]["pair"];
    let pair = if pair.is_null() { &schemas["Thing"]["properties"]["pair"] } else { pair };
    assert_eq!(pair["$ref"], "#/components/schemas/OtherLabelsBetweenObjectPair");
}

#[test]
fn an_operation_on_other_things_than_partner_clients_that_changed_leaves_the_facade_its_own_description() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-answers");
    std::fs::create_dir_all(&directory).unwrap();
    let own = Path::new("openapi");
    let mut other: Value = serde_json::from_str(&std::fs::read_to_string("openapi/v3/objects.json").unwrap()).unwrap();
    let schemas = &mut other["components"]["schemas"];
    schemas["StandardError"]["properties"]["category"] =
        json!({"type": "object", "properties": {"name": {"type": "string"}}});
    schemas["PublicObjectSearchRequest"]["properties"]["after"] = json!({"type": "integer"});
    std::fs::write(directory.join("objects.json"), other.to_string()).unwrap();
    let mut warnings = Vec::new();
    let api = codegen::documented(&[&directory], own, &mut warnings).unwrap();
    let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let about = "#/components/schemas/StandardError/properties/category: it is an object, the facade is built on a text; \
                 this crate's own description of `batch_read_objects` is used";
    assert!(told.iter().any(|warning| warning.contains(about)), "{told:?}");
    let alone = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
    let about = "after: it is an integer, the facade is built on a text; this crate's own description of `search_objects` is used";
    assert!(told.iter().any(|warning| warning.contains(about)), "{told:?}");
    let mut built = codegen::description::Description::new(&[directory], own, &mut Vec::new()).unwrap();
    codegen::operations::check_complete("objects", &mut built.api).unwrap();
    built.of_the_client().unwrap();
    let answer = |api: &openapiv3::OpenAPI| {
        let api = json!(api);
        (
            api["paths"]["/crm/v3/objects/{objectType}/batch/read"]["post"].clone(),
            api["components"]["schemas"]["StandardError"].clone(),
        )
    };
    assert_eq!(answer(&api), answer(&alone));
}

#[test]
fn documents_that_say_nothing_of_partner_clients_are_added_to_the_crate_s_own() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("added");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("things.json"), small().to_string()).unwrap();
    let own = Path::new("openapi");
    let alone = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
    let mut api = codegen::documented(&[&directory], own, &mut Vec::new()).unwrap();
    codegen::operations::check_complete("things", &mut api).unwrap();
    assert_eq!(api.info, alone.info, "it is still the description of partner clients");
    let added: Vec<_> =
        api.operations().map(|(path, ..)| path).filter(|path| alone.paths.paths.get(*path).is_none()).collect();
    assert_eq!(added, ["/crm/v3/things/{thingId}"]);
    assert_eq!(api.operations().count(), alone.operations().count() + 1);
}

#[test]
fn one_operation_on_partner_clients_stands_for_all_so_that_one_that_is_gone_is_noticed() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gone");
    std::fs::create_dir_all(&directory).unwrap();
    let text = std::fs::read_to_string("tests/hubspot/v3/partner_clients.json").unwrap();
    let mut api: Value = serde_json::from_str(&text).unwrap();
    api["paths"].as_object_mut().unwrap().retain(|path, _| path == "/crm/v3/objects/partner_clients");
    std::fs::write(directory.join("partner_clients.json"), api.to_string()).unwrap();
    let mut api = codegen::documented(&[&directory], Path::new("openapi"), &mut Vec::new()).unwrap();
    let trouble = codegen::operations::check_complete("gone", &mut api).unwrap_err().to_string();
    assert!(trouble.contains("the operation `get`, which the facade needs, is in none of the documents"), "{trouble}");
}

#[test]
fn a_changed_answer_to_each_operation_on_partner_clients_ends_the_build() {
    for (file, path, name) in [
        ("v3", "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}", "list_associations"),
        (
            "2026-09",
            "/crm/objects/2026-09/partner_clients/{partnerClientId}/associations/{toObjectType}",
            "list_associations_with_labels",
        ),
    ] {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("changed-{file}"));
        std::fs::create_dir_all(&directory).unwrap();
        let text = std::fs::read_to_string(format!("tests/hubspot/{file}/partner_clients.json")).unwrap();
        let mut api: Value = serde_json::from_str(&text).unwrap();
        let get = &mut api["paths"][path]["get"];
        assert!(get.is_object(), "{path}");
        get["responses"]["200"]["content"] =
            json!({"application/json": {"schema": {"$ref": "#/components/schemas/SimplePublicObject"}}});
        std::fs::write(directory.join("partner_clients.json"), api.to_string()).unwrap();
        let mut warnings = Vec::new();
        let built = codegen::description::Description::new(&[directory], Path::new("openapi"), &mut warnings).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let trouble = built.of_the_client().unwrap_err().to_string();
        let about = format!("the operation `{name}`, answer: it is SimplePublicObject, the facade is built on");
        assert!(trouble.contains(&about), "{trouble}");
    }
}

#[test]
fn an_answer_without_a_schema_leaves_the_facade_its_own_description() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-schema");
    std::fs::create_dir_all(&directory).unwrap();
    let mut api: Value = serde_json::from_str(&std::fs::read_to_string("openapi/v3/objects.json").unwrap()).unwrap();
    api["paths"]["/crm/v3/objects/{objectType}/search"]["post"]["responses"] = json!({"200": {"description": "ok"}});
    std::fs::write(directory.join("objects.json"), api.to_string()).unwrap();
    let mut warnings = Vec::new();
    let built = codegen::description::Description::new(&[directory], Path::new("openapi"), &mut warnings).unwrap();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let warning = warning.to_string();
    let about =
        "it answers with no body, the facade is built on one; this crate's own description of `search_objects` is used";
    assert!(warning.contains(about), "{warning}");
    built.of_the_client().unwrap();
}
