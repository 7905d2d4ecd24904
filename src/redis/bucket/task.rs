//! Task of a bucket, which reports to Redis what has ended and asks it for permits.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Grant, SharedBucket, Waiting, learn};
use crate::{
    rate_limit::{
        headers::RateLimitHeaders,
        rolling_window::{Bucket, SLACK},
    },
    redis::{
        trouble::Trouble,
        window::{Reply, Report},
    },
};

/// How often Redis is tried while it is gone.
const RETRY: Duration = Duration::from_secs(1);
/// The script gives no more at once.
const MAX_BLOCK: usize = 100;

/// What is to be done, and when.
enum Work {
    Idle,
    At(Instant),
    Now { first: u64, wanted: u32, headers: RateLimitHeaders, reports: Vec<Report> },
}

impl SharedBucket {
    /// Talks to Redis until the limiter is dropped or the runtime ends.
    pub(in crate::redis) async fn work(self: Arc<Self>) {
        let _closing = Closing(Arc::clone(&self));
        loop {
            let changed = self.changed.notified();
            match self.next_work() {
                Work::Idle => changed.await,
                Work::At(time) => drop(timeout_at(time, changed).await),
                Work::Now { first, wanted, headers, reports } => {
                    let asked = Instant::now();
                    match self.window.exchange(first, wanted, &headers, &reports).await {
                        Ok(reply) => self.granted(first, wanted, reply, asked),
                        Err(trouble) => self.failed(trouble, headers, reports, asked),
                    }
                }
            }
        }
    }

    fn next_work(&self) -> Work {
        let now = Instant::now();
        let mut state = self.state();
        state.looked_at = now;
        let gone = self.local.borrow().is_some();
        let ask_at = match (gone, state.waiting.is_empty(), state.ask_at) {
            (true, _, at) => at,
            (false, true, None) => None,
            // Gives up its place in the queue.
            (false, true, Some(_)) => Some(now),
            (false, false, at) => Some(at.unwrap_or(now)),
        };
        let report_at = state.report_at.filter(|_| !gone);
        match ask_at.into_iter().chain(report_at).min() {
            None => Work::Idle,
            Some(at) if at > now => Work::At(at),
            Some(_) => {
                state.waiting.retain(|waiting| !waiting.sender.is_closed());
                let wanted = if gone { 0 } else { state.waiting.len().min(MAX_BLOCK) as u32 };
                let first = state.next_id;
                state.report_at = None;
                // What has left every window and asks for no pause any more is of no use; there may be much of it after
                // an outage.
                let old = state.known.interval + SLACK;
                state.reports.retain(|report| report.answered + report.usage.pause().max(old) > now);
                let (headers, reports) = (mem::take(&mut state.headers), mem::take(&mut state.reports));
                Work::Now { first, wanted, headers, reports }
            }
        }
    }

    fn granted(self: &Arc<Self>, first: u64, wanted: u32, reply: Reply, asked: Instant) {
        let now = Instant::now();
        let mut state = self.state();
        state.failure = None;
        state.known = reply;
        state.ask_at = (reply.granted < wanted && !reply.wait.is_zero()).then(|| now + reply.wait);
        let mut late = Vec::new();
        state.next_id = first + u64::from(reply.granted);
        for id in first..state.next_id {
            state.send(id, None);
            let mut grant = Grant { bucket: Arc::clone(self), id: Some(id), asked };
            while let Some(waiting) = state.waiting.pop_front() {
                match waiting.sender.send(grant) {
                    Ok(()) => {
                        grant = Grant { bucket: Arc::clone(self), id: None, asked };
                        break;
                    }
                    Err(back) => grant = back,
                }
            }
            late.push(grant);
        }
        let ask_at = state.ask_at;
        let too_late =
            |waiting: &Waiting| waiting.deadline.is_some_and(|deadline| ask_at.is_some_and(|at| at >= deadline));
        let (refused, waiting) = mem::take(&mut state.waiting).into_iter().partition::<VecDeque<_>, _>(too_late);
        state.waiting = waiting;
        if self.local.send_if_modified(|local| local.take().is_some()) {
            state.hand_over();
            state.report_at = (!state.reports.is_empty()).then_some(now);
        }
        // Giving back takes the lock.
        drop(state);
        drop(late);
        // They come back, and learn when there is room.
        drop(refused);
    }

    fn failed(&self, trouble: Trouble, headers: RateLimitHeaders, mut reports: Vec<Report>, asked: Instant) {
        let mut state = self.state();
        reports.append(&mut state.reports);
        state.reports = reports;
        let newer = mem::replace(&mut state.headers, headers);
        learn(&mut state.headers, &newer);
        state.failure = Some(Arc::new(trouble));
        state.ask_at = None;
        let waiting = mem::take(&mut state.waiting);
        match self.local_share {
            None => {
                // With the next call, or when there is as much to report again.
                state.report_at = (!state.reports.is_empty()).then(|| Instant::now() + RETRY);
            }
            Some(share) => {
                state.ask_at = Some((asked + RETRY).max(Instant::now()));
                if self.local.borrow().is_none() {
                    let limit = state.headers.limit.unwrap_or(state.known.limit);
                    let limit = ((f64::from(limit) * share) as u32).max(1);
                    let local = Bucket::begun(limit, state.known.interval, state.recent.iter().copied());
                    self.local.send_replace(Some(Arc::new(local)));
                }
            }
        }
        drop(state);
        // They ask again, or learn why they cannot.
        drop(waiting);
    }
}

/// Whoever waits for a task that is gone would wait for ever.
struct Closing(Arc<SharedBucket>);

impl Drop for Closing {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.state();
            state.closed = true;
            mem::take(&mut state.waiting)
        };
        drop(waiting);
    }
}
