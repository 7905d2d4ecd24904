//! One rate limit and the line of calls that wait for it.
//!
//! The line is data. Permits are handed out by whatever makes room, and by a task if only time does: never by the
//! future of a waiting call, which its owner may leave unpolled. Each runtime with a waiting call has such a task,
//! because any runtime may have stopped.

mod acquire;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use tokio::{
    runtime::Id,
    sync::Notify,
    time::{Instant, timeout_at},
};

use self::acquire::Acquire;
use super::window::{NoRoom, Window};
use crate::rate_limit::{
    limiter::{BucketStatus, PermitUsage},
    not_in_time::NotInTime,
};

/// How long a permit waits for those it is offered to, before it is offered to more.
const GRACE: Duration = Duration::from_millis(100);
/// How often the number of those a permit is offered to doubles at most.
const MOST_DOUBLINGS: u32 = 16;

#[derive(Debug)]
pub(crate) struct Bucket {
    state: Mutex<State>,
    /// Wakes the tasks when they have to look earlier.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Those who wait, by their place in line.
    line: BTreeMap<u64, Waiting>,
    next_place: u64,
    /// The deadlines of those who have one.
    deadlines: BTreeSet<(Instant, u64)>,
    /// Those who were woken to take a permit. Whoever of them is polled first takes one.
    woken: BTreeSet<u64>,
    /// Since when each permit is offered to them, in that order.
    offers: VecDeque<Instant>,
    /// A permit is offered to two to the power of this, so that many who are not polled hold up the others no longer than a
    /// few.
    doublings: u32,
    /// Those who cannot have one in time.
    too_late: BTreeMap<u64, NotInTime>,
    /// The tasks, and when each looks again.
    tasks: Vec<(Id, Instant)>,
}

#[derive(Debug)]
struct Waiting {
    waker: Waker,
    deadline: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(limit: Option<u32>, interval: Duration) -> Self {
        let state = State {
            window: Window::new(limit, interval),
            line: BTreeMap::new(),
            next_place: 0,
            deadlines: BTreeSet::new(),
            woken: BTreeSet::new(),
            offers: VecDeque::new(),
            doublings: 0,
            too_late: BTreeMap::new(),
            tasks: Vec::new(),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// With a limit that no response has to confirm.
    pub(super) fn known(self) -> Self {
        self.state().window.confirm();
        self
    }

    /// With requests that were answered before, at these times.
    #[cfg(feature = "redis")]
    pub(crate) fn begun(limit: u32, interval: Duration, before: impl Iterator<Item = Instant>) -> Self {
        let bucket = Self::new(Some(limit), interval).known();
        bucket.state().window.begin_with(before);
        bucket
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn try_acquire(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.state();
        (state.line.is_empty() && state.window.room(now).is_ok()).then(|| state.window.send(now))
    }

    /// The id of a permit; or an error as soon as it is clear that there is none before the deadline, and then at the
    /// latest.
    pub(crate) async fn acquire(self: &Arc<Self>, deadline: Option<Instant>) -> Result<u64, NotInTime> {
        let acquire = Acquire { bucket: Arc::clone(self), deadline, place: None };
        let Some(deadline) = deadline else {
            return acquire.await;
        };
        match timeout_at(deadline, acquire).await {
            Ok(result) => result,
            Err(_) => Err(self.state().not_in_time(Instant::now())),
        }
    }

    pub(crate) fn release(&self, id: u64, usage: &PermitUsage) {
        let now = Instant::now();
        let mut state = self.state();
        let before = state.window.facts();
        state.window.release(id, usage, now);
        let changed = state.window.facts() != before;
        let woken = state.released(changed, now);
        self.hand_over(state, woken);
    }

    pub(crate) fn status(&self) -> BucketStatus {
        let mut state = self.state();
        BucketStatus {
            limit: state.window.limit,
            interval: state.window.interval,
            used: state.window.used(Instant::now()),
            used_by_others: state.window.used_by_others(),
            waiting: (state.line.len() + state.woken.len()) as u32,
        }
    }

    /// Lets go of the lock before anybody is woken: what wakes may be anybody's code.
    fn hand_over(&self, state: MutexGuard<'_, State>, woken: Woken) {
        let earlier = state.tasks.iter().any(|(_, look_at)| woken.look_at.is_some_and(|time| time < *look_at));
        drop(state);
        if earlier {
            self.changed.notify_waiters();
        }
        woken.wakers.into_iter().for_each(Waker::wake);
    }

    /// Hands out as time makes room, until nobody waits.
    async fn work(self: Arc<Self>, task: Id) {
        let mut ending = Ending { bucket: &self, task: Some(task) };
        loop {
            let changed = self.changed.notified();
            let look_at = {
                let mut state = self.state();
                let woken = state.hand_out(Instant::now());
                let Some(look_at) = woken.look_at else {
                    // Under the lock: whoever comes next starts another.
                    state.tasks.retain(|(id, _)| *id != task);
                    ending.task = None;
                    return;
                };
                state.tasks.iter_mut().filter(|(id, _)| *id == task).for_each(|(_, at)| *at = look_at);
                self.hand_over(state, woken);
                look_at
            };
            // Either is a reason to look again.
            drop(timeout_at(look_at, changed).await);
        }
    }
}

/// The end of a task with its runtime.
struct Ending<'a> {
    bucket: &'a Bucket,
    task: Option<Id>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task {
            self.bucket.state().tasks.retain(|(id, _)| *id != task);
        }
    }
}

/// What is to be done without the lock.
#[derive(Default)]
struct Woken {
    wakers: Vec<Waker>,
    /// When to look again; none where nobody waits.
    look_at: Option<Instant>,
}

impl State {
    fn released(&mut self, changed: bool, now: Instant) -> Woken {
        let mut too_late = if changed { self.turn_away_late(now) } else { Vec::new() };
        let mut woken = self.hand_out(now);
        woken.wakers.append(&mut too_late);
        woken
    }

