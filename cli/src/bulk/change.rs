//! What is done with the associations of a file, and its words.

use hubspot_partner_clients::{Client, bulk::Bulk};

use super::inputs::Inputs;

/// What is done with the associations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Associate,
    Dissociate,
}

impl Change {
    /// What a row is that was carried out.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Associate => "made",
            Self::Dissociate => "removed",
        }
    }

    /// The same, over a column. HubSpot does not say whether an association was there that is not there any more.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Associate => "made",
            Self::Dissociate => "gone",
        }
    }

    /// What is done, as a file names it.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Associate => "associate",
            Self::Dissociate => "dissociate",
        }
    }

    pub(super) fn bulk(self, client: &Client, inputs: Inputs) -> Bulk {
        match self {
            Self::Associate => client.associate_many(inputs),
            Self::Dissociate => client.dissociate_many(inputs),
        }
    }
}
