//! How far a job has come.

use std::time::Duration;

use crate::api_version::ApiVersion;

/// How far a [`Job`](super::Job) has come, over all its workers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobStatus {
    /// What is done with the inputs, by the operation's name: `associate` or `dissociate`.
    pub operation: String,
    /// The name of the inputs as a whole that was given when they were enqueued.
    pub input: String,
    /// The server that its workers send to, by the base URL; none before the first outcomes.
    pub server: Option<String>,
    /// The version of HubSpot's API that its workers speak; none before the first outcomes.
    pub api_version: Option<ApiVersion>,
    /// The account that it is of, where one was [given](super::Job::account).
    pub account: Option<String>,
    /// Whether labels may go with the unlabelled association, as was [said](super::Job::including_labels) when it was enqueued.
    pub including_labels: bool,
    /// How many inputs there are, where they said so from the beginning or all are enqueued.
    pub total: Option<u64>,
    /// Inputs that are in Redis.
    pub enqueued: u64,
    /// Whether all are. If not, whoever enqueues them is at it, or was interrupted.
    pub is_complete: bool,
    /// Inputs that were carried out.
    pub succeeded: u64,
    /// Inputs whose outcome is an error.
    pub failed: u64,
    /// Whether all inputs have an outcome.
    pub is_finished: bool,
    /// Requests sent for the batches that are settled, retries included.
    pub requests: u64,
    /// How many of them were retries.
    pub retries: u64,
    /// Workers that were heard of in the last 15 s.
    pub workers: u32,
    /// Inputs settled in a second, over the last minute; once the job is finished, over all its time.
    pub rate: f64,
    /// How long the rest takes at that rate. None while that or the total is unknown.
    pub time_left: Option<Duration>,
}

impl JobStatus {
    /// Inputs that have an outcome.
    pub fn settled(&self) -> u64 {
        self.succeeded + self.failed
    }

    /// From what the script lists.
    pub(super) fn read(fields: &[String]) -> Option<Self> {
        let [workers, lately, milliseconds, _, operation, input, total, complete, batches, inputs, rest @ ..] = fields
        else {
            return None;
        };
        let [settled, succeeded, failed, requests, retries, _, _, server, account, version, labels, ..] = rest else {
            return None;
        };
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        // What was not counted yet is not there.
        let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
        let rate = 1_000.0 * number(lately)? as f64 / number(milliseconds)?.max(1) as f64;
        let is_complete = !complete.is_empty();
        let (succeeded, failed) = (number(succeeded)?, number(failed)?);
        let total = if total.is_empty() { None } else { Some(total.parse().ok()?) };
        let left = total.map(|total: u64| total.saturating_sub(succeeded + failed));
        let time_left = match left {
            Some(0) => Some(Duration::ZERO),
            Some(left) if rate > 0.0 => Duration::try_from_secs_f64(left as f64 / rate).ok(),
            _ => None,
        };
        Some(Self {
            operation: operation.clone(),
            input: input.clone(),
            server: known(server),
            api_version: version.parse().ok(),
            account: known(account),
            including_labels: !labels.is_empty(),
            total,
            enqueued: number(inputs)?,
            is_complete,
            succeeded,
            failed,
            is_finished: is_complete && number(settled)? == number(batches)?,
            requests: number(requests)?,
            retries: number(retries)?,
            workers: workers.parse().ok()?,
            rate,
            time_left,
        })
    }
}
