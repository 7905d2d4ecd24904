//! Visiting every operation and every schema of a document.

use std::{
    borrow::{Borrow, BorrowMut},
    collections::{BTreeMap, BTreeSet},
};

use openapiv3::{
    AdditionalProperties, AnySchema, OpenAPI, Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathItem,
    ReferenceOr, Response, Schema, SchemaData, SchemaKind, StringType, Type,
};
use serde_json::Value;

/// The operations of one path, by method.
pub fn operations_of(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", item.get.as_mut()),
        ("PUT", item.put.as_mut()),
        ("POST", item.post.as_mut()),
        ("DELETE", item.delete.as_mut()),
        ("OPTIONS", item.options.as_mut()),
        ("HEAD", item.head.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("TRACE", item.trace.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// What each method has on a path.
pub fn slots(item: PathItem) -> [(&'static str, Option<Operation>); 8] {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [
        ("GET", get),
        ("PUT", put),
        ("POST", post),
        ("DELETE", delete),
        ("OPTIONS", options),
        ("HEAD", head),
        ("PATCH", patch),
        ("TRACE", trace),
    ]
}

/// The place of each method's operation.
pub fn slots_mut(item: &mut PathItem) -> [(&'static str, &mut Option<Operation>); 8] {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [
        ("GET", get),
        ("PUT", put),
        ("POST", post),
        ("DELETE", delete),
        ("OPTIONS", options),
        ("HEAD", head),
        ("PATCH", patch),
        ("TRACE", trace),
    ]
}

/// Puts an operation in its place.
pub fn insert(api: &mut OpenAPI, method: &str, path: &str, operation: Operation) {
    let item = api.paths.paths.entry(path.to_owned()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
    if let ReferenceOr::Item(item) = item
        && let Some((_, slot)) = slots_mut(item).into_iter().find(|(name, _)| *name == method)
    {
        *slot = Some(operation);
    }
}

/// Every operation, with its method and its path.
pub fn operations(api: &mut OpenAPI) -> impl Iterator<Item = (&'static str, &str, &mut Operation)> {
    api.paths.paths.iter_mut().flat_map(|(path, item)| {
        let item = match item {
            ReferenceOr::Item(item) => Some(item),
            ReferenceOr::Reference { .. } => None,
        };
        item.into_iter().flat_map(operations_of).map(|(method, operation)| (method, path.as_str(), operation))
    })
}

/// Every parameter that is written in place, operation by operation.
pub fn parameters(operation: &mut Operation) -> impl Iterator<Item = &mut Parameter> {
    operation.parameters.iter_mut().filter_map(inline)
}

/// What parameters of every location have in common.
pub fn data(parameter: &mut Parameter) -> &mut ParameterData {
    match parameter {
        Parameter::Query { parameter_data, .. }
        | Parameter::Header { parameter_data, .. }
        | Parameter::Path { parameter_data, .. }
        | Parameter::Cookie { parameter_data, .. } => parameter_data,
    }
}

/// Every response that is written in place: the numbered ones, then the default.
pub fn responses(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    operation.responses.responses.values_mut().chain(&mut operation.responses.default).filter_map(inline)
}

/// The schema of a component, by name.
pub fn component<'a>(api: &'a mut OpenAPI, name: &str) -> Option<&'a mut Schema> {
    inline(api.components.as_mut()?.schemas.get_mut(name)?)
}

/// Every schema of the document, each before those inside it.
pub fn schemas(api: &mut OpenAPI, visit: &mut dyn FnMut(&mut Schema)) {
    each(api, visit, &mut |_| false);
}

/// Every schema that is written in place within one, itself first.
pub fn inside(schema: &mut ReferenceOr<Schema>, visit: &mut dyn FnMut(&mut Schema)) {
    within(schema, visit, &mut |_| false);
}

/// Visits every reference to a schema, which may change it, and puts any value in place of those that it says lead nowhere.
pub fn schema_references(api: &mut OpenAPI, is_gone: &mut dyn FnMut(&mut String) -> bool) {
    each(api, &mut |_| {}, is_gone);
}

/// As [`schema_references`], of one schema.
pub fn references_of(schema: &mut ReferenceOr<Schema>, is_gone: &mut dyn FnMut(&mut String) -> bool) {
    within(schema, &mut |_| {}, is_gone);
}

fn each(api: &mut OpenAPI, visit: &mut dyn FnMut(&mut Schema), is_gone: &mut dyn FnMut(&mut String) -> bool) {
    for schema in api.components.iter_mut().flat_map(|c| c.schemas.values_mut()) {
        within(schema, visit, is_gone);
    }
    for (_, _, operation) in operations(api) {
        for parameter in parameters(operation) {
            if let ParameterSchemaOrContent::Schema(schema) = &mut data(parameter).format {
                within(schema, visit, is_gone);
            }
        }
        bodies(operation, &mut |_, schema| within(schema, visit, is_gone));
    }
}

/// The schemas of an operation's body and of its responses, and which of both each is.
pub fn bodies(operation: &mut Operation, visit: &mut dyn FnMut(&'static str, &mut ReferenceOr<Schema>)) {
    if let Some(ReferenceOr::Item(body)) = &mut operation.request_body {
        body.content.values_mut().filter_map(|media| media.schema.as_mut()).for_each(|schema| visit("body", schema));
    }
    for response in responses(operation) {
        let schemas = response.content.values_mut().filter_map(|media| media.schema.as_mut());
        schemas.for_each(|schema| visit("response", schema));
    }
}

/// A schema of any value.
pub fn any() -> Schema {
    Schema { schema_data: SchemaData::default(), schema_kind: SchemaKind::Any(AnySchema::default()) }
}

/// A schema of what a reference leads to, or `null`. OpenAPI ignores what stands beside a `$ref`, so it is a composition of one.
pub fn or_null(reference: &str) -> Schema {
    let schema_data = SchemaData { nullable: true, ..SchemaData::default() };
    Schema { schema_data, schema_kind: SchemaKind::AllOf { all_of: vec![ReferenceOr::ref_(reference)] } }
}

/// The reference of a schema as [`or_null`] makes it, also where it may not be `null`.
pub fn only_reference(schema: &Schema) -> Option<&str> {
    match &schema.schema_kind {
        SchemaKind::AllOf { all_of } => match all_of.as_slice() {
            [ReferenceOr::Reference { reference }] => Some(reference),
            _ => None,
        },
        _ => None,
    }
}

/// Where a schema leads by its name, which it may do with `null` beside it.
pub fn reference<S: Borrow<Schema>>(schema: &ReferenceOr<S>) -> Option<&str> {
    match schema {
        ReferenceOr::Reference { reference } => Some(reference),
        ReferenceOr::Item(schema) => only_reference(schema.borrow()),
    }
}

/// A schema of a text.
pub fn string() -> Schema {
    Schema { schema_data: SchemaData::default(), schema_kind: SchemaKind::Type(Type::String(StringType::default())) }
}

fn within<S>(
    schema: &mut ReferenceOr<S>,
    visit: &mut dyn FnMut(&mut Schema),
    is_gone: &mut dyn FnMut(&mut String) -> bool,
) where
    S: BorrowMut<Schema> + From<Schema>,
{
    if let ReferenceOr::Reference { reference } = schema
        && is_gone(reference)
    {
        *schema = ReferenceOr::Item(any().into());
    }
    let Some(schema) = inline(schema).map(BorrowMut::borrow_mut) else {
        return;
    };
    visit(schema);
    match &mut schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => {
            object.properties.values_mut().for_each(|s| within(s, visit, is_gone));
            if let Some(AdditionalProperties::Schema(values)) = &mut object.additional_properties {
                within(values.as_mut(), visit, is_gone);
            }
        }
        SchemaKind::Type(Type::Array(array)) => {
            if let Some(items) = &mut array.items {
                within(items, visit, is_gone);
            }
        }
        SchemaKind::Type(_) => {}
        SchemaKind::OneOf { one_of: parts }
        | SchemaKind::AllOf { all_of: parts }
        | SchemaKind::AnyOf { any_of: parts } => parts.iter_mut().for_each(|s| within(s, visit, is_gone)),
        SchemaKind::Not { not } => within(not.as_mut(), visit, is_gone),
        SchemaKind::Any(any) => {
            any.properties.values_mut().for_each(|s| within(s, visit, is_gone));
            any.one_of.iter_mut().chain(&mut any.all_of).chain(&mut any.any_of).for_each(|s| within(s, visit, is_gone));
            if let Some(AdditionalProperties::Schema(values)) = &mut any.additional_properties {
                within(values.as_mut(), visit, is_gone);
            }
            if let Some(items) = &mut any.items {
                within(items, visit, is_gone);
            }
        }
    }
}

/// How a reference to a schema begins.
pub const SCHEMAS: &str = "#/components/schemas/";

/// The names of the schemas that a part of a document leads to.
pub fn references(part: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_reference(&mut part.clone(), &mut |reference| {
        names.extend(reference.strip_prefix(SCHEMAS).map(str::to_owned));
    });
    names
}

/// Gives schemas other names, and what leads to them.
pub fn rename(api: &mut OpenAPI, names: &BTreeMap<&str, String>) {
    let mut json = serde_json::json!(api);
    each_reference(&mut json, &mut |reference| {
        if let Some(new) = reference.strip_prefix(SCHEMAS).and_then(|name| names.get(name)) {
            *reference = format!("{SCHEMAS}{new}");
        }
    });
    if let Some(schemas) = json.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in std::mem::take(schemas) {
            let name = names.get(name.as_str()).cloned().unwrap_or(name);
            schemas.insert(name, schema);
        }
    }
    *api = serde_json::from_value(json).expect("another name makes no other document");
}

fn each_reference(json: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match json {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(reference) if key == "$ref" => visit(reference),
                    other => each_reference(other, visit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}

/// The names of the schemas that a part of a document needs, those that they need in turn included.
pub fn needed_schemas(part: &Value, schemas: &Value) -> BTreeSet<String> {
    fn collect(part: &Value, schemas: &Value, names: &mut BTreeSet<String>) {
        match part {
            Value::Object(members) => {
                let reference = members.get("$ref").and_then(Value::as_str);
                if let Some(name) = reference.and_then(|r| r.strip_prefix("#/components/schemas/"))
                    && names.insert(name.to_owned())
                {
                    collect(&schemas[name], schemas, names);
                }
                members.values().for_each(|member| collect(member, schemas, names));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, schemas, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    collect(part, schemas, &mut names);
    names
}

fn inline<T>(item: &mut ReferenceOr<T>) -> Option<&mut T> {
    match item {
        ReferenceOr::Item(item) => Some(item),
        ReferenceOr::Reference { .. } => None,
    }
}
