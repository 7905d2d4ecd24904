//! What becomes of operations in a description of another version of HubSpot's API.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{OpenAPI, Operation, ReferenceOr};
use serde_json::{Value, json};

use crate::{
    access::in_words,
    codegen::{
        bodies, merge, names,
        operations::{self, Family, KNOWN, Known},
        read::Document,
        scopes, segments, walk,
    },
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
    let mut moved = Vec::new();
    for (place, to) in counterparts(old, new) {
        let Some(mut operation) = slot(old, &place).and_then(Option::take) else { continue };
        let (method, path) = &place;
        let parameters = |path: &str| {
            let segments = segments::segments(path).filter(|segment| !segments::is_version(segment));
            segments.filter_map(segments::parameter).map(str::to_owned).collect::<Vec<_>>()
        };
        let names_of: BTreeMap<_, _> = parameters(path).into_iter().zip(parameters(&to)).collect();
        for parameter in walk::parameters(&mut operation) {
            if let openapiv3::Parameter::Path { parameter_data, .. } = parameter
                && let Some(name) = names_of.get(&parameter_data.name)
            {
                parameter_data.name.clone_from(name);
            }
        }
        operation.operation_id = new
            .operations()
            .find(|(new_path, new_method, _)| *new_path == to && new_method == method)
            .and_then(|(_, _, operation)| operation.operation_id.clone());
        let users = Use { operations: operation.operation_id.clone().into_iter().collect(), ..Use::default() };
        let name = operation.operation_id.clone().unwrap_or_default();
        // A method of the builder has the name of the parameter.
        for (was, is) in names_of.iter().filter(|(was, is)| names::snake(was) != names::snake(is)) {
            let place = format!("{name}({is})");
            moved.push(Difference::new("parameter renamed", place, format!("it was {was}"), Breaks::Yes, &users));
        }
        // Another name of a parameter is no other path.
        if literals(path) != literals(&to) {
            let detail = format!("{} {path} → {to}", method.to_uppercase());
            moved.push(Difference::new("operation moved", name, detail, Breaks::Yes, &users));
        }
        let place = (method.clone(), to);
        old.paths.paths.entry(place.1.clone()).or_insert_with(|| ReferenceOr::Item(Default::default()));
        if let Some(slot) = slot(old, &place) {
            *slot = Some(operation);
        }
    }
    old.paths.paths.retain(|_, item| match item {
        ReferenceOr::Item(item) => walk::operations_of(item).next().is_some(),
        ReferenceOr::Reference { .. } => true,
    });
    moved
}

/// A method in small letters, and a path.
type Place = (String, String);

fn slot<'a>(api: &'a mut OpenAPI, (method, path): &Place) -> Option<&'a mut Option<Operation>> {
    let Some(ReferenceOr::Item(item)) = api.paths.paths.get_mut(path) else { return None };
    let slot = walk::slots_mut(item).into_iter().find(|(name, _)| name.eq_ignore_ascii_case(method));
    slot.map(|(_, operation)| operation)
}

/// The places of the unknown operations that only the one description has, with the paths that only the other has for them:
/// those of the same version first, which call their parameters something else, and then the newest of each.
fn counterparts(old: &OpenAPI, new: &OpenAPI) -> Vec<(Place, String)> {
    let unknown = |api: &OpenAPI| -> BTreeSet<Place> {
        let operations =
            api.operations().filter(|(path, method, _)| Known::find(&method.to_uppercase(), path).is_none());
        operations.map(|(path, method, _)| (method.to_owned(), path.to_owned())).collect()
    };
    let (before, after) = (unknown(old), unknown(new));
    let newest_first = |places: &BTreeSet<Place>, others: &BTreeSet<Place>| -> Vec<Place> {
        let mut places: Vec<_> = places.difference(others).cloned().collect();
        places.sort_by(|(_, a), (_, b)| version(b).cmp(&version(a)));
        places
    };
    let (mut gone, mut come) = (newest_first(&before, &after), newest_first(&after, &before));
    let mut found = Vec::new();
    let likes: [fn(&str) -> Vec<&str>; 2] = [literals, without_version];
    for like in likes {
        gone.retain(|(method, path)| {
            let at = come.iter().position(|(other, to)| {
                // The arguments of the one may be others of the other.
                other == method && like(path) == like(to) && !operations::is_swapped(path, to)
            });
            found.extend(at.map(|at| ((method.clone(), path.clone()), come.remove(at).1)));
            at.is_none()
        });
    }
    found
}

/// The segments of a path, whatever its parameters are called.
fn literals(path: &str) -> Vec<&str> {
    path.split('/').map(literal).collect()
}

/// As [`literals`], whichever version it names.
fn without_version(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segments::is_version(segment)).map(literal).collect()
}

fn literal(segment: &str) -> &str {
    segments::parameter(segment).map_or(segment, |_| "{}")
}

/// The version that a path names, the dated ones after the numbered.
fn version(path: &str) -> Option<(bool, u64, (&str, bool))> {
    let version = segments::segments(path).find(|segment| segments::is_version(segment))?;
    let number = version.strip_prefix('v').and_then(|number| number.parse().ok());
    Some((number.is_none(), number.unwrap_or_default(), segments::recency(version)))
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
        KNOWN.iter().any(|known| known.is_in_each_document() && of(new, known.name).is_some());
    let is_left_out = |known: &Known, new: &OpenAPI| {
        let is_elsewhere = !known.is_in_each_document() || !describes_partner_clients;
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
                found.extend(replaced(place, (old, &before), (new, &operation)));
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
fn replaced(
    name: &str,
    (old, before): (&OpenAPI, &Operation),
    (new, after): (&OpenAPI, &Operation),
) -> Vec<Difference> {
    let [old_components, new_components] = [old, new].map(|api| api.components.clone().unwrap_or_default());
    let (old, new) = (json!(old_components), json!(new_components));
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
    let [had, has] = [before, after].map(|operation| json!(bodies::sent(operation).and_then(|(_, schema)| schema)));
    parts("request body changed", &format!("{name} request"), (&old, &had), (&new, &has), &users, &mut found);
    let users = Use { received: true, operations: [name.to_owned()].into(), ..Use::default() };
    let answers = [(before, &old_components), (after, &new_components)].map(|(operation, components)| {
        let successes = operation.responses.responses.keys().filter(|status| bodies::is_success(status));
        let mut all: Vec<_> = successes.map(ToString::to_string).collect();
        all.sort();
        (all.join(", "), json!(bodies::answer(operation, components).and_then(|answer| answer.schema)))
    });
    let [(was, before_schema), (is, after_schema)] = &answers;
    if was != is {
        found.push(Difference::new("status changed", name, format!("{was} → {is}"), Breaks::No, &users));
    }
    parts("answer changed", &format!("{name} answer"), (&old, before_schema), (&new, after_schema), &users, &mut found);
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
