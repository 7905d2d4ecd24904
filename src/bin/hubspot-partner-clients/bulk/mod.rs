//! The associations of a file: made, removed, or brought about.

pub(super) mod check;
mod failed;
mod problems;
mod progress;
pub(super) mod reconcile;
mod report;
mod rows;
mod seed;

use std::{path::Path, pin::pin, time::Instant};

use futures_util::{FutureExt, StreamExt};
use hubspot_partner_clients::{
    Client, Error, RateLimit,
    bulk::{Association, Bulk, Journal, Outcomes},
};
use serde_json::json;

use self::{check::Checked, failed::FailedRows, progress::Bar, report::Report, rows::Rows};
#[cfg(feature = "redis")]
pub(super) use self::{report::first, rows::COLUMNS};
use super::{
    arguments::Many,
    connect::Connection,
    failure::{Code, Failure},
    output::Output,
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

    fn bulk(self, client: &Client, inputs: Inputs) -> Bulk {
        match self {
            Self::Associate => client.associate_many(inputs),
            Self::Dissociate => client.dissociate_many(inputs),
        }
    }
}

pub(super) async fn run(
    change: Change,
    many: &Many,
    connection: &Connection,
    output: &mut Output,
) -> Result<Code, Failure> {
    let checked = check::check(&many.file, None)?;
    if many.dry_run {
        dry_run(&checked, output)?;
        return Ok(Code::Success);
    }
    let connected = connection
        .client_with(
            |builder| match many.limit_per_10s {
                Some(requests) => builder.rate_limit(RateLimit::per_ten_seconds(requests)),
                None => builder,
            },
            |simulator| seed::seed(simulator, &many.file),
        )
        .await?;
    let bar = Bar::new(checked.rows, change.done(), output.json);
    let told = bar.clone();
    let inputs = Inputs::open(&many.file, checked.rows)?;
    let mut bulk = change
        .bulk(&connected.client, inputs)
        .concurrency(many.concurrency.into())
        .strategy(many.strategy.into())
        .on_progress(move |progress| told.tell(progress, change.done()));
    if let Some(path) = &many.journal {
        bulk = bulk.journal(Journal::open(path, &format!("sha256:{}", checked.digest))?);
    }
    // The rows once more, in step with the outcomes.
    let rows = Rows::open(&many.file)?;
    let others = [Some(many.file.as_path()), many.journal.as_deref()];
    let failed = many.failed.as_ref().map(|path| FailedRows::open(path, &others)).transpose()?;
    let report = Report::new(change, checked.rows);
    let run = Run { many, checked, rows, failed, report, bar };
    run.finish(bulk, &connected.client, output).await
}

fn dry_run(checked: &Checked, output: &mut Output) -> Result<(), Failure> {
    if output.json {
        return output.json(&json!({"rows": checked.rows, "sent": false}));
    }
    output.line(format_args!("All {} rows can be sent. Nothing was.", checked.rows))
}

/// The rows as inputs, as many as were checked.
pub(super) struct Inputs {
    rows: Rows,
    left: u64,
}

impl Inputs {
    pub(super) fn open(path: &Path, rows: u64) -> Result<Self, Failure> {
        Ok(Self { rows: Rows::open(path)?, left: rows })
    }

    /// Whether they were those that were checked, all of which have been taken.
    #[cfg(feature = "redis")]
    pub(super) fn are_all(&mut self, checked: &Checked) -> Result<bool, Failure> {
        let more = self.rows.advance()?.unwrap_or(true);
        Ok(self.left == 0 && !more && self.rows.digest() == checked.digest)
    }
}

impl Iterator for Inputs {
    type Item = Association;

    fn next(&mut self) -> Option<Association> {
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
    checked: Checked,
    /// At the row whose outcome came last.
    rows: Rows,
    failed: Option<FailedRows>,
    report: Report,
    bar: Bar,
}

enum End {
    All,
    Interrupted,
    /// Whatever is sent after this error fails as well.
    Stopped(Error),
}

impl Run<'_> {
    async fn finish(mut self, bulk: Bulk, client: &Client, output: &mut Output) -> Result<Code, Failure> {
        let started = Instant::now();
        let end = self.take_outcomes(bulk.outcomes(), output).await?;
        if let End::Stopped(error) = &end {
            while self.advance()? {
                self.report.add(&self.rows, Err(error), self.failed.as_mut(), output)?;
            }
        }
        if let Some(failed) = &mut self.failed {
            failed.begin(&self.rows)?;
            failed.flush()?;
        }
        let progress = self.bar.end();
        self.report.end(client, &progress, started.elapsed(), output).await?;
        // Before what standard error says of it.
        output.flush()?;
        match end {
            End::Interrupted => Err(self.interrupted()),
            _ if self.report.settled() != self.checked.rows || self.advance()? || self.changed() => {
                let message = format!("{} was changed while it was sent", self.many.file.display());
                Err(Failure::file(message, "Start again with a file that stays as it is."))
            }
            End::Stopped(error) => Err(error.into()),
            End::All => Ok(self.report.code()),
        }
    }

    async fn take_outcomes(&mut self, mut outcomes: Outcomes, output: &mut Output) -> Result<End, Failure> {
        let mut interrupt = pin!(tokio::signal::ctrl_c().fuse());
        loop {
            let outcome = tokio::select! {
                biased;
                Ok(()) = &mut interrupt => return Ok(End::Interrupted),
                outcome = outcomes.next() => outcome,
            };
            let Some(outcome) = outcome else { return Ok(End::All) };
            match &outcome.result {
                // Nothing was sent, and what failed before may still be wanted.
                Err(error) if error.is_journal() && self.report.settled() == 0 => return Err(error.clone().into()),
                _ if !self.advance()? => return Ok(End::All),
                _ => {}
            }
            if let Some(failed) = &mut self.failed {
                failed.begin(&self.rows)?;
            }
            let result = outcome.result.as_ref().copied();
            self.report.add(&self.rows, result, self.failed.as_mut(), output)?;
            match outcome.result {
                Err(error) if stops(&error) => return Ok(End::Stopped(error)),
                _ => {}
            }
        }
    }

    fn advance(&mut self) -> Result<bool, Failure> {
        Ok(self.rows.advance()?.unwrap_or(false))
    }

    /// Whether the file is another than was checked. It holds for a file that was read to its end.
    fn changed(&self) -> bool {
        self.rows.digest() != self.checked.digest
    }

    fn interrupted(&self) -> Failure {
        let message = format!("Interrupted: {} of {} rows are settled.", self.report.settled(), self.checked.rows);
        let remedy = match &self.many.journal {
            Some(path) => format!("Give the same command again to go on: {} has what is settled.", path.display()),
            None => "Give the same command again: nothing comes twice. With --journal it would go on where it stopped."
                .to_owned(),
        };
        Failure::interrupted(message, Some(remedy))
    }
}

fn stops(error: &Error) -> bool {
    let daily_limit = error.is_rate_limited() && !error.is_retryable();
    daily_limit || error.is_journal() || error.is_token() || error.is_unauthorized() || error.is_missing_scope()
}
