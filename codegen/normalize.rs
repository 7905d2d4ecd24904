//! Normalization of the forms that HubSpot's documents use beside those of OpenAPI 3.0. It works on JSON, because a
//! document in a wrong form does not parse.

use serde_json::{Map, Value, json};

/// The members whose own members are called by names rather than by keywords.
const MAPS: [&str; 12] = [
    "callbacks",
    "content",
    "encoding",
    "headers",
    "links",
    "parameters",
    "paths",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
];

/// Every liberty.
pub fn document(json: &mut Value) {
    drop_nulls(json);
    describe_responses(json);
    unwrap_single_choices(json);
    inline_plain_values(json);
}

/// A member that is `null` says nothing (`"example": null` stands everywhere in HubSpot's documents), and most members
/// may not be `null`.
pub fn drop_nulls(json: &mut Value) {
    every_node(json, &mut |_, node| {
        node.retain(|_, value| !value.is_null());
        for map in MAPS {
            if let Some(Value::Object(named)) = node.get_mut(map) {
                named.retain(|_, value| !value.is_null());
            }
        }
    });
}

/// OpenAPI wants every response described.
pub fn describe_responses(json: &mut Value) {
    every_node(json, &mut |_, node| {
        let responses = node.get_mut("responses").and_then(Value::as_object_mut);
        for response in responses.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            if !response.contains_key("$ref") {
                response.entry("description").or_insert_with(|| json!(""));
            }
        }
    });
}

/// A choice of one, the usual way to say something beside a `$ref`, is that one.
pub fn unwrap_single_choices(json: &mut Value) {
    every_node(json, &mut |_, node| {
        for choice in ["allOf", "oneOf", "anyOf"] {
            let only = match node.get(choice).and_then(Value::as_array).map(Vec::as_slice) {
                Some([Value::Object(only)]) => only.clone(),
                _ => continue,
            };
            if !["type", "properties", "items", "required"].iter().any(|substance| node.contains_key(*substance)) {
                node.remove(choice);
                node.extend(only);
            }
        }
    });
}

/// A reference to a schema that is but a string, a number or a boolean becomes that schema: it has a name in some
/// documents and none in others, and a name would make it a type.
pub fn inline_plain_values(json: &mut Value) {
    let schemas = json["components"]["schemas"].clone();
    every_node(json, &mut |_, node| {
        let name = node.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
        if let Some(Value::Object(schema)) = name.and_then(|name| schemas.get(name))
            && matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "number" | "boolean"))
        {
            node.remove("$ref");
            node.extend(schema.clone());
        }
    });
}

/// Visits every object of the document that is one in OpenAPI's sense, with its place as a JSON pointer, after those
/// inside it. Maps of names are none, and neither is data: examples, defaults, a vendor's extensions.
pub fn every_node(json: &mut Value, visit: &mut dyn FnMut(&str, &mut Map<String, Value>)) {
    walk("#", false, json, visit);
}

fn walk(place: &str, is_map: bool, json: &mut Value, visit: &mut dyn FnMut(&str, &mut Map<String, Value>)) {
    match json {
        Value::Object(node) => {
            for (key, value) in node.iter_mut() {
                let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
                match key.as_str() {
                    _ if is_map => walk(&place, false, value, visit),
                    "default" | "enum" | "example" | "examples" => {}
                    key if key.starts_with("x-") => {}
                    key => walk(&place, MAPS.contains(&key), value, visit),
                }
            }
            if !is_map {
                visit(place, node);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                walk(&format!("{place}/{i}"), false, item, visit);
            }
        }
        _ => {}
    }
}
