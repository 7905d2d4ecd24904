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
