//! Times to the millisecond, the texts they come as, and the clock that hands them out.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

/// Milliseconds since 1970; HubSpot keeps times no finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

impl Time {
    pub(crate) fn now() -> Self {
        Self(Utc::now().timestamp_millis())
    }

    pub(crate) fn later(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// As JavaScript counts them.
    pub(crate) fn milliseconds(self) -> i64 {
        self.0
    }

    /// Whether it is the beginning of a day in UTC.
    pub(crate) fn is_midnight(self) -> bool {
        self.0.rem_euclid(24 * 60 * 60 * 1_000) == 0
    }

    /// Reads a date or date-time in ISO 8601; a date stands for its midnight in UTC.
    pub(crate) fn from_iso(text: &str) -> Option<Self> {
        // Most texts are no time: this keeps a search over many of them quick.
        if text.as_bytes().get(4) != Some(&b'-') {
            return None;
        }
        let time = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc(),
            Err(_) => text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc(),
        };
        Some(Self(time.timestamp_millis()))
    }

    /// Reads what HubSpot takes for a time in a request: ISO 8601 or milliseconds since 1970.
    pub(crate) fn from_request(text: &str) -> Option<Self> {
        text.parse().ok().map(Self).or_else(|| Self::from_iso(text))
    }
}

/// The day of a time in UTC: `2026-09-08`.
pub(crate) fn date_of(time: Time) -> String {
    DateTime::from_timestamp_millis(time.0).unwrap_or_default().format("%Y-%m-%d").to_string()
}

/// In ISO 8601, with milliseconds and `Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Tells each change its time. No two share a millisecond, so the order of all changes is total.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Time,
}

impl Clock {
    /// Every time it gives lies behind `last`.
    pub(crate) fn behind(last: Time) -> Self {
        Self { last }
    }

    /// The present, or a moment after the last time it gave.
    pub(crate) fn tick(&mut self) -> Time {
        self.last = Time::now().max(self.last.later(1));
        self.last
    }
}
