//! The published document, as generators of every kind read it.

use serde_json::{Value, json};

use crate::codegen::{self, generators};

/// Two operations on things, of which the batch succeeds in full or in part, in a document like those of other APIs.
fn things() -> Value {
    let success = |schema: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        json!({"description": "ok", "content": {"application/json": {"schema": schema}}})
    };
    let text = json!({"type": "string"});
    json!({
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "v3"},
        "paths": {
            "/crm/v3/things/batch/read": {"post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}},
                "responses": {"200": success("Batch"), "207": success("BatchWithErrors")},
                "security": [{"oauth2": ["a", "b"]}, {"private_apps": ["c"]}],
            }},
            "/crm/v3/things/upload": {"post": {
                "responses": {"200": success("Thing"), "202": success("Task")},
                "security": [{"hapikey": []}],
            }},
            "/crm/v3/things/status": {"get": {"responses": {"200": success("Thing")}, "security": []}},
        },
        "components": {
            "schemas": {
                "Input": {"type": "object", "properties": {"ids": {"type": "array", "items": text}}},
                "Thing": {"type": "object", "required": ["id"], "properties": {
                    "id": text, "place": {"type": "object", "properties": {"at": text}},
                    "values": {"type": "object", "additionalProperties": text}}},
                "Task": {"type": "object", "properties": {"id": text, "progress": text}},
                "Batch": {"type": "object", "required": ["results", "status"], "properties": {
                    "status": {"type": "string", "description": "COMPLETE"},
                    "results": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
                "BatchWithErrors": {"type": "object", "required": ["errors", "results"], "properties": {
                    "status": {"type": "string", "description": "What has become of it"}, "errors": {"type": "array", "items": text},
                    "results": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
            },
            "securitySchemes": {
                "oauth2": {"type": "oauth2", "flows": {"authorizationCode": {
                    "authorizationUrl": "https://x.example/a", "tokenUrl": "https://x.example/t",
                    "scopes": {"a": "Read things.", "b": "", "unused": "Nothing."}}}},
                "private_apps": {"type": "apiKey", "name": "private-app", "in": "header"},
                "hapikey": {"type": "apiKey", "name": "hapikey", "in": "query"},
            },
        },
    })
}

fn published(document: &Value) -> Value {
    let document = codegen::read::document("things.json", &document.to_string()).unwrap();
    let mut api = codegen::merge::documents(vec![document], &mut Vec::new()).unwrap();
    generators::document(&mut api);
    serde_json::to_value(api).unwrap()
}

#[test]
fn a_success_in_part_has_the_schema_of_a_success_in_full() {
    let api = published(&things());
    let responses = &api["paths"]["/crm/v3/things/batch/read"]["post"]["responses"];
    let schema = |status: &str| responses[status]["content"]["application/json"]["schema"]["$ref"].clone();
    assert_eq!(
        (schema("200"), schema("207")),
        (json!("#/components/schemas/Batch"), json!("#/components/schemas/Batch"))
    );
    let batch = &api["components"]["schemas"]["Batch"];
    assert!(batch["properties"]["errors"].is_object());
    assert_eq!(batch["properties"]["status"]["description"], "COMPLETE");
    assert_eq!(batch["required"], json!(["results"]), "what either lacks is optional");
}

#[test]
fn a_success_in_part_takes_no_requirement_away_from_requests() {
    let mut document = things();
    let batch = &mut document["paths"]["/crm/v3/things/batch/read"]["post"];
    batch["requestBody"]["content"]["application/json"]["schema"] =
        json!({"type": "array", "items": {"$ref": "#/components/schemas/Batch"}});
    let api = published(&document);
    let batch = &api["components"]["schemas"]["Batch"];
    assert_eq!(batch["required"], json!(["results", "status"]));
    assert!(batch["properties"].get("errors").is_none(), "nobody sends what went wrong");
    let partial = &api["paths"]["/crm/v3/things/batch/read"]["post"]["responses"]["207"]["content"]["application/json"];
    assert_eq!(partial["schema"]["$ref"], "#/components/schemas/BatchWithErrors");
}

#[test]
fn successes_that_are_different_things_stay_apart() {
    let api = published(&things());
    let responses = &api["paths"]["/crm/v3/things/upload"]["post"]["responses"];
    let schema = |status: &str| responses[status]["content"]["application/json"]["schema"]["$ref"].clone();
    assert_eq!(
        (schema("200"), schema("202")),
        (json!("#/components/schemas/Thing"), json!("#/components/schemas/Task"))
    );
    assert!(api["components"]["schemas"]["Thing"]["properties"].get("progress").is_none());
}

#[test]
fn what_is_answered_may_have_further_fields_and_what_is_sent_has_none() {
    let schemas = &published(&things())["components"]["schemas"];
    for grows in [&schemas["Thing"], &schemas["Thing"]["properties"]["place"], &schemas["Batch"]] {
        assert_eq!(grows["additionalProperties"], true, "{grows}");
    }
    assert_eq!(schemas["Thing"]["properties"]["values"]["additionalProperties"], json!({"type": "string"}));
    assert!(schemas["Input"].get("additionalProperties").is_none());
}

#[test]
fn every_token_is_sent_as_one_and_its_scopes_are_data() {
    let api = published(&things());
    let batch = &api["paths"]["/crm/v3/things/batch/read"]["post"];
    assert_eq!(batch["security"], json!([{"accessToken": []}]));
    assert_eq!(batch["x-required-scopes"], json!([["a", "b"], ["c"]]));
    let schemes = &api["components"]["securitySchemes"];
    assert_eq!(schemes["accessToken"]["scheme"], "bearer");
    assert_eq!(schemes["accessToken"]["x-scopes"], json!({"a": "Read things.", "b": "", "c": ""}));
    // A key in the query is no token, and an operation for everybody needs none.
    assert_eq!(api["paths"]["/crm/v3/things/upload"]["post"]["security"], json!([{"hapikey": []}]));
    assert_eq!(api["paths"]["/crm/v3/things/status"]["get"]["security"], json!([]));
    let names: Vec<_> = schemes.as_object().unwrap().keys().collect();
    assert_eq!(names, ["accessToken", "hapikey"]);
}

#[test]
fn ids_are_in_camel_case_and_differ_in_more_than_capitals() {
    let mut document = things();
    let upload = document["paths"]["/crm/v3/things/upload"].clone();
    document["paths"]["/crm/v3/things/up-load"] = upload.clone();
    document["paths"]["/crm/v3/thingsUpload"] = upload;
    let api = published(&document);
    let mut ids: Vec<String> = api["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_ascii_lowercase())
        .collect();
    assert!(ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric())), "{ids:?}");
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all), (5, 5), "{ids:?}");
}

#[test]
fn examples_with_placeholders_are_left_out() {
    let mut document = things();
    let media =
        &mut document["paths"]["/crm/v3/things/status"]["get"]["responses"]["200"]["content"]["application/json"];
    media["examples"] = json!({"real": {"value": {"id": "512"}}, "form": {"value": {"id": "<string>"}}});
    let api = published(&document);
    let media = &api["paths"]["/crm/v3/things/status"]["get"]["responses"]["200"]["content"]["application/json"];
    assert_eq!(media["examples"], json!({"real": {"value": {"id": "512"}}}));
}
