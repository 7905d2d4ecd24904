//! The shapes of answers: what the reading of an odd answer goes by.

use openapiv3::{
    AdditionalProperties, OpenAPI, ReferenceOr, Response, Schema, SchemaKind, StatusCode, StringFormat, Type,
    VariantOrUnknownOrEmpty,
};

use super::{
    names::{ID_TYPES, checked},
    schemas::Mark,
    walk,
};

/// The schemas of an adapted document, and the answer of each operation, as two Rust statics of the types of
/// `src/reading/mod.rs`.
pub fn rust(api: &mut OpenAPI, mark: &Mark) -> String {
    let mut schemas: Vec<(String, String)> = api
        .components
        .iter()
        .flat_map(|components| &components.schemas)
        .map(|(name, schema)| (name.clone(), shape(schema, mark)))
        .collect();
    schemas.sort();
    let mut answers: Vec<(String, String)> = walk::operations(api)
        .filter_map(|(_, _, operation)| {
            let answer = match operation.responses.responses.get(&StatusCode::Range(2))? {
                ReferenceOr::Item(Response { content, .. }) => content.values().next()?.schema.as_ref()?,
                ReferenceOr::Reference { .. } => return None,
            };
            Some((operation.operation_id.clone()?, shape(answer, mark)))
        })
        .collect();
    answers.sort();
    let table = |name: &str, rows: &[(String, String)]| {
        let rows: String = rows.iter().map(|(name, shape)| format!("    ({name:?}, {shape}),\n")).collect();
        format!("pub(super) static {name}: &[(&str, Shape)] = &[\n{rows}];\n")
    };
    table("SCHEMAS", &schemas) + &table("ANSWERS", &answers)
}

fn shape<S: std::borrow::Borrow<Schema>>(schema: &ReferenceOr<S>, mark: &Mark) -> String {
    let schema = match schema {
        ReferenceOr::Reference { reference } => {
            return named(reference.rsplit('/').next().expect("a split has at least one part"));
        }
        ReferenceOr::Item(schema) => schema.borrow(),
    };
    let shape = match &schema.schema_kind {
        SchemaKind::Type(Type::String(text)) => match &text.format {
            VariantOrUnknownOrEmpty::Empty => "Shape::Text".to_owned(),
            VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) => "Shape::Time".to_owned(),
            _ => "Shape::Any".to_owned(),
        },
        SchemaKind::Type(Type::Integer(_)) => "Shape::Integer".to_owned(),
        SchemaKind::Type(Type::Number(_)) => "Shape::Number".to_owned(),
        SchemaKind::Type(Type::Boolean(_)) => "Shape::Flag".to_owned(),
        SchemaKind::Type(Type::Array(array)) => match &array.items {
            Some(items) => format!("Shape::List(&{})", self::shape(items, mark)),
            None => "Shape::List(&Shape::Any)".to_owned(),
        },
        SchemaKind::Type(Type::Object(object)) if !object.properties.is_empty() => {
            let fields = object.properties.iter().map(|(name, schema)| {
                let required = object.required.contains(name);
                let shape = match self::shape(schema, mark) {
                    // Without its id a thing is none.
                    text if text == "Shape::Text" && name == "id" && required => "Shape::Id".to_owned(),
                    other => other,
                };
                let name = mark.removed(name);
                format!("Field {{ name: {name:?}, required: {required}, shape: {shape} }}, ")
            });
            format!("Shape::Object(&[{}])", fields.collect::<String>())
        }
        SchemaKind::Type(Type::Object(object)) => match &object.additional_properties {
            Some(AdditionalProperties::Schema(values)) => format!("Shape::Map(&{})", self::shape(values, mark)),
            _ => "Shape::Map(&Shape::Nullable(&Shape::Any))".to_owned(),
        },
        _ => match walk::only_reference(schema) {
            Some(reference) => named(reference.rsplit('/').next().expect("a split has at least one part")),
            None => "Shape::Any".to_owned(),
        },
    };
    if schema.schema_data.nullable { format!("Shape::Nullable(&{shape})") } else { shape }
}

fn named(schema: &str) -> String {
    match ID_TYPES.into_iter().find(|id| checked(id) == schema) {
        Some(id) => format!("Shape::Checked(|text| text.parse::<crate::{id}>().is_ok())"),
        None => format!("Shape::Schema({schema:?})"),
    }
}
