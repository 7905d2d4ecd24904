//! Errors of the network and of the HTTP client.

use std::{io, sync::Arc};

use super::Error;
use crate::error::{
    excerpt::{MAX_EXCERPT, excerpt},
    kind::ErrorKind,
};

impl Error {
    pub(crate) fn transport(source: reqwest::Error) -> Self {
        let host = source.url().and_then(host).unwrap_or_else(|| "the server".to_owned());
        // Ids in a URL are nobody's secret, but they make log lines differ for nothing.
        let source = source.without_url();
        // A connect timeout is a timeout as well, but nothing was sent.
        let (kind, message) = if source.is_connect() {
            let late = if source.is_timeout() { " in time" } else { "" };
            let kind = if is_tls(&source) { ErrorKind::Tls } else { ErrorKind::Connect };
            (kind, format!("no connection to {host}{late}"))
        } else if source.is_timeout() {
            (ErrorKind::Timeout, format!("{host} did not respond in time"))
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

/// With its port, where the URL has one.
fn host(url: &reqwest::Url) -> Option<String> {
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
