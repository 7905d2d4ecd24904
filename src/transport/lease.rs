//! A lease on what requests change: they are sent only while it holds.
// Jobs alone have one.
#![cfg_attr(not(feature = "redis"), allow(dead_code))]

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::SystemTime,
};

use tokio::time::{Duration, Instant};

/// What others may take over once it has ended. Clones are the same lease. One that has ended never holds again.
#[derive(Debug, Clone)]
pub(crate) struct Lease(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    since: Moment,
    term: Duration,
    ended: bool,
    /// Requests that were sent, and of which it is not known that they are over.
    doubtful: usize,
}

/// A time by two clocks, of which the one that has gone further counts.
///
/// The monotonic clock stands still while the machine, or the virtual machine, is suspended, and Redis gives the lease to
/// others meanwhile: only the system's clock shows that time. Somebody may set that one. If it is set back, the monotonic
/// clock counts. If it is set forward, the lease ends too early, and its worker claims its batches anew, which costs
/// requests and does no harm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(Instant, SystemTime);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    /// The longer of both.
    fn elapsed(self) -> Duration {
        self.0.elapsed().max(self.1.elapsed().unwrap_or_default())
    }
}

impl Lease {
    /// A lease that holds so long from now on, unless it is extended.
    pub(crate) fn new(term: Duration) -> Self {
        Self(Arc::new(Mutex::new(State { since: Moment::now(), term, ended: false, doubtful: 0 })))
    }

    /// Has it hold from this moment on, unless it has ended; whether it holds.
    pub(crate) fn extend(&self, since: Moment) -> bool {
        let mut state = self.state();
        if state.holds() {
            state.since = since;
        }
        state.holds()
    }

    pub(crate) fn holds(&self) -> bool {
        self.state().holds()
    }

    /// Ends it, and tells whether all requests are known to be over.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        state.ended = true;
        state.doubtful == 0
    }

    /// Sends a request: the future is not polled once the lease has ended, when this is none. `is_over` tells of its output
    /// whether the request is.
    pub(crate) async fn send<T>(
        &self,
        request: impl Future<Output = T>,
        is_over: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let mut request = pin!(request);
        let mut sent = false;
        let output = std::future::poll_fn(|cx| {
            {
                let mut state = self.state();
                if !state.holds() {
                    return Poll::Ready(None);
                }
                state.doubtful += usize::from(!sent);
                sent = true;
            }
            request.as_mut().poll(cx).map(Some)
        })
        .await;
        if output.as_ref().is_some_and(is_over) {
            self.state().doubtful -= 1;
        }
        output
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn holds(&mut self) -> bool {
        self.ended |= self.since.elapsed() >= self.term;
        !self.ended
    }
}
