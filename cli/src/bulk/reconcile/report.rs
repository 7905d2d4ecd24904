//! The report of a reconcile run, for people and programs.

use hubspot_partner_clients::{
    Association,
    reconcile::{Applied, FailedChange, Plan},
};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::arguments::Reconcile;
use crate::{
    failure::{Failure, to_json},
    output::{Output, Table},
    printable::printable,
    words::counted,
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
            let path = path.display();
            output.line(format_args!(
                "Nothing was changed. The plan is in {path}; to carry it out, use --plan {path} --apply."
            ))
        }
        None => output.line(format_args!("Nothing was changed. To carry out the plan, add --apply.")),
    }
}

pub(in crate::bulk) fn applied(applied: &Applied, output: &mut Output) -> Result<(), Failure> {
    let described = |change: &Association| {
        let Association { partner_client_id, to_object_type, to_object_id, association_type, .. } = change;
        printable(&format!(
            "partner client {partner_client_id} and {to_object_type} {to_object_id} ({association_type})"
        ))
    };
    let failures = |what: &str, failed: &[FailedChange]| -> Vec<String> {
        let line = |failed: &FailedChange| {
            format!("{what} {}: {}", described(&failed.association), Failure::from(failed.error.clone()).message())
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
             run the command again, or add --remove-anyway."
        ))?;
    }
    if applied.already_done > 0 {
        let done = counted(applied.already_done, "change");
        output.line(format_args!("Already done before this run: {done}."))?;
    }
    let mut table = Table::summary(["added", "removed", "failed", "held back"]);
    let counts = [applied.added, applied.removed, applied.failures().count() as u64, applied.held_back.len() as u64];
    table.row(counts.map(|count| HumanCount(count).to_string()), output)?;
    table.end(output)
}

fn shortened<T>(all: &[T], line: impl Fn(&T) -> String, more: &str) -> Vec<String> {
    let mut lines: Vec<_> = all.iter().take(SHOWN).map(line).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} {more}", HumanCount((all.len() - SHOWN) as u64)));
    }
    lines
}

pub(in crate::bulk) fn json(applied: &Applied) -> Value {
    let failed = |kind: &'static str, failed: &[FailedChange]| -> Vec<Value> {
        let failure = |FailedChange { association, error, .. }: &FailedChange| {
            json!({
                "change": kind,
                "partnerClientId": association.partner_client_id,
                "toObjectType": association.to_object_type,
                "toObjectId": association.to_object_id,
                "associationType": association.association_type,
                "error": to_json(error),
            })
        };
        failed.iter().map(failure).collect()
    };
    let mut failures = failed("add", &applied.failed_additions);
    failures.extend(failed("remove", &applied.failed_removals));
    json!({
        "added": applied.added,
        "removed": applied.removed,
        "alreadyDone": applied.already_done,
        "failed": failures,
        "heldBack": applied.held_back,
        "unsettled": applied.unsettled,
    })
}
