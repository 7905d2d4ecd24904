//! The operations: their paths within a family of one version, and their ids.

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};

use crate::http::limits::Bucket;

/// Where the families of operations are, each with the versions that have it there.
pub(crate) const OBJECTS_V3: &str = "/crm/v3/objects";
pub(crate) const OBJECTS_V4: &str = "/crm/v4/objects";
pub(crate) const OBJECTS_DATED: &str = "/crm/objects/{version}";
pub(crate) const ASSOCIATIONS_V3: &str = "/crm/v3/associations";
pub(crate) const ASSOCIATIONS_V4: &str = "/crm/v4/associations";
pub(crate) const ASSOCIATIONS_DATED: &str = "/crm/associations/{version}";
pub(crate) const TOKEN: &str = "/oauth/{version}/token";
pub(crate) const INTROSPECT: &str = "/oauth/{version}/token/introspect";
pub(crate) const ACCESS_TOKEN: &str = "/oauth/{version}/access-tokens/{token}";
pub(crate) const PRIVATE_APP_TOKEN: &str = "/oauth/v2/private-apps/get/access-token-info";
pub(crate) const ACCOUNT_DETAILS: &str = "/account-info/{version}/details";
pub(crate) const API_USAGE: &str = "/account-info/{version}/api-usage/daily/private-apps";

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

// The ids of the operations that take no bearer token.
pub(crate) const OAUTH_TOKEN: &str = "oauth_token";
pub(crate) const INTROSPECT_TOKEN: &str = "introspect_token";
pub(crate) const ACCESS_TOKEN_INFO: &str = "access_token_info";
pub(crate) const PRIVATE_APP_TOKEN_INFO: &str = "private_app_token_info";

// The ids of the operations on the account that a token belongs to.
pub(crate) const ACCOUNT_DETAILS_ID: &str = "account_details";
pub(crate) const API_USAGE_ID: &str = "api_usage";

/// The id of the operation a request calls; `None` when there is none. An operation and its successor in another version
/// have the same id.
pub(crate) fn id(request: &Parts) -> Option<&'static str> {
    let path = request.extensions.get::<MatchedPath>()?.as_str();
    let method = request.method.as_str();
    if let Some(id) = on_accounts(method, path) {
        return Some(id);
    }
    let within = |families: [&str; 3]| families.into_iter().find_map(|family| path.strip_prefix(family));
    if let Some(path) = within([OBJECTS_V3, OBJECTS_V4, OBJECTS_DATED]) {
        return on_objects(method, path);
    }
    let path = within([ASSOCIATIONS_V3, ASSOCIATIONS_V4, ASSOCIATIONS_DATED])?;
    let labeled = !request.uri.path().starts_with(ASSOCIATIONS_V3);
    on_associations(method, path, labeled)
}

/// On accounts and tokens.
fn on_accounts(method: &str, path: &str) -> Option<&'static str> {
    Some(match (method, path) {
        ("POST", TOKEN) => OAUTH_TOKEN,
        ("POST", INTROSPECT) => INTROSPECT_TOKEN,
        ("GET", ACCESS_TOKEN) => ACCESS_TOKEN_INFO,
        ("POST", PRIVATE_APP_TOKEN) => PRIVATE_APP_TOKEN_INFO,
        ("GET", ACCOUNT_DETAILS) => ACCOUNT_DETAILS_ID,
        ("GET", API_USAGE) => API_USAGE_ID,
        _ => return None,
    })
}

/// Whether an operation takes no bearer token, and counts in no limit.
pub(crate) fn is_open(id: Option<&str>) -> bool {
    matches!(id, Some(OAUTH_TOKEN | INTROSPECT_TOKEN | ACCESS_TOKEN_INFO | PRIVATE_APP_TOKEN_INFO))
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

/// The limit that a request counts in, whichever objects it is about.
pub(crate) fn bucket(request: &Parts) -> Bucket {
    let path = request.uri.path();
    if request.method == Method::POST && path.ends_with("/search") {
        return Bucket::Search;
    }
    let associations = [ASSOCIATIONS_V3, ASSOCIATIONS_V4, "/crm/associations"];
    let within = |family: &str| path.strip_prefix(family).is_some_and(|rest| rest.starts_with('/'));
    if associations.into_iter().any(within) { Bucket::Association } else { Bucket::General }
}
