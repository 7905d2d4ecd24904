//! The commands that create, remove or reconcile the associations of a CSV file.

mod annotated;
pub(super) mod arguments;
mod causes;
pub(super) mod check;
mod columns;
mod existing;
mod failed;
mod form;
pub(super) mod input;
pub(super) mod layout;
pub(super) mod lookup;
mod preview;
mod problems;
mod progress;
pub(super) mod reconcile;
mod report;
mod rows;
mod seed;
pub(super) mod undo;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::{FutureExt, StreamExt};
use hubspot_partner_clients::{
    Association, Client, ClientBuilder, Error, RateLimit,
    bulk::{Bulk, Journal, Outcomes},
};
use indicatif::HumanCount;
use serde_json::json;

pub(super) use self::columns::COLUMNS;
use self::{
    arguments::{DissociateMany, Many},
    check::Checked,
    existing::Existing,
    failed::FailedRows,
    input::Input,
    progress::Bar,
    report::Report,
    rows::Rows,
    undo::Recorder,
};
use super::{
    command_line,
    exit::{Code, Signal},
    failure::Failure,
    output::Output,
    output_file::{OutputFile, same},
    question,
    signals::Signals,
    target::Target,
    words::{counted, counted_are},
};

/// What is done with the associations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Associate,
    Dissociate,
}

impl Change {
    /// What a row is that was carried out.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Associate => "made",
            Self::Dissociate => "removed",
        }
    }

    /// The same, over a column. HubSpot does not say whether an association was there that is not there any more.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Associate => "made",
            Self::Dissociate => "gone",
        }
    }

    /// What is done, as a file names it.
    fn verb(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::Dissociate => "dissociate",
        }
    }

    fn bulk(self, client: &Client, inputs: Inputs) -> Bulk {
        match self {
            Self::Associate => client.associate_many(inputs),
            Self::Dissociate => client.dissociate_many(inputs),
        }
    }
}

pub(super) async fn associate(
    many: &Many,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    run(Change::Associate, many, Removing::default(), target, signals, output).await
}

pub(super) async fn dissociate(
    arguments: &DissociateMany,
    target: &Target,
    signals: &Signals,
    output: &mut Output,
) -> Result<Code, Failure> {
    let removing = Removing { including_labels: arguments.labels.including_labels, yes: arguments.yes.yes };
    run(Change::Dissociate, &arguments.many, removing, target, signals, output).await
}

/// What only those who remove say.
#[derive(Default)]
struct Removing {
    including_labels: bool,
    yes: bool,
}

async fn run(
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
    // The rows once more, in step with the outcomes.
    let rows = Rows::open(&input)?;
    let failed = many
        .failed
        .as_deref()
        .filter(|_| !many.check)
        .map(|path| open_failed(path, many, target, &rows))
        .transpose()?;
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
        drop(OutputFile::create("--undo", path, &others(many, target, &[("--failed", &many.failed)]))?);
    }
    if change == Change::Dissociate && checked.rows > 0 {
        let what = format!("the file removes up to {}", counted(checked.rows, "association"));
        let question = format!("Remove up to {}?", counted(checked.rows, "association"));
        let asked = question::ask(removing.yes, target.simulator, &what, &question);
        signals.interrupt(asked, Some("Nothing was changed.")).await?;
    }
    let bar = Bar::new(checked.rows, output.json, target.log.is_verbose());
    let updated = bar.clone();
    let inputs = Inputs::open(&input, checked.rows)?;
    let no_more = Arc::clone(&inputs.no_more);
    let mut bulk = change
        .bulk(&session.client, inputs)
        .concurrency(many.concurrency.into())
        .strategy(many.strategy.into())
        .on_progress(move |progress| updated.update(progress));
    if removing.including_labels {
        bulk = bulk.including_labels();
    }
    if let Some(path) = &many.journal {
        if same(path, &many.file) {
            let message = format!("--journal {} is the input file", path.display());
            return Err(Failure::file(message, "Give --journal another path; nothing was sent."));
        }
        bulk = bulk.journal(journal(path, &identity, account.as_deref())?);
    }
    let outcomes = bulk.outcomes();
    if let Some(error) = outcomes.journal_error() {
        return Err(error.clone().into());
    }
    // Only of a run that takes place.
    let undo = match &many.undo {
        Some(path) => {
            let existing = Existing::read(&session.client, &input, &checked, account.as_deref());
            let existing = signals.interrupt(existing, unsent).await?;
            Some(Recorder::begin(path, change, removing.including_labels, &identity, existing)?)
        }
        None => None,
    };
    let report = Report::begin(change, checked.rows, &rows, output)?;
    let run = Run { many, no_more, checked, rows, failed, undo, report, bar, signals };
    run.finish(outcomes, &session.client, output).await
}

