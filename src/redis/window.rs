//! The calls of `window.lua`, and what Redis replies.

use std::{sync::LazyLock, time::Duration};

use tokio::time::Instant;

use super::{connection::Redis, script::Script, trouble::Trouble};
use crate::rate_limit::headers::RateLimitHeaders;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("window.lua")));

/// How late a process may come back for its place in the queue, beyond the time that Redis may take to reply.
const LATENESS: Duration = Duration::from_millis(500);

/// A window in Redis, as one process sees it.
#[derive(Debug)]
pub(super) struct SharedWindow {
    pub(super) redis: Redis,
    pub(super) key: String,
    /// Nobody else's.
    pub(super) process: String,
    /// The starting guess.
    pub(super) limit: u32,
    pub(super) interval: Duration,
}

/// How a permit was used.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) id: u64,
    pub(super) usage: Usage,
    pub(super) sent: Instant,
    /// In the future where it is only known that it counts until then.
    pub(super) answered: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// HubSpot did not count it.
    NotCounted,
    /// With the requests that HubSpot says are left.
    Answered(Option<u32>),
    /// A 429, with the time that HubSpot asks to wait.
    Refused(Option<Duration>),
    /// A request that Redis did not know of when it was sent.
    Elsewhere,
}

impl Usage {
    /// What it asks for.
    pub(super) fn pause(self) -> Duration {
        match self {
            Self::Refused(Some(pause)) => pause,
            _ => Duration::ZERO,
        }
    }
}

/// What Redis grants, and what it knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) granted: u32,
    /// When to ask for the rest.
    pub(super) wait: Duration,
    pub(super) limit: u32,
    pub(super) interval: Duration,
    pub(super) used: u32,
    pub(super) others: u32,
    pub(super) daily_limit: Option<u64>,
    pub(super) daily_remaining: Option<u64>,
}

impl SharedWindow {
    /// One round trip: reports what ended, and asks for `wanted` permits whose ids begin with `first`. Zero gives up the
    /// place in the queue.
    pub(super) async fn exchange(
        &self,
        first: u64,
        wanted: u32,
        headers: &RateLimitHeaders,
        reports: &[Report],
    ) -> Result<Reply, Trouble> {
        let now = Instant::now();
        let mut call = SCRIPT.key(&self.key);
        call.arg(&self.process).arg(first).arg(wanted).arg(self.limit).arg(micros(self.interval));
        call.arg(or_none(headers.limit)).arg(headers.interval.map_or(NONE, micros));
        call.arg(or_none(headers.daily_limit)).arg(or_none(headers.daily_remaining));
        call.arg(micros(self.redis.timeout() + LATENESS));
        for report in reports {
            let (usage, left) = match report.usage {
                Usage::NotCounted => ("not_counted", NONE),
                Usage::Answered(remaining) => ("answered", or_none(remaining)),
                Usage::Refused(pause) => ("refused", pause.map_or(NONE, micros)),
                Usage::Elsewhere => ("elsewhere", NONE),
            };
            call.arg(report.id)
                .arg(usage)
                .arg(micros(now - report.sent))
                .arg(micros(now - report.answered) - micros(report.answered - now))
                .arg(left);
        }
        let (granted, wait, limit, interval, used, others, daily, daily_left) =
            self.redis.run(&self.key, &call).await?;
        if granted > wanted {
            return Err(self.redis.odd_reply(&self.key));
        }
        let (wait, interval): (u64, u64) = (wait, interval);
        let (daily, daily_left): (i64, i64) = (daily, daily_left);
        Ok(Reply {
            granted,
            wait: Duration::from_micros(wait),
            limit,
            interval: Duration::from_micros(interval),
            used,
            others,
            daily_limit: daily.try_into().ok(),
            daily_remaining: daily_left.try_into().ok(),
        })
    }
}

/// Stands for a missing value in the arguments and replies of the script.
const NONE: i64 = -1;

fn or_none(number: Option<impl TryInto<i64>>) -> i64 {
    number.and_then(|number| number.try_into().ok()).unwrap_or(NONE)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
