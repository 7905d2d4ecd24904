//! The outcomes of a job, as CSV or JSON Lines.

use futures_util::TryStreamExt;
use hubspot_partner_clients::{Association, bulk::Outcome, redis::Job};
use serde_json::json;

use crate::{
    bulk::COLUMNS,
    exit::Code,
    failure::{Failure, cells, to_json},
    output::Output,
    spreadsheet::neutral,
};

/// The columns added to the values of a row. A file with these columns can be enqueued again: they are ignored.
const ADDED: [&str; 3] = ["result", "error", "correlation_id"];

pub(super) async fn run(job: &Job, failed_only: bool, output: &mut Output) -> Result<Code, Failure> {
    let done = if job.status().await?.operation == "dissociate" { "removed" } else { "made" };
    let result = |outcome: &Outcome| if outcome.result.is_ok() { done } else { "failed" };
    if output.json {
        return each(job, failed_only, |row| match row {
            Some(outcome) => output.json(&json(outcome, result(outcome))),
            None => Ok(()),
        })
        .await;
    }
    each(job, failed_only, |row| match row {
        Some(outcome) => output.record(fields(outcome, result(outcome))),
        None => output.record(COLUMNS.iter().chain(&ADDED)),
    })
    .await
}

/// Has each outcome written, after `None` for the beginning.
async fn each(
    job: &Job,
    failed_only: bool,
    mut write: impl FnMut(Option<&Outcome>) -> Result<(), Failure>,
) -> Result<Code, Failure> {
    let mut outcomes = job.outcomes();
    let mut code = Code::Success;
    let mut next = outcomes.try_next().await?;
    write(None)?;
    while let Some(outcome) = next {
        if let Err(error) = &outcome.result {
            code = code.first(Code::from(error));
        }
        if !failed_only || outcome.result.is_err() {
            write(Some(&outcome))?;
        }
        next = outcomes.try_next().await?;
    }
    Ok(code)
}

fn json(outcome: &Outcome, result: &str) -> serde_json::Value {
    let [partner_client, to_type, to_id, association_type] = values(outcome.association.as_ref());
    json!({
        "row": outcome.index + 1,
        "partnerClientId": partner_client,
        "toObjectType": to_type,
        "toObjectId": to_id,
        "associationType": association_type,
        "result": result,
        "error": outcome.result.as_ref().err().map(to_json),
    })
}

fn fields(outcome: &Outcome, result: &str) -> Vec<Vec<u8>> {
    let [message, correlation_id] = cells(outcome.result.as_ref().err());
    let values = values(outcome.association.as_ref());
    let cells = values.into_iter().chain([result, &message, &correlation_id]);
    cells.map(|cell| neutral(cell.as_bytes()).into_owned()).collect()
}

/// Empty where they could not be sent.
fn values(association: Option<&Association>) -> [&str; 4] {
    association.map_or([""; 4], |association| {
        [
            association.partner_client_id.as_str(),
            association.to_object_type.as_str(),
            association.to_object_id.as_str(),
            association.association_type.as_str(),
        ]
    })
}
