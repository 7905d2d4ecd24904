//! A description without what is said for people only, and without what two writers of the same say differently.

use std::collections::BTreeSet;

use openapiv3::{
    Content, OpenAPI, Parameter, ParameterSchemaOrContent, QueryStyle, ReferenceOr, Schema, SchemaKind, Type,
};
use serde_json::{Value, json};

use crate::codegen::{bodies, correct, facade, nodes, normalize, operations::Known, walk};

/// How a list or an object in a parameter travels.
pub const TRAVELS: &str = "x-travels";
/// The media type of a body. Each is compared as JSON, because drift panics at one that only one side has.
pub const MEDIA: &str = "x-media-type";

/// The document as JSON that can be compared.
pub fn document(mut api: OpenAPI) -> Value {
    correct::error_bodies_are_json(&mut api);
    correct::sub_categories_are_any_value(&mut api);
    ids_have_no_pattern(&mut api);
    bodies_are_those_of_the_client(&mut api);
    defaults_meet_demands(&mut api);
    parameters_say_how_they_travel(&mut api);
    let mut json = json!({
        "paths": api.paths,
        "components": {"schemas": api.components.unwrap_or_default().schemas},
    });
    nodes::every_node(&mut json, &mut |place, node| {
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
    let ours = [TRAVELS, MEDIA];
    said_for_people.contains(&key) || spelled_out.contains(&key) || key.starts_with("x-") && !ours.contains(&key)
}

/// Of several media types the client takes one. The schema of what it does not write or read as values says nothing.
fn bodies_are_those_of_the_client(api: &mut OpenAPI) {
    fn chosen(content: &mut Content, has_values: impl Fn(&str) -> bool) {
        bodies::of_one_type(content);
        let Some((media, mut body)) = content.pop() else { return };
        let media = media.split(';').next().unwrap_or_default().trim().to_lowercase();
        if !has_values(&media) {
            body.schema = None;
        }
        body.schema.get_or_insert_with(|| ReferenceOr::Item(walk::any()));
        body.extensions = [(MEDIA.to_owned(), json!(media))].into_iter().collect();
        content.insert(bodies::JSON.to_owned(), body);
    }
    for (_, _, operation) in walk::operations(api) {
        if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
            chosen(&mut body.content, |media| [bodies::JSON, bodies::FORM].contains(&media));
        }
        for response in walk::responses(operation) {
            chosen(&mut response.content, |media| media == bodies::JSON);
        }
    }
}

/// The facade's calls do without what has a default.
fn defaults_meet_demands(api: &mut OpenAPI) {
    let schemas = json!(api.components.as_ref().map(|components| &components.schemas));
    let (mut sent, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (method, path, operation) in walk::operations(api) {
        others.append(&mut walk::needed_schemas(&json!(operation.responses), &schemas));
        let mut body = walk::needed_schemas(&json!(operation.request_body), &schemas);
        if Known::find(method, path).is_none() {
            others.append(&mut body);
            continue;
        }
        sent.append(&mut body);
        for parameter in walk::parameters(operation).filter(|p| !matches!(p, Parameter::Path { .. })) {
            let data = walk::data(parameter);
            data.required &= !facade::has_a_default(&data.format);
        }
    }
    for name in sent.difference(&others) {
        if let Some(SchemaKind::Type(Type::Object(object))) = walk::component(api, name).map(|s| &mut s.schema_kind) {
            let fields = &object.properties;
            object.required.retain(|name| {
                let field = fields.get(name).and_then(ReferenceOr::as_item);
                field.is_none_or(|schema| schema.schema_data.default.is_none())
            });
        }
    }
}

/// With the defaults of OpenAPI filled in. What is one value travels in one way.
fn parameters_say_how_they_travel(api: &mut OpenAPI) {
    let schemas = api.components.clone().unwrap_or_default().schemas;
    let is_one_value = |schema: &ReferenceOr<Schema>| {
        let named = walk::reference(schema).and_then(|reference| schemas.get(reference.strip_prefix(walk::SCHEMAS)?));
        let kind = named.unwrap_or(schema).as_item().map(|schema| &schema.schema_kind);
        !matches!(kind, Some(SchemaKind::Type(Type::Array(_) | Type::Object(_)) | SchemaKind::Any(_)))
    };
    for (_, _, operation) in walk::operations(api) {
        for parameter in walk::parameters(operation) {
            let (style, explodes) = match parameter {
                Parameter::Query { style, .. } => (json!(style), *style == QueryStyle::Form),
                Parameter::Header { style, .. } => (json!(style), false),
                Parameter::Path { style, .. } => (json!(style), false),
                Parameter::Cookie { style, .. } => (json!(style), true),
            };
            let data = walk::data(parameter);
            let explodes = data.explode.unwrap_or(explodes);
            data.extensions.clear();
            if matches!(&data.format, ParameterSchemaOrContent::Schema(schema) if !is_one_value(schema)) {
                let style = style.as_str().unwrap_or_default();
                let travels = if explodes { format!("{style}, exploded") } else { style.to_owned() };
                data.extensions.insert(TRAVELS.to_owned(), json!(travels));
            }
        }
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
