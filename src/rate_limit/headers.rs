//! HubSpot's rate-limit headers.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::spec::RateBucket;

/// In which HubSpot counts searches.
pub(crate) const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// Rate-limit headers of a response. HubSpot may leave out any of them; responses to searches usually have
/// none, or those of the general rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitHeaders {
    /// `X-HubSpot-RateLimit-Max`: requests allowed in an interval.
    pub limit: Option<u32>,
    /// `X-HubSpot-RateLimit-Remaining`: requests left in the interval.
    pub remaining: Option<u32>,
    /// `X-HubSpot-RateLimit-Interval-Milliseconds`: length of the interval.
    pub interval: Option<Duration>,
    /// `X-HubSpot-RateLimit-Daily`: requests allowed in a day.
    pub daily_limit: Option<u64>,
    /// `X-HubSpot-RateLimit-Daily-Remaining`: requests left of the day's.
    pub daily_remaining: Option<u64>,
    /// `Retry-After`, given in seconds or as a date. At most 24 hours, the longest that HubSpot documents; `None` for zero or
    /// a date that has passed.
    pub retry_after: Option<Duration>,
}

impl RateLimitHeaders {
    /// What they say of this rate limit. A response to a search may carry those of the general one.
    pub(crate) fn about(self, bucket: RateBucket) -> Self {
        let is_about = match bucket {
            RateBucket::General => true,
            RateBucket::Search => self.interval.is_some_and(|interval| interval <= SEARCH_INTERVAL),
        };
        if is_about { self } else { Self { limit: None, remaining: None, interval: None, ..self } }
    }

    /// Reads the headers in one pass; one that cannot be understood counts as absent.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for (name, value) in headers {
            let allowance = name.as_str().strip_prefix("x-hubspot-ratelimit-");
            if allowance.is_none() && name != RETRY_AFTER {
                continue;
            }
            let text = value.to_str().unwrap_or_default().trim_ascii();
            let number = text.parse::<u64>().ok();
            let small = number.and_then(|number| u32::try_from(number).ok());
            match allowance {
                Some("max") => read.limit = small.filter(|&limit| limit > 0),
                Some("remaining") => read.remaining = small,
                Some("interval-milliseconds") => {
                    let sane = number.filter(|ms| (1..=MAX_INTERVAL_MS).contains(ms));
                    read.interval = sane.map(Duration::from_millis);
                }
                Some("daily") => read.daily_limit = number,
                Some("daily-remaining") => read.daily_remaining = number,
                Some(_) => {}
                // Zero, or a time that has passed, says nothing of how long to wait.
                None => read.retry_after = retry_after(text, headers).filter(|time| !time.is_zero()),
            }
        }
        read
    }
}

/// An interval beyond an hour is a mistake, and would stop a client for good.
const MAX_INTERVAL_MS: u64 = 3_600_000;

/// The longest that HubSpot announces, while it moves an account (477). Without a bound a number could not be added to a time.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// RFC 9110, section 10.2.3: seconds, or a date, which is by the clock of the server, as is that of the response.
pub(super) fn retry_after(text: &str, headers: &HeaderMap) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs);
        return Some(seconds.min(MAX_RETRY_AFTER));
    }
    let time = |text: &str| Some(chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc());
    let until = time(text)?;
    let now = headers.get(DATE).and_then(|date| time(date.to_str().ok()?.trim_ascii()));
    Some((until - now.unwrap_or_else(chrono::Utc::now)).to_std().unwrap_or_default().min(MAX_RETRY_AFTER))
}
