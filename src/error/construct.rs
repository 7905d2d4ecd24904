//! Constructors of the errors that this crate detects itself.

use std::{any::Any, convert::Infallible, fmt, io, path::Path, sync::Arc, time::Duration};

use super::{
    Error, Inner,
    body::{Cause, ErrorBody},
};
use crate::{
    error::{
        correlation_id::CorrelationId,
        excerpt::{MAX_EXCERPT, bounded, excerpt},
        kind::ErrorKind,
    },
    generated::types,
    rate_limit::not_in_time::NotInTime,
    spec::RateBucket,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            beneath: None,
            message: bounded(message.into()),
            operation: None,
            status: None,
            correlation_id: None,
            body: ErrorBody::default(),
            body_excerpt: None,
            attempts: 0,
            last_status: None,
            retry_after: None,
            time_needed: None,
            perhaps_before: false,
            source: None,
        }))
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Adds what is known of the call that failed. A correlation id that the body gave stays.
    pub(crate) fn with_call(
        self,
        operation: &'static str,
        attempts: u32,
        last_status: Option<u16>,
        correlation_id: Option<&CorrelationId>,
    ) -> Self {
        self.with(|e| {
            e.operation = Some(operation);
            e.attempts = attempts;
            e.last_status = last_status;
            if e.correlation_id.is_none() {
                e.correlation_id = correlation_id.cloned();
            }
        })
    }

    /// Adds what is known of the response to the attempt that failed. What the body said of itself stays.
    pub(crate) fn with_response(self, status: Option<u16>, retry_after: Option<Duration>) -> Self {
        self.with(|e| {
            e.status = e.status.or(status);
            e.retry_after = e.retry_after.or(retry_after);
        })
    }

    /// Adds the status of the response to an earlier request for the same.
    pub(crate) fn after_response(self, status: u16) -> Self {
        self.with(|e| e.last_status = e.last_status.or(Some(status)))
    }

    /// Adds that the call timeout left no time for another attempt, which was this far away.
    pub(crate) fn for_want_of_time(self, needed: Duration) -> Self {
        self.with(|e| e.time_needed = Some(needed))
    }

    /// `value` is left out where it is secret.
    pub(crate) fn invalid_input(
        field: &str,
        value: Option<&str>,
        reason: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        let value = value.map(|v| format!(" {:?}", excerpt(v, 64))).unwrap_or_default();
        Self::new(ErrorKind::InvalidInput, format!("{field}{value} {reason}: {remedy}"))
    }

    /// A request of which the generated client says that it cannot be sent.
    pub(crate) fn invalid_request(message: String) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// A secret that cannot be one; its value never shows.
    pub(crate) fn credentials(name: &str, reason: &str, remedy: &str) -> Self {
        Self::new(ErrorKind::Credentials, format!("{name} {reason}: {remedy}"))
    }

    /// A provider of this crate fails with an [`Error`] that already says what it knows.
    pub(crate) fn token(source: BoxError) -> Self {
        match source.downcast::<Self>() {
            // A panic stays what it is.
            Ok(error) if error.is_token() || error.kind() == ErrorKind::Panic => *error,
            Ok(error) => error.with(|e| {
                e.beneath = Some(e.kind);
                let lost = e.body.cause == Some(Cause::Grant);
                e.kind = if lost { ErrorKind::InvalidGrant } else { ErrorKind::Token };
                e.message = bounded(format!("no access token: {}", e.message));
            }),
            Err(source) => Self::new(ErrorKind::Token, format!("no access token: {source}"))
                .with(|e| e.source = Some(Arc::from(source))),
        }
    }

    /// A new refresh token that its callback did not keep. `source` is left out where it shows the token.
    pub(crate) fn not_kept(said: &str, source: Option<BoxError>) -> Self {
        Self::new(ErrorKind::Token, format!("no access token: the new refresh token could not be stored: {said}"))
            .with(|e| e.source = source.map(Arc::from))
    }

    /// `waited` is how long the call had waited for a permit.
    pub(crate) fn limiter(source: BoxError, bucket: RateBucket, waited: Duration) -> Self {
        match source.downcast::<NotInTime>() {
            Ok(refusal) => Self::not_in_time(bucket, waited, *refusal),
            Err(source) => Self::new(ErrorKind::Limiter, format!("the rate limiter failed: {source}"))
                .with(|e| e.source = Some(Arc::from(source))),
        }
    }

    pub(crate) fn not_in_time(bucket: RateBucket, waited: Duration, refusal: NotInTime) -> Self {
        let limit = match bucket {
            RateBucket::General => "the rate limit",
            RateBucket::Search => "the rate limit of searches",
        };
        let room = refusal.retry_after().map(|time| format!("; there will be room in {:.1} s", time.as_secs_f64()));
        let message = format!(
            "nothing was sent: {limit} leaves no room before the call timeout ends{} (waited {:.1} s)",
            room.unwrap_or_default(),
            waited.as_secs_f64()
        );
        Self::new(ErrorKind::QueueTimeout, message).with(|e| e.retry_after = refusal.retry_after())
    }

    pub(crate) fn no_token_in_time(timeout: Duration) -> Self {
        Self::token_not_in_time(&format!("the provider gave none within the call timeout of {timeout:?}"))
    }

    /// A token that may come another time.
    pub(crate) fn token_not_in_time(said: &str) -> Self {
        Self::new(ErrorKind::Token, format!("no access token: {said}")).with(|e| e.beneath = Some(ErrorKind::Timeout))
    }

    /// `whose` is the party whose code it was, such as "the observer".
    pub(crate) fn panicked(whose: &str, panic: &(dyn Any + Send)) -> Self {
        let said = text_of(panic).unwrap_or("its message is not text");
        Self::new(ErrorKind::Panic, format!("{whose} panicked: {said}"))
    }

    pub(crate) fn dropped() -> Self {
        Self::new(ErrorKind::Dropped, "the call was dropped before it ended")
    }

    pub(crate) fn no_runtime() -> Self {
        let remedy = "make the call inside one, for example with #[tokio::main]";
        Self::invalid_input("Tokio runtime", None, "is missing", remedy)
    }

    pub(crate) fn call_timeout(timeout: Duration) -> Self {
        Self::new(ErrorKind::Timeout, format!("the call did not end within its call timeout of {timeout:?}"))
    }

    /// The time of a call is over that waits for the response to another call's request.
    pub(crate) fn not_told_in_time(timeout: Duration) -> Self {
        let message = format!(
            "nothing was sent: a response that another call asked for did not come within the call timeout of {timeout:?}"
        );
        Self::new(ErrorKind::QueueTimeout, message)
    }

    #[cfg(feature = "redis")]
    pub(crate) fn unreachable(message: String) -> Self {
        Self::new(ErrorKind::Redis, message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(ErrorKind::TooLarge, format!("the response is larger than {limit} bytes and was not read to its end"))
    }

    pub(crate) fn undecodable(trouble: &str, body: &str) -> Self {
        Self::new(ErrorKind::Decode, format!("the response does not match the API description: {trouble}"))
            .with(|e| e.body_excerpt = Some(excerpt(body, MAX_EXCERPT)))
    }

    /// Cursors that go in a circle would keep a stream going for ever.
    pub(crate) fn repeated_cursor() -> Self {
        Self::new(ErrorKind::Decode, "HubSpot returned the same paging cursor twice, so the pages would never end")
    }

    /// So would pages without end that hold nothing.
    pub(crate) fn empty_pages(pages: u32) -> Self {
        Self::new(
            ErrorKind::Decode,
            format!("HubSpot returned more than {pages} empty pages in a row, each with a cursor to the next"),
        )
    }

    /// Going on from the last of them would miss some.
    pub(crate) fn out_of_order(order: &str) -> Self {
        let message = format!(
            "HubSpot returned search results that are not in the order of {order}, as requested, so the next page \
             would miss some"
        );
        Self::new(ErrorKind::Decode, message)
    }

    pub(crate) fn unread_entries(entries: usize) -> Self {
        Self::new(ErrorKind::Decode, format!("none of the {entries} entries of the response can be read"))
    }

    /// One of these may be the one that is looked for.
    pub(crate) fn unread_associations(partner_client: &str, count: usize) -> Self {
        let message = format!(
            "{count} of the associations that HubSpot lists of partner client {partner_client} cannot be read, so it is not \
             known what they are"
        );
        Self::new(ErrorKind::Decode, message)
    }

    pub(crate) fn no_time_of_change() -> Self {
        Self::new(
            ErrorKind::Decode,
            "HubSpot returned a page of changes without their times, so the next page cannot be found",
        )
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(ErrorKind::Transport, "the runtime stopped during a request")
    }

    pub(crate) fn property(id: &str, trouble: &dyn fmt::Display) -> Self {
        Self::new(ErrorKind::Property, format!("partner client {id}: {trouble}"))
    }

    pub(crate) fn journal(path: &Path, trouble: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Journal, format!("the journal {} {trouble}: {remedy}", path.display()))
    }

    pub(crate) fn journal_io(path: &Path, trouble: &str, source: io::Error, remedy: &str) -> Self {
        Self::journal(path, format_args!("{trouble} ({source})"), remedy).with(|e| e.source = Some(Arc::new(source)))
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A request that lacks a field: one that a new description asks for and the facade does not know.
impl From<types::error::ConversionError> for Error {
    fn from(error: types::error::ConversionError) -> Self {
        Self::invalid_input("the request", None, error, "use raw() for what the facade does not cover")
    }
}

/// What a panic said, where it is text.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
