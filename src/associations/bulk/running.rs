//! A batch under way.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tracing::Instrument;

use super::sender::{Numbered, Sender, Settled};
use crate::{error::Result, task::Task, transport::doubts::Sent};

/// Inputs that are sent together, and the values that ride along. The values stay here while the inputs are under way, so
/// that they need not be shared with a task.
pub(super) struct Batch<T> {
    pub(super) inputs: Vec<Numbered>,
    pub(super) values: Vec<T>,
}

/// A batch under way, in a task that ends with this.
///
/// It is a task so that what takes several requests goes on while the caller is busy with the outcomes before.
pub(super) struct Running<T> {
    task: Result<Task<Settled>>,
    pub(super) inputs: Arc<Vec<Numbered>>,
    values: Vec<T>,
    sent: Sent,
}

// No value is pinned.
impl<T> Unpin for Running<T> {}

impl<T> Running<T> {
    pub(super) fn start(sender: &Arc<Sender>, Batch { inputs, values }: Batch<T>) -> Self {
        let inputs = Arc::new(inputs);
        let sent = Sent::new(inputs.len());
        let settling = {
            let (sender, inputs, sent) = (Arc::clone(sender), Arc::clone(&inputs), sent.clone());
            async move {
                let settled = sender.settle(&inputs, &sent).await;
                drop(inputs);
                settled
            }
        };
        Self { task: Task::spawn(settling.in_current_span()), inputs, values, sent }
    }

    /// Has nothing more be sent, and tells the indexes of the inputs that were certainly not changed.
    pub(super) fn stop(&self) -> impl Iterator<Item = u64> {
        self.sent.end().into_iter().filter_map(|place| Some(self.inputs.get(place)?.index))
    }
}

impl<T> Future for Running<T> {
    type Output = (Batch<T>, Result<Settled>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let settled = match &mut self.task {
            Ok(task) => ready!(Pin::new(task).poll(cx)),
            Err(error) => Err(error.clone()),
        };
        let inputs = Arc::unwrap_or_clone(mem::take(&mut self.inputs));
        Poll::Ready((Batch { inputs, values: mem::take(&mut self.values) }, settled))
    }
}
