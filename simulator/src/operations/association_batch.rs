//! The operations of v3 on many associations.

use std::collections::BTreeSet;

use axum::{body::Bytes, extract::Path, http::StatusCode, response::Response};
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{object_type::ObjectType, state::End},
    http::{error::Failure, request_body, response::add},
    operations::{
        association_page::{Associations, MAX_LIMIT, Page},
        batch_answer::BatchAnswer,
        batch_input::{AssociationInput, Batch, ObjectId, check_inputs, distinct},
        invalid_associations::{Invalid, refusal},
        path::TypesPath,
    },
};

pub(crate) const MAX_CREATED: usize = 2_000;
/// HubSpot documents no limit; one third party tells of this one.
const MAX_ARCHIVED: usize = 100;
pub(crate) const MAX_READ: usize = 1_000;

/// `POST /crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create`
pub(crate) async fn associate(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    path.joined(&state)?;
    let Batch::<AssociationInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_CREATED)?;
    if call.server.settings.refuses_duplicates {
        let mut seen = BTreeSet::new();
        // A type that is unknown is no other input's.
        let key = |text: &str| {
            state.association_types.named(&from, &to, text).map(|known| known.key).map_err(|_| text.to_owned())
        };
        let mut inputs = inputs.iter().map(|input| (&input.from.id.0, &input.to.id.0, key(&input.association_type.0)));
        if !inputs.all(|input| seen.insert(input)) {
            return Err(Failure::duplicate_associations());
        }
    }

    let (mut valid, mut invalid) = (Vec::with_capacity(inputs.len()), Vec::new());
    for input in inputs {
        match Invalid::find(&state, (&from, &to), &input) {
            None => valid.push(input),
            Some(association) => invalid.push(association),
        }
    }
    if let Some(refusal) = refusal(call.server.settings.invalid_associations, &invalid) {
        return Err(refusal);
    }
    let inverse_results = call.server.settings.inverse_results;
    answer.with_empty_members = inverse_results;
    for AssociationInput { from: from_id, to: to_id, association_type } in valid {
        state.associate(End::new(&from, &from_id.id.0), End::new(&to, &to_id.id.0), &association_type.0)?;
        answer.results.push(result(&from_id.id.0, &to_id.id.0, &association_type.0));
        if inverse_results {
            let definition = state.association_types.named(&from, &to, &association_type.0)?;
            let inverse = state.association_types.find(&to, &from, definition.inverse);
            answer.results.extend(inverse.map(|inverse| result(&to_id.id.0, &from_id.id.0, &inverse.name)));
        }
    }
    answer.errors = invalid.iter().map(Invalid::error).collect();
    Ok(answer.finish(if inverse_results { StatusCode::OK } else { StatusCode::CREATED }))
}

fn result(from_id: &str, to_id: &str, association_type: &str) -> Value {
    json!({"from": {"id": from_id}, "to": {"id": to_id}, "type": association_type})
}

/// `POST …/batch/archive`
///
/// What removing one association refuses is refused here for the whole batch, and then none is removed.
pub(crate) async fn dissociate(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<StatusCode, Failure> {
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    path.joined(&state)?;
    let Batch::<AssociationInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_ARCHIVED)?;
    for input in &inputs {
        state.resolve(End::new(&from, &input.from.id.0), &to, &input.association_type.0)?;
    }
    for input in &inputs {
        let ends = (End::new(&from, &input.from.id.0), End::new(&to, &input.to.id.0));
        state.dissociate(ends.0, ends.1, &input.association_type.0)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/batch/read`
///
/// HubSpot does not document how to read on where a result has a `paging`. We assume that its cursor is one of the
/// operation that lists the associations of a single object, and that a result is as long as a page there.
pub(crate) async fn read(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let state = call.state();
    let (from, to) = path.readable(&call, &state)?;
    path.joined(&state)?;
    let Batch::<ObjectId> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_READ)?;

    let mut unknown = Vec::new();
    for id in distinct(&inputs) {
        let Ok(object) = state.live(End::new(&from, id)) else {
            unknown.push(id.to_owned());
            continue;
        };
        let associations = Associations { call: &call, state: &state, from: &from, object, to: &to };
        let page = associations.page(None, MAX_LIMIT);
        add_page(&mut answer, page, (&from, id), &to);
    }
    answer.add_unknown(&from, &unknown);
    Ok(answer.finish(StatusCode::OK))
}

/// Answers for one object of a batch read: with what it has, or with an error where that is nothing.
pub(crate) fn add_page(answer: &mut BatchAnswer, page: Page, from: (&ObjectType, &str), to: &ObjectType) {
    if page.results.is_empty() {
        answer.errors.push(no_associations(from, to));
        return;
    }
    let mut result = json!({"from": {"id": from.1}});
    add(&mut result, "to", Value::Array(page.results));
    if let Some(paging) = page.paging {
        add(&mut result, "paging", paging);
    }
    answer.results.push(result);
}

fn no_associations((from, id): (&ObjectType, &str), to: &ObjectType) -> Value {
    let (from, to) = (from.singular(), to.singular());
    json!({
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": format!("No {to} is associated with {from} {id}."),
        "context": {"fromObjectId": [id], "fromObjectType": [from], "toObjectType": [to]},
    })
}
