//! What a bulk run takes.

use std::borrow::Cow;

use hmac_sha256::Hash;

use crate::{
    associations::associate::Path,
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, canonical, checked},
};

/// An association of a partner client with another object: an input of [`Client::associate_many`] or
/// [`Client::dissociate_many`].
///
/// Its parts are checked here. One that cannot be sent is kept, and its error is the input's outcome. Ids lose their leading
/// zeros, so that `009001` is the record that HubSpot shows as `9001`.
///
/// ```
/// use hubspot_partner_clients::bulk::Association;
///
/// let association = Association::new(512, "companies", 9001, "partner_client_to_company");
/// assert_eq!(association.to_object_id().map(|id| id.as_str()), Some("9001"));
/// assert!(Association::new(512, "companies", "", "partner_client_to_company").to_object_id().is_none());
/// ```
///
/// [`Client::associate_many`]: crate::Client::associate_many
/// [`Client::dissociate_many`]: crate::Client::dissociate_many
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    partner_client: Result<PartnerClientId>,
    to_object_type: Result<ObjectType>,
    to_object_id: Result<ObjectId>,
    association_type: Result<AssociationType>,
}

impl Association {
    /// The partner client, the other object's type and id, and the association type: its name in any case, or its
    /// numeric id. [`Client::association_types`](crate::Client::association_types) lists the types.
    pub fn new<P, T, I, A>(partner_client: P, to_object_type: T, to_object_id: I, association_type: A) -> Self
    where
        P: TryInto<PartnerClientId, Error: Into<Error>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        I: TryInto<ObjectId, Error: Into<Error>>,
        A: TryInto<AssociationType, Error: Into<Error>>,
    {
        Self {
            partner_client: checked(partner_client),
            to_object_type: checked(to_object_type),
            to_object_id: checked(to_object_id),
            association_type: checked(association_type),
        }
    }

    /// The partner client; none if what was given cannot be sent.
    pub fn partner_client(&self) -> Option<&PartnerClientId> {
        self.partner_client.as_ref().ok()
    }

    /// The other object's type; none if what was given cannot be sent.
    pub fn to_object_type(&self) -> Option<&ObjectType> {
        self.to_object_type.as_ref().ok()
    }

    /// The other object's id; none if what was given cannot be sent.
    pub fn to_object_id(&self) -> Option<&ObjectId> {
        self.to_object_id.as_ref().ok()
    }

    /// The association type; none if what was given cannot be sent.
    pub fn association_type(&self) -> Option<&AssociationType> {
        self.association_type.as_ref().ok()
    }

    /// The four values, or why they cannot be sent.
    pub(crate) fn parts(&self) -> [std::result::Result<&str, &Error>; 4] {
        [
            self.partner_client.as_ref().map(|id| id.as_str()),
            self.to_object_type.as_ref().map(|object_type| object_type.as_str()),
            self.to_object_id.as_ref().map(|id| id.as_str()),
            self.association_type.as_ref().map(|association_type| association_type.as_str()),
        ]
    }

    /// From values that were checked before, or the errors that this led to.
    #[cfg(feature = "redis")]
    pub(crate) fn from_parts(parts: [Result<String>; 4]) -> Self {
        let [partner_client, to_object_type, to_object_id, association_type] = parts;
        Self {
            partner_client: partner_client.and_then(PartnerClientId::new),
            to_object_type: to_object_type.and_then(ObjectType::new),
            to_object_id: to_object_id.and_then(ObjectId::new),
            association_type: association_type.and_then(AssociationType::new),
        }
    }

    /// Tells this input from others; the same in every version of the crate.
    pub(crate) fn digest(&self) -> u64 {
        let mut hash = Hash::new();
        let [partner_client, to_object_type, to_object_id, association_type] =
            self.parts().map(|part| part.unwrap_or_default());
        for part in [partner_client, to_object_type, to_object_id, &spelling(association_type)] {
            // No id holds a line end.
            hash.update(part);
            hash.update("\n");
        }
        hash.finalize().iter().take(8).fold(0, |digest, byte| digest << 8 | u64::from(*byte))
    }

    pub(super) fn path(&self) -> Result<Path> {
        Ok(Path {
            partner_client: self.partner_client.clone()?,
            to_type: self.to_object_type.clone()?,
            to_id: self.to_object_id.clone()?,
            association_type: self.association_type.clone()?,
        })
    }
}

/// An association type in one form: HubSpot takes a name in any case, and an id is a number.
pub(super) fn spelling(association_type: &str) -> Cow<'_, str> {
    let association_type = canonical(association_type);
    if association_type.bytes().any(|b| b.is_ascii_uppercase()) {
        association_type.to_ascii_lowercase().into()
    } else {
        association_type.into()
    }
}

/// The partner client, the other object as type and id, the association type.
impl<P, T, I, A> From<(P, (T, I), A)> for Association
where
    P: TryInto<PartnerClientId, Error: Into<Error>>,
    T: TryInto<ObjectType, Error: Into<Error>>,
    I: TryInto<ObjectId, Error: Into<Error>>,
    A: TryInto<AssociationType, Error: Into<Error>>,
{
    fn from((partner_client, (to_object_type, to_object_id), association_type): (P, (T, I), A)) -> Self {
        Self::new(partner_client, to_object_type, to_object_id, association_type)
    }
}
