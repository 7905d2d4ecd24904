//! What differs between two plain documents. drift finds where; here it gets a name.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use drift::{ChangeClass, ChangeComparison, ChangeDetails, ChangeInfo};
use serde_json::{Value, json};

use crate::{
    codegen::bodies::JSON,
    found::{Breaks, Difference, Use, operation_name},
    plain::{MEDIA, TRAVELS},
    schema,
};

/// Every difference, in no particular order.
pub fn differences(old: &Value, new: &Value) -> Result<Vec<Difference>, String> {
    let (mut old, mut new) = (old.clone(), new.clone());
    let mut found = bodies(&mut old, &mut new);
    let uses = Uses::of([&old, &new]);
    found.extend(renamed_types(&old, &new, &uses));

    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| drift::compare(&old, &new)));
    std::panic::set_hook(hook);
    let changes = outcome
        .map_err(|_| "drift cannot compare the two descriptions".to_owned())?
        .map_err(|e| format!("drift cannot compare the two descriptions: {e:#}"))?;

    for change in changes {
        let Some(path) = change.paths.first() else { continue };
        let (old_base, new_base) = (path.old.current_pointer(), path.new.current_pointer());
        let mut seen = BTreeSet::new();
        for info in &change.changes {
            let [old_place, new_place] = [(old_base, &info.old_subpath), (new_base, &info.new_subpath)].map(pointer);
            if let Some(difference) = of_operation(info, (&old, &old_place), (&new, &new_place), path.comparison) {
                found.push(difference);
            // What has another name, or a name on one side only, is in `renamed_types`; a schema by itself need not have changed.
            } else if same_schema(old_base, new_base) && seen.insert((old_place.clone(), new_place.clone())) {
                let users = uses.at(&old_place);
                let place = label(&old_place, &old);
                let explained = schema::differences(node(&old, &old_place), node(&new, &new_place), &place, &users);
                if explained.is_empty() && info.class != ChangeClass::Trivial {
                    found.push(Difference::new("changed", place, &info.message, Breaks::UnlessCorrected, &users));
                }
                found.extend(explained);
            }
        }
    }
    Ok(found)
}

/// What drift says of operations, parameters, bodies and answers.
fn of_operation(
    info: &ChangeInfo,
    (old, old_place): (&Value, &str),
    (new, new_place): (&Value, &str),
    comparison: ChangeComparison,
) -> Option<Difference> {
    use ChangeDetails::{Added, AddedRequired, LessStrict, MoreStrict, Removed};
    let gone = matches!(info.details, Removed);
    let (api, place) = if gone { (old, old_place) } else { (new, new_place) };
    let operation = operation_name(api, place)?;
    let users = Use { operations: [operation.clone()].into(), ..Use::default() };
    let difference =
        |what, place: String, detail: &str, breaks| Some(Difference::new(what, place, detail, breaks, &users));

    let parameter = node(api, place).get("name").and_then(Value::as_str);
    let place = match parameter {
        Some(parameter) => format!("{operation}({parameter})"),
        None => operation.clone(),
    };
    match (comparison, info.details, parameter) {
        (ChangeComparison::Structural, Removed, _) => {
            difference("operation removed", place, &route(old_place), Breaks::UnlessCorrected)
        }
        (ChangeComparison::Structural, Added, _) => difference("operation added", place, &route(new_place), Breaks::No),
        (ChangeComparison::Input, Removed, Some(_)) => {
            difference("parameter removed", place, "", Breaks::UnlessCorrected)
        }
        (ChangeComparison::Input, Added, Some(_)) => difference("parameter added", place, "optional", Breaks::No),
        (ChangeComparison::Input, AddedRequired, Some(_)) => {
            difference("parameter added", place, "required", Breaks::Yes)
        }
        (ChangeComparison::Input, MoreStrict, Some(_)) => difference("parameter made required", place, "", Breaks::Yes),
        (ChangeComparison::Input, LessStrict, Some(_)) => difference("parameter made optional", place, "", Breaks::No),
        (ChangeComparison::Input, MoreStrict, None) => difference("request body made required", place, "", Breaks::Yes),
        (ChangeComparison::Input, LessStrict, None) => difference("request body made optional", place, "", Breaks::No),
        (ChangeComparison::Input, Added | AddedRequired | Removed, None) => {
            let what = if gone { "request body removed" } else { "request body added" };
            difference(what, place, "", Breaks::UnlessCorrected)
        }
        // Any 2xx is a success to the SDK, and every failure has the same shape.
        (ChangeComparison::Output, Added | Removed, None) => {
            let status = info.message.rsplit(' ').next().filter(|word| word.chars().all(|c| c.is_ascii_digit()));
            let what = if gone { "answer removed" } else { "answer added" };
            difference(what, place, status.unwrap_or("default"), Breaks::No)
        }
        _ => None,
    }
}

