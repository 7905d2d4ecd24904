//! The limiter that a client has by default: HubSpot's rolling window, learnt from its answers.
//!
//! HubSpot counts a request when it arrives, which is some time between sending it and having its answer. So a request
//! frees its place one interval after its answer, or after [`SLACK`] where the answer takes longer: then no window of
//! HubSpot's ever holds more than the allowance.
//!
//! What others on the same allowance use shows in `Remaining`: whatever of the used part cannot be ours is theirs, and is
//! left to them for as long as it was seen within the last two intervals. So two clients settle on shares, and neither
//! takes the other's place in the moment it falls free. A client that begins does not know of others yet: it starts with
//! a part of the allowance, sends more with every answer, and never has more in flight than a quarter of what the latest
//! answer left; where others are known, half of what seems free.

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
        BucketStatus, MAX_PAUSE, Permit, PermitFuture, PermitOutcome, RateLimit, RateLimitHeaders, RateLimitStatus,
        RateLimiter,
    },
    spec::RateBucket,
};

pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const SEARCH_LIMIT: u32 = 5;
pub(crate) const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// Longer than a request takes to reach HubSpot, a new connection included.
pub(crate) const SLACK: Duration = Duration::from_secs(1);
/// The part of the allowance that goes out before the first answer.
const FIRST_SHARE: u32 = 8;

/// A limiter that keeps to HubSpot's rolling windows and learns their size from its answers.
///
/// It is fair (first come, first served), does not poll, and a call that is dropped while it waits gives up its place. A 429
/// with `Retry-After` pauses it for that long, a minute at most.
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
pub(crate) struct Bucket {
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

    /// With requests that were answered before, at these times.
    #[cfg(feature = "redis")]
    pub(crate) fn begun(limit: u32, interval: Duration, before: impl Iterator<Item = Instant>) -> Self {
        let bucket = Self::new(Some(limit), interval);
        let before = before.map(|time| Request { sent: time, answered: Some(time), void: false });
        bucket.window().requests.extend(before);
        bucket
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn try_acquire(&self) -> Option<u64> {
        let _turn = self.turn.try_lock().ok()?;
        self.window().take(Instant::now()).ok()
    }

    pub(crate) async fn acquire(&self) -> u64 {
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

    pub(crate) fn settle(&self, id: u64, outcome: &PermitOutcome) {
        self.window().settle(id, outcome, Instant::now());
        self.changed.notify_one();
    }

    pub(crate) fn status(&self) -> BucketStatus {
        let window = self.window();
        BucketStatus {
            limit: window.limit,
            interval: window.interval,
            used: window.used(Instant::now()),
            used_by_others: window.others.used(),
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
    beginning: Option<Beginning>,
    others: Others,
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

/// The first interval of a client that knows nothing of others.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    since: Instant,
    /// How many may be in flight; it grows by every answer.
    ramp: u32,
    /// What the latest answer left.
    remaining: Option<u32>,
}

/// The most that others were seen to use, in this interval and in the one before.
#[derive(Debug, Clone, Copy, Default)]
struct Others {
    now: u32,
    before: u32,
    since: Option<Instant>,
}

impl Others {
    fn used(&self) -> u32 {
        self.now.max(self.before)
    }

    fn seen(&mut self, used: u32, now: Instant, interval: Duration) {
        let since = *self.since.get_or_insert(now);
        if now >= since + interval {
            *self = Self { now: 0, before: self.now, since: Some(now) };
        }
        self.now = self.now.max(used);
    }
}

impl Window {
    fn new(limit: Option<u32>, interval: Duration) -> Self {
        Self {
            limit,
            interval,
            // Those of one interval, and those of the slack after it.
            requests: VecDeque::with_capacity(2 * limit.unwrap_or_default().min(1024) as usize),
            first: 0,
            in_flight: 0,
            beginning: None,
            others: Others::default(),
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
        if self.requests.is_empty() {
            // What was known of others is old.
            self.others = Others::default();
            self.beginning = Some(Beginning { since: now, ramp: limit.div_ceil(FIRST_SHARE), remaining: None });
        }
        let used = self.used(now);
        let free = limit.saturating_sub(self.others.used().saturating_add(used));
        if free == 0 {
            // With nothing of our own in the window, only asking shows whether the others have left room.
            return match self.next_room(now) {
                None if self.in_flight == 0 => Ok(self.push(now)),
                room_at => Err(room_at),
            };
        }
        if self.in_flight >= self.at_once(free, now) {
            return Err(None);
        }
        Ok(self.push(now))
    }

    /// How many may be in flight beside others who see the same answers.
    fn at_once(&self, free: u32, now: Instant) -> u32 {
        let half = |free: u32| free.div_ceil(2).max(1);
        let begun = self.beginning.filter(|beginning| now < beginning.since + self.interval);
        let beginning = begun.map_or(u32::MAX, |b| b.ramp.min(b.remaining.map_or(u32::MAX, |left| (left / 4).max(1))));
        let beside_others = if self.others.used() > 0 { half(free.saturating_add(self.in_flight)) } else { u32::MAX };
        beginning.min(beside_others)
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
                // HubSpot does not count what it refuses. An answer to a request forgotten since is too slow to tell.
                let sent = request.map(|request| {
                    request.void = *refused;
                    request.answered = Some(now);
                    request.sent
                });
                self.learn(headers, *refused, sent, now);
            }
        }
    }

    fn learn(&mut self, headers: &RateLimitHeaders, refused: bool, sent: Option<Instant>, now: Instant) {
        let Some(limit) = &mut self.limit else {
            return;
        };
        *limit = headers.limit.unwrap_or(*limit);
        let limit = *limit;
        self.interval = headers.interval.unwrap_or(self.interval);
        if refused {
            // Without a word of HubSpot's, room comes with the first request of our own to leave the window; without
            // any of our own, only asking tells.
            let told = headers.retry_after.map(|pause| pause.min(MAX_PAUSE));
            let pause = told.or_else(|| self.next_room(now).is_none().then_some(self.interval / 4));
            self.paused_until = pause.map(|pause| now + pause).or(self.paused_until);
        }
        let remaining = if refused { Some(0) } else { headers.remaining };
        if let Some(beginning) = &mut self.beginning {
            beginning.ramp = beginning.ramp.saturating_add(1);
            beginning.remaining = remaining.or(beginning.remaining);
        }
        // An answer slower than the slack speaks of a window that is forgotten in part.
        if let Some(remaining) = remaining
            && let Some(sent) = sent.filter(|&sent| now <= sent + SLACK)
        {
            let ours = self.requests.iter().filter(|r| !r.void && r.counted_by() + self.interval > sent).count() as u32;
            let used = limit.saturating_sub(remaining);
            self.others.seen(used.saturating_sub(ours), now, self.interval);
        }
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
