//! Ids and other values that become a segment of a URL's path. Each has its own type, is checked once when it is
//! created, and is encoded when a request is built. The checks also recognise values that a spreadsheet or an export
//! has damaged.
#![cfg(feature = "client")]

mod check;
pub(crate) mod damage;
mod record_key;
mod segment;

use std::{borrow::Cow, cmp::Ordering, fmt, marker::PhantomData, num::NonZero, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::check::{check_association_type, check_id, check_object_type, check_segment, order};
pub use self::record_key::RecordKey;
pub(crate) use self::{
    check::{canonical, is_number},
    segment::segment,
};
use crate::error::Error;

/// An id from whatever a user gave.
pub(crate) fn checked<V, T: TryInto<V, Error: Into<Error>>>(value: T) -> Result<V, Error> {
    value.try_into().map_err(Into::into)
}

macro_rules! path_value {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:path, $refused:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and creates the value.
            ///
            /// # Errors
            #[doc = concat!("[`Error::is_invalid_input`], which says what the value looks like, for ", $refused)]
            pub fn new(value: impl Into<String>) -> Result<Self, Error> {
                Self::check(&value.into())
            }

            fn check(value: &str) -> Result<Self, Error> {
                $check($field, value).map(|value| Self(value.into()))
            }

            /// The value as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Numbers come in the order of their size, and before anything else.
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                order(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(value: &str) -> Result<Self, Error> {
                Self::check(value)
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }

        path_value!(@try_from $name: &str, &&str, String, &String, Cow<'_, str>, Box<str>, Arc<str>);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        /// Takes a JSON number as well: newer endpoints of HubSpot's send ids as numbers.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextOrNumber(PhantomData))
            }
        }
    };
    (@try_from $name:ident: $($from:ty),*) => {$(
        impl TryFrom<$from> for $name {
            type Error = Error;
            fn try_from(value: $from) -> Result<Self, Error> {
                Self::check(&value)
            }
        }
    )*};
    (@large $name:ident: $($from:ty),*) => {$(
        impl TryFrom<$from> for $name {
            type Error = Error;
            fn try_from(value: $from) -> Result<Self, Error> {
                Self::check(&value.to_string())
            }
        }
    )*};
    (@integers $($name:ident, $field:literal;)*) => {$(
        path_value!(@unsigned $name: u8, u16, u32, u64, usize);
        path_value!(@signed $name, $field: i8, i16, i32, i64, i128, isize);
        // Most of its values are beyond 64 bits, and refused.
        path_value!(@large $name: u128, &u128, NonZero<u128>);
    )*};
    (@unsigned $name:ident: $($from:ty),*) => {$(
        impl From<$from> for $name {
            fn from(value: $from) -> Self {
                Self(value.to_string().into())
            }
        }

        impl From<&$from> for $name {
            fn from(value: &$from) -> Self {
                (*value).into()
            }
        }

        impl From<NonZero<$from>> for $name {
            fn from(value: NonZero<$from>) -> Self {
                value.get().into()
            }
        }
    )*};
    (@signed $name:ident, $field:literal: $($from:ty),*) => {$(
        impl TryFrom<$from> for $name {
            type Error = Error;
            fn try_from(value: $from) -> Result<Self, Error> {
                if value < 0 {
                    let value = value.to_string();
                    return Err(Error::invalid_input($field, Some(&value), "is negative", "use the value that HubSpot shows"));
                }
                Self::new(value.to_string())
            }
        }

        impl TryFrom<&$from> for $name {
            type Error = Error;
            fn try_from(value: &$from) -> Result<Self, Error> {
                (*value).try_into()
            }
        }

        impl TryFrom<NonZero<$from>> for $name {
            type Error = Error;
            fn try_from(value: NonZero<$from>) -> Result<Self, Error> {
                value.get().try_into()
            }
        }
    )*};
}

path_value!(
    /// The id of a partner client: the record id that HubSpot shows, such as `512`.
    ///
    /// Created from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`, or from an integer. Leading zeros are
    /// removed, so that an id has one form.
    PartnerClientId, "partner client id", check_id,
    "anything but digits, and for a number beyond 64 bits."
);
path_value!(
    /// A kind of CRM object: a name in singular or plural (`companies`), or a type id (`0-2`, `2-1234567` for a custom
    /// object).
    ///
    /// Created from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`. A value of digits only is an error,
    /// because it is an object id in the wrong place.
    ObjectType, "object type", check_object_type,
    "a value that is empty, `.`, `..` or longer than 256 bytes, that contains a backslash, a control character or an \
     invisible one, or that looks damaged by a spreadsheet."
);
path_value!(
    /// The id of a CRM object, such as a company's record id.
    ///
    /// Created from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`, or from an integer. Leading zeros are
    /// removed, so that an id has one form.
    ObjectId, "object id", check_id,
    "anything but digits, and for a number beyond 64 bits."
);
path_value!(
    /// The type of an association: a number (`202`), on v3 also a name (`note_to_contact`, in any case), on dated versions a
    /// label in any case, and on every version category and number (`USER_DEFINED:37`).
    ///
    /// HubSpot publishes no types for partner clients; [`Client::association_types`](crate::Client::association_types)
    /// lists those of an account. Created from text or an integer.
    AssociationType, "association type", check_association_type,
    "a value that is empty, `.`, `..` or longer than 256 bytes, that contains a backslash, a control character or an \
     invisible one, or that looks damaged by a spreadsheet. A label with a letter may have any dash, emoji or bracket in it, \
     and what joins or parts the letters of its script, but is no text in the brackets of a template as a whole, such as \
     `{label}` or `<label>`."
);
path_value!(
    /// A path parameter without a type of its own, of an operation that was added to the description.
    ///
    /// Created from text or an integer.
    PathSegment, "path parameter", check_segment,
    "a value that is empty, `.`, `..` or longer than 256 bytes, or that contains a backslash, a control character or an \
     invisible one."
);
path_value!(@integers
    PartnerClientId, "partner client id";
    ObjectId, "object id";
    AssociationType, "association type";
    PathSegment, "path parameter";
);

impl PartnerClientId {
    /// Creates a key from the value of a property, for calls by [`Client::raw`](crate::Client::raw) with `id_property`.
    /// The calls of the facade do this for you.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a value that is empty, `.`, `..` or longer than 256 bytes, or that contains a
    /// backslash, a control character or an invisible character.
    pub fn by_property(value: impl Into<String>) -> Result<Self, Error> {
        check_segment("property value", &value.into()).map(|value| Self(value.into()))
    }
}

/// A partner client is a CRM object as well.
impl From<&PartnerClientId> for ObjectId {
    fn from(value: &PartnerClientId) -> Self {
        Self(Arc::clone(&value.0))
    }
}

impl From<PartnerClientId> for ObjectId {
    fn from(value: PartnerClientId) -> Self {
        Self(value.0)
    }
}

struct TextOrNumber<T>(PhantomData<T>);

impl<T: for<'a> TryFrom<&'a str, Error = Error>> de::Visitor<'_> for TextOrNumber<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as a string or a whole number")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        T::try_from(value).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}
