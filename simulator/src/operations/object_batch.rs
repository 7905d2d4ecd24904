//! The operations on many objects.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::Bytes,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{
        object_type::ObjectType,
        rules::Rules,
        state::{End, State},
        store::{Row, Store},
    },
    http::{
        error::Failure,
        parameters::Parameters,
        request_body::{self, Text},
        response::add,
    },
    operations::{
        batch_answer::BatchAnswer,
        batch_input::{Batch, ObjectId, check_number, distinct},
        changes::{Changes, Refused},
        objects::{self, Creation, Prepared},
        path::TypePath,
        projection::Projection,
    },
};

const MAX_INPUTS: usize = 100;
const MAX_INPUTS_WITH_HISTORY: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRead {
    inputs: Vec<ObjectId>,
    properties: Option<Vec<String>>,
    properties_with_history: Option<Vec<String>>,
    id_property: Option<String>,
}

/// `POST …/{objectType}/batch/read`
pub(crate) async fn read(
    call: Call,
    Path(path): Path<TypePath>,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let state = call.state();
    let object_type = path.readable(&call, &state)?;
    let BatchRead { inputs, properties, properties_with_history, id_property } = request_body::read(&body)?;
    let projection = Projection::new(properties.unwrap_or_default(), properties_with_history.unwrap_or_default());
    objects::check_identifier(&state, &object_type, id_property.as_deref())?;
    check_number(inputs.len(), if projection.has_history() { MAX_INPUTS_WITH_HISTORY } else { MAX_INPUTS })?;
    let archived = parameters.flag("archived")?;

    let ids = distinct(&inputs);
    let mut unknown = Vec::new();
    let store = state.store(&object_type);
    for (id, row) in ids.iter().zip(store.identify(id_property.as_deref(), &ids, archived)) {
        match row {
            Some(row) => answer.results.push(projection.body(&object_type, store.get(row))),
            None => unknown.push((*id).to_owned()),
        }
    }
    answer.add_unknown(&object_type, &unknown);
    Ok(answer.finish(StatusCode::OK))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateInput {
    id: Text,
    properties: Changes,
    id_property: Option<String>,
    object_write_trace_id: Option<Text>,
}

/// `POST …/{objectType}/batch/update`
pub(crate) async fn update(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let object_type = path.writable(&call, &state)?;
    let (inputs, rows) = updates(&state, &object_type, &body, Rules::is_declared_unique)?;
    let mut unknown = Vec::new();
    for (input, row) in inputs.into_iter().zip(rows) {
        match row {
            Some(row) => write(&call, &mut state, &object_type, row, input, &mut answer),
            None => unknown.push(input.id.0),
        }
    }
    answer.add_unknown(&object_type, &unknown);
    Ok(answer.finish(StatusCode::OK))
}

/// `POST …/{objectType}/batch/upsert`: an object that does not exist is created, with the property that names it.
pub(crate) async fn upsert(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let object_type = path.creatable(&call, &state)?;
    let (inputs, rows) = updates(&state, &object_type, &body, Rules::is_unique)?;
    for (mut input, row) in inputs.into_iter().zip(rows) {
        let Some(row) = row else {
            let Some(property) = input.id_property.clone() else {
                answer.add_unknown(&object_type, &[input.id.0]);
                continue;
            };
            input.properties.set_if_absent(property, input.id.0.clone());
            match input.properties.write(&call, &state, &object_type, None) {
                Ok(write) => {
                    let mut body = objects::carry_out(&mut state, &object_type, Prepared::alone(write));
                    add(&mut body, "new", json!(true));
                    answer.results.push(body);
                }
                Err(refused) => {
                    answer.errors.push(refusal(&input.id, input.object_write_trace_id.as_ref(), &refused));
                }
            }
            continue;
        };
        let before = answer.results.len();
        write(&call, &mut state, &object_type, row, input, &mut answer);
        answer.results.iter_mut().skip(before).for_each(|body| add(body, "new", json!(false)));
    }
    Ok(answer.finish(StatusCode::OK))
}

/// `POST …/{objectType}/batch/create`: all are created or none.
pub(crate) async fn create(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin(&call);
    let mut state = call.state();
    let object_type = path.creatable(&call, &state)?;
    let Batch::<Creation> { inputs } = request_body::read(&body)?;
    check_number(inputs.len(), MAX_INPUTS)?;
    let prepared = inputs.into_iter().map(|input| objects::prepare(&call, &state, &object_type, input));
    let prepared: Vec<_> = prepared.collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    let values = prepared.iter().flat_map(Prepared::values).filter(|(_, value)| !value.is_empty());
    for (name, value) in values.filter(|(name, _)| state.rules.is_unique(&object_type, name)) {
        if !seen.insert((name, value)) {
            return Err(Failure::exists(format!("Two inputs have the same value of {name}: {value}")));
        }
    }
    for prepared in prepared {
        answer.results.push(objects::carry_out(&mut state, &object_type, prepared));
    }
    Ok(answer.finish(StatusCode::CREATED))
}

/// `POST …/{objectType}/batch/archive`: objects that do not exist are left alone.
pub(crate) async fn archive(call: Call, Path(path): Path<TypePath>, body: Bytes) -> Result<Response, Failure> {
    let mut state = call.state();
    let object_type = path.creatable(&call, &state)?;
    let Batch::<ObjectId> { inputs } = request_body::read(&body)?;
    check_number(inputs.len(), MAX_INPUTS)?;
    for id in distinct(&inputs) {
        state.archive(End::new(&object_type, id));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Updates one object of a batch.
fn write(
    call: &Call,
    state: &mut State,
    object_type: &ObjectType,
    row: Row,
    input: UpdateInput,
    answer: &mut BatchAnswer,
) {
    match input.properties.write(call, state, object_type, Some(row)) {
        Ok(write) => {
            let mut body = objects::change(state, object_type, row, write);
            if let Some(Text(trace_id)) = input.object_write_trace_id {
                add(&mut body, "objectWriteTraceId", json!(trace_id));
            }
            answer.results.push(body);
        }
        Err(refused) => answer.errors.push(refusal(&input.id, input.object_write_trace_id.as_ref(), &refused)),
    }
}

/// The inputs of a batch that changes objects, and the rows of those that exist. What names an object is its id, or a
/// property that `may_name` says can.
fn updates(
    state: &State,
    object_type: &ObjectType,
    body: &[u8],
    may_name: fn(&Rules, &ObjectType, &str) -> bool,
) -> Result<(Vec<UpdateInput>, Vec<Option<Row>>), Failure> {
    let Batch::<UpdateInput> { inputs } = request_body::read(body)?;
    check_number(inputs.len(), MAX_INPUTS)?;
    for property in inputs.iter().filter_map(|input| input.id_property.as_deref()) {
        if !may_name(&state.rules, object_type, property) {
            return Err(Failure::not_unique(&state.types, object_type, property));
        }
    }
    let rows = rows(state.store(object_type), &inputs);
    check_unique(&inputs, &rows)?;
    Ok((inputs, rows))
}

/// The rows of the inputs; inputs that name their object by the same property take but one look.
fn rows(store: &Store, inputs: &[UpdateInput]) -> Vec<Option<Row>> {
    let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, input) in inputs.iter().enumerate() {
        places.entry(input.id_property.as_deref()).or_default().push(place);
    }
    let mut rows = vec![None; inputs.len()];
    for (property, places) in places {
        let ids: Vec<_> = places.iter().filter_map(|place| Some(inputs.get(*place)?.id.0.as_str())).collect();
        for (place, row) in places.iter().zip(store.identify(property, &ids, false)) {
            if let Some(entry) = rows.get_mut(*place) {
                *entry = row;
            }
        }
    }
    rows
}

/// Refuses a batch that would change the same object twice, by whichever property it names it.
fn check_unique(inputs: &[UpdateInput], rows: &[Option<Row>]) -> Result<(), Failure> {
    let (mut seen_rows, mut seen_ids) = (BTreeSet::new(), BTreeSet::new());
    let duplicates: BTreeSet<_> = inputs
        .iter()
        .zip(rows)
        .filter(|(input, row)| match row {
            Some(row) => !seen_rows.insert(row),
            None => !seen_ids.insert((&input.id_property, &input.id.0)),
        })
        .map(|(input, _)| input.id.0.as_str())
        .collect();
    if duplicates.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = duplicates.into_iter().collect();
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", ids.join(", "));
    Err(Failure::validation(message).with("context", json!({"ids": ids})))
}

/// The error of one refused update.
fn refusal(Text(id): &Text, trace_id: Option<&Text>, refused: &Refused) -> Value {
    let context = match trace_id {
        Some(Text(trace_id)) => json!({"objectWriteTraceId": [trace_id]}),
        None => json!({"ids": [id]}),
    };
    json!({
        "status": "error",
        "category": refused.category(),
        "message": refused.message(),
        "context": context,
        "errors": refused.details(),
    })
}
