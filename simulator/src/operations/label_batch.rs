//! The operations of v4 and the dated versions on many associations.

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    call::Call,
    crm::{association_type::TypeKey, not_found::NotFound, state::End},
    http::{cursor, error::Failure, request_body, version::Version},
    operations::{
        association_batch::{MAX_CREATED, MAX_READ, add_page},
        association_page::{Associations, MAX_LIMIT},
        batch_answer::BatchAnswer,
        batch_input::{Batch, LabelsInput, PageInput, PairInput, PairsInput, Spec, check_inputs, unknown_keys},
        invalid_associations::{Invalid, refusal},
        labels,
        path::TypesPath,
    },
};

/// For inputs of which each ends labels, and for objects of which each loses associations.
const MAX_ARCHIVED: usize = 100;

/// `POST …/associations/…/{fromObjectType}/{toObjectType}/batch/create`
///
/// Each input sets the labels of its pair, one after the other: of two inputs for one pair the later one counts.
pub(crate) async fn associate(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    let Batch::<LabelsInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_CREATED)?;
    check_pairs(&call, inputs.iter().map(|input| (&input.from.id.0, &input.to.id.0)))?;

    let (mut valid, mut invalid) = (Vec::with_capacity(inputs.len()), Vec::new());
    for input in inputs {
        match Invalid::find_labels(&state, (&from, &to), &input) {
            None => valid.push(input),
            Some(association) => invalid.push(association),
        }
    }
    if let Some(refusal) = refusal(call.server.settings.invalid_associations, &invalid) {
        return Err(refusal);
    }
    for input in &valid {
        let (from, to) = (End::new(&from, &input.from.id.0), End::new(&to, &input.to.id.0));
        let keys: Vec<TypeKey> = input.types.iter().map(Spec::key).collect();
        state.set_labels(from, to, &keys);
        answer.results.push(labels::pair(&call, &state, from, to));
    }
    answer.errors = invalid.iter().map(Invalid::error).collect();
    Ok(answer.finish(StatusCode::CREATED))
}

/// `POST …/batch/associate/default`
pub(crate) async fn associate_default(
    call: Call,
    Path(path): Path<TypesPath>,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    let Batch::<PairInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_CREATED)?;
    check_pairs(&call, inputs.iter().map(|input| (&input.from.id.0, &input.to.id.0)))?;
    if state.association_types.unlabeled(&from, &to).is_none() {
        return Err(NotFound::Unlabeled { from, to }.into());
    }
    let ends = |input: &PairInput| (input.from.id.0.clone(), input.to.id.0.clone());
    let pairs: Vec<_> = inputs.iter().map(ends).collect();
    let find = |(from_id, to_id): &(String, String)| {
        Invalid::find_pair(&state, End::new(&from, from_id), End::new(&to, to_id))
    };
    let invalid: Vec<_> = pairs.iter().map(find).collect();
    for ((from_id, to_id), invalid) in pairs.iter().zip(invalid) {
        // HubSpot answers 200 with the errors in it.
        if let Some(invalid) = invalid {
            answer.errors.push(invalid.error());
            continue;
        }
        let definition = state.associate_default(End::new(&from, from_id), End::new(&to, to_id))?;
        answer.results.extend(labels::default_associations(from_id, to_id, &definition));
    }
    Ok(answer.finish_as(StatusCode::OK))
}

/// `POST …/batch/labels/archive`
///
/// Objects that do not exist have errors inside the answer; an association type that does not exist refuses the batch.
pub(crate) async fn archive_labels(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    let Batch::<LabelsInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_ARCHIVED)?;
    let keys: BTreeSet<_> = inputs.iter().flat_map(|input| &input.types).map(Spec::key).collect();
    let unknown = unknown_keys(&state, (&from, &to), &keys.into_iter().collect::<Vec<_>>());
    if !unknown.is_empty() {
        return Err(Failure::invalid_definitions(&unknown));
    }
    for input in &inputs {
        let (from, to) = (End::new(&from, &input.from.id.0), End::new(&to, &input.to.id.0));
        if let Some(invalid) = Invalid::find_pair(&state, from, to) {
            answer.errors.push(invalid.error());
            continue;
        }
        for spec in &input.types {
            state.archive_label(from, to, spec.key());
        }
    }
    Ok(archived(&call, answer))
}

/// `POST …/batch/archive`: all associations of each pair.
pub(crate) async fn dissociate_all(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let (from, to) = path.associable(&call, &state)?;
    let Batch::<PairsInput> { inputs } = request_body::read(&body)?;
    let objects: BTreeSet<_> = inputs.iter().map(|input| input.from.id.0.as_str()).collect();
    check_inputs(objects.len(), MAX_ARCHIVED)?;
    for input in &inputs {
        for other in &input.to {
            let (from, to) = (End::new(&from, &input.from.id.0), End::new(&to, &other.id.0));
            match Invalid::find_pair(&state, from, to) {
                Some(invalid) => answer.errors.push(invalid.error()),
                None => state.dissociate_all(from, to),
            }
        }
    }
    Ok(archived(&call, answer))
}

/// `POST …/batch/read`
pub(crate) async fn read(call: Call, Path(path): Path<TypesPath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let state = call.state();
    let (from, to) = path.readable(&call, &state)?;
    let Batch::<PageInput> { inputs } = request_body::read(&body)?;
    check_inputs(inputs.len(), MAX_READ)?;
    let mut unknown = Vec::new();
    for input in &inputs {
        let id = input.id.0.as_str();
        let Ok(object) = state.live(End::new(&from, id)) else {
            unknown.push(id.to_owned());
            continue;
        };
        let after = after(input)?;
        let associations = Associations { call: &call, state: &state, from: &from, object, to: &to };
        let page = associations.labeled_page(after.as_deref(), MAX_LIMIT);
        add_page(&mut answer, page, (&from, id), &to);
    }
    answer.add_unknown(&from, &unknown);
    Ok(answer.finish(StatusCode::OK))
}

fn after(input: &PageInput) -> Result<Option<String>, Failure> {
    let Some(after) = input.after.as_deref().filter(|after| !after.is_empty()) else {
        return Ok(None);
    };
    match cursor::read(after) {
        Some(position) => Ok(Some(position)),
        None => Err(Failure::validation(format!("after is no cursor of this server: `{after}`"))),
    }
}

/// v4 answers with nothing; the dated versions with a batch that has no results, and the errors in it.
fn archived(call: &Call, answer: BatchAnswer) -> Response {
    match call.version {
        Version::V3 | Version::V4 => StatusCode::NO_CONTENT.into_response(),
        Version::Dated(_) => answer.finish_as(StatusCode::OK),
    }
}

/// Refuses a batch that names a pair twice, where that is wanted.
fn check_pairs<'a>(call: &Call, mut pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    if call.server.settings.refuses_duplicates && !pairs.all(|pair| seen.insert(pair)) {
        return Err(Failure::duplicate_associations());
    }
    Ok(())
}