/// The journal of a run whose input has this identity.
fn journal(path: &Path, digest: &str, account: Option<&str>) -> Result<Journal, Failure> {
    let journal = Journal::open(path, &format!("sha256:{digest}"))?;
    Ok(match account {
        Some(account) => journal.account(account),
        None => journal,
    })
}

fn open_failed(path: &Path, many: &Many, target: &Target, rows: &Rows) -> Result<FailedRows, Failure> {
    FailedRows::open(path, rows, &others(many, target, &[("--undo", &many.undo)]))
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

/// The rows as inputs, as many as were checked.
pub(super) struct Inputs {
    rows: Rows,
    left: u64,
    /// Ends them early.
    no_more: Arc<AtomicBool>,
}

impl Inputs {
    pub(super) fn open(input: &Input, rows: u64) -> Result<Self, Failure> {
        Ok(Self { rows: Rows::open(input)?, left: rows, no_more: Arc::default() })
    }

    /// Whether they were those that were checked, all of which have been taken.
    #[cfg(feature = "redis")]
    pub(super) fn are_all(&mut self, checked: &Checked) -> Result<bool, Failure> {
        let more = self.rows.advance()?.unwrap_or(true);
        Ok(self.left == 0 && !more && self.rows.digest() == checked.digest)
    }
}

impl Iterator for Inputs {
    type Item = Result<Association, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.no_more.load(Ordering::Relaxed) {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        // A file that has changed since it was checked is found at the end.
        let Ok(Ok(true)) = self.rows.advance() else { return None };
        let [partner_client, to_type, to_id, association_type] = self.rows.values();
        Some(Association::new(partner_client, to_type, to_id, association_type))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

struct Run<'a> {
    many: &'a Many,
    /// Lets the run take no further row.
    no_more: Arc<AtomicBool>,
    checked: Checked,
    /// At the row whose outcome came last.
    rows: Rows,
    failed: Option<FailedRows>,
    undo: Option<Recorder>,
    report: Report,
    bar: Bar,
    signals: &'a Signals,
}

enum End {
    All,
    Interrupted(Signal),
    /// Whatever is sent after this error fails as well.
    Stopped(Error),
    /// The file is no longer what was checked.
    Changed,
}

impl Run<'_> {
    async fn finish(mut self, outcomes: Outcomes, client: &Client, output: &mut Output) -> Result<Code, Failure> {
        let started = Instant::now();
        let ended = self.take_outcomes(outcomes, output).await;
        // What failed in an earlier run may still be wanted where this one did nothing.
        let is_empty = self.report.settled() == 0 && !matches!(ended, Ok(End::All));
        let written = self.failed.take().filter(|_| !is_empty).map_or(Ok(()), FailedRows::end);
        let progress = self.bar.end();
        if let Some(undo) = self.undo.take() {
            undo.end();
        }
        let end = match ended {
            Ok(end) => end,
            Err(failure) => return written.and(Err(failure)),
        };
        if let End::Interrupted(signal) = end {
            // Nobody is left to read it.
            let _ = self.report.end(None, &progress, started.elapsed(), output).await;
            let _ = output.flush();
            let interrupted = self.interrupted(signal, !is_empty);
            return written.and(Err(interrupted));
        }
        let state = self.report.end(Some(client), &progress, started.elapsed(), output);
        self.signals.interrupt(state, Some("Every row is settled.")).await?;
        // Before what standard error says of it.
        output.flush()?;
        match end {
            End::Stopped(error) => written.and(Err(error.into())),
            _ if matches!(end, End::Changed)
                || self.report.settled() != self.checked.rows
                || self.advance()?
                || self.has_changed() =>
            {
                let message = format!("{} was changed while it was being sent", self.rows.input());
                let remedy = "Run the command again with a file that does not change meanwhile.";
                written.and(Err(Failure::file(message, remedy)))
            }
            _ => written.map(|()| self.report.code()),
        }
    }

    /// Tells each outcome when it is known.
    async fn take_outcomes(&mut self, mut outcomes: Outcomes, output: &mut Output) -> Result<End, Failure> {
        let mut stopped = None;
        loop {
            let outcome = match outcomes.next().now_or_never() {
                Some(outcome) => outcome,
                None => {
                    output.flush()?;
                    self.failed.as_mut().map_or(Ok(()), FailedRows::flush)?;
                    tokio::select! {
                        biased;
                        signal = self.signals.received() => {
                            // What is settled is not in the journal then.
                            let unwritten = outcomes.journal_error().cloned();
                            return Ok(unwritten.map_or(End::Interrupted(signal), End::Stopped));
                        }
                        outcome = outcomes.next() => outcome,
                    }
                }
            };
            let Some(outcome) = outcome else {
                if let Some(error) = stopped {
                    return self.leave(error, output);
                }
                // It may concern the last rows, whose outcomes are good.
                return Ok(outcomes.journal_error().map_or(End::All, |error| End::Stopped(error.clone())));
            };
            match &outcome.result {
                Err(error) if error.is_journal() && self.report.settled() == 0 => return Err(error.clone().into()),
                _ if !self.advance()? || !is_of(outcome.association.as_ref(), self.rows.values()) => {
                    return Ok(End::Changed);
                }
                _ => {}
            }
            self.print(outcome.result.as_ref().copied(), outcome.replayed, output)?;
            match outcome.result {
                // What is under way ends as it ends.
                Err(error) if stops(&error) && stopped.is_none() => {
                    self.no_more.store(true, Ordering::Relaxed);
                    stopped = Some(error);
                }
                _ => {}
            }
        }
    }

    /// Tells of the rows that are not sent because of an error.
    fn leave(&mut self, error: Error, output: &mut Output) -> Result<End, Failure> {
        while self.advance()? {
            self.report.leave(&self.rows, &error, output)?;
            if let Some(undo) = &mut self.undo {
                undo.leave(&self.rows);
            }
            if let Some(failed) = &mut self.failed {
                failed.add(&self.rows, &error)?;
            }
        }
        Ok(End::Stopped(error))
    }

    /// Tells the outcome of the row that was taken last.
    fn print(&mut self, result: Result<(), &Error>, is_from_journal: bool, output: &mut Output) -> Result<(), Failure> {
        if let Some(undo) = &mut self.undo {
            undo.add(&self.rows, result, is_from_journal);
        }
        self.report.add(&self.rows, result, is_from_journal, output)?;
        match (result, &mut self.failed) {
            (Err(error), Some(failed)) => failed.add(&self.rows, error),
            _ => Ok(()),
        }
    }

    fn advance(&mut self) -> Result<bool, Failure> {
        Ok(self.rows.advance()?.unwrap_or(false))
    }

    /// Whether the file is another than was checked. It holds for a file that was read to its end.
    fn has_changed(&self) -> bool {
        self.rows.digest() != self.checked.digest
    }

    fn interrupted(&self, signal: Signal, has_failed_rows: bool) -> Failure {
        let (settled, rows) = (HumanCount(self.report.settled()), counted_are(self.checked.rows, "row"));
        let state = format!("{settled} of {rows} settled");
        let mut remedy = match &self.many.journal {
            Some(path) => {
                let command = command_line::this();
                format!("{} has what is settled. To resume, run the same command again:\n  {command}", path.display())
            }
            None => {
                "Run the same command again: sending a row twice does no harm. With --journal, a run resumes where it \
                     stopped."
                    .to_owned()
            }
        };
        if let Some(path) = self.many.failed.as_ref().filter(|_| has_failed_rows) {
            remedy.push_str(&format!("\n{} has the rows that failed so far.", path.display()));
        }
        Failure::interrupted(signal, state, Some(remedy))
    }
}

/// Whether an outcome is that of a row of these values.
fn is_of(association: Option<&Association>, values: [&str; 4]) -> bool {
    let [partner_client, to_type, to_id, association_type] = values;
    association == Association::new(partner_client, to_type, to_id, association_type).ok().as_ref()
}

fn stops(error: &Error) -> bool {
    let daily_limit = error.is_rate_limited() && !error.is_retryable();
    daily_limit || error.is_journal() || error.is_token() || error.is_unauthorized() || error.is_missing_scope()
}
