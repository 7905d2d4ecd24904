//! How inputs are put into requests.

/// Which requests carry the inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Batches, whatever their size. The default.
    #[default]
    Batch,
    /// One request for each input, as [`Client::associate`](crate::Client::associate) and
    /// [`Client::dissociate`](crate::Client::dissociate) send.
    Single,
    /// Batches, but a group of one input goes as [`Single`](Self::Single) does: that takes no request more, and has the
    /// error of its own that HubSpot gives there.
    Automatic,
}
