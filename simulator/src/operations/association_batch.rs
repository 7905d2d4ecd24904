//! The operations on many associations.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    crm::{object_type::ObjectType, state::object_type_named},
    http::{
        error::Failure,
        request_body::{self},
        response::add,
    },
    operations::{
        association_page::{MAX_LIMIT, page},
        batch::{check_number, distinct},
        batch_answer::BatchAnswer,
        batch_input::{AssociationInput, ObjectId},
        invalid_associations::Invalid,
    },
    server::Server,
};

const MAX_CREATED: usize = 2_000;
/// HubSpot documents no limit; one third party tells of this one.
const MAX_ARCHIVED: usize = 100;
const MAX_READ: usize = 1_000;

type TypesPath = Path<(String, String)>;

#[derive(Deserialize)]
struct AssociationBatch {
    inputs: Vec<AssociationInput>,
}

/// `POST /crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create`
pub(crate) async fn associate(
    Shared(server): Shared<Arc<Server>>,
    Path((from_object_type, to_object_type)): TypesPath,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin();
    let to = target(&from_object_type, &to_object_type)?;
    let AssociationBatch { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_CREATED)?;

    let mut state = server.state();
    let (mut valid, mut invalid) = (Vec::with_capacity(inputs.len()), Vec::new());
    for input in inputs {
        match Invalid::find(&state, to, &input) {
            None => valid.push(input),
            Some(association) => invalid.push(association),
        }
    }
    if let Some(refusal) = server.invalid_associations().refusal(&invalid) {
        return Err(refusal);
    }
    for AssociationInput { from, to, association_type } in valid {
        state.associate(&from.id.0, &to_object_type, &to.id.0, &association_type.0)?;
        answer.results.push(json!({
            "from": {"id": from.id.0},
            "to": {"id": to.id.0},
            "type": association_type.0,
        }));
    }
    answer.errors = invalid.iter().map(Invalid::error).collect();
    Ok(answer.finish(StatusCode::CREATED))
}

/// `POST …/batch/archive`
///
/// What removing one association refuses is refused here for the whole batch, and then none is removed.
pub(crate) async fn dissociate(
    Shared(server): Shared<Arc<Server>>,
    Path((from_object_type, to_object_type)): TypesPath,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    target(&from_object_type, &to_object_type)?;
    let AssociationBatch { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_ARCHIVED)?;

    let mut state = server.state();
    for input in &inputs {
        state.resolve(&input.from.id.0, &to_object_type, &input.association_type.0)?;
    }
    for input in &inputs {
        state.dissociate(&input.from.id.0, &to_object_type, &input.to.id.0, &input.association_type.0)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct AssociationBatchRead {
    inputs: Vec<ObjectId>,
}

/// `POST …/batch/read`
///
/// HubSpot does not document how to read on where a result has a `paging`. We assume that its cursor is one of the
/// operation that lists the associations of a single object, and that a result is as long as a page there.
pub(crate) async fn read(
    Shared(server): Shared<Arc<Server>>,
    Path((from_object_type, to_object_type)): TypesPath,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin();
    let to = target(&from_object_type, &to_object_type)?;
    let AssociationBatchRead { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_READ)?;

    let state = server.state();
    let mut unknown = Vec::new();
    for id in distinct(&inputs) {
        let Ok(partner_client) = state.partner_client(id) else {
            unknown.push(id.to_owned());
            continue;
        };
        let page = page(server.base_url(), &state, partner_client, to, None, MAX_LIMIT);
        if page.results.is_empty() {
            answer.errors.push(no_associations(id, to));
            continue;
        }
        let mut result = json!({"from": {"id": id}});
        add(&mut result, "to", Value::Array(page.results));
        if let Some(paging) = page.paging {
            add(&mut result, "paging", paging);
        }
        answer.results.push(result);
    }
    answer.add_unknown(&unknown);
    Ok(answer.finish(StatusCode::OK))
}

/// The object type at the other end. Association types from partner clients are the only ones simulated, so nothing can
/// be associated from another object type.
fn target(from_object_type: &str, to_object_type: &str) -> Result<ObjectType, Failure> {
    let from = object_type_named(from_object_type)?;
    let to = object_type_named(to_object_type)?;
    if from != ObjectType::PartnerClient {
        let (from, to) = (from.plural(), to.plural());
        return Err(Failure::validation(format!("no association types from {from} to {to}")));
    }
    Ok(to)
}

fn check_inputs(inputs: usize, max: usize) -> Result<(), Failure> {
    if inputs == 0 {
        return Err(Failure::validation("A batch takes at least one input here"));
    }
    check_number(inputs, max)
}

/// The error of a batch read for a partner client that is associated with no object of a type.
fn no_associations(id: &str, to: ObjectType) -> Value {
    let (from, to) = (ObjectType::PartnerClient.singular(), to.singular());
    json!({
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": format!("No {to} is associated with {from} {id}."),
        "context": {"fromObjectId": [id], "fromObjectType": [from], "toObjectType": [to]},
    })
}
