//! The client's builder.

use std::{fmt, sync::Arc, time::Duration};

use super::Client;
use crate::{
    api_version::ApiVersion,
    auth::{
        access_token::AccessToken,
        provider::{TokenProvider, Tokens},
    },
    cache::Cache,
    error::{Error, Result},
    generated,
    rate_limit::{
        limiter::{RateLimit, RateLimiter},
        rolling_window::RollingWindow,
    },
    transport::{
        Inner,
        call_options::check_timeout,
        connection::{BASE_URL, ConnectionSettings, MAX_RESPONSE_BYTES, check_base_url},
        http_client::HttpClient,
        observer::Observer,
        retry::{RetryBudget, RetryPolicy},
        shared::Shared,
    },
};

/// HubSpot gives up after 100 s with a 524 of its own, which says more than a timeout here.
const TIMEOUT: Duration = Duration::from_secs(110);
const RETRY_BUDGET: u32 = 100;

/// Configures a [`Client`]. It needs a token; all other settings have defaults.
///
/// ```
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::{
///     Client, RateLimit, RetryPolicy,
/// };
/// use std::time::Duration;
///
/// let client = Client::builder()
///     .access_token("pat-eu1-0000")
///     .rate_limit(RateLimit::PROFESSIONAL)
///     .call_timeout(Duration::from_secs(600))
///     .user_agent_suffix("my-app/1.0")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    base_url: String,
    version: ApiVersion,
    allow_insecure_http: bool,
    tokens: Option<Result<Tokens>>,
    connection: ConnectionSettings,
    timeout: Duration,
    call_timeout: Option<Duration>,
    max_response_bytes: usize,
    limit: RateLimit,
    limiter: Option<Arc<dyn RateLimiter>>,
    retry: RetryPolicy,
    retry_budget: u32,
    observer: Option<Arc<dyn Observer>>,
}

/// The same as [`Client::builder`].
impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            version: ApiVersion::default(),
            allow_insecure_http: false,
            tokens: None,
            connection: ConnectionSettings::default(),
            timeout: TIMEOUT,
            call_timeout: None,
            max_response_bytes: MAX_RESPONSE_BYTES,
            limit: RateLimit::default(),
            limiter: None,
            retry: RetryPolicy::default(),
            retry_budget: RETRY_BUDGET,
            observer: None,
        }
    }
}

