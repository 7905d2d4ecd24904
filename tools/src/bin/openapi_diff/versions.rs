//! What becomes of operations in a description of another version of HubSpot's API.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{OpenAPI, Operation, ReferenceOr, StatusCode};
use serde_json::{Value, json};

use crate::{
    codegen::{
        merge,
        operations::{self, Family, KNOWN, Known},
        read::Document,
        scopes, segments, walk,
    },
    difference::in_words,
    found::{Breaks, Difference, Use},
    schema,
};

/// The family of versions that the documents describe; none where they describe both.
pub fn family(documents: &[Document]) -> Option<Family> {
    let dated = documents.iter().filter(|document| document.version.is_some()).count();
    match dated {
        0 => Some(Family::V3),
        dated if dated == documents.len() => Some(Family::Dated),
        _ => None,
    }
}

/// Gives the operations that the crate does not know the path that they have in the other version, so that they can be
/// compared. What moved is told once.
pub fn align(old: &mut OpenAPI, new: &OpenAPI) -> Vec<Difference> {
    let unknown = |api: &OpenAPI| -> BTreeMap<String, (String, String)> {
        let operations =
            api.operations().filter(|(path, method, _)| Known::find(&method.to_uppercase(), path).is_none());
        operations
            .map(|(path, method, _)| (method.to_owned(), path.to_owned()))
            .map(|(m, p)| (key(&m, &p), (m, p)))
            .collect()
    };
    let (before, after) = (unknown(old), unknown(new));
    let mut moved = Vec::new();
    for (key, (method, path)) in before {
        let Some((_, to)) = after.get(&key).filter(|(_, to)| *to != path) else { continue };
        // The arguments of the one are others of the other.
        if operations::is_swapped(&path, to) {
            continue;
        }
        let Some(ReferenceOr::Item(item)) = old.paths.paths.get_mut(&path) else { continue };
        let slot = walk::slots_mut(item).into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&method));
        let Some(mut operation) = slot.and_then(|(_, operation)| operation.take()) else { continue };
        let parameters = |path: &str| {
            path.split('/').filter_map(|s| Some(s.strip_prefix('{')?.strip_suffix('}')?.to_owned())).collect::<Vec<_>>()
        };
        let names: BTreeMap<_, _> = parameters(&path).into_iter().zip(parameters(to)).collect();
        for parameter in walk::parameters(&mut operation) {
            if let openapiv3::Parameter::Path { parameter_data, .. } = parameter
                && let Some(name) = names.get(&parameter_data.name)
            {
                parameter_data.name.clone_from(name);
            }
        }
        operation.operation_id = new
            .operations()
            .find(|(new_path, new_method, _)| new_path == to && *new_method == method)
            .and_then(|(_, _, operation)| operation.operation_id.clone());
        let users = Use { operations: operation.operation_id.clone().into_iter().collect(), ..Use::default() };
        let (name, method) = (operation.operation_id.clone().unwrap_or_default(), method.to_uppercase());
        // Another name of a parameter is no other path.
        let literals =
            |path: &str| path.split('/').filter(|s| !s.starts_with('{')).map(str::to_owned).collect::<Vec<_>>();
        if literals(&path) != literals(to) {
            let detail = format!("{method} {path} → {to}");
            moved.push(Difference::new("operation moved", name, detail, Breaks::Yes, &users));
        }
        let item = old.paths.paths.entry(to.clone()).or_insert_with(|| ReferenceOr::Item(Default::default()));
        if let ReferenceOr::Item(item) = item {
            for (_, slot) in walk::slots_mut(item).into_iter().filter(|(name, _)| *name == method) {
                *slot = Some(operation.clone());
            }
        }
    }
    old.paths.paths.retain(|_, item| match item {
        ReferenceOr::Item(item) => walk::operations_of(item).next().is_some(),
        ReferenceOr::Reference { .. } => true,
    });
    moved
}

