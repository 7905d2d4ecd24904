//! Objects that are written where they are used, and compositions of objects → objects with names.

use std::{borrow::BorrowMut, collections::BTreeSet};

use openapiv3::{
    AdditionalProperties, AnySchema, ArrayType, Components, ObjectType, OpenAPI, ReferenceOr, Schema, SchemaKind, Type,
};

use super::{
    names::{key, names_in_use, unlike},
    walk,
};

/// Both steps, in this order. What has a name is composed once, of fields that lead to others by their names: a composition that
/// leads back to itself would have no end otherwise.
pub fn fit(api: &mut OpenAPI) {
    objects_have_names(api);
    compositions_are_flat(api);
}

/// An object, or a composition of objects, that is written where it is used gets a name, which no other has.
fn objects_have_names(api: &mut OpenAPI) {
    let known = api.components.clone().unwrap_or_default();
    let mut schemas = std::mem::take(&mut api.components.get_or_insert_default().schemas);
    let mut taken = names_in_use();
    taken.extend(schemas.keys().map(|name| key(name)));
    let mut names = Names { known: &known, taken, named: Vec::new() };
    for (name, schema) in &mut schemas {
        if let ReferenceOr::Item(schema) = schema {
            names.inside(name, schema);
        }
    }
    for (_, _, operation) in walk::operations(api) {
        let id = operation.operation_id.clone().unwrap_or_default();
        walk::bodies(operation, &mut |what, schema| names.part(&format!("{id}-{what}"), schema));
    }
    schemas.extend(names.named.into_iter().map(|(name, schema)| (name, ReferenceOr::Item(schema))));
    api.components.get_or_insert_default().schemas = schemas;
}

struct Names<'a> {
    known: &'a Components,
    taken: BTreeSet<String>,
    named: Vec<(String, Schema)>,
}

impl Names<'_> {
    fn part<S>(&mut self, name: &str, part: &mut ReferenceOr<S>)
    where
        S: BorrowMut<Schema> + From<Schema>,
    {
        let ReferenceOr::Item(schema) = part else { return };
        let schema = schema.borrow_mut();
        if !self.is_object_with_fields(schema) {
            self.inside(name, schema);
            return;
        }
        let mut words = String::new();
        for word in name.split(|c: char| !c.is_alphanumeric()) {
            let mut letters = word.chars();
            words.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            words.push_str(letters.as_str());
        }
        let name = unlike(&words, &mut self.taken, |n| format!("{words}{n}")).unwrap_or(words);
        let mut schema = std::mem::replace(schema, walk::any());
        self.inside(&name, &mut schema);
        let reference = format!("{}{name}", walk::SCHEMAS);
        *part = match std::mem::take(&mut schema.schema_data.nullable) {
            true => ReferenceOr::Item(walk::or_null(&reference).into()),
            false => ReferenceOr::Reference { reference },
        };
        self.named.push((name, schema));
    }

    fn is_object_with_fields(&self, schema: &Schema) -> bool {
        match &schema.schema_kind {
            SchemaKind::Type(Type::Object(object)) => !object.properties.is_empty(),
            _ if is_reference_or_null(schema) => false,
            kind => composed(kind, self.known).is_some_and(|object| !object.properties.is_empty()),
        }
    }

    /// The parts of a composition that becomes any value are not needed.
    fn inside(&mut self, name: &str, schema: &mut Schema) {
        if !matches!(schema.schema_kind, SchemaKind::Type(_)) && composed(&schema.schema_kind, self.known).is_none() {
            return;
        }
        let parts = match &mut schema.schema_kind {
            SchemaKind::Type(Type::Array(ArrayType { items: Some(items), .. })) => {
                return self.part(&format!("{name}-item"), items);
            }
            SchemaKind::Type(Type::Object(object)) => {
                for (field, part) in &mut object.properties {
                    self.part(&format!("{name}-{field}"), part);
                }
                if let Some(AdditionalProperties::Schema(values)) = &mut object.additional_properties {
                    self.part(&format!("{name}-value"), values.as_mut());
                }
                return;
            }
            SchemaKind::AllOf { all_of } => all_of,
            SchemaKind::Any(any) => {
                for (field, part) in &mut any.properties {
                    self.part(&format!("{name}-{field}"), part);
                }
                &mut any.all_of
            }
            _ => return,
        };
        for part in parts {
            if let ReferenceOr::Item(part) = part {
                self.inside(name, part);
            }
        }
    }
}

/// A composition of objects is an object with the fields of all. Another one is any value, and so is what something must not be.
/// A reference that may be `null` stays one.
fn compositions_are_flat(api: &mut OpenAPI) {
    let known = api.components.clone().unwrap_or_default();
    walk::schemas(api, &mut |schema| {
        if matches!(schema.schema_kind, SchemaKind::Type(_)) || is_reference_or_null(schema) {
            return;
        }
        schema.schema_kind = match composed(&schema.schema_kind, &known) {
            Some(object) => SchemaKind::Type(Type::Object(object)),
            None => SchemaKind::Any(AnySchema::default()),
        };
    });
}

fn is_reference_or_null(schema: &Schema) -> bool {
    schema.schema_data.nullable && walk::only_reference(schema).is_some()
}

/// The object that a composition of objects makes, or a schema without a type that describes its fields.
pub fn composed(kind: &SchemaKind, known: &Components) -> Option<ObjectType> {
    let (mut object, parts) = match kind {
        SchemaKind::AllOf { all_of } => (ObjectType::default(), all_of),
        SchemaKind::Any(any) if !any.properties.is_empty() || !any.all_of.is_empty() => {
            let object = ObjectType {
                properties: any.properties.clone(),
                required: any.required.clone(),
                additional_properties: any.additional_properties.clone(),
                ..ObjectType::default()
            };
            (object, &any.all_of)
        }
        _ => return None,
    };
    let mut seen = BTreeSet::new();
    parts.iter().all(|part| collect(part, known, &mut object, &mut seen)).then_some(object)
}

/// The object that a schema describes, by itself or as a composition, or leads to. One without fields may be any value.
pub fn object(schema: &ReferenceOr<Schema>, known: &Components) -> Option<ObjectType> {
    let mut object = ObjectType::default();
    collect(schema, known, &mut object, &mut BTreeSet::new()).then_some(object)
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
