//! Identifier of a request in HubSpot's own records.

use std::fmt;

use reqwest::header::HeaderName;
use uuid::Uuid;

use crate::error::excerpt::excerpt;

/// Longer ones are cut.
const MAX_BYTES: usize = 128;

/// Identifier under which HubSpot's support finds a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CorrelationId {
    /// A UUID, as HubSpot documents.
    Uuid(Uuid),
    /// Other text, which some of HubSpot's services send.
    Text(String),
}

impl CorrelationId {
    /// The identifier in a header or a body, which may be blank.
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(text.trim()).filter(|text| !text.is_empty()).map(Self::from)
    }
}

impl From<&str> for CorrelationId {
    fn from(text: &str) -> Self {
        Uuid::try_parse(text).map_or_else(|_| Self::Text(excerpt(text, MAX_BYTES)), Self::Uuid)
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The header that ties a response to HubSpot's own records.
pub(crate) static CORRELATION_ID: HeaderName = HeaderName::from_static("x-hubspot-correlation-id");
