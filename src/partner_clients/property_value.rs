//! Property values: Rust types as the text that HubSpot stores.

use std::{borrow::Cow, sync::Arc};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeZone, Utc};

use crate::error::{Error, Result};

/// Value of a property in a request.
///
/// Created from strings, integers, floating point numbers, booleans, and `chrono`'s dates and times. HubSpot stores every
/// value as text: an update sends a time in ISO 8601 with milliseconds, and a date without a time. A search sends both as
/// milliseconds since 1970.
///
/// ```no_run
/// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
/// client
///     .update("512")
///     .set("employees", 250)
///     .set("last_call", chrono::Utc::now())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyValue(Value);

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Time(DateTime<Utc>),
    Date(NaiveDate),
    /// Not a number, or infinite.
    NoNumber(f64),
}

impl PropertyValue {
    /// As an update wants it.
    pub(crate) fn for_update(&self, property: &str) -> Result<String> {
        match &self.0 {
            Value::Time(time) => Ok(time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            Value::Date(date) => Ok(date.format("%Y-%m-%d").to_string()),
            other => other.text(property),
        }
    }

    /// As a search filter wants it.
    pub(crate) fn for_search(&self, property: &str) -> Result<String> {
        match &self.0 {
            Value::Time(time) => Ok(time.timestamp_millis().to_string()),
            Value::Date(date) => Ok(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis().to_string()),
            other => other.text(property),
        }
    }
}

impl Value {
    fn text(&self, property: &str) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::NoNumber(number) => {
                let field = format!("property {property:?}");
                Err(Error::invalid_input(
                    &field,
                    Some(&number.to_string()),
                    "is not a finite number",
                    "use a finite one",
                ))
            }
            Self::Time(_) | Self::Date(_) => Ok(String::new()),
        }
    }
}

macro_rules! from_display {
    ($($from:ty),*) => {$(
        impl From<$from> for PropertyValue {
            fn from(value: $from) -> Self {
                Self(Value::Text(value.to_string()))
            }
        }
    )*};
}

from_display!(&str, &&str, String, &String, Cow<'_, str>, Box<str>, Arc<str>);
from_display!(bool, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl From<f64> for PropertyValue {
    fn from(value: f64) -> Self {
        Self(if value.is_finite() { Value::Text(value.to_string()) } else { Value::NoNumber(value) })
    }
}

impl From<f32> for PropertyValue {
    fn from(value: f32) -> Self {
        Self(if value.is_finite() { Value::Text(value.to_string()) } else { Value::NoNumber(value.into()) })
    }
}

impl<Z: TimeZone> From<DateTime<Z>> for PropertyValue {
    fn from(value: DateTime<Z>) -> Self {
        Self(Value::Time(value.to_utc()))
    }
}

impl From<NaiveDate> for PropertyValue {
    fn from(value: NaiveDate) -> Self {
        Self(Value::Date(value))
    }
}