impl ClientBuilder {
    /// Sets a token that does not change: that of a private app or of a service key. White space around it is ignored.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.tokens = Some(AccessToken::new(token).map(Tokens::Fixed));
        self
    }

    /// Sets a source of tokens that change, such as an [`OAuthToken`](crate::oauth::OAuthToken).
    pub fn token_provider(mut self, tokens: impl TokenProvider + 'static) -> Self {
        self.tokens = Some(Ok(Tokens::new(tokens)));
        self
    }

    /// Sets the URL of the API; the default is `https://api.hubapi.com`.
    ///
    /// Requests to a loopback address ignore a proxy in the environment, because the token would cross the network
    /// unencrypted.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the version of HubSpot's API that the client speaks; the default is [`ApiVersion::V3`].
    ///
    /// ```
    /// # fn run() -> hubspot_partner_clients::Result<()> {
    /// use hubspot_partner_clients::{
    ///     ApiVersion, Client,
    /// };
    ///
    /// let client = Client::builder()
    ///     .access_token("pat-eu1-0000")
    ///     .api_version(ApiVersion::V2026_09)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Building a client logs a warning if HubSpot stops supporting the version within six months, or if this release of
    /// the crate does not know it.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// Permits plain http to a host that is not loopback, such as a proxy on a private network. The token then crosses
    /// that network unencrypted.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Limits each attempt, from sending the request to the last byte of the response. The default is 110 s, a little more
    /// than HubSpot's own limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits connecting, including TLS; the default is 10 s. The time counts towards the attempt's timeout.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = Some(timeout);
        self
    }

    /// Limits a whole call, including the time that it waits for the rate limiter and between attempts. It limits each request
    /// of a stream, a bulk run, a plan, or a call that takes any number of inputs. There is no limit by default: of ten thousand calls made at once, the last wait minutes for the rate limiter.
    ///
    /// If the rate limiter cannot admit a call in time, the call fails at once with
    /// [`ErrorKind::QueueTimeout`](crate::ErrorKind::QueueTimeout). Nothing was sent then, and [`Error::retry_after`] says when
    /// there will be room.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = Some(timeout);
        self
    }

    /// Limits the size of a response after decompression, errors included. The default is 64 MiB, far more than HubSpot's
    /// largest page. As soon as a response turns out to be larger, the call fails with [`Error::is_too_large`], so an attempt
    /// never reads more than this. Decoding a response takes further memory, several times its size.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets the rate limit to start with; the default is [`RateLimit::STARTER`]. HubSpot's responses correct it.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Replaces the client's rate limiter: with an `Arc` that another client of the same account shares, or with a limiter of
    /// your own.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter + 'static) -> Self {
        self.limiter = Some(Arc::new(limiter));
        self
    }

    /// Sets when a failed attempt is retried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Limits how many retries the client spends without a success; the default is 100. A retry costs one, but nothing after
    /// a 429 or with another token. A call that succeeds returns what its retries cost, or a tenth if they cost nothing.
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = retries;
        self
    }

    /// Sets an observer, which receives every attempt and every call, for metrics.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Adds your application, such as `my-app/1.0`, to the `User-Agent` header.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.connection.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Sends everything through this proxy instead of one in the environment. The URL may contain a user name and a
    /// password. Over https the proxy does not see the token. With a plain-http base URL it would, so that needs
    /// [`allow_insecure_http`](Self::allow_insecure_http), even for a loopback address.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.connection.proxy = Some(url.into());
        self
    }

    /// Trusts the certificates in this PEM text in addition to the platform's, for example those of a proxy that inspects TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.root_certificates.push(pem.into());
        self
    }

    /// Limits how many idle connections are kept open; there is no limit by default.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.connection.max_idle_connections = Some(connections);
        self
    }

    /// Sets how long an idle connection is kept open; the default is 90 s.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.connection.idle_timeout = Some(timeout);
        self
    }

    /// Uses your own HTTP client. Set its connect timeout, user agent, proxy, certificates, pool and HTTP/2 pings on that client;
    /// setting them here is refused.
    ///
    /// It must not follow redirects to another origin, nor ones that make a GET of another request: build it with
    /// `reqwest::redirect::Policy::none()`. By default reqwest follows both. It drops `Authorization` on the way to another
    /// origin, but not secrets in other headers, nor the body of a 307 or 308, in which [`Client::token_info`] sends the token.
    /// A call fails with [`ErrorKind::Redirect`](crate::ErrorKind::Redirect) if its response comes from another origin, or if
    /// a redirect was followed and the request is not a GET; what was sent is sent by then. If a redirect is followed to where
    /// no connection can be made, the call fails with [`ErrorKind::Connect`](crate::ErrorKind::Connect) or is tried again,
    /// although the request before it may have been carried out.
    ///
    /// The same client serves every runtime that makes calls, and a connection ends with the runtime in which it was opened.
    /// If that runtime is blocked, calls in another may wait until they time out. So with several runtimes, as with
    /// `#[tokio::test]`, give each its own client, or do not set one: each runtime then has its own connections.
    ///
    /// Without the features `rustls` and `native-tls`, your client also chooses the TLS library. rustls with ring, for example,
    /// builds in half the time.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.connection.client = Some(client);
        self
    }

    /// Checks the settings and builds the client. It sends no request.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting, for
    /// - a token that is missing or cannot be sent;
    /// - a base URL that is not a URL, that is neither https nor loopback, or that contains credentials, a query or a fragment;
    /// - a limit or a timeout of zero, a timeout of more than a day, or an inconsistent retry policy;
    /// - a proxy that would see the token, or one in the environment that applies to the base URL and cannot be read;
    /// - TLS that is needed and cannot be set up, for example on a system without certificates.
    pub fn build(self) -> Result<Client> {
        let tokens = self.tokens.unwrap_or_else(|| {
            Err(Error::credentials("access token", "is missing", "set access_token or token_provider"))
        })?;
        check_timeout("timeout", Some(self.timeout))?;
        check_timeout("call timeout", self.call_timeout)?;
        self.retry.check()?;
        if self.max_response_bytes == 0 {
            let remedy = "give at least the size of the largest response";
            return Err(Error::invalid_input("max response bytes", Some("0"), "allows no response", remedy));
        }
        if self.limit == RateLimit::per_ten_seconds(0) {
            let remedy = "give 1 or more, or unlimited";
            return Err(Error::invalid_input("rate limit", Some("0"), "allows no request", remedy));
        }
        let base_url = check_base_url(&self.base_url, self.allow_insecure_http, self.connection.has_tls())?;
        let Some(host) = base_url.host_str() else {
            let remedy = "give one such as \"https://api.hubapi.com\"";
            return Err(Error::invalid_input("base URL", Some(base_url.as_str()), "names no host", remedy));
        };
        // In reqwest a request's own timeout costs an allocation or two.
        let timeout = self.connection.client.is_some().then_some(self.timeout);
        let connection = ConnectionSettings { timeout: Some(self.timeout), ..self.connection };
        let http = HttpClient::new(connection, &base_url, self.allow_insecure_http)?;
        let first = http.first().clone();
        if let Some(warning) = self.version.warning() {
            tracing::warn!(api_version = %self.version, "{warning}");
        }
        let shared = Shared {
            association_types: Cache::default(),
            version: self.version,
            base_path: base_url.path().trim_end_matches('/').len(),
            http,
            tokens,
            limiter: self.limiter.unwrap_or_else(|| Arc::new(RollingWindow::new(self.limit))),
            limit: self.limit,
            budget: RetryBudget::new(self.retry_budget),
            retry: self.retry,
            timeout,
            call_timeout: self.call_timeout,
            max_response_bytes: self.max_response_bytes,
            observer: self.observer,
            server: host.to_owned(),
        };
        let base_url = base_url.as_str().trim_end_matches('/');
        Ok(Client { raw: Arc::new(generated::Client::new_with_client(base_url, first, Inner::new(shared))) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("api_version", &self.version)
            .field("timeout", &self.timeout)
            .field("call_timeout", &self.call_timeout)
            .field("rate_limit", &self.limit)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
