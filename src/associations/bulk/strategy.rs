//! Strategy by which the inputs of a bulk run are put into requests.

/// Which requests carry the inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Batches, whatever their size. The default.
    #[default]
    Batch,
    /// One request for each input, like [`Client::associate`](crate::Client::associate) and
    /// [`Client::dissociate`](crate::Client::dissociate).
    Single,
    /// Batches, but a lone input is sent like [`Single`](Self::Single). That takes no more requests, and HubSpot's
    /// error for a single association is clearer.
    Automatic,
}
