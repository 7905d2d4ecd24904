//! Rate limits: how many requests an account's tokens may make, and how many they made.

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

use crate::{
    crm::time::Time,
    http::error::{Failure, Policy},
};

const SECOND: Duration = Duration::from_secs(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const MAX: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-max");
const REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-remaining");
const INTERVAL: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-interval-milliseconds");
const DAILY: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily");
const DAILY_REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily-remaining");

/// How many requests an account's tokens may make; unlimited until told otherwise.
///
/// The limit of ten seconds is one of each token, and all access tokens of an OAuth app count as one. The limits of a day
/// and of searches are the account's, as HubSpot's are; access tokens of OAuth apps neither meet nor use those of a day. A
/// refused request (429) counts nowhere, and neither do requests to the endpoints of OAuth.
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
    associations: Option<u32>,
    daily: Option<u32>,
    associations_daily: Option<u32>,
    searches_secondly: Option<u32>,
}

impl RateLimits {
    /// Accepts a request only when fewer than `max` were accepted in the ten seconds before it. Searches have a window of
    /// their own, and so have the operations under `/crm/…/associations`
    /// ([`associations_per_ten_seconds`](Self::associations_per_ten_seconds)).
    #[must_use]
    pub fn per_ten_seconds(mut self, max: u32) -> Self {
        self.ten_secondly = Some(max);
        self
    }

    /// Accepts a request for one of the operations under `/crm/…/associations` only when fewer than `max` of these were
    /// accepted in the ten seconds before it. Without it, their window is as large as that of the others. Answers tell
    /// nothing of this limit.
    #[must_use]
    pub fn associations_per_ten_seconds(mut self, max: u32) -> Self {
        self.associations = Some(max);
        self
    }

    /// Accepts at most `max` requests a day of all tokens but those of OAuth apps, searches included. A day begins with
    /// the simulator's start and every 24 hours after it.
    #[must_use]
    pub fn per_day(mut self, max: u32) -> Self {
        self.daily = Some(max);
        self
    }

    /// Accepts at most `max` requests a day for the operations under `/crm/…/associations`, of all tokens but those of OAuth
    /// apps. They count in the [limit of all requests](Self::per_day) as well. Answers tell nothing of this limit until it is
    /// reached.
    #[must_use]
    pub fn associations_per_day(mut self, max: u32) -> Self {
        self.associations_daily = Some(max);
        self
    }

    /// Accepts a search only when fewer than `max` searches were accepted in the second before it, of any token.
    #[must_use]
    pub fn searches_per_second(mut self, max: u32) -> Self {
        self.searches_secondly = Some(max);
        self
    }
}

/// The limit that a request counts in, beside the day's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    General,
    Association,
    Search,
}

/// Applies the limits of an account.
#[derive(Debug)]
pub(crate) struct Limiter {
    started: Instant,
    started_at: Time,
    /// How much longer than its window says a request counts.
    edge: Duration,
    ledger: Mutex<Ledger>,
}

/// The limits of an account, and what all of its tokens have used together. It is counted without a limit too, so that
/// one set later applies to it.
#[derive(Debug, Default)]
struct Ledger {
    limits: RateLimits,
    day: u64,
    today: u32,
    associations_today: u32,
    recent_searches: Window,
}

/// What is left of a day.
pub(crate) struct Today {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    pub(crate) ends_at: Time,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits, edge: Duration) -> Self {
        let ledger = Mutex::new(Ledger { limits, ..Ledger::default() });
        Self { started: Instant::now(), started_at: Time::now(), edge, ledger }
    }

    pub(crate) fn set(&self, limits: RateLimits) {
        lock(&self.ledger).limits = limits;
    }

    /// Forgets what all tokens have used together.
    pub(crate) fn forget(&self) {
        let mut ledger = lock(&self.ledger);
        *ledger = Ledger { limits: ledger.limits, day: ledger.day, ..Ledger::default() };
    }

    /// Counts a request that arrives now, unless a limit refuses it.
    pub(crate) fn admit(&self, usage: &Usage, bucket: Bucket) -> Result<Standing, Refusal> {
        let mut ledger = lock(&self.ledger);
        let mut windows = lock(&usage.windows);
        // Read under the lock, so that each window stays in order.
        let now = Instant::now();
        ledger.begin(self.day(now));
        ledger.admit(&mut windows, usage.daily, bucket, (now, self.edge))
    }

    /// How the day stands; `None` without a limit for it.
    pub(crate) fn today(&self) -> Option<Today> {
        let mut ledger = lock(&self.ledger);
        let day = self.day(Instant::now());
        ledger.begin(day);
        let days = i64::try_from(day.saturating_add(1)).unwrap_or(i64::MAX);
        let ends_at = self.started_at.later(days.saturating_mul(24 * 60 * 60 * 1_000));
        ledger.limits.daily.map(|limit| Today { limit, used: ledger.today, ends_at })
    }

    fn day(&self, now: Instant) -> u64 {
        now.duration_since(self.started).as_secs() / DAY.as_secs()
    }
}

/// The accepted requests of one token.
#[derive(Debug)]
pub(crate) struct Usage {
    /// Whether its requests count in the day.
    daily: bool,
    windows: Mutex<Windows>,
}

#[derive(Debug, Default)]
struct Windows {
    recent: Window,
    recent_associations: Window,
}

impl Usage {
    pub(crate) fn new(daily: bool) -> Self {
        Self { daily, windows: Mutex::default() }
    }

    /// Forgets what the token has used.
    pub(crate) fn forget(&self) {
        *lock(&self.windows) = Windows::default();
    }
}

impl Ledger {
    fn begin(&mut self, day: u64) {
        if self.day != day {
            self.day = day;
            self.today = 0;
            self.associations_today = 0;
        }
    }

    fn admit(
        &mut self,
        windows: &mut Windows,
        daily: bool,
        bucket: Bucket,
        (now, edge): (Instant, Duration),
    ) -> Result<Standing, Refusal> {
        let limits = self.limits;
        let (window, length, max, policy) = match bucket {
            Bucket::General => (&mut windows.recent, TEN_SECONDS, limits.ten_secondly, Policy::TenSecondly),
            Bucket::Association => (
                &mut windows.recent_associations,
                TEN_SECONDS,
                limits.associations.or(limits.ten_secondly),
                Policy::TenSecondly,
            ),
            Bucket::Search => (&mut self.recent_searches, SECOND, limits.searches_secondly, Policy::Secondly),
        };
        let recent = window.count(length + edge, now);
        let of_associations = bucket == Bucket::Association;
        let associations_end = of_associations && reached(limits.associations_daily, self.associations_today);
        let policy = if daily && (reached(limits.daily, self.today) || associations_end) {
            Some(Policy::Daily)
        } else {
            reached(max, recent).then_some(policy)
        };
        let accepted = u32::from(policy.is_none());
        if policy.is_none() {
            window.push(now);
            self.today = self.today.saturating_add(u32::from(daily));
            self.associations_today = self.associations_today.saturating_add(u32::from(daily && of_associations));
        }
        let left = |max: u32| (max, max.saturating_sub(recent.saturating_add(accepted)));
        let standing = Standing {
            ten_secondly: limits.ten_secondly.filter(|_| bucket == Bucket::General).map(left),
            daily: limits.daily.filter(|_| daily).map(|max| (max, max.saturating_sub(self.today))),
        };
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
