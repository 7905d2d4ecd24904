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
        association_page::{Associations, MAX_LIMIT},
        objects,
        path::{AssociationPath, AssociationsPath, TypesPath},
        projection::Projection,
    },
};

/// `PUT …/{objectType}/{id}/associations/{toObjectType}/{toObjectId}/{associationType}`
pub(crate) async fn associate(call: Call, Path(path): Path<AssociationPath>) -> Result<Response, Failure> {
    let mut state = call.state();
    let (from, to) = (state.types.infer(&path.object_type)?, state.types.infer(&path.to)?);
    call.may_associate(&from, &to)?;
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
    let (from, to) = (state.types.infer(&path.object_type)?, state.types.infer(&path.to)?);
    call.may_associate(&from, &to)?;
    state.dissociate(End::new(&from, &path.id), End::new(&to, &path.to_id), &path.association_type)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/{objectType}/{id}/associations/{toObjectType}`
pub(crate) async fn list(
    call: Call,
    Path(AssociationsPath { object_type, id, to }): Path<AssociationsPath>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let state = call.state();
    let (from, to) = (state.types.infer(&object_type)?, state.types.infer(&to)?);
    call.may_read_associations(&from, &to)?;
    let limit = parameters.limit(MAX_LIMIT, MAX_LIMIT)?;
    let after = parameters.after()?;
    let object = state.live(End::new(&from, &id))?;
    let associations = Associations { call: &call, state: &state, from: &from, object, to: &to };
    Ok(json_response(StatusCode::OK, &associations.page(after.as_ref(), limit).body()))
}

/// `GET /crm/v3/associations/{fromObjectType}/{toObjectType}/types`
pub(crate) async fn types(call: Call, Path(path): Path<TypesPath>) -> Result<Response, Failure> {
    let state = call.state();
    let (from, to) = path.infer(&state)?;
    call.may_read_associations(&from, &to)?;
    let definitions = state.association_types.between(&from, &to);
    let results: Vec<_> =
        definitions.map(|definition| json!({"id": definition.key.id.to_string(), "name": definition.name})).collect();
    Ok(json_response(StatusCode::OK, &json!({"results": results})))
}
