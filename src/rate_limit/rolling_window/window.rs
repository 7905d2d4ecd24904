//! Arithmetic of a rolling window, without any waiting.
//!
//! A permit costs the same however many requests the window holds: requests leave the window in the order in which
//! HubSpot counted them at the latest, so the requests that count are a part of one queue, and an id is an index into
//! another.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::SLACK;
use crate::rate_limit::{
    headers::RateLimitHeaders,
    limiter::{MAX_PAUSE, PermitUsage},
};

/// The part of the limit that is used before the first response.
const FIRST_SHARE: u32 = 8;

#[derive(Debug)]
pub(super) struct Window {
    pub(super) limit: Option<u32>,
    pub(super) interval: Duration,
    /// Whether HubSpot, or its documentation, has confirmed the limit.
    known: bool,
    /// The requests whose end may still be asked, in the order of their permits, so that an id is an index.
    requests: VecDeque<Request>,
    /// The id of the first of them.
    first: u64,
    /// The id of the first of them that HubSpot may not have counted yet.
    oldest: u64,
    /// How many of these there are: those without a response whose [`SLACK`] is not over.
    uncounted: u32,
    /// How many of these may still be answered.
    in_flight: u32,
    /// Permits promised to those who wait.
    promised: u32,
    /// When HubSpot had counted each of the others at the latest, in this order.
    counted: VecDeque<Instant>,
    /// When the latest request ended, or took longer than its slack.
    latest: Option<Instant>,
    beginning: Option<Beginning>,
    others: Others,
    /// HubSpot asked for a pause.
    paused_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    sent: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InFlight,
    /// No response will come.
    Lost,
    /// Its slack is over: HubSpot has counted it, or never will.
    Slow,
    Ended,
}

/// The interval in which a client knows nothing of others: its first, and the one after a refusal that came late.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    since: Instant,
    /// How many may be in flight; it grows by every response.
    ramp: u32,
    /// What the latest response left.
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

/// Why there is no permit now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// The limit is used up, or HubSpot asked for a pause; no permit is free before.
    Until(Instant),
    /// Requests in flight take all that there is, or as much as may be. A response makes room, or time at the latest.
    Response(Instant),
}

impl NoRoom {
    /// When to look again, where nothing happens before.
    pub(super) fn look_at(self) -> Instant {
        match self {
            Self::Until(time) | Self::Response(time) => time,
        }
    }
}

impl Window {
    pub(super) fn new(limit: Option<u32>, interval: Duration) -> Self {
        // Those of one interval, and those of the slack after it.
        let capacity = 2 * limit.unwrap_or_default().min(1024) as usize;
        Self {
            limit,
            interval,
            known: false,
            requests: VecDeque::with_capacity(capacity),
            first: 0,
            oldest: 0,
            uncounted: 0,
            in_flight: 0,
            promised: 0,
            counted: VecDeque::with_capacity(capacity),
            latest: None,
            beginning: None,
            others: Others::default(),
            paused_until: None,
        }
    }

    /// With a limit that HubSpot documents.
    pub(super) fn confirm(&mut self) {
        self.known = true;
    }

    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// What decides whether a place in line comes in time.
    pub(super) fn facts(&self) -> (bool, Option<u32>, Duration, Option<Instant>) {
        (self.known, self.limit, self.interval, self.paused_until)
    }

    /// Takes over requests that were answered before, in order.
    #[cfg(feature = "redis")]
    pub(super) fn begin_with(&mut self, before: impl Iterator<Item = Instant>) {
        self.counted.extend(before);
        self.latest = self.counted.back().copied();
    }

