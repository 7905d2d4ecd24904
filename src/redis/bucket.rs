//! One rate limit that processes share, as one of them sees it: the calls that wait for a permit, and the requests that
//! ended.

mod task;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Id},
    sync::{Notify, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

use super::{
    trouble::Trouble,
    window::{Reply, Report, SharedWindow, Usage},
};
use crate::rate_limit::{
    headers::RateLimitHeaders,
    limiter::{BucketStatus, MAX_PAUSE, PermitUsage},
    not_in_time::NotInTime,
    rolling_window::{Bucket, SLACK},
};

/// What has ended is reported together with what else ends within it, or with the next request for permits.
const GATHER: Duration = Duration::from_millis(20);
/// The first id of a permit that a local limiter gave.
const LOCAL: u64 = 1 << 63;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
pub(super) struct SharedBucket {
    window: SharedWindow,
    local_share: Option<f64>,
    state: Mutex<State>,
    /// The limiter in place of Redis while that is gone.
    local: watch::Sender<Option<Arc<Bucket>>>,
    /// Wakes the task.
    changed: Notify,
    /// The runtime of the task.
    home: Id,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Waiting>,
    /// When the task last looked.
    looked_at: Instant,
    /// When Redis said to come back; this process has a place in its queue.
    ask_at: Option<Instant>,
    /// The requests whose end is not known.
    sent: HashMap<u64, Sent>,
    reports: Vec<Report>,
    report_at: Option<Instant>,
    /// The latest headers that Redis does not know.
    headers: RateLimitHeaders,
    /// Of permits that Redis has not been seen to grant. They stay the same until its reply arrives, so that what it has
    /// granted in a reply that was lost is granted again.
    next_id: u64,
    next_local: u64,
    /// When this process sent what may count, for a local limiter to begin with.
    recent: VecDeque<Instant>,
    known: Reply,
    failure: Option<Arc<Trouble>>,
    closed: bool,
}

/// Somebody who waits for a permit.
#[derive(Debug)]
struct Waiting {
    sender: oneshot::Sender<Grant>,
    deadline: Option<Instant>,
}

/// A request that was sent.
#[derive(Debug)]
struct Sent {
    at: Instant,
    /// The limiter that gave its permit in place of Redis, and the id there: Redis does not know of it.
    local: Option<(Arc<Bucket>, u64)>,
}

impl State {
    fn send(&mut self, id: u64, local: Option<(Arc<Bucket>, u64)>) {
        let now = Instant::now();
        self.sent.insert(id, Sent { at: now, local });
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|sent| *sent + self.known.interval + SLACK <= now) {
            self.recent.pop_front();
        }
    }

    /// The earliest time for another permit, after all calls that wait; known if Redis has said when to come back.
    fn turn(&self) -> Option<Instant> {
        let rounds = self.waiting.len() as u32 / self.known.limit.max(1);
        self.ask_at.filter(|at| *at > Instant::now()).map(|at| at + self.known.interval * rounds)
    }

    fn not_in_time(&self) -> NotInTime {
        NotInTime::new(self.turn().map(|turn| turn.saturating_duration_since(Instant::now())))
    }

    /// What a local limiter has let through is Redis's from now on.
    fn hand_over(&mut self) {
        for (&id, sent) in &mut self.sent {
            if sent.local.take().is_some() {
                let answered = sent.at + SLACK;
                self.reports.push(Report { id, usage: Usage::Elsewhere, sent: sent.at, answered });
            }
        }
    }
}

/// A permit on its way to whoever waits for it. One that arrives too late is given back.
struct Grant {
    bucket: Arc<SharedBucket>,
    id: Option<u64>,
    asked: Instant,
}

impl Grant {
    /// None where this process was held up since. Redis counts the request until [`SLACK`] after it was granted, and it
    /// would be counted by HubSpot later. Whoever lets Redis reply more slowly wants permits all the same.
    fn take(mut self) -> Option<u64> {
        let good_for = SLACK.max(self.bucket.window.redis.timeout());
        self.id.take_if(|_| self.asked.elapsed() < good_for)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.bucket.release(id, &PermitUsage::NotSent);
        }
    }
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Grant").field(&self.id).finish()
    }
}

