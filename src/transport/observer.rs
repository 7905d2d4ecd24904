//! Spans, events and metrics of calls.

use std::{sync::Arc, time::Duration};

use tracing::Span;

use crate::{error::Error, spec::Operation, transport::call_meta::CallMeta};

/// Receives every attempt and every call, once each, for metrics.
///
/// ```
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::{
///     CallEnd, Client, Observer,
/// };
///
/// struct Log;
///
/// impl Observer for Log {
///     fn on_call(&self, call: &CallEnd<'_>) {
///         let id = call.operation.id;
///         println!("{id}: {:?}", call.duration);
///     }
/// }
///
/// let client = Client::builder()
///     .access_token("pat-eu1-0000")
///     .observer(Log)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// An observer must not block: it runs where the call is polled or dropped. If it panics, the call fails with
/// [`ErrorKind::Panic`](crate::ErrorKind::Panic), or with its own error if it has one after a 2xx status.
///
/// An observer gets neither the token nor the request. But an [`Error`] contains HubSpot's [message](Error::message)
/// and the [beginning of its response](Error::body_excerpt), where HubSpot may repeat property values that it was sent.
/// Log those only where such values are allowed.
pub trait Observer: Send + Sync {
    /// Called when an attempt has ended: with a response, with a failure, or because the call was dropped or reached
    /// its timeout.
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        let _ = attempt;
    }

    /// Called when a call has ended. A call that was dropped has an error of the kind
    /// [`ErrorKind::Dropped`](crate::ErrorKind::Dropped).
    fn on_call(&self, call: &CallEnd<'_>) {
        let _ = call;
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        (**self).on_attempt(attempt);
    }

    fn on_call(&self, call: &CallEnd<'_>) {
        (**self).on_call(call);
    }
}

/// One attempt of a call, and how it ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The operation that was called.
    pub operation: &'a Operation,
    /// The number of the attempt in its call, from 1.
    pub number: u32,
    /// The time from sending the request to the end of the response, without the wait for the rate limiter.
    pub duration: Duration,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// Why the attempt failed, if it did.
    pub error: Option<&'a Error>,
}

/// One call, and how it ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// The operation that was called.
    pub operation: &'a Operation,
    /// The time from the start of the call, waits included.
    pub duration: Duration,
    /// The attempts, the waits and the last response.
    pub meta: &'a CallMeta,
    /// Why the call failed, if it did.
    pub error: Option<&'a Error>,
}

/// The span of a call, with the names of OpenTelemetry's semantic conventions for HTTP clients.
pub(crate) fn span(operation: &Operation, server: &str) -> Span {
    tracing::info_span!(
        "hubspot.call",
        otel.kind = "client",
        http.request.method = operation.method,
        url.template = operation.path,
        server.address = server,
        hubspot.operation_id = operation.id,
        http.response.status_code = tracing::field::Empty,
        http.request.resend_count = tracing::field::Empty,
        hubspot.correlation_id = tracing::field::Empty,
        error.type = tracing::field::Empty,
    )
}

pub(crate) fn attempt_ended(attempt: &Attempt<'_>) {
    tracing::debug!(
        hubspot.operation_id = attempt.operation.id,
        http.request.resend_count = attempt.number - 1,
        http.response.status_code = attempt.status,
        error.type = attempt.error.map(Error::type_name),
        duration_ms = attempt.duration.as_millis() as u64,
        "attempt ended"
    );
}

pub(crate) fn call_ended(span: &Span, call: &CallEnd<'_>) {
    // It would look up each field by name, for nobody.
    if span.is_disabled() {
        return;
    }
    if let Some(status) = call.meta.status {
        span.record("http.response.status_code", status);
    }
    span.record("http.request.resend_count", call.meta.attempts.saturating_sub(1));
    if let Some(id) = &call.meta.correlation_id {
        span.record("hubspot.correlation_id", tracing::field::display(id));
    }
    if let Some(error) = call.error {
        span.record("error.type", error.type_name());
    }
}
