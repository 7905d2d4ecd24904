//! Result of a call that associates two objects.

use serde::Serialize;

use crate::{
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId},
    partner_clients::PartnerClient,
};

/// An association that exists now; the result of [`Associate`](crate::Associate).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Associated {
    /// The partner client.
    pub partner_client_id: PartnerClientId,
    /// The type of the other object.
    pub to_object_type: ObjectType,
    /// The id of the other object.
    pub to_object_id: ObjectId,
    /// The association type as it was given. After [`as_default`](crate::WithType::as_default), the type that HubSpot
    /// chose, or `None` if HubSpot does not say.
    pub association_type: Option<AssociationType>,
    /// The labels that the two objects have now, on dated versions; empty on v3.
    pub labels: Vec<String>,
    /// The partner client, which v3 includes in its response; `None` on dated versions. To get it on all versions, use
    /// [`then_get`](crate::Associate::then_get).
    pub partner_client: Option<PartnerClient>,
}
