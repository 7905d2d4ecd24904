//! What all calls of a client share.

use std::{sync::Arc, time::Duration};

use crate::{
    api_version::ApiVersion,
    associations::resolve::Listing,
    auth::provider::Tokens,
    cache::Cache,
    rate_limit::limiter::{RateLimit, RateLimiter},
    transport::{
        http_client::HttpClient,
        observer::Observer,
        retry::{RetryBudget, RetryPolicy},
    },
};

/// What all calls of a client share.
pub(crate) struct Shared {
    /// The association types of dated versions.
    pub(crate) association_types: Cache<Listing>,
    pub(crate) version: ApiVersion,
    /// How long the path of the base URL is: that of the operation follows it.
    pub(crate) base_path: usize,
    pub(crate) http: HttpClient,
    pub(crate) tokens: Tokens,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    /// The starting guess, for the limiters of further accounts.
    pub(crate) limit: RateLimit,
    pub(crate) budget: RetryBudget,
    pub(crate) retry: RetryPolicy,
    /// For each attempt, where the HTTP client was given and may have another.
    pub(crate) timeout: Option<Duration>,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) max_response_bytes: usize,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// The host that spans name.
    pub(crate) server: String,
}
