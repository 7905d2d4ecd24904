//! Rate limits: how many requests a token may make, and how many it made.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use crate::http::error::{Failure, Policy};

const SECOND: Duration = Duration::from_secs(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const MAX: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-max");
const REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-remaining");
const INTERVAL: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-interval-milliseconds");
const DAILY: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily");
const DAILY_REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily-remaining");

/// How many requests each token may make; unlimited until told otherwise.
///
/// All access tokens of an OAuth app count as one. A refused request (429) counts nowhere, and neither do requests to
/// the token endpoint.
///
/// ```
/// use hubspot_simulator::RateLimits;
///
/// let marketplace_app = RateLimits::default()
///     .per_ten_seconds(110)
///     .searches_per_second(5);
/// # let _ = marketplace_app;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    ten_secondly: Option<u32>,
    daily: Option<u32>,
    searches_secondly: Option<u32>,
}

impl RateLimits {
    /// Accepts a request only when fewer than `max` were accepted in the ten seconds before it; searches aside.
    #[must_use]
    pub fn per_ten_seconds(mut self, max: u32) -> Self {
        self.ten_secondly = Some(max);
        self
    }

    /// Accepts at most `max` requests a day, searches included. A day begins with the simulator's start and
    /// every 24 hours after it.
    #[must_use]
    pub fn per_day(mut self, max: u32) -> Self {
        self.daily = Some(max);
        self
    }

    /// Accepts a search only when fewer than `max` searches were accepted in the second before it.
    #[must_use]
    pub fn searches_per_second(mut self, max: u32) -> Self {
        self.searches_secondly = Some(max);
        self
    }
}

/// Applies the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    started: Instant,
    limits: Mutex<RateLimits>,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { started: Instant::now(), limits: Mutex::new(limits) }
    }

    pub(crate) fn set(&self, limits: RateLimits) {
        *lock(&self.limits) = limits;
    }

    /// Counts a request that arrives now, unless a limit refuses it.
    pub(crate) fn admit(&self, usage: &Usage, search: bool) -> Result<Standing, Refusal> {
        let limits = *lock(&self.limits);
        let mut usage = lock(&usage.0);
        // Read under the lock, so that each window stays in order.
        let now = Instant::now();
        let day = self.day(now);
        if search { usage.admit_search(limits, now, day) } else { usage.admit(limits, now, day) }
    }

    fn day(&self, now: Instant) -> u64 {
        now.duration_since(self.started).as_secs() / DAY.as_secs()
    }
}

/// The accepted requests of one token. They are counted without a limit too, so that one set later applies to them.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    recent: Window,
    recent_searches: Window,
    day: u64,
    today: u32,
}

impl Counts {
    fn admit(&mut self, limits: RateLimits, now: Instant, day: u64) -> Result<Standing, Refusal> {
        self.begin(day);
        let recent = self.recent.count(TEN_SECONDS, now);
        let policy = if reached(limits.daily, self.today) {
            Some(Policy::Daily)
        } else if reached(limits.ten_secondly, recent) {
            Some(Policy::TenSecondly)
        } else {
            None
        };
        let accepted = u32::from(policy.is_none());
        if policy.is_none() {
            self.recent.push(now);
            self.today = self.today.saturating_add(1);
        }
        let ten_secondly = limits.ten_secondly.map(|max| (max, max.saturating_sub(recent.saturating_add(accepted))));
        self.answer(limits, policy, ten_secondly)
    }

    /// A search has a window of its own and counts in the day; its answer tells of the day alone.
    fn admit_search(&mut self, limits: RateLimits, now: Instant, day: u64) -> Result<Standing, Refusal> {
        self.begin(day);
        let policy = if reached(limits.daily, self.today) {
            Some(Policy::Daily)
        } else if reached(limits.searches_secondly, self.recent_searches.count(SECOND, now)) {
            Some(Policy::Secondly)
        } else {
            None
        };
        if policy.is_none() {
            self.recent_searches.push(now);
            self.today = self.today.saturating_add(1);
        }
        self.answer(limits, policy, None)
    }

    fn begin(&mut self, day: u64) {
        if self.day != day {
            self.day = day;
            self.today = 0;
        }
    }

    fn answer(
        &self,
        limits: RateLimits,
        policy: Option<Policy>,
        ten_secondly: Option<(u32, u32)>,
    ) -> Result<Standing, Refusal> {
        let daily = limits.daily.map(|max| (max, max.saturating_sub(self.today)));
        let standing = Standing { ten_secondly, daily };
        match policy {
            None => Ok(standing),
            Some(policy) => Err(Refusal { policy, standing }),
        }
    }
}

fn reached(max: Option<u32>, count: u32) -> bool {
    max.is_some_and(|max| count >= max)
}

/// When requests were accepted, oldest first.
#[derive(Debug, Default)]
struct Window(VecDeque<Instant>);

impl Window {
    /// How many requests lie less than `length` before `now`; forgets those that do not.
    fn count(&mut self, length: Duration, now: Instant) -> u32 {
        while self.0.front().is_some_and(|accepted| now.duration_since(*accepted) >= length) {
            self.0.pop_front();
        }
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, now: Instant) {
        self.0.push_back(now);
    }
}

/// What the headers tell a caller: each limit that is set, and what remains of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    ten_secondly: Option<(u32, u32)>,
    daily: Option<(u32, u32)>,
}

impl Standing {
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let mut write = |name, value: u32| headers.insert(name, HeaderValue::from(value));
        if let Some((max, remaining)) = self.ten_secondly {
            write(MAX, max);
            write(REMAINING, remaining);
            write(INTERVAL, 10_000);
        }
        if let Some((max, remaining)) = self.daily {
            write(DAILY, max);
            write(DAILY_REMAINING, remaining);
        }
    }
}

/// A request beyond a limit.
#[derive(Debug)]
pub(crate) struct Refusal {
    policy: Policy,
    standing: Standing,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Failure::rate_limited(self.policy).into_response();
        self.standing.write(response.headers_mut());
        response
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
