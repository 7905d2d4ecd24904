//! What a description lacks and the crate's own has.

use openapiv3::{OpenAPI, Operation, PathItem, ReferenceOr};

use super::{
    operations::{KNOWN, name},
    walk,
};

/// HubSpot describes the operations on associations of any object in documents of their own. Those that a description
/// lacks are taken from `own`, with the schemas they need and the description does not have.
pub fn association_operations(api: &mut OpenAPI, own: &OpenAPI) {
    for known in KNOWN.iter().filter(|known| known.path.starts_with("/crm/v3/associations/")) {
        if walk::operations(api).all(|(method, path, _)| name(method, path) != known.name) {
            let operation = own.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(known.name));
            if let Some((_, _, operation)) = operation {
                add(api, own, known.method, known.path, operation);
            }
        }
    }
}

fn add(api: &mut OpenAPI, own: &OpenAPI, method: &str, path: &str, operation: &Operation) {
    let item = api.paths.paths.entry(path.to_owned()).or_insert_with(|| ReferenceOr::Item(PathItem::default()));
    if let ReferenceOr::Item(item) = item {
        match method {
            "GET" => item.get = Some(operation.clone()),
            _ => item.post = Some(operation.clone()),
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
    let schemas = serde_json::to_value(&own.schemas).unwrap_or_default();
    let operation = serde_json::to_value(operation).unwrap_or_default();
    for name in walk::needed_schemas(&operation, &schemas) {
        if let Some(schema) = own.schemas.get(&name) {
            components.schemas.entry(name).or_insert_with(|| schema.clone());
        }
    }
}
