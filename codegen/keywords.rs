//! Keywords of a schema that say nothing of the one type it has. JSON Schema ignores them; to `openapiv3` they make it any value.

use serde_json::{Map, Value};

use super::nodes;

const TYPES: [(&str, &[&str]); 6] = [
    ("string", &["format", "maxLength", "minLength", "pattern"]),
    ("integer", &NUMBER),
    ("number", &NUMBER),
    ("boolean", &[]),
    ("array", &["items", "maxItems", "minItems", "uniqueItems"]),
    ("object", &["additionalProperties", "maxProperties", "minProperties", "properties", "required"]),
];
const NUMBER: [&str; 6] = ["exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "minimum", "multipleOf"];
const SIZES: [&str; 6] = ["maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"];
const COMPOSED: [&str; 5] = ["allOf", "anyOf", "items", "not", "oneOf"];

/// Every schema has the keywords of its type alone, and one that only describes fields is an object.
pub fn of_one_type(json: &mut Value) {
    nodes::every_node(json, &mut |place, node| {
        if !nodes::is_schema(place) || node.contains_key("$ref") {
            return;
        }
        if node.get("properties").is_some_and(Value::is_object)
            && !node.contains_key("type")
            && !COMPOSED.iter().any(|keyword| node.contains_key(*keyword))
        {
            node.insert("type".to_owned(), "object".into());
        }
        for keyword in SIZES {
            if let Some(whole) = node.get(keyword).and_then(whole) {
                node.insert(keyword.to_owned(), whole.into());
            }
        }
        let of = node.get("type").and_then(Value::as_str);
        let Some((of, own)) = TYPES.into_iter().find(|(name, _)| of == Some(*name)) else { return };
        let is_of_another =
            |keyword: &str| TYPES.iter().any(|(_, all)| all.contains(&keyword)) && !own.contains(&keyword);
        node.retain(|keyword, _| !is_of_another(keyword));
        values_are(of, node);
        if of == "integer" {
            for bound in ["maximum", "minimum", "multipleOf"] {
                if let Some(value) = node.remove(bound).filter(Value::is_number) {
                    node.extend(whole(&value).map(|whole| (bound.to_owned(), whole.into())));
                }
            }
        }
    });
}

/// Of the values of an enumeration those that the type has.
fn values_are(of: &str, node: &mut Map<String, Value>) {
    let Some(Value::Array(values)) = node.get_mut("enum") else { return };
    values.retain(|value| match of {
        _ if value.is_null() => true,
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => true,
    });
    if values.iter().all(Value::is_null) {
        node.remove("enum");
    }
}

/// A whole number that a schema can hold, however it is written.
fn whole(value: &Value) -> Option<i64> {
    // Up to this a float tells each whole number from the next.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT);
    value.as_i64().or_else(|| float.map(|float| float as i64))
}
