//! The values that become a segment of a URL's path, checked once.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Error;

/// Longer than any id or name that HubSpot gives out, and far below the URL length that it refuses (8 kB).
const MAX_BYTES: usize = 256;

/// An id from whatever a user gave.
pub(crate) fn checked<V, T: TryInto<V, Error: Into<Error>>>(value: T) -> Result<V, Error> {
    value.try_into().map_err(Into::into)
}

/// What would not arrive as the one path segment it is. The generated code percent-encodes the rest, but neither dots
/// nor the backslash, which URL parsers take for a slash.
fn check(field: &'static str, value: &str) -> Result<(), Error> {
    let refuse = |reason: String, remedy| Err(Error::invalid_input(field, Some(value), reason, remedy));
    if value.is_empty() {
        refuse("is empty".into(), "give the value HubSpot shows")
    } else if value == "." || value == ".." {
        refuse("is a path step".into(), "give the value HubSpot shows")
    } else if value.bytes().any(|b| b == b'\\') {
        refuse("holds a backslash".into(), "remove it")
    } else if value.bytes().any(|b| b.is_ascii_control()) || !value.is_ascii() && value.chars().any(char::is_control) {
        refuse("holds a control character".into(), "remove it; a line break at the end is a common one")
    } else if value.len() > MAX_BYTES {
        refuse(format!("is longer than {MAX_BYTES} bytes"), "give the id or name alone")
    } else {
        Ok(())
    }
}

/// A checked value as a segment of a path, for the generated code.
pub(crate) fn segment(value: &impl AsRef<str>) -> Cow<'_, str> {
    let value = value.as_ref();
    // RFC 3986, section 2.3: what nobody encodes, and most values hold no other.
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if value.bytes().all(unreserved) { value.into() } else { progenitor_client::encode_path(value).into() }
}

/// HubSpot's names and ids of object types are never all digits, but object ids are.
fn check_object_type(field: &'static str, value: &str) -> Result<(), Error> {
    check(field, value)?;
    if value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::invalid_input(
            field,
            Some(value),
            "looks like an object id",
            "give a name such as \"companies\" or a type id such as \"0-2\", and the object id after it",
        ));
    }
    Ok(())
}

macro_rules! path_value {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the value.
            ///
            /// # Errors
            /// [`Error::is_invalid_input`] for a value that is empty, `.`, `..`, longer than 256 bytes, or that holds
            /// a backslash or a control character.
            pub fn new(value: impl Into<String>) -> Result<Self, Error> {
                let value = value.into();
                $check($field, &value)?;
                Ok(Self(value))
            }

            /// The value as given.
            pub fn as_str(&self) -> &str {
                &self.0
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
                Self::new(value)
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }

        path_value!(@try_from $name: &str, String, &String);

        /// Takes a JSON number as well: newer endpoints of HubSpot's send ids as numbers.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(deserializer.deserialize_any(TextOrNumber)?).map_err(de::Error::custom)
            }
        }
    };
    (@try_from $name:ident: $($from:ty),*) => {$(
        impl TryFrom<$from> for $name {
            type Error = Error;
            fn try_from(value: $from) -> Result<Self, Error> {
                Self::new(value.to_string())
            }
        }
    )*};
    (@integers $($name:ident, $field:literal;)*) => {$(
        path_value!(@unsigned $name: u8, u16, u32, u64, usize);
        path_value!(@signed $name, $field: i8, i16, i32, i64, isize);
    )*};
    (@unsigned $name:ident: $($from:ty),*) => {$(
        impl From<$from> for $name {
            fn from(value: $from) -> Self {
                Self(value.to_string())
            }
        }
    )*};
    (@signed $name:ident, $field:literal: $($from:ty),*) => {$(
        impl TryFrom<$from> for $name {
            type Error = Error;
            fn try_from(value: $from) -> Result<Self, Error> {
                if value < 0 {
                    let value = value.to_string();
                    return Err(Error::invalid_input($field, Some(&value), "is negative", "give the value HubSpot shows"));
                }
                Ok(Self(value.to_string()))
            }
        }
    )*};
}

path_value!(
    /// The id of a partner client: the record id that HubSpot shows, such as `512`.
    ///
    /// Made from `&str`, `String` or an integer.
    PartnerClientId, "partner client id", check
);
path_value!(
    /// A kind of CRM object: a name in singular or plural (`companies`), or a type id (`0-2`, `2-1234567` for a custom
    /// object).
    ///
    /// Made from `&str` or `String`. A value of digits alone is refused, because it is an object id in the wrong place.
    ObjectType, "object type", check_object_type
);
path_value!(
    /// The id of a CRM object, such as a company's record id.
    ///
    /// Made from `&str`, `String` or an integer.
    ObjectId, "object id", check
);
path_value!(
    /// The type of an association: a numeric id (`202`) or a name (`note_to_contact`; case does not matter).
    ///
    /// HubSpot publishes none for partner clients; [`Client::association_types`](crate::Client::association_types) lists
    /// those of an account. Made from `&str`, `String` or an integer.
    AssociationType, "association type", check
);
path_value!(
    /// A path parameter that has no type of its own, of an operation added to the description.
    ///
    /// Made from `&str`, `String` or an integer.
    PathSegment, "path parameter", check
);
path_value!(@integers
    PartnerClientId, "partner client id";
    ObjectId, "object id";
    AssociationType, "association type";
    PathSegment, "path parameter";
);

/// A partner client is a CRM object as well.
impl From<&PartnerClientId> for ObjectId {
    fn from(value: &PartnerClientId) -> Self {
        Self(value.0.clone())
    }
}

struct TextOrNumber;

impl de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as a string or a whole number")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
}
