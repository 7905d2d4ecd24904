//! The limiter that a client has by default: HubSpot's rolling window, learnt from its answers.
//!
//! HubSpot counts a request when it arrives, which is some time between sending it and having its answer. So a request
//! frees its place one interval after its answer, or after [`SLACK`] where the answer takes longer: then no window of
//! HubSpot's ever holds more than the allowance.
//!
//! What others on the same allowance use shows in `Remaining`. An answer proves bounds on it, because some of our own
//! requests are known to have been counted before the answer and others may have been; the estimate moves only as far
//! as the bounds push it. While others are seen, half of what seems free is used at a time, so that two clients that see
//! the same number do not both take it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, Notify},
    time::{Instant, timeout_at},
};

use crate::{
    rate_limit::{
        BucketStatus, Permit, PermitFuture, PermitOutcome, RateLimit, RateLimitHeaders, RateLimitStatus, RateLimiter,
    },
    spec::RateBucket,
};

const INTERVAL: Duration = Duration::from_secs(10);
const SEARCH_LIMIT: u32 = 5;
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Longer than a request takes to reach HubSpot, a new connection included.
const SLACK: Duration = Duration::from_secs(1);
/// How many requests go out before the first answer, as a share of the allowance; each answer permits one more.
const FIRST_SHARE: u32 = 8;

/// A limiter that keeps to HubSpot's rolling windows and learns their size from its answers.
///
/// It is fair (first come, first served), does not poll, and a call that is dropped while it waits gives up its place.
#[derive(Debug)]
pub struct RollingWindow {
    general: Bucket,
    search: Bucket,
    daily: Mutex<(Option<u64>, Option<u64>)>,
}

impl RollingWindow {
    /// A limiter with a starting guess.
    pub fn new(limit: RateLimit) -> Self {
        let search = limit.0.map(|_| SEARCH_LIMIT);
        Self {
            general: Bucket::new(limit.0, INTERVAL),
            search: Bucket::new(search, SEARCH_INTERVAL),
            daily: Mutex::default(),
        }
    }

    fn bucket(&self, bucket: RateBucket) -> &Bucket {
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
        Box::pin(async move { Ok(Permit::new(bucket, self.bucket(bucket).acquire().await)) })
    }

    fn settle(&self, permit: Permit, outcome: &PermitOutcome) {
        if let PermitOutcome::Answered { headers, .. } = outcome {
            let mut daily = self.daily.lock().unwrap_or_else(PoisonError::into_inner);
            daily.0 = headers.daily_limit.or(daily.0);
            daily.1 = headers.daily_remaining.or(daily.1);
        }
        self.bucket(permit.bucket()).settle(permit.id(), outcome);
    }

    fn status(&self) -> RateLimitStatus {
        let (daily_limit, daily_remaining) = *self.daily.lock().unwrap_or_else(PoisonError::into_inner);
        RateLimitStatus { general: self.general.status(), search: self.search.status(), daily_limit, daily_remaining }
    }
}

/// One allowance.
#[derive(Debug)]
struct Bucket {
    window: Mutex<Window>,
    /// Held by whoever is next; tokio's mutex is fair and survives a dropped waiter.
    turn: Turn<()>,
    waiting: AtomicU32,
    /// Wakes whoever is next when something other than time makes room.
    changed: Notify,
}

