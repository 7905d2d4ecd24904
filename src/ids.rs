//! The values that become a segment of a URL's path, checked once.
#![cfg(feature = "client")]

use std::{borrow::Cow, cmp::Ordering, fmt, num::NonZero, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{damage, error::Error};

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
    } else if let Some(hidden) = value.chars().find(|c| damage::is_invisible(*c)) {
        refuse(format!("holds the invisible character U+{:04X}", u32::from(hidden)), "remove it")
    } else if value.len() > MAX_BYTES {
        refuse(format!("is longer than {MAX_BYTES} bytes"), "give the id or name alone")
    } else {
        Ok(())
    }
}

/// A checked value as a segment of a path, for the generated code. All but what nobody encodes is encoded (RFC 3986,
/// section 2.3): servers and proxies read more into a `;` or a `:` than a URL parser does (section 3.3).
pub(crate) fn segment(value: &impl AsRef<str>) -> Cow<'_, str> {
    let value = value.as_ref();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if value.bytes().all(unreserved) {
        return value.into();
    }
    let mut encoded = String::with_capacity(3 * value.len());
    for byte in value.bytes() {
        if unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default().to_ascii_uppercase();
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded.into()
}

/// As given, because nobody knows what it means.
fn check_segment(field: &'static str, value: String) -> Result<String, Error> {
    check(field, &value)?;
    Ok(value)
}

/// HubSpot's ids are digits alone, so nothing else gets through: neither a name nor what a spreadsheet has made of an id.
fn check_id(field: &'static str, value: String) -> Result<String, Error> {
    if is_number(&value) {
        return number(field, value);
    }
    check_text(field, &value, true)?;
    let reason = if matches!(value.split_once('-'), Some((meta, id)) if is_number(meta) && is_number(id)) {
        "looks like the id of an object type"
    } else {
        "is not made of digits alone, as HubSpot's ids are"
    };
    Err(Error::invalid_input(field, Some(&value), reason, GIVE_ID))
}

fn check_association_type(field: &'static str, value: String) -> Result<String, Error> {
    if is_number(&value) {
        return number(field, value);
    }
    check_text(field, &value, true)?;
    Ok(value)
}

/// HubSpot's names and ids of object types are never all digits, but object ids are.
fn check_object_type(field: &'static str, value: String) -> Result<String, Error> {
    check_text(field, &value, false)?;
    if is_number(&value) {
        return Err(Error::invalid_input(
            field,
            Some(&value),
            "looks like an object id",
            "give a name such as \"companies\" or a type id such as \"0-2\", and the object id after it",
        ));
    }
    Ok(value)
}

const GIVE_ID: &str =
    "give the digits that HubSpot shows; in a spreadsheet, format the column as text before the ids go in";

