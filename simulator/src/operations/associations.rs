//! The operations of v3 on the associations of one object, and listing association types.

use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde_json::json;

use crate::{
    call::Call,
    crm::state::End,
    http::{error::Failure, parameters::Parameters, response::json_response},
    operations::{
        objects,
        path::{AssociationPath, AssociationsPath, TypesPath},
        projection::Projection,
    },
};

/// `PUT …/{objectType}/{id}/associations/{toObjectType}/{toObjectId}/{associationType}`
pub(crate) async fn associate(call: Call, Path(path): Path<AssociationPath>) -> Result<Response, Failure> {
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    let ends = (End::new(&from, &path.id), End::new(&to, &path.to_id));
    state.associate(ends.0, ends.1, &path.association_type)?;
    let object = state.live(ends.0)?;
    let associated = [to.clone()];
    let body = objects::with_associations(&call, &state, (&from, object), &Projection::unasked(), &associated);
    Ok(json_response(StatusCode::OK, &body))
}

/// `DELETE` on the same path
pub(crate) async fn dissociate(call: Call, Path(path): Path<AssociationPath>) -> Result<StatusCode, Failure> {
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    state.dissociate(End::new(&from, &path.id), End::new(&to, &path.to_id), &path.association_type)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/{objectType}/{id}/associations/{toObjectType}`
pub(crate) async fn list(
    call: Call,
    Path(path): Path<AssociationsPath>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    path.page(&call, &parameters, |associations, after, limit| associations.page(after.as_ref(), limit))
}

/// `GET /crm/v3/associations/{fromObjectType}/{toObjectType}/types`
pub(crate) async fn types(call: Call, Path(path): Path<TypesPath>) -> Result<Response, Failure> {
    let state = call.state();
    let (from, to) = path.readable(&call, &state)?;
    let definitions = state.association_types.between(&from, &to);
    let results: Vec<_> =
        definitions.map(|definition| json!({"id": definition.key.id.to_string(), "name": definition.name})).collect();
    Ok(json_response(StatusCode::OK, &json!({"results": results})))
}
