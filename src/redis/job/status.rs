//! Progress of a job.

use std::time::Duration;

use crate::{api_version::ApiVersion, error::excerpt::excerpt};

/// Progress of a [`Job`](super::Job), over all its workers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobStatus {
    /// The operation, `associate` or `dissociate`.
    pub operation: String,
    /// The name of the inputs, given when they were enqueued.
    pub input: String,
    /// The base URL of the server that the workers use; `None` before anything is sent.
    pub server: Option<String>,
    /// The version of HubSpot's API that the workers use; `None` before anything is sent.
    pub api_version: Option<ApiVersion>,
    /// The [account](super::Job::account), if it was given.
    pub account: Option<String>,
    /// Whether labels may go with the unlabelled association, as was [said](super::Job::including_labels) when it was enqueued.
    pub including_labels: bool,
    /// The total number of inputs, if it is known: from the start, or because all inputs are enqueued.
    pub total: Option<u64>,
    /// Inputs in Redis.
    pub enqueued: u64,
    /// Whether all inputs are enqueued. If not, enqueuing is in progress or was interrupted.
    pub is_complete: bool,
    /// Inputs that were carried out.
    pub succeeded: u64,
    /// Inputs whose outcome is an error.
    pub failed: u64,
    /// Whether all inputs have an outcome, those of batches that are set aside included.
    pub is_finished: bool,
    /// Batches that are [set aside](super::Job::set_aside), because they still failed at the last attempt.
    pub set_aside: u64,
    /// Requests sent for the batches that have ended, retries included.
    pub requests: u64,
    /// How many of the requests were retries.
    pub retries: u64,
    /// Workers that reported in the last 15 s.
    pub workers: u32,
    /// Inputs settled per second in the last minute, or over the whole time of a finished job.
    pub rate: f64,
    /// How long the rest will take at this rate. `None` while that or the total is unknown.
    pub time_left: Option<Duration>,
}

impl JobStatus {
    /// Inputs that have an outcome.
    pub fn settled(&self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }

    /// From what the script lists; otherwise what is wrong with it.
    pub(super) fn read(fields: &[String]) -> Result<Self, String> {
        let incomplete = || "its status is incomplete".to_owned();
        let [workers, lately, milliseconds, _, operation, input, total, complete, batches, inputs, rest @ ..] = fields
        else {
            return Err(incomplete());
        };
        let [settled, succeeded, failed, requests, retries, _, _, server, account, version, set_aside, labels, ..] =
            rest
        else {
            return Err(incomplete());
        };
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let unreadable = |what: &str, text: &str| format!("the {what} is {:?}", excerpt(text, 20));
        // What was not counted yet is not there.
        let number = |what: &str, text: &str| match text {
            "" => Ok(0),
            text => text.parse::<u64>().map_err(|_| unreadable(&format!("number of {what}"), text)),
        };
        let rate = 1_000.0 * number("inputs settled lately", lately)? as f64
            / number("milliseconds since then", milliseconds)?.max(1) as f64;
        let is_complete = !complete.is_empty();
        let (succeeded, failed) =
            (number("inputs that were carried out", succeeded)?, number("inputs that failed", failed)?);
        let total = known(total).map(|total| number("inputs in all", &total)).transpose()?;
        let time_left = match total.map(|total| total.saturating_sub(succeeded).saturating_sub(failed)) {
            Some(0) => Some(Duration::ZERO),
            Some(left) if rate > 0.0 => Duration::try_from_secs_f64(left as f64 / rate).ok(),
            _ => None,
        };
        let version = known(version)
            .map(|version| version.parse().map_err(|_| unreadable("version of HubSpot's API", &version)))
            .transpose()?;
        Ok(Self {
            operation: operation.clone(),
            input: input.clone(),
            server: known(server),
            api_version: version,
            account: known(account),
            including_labels: !labels.is_empty(),
            total,
            enqueued: number("inputs", inputs)?,
            is_complete,
            succeeded,
            failed,
            is_finished: is_complete && number("settled batches", settled)? == number("batches", batches)?,
            set_aside: number("batches set aside", set_aside)?,
            requests: number("requests", requests)?,
            retries: number("retries", retries)?,
            workers: workers.parse().map_err(|_| unreadable("number of workers", workers))?,
            rate,
            time_left,
        })
    }
}
