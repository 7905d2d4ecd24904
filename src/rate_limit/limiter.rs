//! Rate limiter trait, its permits, and its status.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::{
    rate_limit::{headers::RateLimitHeaders, not_in_time::NotInTime},
    spec::RateBucket,
};

/// Rate limit that a client starts with, until HubSpot's responses show the account's own.
///
/// HubSpot counts requests over a rolling window of ten seconds. Headers such as `X-HubSpot-RateLimit-Max` replace this
/// starting value, whether they allow more or less. Searches have a limit of their own, five a second.
///
/// ```
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::{Client, RateLimit};
///
/// let client = Client::builder()
///     .access_token("pat-eu1-0000")
///     .rate_limit(RateLimit::PROFESSIONAL)
///     .build()?;
/// println!("{:?}", client.rate_limit_status());
/// # Ok(())
/// # }
/// ```
///
/// The presets follow [HubSpot's usage
/// guidelines](https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub(crate) Option<u32>);

impl RateLimit {
    /// A private app or service key of a Free or Starter account: 100 in ten seconds. The default.
    pub const STARTER: Self = Self(Some(100));
    /// A private app or service key of a Professional account: 190 in ten seconds.
    pub const PROFESSIONAL: Self = Self(Some(190));
    /// A private app or service key of an Enterprise account: 190 in ten seconds.
    pub const ENTERPRISE: Self = Self(Some(190));
    /// An account with the API limit increase add-on: 250 in ten seconds.
    pub const API_ADD_ON: Self = Self(Some(250));
    /// An OAuth app of the marketplace: 110 in ten seconds for each account that installed it.
    pub const OAUTH_APP: Self = Self(Some(110));

    /// Allows this many requests in ten seconds. Building a client with zero fails.
    pub const fn per_ten_seconds(requests: u32) -> Self {
        Self(Some(requests))
    }

    /// Sends every request at once, whatever HubSpot's responses say. A 429 is retried.
    pub const fn unlimited() -> Self {
        Self(None)
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::STARTER
    }
}

/// Future of [`RateLimiter::acquire`].
pub type PermitFuture<'a> =
    Pin<Box<dyn Future<Output = std::result::Result<Permit, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Decides when a request may be sent.
///
/// Every attempt of every call acquires one permit and releases it once, whatever becomes of the call. If several clients share
/// a rate limit, pass one limiter to all of them with [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter).
///
/// The limiter may run in a task of the call's own, where task-local values of the caller are not available.
pub trait RateLimiter: Send + Sync {
    /// Returns a permit, if one is free now and no call waits for it.
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit>;

    /// Waits for a permit, first come, first served. Dropping the future gives up its place. An error fails the call
    /// before anything is sent.
    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_>;

    /// Waits for a permit like [`acquire`](Self::acquire), but no longer than until `deadline`. Fails with [`NotInTime`]: at
    /// once if no permit can be free by then, otherwise at the deadline. A limiter that knows when there will be room says
    /// so. The default implementation waits with `acquire` and does not know.
    fn acquire_by(&self, bucket: RateBucket, deadline: Instant) -> PermitFuture<'_> {
        Box::pin(async move {
            Handle::try_current()?;
            let permit = timeout_at(deadline, self.acquire(bucket)).await;
            permit.unwrap_or_else(|_| Err(NotInTime::default().into()))
        })
    }

    /// Gives a permit back and reports how it was used. Called once for each permit.
    fn release(&self, permit: Permit, usage: &PermitUsage);

    /// Returns the limits that the limiter keeps to and how much of them is used.
    fn status(&self) -> RateLimitStatus;
}

impl<L: RateLimiter + ?Sized> RateLimiter for Arc<L> {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        (**self).try_acquire(bucket)
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        (**self).acquire(bucket)
    }

    fn acquire_by(&self, bucket: RateBucket, deadline: Instant) -> PermitFuture<'_> {
        (**self).acquire_by(bucket, deadline)
    }

    fn release(&self, permit: Permit, usage: &PermitUsage) {
        (**self).release(permit, usage);
    }

    fn status(&self) -> RateLimitStatus {
        (**self).status()
    }
}

/// The right to send one request.
#[derive(Debug)]
#[must_use = "a permit has to be released"]
pub struct Permit {
    bucket: RateBucket,
    id: u64,
}

impl Permit {
    /// Creates a permit, in a limiter of your own. `id` is for the limiter, to recognise the permit when it is released.
    pub fn new(bucket: RateBucket, id: u64) -> Self {
        Self { bucket, id }
    }

    /// The rate limit that the request counts against.
    pub fn bucket(&self) -> RateBucket {
        self.bucket
    }

    /// The id that the limiter gave it.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// How a permit was used; see [`RateLimiter::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermitUsage {
    /// No request was sent, or no connection could be made: HubSpot counted nothing.
    NotSent,
    /// A request was sent, and no response came. HubSpot may have counted it.
    NoResponse,
    /// A response came.
    Response {
        /// Its rate-limit headers.
        headers: RateLimitHeaders,
        /// Whether it was a 429 because this rate limit is used up. False for a 429 because of the daily limit.
        rate_limited: bool,
    },
}

impl PermitUsage {
    /// What it says of this rate limit.
    pub(crate) fn about(&self, bucket: RateBucket) -> Self {
        match self {
            Self::Response { headers, rate_limited } => {
                Self::Response { headers: headers.about(bucket), rate_limited: *rate_limited }
            }
            usage => usage.clone(),
        }
    }
}

/// The longest pause that one refused request may impose on all others. What HubSpot refuses after it pauses them anew.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(60);

/// State of the rate limits; from [`Client::rate_limit_status`](crate::Client::rate_limit_status).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitStatus {
    /// The general rate limit.
    pub general: BucketStatus,
    /// The rate limit of searches.
    pub search: BucketStatus,
    /// Requests allowed in a day; `None` until a response says so.
    pub daily_limit: Option<u64>,
    /// Requests left of the day's, according to the latest response that says so.
    pub daily_remaining: Option<u64>,
}

/// State of one rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketStatus {
    /// Requests allowed in an interval; `None` for [`RateLimit::unlimited`].
    pub limit: Option<u32>,
    /// The length of the rolling window.
    pub interval: Duration,
    /// Requests through this limiter that count in the window now.
    pub used: u32,
    /// Requests of other programs on the same account that count in the window now, as far as HubSpot's responses show.
    pub used_by_others: u32,
    /// Calls waiting for a permit.
    pub waiting: u32,
}
