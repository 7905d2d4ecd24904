//! The journal: what arrived, as it arrived, and what it was answered.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Bytes,
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
};

use percent_encoding::percent_decode_str;

use crate::{auth::access::Caller, http::version::Version};

/// A request as it arrived on the wire, and the status it was answered with.
///
/// Its `Debug` output leaves out the `Authorization` header's value, and what was sent to a path with a segment `oauth`.
#[derive(Clone)]
pub struct RecordedRequest {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
    /// Whether its query and body may hold secrets, as those of a token endpoint do.
    secret: bool,
    caller: Option<Arc<str>>,
    account: Option<u64>,
    status: Option<StatusCode>,
}

impl RecordedRequest {
    /// The method, in upper case: `PUT`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, still percent-encoded. Where a token is part of it, `[redacted]` stands in its place.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What followed the `?`, still percent-encoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The first value of a header, whose name matches in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The names, in lower case, and values of all headers.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body; empty when there was none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Who sent it: the OAuth app's client id, or the number of a static token, `token 1`; `None` where authentication
    /// failed or was not needed.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// The id of the account whose token it carried; `None` where authentication failed or was not needed.
    #[must_use]
    pub fn account(&self) -> Option<u64> {
        self.account
    }

    /// Whether its query and body may hold secrets, as those of a token endpoint do.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// The status it was answered with; `None` while the answer is pending, and for ever when the caller went away or
    /// the connection was reset.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers()
            .map(|(name, value)| match name {
                name if name == AUTHORIZATION => (name, "[redacted]"),
                name => (name, value),
            })
            .collect();
        let (query, body) = if self.is_secret() {
            (self.query().map(|_| "[redacted]"), "[redacted]".into())
        } else {
            (self.query(), String::from_utf8_lossy(&self.body))
        };
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &query)
            .field("headers", &headers)
            .field("body", &body)
            .field("status", &self.status())
            .finish()
    }
}

/// Whether a path has a segment `oauth`, however it is written: a client that misses an endpoint by a slash, a letter's
/// case or an encoding sends its secrets all the same.
fn is_oauth(path: &str) -> bool {
    let mut path = Cow::Borrowed(path);
    loop {
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            return path.split(['/', '\\']).any(|segment| segment.eq_ignore_ascii_case("oauth"));
        }
        path = Cow::Owned(decoded);
    }
}

/// The path without the token that `/oauth/v1/access-tokens/{token}` has in it: of a path to OAuth nothing is shown but the
/// words and versions that are known.
fn without_token(path: &str) -> String {
    const WORDS: [&str; 10] = [
        "oauth",
        "token",
        "introspect",
        "revoke",
        "authorize",
        "access-tokens",
        "refresh-tokens",
        "private-apps",
        "get",
        "access-token-info",
    ];
    if !is_oauth(path) {
        return path.to_owned();
    }
    let is_version = |segment: &str| {
        Version::parse(segment).is_ok() || segment.strip_prefix('v').is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let shown = |segment: &str| {
        segment.is_empty() || is_version(segment) || WORDS.iter().any(|word| segment.eq_ignore_ascii_case(word))
    };
    let segments = path.split('/').map(|segment| if shown(segment) { segment } else { "[redacted]" });
    segments.collect::<Vec<_>>().join("/")
}

/// The requests so far, numbered by arrival so that clearing them leaves the number of a pending one valid.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    /// How many requests are kept; all without it.
    kept: Option<usize>,
}

#[derive(Debug, Default)]
struct Entries {
    arrivals: u64,
    requests: BTreeMap<u64, RecordedRequest>,
}

impl Journal {
    pub(crate) fn new(kept: Option<usize>) -> Self {
        Self { entries: Mutex::default(), kept }
    }

    /// Records a request and returns its number.
    pub(crate) fn arrived(&self, request: &Parts, body: Bytes) -> u64 {
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let request = RecordedRequest {
            method: request.method.to_string(),
            path: without_token(request.uri.path()),
            query: request.uri.query().map(str::to_owned),
            headers,
            body,
            secret: is_oauth(request.uri.path()),
            caller: None,
            account: None,
            status: None,
        };
        let mut entries = self.entries();
        entries.arrivals += 1;
        let number = entries.arrivals;
        entries.requests.insert(number, request);
        while self.kept.is_some_and(|kept| entries.requests.len() > kept) {
            entries.requests.pop_first();
        }
        number
    }

    /// Records who sent a request, unless it is no longer kept.
    pub(crate) fn sent_by(&self, number: u64, caller: &Caller) {
        if let Some(request) = self.entries().requests.get_mut(&number) {
            request.caller = Some(Arc::clone(caller.name()));
            request.account = Some(caller.portal().id);
        }
    }

    /// Records what a request was answered, unless it is no longer kept.
    pub(crate) fn answered(&self, number: u64, status: StatusCode) {
        if let Some(request) = self.entries().requests.get_mut(&number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn request(&self, number: u64) -> Option<RecordedRequest> {
        self.entries().requests.get(&number).cloned()
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.entries().requests.values().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries().requests.clear();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
