//! Errors that outlive the process: as text, and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CorrelationId, Error, ErrorKind,
    body::{Cause, ErrorBody},
    excerpt,
};
use crate::{generated::types, spec};

/// An error that is larger is kept in part, since a million inputs may have one each.
const MAX_SAVED: usize = 2 * 1024;

/// What is kept of an error: all but its source, and the excerpt of HubSpot's answer, which mostly repeats the rest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    /// None for an answer of HubSpot's in what an earlier version kept.
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
}

impl Error {
    /// Whether HubSpot refused what it was asked for, and would again. Only what is known to last counts: neither a token,
    /// a scope, a limit or a fault of the server, nor what HubSpot never saw, such as the page of a gateway.
    pub(crate) fn is_lasting(&self) -> bool {
        self.is_of_hubspot()
            && match self.0.status {
                Some(status) => matches!(status, 400 | 404 | 409 | 410 | 422),
                // Inside a batch there is no status of its own.
                None => matches!(self.category(), Some("VALIDATION_ERROR" | "OBJECT_NOT_FOUND" | "CONFLICT")),
            }
    }

    /// One line of JSON, of 2 KiB at most: where it would be longer, without details and context, and with the beginning of
    /// the message.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let mut saved = self.saved();
        let mut json = serde_json::to_string(&saved)?;
        let mut room = 2 * MAX_SAVED;
        while json.len() > MAX_SAVED && room > 8 {
            (saved.errors, saved.context) = Default::default();
            room /= 2;
            saved.message = excerpt(&saved.message, room);
            json = serde_json::to_string(&saved)?;
        }
        Ok(json)
    }

    fn saved(&self) -> Saved {
        let e = &self.0;
        Saved {
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
        }
    }

    pub(crate) fn from_json(json: &str) -> serde_json::Result<Self> {
        let saved: Saved = serde_json::from_str(json)?;
        let operation = saved.operation.and_then(|id| spec::operations().iter().find(|operation| operation.id == id));
        let kind = saved.kind.and_then(|name| ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == name));
        let body = ErrorBody {
            is_hubspots: saved.category.is_some() || saved.correlation_id.is_some(),
            category: saved.category,
            cause: saved.cause,
            details: saved.errors,
            context: saved.context,
            ..ErrorBody::default()
        };
        let kind = kind.unwrap_or_else(|| body.kind(saved.status));
        Ok(Self::new(kind, saved.message).with(|e| {
            e.operation = operation.map(|operation| operation.id);
            e.attempts = saved.attempts;
            e.status = saved.status;
            e.last_status = saved.last_status;
            e.correlation_id = saved.correlation_id.as_deref().map(CorrelationId::from);
            e.body = body;
        }))
    }
}
