//! Visiting every object of a document that is JSON as yet.

use serde_json::{Map, Value};

/// The members whose own members are called by names rather than by keywords.
pub const MAPS: [&str; 12] = [
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

/// Whether what is at this place is a schema.
pub fn is_schema(place: &str) -> bool {
    let mut is_map = false;
    place.split('/').skip(1).any(|key| {
        let is_name = std::mem::replace(&mut is_map, false);
        is_map = !is_name && MAPS.contains(&key);
        !is_name && matches!(key, "schema" | "schemas")
    })
}
