//! The operations on many partner clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    body::Bytes,
    extract::{Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    crm::{object::Source, store::Row},
    http::{
        error::Failure,
        parameters::Parameters,
        request_body::{self, Text},
        response::add,
    },
    operations::{
        batch_answer::BatchAnswer,
        batch_input::ObjectId,
        changes::{Changes, Refused},
        projection::Projection,
    },
    server::Server,
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

/// `POST …/partner_clients/batch/read`
pub(crate) async fn read(
    Shared(server): Shared<Arc<Server>>,
    Query(parameters): Query<Parameters>,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin();
    let BatchRead { inputs, properties, properties_with_history, id_property } = request_body::read(&body)?;
    let projection = Projection::new(properties.unwrap_or_default(), properties_with_history.unwrap_or_default());
    check_number(inputs.len(), if projection.has_history() { MAX_INPUTS_WITH_HISTORY } else { MAX_INPUTS })?;
    let archived = parameters.flag("archived")?;

    let ids = distinct(&inputs);
    let mut unknown = Vec::new();
    let store = &server.state().partner_clients;
    for (id, row) in ids.iter().zip(store.identify(id_property.as_deref(), &ids, archived)) {
        match row {
            Some(row) => answer.results.push(projection.body(store.get(row))),
            None => unknown.push((*id).to_owned()),
        }
    }
    answer.add_unknown(&unknown);
    Ok(answer.finish(StatusCode::OK))
}

#[derive(Deserialize)]
struct BatchUpdate {
    inputs: Vec<BatchUpdateInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchUpdateInput {
    id: Text,
    properties: Changes,
    id_property: Option<String>,
    object_write_trace_id: Option<Text>,
}

/// `POST …/partner_clients/batch/update`
pub(crate) async fn update(Shared(server): Shared<Arc<Server>>, body: Bytes) -> Result<Response, Failure> {
    let mut answer = BatchAnswer::begin();
    let BatchUpdate { inputs } = request_body::read(&body)?;
    check_number(inputs.len(), MAX_INPUTS)?;
    let store = &mut server.state().partner_clients;
    let mut rows = vec![None; inputs.len()];
    for (property, places) in by_id_property(&inputs) {
        let ids: Vec<_> = places.iter().filter_map(|place| Some(inputs.get(*place)?.id.0.as_str())).collect();
        for (place, row) in places.iter().zip(store.identify(property, &ids, false)) {
            if let Some(entry) = rows.get_mut(*place) {
                *entry = row;
            }
        }
    }
    check_unique(&inputs, &rows)?;

    let mut unknown = Vec::new();
    for (input, row) in inputs.into_iter().zip(rows) {
        let Some(row) = row else {
            unknown.push(input.id.0);
            continue;
        };
        match input.properties.values() {
            Ok(values) => {
                store.update(row, values, Source::Api);
                let mut body = Projection::all().body(store.get(row));
                if let Some(Text(trace_id)) = input.object_write_trace_id {
                    add(&mut body, "objectWriteTraceId", json!(trace_id));
                }
                answer.results.push(body);
            }
            Err(refused) => answer.errors.push(refusal(&input.id, input.object_write_trace_id.as_ref(), &refused)),
        }
    }
    answer.add_unknown(&unknown);
    Ok(answer.finish(StatusCode::OK))
}

/// The places of the inputs that name their partner client by the same property, so that each takes but one look.
fn by_id_property(inputs: &[BatchUpdateInput]) -> BTreeMap<Option<&str>, Vec<usize>> {
    let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, input) in inputs.iter().enumerate() {
        places.entry(input.id_property.as_deref()).or_default().push(place);
    }
    places
}

/// The ids of the inputs, each once.
pub(crate) fn distinct(inputs: &[ObjectId]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    inputs.iter().map(|input| input.id.0.as_str()).filter(|id| seen.insert(*id)).collect()
}

pub(crate) fn check_number(inputs: usize, max: usize) -> Result<(), Failure> {
    if inputs > max {
        return Err(Failure::validation(format!("A batch takes at most {max} inputs here, not {inputs}")));
    }
    Ok(())
}

/// Refuses a batch that would change the same partner client twice, by whichever property it names it.
fn check_unique(inputs: &[BatchUpdateInput], rows: &[Option<Row>]) -> Result<(), Failure> {
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
        "category": "VALIDATION_ERROR",
        "message": refused.message(),
        "context": context,
        "errors": refused.details(),
    })
}
