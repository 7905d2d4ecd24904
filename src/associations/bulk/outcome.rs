//! Outcome of an input of a bulk run.

use crate::{association::Association, error::Result};

/// Outcome of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<T = ()> {
    /// The position of the input, from 0.
    pub index: u64,
    /// The association; `None` if the input cannot be sent, for a reason that [`result`](Self::result) gives.
    pub association: Option<Association>,
    /// The value that came with the [input](super::Input).
    pub value: T,
    /// `Ok` if the input was carried out, otherwise the reason.
    ///
    /// If HubSpot refused the batch because of this input, the error has the status, category and correlation id of
    /// that response. Of the objects and details that HubSpot named, it has those of this input only, apart from the
    /// first 256 bytes of the message. Errors in a response in which other inputs succeeded (207) have no status.
    pub result: Result<()>,
    /// Whether the outcome is from the [journal](super::Journal) of an earlier run, so that this run sent nothing for
    /// it.
    pub replayed: bool,
}
