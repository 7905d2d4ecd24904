//! What a bulk run gives.

use crate::{associations::bulk::association::Association, error::Result};

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
