//! The one error type: what failed, what HubSpot said, what to do next. Each source of errors has a file of
//! constructors (this crate, the network, a response of HubSpot), and so has each use: kinds, remedies, display and
//! serialization.
#![cfg(feature = "client")]

mod body;
mod carried_out;
mod construct;
pub(crate) mod correlation_id;
mod display;
pub(crate) mod excerpt;
pub(crate) mod kind;
pub(crate) mod network;
mod persisted;
mod remedy;
pub(crate) mod response;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use self::body::{Cause, ErrorBody, MISSING_PROPERTY};
pub use self::{correlation_id::CorrelationId, kind::ErrorKind};
use crate::generated::types;
pub use crate::generated::types::ErrorDetail;

/// Result of the calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, and what to do about it.
///
/// [`Error::kind`] says what kind of failure it is; predicates such as [`Error::is_rate_limited`] group kinds, and several
/// can be true of one error. [`Error::remedy`] says what to do next. The [table of errors](crate#errors) lists for each kind
/// when it occurs, whether the request was carried out, and what to do.
///
/// ```
/// use hubspot_partner_clients::{Client, ErrorKind};
/// # async fn run(client: Client) {
/// match client.get("512").await {
///     Ok(_) => println!("found"),
///     Err(error) => match error.kind() {
///         ErrorKind::NotFound => println!("unknown"),
///         _ => println!("{}", error.remedy()),
///     },
/// }
/// # }
/// ```
///
/// A call may take several attempts. What a kind or a predicate says of the request is true of the last of them; where an
/// earlier one may have carried out a write, [`Error::remedy`] says so. [`Error::changed_nothing`] is about all of them.
///
/// `Debug` and `Display` never show a token, and limit how much they print of what a server sends. `Display` is one line.
///
/// Two errors are equal if everything but their [sources](std::error::Error::source) is equal.
///
/// # Serialized form
/// An error serializes to an object for logs and for your own APIs. The object contains no secret, neither the
/// [excerpt](Error::body_excerpt) nor the [source](std::error::Error::source), and has at most 64 KiB of JSON: a larger one
/// loses `errors`, `context` and `requiredScopes`. Fields without a value are omitted, and later versions may add fields.
///
/// | field | value |
/// |---|---|
/// | `kind` | [`ErrorKind::as_str`] |
/// | `message`, `remedy` | [`Error::message`], [`Error::remedy`] |
/// | `operation`, `attempts` | [`Error::operation`], [`Error::attempts`] |
/// | `status`, `lastStatus` | [`Error::status`], [`Error::last_status`] |
/// | `category`, `correlationId` | [`Error::category`], [`Error::correlation_id`] as text |
/// | `cause` | what is wrong according to HubSpot's message, such as `association_type`, if that is known; `workers_ended` if the workers of a job ended, `unread_body` if the body of the response cannot be read |
/// | `errors`, `context` | [`Error::details`], [`Error::context`] |
/// | `requiredScopes` | [`Error::required_scopes`] |
/// | `retryAfterMs` | [`Error::retry_after`] in milliseconds |
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    /// The kind that it was before it became the failure to get a token.
    beneath: Option<ErrorKind>,
    message: String,
    operation: Option<&'static str>,
    status: Option<u16>,
    correlation_id: Option<CorrelationId>,
    body: ErrorBody,
    body_excerpt: Option<String>,
    attempts: u32,
    last_status: Option<u16>,
    retry_after: Option<Duration>,
    /// How long the call would have had to wait before another attempt, where its call timeout left no time for one.
    time_needed: Option<Duration>,
    /// Whether an earlier attempt, or an earlier request for the same, may have carried it out.
    perhaps_before: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a value cannot be sent, or a secret is missing or malformed. Nothing was sent. Correct the value that
    /// the message names.
    pub fn is_invalid_input(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidInput | ErrorKind::Credentials)
    }

    /// Whether the token provider returned no token. Nothing was sent. The provider's own error is the
    /// [source](std::error::Error::source).
    pub fn is_token(&self) -> bool {
        matches!(self.kind(), ErrorKind::Token | ErrorKind::InvalidGrant)
    }

    /// Whether HubSpot does not know the token, or the token has expired (401). Nothing was done.
    pub fn is_unauthorized(&self) -> bool {
        self.kind() == ErrorKind::Unauthorized
    }

    /// Whether the token lacks a scope (403). Nothing was done. [`Error::required_scopes`] names the scopes.
    pub fn is_missing_scope(&self) -> bool {
        self.kind() == ErrorKind::MissingScope
    }

    /// Whether the object does not exist, or the token may not see it (404). Nothing was done. False for a 404 that
    /// does not look like HubSpot's, which comes from a gateway or a wrong base URL.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether a rate limit of HubSpot is used up (429), the daily one included. Nothing was done. [`Error::remedy`]
    /// says when to try again.
    pub fn is_rate_limited(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::DailyLimit)
    }

    /// Whether the rate limiter failed; one that processes share can. Nothing was sent. The limiter's own error is the
    /// [source](std::error::Error::source).
    pub fn is_limiter(&self) -> bool {
        self.kind() == ErrorKind::Limiter
    }

    /// Whether HubSpot no longer accepts the refresh token or the code (`invalid_grant`, `BAD_REFRESH_TOKEN`), or no
    /// longer knows the account (`BAD_HUB`). No access token can be obtained until the user connects the account again.
    pub fn is_invalid_grant(&self) -> bool {
        self.kind() == ErrorKind::InvalidGrant
    }

    /// Whether no response came within the timeout. The request may have been carried out.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether no connection could be made, within the [connect timeout](crate::ClientBuilder::connect_timeout) and
    /// including TLS, or Redis cannot be reached. Nothing was sent to HubSpot.
    pub fn is_connect(&self) -> bool {
        matches!(self.kind(), ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Redis)
    }

    /// Whether the response does not match HubSpot's API description, says nothing about an input of a batch, or has
    /// properties that do not fit the type given to [`properties_as`](crate::PartnerClient::properties_as). With the
    /// [status](Error::status) 200, 201 or 204 and a [correlation id](Error::correlation_id), the request was carried out,
    /// unless the kind is [`ErrorKind::NoOutcome`]: HubSpot says then that it may not have been.
    pub fn is_decode(&self) -> bool {
        matches!(self.kind(), ErrorKind::Decode | ErrorKind::NoOutcome | ErrorKind::Property)
    }

    /// Whether the response is larger than [`max_response_bytes`](crate::ClientBuilder::max_response_bytes) and was not
    /// read to its end. With the [status](Error::status) 200, 201 or 204 and a
    /// [correlation id](Error::correlation_id), the request was carried out.
    pub fn is_too_large(&self) -> bool {
        self.kind() == ErrorKind::TooLarge
    }

    /// Whether the [journal](crate::bulk::Journal) of a run cannot be read, written or used for this run. The message
    /// names the file and says what to do. The file's content is not lost. Inputs that were sent before may have been
    /// carried out.
    pub fn is_journal(&self) -> bool {
        self.kind() == ErrorKind::Journal
    }

    /// Whether a call, or an input of a bulk run, certainly changed nothing at HubSpot: it was refused or never arrived, it
    /// only reads, or it failed at a read before the change. Earlier attempts count as well. If this is false, the change
    /// may have been made, or may be made yet.
    pub fn changed_nothing(&self) -> bool {
        !self.0.perhaps_before && (self.only_reads() || self.is_refused() || self.last_did_nothing())
    }

    /// Whether the same call may succeed later. It may have been carried out already: check
    /// [`Operation::idempotent`](crate::spec::Operation::idempotent) before you repeat anything but a read or an
    /// association.
    pub fn is_retryable(&self) -> bool {
        self.may_pass(self.kind())
    }

    /// Whether a failure of a kind, with the status of this one, may not happen another time.
    fn may_pass(&self, kind: ErrorKind) -> bool {
        match kind {
            ErrorKind::QueueTimeout
            | ErrorKind::Redis
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::RateLimited
            | ErrorKind::Locked => true,
            ErrorKind::Server => match self.0.status {
                // HubSpot says so inside a batch, or in a response with the status of a success.
                None | Some(200..=299) => true,
                Some(status) => matches!(status, 500 | 502..=504 | 521 | 523 | 524),
            },
            _ => false,
        }
    }

    /// An error of a response with the status of a success, or of one that broke off after it.
    pub(crate) fn is_of_success(&self) -> bool {
        self.0.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// A 401 that another token may cure.
    pub(crate) fn is_refused_token(&self) -> bool {
        self.is_unauthorized()
    }

    /// An error that HubSpot answered with, rather than a gateway or a server at a wrong base URL.
    pub(crate) fn is_of_hubspot(&self) -> bool {
        self.kind().is_response() && self.0.body.is_hubspots
    }

    /// A response that is not HubSpot's, from a wrong base URL or a gateway, although HubSpot would have said what is wrong.
    /// HubSpot itself says that it has no such path where the base URL or a proxy changes it.
    #[cfg(feature = "redis")]
    pub(crate) fn is_foreign(&self) -> bool {
        let is_unread = self.is_unread_success() && self.0.correlation_id.is_none();
        let refuses = matches!(self.0.status, Some(400 | 404 | 405 | 409 | 410 | 422));
        let is_elsewhere = self.kind() == ErrorKind::UnknownPath;
        is_unread || is_elsewhere || (self.kind().is_response() && refuses && !self.is_of_hubspot())
    }

    /// HubSpot says that something in the request is wrong, rather than with the caller, the path or itself.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.0.status, Some(400 | 404 | 409 | 410 | 422)) && self.is_about_request()
    }

    /// An error of HubSpot's that is neither about the path, which would be the same for every request, nor about what the
    /// user may do who connected the account.
    fn is_about_request(&self) -> bool {
        self.is_of_hubspot() && self.kind() != ErrorKind::UnknownPath && !self.is_missing_permission()
    }

    /// Whether every other call would fail as well until somebody does something about it, or the next day comes.
    pub(crate) fn stops(&self) -> bool {
        self.kind() == ErrorKind::Panic
            || self.is_token() && !self.0.beneath.is_some_and(|kind| self.may_pass(kind))
            || self.is_unauthorized()
            || self.is_missing_scope()
            || self.is_missing_permission()
            || self.is_daily_limit()
    }

    /// Whether every other call for the same would fail as well, however it is sent. A gateway may answer one with other
    /// headers in another way.
    pub(crate) fn is_of_every_call(&self, has_same_headers: bool) -> bool {
        let is_elsewhere = self.kind() == ErrorKind::UnknownPath;
        let may_be_gateways = is_elsewhere || (self.kind().is_response() && !self.is_of_hubspot());
        (self.stops() || self.is_refusal() || is_elsewhere) && (has_same_headers || !may_be_gateways)
    }

    /// How much more time the call would have needed for another attempt, where its call timeout left no time for one.
    pub(crate) fn time_needed(&self) -> Option<Duration> {
        let is_queue = self.kind() == ErrorKind::QueueTimeout;
        self.0.time_needed.or_else(|| is_queue.then(|| self.0.retry_after.unwrap_or_default()))
    }

    /// The daily limit, which is reset at midnight in the account's time zone.
    pub(crate) fn is_daily_limit(&self) -> bool {
        self.kind() == ErrorKind::DailyLimit
    }

    /// The kind in a word, for spans and metrics.
    pub(crate) fn type_name(&self) -> &'static str {
        self.kind().as_str()
    }

    /// How many times the request was sent, failed attempts to connect included.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The HTTP status of the latest response to any attempt. It differs from [`Error::status`] if the last attempt had
    /// no response. An input of a bulk run for which the rate limit left no time has that of an earlier request with its
    /// batch.
    pub fn last_status(&self) -> Option<u16> {
        self.0.last_status
    }

    /// How long to wait before another attempt, if HubSpot says so. For [`ErrorKind::QueueTimeout`], the time until the
    /// rate limit has room for another call.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The operation that failed, such as `associate`; `None` for a value that was refused before a call was made.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, if there was a response. HubSpot uses some that are in no RFC, such as 477.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// HubSpot's category of the error, such as `VALIDATION_ERROR`. HubSpot adds categories without notice, and some
    /// errors have none.
    pub fn category(&self) -> Option<&str> {
        self.0.body.category.as_deref()
    }

    /// The identifier that HubSpot's support asks for.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.0.correlation_id.as_ref()
    }

    /// HubSpot's message if there is one, otherwise this crate's; at most 8 KiB.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The single errors that HubSpot lists in the response, often one for each bad value.
    pub fn details(&self) -> &[types::ErrorDetail] {
        &self.0.body.details
    }

    /// Names and values that HubSpot adds to the message, such as `INVALID_OBJECT_IDS`.
    pub fn context(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0.body.context
    }

    /// The scopes of which any one would have sufficed. Empty unless [`Error::is_missing_scope`].
    pub fn required_scopes(&self) -> &[String] {
        &self.0.body.required_scopes
    }

    /// The properties that the account's rules require in this write. HubSpot's version 2026-09 and later enforce such
    /// rules. Nothing was done. Empty for any other error.
    pub fn missing_properties(&self) -> Vec<&str> {
        let missing = |detail: &&ErrorDetail| {
            let is = |code: &&str| detail.code.as_ref().is_some_and(|given| given.eq_ignore_ascii_case(code));
            MISSING_PROPERTY.iter().any(is)
        };
        let names = self.details().iter().filter(missing).filter_map(|detail| detail.context.get("propertyName"));
        names.flatten().map(String::as_str).collect()
    }

    /// Whether the user who connected the account by OAuth may not edit associations there. HubSpot's version 2026-09
    /// and later check this. Nothing was done.
    pub fn is_missing_permission(&self) -> bool {
        self.0.body.cause == Some(Cause::EditAssociations)
    }

    /// The beginning of a response that was an error or could not be decoded, at most 1,024 bytes. The token is
    /// replaced where the response repeats it.
    pub fn body_excerpt(&self) -> Option<&str> {
        self.0.body_excerpt.as_deref()
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        fn words(e: &Inner) -> impl PartialEq + use<'_> {
            (&e.message, e.operation, &e.correlation_id, &e.body, &e.body_excerpt)
        }
        let figures =
            |e: &Inner| (e.kind, e.beneath, e.status, e.attempts, e.last_status, e.retry_after, e.perhaps_before);
        Arc::ptr_eq(&self.0, &other.0) || (figures(&self.0) == figures(&other.0) && words(&self.0) == words(&other.0))
    }
}

impl Eq for Error {}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        f.debug_struct("Error")
            .field("kind", &e.kind)
            .field("message", &e.message)
            .field("operation", &e.operation)
            .field("status", &e.status)
            .field("category", &e.body.category)
            .field("correlation_id", &e.correlation_id)
            .field("attempts", &e.attempts)
            .field("last_status", &e.last_status)
            .field("retry_after", &e.retry_after)
            .field("body_excerpt", &e.body_excerpt)
            .field("source", &e.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}