/// Method and path without version and names of parameters.
fn key(method: &str, path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segments::is_version(segment));
    let segments: Vec<_> = segments.map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect();
    format!("{method} {}", segments.join("/"))
}

/// What becomes of the known operations when a program goes from one family of versions to the other: which keep their
/// schemas and only move, which have a successor and what is different about it, which have none, and which are new. They
/// are taken out of both descriptions.
pub fn successors(old: &mut OpenAPI, new: &mut OpenAPI, (from, to): (Family, Family)) -> Vec<Difference> {
    let mut found = Vec::new();
    let of = |api: &OpenAPI, name: &str| {
        api.operations()
            .find(|(_, _, o)| o.operation_id.as_deref() == Some(name))
            .map(|(_, _, operation)| operation.clone())
    };
    let users = |name: &str| Use { sent: true, received: true, operations: [name.to_owned()].into() };
    let path = |known: &Known, family| match (known.family, family) {
        (Family::Every, Family::Dated) => operations::dated(known.path),
        _ => known.path.to_owned(),
    };
    let describes_partner_clients =
        KNOWN.iter().any(|known| known.is_on_partner_clients() && of(new, known.name).is_some());
    let is_left_out = |known: &Known, new: &OpenAPI| {
        let is_elsewhere = !known.is_on_partner_clients() || !describes_partner_clients;
        known.family == Family::Every && is_elsewhere && of(new, known.name).is_none()
    };
    let mut successors = BTreeSet::new();
    for known in KNOWN.iter().filter(|known| of(old, known.name).is_some()) {
        let (users, method, place) = (users(known.name), known.method, known.name);
        let route = format!("{method} {}", path(known, from));
        let next = known.counterpart.and_then(|name| KNOWN.iter().find(|known| known.name == name));
        let next = next.and_then(|next| Some((next, of(new, next.name)?)));
        match (known.family, next) {
            (Family::Every, _) if is_left_out(known, new) || of(new, place).is_some() => {
                let aside =
                    if is_left_out(known, new) { "; not described there: it is the same in every version" } else { "" };
                let detail = format!("{route} → {}{aside}", path(known, to));
                found.push(Difference::new("operation moved", place, detail, Breaks::No, &users));
            }
            (family, Some((next, operation))) if family == from => {
                successors.insert(next.name);
                let detail = format!("{route} → {}: {} {}", next.name, next.method, next.path);
                found.push(Difference::new("operation replaced", place, detail, Breaks::Yes, &users));
                let before = of(old, place).unwrap_or_default();
                let (old, new) = (json!(old.components), json!(new.components));
                found.extend(replaced(place, (&old, &before), (&new, &operation)));
            }
            (family, _) if family == from || family == Family::Every => {
                let detail = format!("{route}; it has no successor there");
                found.push(Difference::new("operation removed", place, detail, Breaks::Yes, &users));
            }
            _ => {}
        }
    }
    let added = KNOWN.iter().filter(|known| known.family == to && !successors.contains(known.name));
    for known in added.filter(|known| of(new, known.name).is_some()) {
        let detail = format!("{} {}", known.method, known.path);
        found.push(Difference::new("operation added", known.name, detail, Breaks::No, &users(known.name)));
    }
    merge::drop_operations(old, |method, path, _| {
        Known::find(method, path).is_some_and(|known| known.family == from || is_left_out(known, new))
    });
    merge::drop_operations(new, |method, path, _| Known::find(method, path).is_some_and(|known| known.family == to));
    found
}

