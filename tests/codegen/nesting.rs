//! Schemas that lead to one another: the types that are made of them are not deeper inside one another than rustc can follow.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{
    any_document::{a, answering, description, generated, is_there, object, whole},
    codegen::nesting,
};

fn name(i: usize) -> String {
    format!("S{i:02}")
}

/// Something with as many lists around it.
fn lists(count: usize, inside: Value) -> Value {
    (0..count).fold(inside, |inside, _| json!({"type": "array", "items": inside}))
}

/// The code of these schemas, and how deep its types are inside one another.
fn built(schemas: Map<String, Value>) -> (String, usize, Vec<String>) {
    let paths: Map<_, _> =
        schemas.keys().map(|name| (format!("/crm/v3/{name}"), json!({"get": answering(a(name))}))).collect();
    let (code, warnings) = generated(&description(Value::Object(paths), Value::Object(schemas)).to_string()).unwrap();
    let depth = deepest(&code.client);
    (code.client, depth, warnings)
}

/// rustc gives up at 32 types inside one another when it looks whether they can be sent to another thread.
#[test]
fn circles_and_chains_of_many_schemas_end_before_rustc_gives_up() {
    let next = |i: usize, count: usize| name((i + 1) % count);
    let circle: Map<_, _> =
        (0..80).map(|i| (name(i), object(json!({"next": a(&next(i, 80)), "text": {"type": "string"}})))).collect();
    let mut chain = circle.clone();
    chain["S79"] = object(json!({"text": {"type": "string"}}));
    // Each leads to both of its neighbours.
    let mut both_ways = circle.clone();
    for i in 0..80 {
        both_ways[&next(i, 80)]["properties"]["back"] = a(&name(i));
    }
    for schemas in [circle, chain, both_ways] {
        let (_, depth, warnings) = built(schemas);
        assert!((12..=24).contains(&depth), "{depth}");
        assert!(warnings[0].starts_with("#/components/schemas/S") && warnings[0].contains("too deep"), "{warnings:?}");
    }
    // A small circle is kept.
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": answering(a("Person"))}}),
        json!({"Person": object(json!({"parent": a("Person"), "friends": {"type": "array", "items": a("Person")}}))}),
    ));
    is_there(&code, "pub parent: ::std::option::Option<::std::boxed::Box<Person>>");
}

#[test]
fn the_depth_of_a_line_does_not_depend_on_where_its_names_begin() {
    // Each leads to both of its neighbours, and the first by name is in the middle.
    let at = |place: usize| name((place + 21) % 41);
    let line: Map<_, _> = (0..41)
        .map(|place| {
            let mut fields = Map::new();
            fields.extend((place > 0).then(|| ("back".to_owned(), a(&at(place - 1)))));
            fields.extend((place < 40).then(|| ("next".to_owned(), a(&at(place + 1)))));
            (at(place), object(Value::Object(fields)))
        })
        .collect();
    let (_, depth, warnings) = built(line);
    assert!((12..=24).contains(&depth), "{depth}");
    assert!(!warnings.is_empty());
}

#[test]
fn lists_in_lists_count_as_often_as_they_are_there() {
    let chain: Map<_, _> = (0..20)
        .map(|i| (name(i), object(if i < 19 { json!({"next": lists(2, a(&name(i + 1)))}) } else { json!({"x": {}}) })))
        .collect();
    let (_, depth, _) = built(chain);
    assert!((12..=24).contains(&depth), "{depth}");
    let or_null = |schema: Value| json!({"nullable": true, "allOf": [schema]});
    let chain: Map<_, _> =
        (0..40).map(|i| (name(i), object(json!({"next": lists(1, or_null(a(&name((i + 1).min(39)))))})))).collect();
    let (code, depth, _) = built(chain);
    assert!((12..=24).contains(&depth), "{depth}");
    assert!(code.contains("pub next: ::std::vec::Vec<::serde_json::Value>"), "what is cut may be any value");
    let text = json!({"type": "string"});
    let mut answer = answering(lists(20, text.clone()));
    answer["requestBody"] =
        json!({"content": {"application/json": {"schema": object(json!({"x": lists(20, text.clone())}))}}});
    let mut api = description(json!({"/crm/v3/a": {"post": answer}}), json!({}));
    let (code, warnings) = generated(&api.to_string()).unwrap();
    assert!(!code.client.contains(&"::std::vec::Vec<".repeat(13)), "{}", code.client);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    // As in a description of shapes on a map.
    api["paths"]["/crm/v3/a"]["post"] = answering(lists(4, text));
    whole(&api);
}

