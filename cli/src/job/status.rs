//! The command `job status`: how far a job has come.

use hubspot_partner_clients::redis::{JobStatus, SetAside};
use indicatif::{HumanCount, HumanDuration};
use serde_json::json;

use super::{UNENQUEUED, anew, change, is_of_no_account, named::Named};
use crate::{
    failure::{Failure, to_json, told},
    output::{Output, Table},
    words::{counted, counted_are},
};

/// How many batches that are set aside are shown to people.
const SHOWN: usize = 10;

pub(super) fn tell(
    name: &Named<'_>,
    status: &JobStatus,
    set_aside: &[SetAside],
    output: &mut Output,
) -> Result<(), Failure> {
    let total = status.total.unwrap_or(status.enqueued);
    let left = total.saturating_sub(status.settled());
    if output.json {
        return output.json(&json!({
            "job": name.name,
            "operation": status.operation,
            "input": status.input,
            "apiVersion": status.api_version.map(|version| version.to_string()),
            "rows": status.total,
            "enqueued": status.enqueued,
            "allEnqueued": status.is_complete,
            (change(status).done()): status.succeeded,
            "failed": status.failed,
            "left": left,
            "finished": status.is_finished,
            "setAside": set_aside.iter().map(aside).collect::<Vec<_>>(),
            "workers": status.workers,
            "requests": status.requests,
            "retries": status.retries,
            "rowsPerSecond": status.rate,
            "secondsLeft": status.time_left.map(|left| left.as_secs_f64()),
        }));
    }
    let batches = counted(set_aside.len() as u64, "batch");
    let is_left = status.workers == 0 && is_of_no_account(status);
    let retry = format!("run {}", name.command("retry"));
    if status.is_finished && !set_aside.is_empty() {
        let remedy = if is_left { anew(name) } else { format!("To try again, {retry} and start workers.") };
        output.line(format_args!("Job {name} is finished except for {batches} set aside. {remedy}"))?;
    } else {
        let state = if status.is_finished {
            format!("is finished: {} prints the outcome of each row", name.command("collect"))
        } else if !status.is_complete {
            UNENQUEUED.to_owned()
        } else if is_left {
            "has no workers".to_owned()
        } else if status.workers == 0 {
            format!("has no workers: start some with {}", name.command("worker"))
        } else {
            format!("is in progress: {} at work", counted_are(status.workers.into(), "worker"))
        };
        output.line(format_args!("Job {name} {state}."))?;
        let again = if is_left { String::new() } else { format!(" To try again once the cause is gone, {retry}.") };
        if !set_aside.is_empty() {
            output.line(format_args!("It has {batches} set aside.{again}"))?;
        }
        if is_left && !status.is_finished {
            output.line(format_args!("{}", anew(name)))?;
        }
    }
    for SetAside { failed, error, .. } in set_aside.iter().take(SHOWN) {
        output.line(format_args!("{}: {}", counted(*failed, "row"), told(error).0))?;
    }
    let mut table = Table::summary([
        "rows",
        change(status).heading(),
        "failed",
        "left",
        "workers",
        "requests",
        "retries",
        "rows/s",
        "time left",
    ]);
    let counts = [total, status.succeeded, status.failed, left, status.workers.into(), status.requests, status.retries];
    let time_left = status.time_left.map(|left| HumanDuration(left).to_string()).unwrap_or_default();
    let cells =
        counts.iter().map(|count| HumanCount(*count).to_string()).chain([format!("{:.1}", status.rate), time_left]);
    table.row(cells, output)?;
    table.end(output)
}

fn aside(SetAside { inputs, failed, error, .. }: &SetAside) -> serde_json::Value {
    json!({"rows": inputs, "failed": failed, "error": to_json(error)})
}
