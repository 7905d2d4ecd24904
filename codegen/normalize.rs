//! Normalization of the forms that HubSpot's documents use beside those of OpenAPI 3.0. It works on JSON, because a
//! document in a wrong form does not parse.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    agree, keywords,
    nodes::{MAPS, every_node, is_schema},
};

/// What a schema says of its values beside a choice.
const SUBSTANCE: [&str; 4] = ["type", "properties", "items", "required"];

/// Every liberty.
pub fn document(json: &mut Value) {
    drop_nulls(json);
    describe_responses(json);
    lift_annotations(json);
    unwrap_single_choices(json);
    follow_references(json);
    follow_aliases(json);
    inline_plain_values(json);
    // One of them that was a reference is none any more.
    unwrap_single_choices(json);
    keywords::of_one_type(json);
}

/// What 3.1 says in another way than 3.0. What it can say and 3.0 cannot is any value.
pub fn from_openapi_3_1(json: &mut Value) {
    let is_3_1 = json["openapi"].as_str().is_some_and(|version| version.starts_with("3.1."));
    if !is_3_1 {
        return;
    }
    json["openapi"] = json!("3.0.3");
    if let Some(document) = json.as_object_mut() {
        document.entry("paths").or_insert_with(|| json!({}));
    }
    let is_null = |schema: &Value| schema.get("type").is_some_and(|kind| *kind == json!("null"));
    every_node(json, &mut |place, node| {
        if let Some(Value::Array(types)) = node.get("type").cloned() {
            let others: Vec<_> = types.iter().filter(|kind| **kind != json!("null")).cloned().collect();
            node.remove("type");
            if let [only] = others.as_slice() {
                node.insert("type".into(), only.clone());
            }
            if others.len() != types.len() {
                node.insert("nullable".into(), json!(true));
            }
        }
        if node.get("type") == Some(&json!("null")) {
            node.remove("type");
            node.insert("nullable".into(), json!(true));
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(Value::Array(choices)) = node.get_mut(choice) {
                let before = choices.len();
                // What was `null` has been seen: a part is visited before the whole.
                choices.retain(|part| !is_null(part) && *part != json!({"nullable": true}));
                if choices.len() != before {
                    node.insert("nullable".into(), json!(true));
                }
            }
        }
        if let Some(value) = node.remove("const") {
            let kind = match &value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::Array(_) => "array",
                Value::Object(_) | Value::Null => "object",
            };
            node.entry("type").or_insert_with(|| json!(kind));
            node.insert("enum".into(), json!([value]));
        }
        for bound in ["exclusiveMinimum", "exclusiveMaximum"] {
            node.retain(|key, value| key != bound || value.is_boolean());
        }
        if node.get("examples").is_some_and(Value::is_array) {
            node.remove("examples");
        }
        for schema in ["items", "not", "schema"] {
            if node.get(schema).is_some_and(Value::is_boolean) {
                node.insert(schema.into(), json!({}));
            }
        }
        for field in node.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            if field.is_boolean() {
                *field = json!({});
            }
        }
        if is_schema(place) {
            fields_beside_a_reference(node);
        }
    });
}

/// What 3.0 ignores beside a reference. There it is a composition.
fn fields_beside_a_reference(node: &mut Map<String, Value>) {
    if !node.contains_key("$ref") || !["properties", "allOf"].iter().any(|keyword| node.contains_key(*keyword)) {
        return;
    }
    let of_the_whole = |key: &str| agree::said(key) || key == "nullable";
    let (said, mut rest): (Map<_, _>, Map<_, _>) =
        std::mem::take(node).into_iter().partition(|(key, _)| of_the_whole(key));
    let reference = rest.remove("$ref");
    *node = said;
    node.insert("allOf".into(), json!([{"$ref": reference}, rest]));
}

