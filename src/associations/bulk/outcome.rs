//! What a bulk run gives.

use crate::{association::Association, error::Result};

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<T = ()> {
    /// The input's position, from 0 on.
    pub index: u64,
    /// The association; none if what was given cannot be sent, for which [`result`](Self::result) tells why.
    pub association: Option<Association>,
    /// The value that was given with the [input](super::Input).
    pub value: T,
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
