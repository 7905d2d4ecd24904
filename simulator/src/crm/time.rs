//! Times to the millisecond, the texts they come as, and the clock that hands them out.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// A time to the millisecond; HubSpot keeps times no finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(DateTime<Utc>);

/// The times that have a text in ISO 8601, whose years have four digits: in milliseconds since 1970.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

impl Time {
    pub(crate) fn now() -> Self {
        Self(Utc::now().trunc_subsecs(3))
    }

    pub(crate) fn later(self, milliseconds: i64) -> Self {
        let later = TimeDelta::try_milliseconds(milliseconds).and_then(|delta| self.0.checked_add_signed(delta));
        Self(later.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    /// As JavaScript counts them: from 1970 on.
    pub(crate) fn milliseconds(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Whether it is the beginning of a day in UTC.
    pub(crate) fn is_midnight(self) -> bool {
        self.0.time() == NaiveTime::MIN
    }

    /// Reads milliseconds since 1970; `None` where they are no time of a year with four digits.
    pub(crate) fn from_milliseconds(text: &str) -> Option<Self> {
        Self::within(text.parse().ok()?)
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
        Self::within(time.timestamp_millis())
    }

    /// Reads what HubSpot takes for a time in a request: ISO 8601 or milliseconds since 1970.
    pub(crate) fn from_request(text: &str) -> Option<Self> {
        Self::from_milliseconds(text).or_else(|| Self::from_iso(text))
    }

    /// As [`from_request`](Self::from_request), for a time that others are compared with: milliseconds before or behind
    /// all times stand for the first or the last one.
    pub(crate) fn to_compare(text: &str) -> Option<Self> {
        match text.parse::<i64>() {
            Ok(milliseconds) => Self::within(milliseconds.clamp(FIRST, LAST)),
            Err(_) => Self::from_iso(text),
        }
    }

    fn within(milliseconds: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(milliseconds).filter(|_| (FIRST..=LAST).contains(&milliseconds)).map(Self)
    }
}

/// The day of a time in UTC: `2026-09-08`.
pub(crate) fn date_of(time: Time) -> String {
    time.0.format("%Y-%m-%d").to_string()
}

/// In ISO 8601, with milliseconds and `Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
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
