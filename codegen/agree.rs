//! What two descriptions of one schema have in common.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// One schema that holds wherever one of the two does, if they differ only in what is optional: fields that may be there,
/// what has to be there, bounds, values of an enumeration, and what is said for people.
pub fn schemas(a: &Value, b: &Value) -> Option<Value> {
    // What may be `null` beside a reference is a composition of that one.
    let or_null =
        |schema: &Value, reference: &Value| schema["nullable"] == true && schema["allOf"] == json!([reference]);
    for (wide, narrow) in [(a, b), (b, a)] {
        if narrow.get("$ref").is_some_and(|reference| or_null(wide, &json!({"$ref": reference}))) {
            return Some(wide.clone());
        }
    }
    let (a, b) = match (a, b) {
        (Value::Object(a), Value::Object(b)) => (a, b),
        (a, b) => return (a == b).then(|| a.clone()),
    };
    let mut out = Map::new();
    for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
        let value = match (key.as_str(), a.get(key), b.get(key)) {
            ("properties", ours, theirs) => Some(properties((ours, a), (theirs, b))?),
            ("required", ours, theirs) => common(ours, theirs),
            ("nullable", ours, theirs) => ours.filter(|value| **value == Value::Bool(true)).or(theirs).cloned(),
            ("enum", Some(ours), Some(theirs)) => Some(all(ours, theirs)),
            ("items" | "additionalProperties" | "not", Some(ours), Some(theirs)) => Some(schemas(ours, theirs)?),
            ("allOf" | "oneOf" | "anyOf", Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
                Some(parts(ours, theirs)?)
            }
            // An object that says nothing of further fields has them.
            ("additionalProperties", Some(Value::Bool(_)), None)
            | ("additionalProperties", None, Some(Value::Bool(_))) => None,
            (
                "$ref" | "type" | "format" | "items" | "additionalProperties" | "not" | "allOf" | "oneOf" | "anyOf",
                ours,
                theirs,
            ) => {
                if ours != theirs {
                    return None;
                }
                ours.cloned()
            }
            // Said for people, or by the one alone.
            (key, Some(ours), None) if said(key) => Some(ours.clone()),
            (key, None, Some(theirs)) if said(key) => Some(theirs.clone()),
            (key, Some(ours), Some(_)) if said(key) => Some(ours.clone()),
            // A bound of one only, or two different ones.
            (_, ours, theirs) => (ours == theirs).then(|| ours.cloned()).flatten(),
        };
        out.extend(value.map(|value| (key.clone(), value)));
    }
    Some(Value::Object(out))
}

/// Whether a member of a schema is said for people.
pub fn said(key: &str) -> bool {
    matches!(key, "description" | "title" | "example" | "externalDocs" | "deprecated" | "default")
        || key.starts_with("x-")
}

/// A field that only one of them has is no conflict unless it has to be there.
fn properties(
    ours: (Option<&Value>, &Map<String, Value>),
    theirs: (Option<&Value>, &Map<String, Value>),
) -> Option<Value> {
    let none = Map::new();
    let fields = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&none).clone();
    let requires = |schema: &Map<String, Value>, field: &str| {
        schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == field))
    };
    let (a, b) = (fields(ours.0), fields(theirs.0));
    let mut out = Map::new();
    for (name, field) in &a {
        let field = match b.get(name) {
            Some(other) => schemas(field, other)?,
            None if requires(ours.1, name) => return None,
            None => field.clone(),
        };
        out.insert(name.clone(), field);
    }
    for (name, field) in b.into_iter().filter(|(name, _)| !a.contains_key(name)) {
        if requires(theirs.1, &name) {
            return None;
        }
        out.insert(name, field);
    }
    Some(Value::Object(out))
}

fn parts(ours: &[Value], theirs: &[Value]) -> Option<Value> {
    let parts = ours.iter().zip(theirs).map(|(a, b)| schemas(a, b));
    (ours.len() == theirs.len()).then(|| parts.collect::<Option<Vec<_>>>()).flatten().map(Value::Array)
}

fn common(ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
    let (ours, theirs) = (ours?.as_array()?, theirs?.as_array()?);
    Some(Value::Array(ours.iter().filter(|value| theirs.contains(value)).cloned().collect()))
}

fn all(ours: &Value, theirs: &Value) -> Value {
    let values = [ours, theirs].into_iter().filter_map(Value::as_array).flatten();
    let mut seen = BTreeSet::new();
    Value::Array(values.filter(|value| seen.insert(value.to_string())).cloned().collect())
}
