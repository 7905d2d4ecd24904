//! Schemas of any document → schemas that each become one Rust type that compiles.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{
    AdditionalProperties, AnySchema, ArrayType, Components, ObjectType, OpenAPI, ReferenceOr, Schema, SchemaKind,
    StringFormat, StringType, Type, VariantOrUnknownOrEmpty,
};

use super::walk;

/// The hand-written types of `src/ids.rs` that stand in for generated ones.
pub const ID_TYPES: [&str; 5] = ["PartnerClientId", "ObjectType", "ObjectId", "AssociationType", "PathSegment"];

/// The component that stands for a hand-written type. No document has one of that name.
pub fn checked(id: &str) -> String {
    format!("Checked{id}")
}

/// Every step, in this order.
pub fn fit(api: &mut OpenAPI) {
    dangling_references_are_any_value(api);
    compositions_are_flat(api);
    only_what_makes_a_type_stays(api);
    names_differ_in_rust(api);
    objects_have_names(api);
    fields_differ_in_rust(api);
}

/// What leads to a schema that is not there, or is something else than a schema, may be any value.
fn dangling_references_are_any_value(api: &mut OpenAPI) {
    let names: BTreeSet<String> =
        api.components.iter().flat_map(|components| components.schemas.keys().cloned()).collect();
    walk::drop_references(api, &|reference| {
        reference.strip_prefix(walk::SCHEMAS).is_none_or(|name| !names.contains(name))
    });
}

/// A composition of objects is an object with the fields of all. Another one is any value, and so is what something must not be.
fn compositions_are_flat(api: &mut OpenAPI) {
    let known = api.components.clone().unwrap_or_default();
    walk::schemas(api, &mut |schema| {
        let flat = match &schema.schema_kind {
            SchemaKind::AllOf { all_of } => {
                let mut object = ObjectType::default();
                let mut seen = BTreeSet::new();
                let is_object = all_of.iter().all(|part| collect(part, &known, &mut object, &mut seen));
                if is_object { SchemaKind::Type(Type::Object(object)) } else { SchemaKind::Any(AnySchema::default()) }
            }
            SchemaKind::Any(parts) => match object_of(parts, &known) {
                Some(object) => SchemaKind::Type(Type::Object(object)),
                None => SchemaKind::Any(AnySchema::default()),
            },
            SchemaKind::OneOf { .. } | SchemaKind::AnyOf { .. } | SchemaKind::Not { .. } => {
                SchemaKind::Any(AnySchema::default())
            }
            SchemaKind::Type(_) => return,
        };
        schema.schema_kind = flat;
    });
}

/// The object that a schema without a type describes by its fields.
fn object_of(parts: &AnySchema, known: &Components) -> Option<ObjectType> {
    if parts.properties.is_empty() && parts.all_of.is_empty() {
        return None;
    }
    let mut object = ObjectType {
        properties: parts.properties.clone(),
        required: parts.required.clone(),
        additional_properties: parts.additional_properties.clone(),
        ..ObjectType::default()
    };
    let mut seen = BTreeSet::new();
    parts.all_of.iter().all(|part| collect(part, known, &mut object, &mut seen)).then_some(object)
}

/// Adds the fields of a part of a composition; false if it is no object.
fn collect(
    part: &ReferenceOr<Schema>,
    known: &Components,
    object: &mut ObjectType,
    seen: &mut BTreeSet<String>,
) -> bool {
    let schema = match part {
        ReferenceOr::Item(schema) => schema,
        // One that leads to itself has been added.
        ReferenceOr::Reference { reference } if !seen.insert(reference.clone()) => return true,
        ReferenceOr::Reference { reference } => {
            let part = reference.strip_prefix(walk::SCHEMAS).and_then(|name| known.schemas.get(name));
            return part.is_some_and(|part| collect(part, known, object, seen));
        }
    };
    let (properties, required) = match &schema.schema_kind {
        SchemaKind::Type(Type::Object(part)) => (&part.properties, &part.required),
        SchemaKind::Any(part) => (&part.properties, &part.required),
        SchemaKind::AllOf { all_of } => return all_of.iter().all(|part| collect(part, known, object, seen)),
        _ => return false,
    };
    for (name, field) in properties {
        object.properties.entry(name.clone()).or_insert_with(|| field.clone());
    }
    object.required.extend(required.iter().cloned());
    match &schema.schema_kind {
        SchemaKind::Any(part) => part.all_of.iter().all(|part| collect(part, known, object, seen)),
        _ => true,
    }
}

