//! The commands that create, remove or reconcile the associations of a CSV file.

mod annotated;
#[cfg(test)]
mod any_file;
pub(super) mod arguments;
mod batches;
mod causes;
pub(super) mod change;
pub(super) mod check;
mod columns;
mod existing;
mod failed;
mod form;
pub(super) mod input;
pub(super) mod inputs;
pub(super) mod layout;
pub(super) mod lookup;
mod object_types;
mod preview;
mod problems;
mod progress;
mod quotes;
pub(super) mod reconcile;
mod report;
mod rows;
mod run;
mod seed;
mod source;
pub(super) mod undo;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hubspot_partner_clients::{ClientBuilder, RateLimit, bulk::Journal};
use serde_json::json;

pub(super) use self::columns::COLUMNS;
use self::{
    arguments::{DissociateMany, Many},
    change::Change,
    check::Checked,
    existing::Existing,
    failed::FailedRows,
    input::Input,
    inputs::Inputs,
    progress::Bar,
    report::Report,
    rows::Rows,
    run::Run,
    undo::Recorder,
};
use super::{
    account,
    exit::Code,
    failure::Failure,
    output::Output,
    output_file::{OutputFile, same, stream},
    question,
    signals::Signals,
    target::Target,
    words::{counted, counted_are},
};

pub(super) async fn associate(
    many: &Many,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    send(Change::Associate, many, Removing::default(), target, signals, output).await
}

pub(super) async fn dissociate(
    arguments: &DissociateMany,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    let removing = Removing { including_labels: arguments.labels.including_labels, yes: arguments.yes.yes };
    send(Change::Dissociate, &arguments.many, removing, target, signals, output).await
}

/// What only those who remove say.
#[derive(Default)]
struct Removing {
    including_labels: bool,
    yes: bool,
}

async fn send(
    change: Change,
    many: &Many,
    removing: Removing,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    if target.simulator && (many.journal.is_some() || many.undo.is_some()) {
        let message = "--journal and --undo cannot be used with --simulator, which forgets everything at the end";
        return Err(Failure::usage(message));
    }
    let unsent = Some("Run the same command again; nothing was sent.");
    let begin = async {
        let input = Input::new(&many.file, many.table.layout()).await?;
        let checked = check::check(&input).await?;
        Ok((input, checked))
    };
    let (input, checked) = signals.interrupt(begin, unsent).await?;
    if many.dry_run {
        dry_run(&checked, output)?;
        return Ok(Code::Success);
    }
    // The rows once more, for the outcomes that are told.
    let rows = Rows::open(&input)?;
    let failed = many.failed.as_deref().filter(|_| !many.check);
    let besides_failed = others(many, target, &[("--undo", &many.undo)]);
    if let Some(path) = failed {
        OutputFile::try_out("--failed", path, &besides_failed)?;
    }
    let settings = |builder: ClientBuilder| match many.rate_limit {
        Some(requests) => builder.rate_limit(RateLimit::per_ten_seconds(requests)),
        None => builder,
    };
    let session = target.client_with(settings, async |simulator| seed::seed(simulator, &input).await);
    let session = signals.interrupt(session, unsent).await?;
    let account = signals.interrupt(target.named(&session.client), unsent).await?;
    signals.interrupt(lookup::resolve(&input, &checked, &session.client), unsent).await?;
    let identity = input.identity(&checked.digest);
    if many.check {
        let including_labels = removing.including_labels;
        let preview = preview::run(change, many, including_labels, &input, &checked, &session.client, output);
        return signals.interrupt(preview, Some("Nothing was changed.")).await;
    }
    if let Some(path) = &many.undo {
        OutputFile::try_out("--undo", path, &others(many, target, &[("--failed", &many.failed)]))?;
    }
    if change == Change::Dissociate && checked.rows > 0 {
        let what = format!("the file removes up to {}", counted(checked.rows, "association"));
        let question = format!("Remove up to {}?", counted(checked.rows, "association"));
        let asked = question::ask(removing.yes, target.simulator, &what, &question);
        signals.interrupt(asked, Some("Nothing was changed.")).await?;
    }
    let bar = Bar::new(checked.rows, output.json || output.csv, target.log.is_verbose());
    let updated = bar.clone();
    let inputs = Inputs::open(&input, checked.rows)?;
    let (no_more, trouble) = (Arc::clone(&inputs.no_more), Arc::clone(&inputs.trouble));
    let mut bulk = change
        .bulk(&session.client, inputs)
        .concurrency(many.concurrency.into())
        .strategy(many.strategy.into())
        .on_progress(move |progress| updated.update(progress));
    if removing.including_labels {
        bulk = bulk.including_labels();
    }
    let mut opened = None;
    if let Some(path) = &many.journal {
        if same(path, &many.file) {
            let message = format!("--journal {} is the input file", path.display());
            return Err(Failure::file(message, "Give --journal another path; nothing was sent."));
        }
        opened = Some(journal(path, &identity, account.as_deref(), output.json)?);
    }
    let mut existing = None;
    if many.undo.is_some() {
        let read = Existing::read(&session.client, &input, &checked, account.as_deref());
        let existing = existing.insert(signals.interrupt(read, unsent).await?);
        if let Some(journal) = &mut opened {
            existing.send_again(change, &input, journal)?;
        }
        existing.check_sent(&input, opened.as_ref())?;
    }
    if let Some(journal) = opened {
        bulk = bulk.journal(journal);
    }
    let outcomes = bulk.outcomes();
    if let Some(error) = outcomes.journal_error() {
        return Err(error.clone().into());
    }
    // Only of a run that takes place, because what an earlier one left in their place is lost.
    let failed = failed.map(|path| FailedRows::open(path, &rows, &besides_failed)).transpose()?;
    let undo = match (&many.undo, existing) {
        (Some(path), Some(existing)) => {
            let recorder = Recorder::begin(path, change, removing.including_labels, &identity, existing)?;
            if account.is_none() {
                account::warn_last("undo file", path, output.json);
            }
            Some(recorder)
        }
        _ => None,
    };
    let report = Report::begin(change, checked.rows, &rows, output)?;
    let has_account = account.is_some();
    let run = Run {
        many,
        has_account,
        no_more,
        trouble,
        checked,
        rows,
        before: 0,
        behind: 0,
        failed,
        undo,
        report,
        bar,
        signals,
    };
    run.finish(outcomes, &session.client, output).await
}