#[test]
fn a_circle_that_is_not_too_deep_is_kept_whatever_else_is() {
    let mut schemas: Map<_, _> = (0..40)
        .map(|i| (name(i), object(if i < 39 { json!({"next": a(&name(i + 1))}) } else { json!({"near": a("S50")}) })))
        .collect();
    let pair = |other: &str| object(json!({"other": a(other), "self": {"type": "array", "items": a("S61")}}));
    schemas.extend([("S50".to_owned(), pair("S51")), ("S51".to_owned(), pair("S50"))]);
    schemas.extend([("S60".to_owned(), pair("S61")), ("S61".to_owned(), pair("S60"))]);
    let (code, depth, warnings) = built(schemas);
    assert!((12..=24).contains(&depth), "{depth}");
    assert_eq!(code.matches("pub other: ").count(), 4);
    assert!(!code.contains("pub other: ::std::option::Option<::serde_json::Value>"), "{warnings:?}");
    assert_eq!(code.matches("pub self_: ::std::vec::Vec<S61>").count(), 4);
    assert!((1..4).contains(&warnings.len()), "each is told, and no more: {warnings:?}");
    assert!(warnings.iter().all(|warning| !warning.contains("S50") && !warning.contains("S60")), "{warnings:?}");
}

#[test]
fn whatever_leads_to_what_it_is_not_too_deep_and_what_is_shallow_stays_whole() {
    for seed in 0..300 {
        let mut rng = Rng::with_seed(seed);
        let count = rng.usize(2..60);
        let mut steps_of_all = 0;
        let mut ways = BTreeMap::<String, BTreeMap<String, usize>>::new();
        for i in 0..count {
            let to = ways.entry(name(i)).or_default();
            for _ in 0..rng.usize(0..3) {
                let near = if rng.u8(..4) > 0 { i + rng.usize(1..3) } else { i.saturating_sub(rng.usize(0..4)) };
                to.insert(name(near.min(count - 1)), rng.usize(1..4) / 2 + 1);
            }
            steps_of_all += to.values().max().unwrap_or(&1);
        }
        let schemas: Map<_, _> = ways
            .iter()
            .map(|(name, to)| {
                let fields = to.iter().map(|(to, steps)| (to.clone(), lists(*steps, a(to))));
                (name.clone(), object(Value::Object(fields.collect())))
            })
            .collect();
        let mut api = serde_json::from_value(description(json!({}), Value::Object(schemas))).unwrap();
        let told = nesting::limit(&mut api);
        let after = json!(api.components);
        let is_kept = |name: &str, to: &str| after["schemas"][name]["properties"][to].to_string().contains("$ref");
        let cut = ways.iter().flat_map(|(name, to)| to.keys().filter(|to| !is_kept(name, to))).count();
        assert_eq!(cut, told.len(), "seed {seed}: {told:?}");
        assert!(steps_of_all > 24 || told.is_empty(), "seed {seed}: {told:?}");
        for (name, to) in &mut ways {
            to.retain(|to, _| is_kept(name, to));
        }
        if let Some(depth) = longest(&ways) {
            assert!(depth <= 24, "seed {seed}: {depth}");
        }
    }
}

/// How many types of the code are inside one another at most, lists, maps and entries that may be `null` counted.
fn deepest(code: &str) -> usize {
    let mut structs = BTreeMap::<String, BTreeMap<String, usize>>::new();
    for text in code.split("pub struct ").skip(1).filter(|text| text.starts_with('S')) {
        let body = text.split_once("\n    }").map_or(text, |(body, _)| body);
        let mut parts = body.split("pub ");
        let is_one = |word: &&str| word.len() == 3 && word.starts_with('S');
        let names = |part: &str| -> Vec<String> {
            part.split(|c: char| !c.is_alphanumeric()).filter(is_one).map(str::to_owned).collect()
        };
        let Some(name) = parts.next().and_then(|head| names(head).into_iter().next()) else { continue };
        let inside = structs.entry(name).or_default();
        for field in parts {
            let entries = field.matches("Vec<::std::option::Option<").count();
            let around = field.matches("Vec<").count() + field.matches("BTreeMap<").count() + entries;
            inside.extend(names(field).into_iter().map(|name| (name, around.max(1))));
        }
    }
    assert!(!structs.is_empty());
    longest(&structs).expect("the ways of these are few")
}

/// The longest way that meets nothing twice; none if there are too many ways.
fn longest(ways: &BTreeMap<String, BTreeMap<String, usize>>) -> Option<usize> {
    fn walk<'a>(
        name: &'a str,
        ways: &'a BTreeMap<String, BTreeMap<String, usize>>,
        path: &mut BTreeSet<&'a str>,
        left: &mut usize,
    ) -> Option<usize> {
        *left = left.checked_sub(1)?;
        path.insert(name);
        let mut depth = 1;
        for (inside, steps) in ways.get(name).into_iter().flatten() {
            if !path.contains(inside.as_str()) {
                depth = depth.max(steps + walk(inside, ways, path, left)?);
            }
        }
        path.remove(name);
        Some(depth)
    }
    let mut left = 500_000;
    ways.keys()
        .map(|name| walk(name, ways, &mut BTreeSet::new(), &mut left))
        .try_fold(0, |most, depth| Some(most.max(depth?)))
}
