//! The value of an association: its two ends and its type.
#![cfg(feature = "client")]

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, canonical, checked},
};

/// An association of a partner client with another object: its two ends and its type.
///
/// Single calls, bulk runs, plans and jobs all use this value. Its parts are checked when it is created, so that a
/// value that cannot be sent is an error at once. Each id has one form: `009001` is the record that HubSpot shows as
/// `9001`. Two associations are equal if their parts are. Numbers are ordered by size.
///
/// ```
/// use hubspot_partner_clients::Association;
///
/// let association = Association::new(
///     512,
///     "companies",
///     "09001",
///     "owner",
/// )?;
/// assert_eq!(
///     association.to_object_id,
///     "9001".parse()?
/// );
/// assert_eq!(
///     association.to_string(),
///     "partner client 512 to companies 9001 (owner)"
/// );
///
/// let damaged = Association::new(
///     512,
///     "companies",
///     "9.0E+3",
///     "owner",
/// );
/// assert!(damaged.unwrap_err().is_invalid_input());
/// # Ok::<_, hubspot_partner_clients::Error>(())
/// ```
///
/// With serde it is an object with the members `partnerClientId`, `toObjectType`, `toObjectId` and `associationType`.
/// It can also be read with the names of its fields, as in a CSV row with the tool's columns, and from a list of the
/// four values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Association {
    /// The partner client.
    #[serde(alias = "partner_client_id")]
    pub partner_client_id: PartnerClientId,
    /// The type of the other object.
    #[serde(alias = "to_object_type")]
    pub to_object_type: ObjectType,
    /// The id of the other object.
    #[serde(alias = "to_object_id")]
    pub to_object_id: ObjectId,
    /// The association type: its number; on v3 also its name in any case, on dated versions its label in any case; on
    /// every version its category and number, as `USER_DEFINED:37`.
    #[serde(alias = "association_type")]
    pub association_type: AssociationType,
}

impl Association {
    /// Creates an association from its parts: the partner client, the type and id of the other object, and the
    /// association type as [`WithType::as_type`](crate::WithType::as_type) takes it.
    /// [`Client::association_types`](crate::Client::association_types) lists the types.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for the first part that cannot be sent. The message names the part and the value.
    pub fn new<P, T, I, A>(partner_client: P, to_object_type: T, to_object_id: I, association_type: A) -> Result<Self>
    where
        P: TryInto<PartnerClientId, Error: Into<Error>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        I: TryInto<ObjectId, Error: Into<Error>>,
        A: TryInto<AssociationType, Error: Into<Error>>,
    {
        Ok(Self {
            partner_client_id: checked(partner_client)?,
            to_object_type: checked(to_object_type)?,
            to_object_id: checked(to_object_id)?,
            association_type: checked(association_type)?,
        })
    }

    /// The four values as text, in the order of the fields.
    pub(crate) fn values(&self) -> [&str; 4] {
        [
            self.partner_client_id.as_str(),
            self.to_object_type.as_str(),
            self.to_object_id.as_str(),
            self.association_type.as_str(),
        ]
    }

    /// Tells this association from others. Journals hold it, so with another digest they get another version. To take the
    /// inputs of another run for these is a mistake and no attack, so a quick hash does.
    pub(crate) fn digest(&self) -> u64 {
        let [partner_client, to_object_type, to_object_id, association_type] = self.values();
        let parts = [partner_client, to_object_type, to_object_id, &*spelling(association_type)];
        // No id holds a line end.
        fnv_1a(parts.into_iter().flat_map(|part| part.bytes().chain([b'\n'])))
    }
}

/// The hash FNV-1a of 64 bits.
fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An association type in one form: HubSpot takes a name in any case, and an id is a number.
pub(crate) fn spelling(association_type: &str) -> Cow<'_, str> {
    let association_type = canonical(association_type);
    if association_type.bytes().any(|b| b.is_ascii_uppercase()) {
        association_type.to_ascii_lowercase().into()
    } else {
        association_type.into()
    }
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partner_client_id, to_object_type, to_object_id, association_type } = self;
        write!(f, "partner client {partner_client_id} to {to_object_type} {to_object_id} ({association_type})")
    }
}

impl From<&Association> for Association {
    fn from(association: &Association) -> Self {
        association.clone()
    }
}

/// The partner client, the other object as type and id, the association type.
impl<P, T, I, A> TryFrom<(P, (T, I), A)> for Association
where
    P: TryInto<PartnerClientId, Error: Into<Error>>,
    T: TryInto<ObjectType, Error: Into<Error>>,
    I: TryInto<ObjectId, Error: Into<Error>>,
    A: TryInto<AssociationType, Error: Into<Error>>,
{
    type Error = Error;

    fn try_from((partner_client, (to_object_type, to_object_id), association_type): (P, (T, I), A)) -> Result<Self> {
        Self::new(partner_client, to_object_type, to_object_id, association_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_published_test_vectors() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv_1a(text.bytes()), hash, "{text:?}");
        }
    }

    #[test]
    fn the_digest_tells_associations_apart_and_no_spellings() {
        let digest = |partner_client, to_type: &str, to_id, kind: &str| {
            Association::new(partner_client, to_type, to_id, kind).unwrap().digest()
        };
        let one = digest("512", "companies", "9001", "owner");
        for other in [
            digest("51", "companies", "29001", "owner"),
            digest("9001", "companies", "512", "owner"),
            digest("512", "contacts", "9001", "owner"),
            digest("512", "companies", "9001", "owners"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(one, digest("0512", "companies", "9001", "OWNER"));
    }

    #[test]
    fn the_digest_stays_as_journals_have_it() {
        let association = Association::new("512", "companies", "9001", "partner_client_to_company").unwrap();
        // FNV-1a of the four values with a line end behind each, as another program calculates it.
        assert_eq!(association.digest(), 0x96ef_32be_d8a8_ccd2, "another one needs another version of the journal");
    }
}
