//! How errors come about.

use std::{any::Any, convert::Infallible, fmt, io, path::Path, sync::Arc, time::Duration};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Error, Inner,
    body::{Cause, ErrorBody},
};
use crate::{
    auth::redact::redact,
    call_meta::CallMeta,
    error::{
        correlation_id::{CORRELATION_ID, CorrelationId},
        kind::ErrorKind,
    },
    generated::{self, types},
    rate_limit::{headers::RateLimitHeaders, not_in_time::NotInTime},
    reading,
    spec::{self, RateBucket},
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
            source: None,
        }))
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
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
        Self::new(ErrorKind::InvalidInput, format!("{field}{value} {reason}: {remedy}"))
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

    /// A new refresh token that its callback did not keep. What the callback says of it may hold it.
    pub(crate) fn not_kept(source: BoxError, refresh_token: &str) -> Self {
        let shows = format!("{source:?}{source}").contains(refresh_token);
        let said = redact(&source.to_string(), refresh_token);
        Self::new(ErrorKind::Token, format!("no access token: the new refresh token is not kept: {said}"))
            .with(|e| e.source = (!shows).then(|| Arc::from(source)))
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
        let room = refusal.retry_after().map(|time| format!("; there is room in {:.1} s", time.as_secs_f64()));
        let message = format!(
            "nothing was sent: {limit} leaves no room before the call's total timeout ends{} (waited {:.1} s)",
            room.unwrap_or_default(),
            waited.as_secs_f64()
        );
        Self::new(ErrorKind::QueueTimeout, message).with(|e| e.retry_after = refusal.retry_after())
    }

    pub(crate) fn no_token_in_time(timeout: Duration) -> Self {
        let message = format!("no access token: the provider gave none within the call's total timeout of {timeout:?}");
        Self::new(ErrorKind::Token, message)
    }

    /// `whose` is the party whose code it was, such as "the observer".
    pub(crate) fn panicked(whose: &str, panic: &(dyn Any + Send)) -> Self {
        let said = text_of(panic).unwrap_or("it said nothing that is text");
        Self::new(ErrorKind::Panic, format!("{whose} panicked: {said}"))
    }

    pub(crate) fn dropped() -> Self {
        Self::new(ErrorKind::Dropped, "the call was dropped before it ended")
    }

    pub(crate) fn no_runtime() -> Self {
        let remedy = "make the call in one, such as that of #[tokio::main]";
        Self::invalid_input("Tokio runtime", None, "is missing", remedy)
    }

    pub(crate) fn total_timeout(timeout: Duration) -> Self {
        Self::new(ErrorKind::Timeout, format!("the call did not end within its total timeout of {timeout:?}"))
    }

    pub(crate) fn transport(source: reqwest::Error) -> Self {
        let host = source.url().map_or_else(|| "the server".to_owned(), host);
        // Ids in a URL are nobody's secret, but they make log lines differ for nothing.
        let source = source.without_url();
        // A connect timeout is a timeout as well, but nothing was sent.
        let (kind, message) = if source.is_connect() {
            let late = if source.is_timeout() { " in time" } else { "" };
            let kind = if is_tls(&source) { ErrorKind::Tls } else { ErrorKind::Connect };
            (kind, format!("no connection to {host}{late}"))
        } else if source.is_timeout() {
            (ErrorKind::Timeout, format!("{host} did not answer in time"))
        } else if source.is_builder() {
            (ErrorKind::InvalidInput, "the request cannot be sent".to_owned())
        } else {
            match in_chain::<hyper::Error>(&source) {
                Some(http) if http.is_parse() => (ErrorKind::Transport, format!("the answer of {host} is not HTTP")),
                None if source.is_decode() => (ErrorKind::Decode, "the answer cannot be decompressed".to_owned()),
                _ => (ErrorKind::Transport, format!("the connection to {host} failed")),
            }
        };
        Self::new(kind, format!("{message}: {}", excerpt(&innermost(&source), MAX_EXCERPT)))
            .with(|e| e.source = Some(Arc::new(source)))
    }

    #[cfg(feature = "redis")]
    pub(crate) fn unreachable(message: String) -> Self {
        Self::new(ErrorKind::Redis, message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(ErrorKind::TooLarge, format!("the answer is larger than {limit} bytes and was not read to its end"))
    }

    pub(crate) fn undecodable(trouble: &str, body: &str) -> Self {
        Self::new(ErrorKind::Decode, format!("the answer is not what the description says: {trouble}"))
            .with(|e| e.body_excerpt = Some(excerpt(body, MAX_EXCERPT)))
    }

    /// Cursors that go in a circle would keep a stream going for ever.
    pub(crate) fn repeated_cursor() -> Self {
        Self::new(ErrorKind::Decode, "HubSpot gave a paging cursor a second time, so the pages would never end")
    }

    /// So would pages without end that hold nothing.
    pub(crate) fn empty_pages(pages: u32) -> Self {
        Self::new(
            ErrorKind::Decode,
            format!("HubSpot gave more than {pages} empty pages in a row, each with a cursor to a next one"),
        )
    }

    /// Going on from the last of them would miss some.
    pub(crate) fn out_of_order(order: &str) -> Self {
        let message = format!(
            "HubSpot gave results of a search that are not in the order of {order}, as asked for, so the next page would \
             miss some"
        );
        Self::new(ErrorKind::Decode, message)
    }

    pub(crate) fn unread_entries(operation: &'static str, meta: &CallMeta) -> Self {
        let message = format!("none of the entries of the answer can be read: there are {}", meta.left_out);
        Self::new(ErrorKind::Decode, message).in_call(operation, meta, true)
    }

    pub(crate) fn no_time_of_change() -> Self {
        Self::new(
            ErrorKind::Decode,
            "HubSpot says of none of the changes of a page when it was made, so the next page is not known",
        )
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(ErrorKind::Transport, "the runtime stopped while a request was under way")
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

    /// One item's error inside a batch that HubSpot answered.
    pub(crate) fn in_batch(error: &types::StandardError) -> Self {
        let body = serde_json::to_string(error).unwrap_or_default();
        let parsed = ErrorBody::parse(&body);
        let message = parsed.message.clone().unwrap_or_else(|| fallback_message(207).to_owned());
        Self::new(parsed.kind(None), message).with(|e| {
            e.body = ErrorBody { is_hubspots: true, ..parsed };
            e.body_excerpt = Some(excerpt(&body, MAX_EXCERPT));
        })
    }

    /// The error of a batch for one of its inputs: of what it names, only that which is about the input, and the same in the
    /// message. It takes an error [without names](Self::without_names).
    pub(crate) fn about(&self, key: &str, entries: &[&str], details: Vec<types::ErrorDetail>) -> Self {
        self.clone().with(|e| {
            let entries: Vec<_> = entries.iter().map(|entry| excerpt(entry, MAX_EXCERPT)).collect();
            e.message = format!("{}: {}", e.message, entries.join(", "));
            e.body.context = [(key.to_owned(), entries)].into();
            e.body.details = details;
        })
    }

    /// The same of all partner clients that HubSpot does not know.
    pub(crate) fn naming_unknown<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Self {
        let ids: Vec<_> = ids.map(str::to_owned).collect();
        self.clone().with(|e| {
            let noun = if ids.len() == 1 { "partner client" } else { "partner clients" };
            let remedy = "check the ids and the account of the token, or leave them out with `skip_unknown`";
            e.message = bounded(format!("HubSpot does not know the {noun} {}: {remedy}", ids.join(", ")));
            e.body.context = [("ids".to_owned(), ids)].into();
            e.body.details.clear();
        })
    }

    /// What the thousands of inputs that it names have in common.
    pub(crate) fn without_names(&self) -> Self {
        self.clone().with(|e| {
            e.message = excerpt(&e.message, MAX_COMMON);
            e.body.message = None;
            e.body.context.clear();
            e.body.details.clear();
        })
    }

    /// Whether the answer was a success of which nothing can be read.
    pub(crate) fn is_unread_success(&self) -> bool {
        matches!(self.kind(), ErrorKind::Decode | ErrorKind::NoOutcome | ErrorKind::TooLarge)
            && self.status().is_some_and(|status| (200..300).contains(&status))
    }

    /// The same answer, as what it says of one input of a batch: nothing.
    pub(crate) fn without_outcome(self) -> Self {
        self.with(|e| {
            e.kind = ErrorKind::NoOutcome;
            e.message = bounded(format!("HubSpot's answer to the batch cannot be read: {}", e.message));
        })
    }

    pub(crate) fn no_outcome() -> Self {
        Self::new(ErrorKind::NoOutcome, "HubSpot's answer to the batch tells nothing of this input")
    }

    /// An answer other than a success; its body may be anything.
    pub(crate) fn response(status: u16, body: &str) -> Self {
        let parsed = ErrorBody::parse(body);
        let message = match &parsed.message {
            Some(message) => message.clone(),
            None => fallback_message(status).to_owned(),
        };
        Self::new(parsed.kind(Some(status)), message).with(|e| {
            e.status = Some(status);
            e.correlation_id = parsed.correlation_id.as_deref().map(CorrelationId::from);
            e.body = parsed;
            e.body_excerpt = (!body.is_empty()).then(|| excerpt(body, MAX_EXCERPT));
        })
    }

    /// What the answer to a single call says where it has the status of a success and is an error all the same.
    pub(crate) fn in_success(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let has = |word: &[u8]| body.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
        if body.len() > MAX_ERROR || !has(b"\"error\"") {
            return None;
        }
        let json = reading::json(body)?;
        let is_error = json.get("status")?.as_str()?.eq_ignore_ascii_case("error") && json.get("message").is_some();
        let text = String::from_utf8_lossy(body);
        let error = is_error.then(|| Self::response(status, &text).with_headers(headers))?;
        Some(match error.is_of_hubspot() {
            true => error,
            false => Self::undecodable(&format!("it is an error: {}", error.message()), &text),
        })
    }

    /// Adds what the headers of the answer tell: a gateway of HubSpot's own answers in HTML, but signs it.
    pub(crate) fn with_headers(self, headers: &HeaderMap) -> Self {
        let signed = headers.contains_key(&CORRELATION_ID) || headers.contains_key("x-hubspot-notfound");
        if !signed {
            return self;
        }
        self.with(|e| {
            e.body.is_hubspots = true;
            e.kind = e.body.kind(e.status);
        })
    }

    /// Adds what [`mark`] has put there.
    fn marked(self, headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let marked = text(&OPERATION).and_then(|id| spec::operations().iter().find(|operation| operation.id == id));
        let Some(operation) = marked else { return self };
        let status = self.0.status;
        let meta = CallMeta {
            status,
            attempts: text(&ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or_default(),
            correlation_id: text(&CORRELATION_ID).map(CorrelationId::from),
            rate_limit: RateLimitHeaders::read(headers),
            ..CallMeta::default()
        };
        self.in_call(operation.id, &meta, true)
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
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A request that lacks a field: one that a new description asks for and the facade does not know.
impl From<types::error::ConversionError> for Error {
    fn from(error: types::error::ConversionError) -> Self {
        Self::invalid_input("the request", None, error, "use raw() for what the facade does not offer")
    }
}

/// For calls through [`Client::raw`](crate::Client::raw), so that `?` gives the same error as the facade does.
impl From<generated::Error<types::Error>> for Error {
    fn from(error: generated::Error<types::Error>) -> Self {
        match error {
            generated::Error::InvalidRequest(message) | generated::Error::Custom(message) => {
                Self::new(ErrorKind::InvalidInput, message)
            }
            generated::Error::CommunicationError(e)
            | generated::Error::ResponseBodyError(e)
            | generated::Error::InvalidUpgrade(e) => carried_by(&e).unwrap_or_else(|| Self::transport(e)),
            generated::Error::InvalidResponsePayload(body, e) => in_chain::<Self>(&e)
                .cloned()
                .unwrap_or_else(|| Self::undecodable(&e.to_string(), &String::from_utf8_lossy(&body))),
            generated::Error::UnexpectedResponse(response) => Self::response(response.status().as_u16(), "")
                .with_headers(response.headers())
                .marked(response.headers()),
            generated::Error::ErrorResponse(response) => {
                let status = response.status().as_u16();
                let headers = response.headers().clone();
                let body = serde_json::to_string(&response.into_inner()).unwrap_or_default();
                Self::response(status, &body).with_headers(&headers).marked(&headers)
            }
        }
    }
}

/// What a call through [`Client::raw`](crate::Client::raw) tells of itself with an answer that is an error: the generated
/// code keeps nothing else of it.
pub(crate) fn mark(headers: &mut HeaderMap, operation: &'static str, attempts: u32) {
    headers.insert(&OPERATION, HeaderValue::from_static(operation));
    headers.insert(&ATTEMPTS, attempts.into());
}

static OPERATION: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-operation");
static ATTEMPTS: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-attempts");

/// The transport can fail only with a `reqwest::Error`; it hides its own error as the source of one.
fn carried_by(error: &reqwest::Error) -> Option<Error> {
    in_chain::<Error>(error).cloned()
}

/// The first error of this type among the sources.
fn in_chain<E: std::error::Error + 'static>(error: &dyn std::error::Error) -> Option<&E> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

/// Whether TLS is what failed, rather than the network below it.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    #[cfg(feature = "rustls")]
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        // Whoever sends what is no TLS does not speak it: mostly the URL or the port is wrong.
        return !matches!(error, rustls::Error::InvalidMessage(_));
    }
    // The error type of `native-tls` is out of reach.
    if cfg!(feature = "native-tls") && error.to_string().contains("certificate") {
        return true;
    }
    // What an `io::Error` wraps is no source of it.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_tls(wrapped)) || error.source().is_some_and(is_tls)
}

/// With its port, where the URL has one.
fn host(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
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
/// A larger body is no error alone.
const MAX_ERROR: usize = 16 * 1024;
/// HubSpot lists every bad value of a request in its message.
const MAX_MESSAGE: usize = 8 * 1024;
/// Of a message that is the same for many.
const MAX_COMMON: usize = 256;

fn bounded(message: String) -> String {
    if message.len() > MAX_MESSAGE { excerpt(&message, MAX_MESSAGE) } else { message }
}

pub(crate) fn excerpt(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max - '…'.len_utf8()).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// What a panic said, where it is text.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
