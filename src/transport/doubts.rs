//! What may have been changed: the inputs of a batch, and how many requests of a run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Which inputs of a batch may have been changed, by their places in it. Clones are of the same batch.
#[derive(Debug, Clone)]
pub(crate) struct Sent(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// How many requests that may have changed an input had it.
    doubtful: Vec<u32>,
    is_over: bool,
}

impl Sent {
    pub(crate) fn new(inputs: usize) -> Self {
        Self(Arc::new(Mutex::new(State { doubtful: vec![0; inputs], is_over: false })))
    }

    /// Notes inputs that no request has changed, although some were sent.
    pub(crate) fn changed_nothing(&self, places: &[usize]) {
        self.state().each(places, |doubtful| *doubtful = 0);
    }

    /// Has nothing more be sent, and tells the places of the inputs that were certainly not changed.
    pub(crate) fn end(&self) -> Vec<usize> {
        let mut state = self.state();
        state.is_over = true;
        let doubtful = state.doubtful.iter().enumerate();
        doubtful.filter(|(_, doubtful)| **doubtful == 0).map(|(place, _)| place).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn each(&mut self, places: &[usize], change: impl Fn(&mut u32)) {
        for place in places {
            if let Some(doubtful) = self.doubtful.get_mut(*place) {
                change(doubtful);
            }
        }
    }
}

/// What a request of a bulk run may have changed.
#[derive(Debug, Clone)]
pub(crate) struct Doubt {
    pub(crate) batch: Sent,
    pub(crate) places: Vec<usize>,
    pub(crate) run: Option<Doubts>,
}

impl Doubt {
    /// The request is about to be sent; false where it must not be any more.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.batch.state();
        if state.is_over {
            return false;
        }
        state.each(&self.places, |doubtful| *doubtful += 1);
        self.run.iter().for_each(Doubts::begin);
        true
    }

    /// It is known to have changed nothing.
    pub(crate) fn dispel(&self) {
        self.batch.state().each(&self.places, |doubtful| *doubtful = doubtful.saturating_sub(1));
        self.run.iter().for_each(Doubts::dispel);
    }
}

/// The requests that are under way, that were carried out, or of which it is not known that they changed nothing. Clones count
/// together.
// Jobs alone have one.
#[cfg_attr(not(feature = "redis"), allow(dead_code))]
#[derive(Debug, Clone)]
pub(crate) struct Doubts(Arc<watch::Sender<usize>>);

#[cfg_attr(not(feature = "redis"), allow(dead_code))]
impl Doubts {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    fn begin(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    fn dispel(&self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }

    pub(crate) fn remain(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until none remain.
    pub(crate) async fn dispelled(&self) {
        // The sender is here.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}
