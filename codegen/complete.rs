//! Completion of a description with what the crate's own has and it lacks.

use std::borrow::BorrowMut;

use openapiv3::{AdditionalProperties, OpenAPI, Operation, ReferenceOr, Schema, SchemaKind, StatusCode, Type};
use serde_json::json;

use super::{
    merge,
    operations::{KNOWN, Known, name},
    read::same_parameter,
    walk,
};

const PARTIAL_SUCCESS: StatusCode = StatusCode::Code(207);

/// Of `own` the operations that [`what_is_described_elsewhere`] adds.
pub fn missing(api: &OpenAPI, own: &OpenAPI) -> OpenAPI {
    let mut missing = own.clone();
    let is_elsewhere = described_elsewhere(api);
    let names: Vec<_> = api.operations().map(|(path, method, _)| name(&method.to_uppercase(), path)).collect();
    merge::drop_operations(&mut missing, |method, path, _| {
        Known::find(method, path).is_none_or(|known| !is_elsewhere(known) || names.iter().any(|n| n == known.name))
    });
    missing
}

/// Which of the known operations may be described elsewhere than in these documents: those on partner clients only where none
/// of them is here. One that is missing beside the others is gone.
fn described_elsewhere(api: &OpenAPI) -> impl Fn(&Known) -> bool + use<> {
    let describes_partner_clients = api
        .operations()
        .any(|(path, method, _)| Known::find(&method.to_uppercase(), path).is_some_and(Known::is_in_each_document));
    move |known| !describes_partner_clients || !known.is_in_each_document()
}

/// HubSpot describes the operations on associations and on the account in documents of their own, and each version in its own.
/// Those that a description lacks are taken from `own`, with the schemas they need and the description does not have: the
/// client speaks every version, whatever it is built from. So are those on partner clients where a description has none of
/// them, because it describes something else.
pub fn what_is_described_elsewhere(api: &mut OpenAPI, own: &OpenAPI) {
    let is_elsewhere = described_elsewhere(api);
    if KNOWN.iter().filter(|known| known.is_in_each_document()).all(&is_elsewhere) {
        api.info.clone_from(&own.info);
    }
    for known in KNOWN.iter().filter(|known| is_elsewhere(known)) {
        if walk::operations(api).all(|(method, path, _)| name(method, path) != known.name) {
            let operation = own.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(known.name));
            if let Some((_, _, operation)) = operation {
                add(api, own, known.method, known.path, operation);
            }
        }
    }
}

/// The facade is built on fields, parameters and partial successes that this crate's own description has. A description
/// that no longer lists one takes nothing away from the generated API: nothing comes in a field that is gone, and HubSpot
/// ignores what it does not know.
pub fn what_the_facade_is_built_on(api: &mut OpenAPI, own: &OpenAPI) {
    let schemas = own.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    let known = api.components.get_or_insert_default();
    for (name, own) in &schemas {
        let known = known.schemas.entry(name.clone()).or_insert_with(|| own.clone());
        if let (ReferenceOr::Item(known), ReferenceOr::Item(own)) = (&mut *known, own)
            && let (SchemaKind::Type(Type::Object(known)), SchemaKind::Type(Type::Object(own))) =
                (&mut known.schema_kind, &own.schema_kind)
        {
            for (field, schema) in &own.properties {
                known.properties.entry(field.clone()).or_insert_with(|| schema.clone());
            }
        }
        may_be_null_as(known, own);
    }
    for (method, path, operation) in walk::operations(api) {
        let Some(known) = Known::find(method, path) else { continue };
        let own = own.operations().find(|(_, _, own)| own.operation_id.as_deref() == Some(known.name));
        let Some((_, _, own)) = own else { continue };
        for parameter in &own.parameters {
            if !operation.parameters.iter().any(|listed| same_parameter(listed, parameter)) {
                operation.parameters.push(parameter.clone());
            }
        }
        let partial = own.responses.responses.get(&PARTIAL_SUCCESS);
        if let Some(partial) = partial.filter(|_| !operation.responses.responses.contains_key(&PARTIAL_SUCCESS)) {
            operation.responses.responses.insert(PARTIAL_SUCCESS, partial.clone());
        }
    }
}