/// Bodies that only one side has, or that are of another media type. They are taken out of both: drift panics at them.
fn bodies(old: &mut Value, new: &mut Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let places: Vec<_> = contents(old).intersection(&contents(new)).cloned().collect();
    for place in places {
        let [was, is] = [&*old, &*new].map(|api| node(api, &place)[JSON][MEDIA].as_str().map(str::to_owned));
        if was != is {
            let users = Use { operations: operation_name(old, &place).into_iter().collect(), ..Use::default() };
            let (what, detail) = match (was, is) {
                (Some(was), Some(is)) => ("body type changed", format!("{was} → {is}")),
                (Some(_), None) => ("body removed", String::new()),
                (None, _) => ("body added", String::new()),
            };
            found.push(Difference::new(what, label(&place, old), detail, Breaks::UnlessCorrected, &users));
            for api in [&mut *old, &mut *new] {
                if let Some(content) = api.pointer_mut(&place[1..]) {
                    *content = Value::Object(Default::default());
                }
            }
        }
    }
    found
}

/// Places where both documents may have a body.
fn contents(api: &mut Value) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    crate::codegen::nodes::every_node(api, &mut |place, node| {
        let is_response = place.contains("/responses/") && !place.contains("/content/");
        if place.starts_with("#/paths/") && (is_response || place.ends_with("/requestBody")) {
            node.entry("content").or_insert_with(|| Value::Object(Default::default()));
            places.insert(format!("{place}/content"));
        }
    });
    places
}

/// A reference to another schema at the same place is another type in Rust, even if its fields are the same. So is a reference where
/// the schema stood in place, and the other way round.
fn renamed_types(old: &Value, new: &Value, uses: &Uses<'_>) -> Vec<Difference> {
    fn walk(place: &str, old: &Value, new: &Value, found: &mut Vec<(String, String)>) {
        match (old, new) {
            (Value::Object(a), Value::Object(b)) => {
                if schema::reference(old) != schema::reference(new) {
                    found.push((place.to_owned(), format!("{} → {}", schema::type_of(old), schema::type_of(new))));
                    return;
                }
                for (key, a) in a {
                    if let Some(b) = b.get(key) {
                        let key = key.replace('~', "~0").replace('/', "~1");
                        walk(&format!("{place}/{key}"), a, b, found);
                    }
                }
            }
            // Parameters are found by name, the only lists of schemas are choices.
            (Value::Array(a), Value::Array(b)) => {
                let is_same = |a: &Value, b: &Value| (&a["name"], &a["in"]) == (&b["name"], &b["in"]);
                for (i, a) in a.iter().enumerate() {
                    let by_name = place.ends_with("/parameters");
                    let b = if by_name { b.iter().find(|b| is_same(a, b)) } else { b.get(i) };
                    b.into_iter().for_each(|b| walk(&format!("{place}/{i}"), a, b, found));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("#", old, new, &mut found);
    found
        .into_iter()
        .map(|(place, detail)| {
            let users = uses.at(&place);
            Difference::new("type changed", label(&place, old), detail, Breaks::UnlessCorrected, &users)
        })
        .filter(|difference| !difference.operations.is_empty())
        .collect()
}

/// Operations and parameters that HubSpot newly documents as deprecated, or no longer, and parameters whose values are written
/// into the request in another way.
pub fn marks(old: &Value, new: &Value) -> Vec<Difference> {
    let (old, new) = (marked(old), marked(new));
    let mut found = Vec::new();
    for (key, (was, name)) in &old {
        let Some((is, _)) = new.get(key) else { continue };
        let (place, _) = key;
        let users = Use { operations: [name.clone()].into(), ..Use::default() };
        if was["deprecated"] != is["deprecated"] {
            let what = if is["deprecated"] == true { "deprecated" } else { "no longer deprecated" };
            found.push(Difference::new(what, place, "", Breaks::No, &users));
        }
        if let (Value::String(was), Value::String(is)) = (&was[TRAVELS], &is[TRAVELS])
            && was != is
        {
            let detail = format!("{was} → {is}");
            found.push(Difference::new("parameter sent otherwise", place, detail, Breaks::UnlessCorrected, &users));
        }
    }
    found
}

/// What is marked of each operation and each parameter, which may share its name with one elsewhere in the request; with the name of the
/// operation.
fn marked(api: &Value) -> BTreeMap<(String, String), (Value, String)> {
    let mut marked = BTreeMap::new();
    for (path, item) in api["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let pointer = format!("#/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"));
            let Some(name) = operation_name(api, &pointer) else { continue };
            let marks = |part: &Value| json!({"deprecated": part["deprecated"] == true, TRAVELS: part[TRAVELS]});
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let place = format!("{name}({})", parameter["name"].as_str().unwrap_or_default());
                let location = parameter["in"].as_str().unwrap_or_default().to_owned();
                marked.insert((place, location), (marks(parameter), name.clone()));
            }
            marked.insert((name.clone(), String::new()), (marks(operation), name));
        }
    }
    marked
}

/// Which operations send and receive each schema.
struct Uses<'a> {
    of: BTreeMap<String, Use>,
    documents: [&'a Value; 2],
}

impl<'a> Uses<'a> {
    fn of(documents: [&'a Value; 2]) -> Self {
        let mut uses = Self { of: BTreeMap::new(), documents };
        for api in documents {
            for (path, item) in api["paths"].as_object().into_iter().flatten() {
                for (method, operation) in item.as_object().into_iter().flatten() {
                    let pointer = format!("#/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"));
                    let Some(name) = operation_name(api, &pointer) else { continue };
                    uses.follow(api, &operation["parameters"], &name, true);
                    uses.follow(api, &operation["requestBody"], &name, true);
                    uses.follow(api, &operation["responses"], &name, false);
                }
            }
        }
        uses
    }

    fn follow(&mut self, api: &Value, part: &Value, operation: &str, sent: bool) {
        match part {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let known = self.of.entry(last(reference).to_owned()).or_default();
                    let seen = known.operations.contains(operation) && if sent { known.sent } else { known.received };
                    known.operations.insert(operation.to_owned());
                    known.sent |= sent;
                    known.received |= !sent;
                    if !seen {
                        self.follow(api, node(api, reference), operation, sent);
                    }
                }
                members.values().for_each(|member| self.follow(api, member, operation, sent));
            }
            Value::Array(items) => items.iter().for_each(|item| self.follow(api, item, operation, sent)),
            _ => {}
        }
    }

    fn at(&self, place: &str) -> Use {
        match place.strip_prefix("#/components/schemas/") {
            Some(schema) => self.of.get(schema.split('/').next().unwrap_or_default()).cloned().unwrap_or_default(),
            None => {
                let received = place.contains("/responses/");
                let operation = operation_name(self.documents[0], place);
                Use { sent: !received, received, operations: operation.into_iter().collect() }
            }
        }
    }
}

