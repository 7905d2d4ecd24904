//! Progress of a bulk run.

use std::time::Duration;

use super::sender::Effort;
use crate::{error::Result, rate_limit::limiter::RateLimitStatus};

/// Progress of a bulk run; see [`Bulk::on_progress`](super::Bulk::on_progress).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Inputs taken so far.
    pub inputs_seen: u64,
    /// Inputs that were carried out.
    pub succeeded: u64,
    /// Inputs whose outcome is an error.
    pub failed: u64,
    /// How many of the succeeded and failed inputs are from the journal of an earlier run. This run sent nothing for
    /// them.
    pub replayed: u64,
    /// Inputs of the batches in flight.
    pub in_flight: u64,
    /// Requests sent for the batches that have ended, retries included. The lists of association types and of single
    /// partner clients, which dated versions may need, are not among them.
    pub requests: u64,
    /// How many of the requests were retries.
    pub retries: u64,
    /// How long requests waited for the rate limiter, over all requests.
    pub waiting_for_limit: Duration,
    /// The total number of inputs, if it is known from the start.
    pub total: Option<u64>,
    /// How long the rest will take if it needs as many requests per input as before and uses the account's whole rate
    /// limit. `None` while that or the total is unknown.
    pub time_left: Option<Duration>,
}

/// The sums behind the progress.
#[derive(Debug, Default)]
pub(super) struct Tally {
    progress: Progress,
    /// Inputs that were settled by requests.
    sent: u64,
    changed: bool,
}

impl Tally {
    pub(super) fn new(total: Option<u64>) -> Self {
        Self { progress: Progress { total, ..Progress::default() }, ..Self::default() }
    }

    pub(super) fn seen(&mut self) {
        self.progress.inputs_seen += 1;
    }

    pub(super) fn started(&mut self, inputs: usize) {
        self.progress.in_flight += inputs as u64;
    }

    pub(super) fn settled(&mut self, result: &Result<()>, replayed: bool) {
        match result {
            Ok(()) => self.progress.succeeded += 1,
            Err(_) => self.progress.failed += 1,
        }
        self.progress.replayed += u64::from(replayed);
        self.changed = true;
    }

    pub(super) fn ended(&mut self, inputs: usize, effort: &Effort) {
        self.sent += inputs as u64;
        let progress = &mut self.progress;
        progress.in_flight = progress.in_flight.saturating_sub(inputs as u64);
        progress.requests += effort.requests;
        progress.retries += effort.retries;
        progress.waiting_for_limit += effort.waited;
    }

    /// The progress to report, unless it was reported before.
    pub(super) fn news(&mut self, limit: &RateLimitStatus) -> Option<&Progress> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.progress.time_left = self.time_left(limit);
        Some(&self.progress)
    }

    fn time_left(&self, limit: &RateLimitStatus) -> Option<Duration> {
        let Progress { succeeded, failed, requests, total, .. } = self.progress;
        let left = total?.saturating_sub(succeeded + failed);
        let allowed = limit.general.limit.filter(|&allowed| allowed > 0)?;
        if left == 0 {
            return Some(Duration::ZERO);
        }
        let for_an_input = (self.sent > 0).then(|| requests as f64 / self.sent as f64)?;
        let intervals = left as f64 * for_an_input / f64::from(allowed);
        Duration::try_from_secs_f64(limit.general.interval.as_secs_f64() * intervals).ok()
    }
}

pub(super) type OnProgress = Box<dyn FnMut(&Progress) + Send>;