fn check_text(field: &'static str, value: &str, numbers: bool) -> Result<(), Error> {
    check(field, value)?;
    let refuse = |reason: String, remedy| Err(Error::invalid_input(field, Some(value), reason, remedy));
    if let Some(reason) = damage::in_text(value) {
        return refuse(reason, "give the value HubSpot shows");
    }
    if let Some(form) = damage::in_number(value) {
        return refuse(format!("looks like {form}"), if numbers { GIVE_ID } else { "give the value HubSpot shows" });
    }
    match damage::dash(value) {
        Some(dash) => refuse(
            format!("holds U+{:04X}, a dash that is not the hyphen of keyboards", u32::from(dash)),
            "put a hyphen in its place",
        ),
        None => Ok(()),
    }
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

/// Digits in one form, without zeros in front: `009001` is the object that HubSpot calls `9001`.
fn number(field: &'static str, value: String) -> Result<String, Error> {
    let digits = value.trim_start_matches('0');
    // HubSpot's ids have 64 bits.
    if digits.len() > 19 && digits.parse::<u64>().is_err() {
        return Err(Error::invalid_input(field, Some(&value), "is larger than any id of HubSpot's", GIVE_ID));
    }
    match digits {
        "" => Ok("0".to_owned()),
        _ if digits.len() == value.len() => Ok(value),
        _ => Ok(digits.to_owned()),
    }
}

/// Numbers by their size and before the rest, in the form that [`number`] gives them.
fn order(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

/// Digits in the form that [`number`] gives them, to compare what an answer says. Anything else stays as it is.
pub(crate) fn canonical(id: &str) -> &str {
    if is_number(id) {
        let number = id.trim_start_matches('0');
        if number.is_empty() { id.get(..1).unwrap_or(id) } else { number }
    } else {
        id
    }
}

macro_rules! path_value {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:path, $refused:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the value.
            ///
            /// # Errors
            #[doc = concat!("[`Error::is_invalid_input`], telling what the value looks like, for ", $refused)]
            pub fn new(value: impl Into<String>) -> Result<Self, Error> {
                $check($field, value.into()).map(Self)
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
                Self::new(value)
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }

        path_value!(@try_from $name: &str, &&str, String, &String, Cow<'_, str>, Box<str>, Arc<str>);

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
        path_value!(@signed $name, $field: i8, i16, i32, i64, i128, isize);
        // Most of its values are beyond 64 bits, and refused.
        path_value!(@try_from $name: u128, &u128, NonZero<u128>);
    )*};
    (@unsigned $name:ident: $($from:ty),*) => {$(
        impl From<$from> for $name {
            fn from(value: $from) -> Self {
                Self(value.to_string())
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
                    return Err(Error::invalid_input($field, Some(&value), "is negative", "give the value HubSpot shows"));
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
    /// Made from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`, or from an integer. Zeros in front are left out, so that an id has one form.
    PartnerClientId, "partner client id", check_id,
    "anything but digits, and for a number beyond 64 bits."
);
path_value!(
    /// A kind of CRM object: a name in singular or plural (`companies`), or a type id (`0-2`, `2-1234567` for a custom
    /// object).
    ///
    /// Made from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`. A value of digits alone is refused, because it is an object id in the wrong place.
    ObjectType, "object type", check_object_type,
    "a value that is empty, `.`, `..` or longer than 256 bytes, that holds a backslash, a control character or an \
     invisible one, or that a spreadsheet has made of something else."
);
path_value!(
    /// The id of a CRM object, such as a company's record id.
    ///
    /// Made from text, such as `&str`, `String`, `Cow<str>` or `Arc<str>`, or from an integer. Zeros in front are left out, so that an id has one form.
    ObjectId, "object id", check_id,
    "anything but digits, and for a number beyond 64 bits."
);
path_value!(
    /// The type of an association: a numeric id (`202`) or a name (`note_to_contact`; case does not matter).
    ///
    /// HubSpot publishes none for partner clients; [`Client::association_types`](crate::Client::association_types) lists
    /// those of an account. Made from text or an integer.
    AssociationType, "association type", check_association_type,
    "a value that is empty, `.`, `..` or longer than 256 bytes, that holds a backslash, a control character or an \
     invisible one, or that a spreadsheet has made of something else."
);
path_value!(
    /// A path parameter that has no type of its own, of an operation added to the description.
    ///
    /// Made from text or an integer.
    PathSegment, "path parameter", check_segment,
    "a value that is empty, `.`, `..` or longer than 256 bytes, or that holds a backslash, a control character or an \
     invisible one."
);
path_value!(@integers
    PartnerClientId, "partner client id";
    ObjectId, "object id";
    AssociationType, "association type";
    PathSegment, "path parameter";
);

impl PartnerClientId {
    /// The value of a property in place of an id, for calls by [`Client::raw`](crate::Client::raw) with `id_property`. It is
    /// sent as it is. The calls of the facade do this by themselves.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a value that is empty, `.`, `..` or longer than 256 bytes, or that holds a backslash,
    /// a control character or an invisible one.
    pub fn by_property(value: impl Into<String>) -> Result<Self, Error> {
        check_segment("property value", value.into()).map(Self)
    }
}

/// What a partner client is found by: its id, or the value of another property where a call has `id_property`.
///
/// Made from text, an integer or a [`PartnerClientId`]. It is checked when the call is sent.
#[derive(Debug, Clone)]
pub struct RecordKey(Result<PartnerClientId, String>);

impl RecordKey {
    /// With `id_property` the value is sent as it is.
    pub(crate) fn checked(&self, id_property: Option<&str>) -> Result<PartnerClientId, Error> {
        match (&self.0, id_property) {
            (Ok(id), _) => Ok(id.clone()),
            (Err(text), None) => PartnerClientId::new(text),
            (Err(text), Some(_)) => PartnerClientId::by_property(text),
        }
    }
}

impl From<PartnerClientId> for RecordKey {
    fn from(id: PartnerClientId) -> Self {
        Self(Ok(id))
    }
}

impl From<&PartnerClientId> for RecordKey {
    fn from(id: &PartnerClientId) -> Self {
        Self(Ok(id.clone()))
    }
}

macro_rules! record_key {
    (@numbers $($from:ty),*) => {
        record_key!($($from, &$from, NonZero<$from>),*);
    };
    ($($from:ty),*) => {$(
        impl From<$from> for RecordKey {
            fn from(value: $from) -> Self {
                Self(Err(value.to_string()))
            }
        }
    )*};
}

record_key!(&str, &&str, String, &String, Cow<'_, str>, Box<str>, Arc<str>);
record_key!(@numbers u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

/// A partner client is a CRM object as well.
impl From<&PartnerClientId> for ObjectId {
    fn from(value: &PartnerClientId) -> Self {
        Self(value.0.clone())
    }
}

impl From<PartnerClientId> for ObjectId {
    fn from(value: PartnerClientId) -> Self {
        Self(value.0)
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

#[cfg(test)]
mod tests;
