//! Future of a call that waits for a permit.

use std::{
    pin::Pin,
    sync::{Arc, MutexGuard},
    task::{Context, Poll},
};

use tokio::{runtime::Handle, time::Instant};

use super::{Bucket, State, Waiting, Woken};
use crate::rate_limit::{not_in_time::NotInTime, rolling_window::window::NoRoom};

/// Somebody who waits for a permit.
#[derive(Debug)]
pub(super) struct Acquire {
    pub(super) bucket: Arc<Bucket>,
    pub(super) deadline: Option<Instant>,
    /// In line; it stays the same for one who was woken and found no permit.
    pub(super) place: Option<u64>,
}

impl Acquire {
    fn poll_in(&mut self, state: &mut State, cx: &Context<'_>) -> Poll<Result<u64, NotInTime>> {
        let now = Instant::now();
        if let Some(place) = self.place {
            if state.woken.remove(&place) && state.take_offer() {
                state.doublings = state.doublings.saturating_sub(1);
                return Poll::Ready(Ok(state.window.send(now)));
            }
            if let Some(not_in_time) = state.too_late.remove(&place) {
                return Poll::Ready(Err(not_in_time));
            }
            if let Some(waiting) = state.line.get_mut(&place) {
                if !waiting.waker.will_wake(cx.waker()) {
                    waiting.waker = cx.waker().clone();
                }
                return Poll::Pending;
            }
        }
        let place = *self.place.get_or_insert_with(|| {
            state.next_place += 1;
            state.next_place
        });
        let first = state.line.first_key_value().is_none_or(|(first, _)| place <= *first);
        let room = state.window.room(now);
        if first && room.is_ok() {
            return Poll::Ready(Ok(state.window.send(now)));
        }
        if let Some(deadline) = self.deadline {
            let sure = match room {
                Err(NoRoom::Until(room_at)) => room_at,
                _ => now,
            };
            let newest = place == state.next_place;
            let ahead = if newest { state.line.len() } else { state.line.range(..place).count() };
            let turn = if state.window.is_known() { state.window.turn(ahead, 0, now) } else { now };
            if turn.max(sure) >= deadline {
                return Poll::Ready(Err(state.not_in_time(now)));
            }
            state.deadlines.insert((deadline, place));
        }
        state.line.insert(place, Waiting { waker: cx.waker().clone(), deadline: self.deadline });
        Poll::Pending
    }

    /// Sees to it that somebody hands out when only time makes room.
    fn look_after(&self, mut state: MutexGuard<'_, State>) {
        let woken = state.hand_out(Instant::now());
        // Outside a runtime it is only handed out what others give back.
        if let (Some(look_at), Ok(runtime)) = (woken.look_at, Handle::try_current()) {
            let task = runtime.id();
            if !state.tasks.iter().any(|(id, _)| *id == task) {
                state.tasks.push((task, look_at));
                runtime.spawn(Arc::clone(&self.bucket).work(task));
            }
        }
        self.bucket.hand_over(state, woken);
    }
}

impl Future for Acquire {
    type Output = Result<u64, NotInTime>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let bucket = Arc::clone(&this.bucket);
        let mut state = bucket.state();
        let permit = this.poll_in(&mut state, cx);
        match permit {
            Poll::Pending => this.look_after(state),
            Poll::Ready(_) => this.place = None,
        }
        permit
    }
}

/// Gives up the place, and a permit that was offered to it.
impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut state = self.bucket.state();
        state.too_late.remove(&place);
        let waiting = state.line.remove(&place);
        state.forget_deadline(place, self.deadline);
        let mut woken = Woken::default();
        if state.woken.remove(&place) && state.take_offer() {
            woken = state.hand_out(Instant::now());
        }
        self.bucket.hand_over(state, woken);
        drop(waiting);
    }
}