/// The journal of a run whose input has this identity.
///
/// # Errors
/// Also for a journal that was begun before, where HubSpot does not tell the account: it may be that of another one.
fn journal(file: &Path, digest: &str, account: Option<&str>, json: bool) -> Result<Journal, Failure> {
    if let Some(stream) = stream(file) {
        let message = format!("--journal {} is also {stream}", file.display());
        return Err(Failure::file(message, "Give --journal another path; nothing was sent."));
    }
    let journal = Journal::open(file, &format!("sha256:{digest}"))?;
    match account {
        Some(account) => Ok(journal.account(account)),
        None if fs::metadata(file).is_ok_and(|found| found.len() > 0) => {
            let message = format!(
                "the journal {} may be of another account, because HubSpot does not tell which account the token is for",
                file.display()
            );
            let new = "ive --journal another path to send all rows, which does no harm to those that were sent before. \
                       Nothing was sent.";
            let remedy = match journal.begun_with_account() {
                Some(_) => format!("Run the command again once HubSpot tells it, or g{new}"),
                None => format!("G{new}"),
            };
            Err(Failure::journal(message, remedy))
        }
        None => {
            account::warn_last("journal", file, json);
            Ok(journal)
        }
    }
}

/// The files of a run that another file of it may not be, with some more.
fn others<'a>(
    many: &'a Many,
    target: &'a Target,
    more: &[(&'static str, &'a Option<PathBuf>)],
) -> Vec<(&'static str, &'a Path)> {
    let mut others = vec![("the input file", many.file.as_path())];
    others.extend(many.journal.as_deref().map(|journal| ("the journal", journal)));
    others.extend(target.log.path().map(|log| ("the log", log)));
    others.extend(more.iter().filter_map(|(what, path)| Some((*what, path.as_deref()?))));
    others
}

fn dry_run(checked: &Checked, output: &mut Output) -> Result<(), Failure> {
    if output.json {
        let mut told = json!({"rows": checked.rows, "sent": false});
        if let (Some(told), keys @ 1..) = (told.as_object_mut(), checked.keys_count()) {
            told.insert("named".to_owned(), keys.into());
        }
        return output.json(&told);
    }
    let valid = counted_are(checked.rows, "row");
    output.line(format_args!("Dry run: {valid} valid; nothing was sent"))?;
    match checked.keys_count() {
        0 => Ok(()),
        keys => {
            let named = counted_are(keys, "object");
            output.line(format_args!("{named} named by a property, which --check looks up"))
        }
    }
}