fn same_schema(old: &str, new: &str) -> bool {
    ![old, new].iter().any(|base| base.starts_with("#/components/")) || old == new
}

fn pointer((base, subpath): (&str, &String)) -> String {
    // drift's own name for it.
    let subpath = subpath.replacen("request_body", "requestBody", 1);
    if subpath.is_empty() { base.to_owned() } else { format!("{base}/{subpath}") }
}

fn node<'a>(api: &'a Value, pointer: &str) -> &'a Value {
    pointer.strip_prefix('#').and_then(|pointer| api.pointer(pointer)).unwrap_or(&Value::Null)
}

fn route(pointer: &str) -> String {
    let mut segments = pointer.trim_start_matches("#/paths/").split('/');
    let path = segments.next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
    format!("{} {path}", segments.next().unwrap_or_default().to_uppercase())
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// A place in words: `SimplePublicObject.properties{}`, `list(limit)`, `batch_read 207`.
pub fn label(pointer: &str, api: &Value) -> String {
    let (mut label, rest) = match (pointer.strip_prefix("#/components/schemas/"), operation_name(api, pointer)) {
        (Some(rest), _) => {
            let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (name.to_owned(), rest)
        }
        (None, Some(operation)) => (operation, pointer.splitn(5, '/').nth(4).unwrap_or_default()),
        (None, None) => (pointer.to_owned(), ""),
    };
    let mut segments = rest.split('/').filter(|segment| !segment.is_empty()).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "properties" => label += &format!(".{}", segments.next().unwrap_or_default()),
            "items" => label += "[]",
            "additionalProperties" => label += "{}",
            "requestBody" => label += " request",
            "responses" => label += &format!(" {}", segments.next().unwrap_or_default()),
            "parameters" => {
                let index = segments.next().unwrap_or_default();
                let end = pointer.find("/parameters/").map_or(0, |at| at + "/parameters/".len() + index.len());
                let name = node(api, &pointer[..end]).get("name").and_then(Value::as_str).unwrap_or(index);
                label += &format!("({name})");
            }
            "content" => drop(segments.next()),
            _ => {}
        }
    }
    label
}
