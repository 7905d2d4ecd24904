//! A description without what is said for people only, and without what two writers of the same say differently.

use openapiv3::{OpenAPI, Parameter, ParameterSchemaOrContent, ReferenceOr, SchemaKind, Type};
use serde_json::{Map, Value, json};

use crate::codegen::{correct, normalize, walk};

/// The document as JSON that can be compared.
pub fn document(mut api: OpenAPI) -> Value {
    correct::error_bodies_are_json(&mut api);
    correct::sub_categories_are_any_value(&mut api);
    ids_have_no_pattern(&mut api);
    let mut json = json!({
        "paths": api.paths,
        "components": {"schemas": api.components.unwrap_or_default().schemas},
    });
    normalize::every_node(&mut json, &mut |place, node| {
        node.retain(|key, _| !is_noise(key));
        if node.contains_key("responses") && place.starts_with("#/paths/") {
            node.remove("tags");
            node.remove("security");
        }
        for set in ["required", "enum"] {
            if let Some(Value::Array(values)) = node.get_mut(set) {
                values.sort_by_cached_key(Value::to_string);
            }
        }
        // drift does not report what may be null, but it does report extensions.
        if let Some(nullable) = node.remove("nullable") {
            node.insert("x-nullable".into(), nullable);
        }
        only_json(node);
    });
    // What OpenAPI insists on.
    normalize::describe_responses(&mut json);
    json["openapi"] = json!("3.0.3");
    json["info"] = json!({"title": "", "version": ""});
    json
}

fn is_noise(key: &str) -> bool {
    let said_for_people = ["description", "summary", "title", "example", "examples", "externalDocs"];
    let spelled_out = ["style", "explode", "allowReserved", "allowEmptyValue"];
    said_for_people.contains(&key) || spelled_out.contains(&key) || key.starts_with("x-")
}

/// drift panics at bodies of a media type that only one side has.
fn only_json(node: &mut Map<String, Value>) {
    if let Some(Value::Object(content)) = node.get_mut("content") {
        content.retain(|media_type, media| media_type == "application/json" && media.get("schema").is_some());
    }
}

/// HubSpot restates with the parameters of a path what a path segment is.
fn ids_have_no_pattern(api: &mut OpenAPI) {
    for (_, _, operation) in walk::operations(api) {
        for parameter in walk::parameters(operation).filter(|p| matches!(p, Parameter::Path { .. })) {
            if let ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)) = &mut walk::data(parameter).format
                && let SchemaKind::Type(Type::String(string)) = &mut schema.schema_kind
            {
                string.pattern = None;
            }
        }
    }
}
