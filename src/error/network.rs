//! Errors of the network and of the HTTP client.

use std::{io, sync::Arc};

use reqwest::{
    Url,
    header::{HeaderMap, LOCATION},
};

use super::Error;
use crate::{
    auth::redact::is_in,
    error::{
        excerpt::{MAX_EXCERPT, excerpt},
        kind::ErrorKind,
    },
};

impl Error {
    pub(crate) fn transport(source: reqwest::Error) -> Self {
        let host = source.url().and_then(host).unwrap_or_else(|| "the server".to_owned());
        // No request is made to begin with for another scheme.
        let leads_nowhere = source.url().is_some_and(|url| !matches!(url.scheme(), "http" | "https"));
        // Ids in a URL are nobody's secret, but they make log lines differ for nothing.
        let source = source.without_url();
        // A connect timeout is a timeout as well, but nothing was sent.
        let (kind, message) = if source.is_connect() {
            let late = if source.is_timeout() { " in time" } else { "" };
            let kind = if is_tls(&source) { ErrorKind::Tls } else { ErrorKind::Connect };
            (kind, format!("no connection to {host}{late}"))
        } else if source.is_timeout() {
            (ErrorKind::Timeout, format!("{host} did not respond in time"))
        } else if source.is_redirect() {
            // Only a client of the caller's has a policy that fails. The host may be a stranger's.
            (ErrorKind::Redirect, "your http_client cannot follow a redirect".to_owned())
        } else if source.is_builder() && leads_nowhere {
            (ErrorKind::Transport, "the server redirects to what is no http URL".to_owned())
        } else if source.is_builder() {
            (ErrorKind::InvalidInput, "the request cannot be sent".to_owned())
        } else {
            match in_chain::<hyper::Error>(&source) {
                Some(http) if http.is_parse() => (ErrorKind::Transport, format!("the response of {host} is not HTTP")),
                None if source.is_decode() => (ErrorKind::Decode, "the response cannot be decompressed".to_owned()),
                _ => (ErrorKind::Transport, format!("the connection to {host} failed")),
            }
        };
        Self::new(kind, format!("{message}: {}", excerpt(&innermost(&source), MAX_EXCERPT)))
            .with(|e| e.source = Some(Arc::new(source)))
    }

    /// A redirect that an HTTP client of the caller's has followed: the response may not be HubSpot's, or one to a GET. `sent`
    /// names the secrets that may have gone there.
    pub(crate) fn followed_redirect(to: &Url, sent: &str, secrets: &[&str]) -> Self {
        let to = origin(to, secrets).map(|origin| format!(" to {origin}")).unwrap_or_default();
        let message = format!(
            "your http_client followed a redirect{to}, so the response may not be HubSpot's, or not to this request: build \
             that client with `reqwest::redirect::Policy::none()`, and replace {sent} if that server is a stranger's"
        );
        Self::new(ErrorKind::Redirect, message)
    }
}

/// The first error of this type among the sources.
pub(crate) fn in_chain<E: std::error::Error + 'static>(error: &dyn std::error::Error) -> Option<&E> {
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

/// Where a redirect of this URL leads.
pub(crate) fn location(headers: &HeaderMap, url: &Url) -> Option<Url> {
    // A path may be written in UTF-8 as it is.
    url.join(str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()?).ok()
}

/// The origin that a redirect leads to, if it is another one, and shows none of the secrets.
pub(crate) fn redirected_to(headers: &HeaderMap, url: &Url, secrets: &[&str]) -> Option<String> {
    let location = location(headers, url).filter(|location| location.origin() != url.origin())?;
    origin(&location, secrets)
}

/// The origin of an http URL, without its path and query, which may hold anything; `None` where it shows one of the secrets.
pub(crate) fn origin(url: &Url, secrets: &[&str]) -> Option<String> {
    // A host is written in lower case.
    let shows = |origin: &str| secrets.iter().any(|secret| is_in(origin.as_bytes(), &secret.to_ascii_lowercase()));
    let origin = matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())?;
    (!shows(&origin)).then(|| excerpt(&origin, MAX_EXCERPT))
}

/// With its port, where the URL has one.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
