//! The command `undo`, which reverses what a run has changed.

pub(crate) mod arguments;
mod file;

use std::path::Path;

use hubspot_partner_clients::{
    Client,
    reconcile::{Applied, Plan},
};
use serde_json::{Value, json};

use self::arguments::Arguments;
use self::file::UndoFile;
pub(super) use self::file::{Begun, Content, RECONCILE, Recorder, named};
use super::reconcile::report::{self, Again};
use crate::{
    account,
    exit::{Code, Signal},
    failure::{Failure, warn},
    output::Output,
    output_file::Held,
    printable::printable_lines,
    question,
    signals::Signals,
    target::Target,
    words::{counted, counted_are},
};

pub(crate) async fn run(
    arguments: &Arguments,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    if target.simulator {
        return Err(Failure::usage("undo cannot be used with --simulator, which forgets everything at the end"));
    }
    // Before it is read: a run that goes on adds to it. A dry run only looks.
    let held = (!arguments.dry_run).then(|| Held::existing("--undo", &arguments.file)).transpose()?;
    let file = UndoFile::of_ended(&arguments.file)?;
    let plans = file.reversals();
    let [add, remove] = [
        plans.iter().map(|plan| plan.add.len() as u64).sum::<u64>(),
        plans.iter().map(|plan| plan.remove.len() as u64).sum::<u64>(),
    ];
    let Some(held) = held else {
        if output.json {
            output.json(&json!({"plans": plans, "applied": null}))?;
            return Ok(Code::Success);
        }
        for plan in &plans {
            output.line(format_args!("{}", printable_lines(&plan.to_string())))?;
        }
        output.line(format_args!("Dry run: nothing was sent."))?;
        return Ok(Code::Success);
    };
    let path = arguments.file.display();
    let begin = async {
        let session = target.client().await?;
        let account = target.named(&session.client).await?;
        check_account(&arguments.file, &plans, account.as_deref(), output.json)?;
        let (made, removed) = (counted(add, "association"), counted(remove, "association"));
        if !output.json {
            output.line(format_args!("To undo {path}: make {made}, remove {removed}."))?;
            output.flush()?;
        }
        if remove > 0 {
            let question = format!("Remove {removed}?");
            question::ask(arguments.yes.yes, target.simulator, &format!("{path} removes {removed}"), &question).await?;
        }
        Ok(session)
    };
    let session = signals.interrupt(begin, Some("Nothing was changed.")).await?;
    let mut undone = Undone { held, file, all: Applied::default(), is_begun: false, unwritten: None, failure: None };
    let mut signal: Option<Signal> = None;
    for (place, plan) in plans.iter().enumerate() {
        if signal.is_some() {
            undone.leave(plan);
            continue;
        }
        let stop = async { signal = Some(signals.received().await) };
        let applied = async { apply(plan, &session.at(plan.api_version)?, arguments.remove_anyway, stop).await };
        match applied.await {
            Ok(applied) => undone.take(place, applied),
            // The others may be reversed all the same.
            Err(failure) => undone.fail(plan, failure),
        }
    }
    let Undone { all, is_begun, unwritten, failure, .. } = undone;
    if let Some(unwritten) = unwritten {
        let message = format!(
            "{path} still has what was reversed, and undo would reverse it again if others make it anew: {}",
            unwritten.message()
        );
        warn(json!({"kind": "undo file", "message": message}), output.json);
    }
    let json = |applied| json!({"plans": plans, "applied": applied});
    let again = Again { verb: "undo", others: "", input: "", corrected: "run the command again" };
    match failure {
        None => report::end(all, json, &again, signal, output),
        Some(failure) if signal.is_some() => report::end(all, json, &again, signal, output)
            .map_err(|end| end.and_then_do(&format!("Besides, {}.", failure.message()))),
        Some(failure) if is_begun => {
            report::tell(&all, json, &again, output)?;
            let done = counted_are(all.added + all.removed, "change");
            Err(failure.and_then_do(&format!("{done} reversed all the same; {path} has the rest.")))
        }
        Some(failure) => {
            if output.json {
                output.json(&json(Value::Null))?;
                output.flush()?;
            }
            Err(failure)
        }
    }
}

/// What was done so far.
struct Undone {
    held: Held,
    file: UndoFile,
    all: Applied,
    /// Whether any plan was carried out.
    is_begun: bool,
    /// Why the file could not be written.
    unwritten: Option<Failure>,
    /// Why a plan could not be carried out.
    failure: Option<Failure>,
}

impl Undone {
    /// Takes what was reversed out of the file at once: whatever comes after it, others may make it anew.
    fn take(&mut self, place: usize, applied: Applied) {
        self.is_begun = true;
        self.file.reversed(place, &applied);
        self.unwritten = self.held.write(&self.file).err();
        let all = &mut self.all;
        all.added += applied.added;
        all.removed += applied.removed;
        all.already_done.extend(applied.already_done);
        all.unsettled.extend(applied.unsettled);
        all.failed_additions.extend(applied.failed_additions);
        all.failed_removals.extend(applied.failed_removals);
        all.held_back.extend(applied.held_back);
    }

    /// Notes that nothing of a plan was carried out.
    fn leave(&mut self, plan: &Plan) {
        self.all.unsettled.extend(plan.add.iter().chain(&plan.remove).cloned());
    }

    fn fail(&mut self, plan: &Plan, failure: Failure) {
        self.leave(plan);
        self.failure.get_or_insert(failure);
    }
}

/// Whether the plans in a file are of this account. Those of a run that HubSpot did not tell the account are of one as well.
///
/// # Errors
/// For plans of another account, or of one where HubSpot does not tell whose the token is.
fn check_account(file: &Path, plans: &[Plan], ours: Option<&str>, json: bool) -> Result<(), Failure> {
    let path = file.display();
    let accounts = plans.iter().filter_map(|plan| plan.account.as_deref());
    if let Some(theirs) = accounts.into_iter().find(|theirs| ours != Some(*theirs)) {
        let token = match ours {
            Some(ours) => format!("the token is for {ours}"),
            None => "HubSpot does not tell which account the token is for".to_owned(),
        };
        let message = format!("{path} is of a run in the account {theirs}, and {token}");
        let remedy = format!("Set HUBSPOT_ACCESS_TOKEN to a token of the account {theirs}; nothing was changed.");
        return Err(Failure::account(message, remedy));
    }
    if plans.iter().any(|plan| plan.account.is_none() && !plan.is_empty()) {
        account::warn_unbound(file, json);
    }
    Ok(())
}

async fn apply(
    plan: &Plan,
    client: &Client,
    remove_anyway: bool,
    stop: impl Future<Output = ()>,
) -> Result<Applied, Failure> {
    let mut apply = plan.apply(client).even_if_changed();
    if let Some(account) = &plan.account {
        apply = apply.account(account);
    }
    if remove_anyway {
        apply = apply.remove_anyway();
    }
    Ok(apply.run_until(stop).await?)
}