/// A title names a type twice, a format other than a time makes a type that refuses what HubSpot may send, and fields beside
/// named ones would make it no struct.
fn only_what_makes_a_type_stays(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        schema.schema_data.title = None;
        schema.schema_data.discriminator = None;
        match &mut schema.schema_kind {
            SchemaKind::Type(Type::String(StringType { format, enumeration, .. })) => {
                enumeration.clear();
                let stays = [StringFormat::DateTime, StringFormat::Binary].map(VariantOrUnknownOrEmpty::Item);
                if !stays.contains(format) {
                    *format = VariantOrUnknownOrEmpty::Empty;
                }
            }
            SchemaKind::Type(Type::Integer(integer)) => {
                integer.enumeration.clear();
                integer.exclusive_minimum = false;
                integer.exclusive_maximum = false;
            }
            SchemaKind::Type(Type::Number(number)) => {
                number.enumeration.clear();
                number.format = VariantOrUnknownOrEmpty::Empty;
                number.exclusive_minimum = false;
                number.exclusive_maximum = false;
            }
            SchemaKind::Type(Type::Boolean(boolean)) => boolean.enumeration.clear(),
            SchemaKind::Type(Type::Array(ArrayType { items, .. })) => {
                items.get_or_insert_with(|| ReferenceOr::Item(Box::new(walk::any())));
            }
            SchemaKind::Type(Type::Object(object)) => {
                object.min_properties = None;
                object.max_properties = None;
                let fields = &object.properties;
                object.required.retain(|name| fields.contains_key(name));
                if !object.properties.is_empty() {
                    object.additional_properties = None;
                }
            }
            _ => {}
        }
    });
    for schema in api.components.iter_mut().flat_map(|components| components.schemas.values_mut()) {
        if let ReferenceOr::Item(schema) = schema {
            schema.schema_data.nullable = false;
        }
    }
    // A body is there or not.
    for (_, _, operation) in walk::operations(api) {
        walk::bodies(operation, &mut |_, schema| {
            if let ReferenceOr::Item(schema) = schema {
                schema.schema_data.nullable = false;
            }
        });
    }
}

/// Names are the same in Rust if they differ in case, hyphens and the like only, or have no letters.
fn names_differ_in_rust(api: &mut OpenAPI) {
    let names: Vec<String> = api.components.iter().flat_map(|components| components.schemas.keys().cloned()).collect();
    let mut taken: BTreeSet<String> = ID_TYPES.iter().map(|id| key(&checked(id))).collect();
    // The one name of Rust's own that the generated types use as it is.
    taken.insert(key("Default"));
    let mut renamed = BTreeMap::new();
    for name in &names {
        if let Some(new) = unlike(name, &mut taken, |n| format!("{name}{n}")) {
            renamed.insert(name.as_str(), new);
        }
    }
    if !renamed.is_empty() {
        walk::rename(api, &renamed);
    }
}

