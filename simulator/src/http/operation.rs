//! The operations, by their ids in the API's description.

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};

pub(crate) const PARTNER_CLIENTS: &str = "/crm/v3/objects/partner_clients";
pub(crate) const BATCH_READ: &str = "/crm/v3/objects/partner_clients/batch/read";
pub(crate) const BATCH_UPDATE: &str = "/crm/v3/objects/partner_clients/batch/update";
pub(crate) const SEARCH: &str = "/crm/v3/objects/partner_clients/search";
pub(crate) const PARTNER_CLIENT: &str = "/crm/v3/objects/partner_clients/{id}";
pub(crate) const ASSOCIATIONS: &str = "/crm/v3/objects/partner_clients/{id}/associations/{to}";
pub(crate) const ASSOCIATION: &str =
    "/crm/v3/objects/partner_clients/{id}/associations/{to}/{to_id}/{association_type}";
pub(crate) const ASSOCIATION_TYPES: &str = "/crm/v3/associations/{from}/{to}/types";
pub(crate) const ASSOCIATION_BATCH_CREATE: &str = "/crm/v3/associations/{from}/{to}/batch/create";
pub(crate) const ASSOCIATION_BATCH_ARCHIVE: &str = "/crm/v3/associations/{from}/{to}/batch/archive";
pub(crate) const ASSOCIATION_BATCH_READ: &str = "/crm/v3/associations/{from}/{to}/batch/read";
pub(crate) const TOKEN: [&str; 3] = ["/oauth/2026-03/token", "/oauth/v3/token", "/oauth/v1/token"];

/// The id of exchanging a token, which the description of the CRM leaves out.
pub(crate) const OAUTH_TOKEN: &str = "oauth_token";

/// The id of the operation a request calls; `None` when there is none.
pub(crate) fn id(request: &Parts) -> Option<&'static str> {
    let path = request.extensions.get::<MatchedPath>()?.as_str();
    match (request.method.as_str(), path) {
        ("PUT", ASSOCIATION) => Some("associate"),
        ("DELETE", ASSOCIATION) => Some("dissociate"),
        ("GET", ASSOCIATIONS) => Some("list_associations"),
        ("GET", PARTNER_CLIENTS) => Some("list"),
        ("GET", PARTNER_CLIENT) => Some("get"),
        ("PATCH", PARTNER_CLIENT) => Some("update"),
        ("POST", BATCH_READ) => Some("batch_read"),
        ("POST", BATCH_UPDATE) => Some("batch_update"),
        ("POST", SEARCH) => Some("search"),
        ("GET", ASSOCIATION_TYPES) => Some("association_types"),
        ("POST", ASSOCIATION_BATCH_CREATE) => Some("batch_associate"),
        ("POST", ASSOCIATION_BATCH_ARCHIVE) => Some("batch_dissociate"),
        ("POST", ASSOCIATION_BATCH_READ) => Some("batch_read_associations"),
        ("POST", path) if TOKEN.contains(&path) => Some(OAUTH_TOKEN),
        _ => None,
    }
}

/// Whether a request counts as a search, whichever objects it searches.
pub(crate) fn is_search(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path().ends_with("/search")
}
