//! Count of the requests that may have changed something.
// Jobs alone have one.
#![cfg_attr(not(feature = "redis"), allow(dead_code))]

use std::sync::Arc;

use tokio::sync::watch;

/// The requests that are under way, that were carried out, or of which it is not known that they changed nothing. Clones count
/// together.
#[derive(Debug, Clone)]
pub(crate) struct Doubts(Arc<watch::Sender<usize>>);

impl Doubts {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// A request is about to be sent.
    pub(crate) fn begin(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// It is known to have changed nothing.
    pub(crate) fn dispel(&self) {
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
