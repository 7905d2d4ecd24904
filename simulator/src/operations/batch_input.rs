//! Inputs of batches, as requests name them.

use serde::Deserialize;

use crate::http::request_body::Text;

#[derive(Deserialize)]
pub(crate) struct AssociationInput {
    pub(crate) from: ObjectId,
    pub(crate) to: ObjectId,
    #[serde(rename = "type")]
    pub(crate) association_type: Text,
}

/// An input that is but an id.
#[derive(Deserialize)]
pub(crate) struct ObjectId {
    pub(crate) id: Text,
}