    /// Gives whoever waits as many permits as there are.
    fn hand_out(&mut self, now: Instant) -> Woken {
        let mut woken = Woken::default();
        let mut missed = false;
        while self.offers.front().is_some_and(|&since| since + GRACE <= now) {
            self.offers.pop_front();
            self.window.withdraw_promise();
            missed = true;
        }
        if missed {
            self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        }
        while !self.line.is_empty() {
            match self.window.room(now) {
                Ok(()) => {
                    self.window.promise();
                    self.offers.push_back(now);
                    for _ in 0..1_u32 << self.doublings {
                        let Some((place, waiting)) = self.line.pop_first() else { break };
                        self.forget_deadline(place, waiting.deadline);
                        self.woken.insert(place);
                        woken.wakers.push(waiting.waker);
                    }
                }
                Err(no_room) => {
                    if let NoRoom::Until(room_at) = no_room {
                        self.turn_away_before(room_at, now, &mut woken.wakers);
                    }
                    if !self.line.is_empty() {
                        woken.look_at = Some(no_room.look_at());
                    }
                    break;
                }
            }
        }
        let offered_until = self.offers.front().map(|&since| since + GRACE);
        woken.look_at = woken.look_at.into_iter().chain(offered_until).min();
        woken
    }

    /// Nobody gets a permit before that time.
    fn turn_away_before(&mut self, room_at: Instant, now: Instant, wakers: &mut Vec<Waker>) {
        while let Some(&(deadline, place)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= room_at) {
            self.deadlines.remove(&(deadline, place));
            if let Some(waiting) = self.line.remove(&place) {
                wakers.push(waiting.waker);
                let not_in_time = self.not_in_time(now);
                self.too_late.insert(place, not_in_time);
            }
        }
    }

    /// Whoever cannot have a permit in time by what is known now.
    fn turn_away_late(&mut self, now: Instant) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if self.deadlines.is_empty() || !self.window.is_known() {
            return wakers;
        }
        let mut ahead = 0;
        for (place, waiting) in mem::take(&mut self.line) {
            match waiting.deadline.filter(|deadline| self.window.turn(ahead, 0, now) >= *deadline) {
                Some(deadline) => {
                    self.deadlines.remove(&(deadline, place));
                    wakers.push(waiting.waker);
                    let not_in_time = self.not_in_time(now);
                    self.too_late.insert(place, not_in_time);
                }
                None => {
                    self.line.insert(place, waiting);
                    ahead += 1;
                }
            }
        }
        wakers
    }

    /// The error for a call that comes now, with the time until there will be room.
    fn not_in_time(&mut self, now: Instant) -> NotInTime {
        let others = self.window.used_by_others();
        let turn = self.window.turn(self.line.len(), others, now);
        let room = self.window.room(now).map_or_else(NoRoom::look_at, |()| now);
        NotInTime::new(turn.max(room).saturating_duration_since(now))
    }

    /// Takes back the latest offer, if there is one: the others come to their end in time.
    fn take_offer(&mut self) -> bool {
        let offered = self.offers.pop_back().is_some();
        if offered {
            self.window.withdraw_promise();
        }
        offered
    }

    fn forget_deadline(&mut self, place: u64, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, place));
        }
    }
}
