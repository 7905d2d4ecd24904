//! Documents with random faults: whatever is wrong with one, it becomes code or one line.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::{Value, json};

use super::any_document::generated;

const SEEDS: u64 = 400;
const KEYS: [&str; 23] = [
    "self",
    "a b",
    "😀",
    "id",
    "Id",
    "type",
    "",
    "{x}",
    "default",
    "Option",
    "String",
    "Error",
    "Client",
    "404",
    "5XX",
    "head",
    "options",
    "nullable",
    "properties",
    "$ref",
    "a__dup2",
    "api-version",
    "202",
];
const AT_MOST: Duration = Duration::from_secs(8);

/// The places of all values in a document.
fn places(json: &Value) -> Vec<String> {
    fn walk(place: &str, json: &Value, out: &mut Vec<String>) {
        out.push(place.to_owned());
        match json {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                walk(&format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), value, out);
            }),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| walk(&format!("{place}/{i}"), item, out))
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk("", json, &mut out);
    out
}

fn mutate(json: &mut Value, rng: &mut Rng) -> String {
    let all = places(json);
    let place = rng.choice(&all).unwrap().clone();
    let other = rng.choice(&all).unwrap().clone();
    let schemas: Vec<String> =
        json["components"]["schemas"].as_object().into_iter().flat_map(|schemas| schemas.keys().cloned()).collect();
    let name = rng.choice(&schemas).cloned().unwrap_or_default();
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    let values = [
        Value::Null,
        json!(true),
        json!(-1.5),
        json!("x"),
        json!("object"),
        json!([]),
        json!({}),
        json!({"$ref": format!("#{place}")}),
        json!({"oneOf": [reference]}),
        json!({"allOf": [reference, {"properties": {"x": reference}}]}),
        json!({"properties": {"a": reference, "A": {"type": "string"}}, "anyOf": [reference, {"type": "null"}]}),
        json!({"type": "array", "items": reference}),
        json!({"type": ["string", "null"], "format": "uuid"}),
        json!({"type": "object", "additionalProperties": reference, "nullable": true}),
        json!({"type": "object", "required": ["type", "nope"], "properties": {"type": reference, "Self": {"type": "string"},
            "crate": {"type": "integer"}, "2fa": {"type": "boolean", "default": true}, "a.b": reference, "$x": reference}}),
        json!({"allOf": [reference, {"required": ["id"], "properties": {"id": {"type": "integer"}}}], "title": "String"}),
        json!({"type": "string", "enum": ["a", "A", "a-b", "", "1", "self"], "nullable": true}),
        json!({"type": "array", "items": {"type": "array", "items": {"properties": {"q": reference}}}}),
        json!([reference, {"name": "ids", "in": "query", "required": true, "schema": {"type": "array", "items": reference}}]),
        json!({"nullable": true, "allOf": [reference], "description": "d"}),
        json!({"type": "object", "nullable": true, "properties": {"in": {"type": "array", "items": {"nullable": true, "oneOf": [reference]}}}}),
        json!([{"name": "a b", "in": "header", "schema": reference}, {"name": "Accept", "in": "header", "required": true}]),
        json!({"content": {"multipart/form-data": {"schema": reference}}}),
        json!({"description": "\n    code\n```\n", "content": {"application/json": {"schema": reference}, "text/csv": {}}}),
        json!({"allOf": [reference, {"description": "d"}]}),
        json!({"type": "object", "properties": {"a": {"allOf": [reference, {"properties": {"b": reference}}]}}}),
        json!({"$ref": format!("#/components/schemas/%{:02X}{}", name.bytes().next().unwrap_or(b'x'), name.get(1..).unwrap_or_default())}),
        json!({"description": "", "content": {"a/csv": {"schema": {"type": "string"}}, "application/json": {"schema": reference}}}),
        json!({"content": {"application/x-www-form-urlencoded": {"schema": reference}}}),
        reference,
    ];
    let value = rng.choice(&values).unwrap().clone();
    let elsewhere = json.pointer(&other).cloned().unwrap_or_default();
    let key = KEYS[rng.usize(..KEYS.len())];
    let kind = rng.u8(..5);
    if let Some(node) = json.pointer_mut(&place) {
        match (kind, node) {
            (0, node) => *node = value,
            (1, Value::Object(members)) if !members.is_empty() => {
                let name = members.keys().nth(rng.usize(..members.len())).unwrap().clone();
                members.remove(&name);
            }
            (2, Value::Object(members)) => drop(members.insert(key.to_owned(), value)),
            (3, Value::Object(members)) if !members.is_empty() => {
                // The same again, in another case.
                let name = members.keys().nth(rng.usize(..members.len())).unwrap().clone();
                let again = members[&name].clone();
                let swapped = match rng.u8(..3) {
                    0 => name.to_uppercase(),
                    1 => name.trim_start_matches('/').to_owned(),
                    _ => format!("{name}_"),
                };
                members.insert(swapped, again);
            }
            (_, node) => *node = elsewhere,
        }
    }
    format!("{kind} at {place}")
}

#[test]
fn whatever_is_wrong_with_a_document_it_becomes_code_or_one_line() {
    let documents = [
        "openapi/v3/account",
        "openapi/v3/associations",
        "openapi/dated/associations",
        "examples/companies/hubspot/companies",
        "tests/hubspot/2026-09/associations_schema",
        "tests/hubspot/v3/associations_schema",
        "tests/hubspot/v3/associations",
        "tests/hubspot/v3/account",
        "tests/hubspot/v3/partner_clients",
    ]
    .map(|file| std::fs::read_to_string(format!("{file}.json")).unwrap());
    let (start, mut generated_ones, mut tried) = (Instant::now(), 0, 0);
    for seed in (0..SEEDS).take_while(|_| start.elapsed() < AT_MOST) {
        let mut rng = Rng::with_seed(seed);
        let mut json: Value = serde_json::from_str(rng.choice(&documents).unwrap()).unwrap();
        let faults: Vec<_> = (0..rng.usize(1..4)).map(|_| mutate(&mut json, &mut rng)).collect();
        let text = json.to_string();
        let outcome = catch_unwind(AssertUnwindSafe(|| generated(&text)));
        tried += 1;
        match outcome {
            Ok(Ok((code, warnings))) => {
                generated_ones += 1;
                assert!(syn::parse_file(&code.client).is_ok(), "seed {seed}: {faults:?}");
                #[cfg(feature = "mock")]
                assert!(syn::parse_file(&code.mock).is_ok(), "seed {seed}: {faults:?}");
                assert!(warnings.iter().all(|warning| !warning.contains('\n')), "seed {seed}: {warnings:?}");
            }
            Ok(Err(trouble)) => {
                let place = trouble.starts_with("x.json: at ");
                assert!(place && !trouble.contains('\n'), "seed {seed}: {faults:?}: {trouble}");
            }
            Err(_) => panic!("seed {seed}: {faults:?} panicked"),
        }
    }
    assert!(generated_ones * 2 > tried, "most faults are of one part: {generated_ones} of {tried}");
}