impl Bucket {
    fn new(limit: Option<u32>, interval: Duration) -> Self {
        Self {
            window: Mutex::new(Window::new(limit, interval)),
            turn: Turn::new(()),
            waiting: AtomicU32::new(0),
            changed: Notify::new(),
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_acquire(&self) -> Option<u64> {
        let _turn = self.turn.try_lock().ok()?;
        self.window().take(Instant::now()).ok()
    }

    async fn acquire(&self) -> u64 {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _leaving = OnDrop(|| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        });
        let _turn = self.turn.lock().await;
        loop {
            let changed = self.changed.notified();
            let room_at = match self.window().take(Instant::now()) {
                Ok(id) => return id,
                Err(room_at) => room_at,
            };
            match room_at {
                // Either is a reason to look again.
                Some(room_at) => drop(timeout_at(room_at, changed).await),
                None => changed.await,
            }
        }
    }

    fn settle(&self, id: u64, outcome: &PermitOutcome) {
        self.window().settle(id, outcome, Instant::now());
        self.changed.notify_one();
    }

    fn status(&self) -> BucketStatus {
        let window = self.window();
        BucketStatus {
            limit: window.limit,
            interval: window.interval,
            used: window.used(Instant::now()),
            used_by_others: window.others,
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The arithmetic of the window; it knows no waiting.
#[derive(Debug)]
struct Window {
    limit: Option<u32>,
    interval: Duration,
    /// Requests that may still count, in the order of their permits, so that an id is an index.
    requests: VecDeque<Request>,
    /// The id of the first of them.
    first: u64,
    in_flight: u32,
    /// How many may be in flight: it grows by every answer, so that a client that starts beside another one notices.
    ramp: u32,
    others: u32,
    /// HubSpot asked for a pause.
    paused_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    sent: Instant,
    answered: Option<Instant>,
    /// HubSpot did not count it.
    void: bool,
}

impl Request {
    /// The latest moment at which HubSpot can have counted it.
    fn counted_by(&self) -> Instant {
        let latest = self.sent + SLACK;
        self.answered.map_or(latest, |answered| answered.min(latest))
    }
}

impl Window {
    fn new(limit: Option<u32>, interval: Duration) -> Self {
        Self {
            limit,
            interval,
            requests: VecDeque::with_capacity(limit.unwrap_or_default().min(1024) as usize),
            first: 0,
            in_flight: 0,
            ramp: limit.map_or(0, |limit| limit.div_ceil(FIRST_SHARE)),
            others: 0,
            paused_until: None,
        }
    }

    /// An id for a request sent now; or when there may be room, if time alone can tell.
    fn take(&mut self, now: Instant) -> Result<u64, Option<Instant>> {
        let Some(limit) = self.limit else {
            return Ok(self.push(now));
        };
        self.forget(now);
        if let Some(until) = self.paused_until.filter(|&until| until > now) {
            return Err(Some(until));
        }
        let used = self.used(now);
        if used + self.others >= limit {
            // With nothing of our own in the window, only asking shows whether the others have left room.
            return match self.next_room(now) {
                None if self.in_flight == 0 => Ok(self.push(now)),
                next => Err(next),
            };
        }
        let mut at_once = self.ramp.max(1);
        if self.others > 0 {
            let free = limit.saturating_sub(self.others + used.saturating_sub(self.in_flight));
            at_once = at_once.min(free.div_ceil(2));
        }
        if self.in_flight >= at_once {
            return Err(None);
        }
        Ok(self.push(now))
    }

    fn push(&mut self, now: Instant) -> u64 {
        self.in_flight += 1;
        let id = self.first + self.requests.len() as u64;
        if self.limit.is_some() {
            self.requests.push_back(Request { sent: now, answered: None, void: false });
        } else {
            self.first += 1;
        }
        id
    }

    fn settle(&mut self, id: u64, outcome: &PermitOutcome, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let index = id.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let request = index.and_then(|index| self.requests.get_mut(index));
        match outcome {
            PermitOutcome::NotSent => {
                if let Some(request) = request {
                    request.void = true;
                }
            }
            PermitOutcome::NoAnswer => {}
            PermitOutcome::Answered { headers, refused } => {
                let sent = request.map(|request| {
                    // HubSpot does not count what it refuses.
                    request.void = *refused;
                    request.answered = Some(now);
                    request.sent
                });
                self.learn(headers, *refused, sent.unwrap_or(now), now);
            }
        }
    }

    fn learn(&mut self, headers: &RateLimitHeaders, refused: bool, sent: Instant, now: Instant) {
        let Some(limit) = self.limit.as_mut() else {
            return;
        };
        *limit = headers.limit.unwrap_or(*limit);
        let limit = *limit;
        self.interval = headers.interval.unwrap_or(self.interval);
        let remaining = if refused {
            self.ramp = (self.ramp / 2).max(1);
            // Without a word of HubSpot's, room comes with the first request of our own to leave the window; without
            // any of our own, only asking tells.
            let pause = headers.retry_after.or_else(|| self.next_room(now).is_none().then_some(self.interval / 4));
            self.paused_until = pause.map(|pause| now + pause).or(self.paused_until);
            Some(0)
        } else {
            self.ramp = self.ramp.saturating_add(1);
            // An answer this slow speaks of a window that we have forgotten in part.
            headers.remaining.filter(|_| now <= sent + SLACK)
        };
        if let Some(remaining) = remaining {
            let used = limit.saturating_sub(remaining);
            let (least, most) = self.counted_between(sent, now);
            self.others = self.others.clamp(used.saturating_sub(most), used.saturating_sub(least));
        }
    }

    /// How many of our requests stood in HubSpot's window when it answered: at least, at most.
    fn counted_between(&self, sent: Instant, now: Instant) -> (u32, u32) {
        let (mut least, mut most) = (0, 0);
        for request in self.requests.iter().filter(|request| !request.void) {
            if request.counted_by() + self.interval > sent {
                most += 1;
            }
            let before = request.answered.is_some_and(|answered| answered <= sent);
            let still = request.sent + self.interval > now;
            let itself = request.sent == sent && request.answered == Some(now);
            if (before || itself) && still {
                least += 1;
            }
        }
        (least, most)
    }

    fn used(&self, now: Instant) -> u32 {
        self.requests.iter().filter(|request| self.counts(request, now)).count() as u32
    }

    fn counts(&self, request: &Request, now: Instant) -> bool {
        !request.void && request.counted_by() + self.interval > now
    }

    fn next_room(&self, now: Instant) -> Option<Instant> {
        self.requests
            .iter()
            .filter(|request| self.counts(request, now))
            .map(|request| request.counted_by() + self.interval)
            .min()
    }

    /// Drops what no answer can be about any more.
    fn forget(&mut self, now: Instant) {
        while self.requests.front().is_some_and(|request| request.counted_by() + self.interval + SLACK <= now) {
            self.requests.pop_front();
            self.first += 1;
        }
    }
}