impl SharedBucket {
    /// Asks once, for nothing, to see whether all is as it has to be.
    pub(super) async fn connect(window: SharedWindow, local_share: Option<f64>) -> Result<Self, Trouble> {
        let known = window.exchange(0, 0, &RateLimitHeaders::default(), &[]).await?;
        let state = State {
            waiting: VecDeque::new(),
            looked_at: Instant::now(),
            ask_at: None,
            sent: HashMap::new(),
            reports: Vec::new(),
            report_at: None,
            headers: RateLimitHeaders::default(),
            next_id: 0,
            next_local: LOCAL,
            recent: VecDeque::new(),
            known,
            failure: None,
            closed: false,
        };
        Ok(Self {
            window,
            local_share,
            state: Mutex::new(state),
            local: watch::Sender::new(None),
            changed: Notify::new(),
            home: Handle::current().id(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn try_acquire(&self) -> Option<u64> {
        let local = self.local.borrow().clone()?;
        let id = local.try_acquire()?;
        Some(self.sent_locally(local, id))
    }

    fn sent_locally(&self, local: Arc<Bucket>, id: u64) -> u64 {
        let mut state = self.state();
        let own = state.next_local;
        state.next_local += 1;
        state.send(own, Some((local, id)));
        own
    }

    /// Fails with [`NotInTime`] as soon as it is clear that there is no permit before the deadline, and then at the latest.
    pub(super) async fn acquire(self: &Arc<Self>, deadline: Option<Instant>) -> Result<u64, BoxError> {
        let Some(time) = deadline else {
            return self.wait(None).await;
        };
        let outcome = timeout_at(time, self.wait(deadline)).await;
        outcome.unwrap_or_else(|_| Err(self.state().not_in_time().into()))
    }

    async fn wait(self: &Arc<Self>, deadline: Option<Instant>) -> Result<u64, BoxError> {
        let mut changes = self.local.subscribe();
        loop {
            let local = changes.borrow_and_update().clone();
            if let Some(local) = local {
                tokio::select! {
                    id = local.acquire(deadline) => return Ok(self.sent_locally(Arc::clone(&local), id?)),
                    _ = changes.changed() => continue,
                }
            }
            let (sender, receiver) = oneshot::channel();
            {
                let mut state = self.state();
                if state.closed {
                    return Err("the limiter, or the runtime that it was connected in, has ended".into());
                }
                // Redis may have gone since.
                if self.local.borrow().is_some() {
                    continue;
                }
                if deadline.is_some_and(|deadline| state.turn().is_some_and(|turn| turn >= deadline)) {
                    return Err(state.not_in_time().into());
                }
                state.waiting.push_back(Waiting { sender, deadline });
            }
            self.changed.notify_one();
            if let Some(id) = self.granted_to(receiver).await?.and_then(Grant::take) {
                return Ok(id);
            }
            // Redis is gone, or this limiter.
            let state = self.state();
            if let (false, None, Some(failure)) = (state.closed, self.local_share, &state.failure) {
                return Err(Box::new(Arc::clone(failure)));
            }
        }
    }

    /// `None` where the task has given up, or this one's turn comes too late.
    async fn granted_to(&self, mut receiver: oneshot::Receiver<Grant>) -> Result<Option<Grant>, BoxError> {
        if Handle::try_current().is_ok_and(|here| here.id() == self.home) {
            return Ok(receiver.await.ok());
        }
        // The task is in another runtime. As long as that runs, the task looks soon after it is notified.
        let patience = 4 * self.window.redis.timeout();
        loop {
            let woken_at = Instant::now();
            self.changed.notify_one();
            match timeout(patience, &mut receiver).await {
                Ok(grant) => return Ok(grant.ok()),
                Err(_) if self.state().looked_at < woken_at => {
                    return Err("the runtime that the limiter was connected in does not run any more".into());
                }
                Err(_) => {}
            }
        }
    }

    pub(super) fn release(&self, id: u64, usage: &PermitUsage) {
        let mut state = self.state();
        let Some(Sent { at: sent, local }) = state.sent.remove(&id) else { return };
        let answered = Instant::now();
        let usage = match usage {
            PermitUsage::NotSent => Usage::NotCounted,
            // It counts until a second after it was sent, as Redis knows.
            PermitUsage::NoResponse if local.is_none() => return,
            PermitUsage::NoResponse => Usage::Elsewhere,
            PermitUsage::Response { headers, rate_limited } => {
                learn(&mut state.headers, headers);
                match rate_limited {
                    true => Usage::Refused(headers.retry_after.map(|pause| pause.min(MAX_PAUSE))),
                    false if local.is_some() => Usage::Elsewhere,
                    false => Usage::Answered(headers.remaining),
                }
            }
        };
        if let Some((local, id)) = local {
            local.release(id, &local_usage(usage));
        }
        state.reports.push(Report { id, usage, sent, answered });
        self.report(state);
    }

    /// Learns the daily figures from a response to a request of another rate limit.
    pub(super) fn learn_daily(&self, headers: &RateLimitHeaders) {
        let RateLimitHeaders { daily_limit, daily_remaining, .. } = *headers;
        if daily_limit.or(daily_remaining).is_none() {
            return;
        }
        let mut state = self.state();
        learn(&mut state.headers, &RateLimitHeaders { daily_limit, daily_remaining, ..RateLimitHeaders::default() });
        self.report(state);
    }

    fn report(&self, mut state: MutexGuard<'_, State>) {
        if state.report_at.is_none() {
            state.report_at = Some(Instant::now() + GATHER);
            drop(state);
            self.changed.notify_one();
        }
    }

    pub(super) fn status(&self) -> BucketStatus {
        let state = self.state();
        if let Some(local) = &*self.local.borrow() {
            return local.status();
        }
        BucketStatus {
            limit: Some(state.known.limit),
            interval: state.known.interval,
            used: state.known.used,
            used_by_others: state.known.others,
            waiting: state.waiting.iter().filter(|waiting| !waiting.sender.is_closed()).count() as u32,
        }
    }

    pub(super) fn daily(&self) -> (Option<u64>, Option<u64>) {
        let state = self.state();
        let (known, newer) = (&state.known, &state.headers);
        (newer.daily_limit.or(known.daily_limit), newer.daily_remaining.or(known.daily_remaining))
    }
}

fn learn(known: &mut RateLimitHeaders, newer: &RateLimitHeaders) {
    known.limit = newer.limit.or(known.limit);
    known.interval = newer.interval.or(known.interval);
    known.daily_limit = newer.daily_limit.or(known.daily_limit);
    known.daily_remaining = newer.daily_remaining.or(known.daily_remaining);
}

/// The local limiter keeps to its share whatever the headers say of the whole.
fn local_usage(usage: Usage) -> PermitUsage {
    let (retry_after, rate_limited) = match usage {
        Usage::NotCounted => return PermitUsage::NotSent,
        Usage::Refused(retry_after) => (retry_after, true),
        Usage::Answered(_) | Usage::Elsewhere => (None, false),
    };
    PermitUsage::Response { headers: RateLimitHeaders { retry_after, ..RateLimitHeaders::default() }, rate_limited }
}
