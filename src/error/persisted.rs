//! Serialized form of errors: for logs and APIs, and for journals that are read back.

use std::{collections::BTreeMap, ops::Not, time::Duration};

use serde::{Deserialize, Serialize, Serializer, ser};

use super::{
    Error,
    body::{Cause, ErrorBody},
};
use crate::{
    error::{correlation_id::CorrelationId, excerpt::excerpt, kind::ErrorKind},
    generated::types,
    spec,
};

/// An error that is larger is kept in part, since a million inputs may have one each.
const MAX_PERSISTED: usize = 2 * 1024;
/// One that a program serializes may have more.
const MAX_SERIALIZED: usize = 64 * 1024;

/// The one form of an error as data: all but its source, and the excerpt of HubSpot's response, which mostly repeats the
/// rest. [`Error`] documents it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Persisted {
    /// None for a response of HubSpot's in what an earlier version kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<u16>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<types::ErrorDetail>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required_scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// Whether it is HubSpot's, where that does not follow from category and correlation id. Not for other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_hubspots: Option<bool>,
    /// Whether an earlier request may have carried it out, which the remedy says. Not for other programs.
    #[serde(default, skip_serializing_if = "Not::not")]
    perhaps_before: bool,
    /// For readers only: it follows from the rest.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let remedy = Some(self.remedy().into_owned());
        let all = Persisted { remedy, is_hubspots: None, perhaps_before: false, ..self.persisted() };
        all.bounded(MAX_SERIALIZED).map_err(ser::Error::custom)?.0.serialize(serializer)
    }
}

impl Persisted {
    /// Whether it seems to be HubSpot's.
    fn seems_hubspots(&self) -> bool {
        self.category.is_some() || self.correlation_id.is_some()
    }

    /// With its JSON, which is no longer than that: where it would be, without what HubSpot lists, and with the beginning of
    /// the message.
    fn bounded(mut self, max: usize) -> serde_json::Result<(Self, String)> {
        let mut json = serde_json::to_string(&self)?;
        let mut room = 2 * max;
        while json.len() > max && room > 8 {
            (self.errors, self.context, self.required_scopes) = Default::default();
            room /= 2;
            self.message = excerpt(&self.message, room);
            json = serde_json::to_string(&self)?;
        }
        Ok((self, json))
    }
}

impl Error {
    /// One line of JSON, of 2 KiB at most.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        Ok(self.persisted().bounded(MAX_PERSISTED)?.1)
    }

    fn persisted(&self) -> Persisted {
        let e = &self.0;
        let mut persisted = Persisted {
            kind: Some(self.type_name().to_owned()),
            operation: e.operation.map(str::to_owned),
            attempts: e.attempts,
            status: e.status,
            last_status: e.last_status,
            message: e.message.clone(),
            category: e.body.category.clone(),
            cause: e.body.cause,
            correlation_id: e.correlation_id.as_ref().map(CorrelationId::to_string),
            errors: e.body.details.clone(),
            context: e.body.context.clone(),
            required_scopes: e.body.required_scopes.clone(),
            retry_after_ms: e.retry_after.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            is_hubspots: None,
            perhaps_before: e.perhaps_before,
            remedy: None,
        };
        if persisted.seems_hubspots() != e.body.is_hubspots {
            persisted.is_hubspots = Some(e.body.is_hubspots);
        }
        persisted
    }

    pub(crate) fn from_json(json: &str) -> serde_json::Result<Self> {
        let persisted: Persisted = serde_json::from_str(json)?;
        let is_hubspots = persisted.is_hubspots.unwrap_or_else(|| persisted.seems_hubspots());
        let operation =
            persisted.operation.and_then(|id| spec::operations().iter().find(|operation| operation.id == id));
        let kind = persisted.kind.and_then(|name| ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == name));
        let body = ErrorBody {
            is_hubspots,
            category: persisted.category,
            cause: persisted.cause,
            details: persisted.errors,
            context: persisted.context,
            required_scopes: persisted.required_scopes,
            ..ErrorBody::default()
        };
        let kind = kind.unwrap_or_else(|| body.kind(persisted.status));
        Ok(Self::new(kind, persisted.message).with(|e| {
            e.operation = operation.map(|operation| operation.id);
            e.attempts = persisted.attempts;
            e.status = persisted.status;
            e.last_status = persisted.last_status;
            e.correlation_id = persisted.correlation_id.as_deref().and_then(CorrelationId::read);
            e.retry_after = persisted.retry_after_ms.map(Duration::from_millis);
            e.perhaps_before = persisted.perhaps_before;
            e.body = body;
        }))
    }
}
