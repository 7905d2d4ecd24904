//! What HubSpot has of a property and a value.

use serde::Serialize;

use crate::ids::ObjectId;

/// What HubSpot has of a key; see [`Client::resolve`](crate::Client::resolve).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Resolved {
    /// The only object with the value.
    One(ObjectId),
    /// No object has the value.
    None,
    /// Two or more objects have the value. Their ids are in ascending order. Five pages of HubSpot's search are read for
    /// one value, which is a thousand objects, so of more some are left out.
    Several(Vec<ObjectId>),
}
