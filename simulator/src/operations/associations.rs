//! The operations on associations.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use serde_json::json;

use crate::{
    crm::state::object_type_named,
    http::{error::Failure, parameters::Parameters, response::json_response},
    operations::{
        association_page::{MAX_LIMIT, page},
        partner_clients,
        projection::Projection,
    },
    server::Server,
};

type AssociationPath = Path<(String, String, String, String)>;

/// `PUT …/partner_clients/{id}/associations/{toObjectType}/{toObjectId}/{associationType}`
pub(crate) async fn associate(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type, to_object_id, association_type)): AssociationPath,
) -> Result<Response, Failure> {
    let mut state = server.state();
    let to = state.associate(&id, &to_object_type, &to_object_id, &association_type)?;
    let partner_client = state.partner_client(&id)?;
    let body = partner_clients::with_associations(server.base_url(), &state, partner_client, &Projection::all(), &[to]);
    Ok(json_response(StatusCode::OK, &body))
}

/// `DELETE` on the same path
pub(crate) async fn dissociate(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type, to_object_id, association_type)): AssociationPath,
) -> Result<StatusCode, Failure> {
    server.state().dissociate(&id, &to_object_type, &to_object_id, &association_type)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/partner_clients/{id}/associations/{toObjectType}`
pub(crate) async fn list(
    Shared(server): Shared<Arc<Server>>,
    Path((id, to_object_type)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let to = object_type_named(&to_object_type)?;
    let limit = parameters.limit(MAX_LIMIT, MAX_LIMIT)?;
    let after = parameters.after()?;
    let state = server.state();
    let partner_client = state.partner_client(&id)?;
    let body = page(server.base_url(), &state, partner_client, to, after.as_ref(), limit).body();
    Ok(json_response(StatusCode::OK, &body))
}

/// `GET /crm/v3/associations/{fromObjectType}/{toObjectType}/types`
pub(crate) async fn types(
    Shared(server): Shared<Arc<Server>>,
    Path((from_object_type, to_object_type)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let state = server.state();
    let results: Vec<_> = state
        .association_types(&from_object_type, &to_object_type)?
        .map(|(id, name)| json!({"id": id.to_string(), "name": name}))
        .collect();
    Ok(json_response(StatusCode::OK, &json!({"results": results})))
}
