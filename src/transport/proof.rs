//! Proof by a success response that a write of one thing was carried out.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    generated::types,
    reading,
    transport::call_meta::CallMeta,
};

/// The statuses of a batch that is under way or was given up, and of an error.
const NOT_DONE: [&str; 4] = ["PENDING", "PROCESSING", "CANCELED", "ERROR"];

/// What one of the members has that can say that it is not done: `status`, `error`, `errors` and `numErrors`.
static SAY_OTHERWISE: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [r#"status""#, "rror"].map(Finder::new));

/// Whether a success response says that the write was carried out. A gateway, or a server at a wrong base URL, may answer
/// everything with a page or an object of its own, so an object has to be empty, signed with a correlation id, or like the one
/// that HubSpot documents.
///
/// # Errors
/// - The error that a batch of one lists.
/// - [`NoOutcome`](crate::ErrorKind::NoOutcome) where HubSpot does not say that it is done.
/// - [`Decode`](crate::ErrorKind::Decode) where the response is somebody else's, or an error of which nothing can be read.
pub(crate) fn carried_out(body: &[u8], operation: &'static str, meta: &CallMeta) -> Result<()> {
    match meta.status {
        Some(204) => Ok(()),
        // Most are like this, and need not be read again.
        Some(200 | 201) if meta.correlation_id.is_some() && !may_say_otherwise(body) => Ok(()),
        _ => said(body, operation, meta).map_err(|error| error.in_call(operation, meta, true)),
    }
}

fn may_say_otherwise(body: &[u8]) -> bool {
    SAY_OTHERWISE.iter().any(|part| part.find(body).is_some())
}

fn said(body: &[u8], operation: &str, meta: &CallMeta) -> Result<()> {
    let unread = |trouble: &str| Err(Error::undecodable(trouble, &String::from_utf8_lossy(body)));
    let said = match reading::json(body) {
        Some(Value::Object(said)) => said,
        Some(Value::Null) => Map::new(),
        _ if body.trim_ascii().is_empty() || meta.correlation_id.is_some() => Map::new(),
        _ => return unread("it is not a response from HubSpot"),
    };
    // A removal is documented without a body, and may have that of an addition.
    let shape = reading::response_shape(operation).or_else(|| reading::response_shape("associate"));
    let documents = |name: &str| shape.is_some_and(|shape| shape.has(name));
    let first = |name: &str| reading::entries(said.get(name)).iter().find(|error| !error.is_null());
    if let Some(error) = first("errors") {
        // Beside an object they may be about anything.
        let error = reading::value_as::<types::StandardError>(error.clone(), "StandardError");
        return match error.filter(|_| documents("errors")) {
            Some(error) => Err(Error::in_batch(&error)),
            None => unread("it has errors"),
        };
    }
    if let Some(error) = Error::in_success(meta.status.unwrap_or(200), meta.correlation_id.is_some(), body) {
        return Err(error);
    }
    if first("error").is_some() {
        return unread("it has an error");
    }
    let id = said.get("correlationId").cloned().and_then(reading::scalar);
    let is_signed = meta.correlation_id.is_some() || id.is_some_and(|id| !id.trim().is_empty());
    if !is_signed && !said.is_empty() && !shape.is_some_and(|shape| shape.shares_member(&said)) {
        return unread("it is not a response from HubSpot");
    }
    let status = said.get("status").filter(|status| !status.is_null()).cloned().map(reading::text).unwrap_or_default();
    // HubSpot may add a field of that name to what is no batch.
    let is_done = match documents("status") {
        true => meta.is_complete(&status),
        false => !NOT_DONE.iter().any(|not_done| status.trim().eq_ignore_ascii_case(not_done)),
    };
    let failed = said.get("numErrors").and_then(reading::integer).is_some_and(|count| count != 0);
    match is_done && !failed && !matches!(meta.status, Some(202 | 207)) {
        true => Ok(()),
        false => Err(Error::unproven()),
    }
}
