//! The operations: their paths within a family of one version, and their ids.

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};

/// Where the families of operations are, each with the versions that have it there.
pub(crate) const OBJECTS_V3: &str = "/crm/v3/objects";
pub(crate) const OBJECTS_V4: &str = "/crm/v4/objects";
pub(crate) const OBJECTS_DATED: &str = "/crm/objects/{version}";
pub(crate) const ASSOCIATIONS_V3: &str = "/crm/v3/associations";
pub(crate) const ASSOCIATIONS_V4: &str = "/crm/v4/associations";
pub(crate) const ASSOCIATIONS_DATED: &str = "/crm/associations/{version}";
pub(crate) const TOKEN: &str = "/oauth/{version}/token";

// On objects.
pub(crate) const OBJECTS: &str = "/{object_type}";
pub(crate) const OBJECT: &str = "/{object_type}/{id}";
pub(crate) const BATCH_READ: &str = "/{object_type}/batch/read";
pub(crate) const BATCH_CREATE: &str = "/{object_type}/batch/create";
pub(crate) const BATCH_UPDATE: &str = "/{object_type}/batch/update";
pub(crate) const BATCH_UPSERT: &str = "/{object_type}/batch/upsert";
pub(crate) const BATCH_ARCHIVE: &str = "/{object_type}/batch/archive";
pub(crate) const SEARCH: &str = "/{object_type}/search";
pub(crate) const ASSOCIATIONS: &str = "/{object_type}/{id}/associations/{to}";
/// In v3 only.
pub(crate) const ASSOCIATION: &str = "/{object_type}/{id}/associations/{to}/{to_id}/{association_type}";
/// In v4 and the dated versions only.
pub(crate) const PAIR: &str = "/{object_type}/{id}/associations/{to}/{to_id}";
pub(crate) const DEFAULT: &str = "/{object_type}/{id}/associations/default/{to}/{to_id}";

// On associations.
pub(crate) const ASSOCIATION_BATCH_CREATE: &str = "/{object_type}/{to}/batch/create";
pub(crate) const ASSOCIATION_BATCH_ARCHIVE: &str = "/{object_type}/{to}/batch/archive";
pub(crate) const ASSOCIATION_BATCH_READ: &str = "/{object_type}/{to}/batch/read";
/// In v3 only.
pub(crate) const TYPES: &str = "/{object_type}/{to}/types";
/// In v4 and the dated versions only.
pub(crate) const LABELS: &str = "/{object_type}/{to}/labels";
pub(crate) const LABELS_ARCHIVE: &str = "/{object_type}/{to}/batch/labels/archive";
pub(crate) const BATCH_DEFAULT: &str = "/{object_type}/{to}/batch/associate/default";

/// The id of exchanging a token, which the description of the CRM leaves out.
pub(crate) const OAUTH_TOKEN: &str = "oauth_token";

/// The id of the operation a request calls; `None` when there is none. An operation and its successor in another version
/// have the same id.
pub(crate) fn id(request: &Parts) -> Option<&'static str> {
    let path = request.extensions.get::<MatchedPath>()?.as_str();
    let method = request.method.as_str();
    if path == TOKEN {
        return (method == "POST").then_some(OAUTH_TOKEN);
    }
    let within = |families: [&str; 3]| families.into_iter().find_map(|family| path.strip_prefix(family));
    if let Some(path) = within([OBJECTS_V3, OBJECTS_V4, OBJECTS_DATED]) {
        return on_objects(method, path);
    }
    let path = within([ASSOCIATIONS_V3, ASSOCIATIONS_V4, ASSOCIATIONS_DATED])?;
    let labeled = !request.uri.path().starts_with(ASSOCIATIONS_V3);
    on_associations(method, path, labeled)
}

fn on_objects(method: &str, path: &str) -> Option<&'static str> {
    Some(match (method, path) {
        ("GET", OBJECTS) => "list",
        ("POST", OBJECTS) => "create",
        ("GET", OBJECT) => "get",
        ("PATCH", OBJECT) => "update",
        ("DELETE", OBJECT) => "archive",
        ("POST", BATCH_READ) => "batch_read",
        ("POST", BATCH_CREATE) => "batch_create",
        ("POST", BATCH_UPDATE) => "batch_update",
        ("POST", BATCH_UPSERT) => "batch_upsert",
        ("POST", BATCH_ARCHIVE) => "batch_archive",
        ("POST", SEARCH) => "search",
        ("GET", ASSOCIATIONS) => "list_associations",
        ("PUT", ASSOCIATION | PAIR) => "associate",
        ("DELETE", ASSOCIATION) => "dissociate",
        ("PUT", DEFAULT) => "associate_default",
        ("DELETE", PAIR) => "dissociate_all",
        _ => return None,
    })
}

fn on_associations(method: &str, path: &str, labeled: bool) -> Option<&'static str> {
    Some(match (method, path) {
        ("GET", TYPES | LABELS) => "association_types",
        ("POST", ASSOCIATION_BATCH_CREATE) => "batch_associate",
        ("POST", ASSOCIATION_BATCH_ARCHIVE) if labeled => "batch_dissociate_all",
        ("POST", ASSOCIATION_BATCH_ARCHIVE | LABELS_ARCHIVE) => "batch_dissociate",
        ("POST", ASSOCIATION_BATCH_READ) => "batch_read_associations",
        ("POST", BATCH_DEFAULT) => "batch_associate_default",
        _ => return None,
    })
}

/// Whether a request counts as a search, whichever objects it searches.
pub(crate) fn is_search(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path().ends_with("/search")
}
