//! The HTTP client below: base URLs, TLS, proxies, pools, redirects, bodies.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, Url, header::HeaderValue, redirect};

use crate::{
    error::{Error, Result, network::innermost},
    transport::{call_options::check_timeout, environment_proxy},
};
/// HubSpot itself.
pub(crate) const BASE_URL: &str = "https://api.hubapi.com";
const USER_AGENT: &str = concat!("hubspot-partner-clients-rust/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an HTTP/2 connection with a call under way may be silent before it is asked whether it is alive, and how long
/// its response may take. All calls share it, so a dead one would fail every attempt of them all.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 3;
/// A page of 100 objects with all their properties and history stays far below.
pub(crate) const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;
/// As much memory as a response gets for announcing its length.
const MAX_RESERVED_BYTES: usize = 1024 * 1024;

/// How connections are made; what is `None` is reqwest's default.
#[derive(Clone, Default)]
pub(crate) struct ConnectionSettings {
    pub(crate) client: Option<reqwest::Client>,
    /// Of each request, where it has none of its own; a given client keeps its own.
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) user_agent_suffix: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) max_idle_connections: Option<usize>,
    pub(crate) idle_timeout: Option<Duration>,
}

impl ConnectionSettings {
    /// The first setting that is made.
    fn set(&self) -> Option<&'static str> {
        [
            (self.connect_timeout.is_some(), "connect timeout"),
            (self.user_agent_suffix.is_some(), "user agent suffix"),
            (self.proxy.is_some(), "proxy"),
            (!self.root_certificates.is_empty(), "root certificate"),
            (self.max_idle_connections.is_some(), "max idle connections"),
            (self.idle_timeout.is_some(), "idle timeout"),
        ]
        .into_iter()
        .find_map(|(set, name)| set.then_some(name))
    }

    /// Whether https can be spoken: what a given client can do is its business.
    pub(crate) fn has_tls(&self) -> bool {
        self.client.is_some() || cfg!(any(feature = "rustls", feature = "native-tls"))
    }

    /// The HTTP client for a base URL that has been checked.
    pub(crate) fn build(mut self, base_url: &Url, allow_insecure_http: bool) -> Result<reqwest::Client> {
        let set = self.set();
        if let Some(client) = self.client.take() {
            return match set {
                None => Ok(client),
                Some(setting) => Err(Error::invalid_input(
                    setting,
                    None,
                    "cannot be set beside http_client",
                    "set it on your reqwest client",
                )),
            };
        }
        check_timeout("connect timeout", self.connect_timeout)?;
        check_timeout("idle timeout", self.idle_timeout)?;
        let plain = base_url.scheme() == "http";
        if plain && self.proxy.is_some() && !allow_insecure_http {
            let reason = "would see the token, because the base URL is plain http";
            return Err(Error::invalid_input(
                "proxy",
                None,
                reason,
                "use https, or allow_insecure_http if you trust it",
            ));
        }
        // Whatever is sent goes to this origin, and no further: reading the platform's certificates, which takes most of the
        // time of making a client, has no use.
        let local = plain && self.proxy.is_none() && is_loopback(base_url);
        match self.builder(base_url, !local)?.build() {
            Ok(client) => Ok(client),
            // Without certificates of the platform there is no TLS, and none is needed.
            Err(_) if plain => self.builder(base_url, false)?.build().map_err(|e| no_client(&e)),
            Err(e) => Err(no_client(&e)),
        }
    }

    fn builder(&self, base_url: &Url, platform_certificates: bool) -> Result<reqwest::ClientBuilder> {
        let mut http = reqwest::Client::builder()
            .user_agent(user_agent(self.user_agent_suffix.as_deref())?)
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .redirect(redirect::Policy::custom(stay_at_origin));
        if let Some(proxy) = &self.proxy {
            // Its URL may hold a password.
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| {
                Error::invalid_input("proxy", None, "is not a URL", "give one such as \"http://proxy:3128\"")
            })?;
            http = http.proxy(proxy);
        } else if is_loopback(base_url) {
            http = http.no_proxy();
        } else {
            environment_proxy::check(base_url)?;
        }
        if let Some(timeout) = self.timeout {
            http = http.timeout(timeout);
        }
        if let Some(max) = self.max_idle_connections {
            http = http.pool_max_idle_per_host(max);
        }
        if let Some(timeout) = self.idle_timeout {
            http = http.pool_idle_timeout(timeout);
        }
        with_root_certificates(http, &self.root_certificates, platform_certificates)
    }
}

