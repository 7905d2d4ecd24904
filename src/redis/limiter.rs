//! Rate limiter that several processes share.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::{bucket::SharedBucket, connection::Redis, window::SharedWindow};
use crate::{
    error::{Error, Result},
    rate_limit::{
        headers::SEARCH_INTERVAL,
        limiter::{Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter},
        rolling_window::{INTERVAL, SEARCH_LIMIT},
    },
    spec::RateBucket,
    task::in_runtime,
};

/// A [`RateLimiter`] for all processes that act for one account; see [`Redis::limiter`].
///
/// It keeps to the same rolling window as [`RollingWindow`](crate::RollingWindow), but in Redis and by Redis's clock: a
/// request frees its place one interval after its response, or after a second if the response takes longer. What one
/// process learns from HubSpot's responses, all processes know.
///
/// - **Round trips.** A permit takes one, and its release another one that no call waits for. During a round trip,
///   calls gather, and the next round trip takes permits for all of them: at most a twentieth of the limit, and at most
///   100. A permit that no call takes any more is given back, as is one that a suspended process takes up too late.
/// - **Fairness.** Within a process, calls are served in order. Between processes, a process waits for at most one such
///   block of each other process, and no process that came later goes first. A process that does not come back in time,
///   for example because it was suspended, loses its place half a second after the
///   [timeout](super::RedisBuilder::timeout).
/// - **Without Redis**, a call fails with [`Error::is_limiter`] within three times the
///   [timeout](super::RedisBuilder::timeout), unless there is a [local share](RedisLimiterBuilder::local_share).
/// - **Crashes.** The permits of a process that crashes count for an interval and a second.
/// - **Redis's clock.** If it is set back by more than two seconds, the limiter pauses for an interval. If it is set
///   forward, requests free their places early by as much.
///
/// [`status`](RateLimiter::status) reports what Redis said at the latest round trip: `used` counts the requests of all
/// processes, `waiting` those of this process. Dropping the limiter fails the calls that wait.
pub struct RedisLimiter {
    general: Running,
    search: Running,
}

/// A bucket and the task that works for it.
struct Running {
    bucket: Arc<SharedBucket>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RedisLimiter {
    fn bucket(&self, bucket: RateBucket) -> &Arc<SharedBucket> {
        match bucket {
            RateBucket::General => &self.general.bucket,
            RateBucket::Search => &self.search.bucket,
        }
    }
}

impl RateLimiter for RedisLimiter {
    /// None while permits come from Redis, as asking takes a round trip.
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        self.bucket(bucket).try_acquire().map(|id| Permit::new(bucket, id))
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        Box::pin(async move {
            in_runtime()?;
            Ok(Permit::new(bucket, self.bucket(bucket).acquire(None).await?))
        })
    }

    fn acquire_by(&self, bucket: RateBucket, deadline: Instant) -> PermitFuture<'_> {
        Box::pin(async move {
            in_runtime()?;
            Ok(Permit::new(bucket, self.bucket(bucket).acquire(Some(deadline)).await?))
        })
    }

    fn release(&self, permit: Permit, usage: &PermitUsage) {
        let bucket = permit.bucket();
        // The day's requests are those of both.
        if let (RateBucket::Search, PermitUsage::Response { headers, .. }) = (bucket, usage) {
            self.general.bucket.learn_daily(headers);
        }
        self.bucket(bucket).release(permit.id(), &usage.about(bucket));
    }

    fn status(&self) -> RateLimitStatus {
        let (daily_limit, daily_remaining) = self.general.bucket.daily();
        RateLimitStatus {
            general: self.general.bucket.status(),
            search: self.search.bucket.status(),
            daily_limit,
            daily_remaining,
        }
    }
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimiter").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Configures a [`RedisLimiter`]; see [`Redis::limiter`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `connect`"]
pub struct RedisLimiterBuilder {
    redis: Redis,
    account: String,
    limit: RateLimit,
    local_share: Option<f64>,
}

impl RedisLimiterBuilder {
    pub(super) fn new(redis: Redis, account: String) -> Self {
        Self { redis, account, limit: RateLimit::default(), local_share: None }
    }

    /// Sets the rate limit to start with; the default is [`RateLimit::STARTER`]. HubSpot's responses correct it for all
    /// processes, and Redis remembers it for two hours.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Keeps sending while Redis cannot be reached, at this share of the rate limit, such as 0.1 for ten processes, and
    /// at least one request in an interval. Redis is tried again every second. By default, calls fail instead.
    pub fn local_share(mut self, share: f64) -> Self {
        self.local_share = Some(share);
        self
    }

    /// Checks the settings and whether Redis can do what the limiter needs. Call it in a runtime that runs as long as
    /// the limiter is used: a task there talks to Redis for calls in all runtimes, and without it they fail with
    /// [`Error::is_limiter`].
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting, for
    /// - an empty account;
    /// - a rate limit of zero, or [`RateLimit::unlimited`];
    /// - a local share that is not above 0 and at most 1;
    /// - a key in Redis that holds something else;
    /// - a user who may not run the limiter's scripts.
    ///
    /// [`Error::is_connect`] if Redis cannot be reached.
    pub async fn connect(self) -> Result<RedisLimiter> {
        let refuse = |field, value: Option<String>, reason, remedy| {
            Err(Error::invalid_input(field, value.as_deref(), reason, remedy))
        };
        if self.account.is_empty() {
            return refuse("account", None, "is empty", "give the account's hub id, or another unique name");
        }
        let limit = match self.limit.0 {
            None => return refuse("rate limit", None, "is unlimited", "use no limiter if you want no limit"),
            Some(0) => return refuse("rate limit", Some("0".to_owned()), "allows no request", "give 1 or more"),
            Some(limit) => limit,
        };
        if let Some(share) = self.local_share.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return refuse("local share", Some(share.to_string()), "is not a share", "give more than 0 and up to 1");
        }
        in_runtime()?;
        Ok(RedisLimiter {
            general: self.start("general", limit, INTERVAL).await?,
            search: self.start("search", SEARCH_LIMIT, SEARCH_INTERVAL).await?,
        })
    }

    async fn start(&self, name: &str, limit: u32, interval: Duration) -> Result<Running> {
        let key = self.redis.key(&["limit", &self.account, name]);
        let process = Uuid::new_v4().simple().to_string();
        let window = SharedWindow { redis: self.redis.clone(), key, process, limit, interval };
        let bucket = Arc::new(SharedBucket::connect(window, self.local_share).await?);
        Ok(Running { task: tokio::spawn(Arc::clone(&bucket).work()), bucket })
    }
}

impl Redis {
    /// Configures a limiter for an account. Use the same name of the account in all processes that share its rate
    /// limit, such as its hub id.
    pub fn limiter(&self, account: impl Into<String>) -> RedisLimiterBuilder {
        RedisLimiterBuilder::new(self.clone(), account.into())
    }
}