    /// Whether there is a permit for a request sent now.
    pub(super) fn room(&mut self, now: Instant) -> Result<(), NoRoom> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        self.pass(now);
        if let Some(until) = self.paused_until.filter(|&until| until > now) {
            return Err(NoRoom::Until(until));
        }
        let idle = self.uncounted + self.promised == 0
            && self.latest.is_none_or(|latest| latest + self.interval + SLACK <= now);
        if idle && self.counted.is_empty() {
            // What was known of others is old.
            self.others = Others::default();
            self.beginning = Some(Beginning { since: now, ramp: limit.div_ceil(FIRST_SHARE), remaining: None });
        }
        let used = self.used(now);
        let free = limit.saturating_sub(self.others.used().saturating_add(used));
        if free == 0 {
            return match (self.counted.get(self.left(now)), self.oldest()) {
                (Some(&counted), _) => Err(NoRoom::Until(counted + self.interval)),
                // Its response shows earlier when it leaves the window.
                (None, Some(sent)) => Err(NoRoom::Response(sent + SLACK + self.interval)),
                (None, None) if self.promised > 0 => Err(NoRoom::Response(now + SLACK)),
                // With nothing of our own in the window, only asking shows whether the others have left room.
                (None, None) => Ok(()),
            };
        }
        if self.in_flight + self.promised >= self.at_once(free, now) {
            return Err(NoRoom::Response(self.oldest().unwrap_or(now) + SLACK));
        }
        Ok(())
    }

    /// How many may be in flight beside others who see the same responses.
    fn at_once(&self, free: u32, now: Instant) -> u32 {
        let half = |free: u32| free.div_ceil(2).max(1);
        let begun = self.beginning.filter(|beginning| now < beginning.since + self.interval);
        let beginning = begun.map_or(u32::MAX, |b| b.ramp.min(b.remaining.map_or(u32::MAX, |left| (left / 4).max(1))));
        let under_way = self.in_flight + self.promised;
        let beside_others = if self.others.used() > 0 { half(free.saturating_add(under_way)) } else { u32::MAX };
        beginning.min(beside_others)
    }

    /// The id of a request that is sent now.
    pub(super) fn send(&mut self, now: Instant) -> u64 {
        let id = self.first + self.requests.len() as u64;
        if self.limit.is_some() {
            self.in_flight += 1;
            self.uncounted += 1;
            self.requests.push_back(Request { sent: now, state: State::InFlight });
        } else {
            self.first += 1;
            self.oldest += 1;
        }
        id
    }

    /// Keeps a permit for somebody who waits.
    pub(super) fn promise(&mut self) {
        self.promised += 1;
    }

    /// Takes back a promise: the permit was taken, or nobody wants it.
    pub(super) fn withdraw_promise(&mut self) {
        self.promised -= 1;
    }

    pub(super) fn release(&mut self, id: u64, usage: &PermitUsage, now: Instant) {
        self.pass(now);
        let index = id.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let mut request = index.and_then(|index| self.requests.get_mut(index));
        let before = request.as_deref().copied().filter(|request| request.state != State::Ended);
        let (state, counts) = match usage {
            PermitUsage::NotSent => (State::Ended, false),
            // It counts until its slack is over.
            PermitUsage::NoResponse => (State::Lost, true),
            // HubSpot does not count what it rejects.
            PermitUsage::Response { rate_limited, .. } => (State::Ended, !rate_limited),
        };
        if let (Some(request), Some(before)) = (&mut request, before) {
            match before.state {
                State::InFlight => {
                    request.state = state;
                    self.in_flight -= 1;
                    if state == State::Ended {
                        self.uncounted -= 1;
                        self.latest = Some(now);
                        if counts {
                            self.counted.push_back(now);
                        }
                    }
                }
                State::Slow => {
                    request.state = State::Ended;
                    if !counts && let Ok(place) = self.counted.binary_search(&(before.sent + SLACK)) {
                        self.counted.remove(place);
                    }
                }
                State::Lost | State::Ended => {}
            }
        }
        self.pass(now);
        if let PermitUsage::Response { headers, rate_limited } = usage {
            // A response to a request that was forgotten since comes too late to count for others.
            self.learn(headers, *rate_limited, before.map(|request| request.sent), now);
        }
    }

    fn learn(&mut self, headers: &RateLimitHeaders, rate_limited: bool, sent: Option<Instant>, now: Instant) {
        let Some(limit) = &mut self.limit else {
            return;
        };
        self.known = true;
        *limit = headers.limit.unwrap_or(*limit);
        let limit = *limit;
        // A response slower than the slack speaks of a window that is forgotten in part.
        let asked = sent.filter(|&sent| now <= sent + SLACK);
        self.interval = headers.interval.unwrap_or(self.interval);
        if rate_limited {
            // If HubSpot gives no time, room comes with the first request of our own to leave the window. Without any
            // of our own, or where it is not known any more, the only way to find out is to ask, one request at a time.
            let is_late = asked.is_none();
            if is_late {
                let ramp = limit.div_ceil(FIRST_SHARE);
                self.beginning = Some(Beginning { since: now, ramp, remaining: Some(0) });
            }
            let is_open = is_late || self.counting(now) as u32 + self.uncounted == 0;
            let told = headers.retry_after.map(|pause| pause.min(MAX_PAUSE));
            let pause = told.or_else(|| is_open.then_some(self.interval / 4));
            // One response may ask for less than another to a request sent at the same time.
            self.paused_until = self.paused_until.max(pause.map(|pause| now + pause));
        }
        let remaining = if rate_limited { Some(0) } else { headers.remaining };
        if let Some(beginning) = &mut self.beginning {
            beginning.ramp = beginning.ramp.saturating_add(1);
            beginning.remaining = remaining.or(beginning.remaining);
        }
        if let (Some(remaining), Some(sent)) = (remaining, asked) {
            let ours = self.counting(sent) as u32 + self.uncounted;
            let used = limit.saturating_sub(remaining);
            self.others.seen(used.saturating_sub(ours), now, self.interval);
        }
    }

    pub(super) fn used(&mut self, now: Instant) -> u32 {
        self.pass(now);
        self.counting(now) as u32 + self.uncounted + self.promised
    }

    pub(super) fn used_by_others(&self) -> u32 {
        self.others.used()
    }

    /// How many of those that are counted were in the window at that time.
    fn counting(&self, time: Instant) -> usize {
        self.counted.len() - self.left(time)
    }

    /// How many of those that are counted had left it.
    fn left(&self, time: Instant) -> usize {
        self.counted.partition_point(|&counted| counted + self.interval <= time)
    }

    /// When the first was sent that HubSpot may not have counted yet.
    fn oldest(&self) -> Option<Instant> {
        self.requests.get((self.oldest - self.first) as usize).map(|request| request.sent)
    }

    /// The earliest time at which there is a permit for a place in line, 0 being the first, if those before it are sent as
    /// early as can be, and beside what so many others use.
    pub(super) fn turn(&mut self, place: usize, others: u32, now: Instant) -> Instant {
        let Some(limit) = self.limit else {
            return now;
        };
        let used = self.used(now);
        let open = self.paused_until.unwrap_or(now).max(now);
        let size = limit.saturating_sub(others).max(1) as usize;
        let (rounds, place) = (place / size, place % size);
        let first = match (place + used as usize).checked_sub(size) {
            None => open,
            Some(leaving) => {
                let counted = self.counted.get(self.left(now) + leaving).copied();
                // What is in flight may be answered at once, and leaves one interval later.
                (counted.unwrap_or(now) + self.interval).max(open)
            }
        };
        first + self.interval * u32::try_from(rounds).unwrap_or(u32::MAX).min(MAX_ROUNDS)
    }

    /// Lets time pass: what is too slow is in flight no more, and what no response can be about any more is forgotten.
    fn pass(&mut self, now: Instant) {
        while let Some(request) = self.requests.get_mut((self.oldest - self.first) as usize) {
            if matches!(request.state, State::InFlight | State::Lost) {
                let slow = request.sent + SLACK;
                if slow > now {
                    break;
                }
                self.in_flight -= u32::from(request.state == State::InFlight);
                self.uncounted -= 1;
                request.state = State::Slow;
                self.counted.push_back(slow);
                self.latest = Some(slow);
            }
            self.oldest += 1;
        }
        let kept = self.interval + SLACK;
        while self.counted.front().is_some_and(|&counted| counted + kept <= now) {
            self.counted.pop_front();
        }
        while let Some(request) = self.requests.front()
            && (request.state == State::Ended || request.sent + SLACK + kept <= now)
        {
            self.requests.pop_front();
            self.first += 1;
        }
        self.oldest = self.oldest.max(self.first);
    }
}

/// A wait of more windows than these is as good as one of ever.
const MAX_ROUNDS: u32 = 10_000;
