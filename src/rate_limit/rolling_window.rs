//! Default limiter of a client: HubSpot's rolling window, learnt from its responses.
//!
//! HubSpot counts a request when it arrives, which is some time between sending it and receiving its response. So a
//! request frees its place one interval after its response, or after [`SLACK`] if the response takes longer. Then no
//! window of HubSpot's ever holds more requests than the limit.
//!
//! Requests of other programs on the same account show in `Remaining`: whatever part of the used requests cannot be
//! ours is theirs. It is left to them for as long as it was seen within the last two intervals. So two clients converge
//! on shares, and neither takes the other's place the moment it falls free. A new client does not know of others yet:
//! it starts with a part of the limit, sends more with every response, and never has more in flight than a quarter of
//! what the latest response left, or half of what seems free if others are known.

mod bucket;
mod window;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

pub(crate) use self::bucket::Bucket;
use crate::{
    rate_limit::{
        headers::SEARCH_INTERVAL,
        limiter::{Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter},
    },
    spec::RateBucket,
};

pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const SEARCH_LIMIT: u32 = 5;
/// Longer than a request takes to reach HubSpot, a new connection included.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

/// A limiter that keeps to HubSpot's rolling windows and learns their size from the responses.
///
/// It is fair: calls are served in order, and a call that is dropped while it waits gives up its place. A 429 with
/// `Retry-After` pauses it for that long, at most a minute; of several, the one that asks for the latest time counts.
///
/// A future that is not polled holds up no other call. A permit that is not taken within a tenth of a second is offered
/// to the next call in line, then to the next two, and so on. The first of them that is polled takes it, and the others
/// keep their places.
#[derive(Debug)]
pub struct RollingWindow {
    general: Arc<Bucket>,
    search: Arc<Bucket>,
    daily: Mutex<(Option<u64>, Option<u64>)>,
}

impl RollingWindow {
    /// Creates a limiter that starts with this rate limit.
    pub fn new(limit: RateLimit) -> Self {
        let search = limit.0.map(|_| SEARCH_LIMIT);
        Self {
            general: Arc::new(Bucket::new(limit.0, INTERVAL)),
            search: Arc::new(Bucket::new(search, SEARCH_INTERVAL).known()),
            daily: Mutex::default(),
        }
    }

    fn bucket(&self, bucket: RateBucket) -> &Arc<Bucket> {
        match bucket {
            RateBucket::General => &self.general,
            RateBucket::Search => &self.search,
        }
    }
}

impl RateLimiter for RollingWindow {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        self.bucket(bucket).try_acquire().map(|id| Permit::new(bucket, id))
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        Box::pin(async move { Ok(Permit::new(bucket, self.bucket(bucket).acquire(None).await?)) })
    }

    fn acquire_by(&self, bucket: RateBucket, deadline: Instant) -> PermitFuture<'_> {
        Box::pin(async move {
            Handle::try_current()?;
            Ok(Permit::new(bucket, self.bucket(bucket).acquire(Some(deadline)).await?))
        })
    }

    fn release(&self, permit: Permit, usage: &PermitUsage) {
        if let PermitUsage::Response { headers, .. } = usage {
            let mut daily = self.daily.lock().unwrap_or_else(PoisonError::into_inner);
            daily.0 = headers.daily_limit.or(daily.0);
            daily.1 = headers.daily_remaining.or(daily.1);
        }
        self.bucket(permit.bucket()).release(permit.id(), &usage.about(permit.bucket()));
    }

    fn status(&self) -> RateLimitStatus {
        let (daily_limit, daily_remaining) = *self.daily.lock().unwrap_or_else(PoisonError::into_inner);
        RateLimitStatus { general: self.general.status(), search: self.search.status(), daily_limit, daily_remaining }
    }
}