/// A reference is a fragment of a URI, in which any character may be percent-encoded (RFC 6901, section 6). From here on none is.
pub fn decode_references(json: &mut Value) {
    let mut encoded = BTreeSet::new();
    every_node(json, &mut |_, node| {
        let reference = node.get("$ref").and_then(Value::as_str).filter(|reference| reference.contains('%'));
        encoded.extend(reference.map(str::to_owned));
    });
    let leads_somewhere = |reference: &String| target(json, &json!(reference)).is_some();
    encoded.retain(|reference| !leads_somewhere(reference));
    let decoded = |reference: String| Some((percent_decoded(&reference).filter(&leads_somewhere)?, reference));
    let decoded: BTreeMap<String, String> =
        encoded.into_iter().filter_map(decoded).map(|(decoded, reference)| (reference, decoded)).collect();
    if decoded.is_empty() {
        return;
    }
    every_node(json, &mut |_, node| {
        if let Some(Value::String(reference)) = node.get_mut("$ref")
            && let Some(decoded) = decoded.get(reference)
        {
            reference.clone_from(decoded);
        }
    });
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// Where a reference leads in this document.
pub fn target<'a>(document: &'a Value, reference: &Value) -> Option<&'a Value> {
    document.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// What stands where something else than a schema leads nowhere, until what needs it has been taken out.
pub const NOWHERE: &str = "x-leads-nowhere";

/// A reference to anything but a schema under a plain name becomes what it leads to. A schema that leads to itself says nothing,
/// and anything else is marked as [`NOWHERE`].
pub fn follow_references(json: &mut Value) {
    // Each time round what was put in place is looked through; what leads to itself would never end.
    const ROUNDS: usize = 8;
    // What leads to itself in many ways is put in place as often as there are ways, round by round.
    const AGAIN: usize = 1000;
    let mut again = 0;
    let document = json.clone();
    for round in 0..=ROUNDS {
        let mut is_done = true;
        every_node(json, &mut |place, node| {
            let Some(reference) = node.get("$ref") else { return };
            let schema = reference.as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"));
            let is_named = schema.is_some_and(|name| !name.contains(['/', '~', '%']));
            if is_named && is_schema(place) {
                return;
            }
            is_done = false;
            // A schema is nothing else.
            again += usize::from(round > 1);
            let can_be_followed = round < ROUNDS && again < AGAIN && !is_named;
            let target = target(&document, reference).and_then(Value::as_object).filter(|_| can_be_followed);
            match target.cloned() {
                Some(target) if is_path(place) => leads_beside(node, target),
                Some(target) => *node = target,
                None => leads_nowhere(place, node),
            }
        });
        if is_done {
            break;
        }
    }
}

fn is_path(place: &str) -> bool {
    place.strip_prefix("#/paths/").is_some_and(|path| !path.contains('/'))
}

/// A path has what it leads to beside what it says itself.
fn leads_beside(node: &mut Map<String, Value>, target: Map<String, Value>) {
    node.remove("$ref");
    for (member, theirs) in target {
        match (node.get_mut(&member), theirs) {
            (None, theirs) => drop(node.insert(member, theirs)),
            // The first of a name is used.
            (Some(Value::Array(ours)), Value::Array(theirs)) if member == "parameters" => ours.extend(theirs),
            (Some(_), _) => {}
        }
    }
}

/// A schema that leads nowhere may be any value. Anything else is marked.
pub fn leads_nowhere(place: &str, node: &mut Map<String, Value>) {
    node.clear();
    if !is_schema(place) {
        node.insert(NOWHERE.to_owned(), json!(true));
    }
}

/// A schema that is but a reference to another is that one under a second name, and one that leads to itself says nothing. What
/// leads to one that may be `null` as well may be `null`.
pub fn follow_aliases(json: &mut Value) {
    const PREFIX: &str = "#/components/schemas/";
    let alias = |(name, schema): (&String, &Value)| {
        let (reference, nullable) = reference_of(schema)?;
        Some((name.clone(), (reference.strip_prefix(PREFIX)?.to_owned(), nullable)))
    };
    let schemas = json["components"]["schemas"].as_object().into_iter().flatten();
    let aliases: BTreeMap<String, (String, bool)> = schemas.filter_map(alias).collect();
    if aliases.is_empty() {
        return;
    }
    let mut to = BTreeMap::new();
    for alias in aliases.keys() {
        let (mut name, mut nullable, mut steps) = (alias, false, 0);
        while let Some((next, or_null)) = aliases.get(name).filter(|_| steps <= aliases.len()) {
            (name, nullable, steps) = (next, nullable || *or_null, steps + 1);
        }
        let is_circle = aliases.contains_key(name);
        to.insert(alias.clone(), (!is_circle).then(|| (name.clone(), nullable)));
    }
    every_node(json, &mut |_, node| {
        let name = node.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix(PREFIX));
        match name.and_then(|name| to.get(name)) {
            Some(Some((name, nullable))) => {
                node.insert("$ref".into(), json!(format!("{PREFIX}{name}")));
                if *nullable {
                    node.insert("nullable".into(), json!(true));
                }
            }
            Some(None) => node.clear(),
            None => {}
        }
    });
    if let Some(schemas) = json.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| !aliases.contains_key(name));
    }
}

