//! The steps of the build's pipeline, on documents in HubSpot's shape and on documents that are wrong.

#[path = "../../codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;

#[path = "../../codegen/generate.rs"]
mod generate;
#[path = "../../codegen/trim.rs"]
mod trim;

mod adapt;
mod any_document;
mod bodies;
mod complete;
mod compositions;
mod correct;
mod demands;
mod facade;
mod generated;
mod generators;
mod keywords;
mod left_out;
mod merge;
mod mutations;
mod names;
mod nesting;
mod normalize;
mod nullable;
mod operations;
mod prose;
mod read;
mod references;
mod servers;
mod versions;

use std::path::Path;

use codegen::read::Document;
use openapiv3::OpenAPI;
use serde_json::{Value, json};

/// What HubSpot documents, in its shape.
fn documented() -> OpenAPI {
    let directory = Path::new("tests/hubspot/v3");
    codegen::documented(&[directory], directory, &mut Vec::new()).unwrap()
}

/// What a step makes of it, as JSON before and after.
fn step(run: impl FnOnce(&mut OpenAPI)) -> (Value, Value) {
    let mut api = documented();
    let before = serde_json::to_value(&api).unwrap();
    run(&mut api);
    (before, serde_json::to_value(&api).unwrap())
}

/// The paths at which two values differ.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    fn walk(place: &str, before: &Value, after: &Value, out: &mut Vec<String>) {
        match (before, after) {
            (Value::Object(a), Value::Object(b)) => {
                for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                    let missing = Value::Null;
                    let (a, b) = (a.get(key).unwrap_or(&missing), b.get(key).unwrap_or(&missing));
                    walk(&format!("{place}/{key}"), a, b, out);
                }
            }
            _ if before == after => {}
            _ => out.push(place.to_owned()),
        }
    }
    let mut out = Vec::new();
    walk("", before, after, &mut out);
    out
}

fn schema<'a>(api: &'a Value, name: &str) -> &'a Value {
    &api["components"]["schemas"][name]
}

/// A small description with one operation and one schema.
fn small() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "v3"},
        "paths": {"/crm/v3/things/{thingId}": {"get": {
            "operationId": "get-/crm/v3/things/{thingId}",
            "parameters": [{"name": "thingId", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "ok", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Thing"}}}}},
        }}},
        "components": {"schemas": {"Thing": {"type": "object", "properties": {"id": {"type": "string"}}}}},
    })
}

/// What a build makes of HubSpot's document on partner clients when it is edited so, with others in the same folder: the code, and each
/// warning.
fn built(
    name: &str,
    edit: impl FnOnce(&mut Value),
    others: &[(&str, Value)],
) -> Result<(generate::Code, Vec<String>), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut api =
        serde_json::from_str(&std::fs::read_to_string("tests/hubspot/v3/partner_clients.json").unwrap()).unwrap();
    edit(&mut api);
    for (file, api) in [("partner_clients.json", &api)].into_iter().chain(others.iter().map(|(file, api)| (*file, api)))
    {
        std::fs::write(folder.join(file), api.to_string()).unwrap();
    }
    let mut warnings = Vec::new();
    let built = codegen::description::Description::new(&[folder], Path::new("openapi"), &mut warnings);
    let api =
        built.and_then(codegen::description::Description::of_the_client).map_err(|problem| problem.to_string())?;
    let (code, left_out) = generate::all(&api)?;
    let left_out = left_out.into_iter().map(|(id, trouble)| format!("{id}: {trouble}"));
    Ok((code, warnings.iter().map(ToString::to_string).chain(left_out).collect()))
}

fn document(file: &str, json: &Value) -> Document {
    codegen::read::document(file, &json.to_string()).unwrap()
}
