//! Error of a permit that would come too late.

use std::{fmt, time::Duration};

/// Error of [`RateLimiter::acquire_by`](crate::RateLimiter::acquire_by): there is no permit before the deadline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotInTime {
    retry_after: Option<Duration>,
}

impl NotInTime {
    /// Creates the error, with the time until there will be room, or `None` if that is not known.
    pub fn new(retry_after: impl Into<Option<Duration>>) -> Self {
        Self { retry_after: retry_after.into() }
    }

    /// How long it takes until there is room for another call, after all calls that are waiting now.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for NotInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limit leaves no room for the call before its deadline")?;
        match self.retry_after {
            Some(time) => write!(f, "; there will be room in {:.1} s", time.as_secs_f64()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NotInTime {}
