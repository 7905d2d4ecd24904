//! The command `undo`, which reverses what a run has changed.

pub(crate) mod arguments;
mod file;

use hubspot_partner_clients::reconcile::{Applied, Plan};
use serde_json::json;

pub(super) use self::file::{Content, Recorder, Reversal};
use self::{arguments::Arguments, file::Ended};
use super::reconcile::report;
use crate::{
    command_line,
    exit::{Code, Signal},
    failure::Failure,
    output::Output,
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
    let file = Ended::read(&arguments.file)?;
    let plans = file.plans();
    let [add, remove] = [
        plans.iter().map(|plan| plan.add.len() as u64).sum::<u64>(),
        plans.iter().map(|plan| plan.remove.len() as u64).sum::<u64>(),
    ];
    if arguments.dry_run {
        if output.json {
            output.json(&json!({"plans": plans, "applied": null}))?;
            return Ok(Code::Success);
        }
        for plan in &plans {
            output.line(format_args!("{}", printable_lines(&plan.to_string())))?;
        }
        output.line(format_args!("Dry run: nothing was sent."))?;
        return Ok(Code::Success);
    }
    let path = arguments.file.display();
    let begin = async {
        let session = target.client().await?;
        let account = target.named(&session.client).await?;
        for plan in &plans {
            if let (Some(theirs), Some(ours)) = (&plan.account, &account)
                && theirs != ours
            {
                let message = format!("{path} is of a run in the account {theirs}, and the token is for {ours}");
                let remedy =
                    format!("Set HUBSPOT_ACCESS_TOKEN to a token of the account {theirs}; nothing was changed.");
                return Err(Failure::account(message, remedy));
            }
        }
        let (made, removed) = (counted(add, "association"), counted(remove, "association"));
        if !output.json {
            output.line(format_args!("To undo {path}: make {made}, remove {removed}."))?;
            output.flush()?;
        }
        if remove > 0 {
            let question = format!("Remove {removed}?");
            question::ask(arguments.yes.yes, target.simulator, &format!("{path} removes {removed}"), &question).await?;
        }
        Ok((session, account))
    };
    let (session, account) = signals.interrupt(begin, Some("Nothing was changed.")).await?;
    let mut all = Applied::default();
    let mut signal: Option<Signal> = None;
    for plan in &plans {
        if signal.is_some() {
            all.unsettled += (plan.add.len() + plan.remove.len()) as u64;
            continue;
        }
        let client = session.at(plan.api_version)?;
        let stop = async { signal = Some(signals.received().await) };
        let applied = apply(plan, &client, account.as_deref(), stop).await.map_err(|failure| {
            let done = all.added + all.removed;
            if done == 0 {
                failure
            } else {
                failure.and_then_do(&format!("{} reversed before that.", counted_are(done, "change")))
            }
        })?;
        all.added += applied.added;
        all.removed += applied.removed;
        all.already_done += applied.already_done;
        all.unsettled += applied.unsettled;
        all.failed_additions.extend(applied.failed_additions);
        all.failed_removals.extend(applied.failed_removals);
        all.held_back.extend(applied.held_back);
    }
    if all.unsettled == 0 {
        file.reversed(&arguments.file, &all);
    }
    if output.json {
        output.json(&json!({"plans": plans, "applied": report::json(&all)}))?;
    } else {
        report::applied(&all, output)?;
    }
    output.flush()?;
    if all.unsettled > 0 {
        let state = format!("{} not settled", counted_are(all.unsettled, "change"));
        let again = format!("To undo the rest, run the same command again:\n  {}", command_line::this());
        return Err(Failure::interrupted(signal.unwrap_or(Signal::Interrupt), state, Some(again)));
    }
    Ok(all.failures().map(|failed| Code::from(&failed.error)).fold(Code::Success, Code::first))
}

async fn apply(
    plan: &Plan,
    client: &hubspot_partner_clients::Client,
    account: Option<&str>,
    stop: impl Future<Output = ()>,
) -> Result<Applied, Failure> {
    let apply = plan.apply(client).even_if_changed();
    let apply = match account {
        Some(account) => apply.account(account),
        None => apply,
    };
    Ok(apply.run_until(stop).await?)
}