/// Of names that are one in Rust the first keeps its own: one that the facade is built on, whatever a description has beside it.
pub fn ours_comes_first(api: &mut OpenAPI, own: &OpenAPI) {
    let ours = own.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    let schemas = &mut api.components.get_or_insert_default().schemas;
    schemas.sort_by_cached_key(|name, _| !ours.contains_key(name));
    for (name, own) in &ours {
        if let (Some(ReferenceOr::Item(known)), ReferenceOr::Item(own)) = (schemas.get_mut(name), own)
            && let (SchemaKind::Type(Type::Object(known)), SchemaKind::Type(Type::Object(own))) =
                (&mut known.schema_kind, &own.schema_kind)
        {
            known.properties.sort_by_cached_key(|field, _| !own.properties.contains_key(field));
        }
    }
    for (method, path, operation) in walk::operations(api) {
        let Some(known) = Known::find(method, path) else { continue };
        let own = own.operations().find(|(_, _, own)| own.operation_id.as_deref() == Some(known.name));
        if let Some((_, _, own)) = own {
            operation
                .parameters
                .sort_by_key(|parameter| !own.parameters.iter().any(|own| same_parameter(own, parameter)));
        }
    }
}

/// An answer's `null` is read as nothing, whether it is documented or not.
fn may_be_null_as<S: BorrowMut<Schema>>(known: &mut ReferenceOr<S>, own: &ReferenceOr<S>) {
    if let (Some(reference), ReferenceOr::Reference { .. }) = (walk::reference(known), own) {
        *known = ReferenceOr::ref_(reference);
    }
    let (ReferenceOr::Item(known), ReferenceOr::Item(own)) = (known, own) else { return };
    let (known, own) = (known.borrow_mut(), own.borrow());
    known.schema_data.nullable = own.schema_data.nullable;
    match (&mut known.schema_kind, &own.schema_kind) {
        (SchemaKind::Type(Type::Object(known)), SchemaKind::Type(Type::Object(own))) => {
            for (field, own) in &own.properties {
                known.properties.get_mut(field).into_iter().for_each(|known| may_be_null_as(known, own));
            }
            if let (Some(AdditionalProperties::Schema(known)), Some(AdditionalProperties::Schema(own))) =
                (&mut known.additional_properties, &own.additional_properties)
            {
                may_be_null_as(known.as_mut(), own);
            }
        }
        (SchemaKind::Type(Type::Array(known)), SchemaKind::Type(Type::Array(own))) => {
            if let (Some(known), Some(own)) = (&mut known.items, &own.items) {
                may_be_null_as(known, own);
            }
        }
        _ => {}
    }
}

fn add(api: &mut OpenAPI, own: &OpenAPI, method: &str, path: &str, operation: &Operation) {
    walk::insert(api, method, path, operation.clone());
    for name in &operation.tags {
        let tag = own.tags.iter().find(|tag| tag.name == *name);
        if let Some(tag) = tag.filter(|_| api.tags.iter().all(|tag| tag.name != *name)) {
            api.tags.push(tag.clone());
        }
    }
    let components = api.components.get_or_insert_default();
    let own = own.components.clone().unwrap_or_default();
    for scheme in operation.security.iter().flatten().flat_map(|alternative| alternative.keys()) {
        if let Some(own) = own.security_schemes.get(scheme) {
            components.security_schemes.entry(scheme.clone()).or_insert_with(|| own.clone());
        }
    }
    let schemas = json!(own.schemas);
    let operation = json!(operation);
    for name in walk::needed_schemas(&operation, &schemas) {
        if let Some(schema) = own.schemas.get(&name) {
            components.schemas.entry(name).or_insert_with(|| schema.clone());
        }
    }
}
