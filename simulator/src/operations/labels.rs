//! The operations of v4 and the dated versions on the associations of one object, and listing labels.

use axum::{
    body::Bytes,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{
        association_type::Definition,
        object_type::ObjectType,
        state::{End, State},
    },
    http::{
        error::Failure,
        parameters::Parameters,
        request_body,
        response::{add, json_response},
        version::Version,
    },
    operations::{
        association_page::labeled,
        batch_answer::BatchAnswer,
        batch_input::{Specs, check_specs},
        path::{AssociationsPath, PairPath, TypesPath},
    },
};

/// `PUT …/{objectType}/{objectId}/associations/{toObjectType}/{toObjectId}`
pub(crate) async fn set(call: Call, Path(path): Path<PairPath>, body: Bytes) -> Result<Response, Failure> {
    let mut state = call.state();
    let (from_type, to_type) = path.associable(&call, &state)?;
    let specs: Specs = request_body::read_specs(&body)?;
    let (from, to) = (End::new(&from_type, &path.id), End::new(&to_type, &path.to_id));
    check_ends(&state, from, to)?;
    let keys = check_specs(&state, (&from_type, &to_type), &specs)?;
    state.set_labels(from, to, &keys);
    Ok(json_response(StatusCode::CREATED, &pair(&call, &state, from, to)))
}

/// `PUT …/{objectType}/{objectId}/associations/default/{toObjectType}/{toObjectId}`
pub(crate) async fn associate_default(call: Call, Path(path): Path<PairPath>) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from_type, to_type) = path.associable(&call, &state)?;
    let (from, to) = (End::new(&from_type, &path.id), End::new(&to_type, &path.to_id));
    check_ends(&state, from, to)?;
    let definition = state.associate_default(from, to)?;
    answer.results.extend(default_associations(&path.id, &path.to_id, &definition));
    Ok(answer.finish(StatusCode::OK))
}

/// `DELETE …/{objectType}/{objectId}/associations/{toObjectType}/{toObjectId}`
pub(crate) async fn dissociate_all(call: Call, Path(path): Path<PairPath>) -> Result<Response, Failure> {
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    state.live(End::new(&from, &path.id))?;
    state.dissociate_all(End::new(&from, &path.id), End::new(&to, &path.to_id));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET …/{objectType}/{objectId}/associations/{toObjectType}`
pub(crate) async fn list(
    call: Call,
    Path(path): Path<AssociationsPath>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    path.page(&call, &parameters, |associations, after: Option<String>, limit| {
        associations.labeled_page(after.as_deref(), limit)
    })
}

/// `GET …/associations/…/{fromObjectType}/{toObjectType}/labels`
pub(crate) async fn definitions(call: Call, Path(path): Path<TypesPath>) -> Result<Response, Failure> {
    let state = call.state();
    let (from, to) = path.readable(&call, &state)?;
    let described = |definition: &Definition| {
        let mut body = labeled(definition);
        // The dated versions describe both ids, and list them as null.
        if matches!(call.version, Version::Dated(_)) {
            add(&mut body, "fromObjectTypeId", Value::Null);
            add(&mut body, "toObjectTypeId", Value::Null);
        }
        body
    };
    let results: Vec<_> = state.association_types.between(&from, &to).map(described).collect();
    Ok(json_response(StatusCode::OK, &json!({"results": results})))
}

/// A pair of objects and its labels.
pub(crate) fn pair(call: &Call, state: &State, from: End<'_>, to: End<'_>) -> Value {
    let labels: Vec<_> =
        state.definitions_between(from, to).into_iter().filter_map(|definition| definition.label.clone()).collect();
    json!({
        "fromObjectTypeId": from.object_type.id(),
        "fromObjectId": call.object_id(from.id),
        "toObjectTypeId": to.object_type.id(),
        "toObjectId": call.object_id(to.id),
        "labels": labels,
    })
}

/// Both directions of an unlabelled association.
pub(crate) fn default_associations(from_id: &str, to_id: &str, definition: &Definition) -> [Value; 2] {
    [(from_id, to_id, definition.key), (to_id, from_id, definition.inverse)].map(|(from, to, key)| {
        json!({
            "from": {"id": from},
            "to": {"id": to},
            "associationSpec": {"associationCategory": key.category.as_str(), "associationTypeId": key.id},
        })
    })
}

/// Names the objects of a pair that do not exist.
fn check_ends(state: &State, from: End<'_>, to: End<'_>) -> Result<(), Failure> {
    let missing = missing(state, from, to);
    if missing.is_empty() { Ok(()) } else { Err(Failure::invalid_objects(&missing)) }
}

/// The objects of a pair that do not exist.
pub(crate) fn missing(state: &State, from: End<'_>, to: End<'_>) -> Vec<(ObjectType, String)> {
    let ends = [from, to].into_iter().filter(|end| !state.exists(*end));
    ends.map(|end| (end.object_type.clone(), end.id.to_owned())).collect()
}
