//! Facts about a call besides its response.

use std::time::Duration;

use crate::{
    error::{Error, correlation_id::CorrelationId},
    rate_limit::headers::RateLimitHeaders,
};

/// Facts about a call besides its response, such as the correlation id and the attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallMeta {
    /// The HTTP status of the last response.
    pub status: Option<u16>,
    /// The correlation id of the last response.
    pub correlation_id: Option<CorrelationId>,
    /// How many times the request was sent, failed attempts to connect included; 0 if the call ended before.
    pub attempts: u32,
    /// How long the call waited for the rate limiter, over all attempts.
    pub rate_limit_wait: Duration,
    /// The rate-limit headers of the last response.
    pub rate_limit: RateLimitHeaders,
    /// How many entries in the lists of the response could not be read, such as a partner client without an id. They
    /// are left out.
    pub left_out: usize,
    /// Whether an attempt that failed may have carried it out.
    pub(crate) perhaps_done: bool,
}

impl CallMeta {
    /// Whether a response with this status of its own is that of a batch which is over. One that is under way or was given up
    /// proves nothing by its results. A status that is missing is no such thing.
    pub(crate) fn is_complete(&self, batch_status: &str) -> bool {
        let batch_status = batch_status.trim();
        self.status != Some(202) && (batch_status.is_empty() || batch_status.eq_ignore_ascii_case("COMPLETE"))
    }
}

impl Error {
    /// Adds what is known of the call; what the body said of itself stays. `answered` says whether the status in `meta`
    /// is that of the attempt that failed.
    pub(crate) fn in_call(self, operation: &'static str, meta: &CallMeta, answered: bool) -> Self {
        let error = self.with_call(operation, meta.attempts, meta.status, meta.correlation_id.as_ref());
        let error = if meta.perhaps_done { error.after_what_may_be_done() } else { error };
        if answered { error.with_response(meta.status, meta.rate_limit.retry_after) } else { error }
    }
}
