//! Stream of the outcomes of a bulk run.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;

use crate::{
    associations::bulk::{engine::Engine, outcome::Outcome, settings::Bulk},
    error::Error,
};

/// The outcomes of a bulk run, one for each input, as a [`Stream`].
///
/// The run takes inputs only while you poll it. Requests in flight continue meanwhile, in tasks that end when the
/// stream is dropped: then an input whose outcome was not given may have been carried out. You can drop a future of
/// `next()` at any time without losing anything. Needs a Tokio runtime.
#[must_use = "a stream does nothing until it is polled"]
pub struct Outcomes<T = ()>(pub(super) Engine<T>);

impl<T> Outcomes<T> {
    /// Returns why the [journal](super::Journal) could not be written, an error with [`Error::is_journal`]. Check it
    /// when the stream has ended: outcomes given before it may be missing in the journal, those of the last batch
    /// included. Nothing was sent after it.
    pub fn journal_error(&self) -> Option<&Error> {
        self.0.refused().filter(|error| error.is_journal())
    }

    /// Ends the run and gives up the requests that are under way, as dropping the stream does. Returns a function that tells,
    /// for an input that has no outcome, by its index counted from 0, whether it certainly changed nothing: no request with
    /// it was begun, or HubSpot refused each, or did not take it for a rate limit. With
    /// [`including_labels`](Bulk::including_labels), another input may have taken a label along all the same.
    pub fn stop(self) -> impl Fn(u64) -> bool + use<T> {
        self.0.stop()
    }
}

impl<T> Stream for Outcomes<T> {
    type Item = Outcome<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outcome<T>>> {
        self.get_mut().0.poll(cx)
    }
}

// No value is pinned.
impl<T> Unpin for Outcomes<T> {}

impl<T> fmt::Debug for Outcomes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}

impl<T> Bulk<T> {
    /// Returns the stream of outcomes, one for each input. The run starts when it is polled.
    pub fn outcomes(self) -> Outcomes<T> {
        Outcomes(Engine::new(self))
    }
}