/// An object that is written where it is used gets a name, which no other has.
fn objects_have_names(api: &mut OpenAPI) {
    let mut schemas = std::mem::take(&mut api.components.get_or_insert_default().schemas);
    let mut taken: BTreeSet<String> = schemas.keys().map(|name| key(name)).collect();
    let mut named = Vec::new();
    for (name, schema) in &mut schemas {
        if let ReferenceOr::Item(schema) = schema {
            name_parts(name, schema, &mut taken, &mut named);
        }
    }
    for (_, _, operation) in walk::operations(api) {
        let id = operation.operation_id.clone().unwrap_or_default();
        walk::bodies(operation, &mut |what, schema| name_part(&format!("{id}-{what}"), schema, &mut taken, &mut named));
    }
    schemas.extend(named.into_iter().map(|(name, schema)| (name, ReferenceOr::Item(schema))));
    api.components.get_or_insert_default().schemas = schemas;
}

type Named = Vec<(String, Schema)>;

fn name_part<S>(name: &str, part: &mut ReferenceOr<S>, taken: &mut BTreeSet<String>, named: &mut Named)
where
    S: std::borrow::BorrowMut<Schema>,
{
    let ReferenceOr::Item(schema) = part else { return };
    let schema = schema.borrow_mut();
    if let SchemaKind::Type(Type::Object(object)) = &schema.schema_kind
        && !object.properties.is_empty()
        && !schema.schema_data.nullable
    {
        let mut words = String::new();
        for word in name.split(|c: char| !c.is_alphanumeric()) {
            let mut letters = word.chars();
            words.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            words.push_str(letters.as_str());
        }
        let name = unlike(&words, taken, |n| format!("{words}{n}")).unwrap_or(words);
        let mut schema = std::mem::replace(schema, walk::any());
        name_parts(&name, &mut schema, taken, named);
        *part = ReferenceOr::Reference { reference: format!("{}{name}", walk::SCHEMAS) };
        named.push((name, schema));
    } else {
        name_parts(name, schema, taken, named);
    }
}

fn name_parts(name: &str, schema: &mut Schema, taken: &mut BTreeSet<String>, named: &mut Named) {
    match &mut schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => {
            for (field, part) in &mut object.properties {
                name_part(&format!("{name}-{field}"), part, taken, named);
            }
            if let Some(AdditionalProperties::Schema(values)) = &mut object.additional_properties {
                name_part(&format!("{name}-value"), values, taken, named);
            }
        }
        SchemaKind::Type(Type::Array(ArrayType { items: Some(items), .. })) => {
            name_part(&format!("{name}-item"), items, taken, named);
        }
        _ => {}
    }
}

/// See [`names_differ_in_rust`]. The mark makes it another name in Rust; [`without_marks`] takes it out of what is sent and read.
fn fields_differ_in_rust(api: &mut OpenAPI) {
    walk::schemas(api, &mut |schema| {
        let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind else { return };
        let mut taken = BTreeSet::new();
        for (name, field) in std::mem::take(&mut object.properties) {
            let new = marked(&name, &mut taken);
            if let Some(new) = &new {
                object.required.iter_mut().filter(|required| **required == name).for_each(|r| r.clone_from(new));
            }
            object.properties.insert(new.unwrap_or(name), field);
        }
    });
}

const MARK: &str = "__dup";

/// Another name in Rust for what has the name of something before it.
pub fn marked(name: &str, taken: &mut BTreeSet<String>) -> Option<String> {
    unlike(name, taken, |n| format!("{name}{MARK}{n}"))
}

/// Generated text with the names as they are on the wire. In what Rust calls them there are no two underscores.
pub fn without_marks(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

fn unlike(name: &str, taken: &mut BTreeSet<String>, other: impl Fn(usize) -> String) -> Option<String> {
    if taken.insert(key(name)) {
        return None;
    }
    (2..).map(other).find(|new| taken.insert(key(new)))
}

/// What two names have in common if they are one in Rust.
pub fn key(name: &str) -> String {
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || !c.is_ascii() && c.is_alphabetic();
    let key: String = name.chars().filter(is_kept).flat_map(char::to_lowercase).collect();
    if key.starts_with(char::is_alphabetic) { key } else { format!("x{key}") }
}
