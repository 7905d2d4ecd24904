//! What a bulk run gives.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;

use super::{Association, engine::Engine};
use crate::Result;

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The input's position, from 0 on.
    pub index: u64,
    /// The input.
    pub association: Association,
    /// Whether it was carried out; if not, why.
    ///
    /// Where HubSpot refused the batch because of this input, the error has the status, category and correlation id of
    /// that answer, and of the objects and details that HubSpot named only those of this input, after the first 256 bytes of
    /// the message. The errors inside an answer that made
    /// others (207) have no status.
    pub result: Result<()>,
    /// Whether this is from the [journal](super::Journal) of an earlier run, so that nothing was sent for it in this one.
    pub replayed: bool,
}

/// The outcomes of a bulk run, as a [`Stream`]: one for each input.
///
/// Inputs are taken only while it is polled. Requests under way go on meanwhile, in tasks that end with the stream: an
/// input whose outcome was not given may have been carried out. A future of `next()` may be dropped at any time without a
/// loss. It needs a Tokio runtime.
#[must_use = "a stream does nothing until it is polled"]
pub struct Outcomes(pub(super) Engine);

impl Stream for Outcomes {
    type Item = Outcome;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outcome>> {
        self.get_mut().0.poll(cx)
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}
