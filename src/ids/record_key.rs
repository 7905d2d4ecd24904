//! Keys of partner clients: an id, or a value of another unique property.

use std::{borrow::Cow, num::NonZero, sync::Arc};

use crate::{error::Error, ids::PartnerClientId};

/// Key that a partner client is found by: its id, or a value of another property if the call sets `id_property`.
///
/// Created from text, an integer or a [`PartnerClientId`]. It is checked when the call is sent.
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
