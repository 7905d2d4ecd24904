//! What differs between two schemas at one place.

use serde_json::{Map, Value};

use crate::found::{Breaks, Difference, Use};

type Narrower = fn(f64, f64) -> bool;

/// Bounds: whether a change from one value to the other refuses what was taken before.
const BOUNDS: [(&str, Narrower); 8] = [
    ("maximum", |old, new| new < old),
    ("maxLength", |old, new| new < old),
    ("maxItems", |old, new| new < old),
    ("maxProperties", |old, new| new < old),
    ("minimum", |old, new| new > old),
    ("minLength", |old, new| new > old),
    ("minItems", |old, new| new > old),
    ("minProperties", |old, new| new > old),
];

/// Everything at this place itself; schemas inside it have places of their own.
pub fn differences(old: &Value, new: &Value, place: &str, users: &Use) -> Vec<Difference> {
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        return Vec::new();
    };
    let mut found = Found { place, users, differences: Vec::new() };
    let kind = |schema: &Map<String, Value>| (schema.get("type").cloned(), schema.get("format").cloned());
    if kind(before) != kind(after) || before.contains_key("items") != after.contains_key("items") {
        found.add("type changed", "", format!("{} → {}", type_of(old), type_of(new)), Breaks::UnlessCorrected);
        return found.differences;
    }
    fields(before, after, &mut found);
    values(before, after, &mut found);
    bounds(before, after, &mut found);
    if before.get("default") != after.get("default") {
        found.add("default changed", "", transition(before, after, "default"), Breaks::No);
    }
    let [was, is] = [before, after].map(|schema| schema.get("x-nullable") == Some(&Value::Bool(true)));
    match (was, is) {
        (false, true) => found.add("made nullable", "", String::new(), found.if_received()),
        (true, false) => found.add("no longer nullable", "", String::new(), found.if_sent(Breaks::UnlessCorrected)),
        _ => {}
    }
    if before.get("deprecated") != after.get("deprecated") {
        found.add("deprecation changed", "", transition(before, after, "deprecated"), Breaks::No);
    }
    found.differences
}

struct Found<'a> {
    place: &'a str,
    users: &'a Use,
    differences: Vec<Difference>,
}

impl Found<'_> {
    fn add(&mut self, what: &'static str, field: &str, detail: impl Into<String>, breaks: Breaks) {
        let place = format!("{}{field}", self.place);
        self.differences.push(Difference::new(what, place, detail, breaks, self.users));
    }

    fn if_received(&self) -> Breaks {
        if self.users.received { Breaks::UnlessCorrected } else { Breaks::No }
    }

    fn if_sent(&self, breaks: Breaks) -> Breaks {
        if self.users.sent { breaks } else { Breaks::No }
    }
}

fn fields(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Found<'_>) {
    let none = Map::new();
    let fields =
        |schema: &Map<String, Value>| schema.get("properties").and_then(Value::as_object).unwrap_or(&none).clone();
    let (before, after) = (fields(old), fields(new));
    for (name, field) in &before {
        let place = format!(".{name}");
        let [was_required, is_required] = [old, new].map(|schema| requires(schema, name));
        match after.get(name) {
            None => found.add("field removed", &place, type_of(field), Breaks::UnlessCorrected),
            Some(_) if !was_required && is_required => {
                let breaks = if found.users.sent { Breaks::Yes } else { Breaks::UnlessCorrected };
                found.add("field made required", &place, type_of(field), breaks);
            }
            Some(_) if was_required && !is_required => {
                found.add("field made optional", &place, type_of(field), found.if_received());
            }
            Some(_) => {}
        }
    }
    for (name, field) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let required = requires(new, name);
        let detail = format!("{}, {}", type_of(field), if required { "required" } else { "optional" });
        let breaks = if required { found.if_sent(Breaks::Yes) } else { Breaks::No };
        found.add("field added", &format!(".{name}"), detail, breaks);
    }
}

fn requires(schema: &Map<String, Value>, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|n| n == name))
}

fn values(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Found<'_>) {
    let list = |schema: &Map<String, Value>| schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, after) = (list(old), list(new));
    let without = |some: &[Value], others: &[Value]| {
        let rest: Vec<_> = some.iter().filter(|value| !others.contains(value)).map(Value::to_string).collect();
        (!rest.is_empty()).then(|| rest.join(", "))
    };
    if let Some(added) = without(&after, &before) {
        // From any value to a few.
        let breaks = if before.is_empty() { found.if_sent(Breaks::Yes) } else { Breaks::No };
        found.add("values added", "", added, breaks);
    }
    if let Some(removed) = without(&before, &after) {
        let breaks = if after.is_empty() { Breaks::No } else { found.if_sent(Breaks::Yes) };
        found.add("values removed", "", removed, breaks);
    }
}

fn bounds(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Found<'_>) {
    for (bound, narrower) in BOUNDS {
        let [before, after] = [old, new].map(|schema| schema.get(bound).and_then(Value::as_f64));
        if before != after {
            let narrower = match (before, after) {
                (Some(before), Some(after)) => narrower(before, after),
                (before, _) => before.is_none(),
            };
            let breaks = if narrower { found.if_sent(Breaks::UnlessCorrected) } else { Breaks::No };
            found.add("bound changed", "", format!("{bound} {}", transition(old, new, bound)), breaks);
        }
    }
    for (bound, loosened) in [("pattern", None), ("uniqueItems", Some(false))] {
        if old.get(bound) != new.get(bound) {
            let narrower = new.get(bound).is_some_and(|value| value.as_bool() != loosened || loosened.is_none());
            let breaks = if narrower { found.if_sent(Breaks::UnlessCorrected) } else { Breaks::No };
            found.add("bound changed", "", format!("{bound} {}", transition(old, new, bound)), breaks);
        }
    }
}

fn transition(old: &Map<String, Value>, new: &Map<String, Value>, key: &str) -> String {
    let text = |schema: &Map<String, Value>| schema.get(key).map_or("none".into(), Value::to_string);
    format!("{} → {}", text(old), text(new))
}

/// Where a schema leads by its name, which it may do with `null` beside it.
pub fn reference(schema: &Value) -> Option<&str> {
    let reference = match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => &only["$ref"],
        _ => &schema["$ref"],
    };
    reference.as_str()
}

/// A schema's type in short: `string (date-time)`, `[AssociatedId]`, `map of string`.
pub fn type_of(schema: &Value) -> String {
    if let Some(reference) = reference(schema) {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or("any");
    match (kind, schema.get("format").and_then(Value::as_str)) {
        ("array", _) => format!("[{}]", schema.get("items").map_or("any".into(), type_of)),
        ("object", _) => match schema.get("additionalProperties").filter(|values| values.is_object()) {
            Some(values) => format!("map of {}", type_of(values)),
            None => "object".into(),
        },
        (kind, Some(format)) => format!("{kind} ({format})"),
        (kind, None) => kind.into(),
    }
}
