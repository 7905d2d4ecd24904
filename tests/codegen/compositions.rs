//! Compositions of objects, wherever they stand and wherever they lead.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};

use super::any_document::{a, answering, description, is_there, object, whole};

fn text() -> Value {
    json!({"type": "string"})
}

fn of(schemas: Value) -> super::generate::Code {
    let first = schemas.as_object().unwrap().keys().next().unwrap().clone();
    whole(&description(json!({"/crm/v3/a": {"get": answering(a(&first))}}), schemas))
}

#[test]
fn a_reference_with_something_said_beside_it_is_that_reference() {
    let code = of(json!({"Node": object(json!({
        "parent": {"allOf": [a("Node"), {"description": "The parent."}]},
        "next": {"allOf": [{"readOnly": true, "x-order": 3}, a("Node"), {}]},
        "last": {"allOf": [a("Node"), {"nullable": true}]},
        "any": {"allOf": [{"description": "Anything."}]},
    }))}));
    for field in ["parent", "next", "last"] {
        is_there(&code, &format!("pub {field}: ::std::option::Option<::std::boxed::Box<Node>>"));
    }
    is_there(&code, "pub any: ::std::option::Option<::serde_json::Value>");
}

#[test]
fn a_composition_in_a_field_that_leads_back_is_a_type_that_leads_to_itself() {
    let more = object(json!({"since": text()}));
    let code = of(json!({
        "Node": object(json!({"parent": {"allOf": [a("Node"), more]}, "name": text()})),
    }));
    for part in ["pub struct NodeParent {", "pub since:", "::std::boxed::Box<"] {
        is_there(&code, part);
    }
    assert!(!code.client.contains("NodeParentParent"), "one type, that leads to itself");
    // Through another one, in a list, in a map, without a type, and in a part of a composition.
    let code = of(json!({
        "A": object(json!({"b": {"allOf": [a("B"), more]}})),
        "B": object(json!({"as": {"type": "array", "items": {"allOf": [a("A"), more]}},
            "of": {"type": "object", "additionalProperties": {"properties": {"x": text()}, "allOf": [a("B")]}}})),
        "C": {"allOf": [a("A"), object(json!({"c": {"nullable": true, "allOf": [a("C"), more]}}))]},
    }));
    for part in ["pub struct Ab {", "pub as_: ::std::vec::Vec<BAsItem>", "BOfValue>", "pub struct Cc {"] {
        is_there(&code, part);
    }
}

#[test]
fn what_is_composed_of_something_else_than_objects_is_any_value() {
    let code = of(json!({
        "Thing": object(json!({
            "list": {"allOf": [a("List"), object(json!({"x": object(json!({"y": text()}))}))]},
            "map": {"allOf": [{"type": "object"}, {"type": "object", "additionalProperties": text()}]},
        })),
        "List": {"type": "array", "items": {"allOf": [a("Thing"), object(json!({"of": text()}))]}},
    }));
    is_there(&code, "pub list: ::std::option::Option<::serde_json::Value>");
    is_there(&code, "pub map: ::serde_json::Map<::std::string::String, ::serde_json::Value>");
    assert!(!code.client.contains("ThingList"), "no type for what nothing leads to");
}

#[test]
fn an_object_in_place_has_no_name_of_a_hand_written_type() {
    let code = of(json!({"Checked": object(json!({"objectId": object(json!({"x": text()}))}))}));
    is_there(&code, "pub object_id: ::std::option::Option<CheckedObjectId2>");
    is_there(&code, "pub x: ::std::option::Option<::std::string::String>");
}

/// Schemas of which any leads to any, in every way there is.
fn random(rng: &mut Rng, names: &[&str], depth: usize) -> Value {
    let reference = a(names[rng.usize(..names.len())]);
    if depth == 0 {
        return if rng.bool() { reference } else { text() };
    }
    let mut inside = || random(rng, names, depth - 1);
    let (one, two) = (inside(), inside());
    match rng.u8(..9) {
        0 => reference,
        1 => object(json!({"x": one, "y": two})),
        2 => json!({"properties": {"z": one}, "allOf": [reference]}),
        3 => json!({"allOf": [reference, {"description": "d"}]}),
        4 => json!({"allOf": [reference, object(json!({"v": one, "w": two}))], "nullable": true}),
        5 => json!({"allOf": [reference, {"allOf": [one, {"properties": {"u": two}}]}]}),
        6 => json!({"type": "array", "items": one}),
        7 => json!({"type": "object", "additionalProperties": one}),
        _ => json!({"allOf": [one, two]}),
    }
}

#[test]
fn schemas_that_lead_to_one_another_in_any_way_end() {
    let names = ["A", "B", "C"];
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let schemas: Value = names
            .iter()
            .map(|name| ((*name).to_owned(), random(&mut rng, &names, 3)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let paths: Value = names
            .iter()
            .map(|name| (format!("/crm/v3/{name}"), json!({"get": answering(random(&mut rng, &names, 2))})))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let (code, warnings) = super::any_document::generated(&description(paths, schemas.clone()).to_string())
            .unwrap_or_else(|trouble| panic!("seed {seed}: {trouble}: {schemas}"));
        let left_out: BTreeSet<_> = warnings.iter().filter(|line| line.starts_with("get_")).collect();
        assert!(left_out.is_empty(), "seed {seed}: {left_out:?}: {schemas}");
        assert!(syn::parse_file(&code.client).is_ok(), "seed {seed}");
    }
}
