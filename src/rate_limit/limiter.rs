//! Rate limiter trait, its permits, and what is known of the allowance.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::{
    rate_limit::{headers::RateLimitHeaders, not_in_time::NotInTime},
    spec::RateBucket,
};

/// Rate limit that a client starts with, until HubSpot's responses tell it the account's own.
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

/// What [`RateLimiter::acquire`] returns.
pub type PermitFuture<'a> =
    Pin<Box<dyn Future<Output = std::result::Result<Permit, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Decides when a request may be sent.
///
/// Every attempt of every call takes one permit and settles it once, whatever becomes of the call. If several clients share a
/// limit, pass one limiter to all of them with [`ClientBuilder::rate_limiter`](crate::ClientBuilder::rate_limiter).
///
/// The limiter runs in the call's own task, where task-local values of the caller are not available.
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

    /// Reports the outcome of the request that used the permit.
    fn settle(&self, permit: Permit, outcome: &PermitOutcome);

    /// Returns what the limiter knows.
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

    fn settle(&self, permit: Permit, outcome: &PermitOutcome) {
        (**self).settle(permit, outcome);
    }

    fn status(&self) -> RateLimitStatus {
        (**self).status()
    }
}

/// The right to send one request.
#[derive(Debug)]
#[must_use = "a permit has to be settled"]
pub struct Permit {
    bucket: RateBucket,
    id: u64,
}

impl Permit {
    /// For limiters: `id` is theirs to choose and to find again when the permit is settled.
    pub fn new(bucket: RateBucket, id: u64) -> Self {
        Self { bucket, id }
    }

    /// The allowance it counts against.
    pub fn bucket(&self) -> RateBucket {
        self.bucket
    }

    /// The id given when it was made.
    pub fn id(&self) -> u64 {
        self.id
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermitOutcome {
    /// It was not sent, or no connection was made: HubSpot did not count it.
    NotSent,
    /// It was sent, and no answer came.
    NoAnswer,
    /// An answer came.
    Answered {
        /// What its headers say of the allowance.
        headers: RateLimitHeaders,
        /// Whether it was a 429 because of this bucket. One because of the daily allowance is not.
        refused: bool,
    },
}

/// The longest pause that one refused request may impose on all others. What HubSpot refuses after it pauses them anew.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What a limiter knows: see [`Client::rate_limit_status`](crate::Client::rate_limit_status).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitStatus {
    /// The general allowance.
    pub general: BucketStatus,
    /// The search allowance.
    pub search: BucketStatus,
    /// Requests allowed in a day, once an answer has told.
    pub daily_limit: Option<u64>,
    /// Requests left of them at the latest answer.
    pub daily_remaining: Option<u64>,
}

/// What a limiter knows of one allowance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketStatus {
    /// Requests allowed in an interval; none where there is no limit on this side.
    pub limit: Option<u32>,
    /// The length of the rolling window.
    pub interval: Duration,
    /// Requests of this limiter that count in the window now.
    pub used: u32,
    /// Requests of others on the same allowance, as far as the answers tell.
    pub used_by_others: u32,
    /// Calls waiting for a permit.
    pub waiting: u32,
}