/// A member that is `null` says nothing (`"example": null` stands everywhere in HubSpot's documents), and most members
/// may not be `null`.
pub fn drop_nulls(json: &mut Value) {
    every_node(json, &mut |_, node| {
        node.retain(|_, value| !value.is_null());
        for map in MAPS {
            if let Some(Value::Object(named)) = node.get_mut(map) {
                named.retain(|_, value| !value.is_null());
            }
        }
    });
}

/// OpenAPI wants every response described.
pub fn describe_responses(json: &mut Value) {
    every_node(json, &mut |_, node| {
        let responses = node.get_mut("responses").and_then(Value::as_object_mut);
        for response in responses.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            if !response.contains_key("$ref") {
                response.entry("description").or_insert_with(|| json!(""));
            }
        }
    });
}

/// What a part of a composition says for people, and nothing else, is said of the whole.
pub fn lift_annotations(json: &mut Value) {
    let says_nothing_else = |part: &Value| {
        let is_said = |key: &String| agree::said(key) || matches!(key.as_str(), "nullable" | "readOnly" | "writeOnly");
        part.as_object().is_some_and(|part| part.keys().all(is_said))
    };
    every_node(json, &mut |_, node| {
        let Some(Value::Array(parts)) = node.get_mut("allOf") else { return };
        let (said, others): (Vec<_>, Vec<_>) = std::mem::take(parts).into_iter().partition(says_nothing_else);
        *parts = others;
        if parts.is_empty() && !said.is_empty() {
            node.remove("allOf");
        }
        for (key, value) in said.into_iter().filter_map(|part| part.as_object().cloned()).flatten() {
            node.entry(key).or_insert(value);
        }
    });
}

/// A choice of one, the usual way to say something beside a `$ref`, is that one. What may be `null` beside a `$ref` stays a
/// composition of that one, because whatever stands beside a `$ref` is ignored.
pub fn unwrap_single_choices(json: &mut Value) {
    let is_nullable = |node: &Map<String, Value>| node.get("nullable") == Some(&json!(true));
    every_node(json, &mut |_, node| {
        for choice in ["allOf", "oneOf", "anyOf"] {
            let only = match node.get(choice).and_then(Value::as_array).map(Vec::as_slice) {
                Some([Value::Object(only)]) => only.clone(),
                _ => continue,
            };
            let is_substance = |key: &str| match key {
                // Said of a reference, it says nothing of what is inside.
                "type" => node["type"] != json!("object") || !only.contains_key("$ref"),
                key => SUBSTANCE.contains(&key),
            };
            if !node.keys().any(|key| is_substance(key)) {
                let nullable = is_nullable(node) || is_nullable(&only);
                node.retain(|key, _| key != choice && (key != "type" || !only.contains_key("$ref")));
                node.extend(only);
                if nullable {
                    node.insert("nullable".into(), json!(true));
                }
            }
        }
        if let Some(reference) = node.get("$ref").filter(|_| is_nullable(node)).cloned() {
            node.remove("$ref");
            node.insert("allOf".into(), json!([{"$ref": reference}]));
        }
    });
}

/// The reference of a node that leads to a schema by its name, and whether it may be `null` as well.
fn reference_of(node: &Value) -> Option<(&str, bool)> {
    let nullable = node["nullable"] == json!(true) && SUBSTANCE.iter().all(|key| node.get(key).is_none());
    match node["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) if nullable => Some((only["$ref"].as_str()?, true)),
        _ => Some((node["$ref"].as_str()?, false)),
    }
}

/// A reference to a schema that is but a string, a number or a boolean becomes that schema: it has a name in some
/// documents and none in others, and a name would make it a type.
pub fn inline_plain_values(json: &mut Value) {
    let schemas = json["components"]["schemas"].clone();
    every_node(json, &mut |_, node| {
        let name = node.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
        if let Some(Value::Object(schema)) = name.and_then(|name| schemas.get(name))
            && matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "number" | "boolean"))
        {
            node.remove("$ref");
            node.extend(schema.clone());
        }
    });
}
