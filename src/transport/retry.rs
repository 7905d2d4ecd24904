//! Retry policy and retry budget.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::error::{Error, Result};

/// When a failed attempt is retried.
///
/// ```
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use std::time::Duration;
/// use hubspot_partner_clients::{Client, RetryPolicy};
///
/// let policy = RetryPolicy::default()
///     .max_attempts(3)
///     .max_delay(Duration::from_secs(5));
/// let client = Client::builder()
///     .access_token("pat-eu1-0000")
///     .retry(policy)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// | failure | retried | after |
/// |---|---|---|
/// | no connection | always | backoff |
/// | connection lost, timeout, 500, 502, 503, 504, 521, 523, 524 | if the operation is [idempotent](crate::spec::Operation::idempotent) | backoff |
/// | 423 | always | backoff, at least two seconds |
/// | 429 | always, except for a daily limit | four times the backoff, once the rate limiter permits |
/// | 477 | always | backoff |
/// | 401 | once, with another token, if the [token provider](crate::TokenProvider::invalidate) has one; the policy is not asked | |
/// | anything else | never | |
///
/// A `Retry-After` header replaces the backoff, unless it is zero or longer than [`patience`](Self::patience). Backoff is exponential
/// with full jitter: a random time of at most the base delay, doubled for every attempt so far, and at most `max_delay`.
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
    /// Sends a request once, without retries. Only a 401 is answered with a second request, if there is another token.
    pub fn never() -> Self {
        Self::default().max_attempts(1)
    }

    /// Limits how often a request is sent, including the first time; the default is 5. Zero is refused. The request that is
    /// sent with another token after a 401 counts, but is sent even beyond this limit.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest first delay; the default is 500 ms.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Limits every delay; the default is 20 s. More than 24 hours is refused.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the longest `Retry-After` that the client waits for; the default is 60 s. HubSpot may ask for 24 hours while it
    /// moves an account. If it asks for longer than this, the call fails at once, and [`Error::retry_after`] has the time.
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
        // A limiter of the caller's may say zero.
        if let Some(delay) = error.retry_after().filter(|delay| !delay.is_zero()) {
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
/// A retry costs one; a call that succeeds gives back what its retries cost, or a tenth if they cost nothing.
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

    /// Gives back what a call spent that has succeeded.
    pub(crate) fn succeeded(&self, spent: u32) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + (u64::from(spent) * 10).max(1)).min(self.capacity);
    }
}
