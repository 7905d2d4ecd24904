//! The stream of a bulk run's outcomes.

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

/// The outcomes of a bulk run, as a [`Stream`]: one for each input.
///
/// Inputs are taken only while it is polled. Requests under way go on meanwhile, in tasks that end with the stream: an
/// input whose outcome was not given may have been carried out. A future of `next()` may be dropped at any time without a
/// loss. It needs a Tokio runtime.
#[must_use = "a stream does nothing until it is polled"]
pub struct Outcomes<T = ()>(pub(super) Engine<T>);

impl<T> Outcomes<T> {
    /// Why the [journal](super::Journal) could not be used, with [`Error::is_journal`]. Outcomes that were given before may be
    /// missing in it, those of the last batch among them: look here when the stream has ended. Nothing is sent after it.
    pub fn journal_error(&self) -> Option<&Error> {
        self.0.refused().filter(|error| error.is_journal())
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
    /// Starts when it is polled, and gives one outcome for each input.
    pub fn outcomes(self) -> Outcomes<T> {
        Outcomes(Engine::new(self))
    }
}
