//! Which failures are tried again, when, and how often.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::error::{Error, Result};

/// When a failed attempt is followed by another.
///
/// | failure | tried again | after |
/// |---|---|---|
/// | no connection | always | backoff |
/// | connection lost, timeout, 500, 502, 503, 504, 521, 523, 524 | where the operation is [idempotent](crate::spec::Operation::idempotent) | backoff |
/// | 423 | always | backoff, two seconds at least |
/// | 429 | always, except for a daily limit | four times the backoff, and the limiter's word |
/// | 477 | always | backoff |
/// | anything else | never | |
///
/// A `Retry-After` takes the place of the backoff, if it is within the patience. Backoff is exponential with full jitter:
/// a random time up to the base delay doubled for every attempt so far, and up to the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    patience: Duration,
}

/// As long as any timeout may be.
const MAX_DELAY: Duration = Duration::from_secs(24 * 3600);

impl Default for RetryPolicy {
    /// Five attempts, delays from 500 ms to 20 s, a patience of 60 s.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(20),
            patience: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn never() -> Self {
        Self::default().max_attempts(1)
    }

    /// How many times a request is sent at most, the first included; 5 by default. Zero is refused.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The upper end of the first delay; 500 ms by default.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The upper end of every delay; 20 s by default. More than 24 hours is refused.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest `Retry-After` to wait for; 60 s by default. HubSpot may ask for 24 hours while it moves an account. A
    /// longer one fails the call at once, and [`Error::retry_after`] tells it.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |field, reason, remedy| Err(Error::invalid_input(field, None, reason, remedy));
        if self.max_attempts == 0 {
            return refuse("retry policy's max_attempts", "is 0", "give 1 for no retries");
        }
        if self.max_delay > MAX_DELAY {
            return refuse("retry policy's max_delay", "is too long", "give 24 hours at most");
        }
        if self.base_delay > self.max_delay {
            return refuse("retry policy's base_delay", "is longer than max_delay", "give a shorter one");
        }
        Ok(())
    }

    /// How long to wait before the attempt after `attempts` of them; `None` if there is to be none.
    pub(crate) fn delay(&self, error: &Error, idempotent: bool, attempts: u32) -> Option<Duration> {
        let tried_again = error.is_retryable() && (idempotent || error.was_not_carried_out());
        if !tried_again || attempts >= self.max_attempts {
            return None;
        }
        if let Some(delay) = error.retry_after() {
            return (delay <= self.patience).then_some(delay);
        }
        let backoff = self.backoff(attempts);
        Some(match error.status() {
            Some(423) => backoff.max(Duration::from_secs(2)),
            // The window is ten seconds long, and there may be no limiter on this side.
            Some(429) => (backoff * 4).min(self.max_delay),
            _ => backoff,
        })
    }

    fn backoff(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.base_delay.saturating_mul(doubled).min(self.max_delay).mul_f64(fastrand::f64())
    }
}

/// How many retries a client may spend without a success, so that a failing HubSpot is not hit harder by its clients.
///
/// A retry costs one; a call that succeeds gives back what its retries cost, or a tenth if there were none.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    capacity: u64,
    /// In tenths of a retry.
    left: Mutex<u64>,
}

impl RetryBudget {
    pub(crate) fn new(retries: u32) -> Self {
        let capacity = u64::from(retries) * 10;
        Self { capacity, left: Mutex::new(capacity) }
    }

    /// An untouched budget of the same size.
    pub(crate) fn renewed(&self) -> Self {
        Self { capacity: self.capacity, left: Mutex::new(self.capacity) }
    }

    /// Takes one retry, if there is one.
    pub(crate) fn spend(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(10) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn succeeded(&self, retries: u32) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + (u64::from(retries) * 10).max(1)).min(self.capacity);
    }
}
