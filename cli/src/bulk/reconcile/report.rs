//! The report of a reconcile run, for people and programs.

use hubspot_partner_clients::{
    Association,
    reconcile::{Applied, FailedChange, Plan},
};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::arguments::Reconcile;
use crate::{
    command_line,
    exit::{Code, Signal},
    failure::{Failure, to_json},
    output::{Output, Table},
    printable::printable,
    words::{counted, counted_are},
};

/// How many changes of a kind are shown to people.
const SHOWN: usize = 10;

pub(super) fn not_applied(plan: &Plan, arguments: &Reconcile, output: &mut Output) -> Result<(), Failure> {
    if output.json {
        return output.json(&json!({"plan": plan, "applied": null}));
    }
    if plan.is_empty() {
        return Ok(());
    }
    if let Err(error) = plan.check_removals() {
        let failure = Failure::from(error);
        output.line(format_args!("With --apply, this plan would be refused: {}", failure.message()))?;
    }
    match &arguments.save_plan {
        Some(path) => {
            let given = command_line::quoted(&path.to_string_lossy());
            let path = path.display();
            output.line(format_args!(
                "Nothing was changed. The plan is in {path}; to carry it out, use reconcile --plan {given} --apply."
            ))
        }
        None => output.line(format_args!("Nothing was changed. To carry out the plan, add --apply.")),
    }
}

/// What is said of running the command again.
pub(in crate::bulk) struct Again<'a> {
    /// What is done with the rest.
    pub(in crate::bulk) verb: &'a str,
    /// What the command has to be given anew for that.
    pub(in crate::bulk) others: &'a str,
    /// What is said of standard input.
    pub(in crate::bulk) input: &'a str,
    /// What is to be done once is corrected what failed.
    pub(in crate::bulk) corrected: &'a str,
}

/// Tells what was done. `json` puts it beside its plan.
pub(in crate::bulk) fn tell(
    applied: &Applied,
    json: impl FnOnce(Value) -> Value,
    again: &Again<'_>,
    output: &mut Output,
) -> Result<(), Failure> {
    if output.json {
        output.json(&json(changes(applied)))?;
    } else {
        lines(applied, again.corrected, output)?;
    }
    output.flush()
}

/// Ends a run that was begun, and [tells](tell) what was done.
///
/// # Errors
/// Where the journal could not be written, or changes are not settled.
pub(in crate::bulk) fn end(
    applied: Applied,
    json: impl FnOnce(Value) -> Value,
    again: &Again<'_>,
    signal: Option<Signal>,
    output: &mut Output,
) -> Result<Code, Failure> {
    tell(&applied, json, again, output)?;
    let state = format!("{} not settled", counted_are(applied.unsettled.len() as u64, "change"));
    // The changes after it are not settled either, though nothing interrupted the run.
    if let Some(error) = applied.journal_error {
        let failure = Failure::from(error);
        return Err(if applied.unsettled.is_empty() { failure } else { failure.and_then_do(&format!("{state}.")) });
    }
    if !applied.unsettled.is_empty() {
        let again = match again {
            Again { verb, others: "", input, .. } => {
                format!("To {verb} the rest, run the same command again{input}:\n  {}", command_line::this())
            }
            Again { verb, others, input, .. } => format!("To {verb} the rest, run the command again{input}.{others}"),
        };
        return Err(Failure::interrupted(signal.unwrap_or(Signal::Interrupt), state, Some(again)));
    }
    Ok(applied.failures().map(|failed| Code::from(&failed.error)).fold(Code::Success, Code::first))
}

fn lines(applied: &Applied, corrected: &str, output: &mut Output) -> Result<(), Failure> {
    let described = |change: &Association| {
        let Association { partner_client_id, to_object_type, to_object_id, association_type, .. } = change;
        printable(&format!(
            "partner client {partner_client_id} and {to_object_type} {to_object_id} ({association_type})"
        ))
    };
    let failures = |what: &str, failed: &[FailedChange]| -> Vec<String> {
        let line = |failed: &FailedChange| {
            let message = for_plan(Failure::from(failed.error.clone()).message());
            format!("{what} {}: {message}", described(&failed.association))
        };
        shortened(failed, line, &format!("more could not be {what}"))
    };
    let not_added = failures("not added:", &applied.failed_additions);
    let not_removed = failures("not removed:", &applied.failed_removals);
    let held_back =
        shortened(&applied.held_back, |change| format!("held back: {}", described(change)), "more held back");
    for line in not_added.into_iter().chain(not_removed).chain(held_back) {
        output.line(format_args!("{line}"))?;
    }
    if !applied.held_back.is_empty() {
        output.line(format_args!(
            "Held back means not removed, because an addition to the same partner client failed. Correct what failed and \
             {corrected}, or add --remove-anyway."
        ))?;
    }
    if !applied.already_done.is_empty() {
        let done = counted(applied.already_done.len() as u64, "change");
        output.line(format_args!("Already done before this run: {done}."))?;
    }
    let mut table = Table::summary(["added", "removed", "failed", "held back"]);
    let counts = [applied.added, applied.removed, applied.failures().count() as u64, applied.held_back.len() as u64];
    table.row(counts.map(|count| HumanCount(count).to_string()), output)?;
    table.end(output)
}

/// What a plan does not name is no plan's to remove, so these commands lack the option.
fn for_plan(message: &str) -> String {
    message.replace(
        "add --including-labels if they may go, or remove a label instead",
        "if they may go, remove them first and run the command again",
    )
}

fn shortened<T>(all: &[T], line: impl Fn(&T) -> String, more: &str) -> Vec<String> {
    let mut lines: Vec<_> = all.iter().take(SHOWN).map(line).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} {more}", HumanCount((all.len() - SHOWN) as u64)));
    }
    lines
}

fn changes(applied: &Applied) -> Value {
    let failed = |kind: &'static str, failed: &[FailedChange]| -> Vec<Value> {
        let failure = |FailedChange { association, error, .. }: &FailedChange| {
            let mut told = to_json(error);
            if let Some(Value::String(message)) = told.get_mut("message") {
                *message = for_plan(message);
            }
            json!({
                "change": kind,
                "partnerClientId": association.partner_client_id,
                "toObjectType": association.to_object_type,
                "toObjectId": association.to_object_id,
                "associationType": association.association_type,
                "error": told,
            })
        };
        failed.iter().map(failure).collect()
    };
    let mut failures = failed("add", &applied.failed_additions);
    failures.extend(failed("remove", &applied.failed_removals));
    json!({
        "added": applied.added,
        "removed": applied.removed,
        "alreadyDone": applied.already_done.len(),
        "failed": failures,
        "heldBack": applied.held_back,
        "unsettled": applied.unsettled.len(),
    })
}
