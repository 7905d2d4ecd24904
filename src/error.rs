//! The one error type: what failed, what HubSpot said, what to do next.

use std::{collections::BTreeMap, convert::Infallible, fmt, sync::Arc, time::Duration};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    CallMeta,
    generated::{self, types},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
///
/// The predicates tell the kinds apart; more than one may hold. [`Error::remedy`] says in a sentence what to do next.
/// Neither `Debug` nor `Display` ever shows the token.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: String,
    operation: Option<&'static str>,
    status: Option<u16>,
    correlation_id: Option<CorrelationId>,
    body: ErrorBody,
    body_excerpt: Option<String>,
    attempts: u32,
    last_status: Option<u16>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    InvalidInput,
    Token,
    Limiter,
    Connect,
    Timeout,
    Transport,
    Decode,
    Response,
}

/// The identifier under which HubSpot's support finds a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CorrelationId {
    /// What HubSpot documents.
    Uuid(Uuid),
    /// What some of its services send instead.
    Text(String),
}

impl From<&str> for CorrelationId {
    fn from(text: &str) -> Self {
        Uuid::try_parse(text).map_or_else(|_| Self::Text(text.to_owned()), Self::Uuid)
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

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            operation: None,
            status: None,
            correlation_id: None,
            body: ErrorBody::default(),
            body_excerpt: None,
            attempts: 0,
            last_status: None,
            retry_after: None,
            source: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// `value` is left out where it is secret.
    pub(crate) fn invalid_input(
        field: &str,
        value: Option<&str>,
        reason: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        let value = value.map(|v| format!(" {:?}", excerpt(v, 64))).unwrap_or_default();
        Self::new(Kind::InvalidInput, format!("{field}{value} {reason}: {remedy}"))
    }

    /// A provider of this crate fails with an [`Error`] that already says what it knows.
    pub(crate) fn token(source: BoxError) -> Self {
        match source.downcast::<Self>() {
            Ok(error) => error.with(|e| {
                e.kind = Kind::Token;
                e.message = format!("no access token: {}", e.message);
            }),
            Err(source) => Self::new(Kind::Token, format!("no access token: {source}"))
                .with(|e| e.source = Some(Arc::from(source))),
        }
    }

    pub(crate) fn limiter(source: BoxError) -> Self {
        Self::new(Kind::Limiter, format!("the rate limiter failed: {source}"))
            .with(|e| e.source = Some(Arc::from(source)))
    }

    pub(crate) fn total_timeout(timeout: Duration) -> Self {
        Self::new(Kind::Timeout, format!("the call did not end within its total timeout of {timeout:?}"))
    }

    pub(crate) fn transport(source: reqwest::Error) -> Self {
        // Ids in a URL are nobody's secret, but they make log lines differ for nothing.
        let source = source.without_url();
        let (kind, message) = if source.is_timeout() {
            (Kind::Timeout, "HubSpot did not answer in time")
        } else if source.is_connect() {
            (Kind::Connect, "no connection")
        } else {
            (Kind::Transport, "the connection failed")
        };
        Self::new(kind, format!("{message}: {}", innermost(&source))).with(|e| e.source = Some(Arc::new(source)))
    }

    pub(crate) fn body_too_large(limit: usize) -> Self {
        Self::new(Kind::Decode, format!("the answer is larger than {limit} bytes and was not read to its end"))
    }

    pub(crate) fn undecodable(trouble: &str, body: &str) -> Self {
        Self::new(Kind::Decode, format!("the answer is not what the description says: {trouble}"))
            .with(|e| e.body_excerpt = Some(excerpt(body, MAX_EXCERPT)))
    }

    /// An answer other than a success; its body may be anything.
    pub(crate) fn response(status: u16, body: &str) -> Self {
        let parsed = ErrorBody::parse(body);
        let message = match &parsed.message {
            Some(message) => message.clone(),
            None => fallback_message(status).to_owned(),
        };
        Self::new(Kind::Response, message).with(|e| {
            e.status = Some(status);
            e.correlation_id = parsed.correlation_id.as_deref().map(CorrelationId::from);
            e.body = parsed;
            e.body_excerpt = (!body.is_empty()).then(|| excerpt(body, MAX_EXCERPT));
        })
    }

    /// Adds what is known of the call; what the body said of itself stays. `answered` tells whether the status in `meta`
    /// is that of the attempt that failed.
    pub(crate) fn in_call(self, operation: &'static str, meta: &CallMeta, answered: bool) -> Self {
        self.with(|e| {
            e.operation = Some(operation);
            e.attempts = meta.attempts;
            e.last_status = meta.status;
            if answered {
                e.status = e.status.or(meta.status);
                e.retry_after = e.retry_after.or(meta.rate_limit.retry_after);
            }
            if e.correlation_id.is_none() {
                e.correlation_id.clone_from(&meta.correlation_id);
            }
        })
    }

    /// A value that HubSpot could not have taken: refused before anything was sent. Correct the value that the message
    /// names.
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::InvalidInput
    }

