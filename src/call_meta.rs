//! What is known of a call beside its answer.
#![cfg(feature = "client")]

use std::time::Duration;

use crate::{error::correlation_id::CorrelationId, rate_limit::headers::RateLimitHeaders};

/// How a call came out, beside its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallMeta {
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// The correlation id of the last answer.
    pub correlation_id: Option<CorrelationId>,
    /// How many times the request was sent, or tried to be; none where the call ended before.
    pub attempts: u32,
    /// How long the call waited for the rate limiter, all attempts together.
    pub rate_limit_wait: Duration,
    /// What the last answer said of the allowance.
    pub rate_limit: RateLimitHeaders,
    /// How many entries of the answer's lists could not be read, such as a partner client without an id, and are left out.
    pub left_out: usize,
}
