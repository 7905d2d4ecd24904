//! Completion of a description with what the crate's own has and it lacks.

use openapiv3::{OpenAPI, Operation, PathItem, ReferenceOr, SchemaKind, StatusCode, Type};
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
        .any(|(path, method, _)| Known::find(&method.to_uppercase(), path).is_some_and(Known::is_on_partner_clients));
    move |known| !describes_partner_clients || !known.is_on_partner_clients()
}

/// HubSpot describes the operations on associations and on the account in documents of their own, and each version in its own.
/// Those that a description lacks are taken from `own`, with the schemas they need and the description does not have: the
/// client speaks every version, whatever it is built from. So are those on partner clients where a description has none of
/// them, because it describes something else.
pub fn what_is_described_elsewhere(api: &mut OpenAPI, own: &OpenAPI) {
    let is_elsewhere = described_elsewhere(api);
    if KNOWN.iter().filter(|known| known.is_on_partner_clients()).all(&is_elsewhere) {
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
        if let (ReferenceOr::Item(known), ReferenceOr::Item(own)) = (known, own)
            && let (SchemaKind::Type(Type::Object(known)), SchemaKind::Type(Type::Object(own))) =
                (&mut known.schema_kind, &own.schema_kind)
        {
            for (field, schema) in &own.properties {
                let known = known.properties.entry(field.clone()).or_insert_with(|| schema.clone());
                // An answer's `null` is read as nothing, whether it is documented or not.
                if let (ReferenceOr::Item(known), ReferenceOr::Item(own)) = (known, schema) {
                    known.schema_data.nullable = own.schema_data.nullable;
                }
            }
        }
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

fn add(api: &mut OpenAPI, own: &OpenAPI, method: &str, path: &str, operation: &Operation) {
    let item = api.paths.paths.entry(path.to_owned()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
    if let ReferenceOr::Item(item) = item {
        for (_, slot) in walk::slots_mut(item).into_iter().filter(|(name, _)| *name == method) {
            *slot = Some(operation.clone());
        }
    }
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