fn no_client(error: &reqwest::Error) -> Error {
    let reason = format!("cannot be set up ({})", innermost(error));
    let remedy = "if the system has no certificates, install its package `ca-certificates`, or set SSL_CERT_FILE to a file \
                  of them in PEM";
    Error::invalid_input("TLS of the HTTP client", None, reason, remedy)
}

fn user_agent(suffix: Option<&str>) -> Result<HeaderValue> {
    let text = suffix.map_or_else(|| USER_AGENT.to_owned(), |suffix| format!("{USER_AGENT} {suffix}"));
    HeaderValue::try_from(text).map_err(|_| {
        Error::invalid_input("user agent suffix", suffix, "cannot be sent", "give visible ASCII such as \"my-app/1.0\"")
    })
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn with_root_certificates(
    mut http: reqwest::ClientBuilder,
    pems: &[Vec<u8>],
    platform_certificates: bool,
) -> Result<reqwest::ClientBuilder> {
    if !platform_certificates {
        http = http.tls_certs_only([]);
        // The platform's own TLS reads them even so.
        #[cfg(feature = "rustls")]
        {
            http = http.tls_backend_rustls();
        }
    }
    for pem in pems {
        let refuse = || Error::invalid_input("root certificate", None, "is not PEM", "give the text of a .pem file");
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| refuse())?;
        if certificates.is_empty() {
            return Err(refuse());
        }
        http = http.tls_certs_merge(certificates);
    }
    Ok(http)
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_root_certificates(http: reqwest::ClientBuilder, pems: &[Vec<u8>], _: bool) -> Result<reqwest::ClientBuilder> {
    if pems.is_empty() {
        return Ok(http);
    }
    Err(Error::invalid_input("root certificate", None, "needs TLS", "enable the feature `rustls` or `native-tls`"))
}

/// A URL that a secret may be sent to.
pub(crate) fn check_base_url(text: &str, allow_insecure_http: bool, tls: bool) -> Result<Url> {
    let whole = text;
    // Neither a password nor a key in the query may show.
    let text = text.split(['?', '#']).next().filter(|text| !text.contains('@'));
    let refuse = |value, reason: &str, remedy: &str| Err(Error::invalid_input("base URL", value, reason, remedy));
    let Ok(url) = Url::parse(whole) else {
        // A token put there by mistake must not show, and has no dot.
        let host = text.filter(|text| text.is_empty() || text.contains('.') && !text.contains('%'));
        return refuse(host, "is not a URL", "give one such as \"https://api.hubapi.com\"");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(None, "contains credentials", "remove them; the token goes into access_token");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(text, "contains a query or a fragment", "remove it");
    }
    match url.scheme() {
        "https" if tls => Ok(url),
        "https" => refuse(
            text,
            "needs TLS",
            "enable the feature `rustls` or `native-tls` of this crate, or give an http_client that has TLS of its own",
        ),
        "http" if allow_insecure_http || is_loopback(&url) => Ok(url),
        "http" => refuse(
            text,
            "would send the token in the clear",
            "use https, or allow_insecure_http for a proxy on a private network",
        ),
        _ => refuse(text, "is neither https nor http", "give one such as \"https://api.hubapi.com\""),
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Only where the method stays what it was: otherwise a redirected PUT would come back as the success of a GET.
fn stay_at_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
    let same_origin = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The whole body, decompressed, of so many bytes at most. One that comes in one piece is not copied.
pub(crate) async fn read_body(response: &mut Response, limit: usize) -> Result<Bytes> {
    let announced = response.content_length().unwrap_or_default();
    // What is announced as too large is not read at all.
    if announced > limit as u64 {
        return Err(Error::too_large(limit));
    }
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(Error::transport)? {
        let read = whole.len() + pieces.len();
        if piece.len() > limit - read {
            return Err(Error::too_large(limit));
        }
        if read == 0 {
            whole = piece;
            continue;
        }
        if pieces.is_empty() {
            pieces.reserve((announced as usize).min(MAX_RESERVED_BYTES));
            pieces.extend_from_slice(&std::mem::take(&mut whole));
        }
        pieces.extend_from_slice(&piece);
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_needs_tls_from_a_feature_or_from_a_client_of_one_s_own() {
        let error = check_base_url("https://api.hubapi.com", false, false).unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.message().contains("needs TLS") && error.message().contains("http_client"), "{error}");
        check_base_url("https://api.hubapi.com", false, true).unwrap();
        assert!(ConnectionSettings { client: Some(reqwest::Client::new()), ..ConnectionSettings::default() }.has_tls());
    }
}
