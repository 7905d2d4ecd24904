//! A run from its first outcome to its report.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::{FutureExt, StreamExt};
use hubspot_partner_clients::{Association, Client, Error, bulk::Outcomes};
use indicatif::HumanCount;
use tokio::task::yield_now;

use super::{
    super::{
        account, command_line,
        exit::{Code, Signal},
        failure::Failure,
        output::Output,
        signals::Signals,
        words::counted_are,
    },
    arguments::Many,
    check::{AT_A_TIME, Checked},
    failed::FailedRows,
    progress::Bar,
    report::Report,
    rows::Rows,
    undo::Recorder,
};

/// What a run has at hand.
pub(super) struct Run<'a> {
    pub(super) many: &'a Many,
    /// Without, no later run goes on with the files of this one.
    pub(super) has_account: bool,
    /// Lets the run take no further row.
    pub(super) no_more: Arc<AtomicBool>,
    /// Why no more rows could be read.
    pub(super) trouble: Arc<OnceLock<Failure>>,
    pub(super) checked: Checked,
    /// At the row that was told last. They are read as far as something is to be told: most runs have no failure.
    pub(super) rows: Rows,
    /// How many rows come before it.
    pub(super) before: u64,
    /// How many outcomes came after that.
    pub(super) behind: u64,
    pub(super) failed: Option<FailedRows>,
    pub(super) undo: Option<Recorder>,
    pub(super) report: Report,
    pub(super) bar: Bar,
    pub(super) signals: &'a Signals,
}

enum End {
    All,
    Interrupted(Signal),
    /// Whatever is sent after this error fails as well.
    Stopped(Error),
    /// The rows whose outcomes are to be told cannot be read as they were checked.
    Unread,
}