/// What a caller of the one operation finds different about the other.
fn replaced(name: &str, (old, before): (&Value, &Operation), (new, after): (&Value, &Operation)) -> Vec<Difference> {
    let users = Use { sent: true, operations: [name.to_owned()].into(), ..Use::default() };
    let mut found = Vec::new();
    let query = |operation: &Operation| -> BTreeSet<String> {
        let parameters = operation.parameters.iter().filter_map(ReferenceOr::as_item);
        let in_query = parameters.filter(|parameter| matches!(parameter, openapiv3::Parameter::Query { .. }));
        in_query.map(|parameter| parameter.parameter_data_ref().name.clone()).collect()
    };
    let (had, has) = (query(before), query(after));
    for gone in had.difference(&has) {
        found.push(Difference::new("parameter removed", format!("{name}({gone})"), "", Breaks::Yes, &users));
    }
    for added in has.difference(&had) {
        found.push(Difference::new("parameter added", format!("{name}({added})"), "", Breaks::No, &users));
    }
    let bodies = [before, after].map(|operation| schema_of(json!(operation.request_body)));
    parts("request body changed", &format!("{name} request"), (old, &bodies[0]), (new, &bodies[1]), &users, &mut found);
    let users = Use { received: true, operations: [name.to_owned()].into(), ..Use::default() };
    let answers = [before, after].map(|operation| {
        let mut successes: Vec<_> = operation
            .responses
            .responses
            .iter()
            .filter(|(status, _)| matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2)))
            .collect();
        successes.sort_by_key(|(status, _)| status.to_string());
        let all: Vec<_> = successes.iter().map(|(status, _)| status.to_string()).collect();
        (all.join(", "), successes.last().map(|(_, response)| schema_of(json!(response))).unwrap_or_default())
    });
    let [(was, before_schema), (is, after_schema)] = &answers;
    if was != is {
        found.push(Difference::new("status changed", name, format!("{was} → {is}"), Breaks::No, &users));
    }
    parts("answer changed", &format!("{name} answer"), (old, before_schema), (new, after_schema), &users, &mut found);
    let [had, has] = [before, after].map(|operation| {
        let all = scopes::alternatives(operation).into_iter();
        all.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    });
    if had != has {
        let detail = format!("{} → {}", in_words(&had), in_words(&has));
        found.push(Difference::new("scopes changed", name, detail, Breaks::No, &users));
    }
    found
}

fn schema_of(content: Value) -> Value {
    let media = content.get("content").and_then(Value::as_object).and_then(|content| content.values().next());
    media.and_then(|media| media.get("schema")).cloned().unwrap_or_default()
}

/// A body as a whole, then field by field.
fn parts(
    what: &'static str,
    place: &str,
    (old, before): (&Value, &Value),
    (new, after): (&Value, &Value),
    users: &Use,
    found: &mut Vec<Difference>,
) {
    let name = |schema: &Value| if schema.is_null() { "none".to_owned() } else { schema::type_of(schema) };
    let (was, is) = (name(before), name(after));
    if was != is {
        found.push(Difference::new(what, place, format!("{was} → {is}"), Breaks::Yes, users));
    }
    if !before.is_null() && !after.is_null() {
        fields(place, (old, before), (new, after), users, found, &mut BTreeSet::new());
    }
}

fn fields(
    place: &str,
    (old, before): (&Value, &Value),
    (new, after): (&Value, &Value),
    users: &Use,
    found: &mut Vec<Difference>,
    seen: &mut BTreeSet<(String, String)>,
) {
    let resolved = |components: &Value, schema: &Value| {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
        name.map_or_else(|| schema.clone(), |name| components["schemas"][name].clone())
    };
    // A schema that leads to itself has been compared, and so has one that is the same on both sides.
    if !seen.insert((before.to_string(), after.to_string())) {
        return;
    }
    let (before, after) = (resolved(old, before), resolved(new, after));
    found.extend(schema::differences(&before, &after, place, users));
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let (Some(a), Some(b)) = (before.get(key), after.get(key)) {
            fields(&format!("{place}{suffix}"), (old, a), (new, b), users, found, seen);
        }
    }
    for (name, a) in before.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(b) = after.get("properties").and_then(|fields| fields.get(name)) {
            fields(&format!("{place}.{name}"), (old, a), (new, b), users, found, seen);
        }
    }
}