    /// The token provider had no token: nothing was sent. The provider's own error is the [source](std::error::Error::source).
    pub fn is_token(&self) -> bool {
        self.0.kind == Kind::Token
    }

    /// HubSpot does not know the token, or it has expired (401): nothing was done.
    pub fn is_unauthorized(&self) -> bool {
        self.0.status == Some(401)
    }

    /// The token lacks a scope (403): nothing was done. [`Error::required_scopes`] names what is missing.
    pub fn is_missing_scope(&self) -> bool {
        self.0.status == Some(403) && (self.category() == Some("MISSING_SCOPES") || !self.required_scopes().is_empty())
    }

    /// The object is not there, or not visible to the token (404): nothing was done.
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(404)
    }

    /// HubSpot's rate limit is used up (429): nothing was done. Wait ten seconds, or until tomorrow for a daily limit.
    pub fn is_rate_limited(&self) -> bool {
        self.0.status == Some(429)
    }

    /// The rate limiter failed, as one shared between processes can: nothing was sent. Its own error is the
    /// [source](std::error::Error::source).
    pub fn is_limiter(&self) -> bool {
        self.0.kind == Kind::Limiter
    }

    /// HubSpot has withdrawn the refresh token (`invalid_grant`), so no access token can be had: the account has to be
    /// connected again by its user.
    pub fn is_invalid_grant(&self) -> bool {
        self.0.kind == Kind::Token && self.0.body.oauth_error.as_deref() == Some("invalid_grant")
    }

    /// No answer within the timeout. The request may have been carried out.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// No connection could be made: nothing was sent.
    pub fn is_connect(&self) -> bool {
        self.0.kind == Kind::Connect
    }

    /// HubSpot answered, but not as described. After a 2xx [status](Error::status) the request was carried out.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// Whether the same call may succeed later. It may have been carried out already: look at
    /// [`Operation::idempotent`](crate::spec::Operation::idempotent) before repeating anything but an association or a
    /// read.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            Kind::Connect | Kind::Timeout | Kind::Transport => true,
            Kind::InvalidInput | Kind::Token | Kind::Limiter | Kind::Decode => false,
            Kind::Response => match self.0.status {
                Some(429) => !self.is_daily_limit(),
                Some(status) => matches!(status, 423 | 477 | 500 | 502..=504 | 521 | 523 | 524),
                None => false,
            },
        }
    }

    /// Whether HubSpot cannot have done what was asked: it was never reached, or refused before doing anything.
    pub(crate) fn was_not_carried_out(&self) -> bool {
        match self.0.kind {
            Kind::InvalidInput | Kind::Token | Kind::Limiter | Kind::Connect => true,
            Kind::Timeout | Kind::Transport | Kind::Decode => false,
            Kind::Response => self.0.status.is_some_and(|status| status < 500),
        }
    }

    /// A 401 that another token may cure.
    pub(crate) fn is_refused_token(&self) -> bool {
        self.0.kind == Kind::Response && self.is_unauthorized()
    }

    /// The daily allowance comes back at midnight of the account's time zone.
    pub(crate) fn is_daily_limit(&self) -> bool {
        self.0.status == Some(429) && self.0.body.policy.as_deref() == Some("DAILY")
    }

    /// The kind in a word, for spans and metrics.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.0.kind {
            Kind::InvalidInput => "invalid_input",
            Kind::Token => "token",
            Kind::Limiter => "limiter",
            Kind::Connect => "connect",
            Kind::Timeout => "timeout",
            Kind::Transport => "transport",
            Kind::Decode => "decode",
            Kind::Response => "response",
        }
    }

    /// How many times the request was sent, or tried to be.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The status of the last answer of all attempts: of this one if it was answered, otherwise of one before it.
    pub fn last_status(&self) -> Option<u16> {
        self.0.last_status
    }

    /// How long HubSpot asks to wait before another attempt, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The operation that failed, such as `associate`; none for a value refused before the call was made.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, where there was an answer. HubSpot uses some that no RFC knows, such as 477.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// HubSpot's category, such as `VALIDATION_ERROR`. New ones come without notice, and some errors have none.
    pub fn category(&self) -> Option<&str> {
        self.0.body.category.as_deref()
    }

    /// What HubSpot's support asks for.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.0.correlation_id.as_ref()
    }

    /// HubSpot's own words where there are any, otherwise ours.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The single errors that HubSpot lists inside the answer, often one for each bad value.
    pub fn details(&self) -> &[types::ErrorDetail] {
        &self.0.body.details
    }

    /// Names and values that HubSpot adds to the message, such as `INVALID_OBJECT_IDS`.
    pub fn context(&self) -> &BTreeMap<String, Vec<String>> {
        &self.0.body.context
    }

    /// The scopes any one of which would have sufficed; empty unless [`Error::is_missing_scope`].
    pub fn required_scopes(&self) -> &[String] {
        &self.0.body.required_scopes
    }

    /// The beginning of an answer that was an error or could not be decoded, 1,024 bytes at most. The token is replaced
    /// where the answer repeats it.
    pub fn body_excerpt(&self) -> Option<&str> {
        self.0.body_excerpt.as_deref()
    }

    /// What to do next, in a sentence.
    pub fn remedy(&self) -> &'static str {
        let associating = matches!(self.0.operation, Some("associate" | "dissociate"));
        match (self.0.kind, self.0.status) {
            (Kind::InvalidInput, _) => "Correct the value that the message names.",
            (Kind::Token, _) if self.is_invalid_grant() => {
                "Connect the account again: send its user through the authorisation page."
            }
            (Kind::Limiter, _) => "See what the rate limiter says; nothing was sent.",
            (Kind::Token, _) => "See what the token provider says; nothing was sent.",
            (Kind::Connect, _) => "Check the network, the proxy and the base URL.",
            (Kind::Timeout, _) => "Try again; an association may be made twice without harm.",
            (Kind::Transport, _) => "Try again, and check the network if it goes on.",
            (Kind::Decode, _) => "Check that the base URL is HubSpot's; if it is, report the excerpt to this crate.",
            (_, Some(300..=399)) => {
                "Give the base URL that the service redirects to; redirects to another origin are not followed."
            }
            (_, Some(401)) => "Check HUBSPOT_ACCESS_TOKEN: the token is unknown to HubSpot or has expired.",
            (_, Some(403)) => "Give the app or key the scopes named, then create the token anew.",
            (_, Some(404)) => "Check the id, and that the token belongs to the account that holds the object.",
            (_, Some(400)) if associating => {
                "Check the object type and id; `association_types` lists the association types that exist."
            }
            (_, Some(429)) if self.is_daily_limit() => {
                "The account's daily allowance is used up; it comes back at midnight of the account's time zone."
            }
            (_, Some(429)) => "Wait ten seconds and send fewer requests at once.",
            (_, Some(423)) => "Wait two seconds or more and try again.",
            (_, Some(477)) => "The account is being moved; try again later, within 24 hours.",
            (_, Some(500..)) => "Try again; if it goes on, give HubSpot's support the correlation id.",
            _ => "Correct the request as the message says.",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        if let Some(operation) = e.operation {
            write!(f, "{operation}: ")?;
        }
        if let Some(status) = e.status {
            write!(f, "HubSpot answered {status}")?;
            if let Some(category) = self.category() {
                write!(f, " {category}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&e.message)?;
        match &e.correlation_id {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}

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

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// For calls through [`Client::raw`](crate::Client::raw), so that `?` gives the same error as the facade does.
impl From<generated::Error<types::Error>> for Error {
    fn from(error: generated::Error<types::Error>) -> Self {
        match error {
            generated::Error::InvalidRequest(message) | generated::Error::Custom(message) => {
                Self::new(Kind::InvalidInput, message)
            }
            generated::Error::CommunicationError(e)
            | generated::Error::ResponseBodyError(e)
            | generated::Error::InvalidUpgrade(e) => carried_by(&e).unwrap_or_else(|| Self::transport(e)),
            generated::Error::InvalidResponsePayload(body, e) => {
                Self::undecodable(&e.to_string(), &String::from_utf8_lossy(&body))
            }
            generated::Error::UnexpectedResponse(response) => Self::response(response.status().as_u16(), ""),
            generated::Error::ErrorResponse(response) => {
                let status = response.status().as_u16();
                let body = serde_json::to_string(&response.into_inner()).unwrap_or_default();
                Self::response(status, &body)
            }
        }
    }
}

/// The transport can fail only with a `reqwest::Error`; it hides its own error as the source of one.
fn carried_by(error: &reqwest::Error) -> Option<Error> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error.clone());
        }
        source = error.source();
    }
    None
}

pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn fallback_message(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirect that is not followed",
        _ => "the answer gives no reason",
    }
}

const MAX_EXCERPT: usize = 1024;

fn excerpt(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max - '…'.len_utf8()).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// What can be made out of an error body, field by field: none of them is sure to be there or to be of its type.
#[derive(Clone, Default)]
struct ErrorBody {
    message: Option<String>,
    category: Option<String>,
    correlation_id: Option<String>,
    /// The limit that a 429 is about.
    policy: Option<String>,
    /// The error code of an OAuth answer, RFC 6749, section 5.2.
    oauth_error: Option<String>,
    details: Vec<types::ErrorDetail>,
    context: BTreeMap<String, Vec<String>>,
    required_scopes: Vec<String>,
}

impl ErrorBody {
    fn parse(body: &str) -> Self {
        let Ok(Value::Object(json)) = serde_json::from_str::<Value>(body) else {
            return Self::default();
        };
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        let errors = json.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut required_scopes: Vec<String> = errors
            .iter()
            .chain([&Value::Object(json.clone())])
            .flat_map(|error| context(error.get("context")))
            .filter(|(name, _)| name == "requiredGranularScopes" || name == "requiredScopes")
            .flat_map(|(_, scopes)| scopes)
            .collect();
        required_scopes.sort();
        required_scopes.dedup();
        Self {
            message: text("message").or_else(|| text("error_description")).or_else(|| text("detail")),
            category: text("category"),
            correlation_id: text("correlationId"),
            policy: text("policyName"),
            oauth_error: text("error"),
            details: errors.iter().filter_map(|e| serde_json::from_value(e.clone()).ok()).collect(),
            context: context(json.get("context")),
            required_scopes,
        }
    }
}

fn context(value: Option<&Value>) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| match value {
            Value::Array(values) => (name.clone(), values.iter().map(text).collect()),
            other => (name.clone(), vec![text(other)]),
        })
        .collect()
}