impl Run<'_> {
    pub(super) async fn finish(
        mut self,
        mut outcomes: Outcomes,
        client: &Client,
        output: &mut Output,
    ) -> Result<Code, Failure> {
        let started = Instant::now();
        let ended = self.take_outcomes(&mut outcomes, output).await;
        // What failed in an earlier run may still be wanted where this one did nothing.
        let is_empty = self.report.settled() == 0 && !matches!(ended, Ok(End::All));
        let written = self.failed.take().filter(|_| !is_empty).map_or(Ok(()), FailedRows::end);
        let progress = self.bar.end();
        if let Some(undo) = self.undo.take() {
            self.end_undo(undo, outcomes, &ended);
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
            return written.and(Err(self.with_trouble(interrupted)));
        }
        let told = tokio::select! {
            biased;
            signal = self.signals.received() => Err(signal),
            told = self.report.end(Some(client), &progress, started.elapsed(), output) => Ok(told),
        };
        let told = match told {
            Ok(told) => told,
            // Without what was being looked up.
            Err(signal) => {
                let _ = self.report.end(None, &progress, started.elapsed(), output).await;
                let _ = output.flush();
                return written.and(Err(self.with_trouble(self.interrupted_late(signal, &end, !is_empty))));
            }
        };
        told?;
        // Before what standard error says of it.
        output.flush()?;
        match end {
            End::Stopped(error) => written.and(Err(self.with_trouble(error.into()))),
            _ => match self.trouble.get() {
                Some(trouble) => written.and(Err(trouble.clone())),
                None if self.report.settled() != self.checked.rows => written.and(Err(self.rows.changed())),
                None => written.map(|()| self.report.code()),
            },
        }
    }

    /// The end of a run that a signal interrupted after its last outcome.
    fn interrupted_late(&self, signal: Signal, end: &End, has_failed_rows: bool) -> Failure {
        match end {
            End::All if self.report.settled() == self.checked.rows => {
                Failure::interrupted(signal, "", Some("Every row is settled.".to_owned()))
            }
            End::Stopped(error) => {
                let besides = Failure::from(error.clone());
                let interrupted = self.interrupted(signal, has_failed_rows);
                interrupted.and_then_do(&format!("Besides, {}.", besides.message()))
            }
            _ => self.interrupted(signal, has_failed_rows),
        }
    }

    /// The end of a run that stopped early, and that its file is no longer what was checked where that is known.
    fn with_trouble(&self, end: Failure) -> Failure {
        match self.trouble.get() {
            Some(trouble) => end.and_then_do(&format!("Besides, {}.", trouble.message())),
            None => end,
        }
    }

    /// Tells each outcome when it is known.
    async fn take_outcomes(&mut self, outcomes: &mut Outcomes, output: &mut Output) -> Result<End, Failure> {
        let (mut stopped, signals) = (None, self.signals);
        loop {
            let outcome = match outcomes.next().now_or_never() {
                Some(outcome) => outcome,
                None => {
                    output.flush()?;
                    self.failed.as_mut().map_or(Ok(()), FailedRows::flush)?;
                    tokio::select! {
                        biased;
                        signal = signals.received() => return Ok(interrupted(signal, outcomes)),
                        outcome = outcomes.next() => outcome,
                    }
                }
            };
            let Some(outcome) = outcome else {
                if let Some(error) = stopped {
                    return tokio::select! {
                        biased;
                        signal = signals.received() => Ok(interrupted(signal, outcomes)),
                        end = self.leave(error, output) => end,
                    };
                }
                // It may concern the last rows, whose outcomes are good.
                return Ok(outcomes.journal_error().map_or(End::All, |error| End::Stopped(error.clone())));
            };
            if let Err(error) = &outcome.result
                && error.is_journal()
                && self.report.settled() == 0
            {
                return Err(error.clone().into());
            }
            self.behind += 1;
            let is_told = outcome.result.is_err() || output.json || output.csv || self.undo.is_some();
            while is_told && self.behind > 0 {
                if !self.catch_up() {
                    return Ok(untold(stopped, outcome.result));
                }
                if self.behind > 0 {
                    tokio::select! {
                        biased;
                        signal = signals.received() => return Ok(interrupted(signal, outcomes)),
                        () = yield_now() => {}
                    }
                }
            }
            if is_told && !is_of(outcome.association.as_ref(), self.rows.values()) {
                return Ok(untold(stopped, outcome.result));
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
    async fn leave(&mut self, error: Error, output: &mut Output) -> Result<End, Failure> {
        while self.behind > 0 && self.catch_up() {
            yield_now().await;
        }
        let mut count: u64 = 0;
        while self.advance() {
            count += 1;
            if count.is_multiple_of(AT_A_TIME) {
                yield_now().await;
            }
            self.leave_row(&error, output)?;
        }
        Ok(End::Stopped(error))
    }

    /// Tells that a row is not sent because of an error.
    fn leave_row(&mut self, error: &Error, output: &mut Output) -> Result<(), Failure> {
        self.report.leave(&self.rows, error, output)?;
        if let Some(undo) = &mut self.undo {
            undo.record(&self.rows, true);
        }
        match &mut self.failed {
            Some(failed) => failed.add(&self.rows, error),
            None => Ok(()),
        }
    }

    /// Tells the outcome of the row that was taken last. Where that is of the journal, nothing was sent.
    fn print(&mut self, result: Result<(), &Error>, is_from_journal: bool, output: &mut Output) -> Result<(), Failure> {
        if let Some(error) = result.err().filter(|error| error.is_journal()) {
            return self.leave_row(error, output);
        }
        if let Some(undo) = &mut self.undo {
            undo.add(&self.rows, result, is_from_journal);
        }
        self.report.add(&self.rows, result, is_from_journal, output)?;
        match (result, &mut self.failed) {
            (Err(error), Some(failed)) => failed.add(&self.rows, error),
            _ => Ok(()),
        }
    }

    /// Writes what the run did not change, with the rows that it did not come to. Where they cannot be read, the file stays as it
    /// was begun: one of them may be under way and the same as a row that was not sent.
    fn end_undo(&mut self, mut undo: Recorder, outcomes: Outcomes, ended: &Result<End, Failure>) {
        let is_unchanged = outcomes.stop();
        if matches!(ended, Ok(End::Unread)) {
            return;
        }
        while self.before < self.checked.rows {
            let index = self.before;
            if !self.advance() {
                return;
            }
            undo.record(&self.rows, is_unchanged(index));
        }
        undo.end();
    }

    /// Goes to the next row; false where there is none, or none that can be read.
    fn advance(&mut self) -> bool {
        match self.rows.advance() {
            Ok(more) => {
                let more = more.unwrap_or(false);
                self.before += u64::from(more);
                more
            }
            Err(failure) => {
                let _ = self.trouble.set(failure);
                false
            }
        }
    }

    /// Goes towards the row whose outcome came last, as far as others may wait for a turn; false where there is none.
    fn catch_up(&mut self) -> bool {
        for _ in 0..self.behind.min(AT_A_TIME) {
            if !self.advance() {
                return false;
            }
            self.behind -= 1;
        }
        true
    }

    fn interrupted(&self, signal: Signal, has_failed_rows: bool) -> Failure {
        let (settled, rows) = (HumanCount(self.report.settled()), counted_are(self.checked.rows, "row"));
        let state = format!("{settled} of {rows} settled");
        let input = command_line::with_input(&self.many.file);
        let mut remedy = match &self.many.journal {
            _ if !self.has_account => {
                let others = account::other_paths(self.many.journal.is_some(), self.many.undo.is_some());
                format!("Run the command again{input}: sending a row twice does no harm.{others}")
            }
            Some(path) => {
                let (path, command) = (path.display(), command_line::this());
                format!("{path} has what is settled. To resume, run the same command again{input}:\n  {command}")
            }
            None => format!(
                "Run the same command again{input}: sending a row twice does no harm. With --journal, a run resumes where it \
                 stopped."
            ),
        };
        if let Some(path) = self.many.failed.as_ref().filter(|_| has_failed_rows) {
            remedy.push_str(&format!("\n{} has the rows that failed so far.", path.display()));
        }
        Failure::interrupted(signal, state, Some(remedy))
    }
}

/// What is settled is not in the journal where that cannot be written.
fn interrupted(signal: Signal, outcomes: &Outcomes) -> End {
    outcomes.journal_error().map_or(End::Interrupted(signal), |error| End::Stopped(error.clone()))
}

/// Where the row of an outcome cannot be read, an error that ends the run still says why it ended.
fn untold(stopped: Option<Error>, result: Result<(), Error>) -> End {
    stopped.or(result.err().filter(stops)).map_or(End::Unread, End::Stopped)
}

/// Whether an outcome is that of a row of these values.
fn is_of(association: Option<&Association>, values: [&str; 4]) -> bool {
    let [partner_client, to_type, to_id, association_type] = values;
    association == Association::new(partner_client, to_type, to_id, association_type).ok().as_ref()
}

/// Whether nothing more is sent after this error.
pub(super) fn stops(error: &Error) -> bool {
    let daily_limit = error.is_rate_limited() && !error.is_retryable();
    let is_of_caller = error.is_unauthorized() || error.is_missing_scope() || error.is_missing_permission();
    daily_limit || error.is_journal() || error.is_token() || is_of_caller
}
