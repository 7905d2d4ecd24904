//! The client and how it is made.
#![cfg(feature = "client")]

use std::{env, fmt, sync::Arc, time::Duration};

use crate::{
    auth::{access_token::AccessToken, provider::TokenProvider},
    error::{Error, Result},
    generated,
    rate_limit::{
        limiter::{RateLimit, RateLimitStatus, RateLimiter},
        rolling_window::RollingWindow,
    },
    transport::{
        Inner,
        call_options::check_timeout,
        connection::{BASE_URL, Connection, MAX_RESPONSE_BYTES, check_base_url},
        http_client::HttpClient,
        observer::Observer,
        retry::{RetryBudget, RetryPolicy},
        shared::Shared,
    },
};

/// HubSpot gives up after 100 s with a 524 of its own, which says more than a timeout here.
const TIMEOUT: Duration = Duration::from_secs(110);
const RETRY_BUDGET: u32 = 100;

/// A client of HubSpot's Partner Clients API.
///
/// Clones are cheap and share connections, token, rate limiter and retry budget. Everything goes through the one
/// transport, calls by [`Client::raw`] included.
///
/// A call is made in a Tokio runtime, in any: each has connections of its own, so that a static client may be used in many
/// `#[tokio::test]`s. What a runtime that has ended or stands still has under way holds up no other. An
/// [`http_client`](ClientBuilder::http_client) of your own is used as it is; its connections live in the runtime that
/// they were made in.
///
/// A call begins when it is polled first, and goes on in a task until it has ended or its future is dropped. What you do
/// with the futures and streams of other calls does not hold it up.
///
/// ```no_run
/// # async fn run() -> hubspot_partner_clients::Result<()> {
/// let client = hubspot_partner_clients::Client::from_env()?;
/// client.associate("512").with("companies", "9001").as_type("partner_client_to_company").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) raw: generated::Client,
}

impl Client {
    /// A client with the token of `HUBSPOT_ACCESS_TOKEN`, for HubSpot or for `HUBSPOT_BASE_URL` where that is set and not
    /// empty.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] when the token is missing or cannot be one, or when either variable holds what
    /// [`ClientBuilder::build`] refuses.
    pub fn from_env() -> Result<Self> {
        let mut builder = Self::builder().token_provider(AccessToken::from_env("HUBSPOT_ACCESS_TOKEN")?);
        if let Some(url) = variable("HUBSPOT_BASE_URL")?.filter(|url| !url.is_empty()) {
            builder = builder.base_url(url);
        }
        builder.build()
    }

    /// Starts a client that is set up in code.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client of another account on the same connections and with the same settings, but with a token, a
    /// [`RollingWindow`] and a retry budget of its own.
    ///
    /// ```
    /// # fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use hubspot_partner_clients::AccessToken;
    /// let second = client.for_account(AccessToken::new("pat-eu1-0000")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn for_account(&self, tokens: impl TokenProvider + 'static) -> Self {
        let shared = &self.raw.inner.shared;
        let inner = Inner::new(Shared {
            http: shared.http.clone(),
            tokens: Arc::new(tokens),
            limiter: Arc::new(RollingWindow::new(shared.limit)),
            limit: shared.limit,
            budget: shared.budget.renewed(),
            retry: shared.retry,
            timeout: shared.timeout,
            total_timeout: shared.total_timeout,
            max_response_bytes: shared.max_response_bytes,
            observer: shared.observer.clone(),
            server: shared.server.clone(),
        });
        Self { raw: generated::Client::new_with_client(&self.raw.baseurl, self.raw.client.clone(), inner) }
    }

    /// What the rate limiter knows: the allowance, how much of it is used, and the daily figures once an answer has told
    /// them.
    pub fn rate_limit_status(&self) -> RateLimitStatus {
        self.raw.inner.shared.limiter.status()
    }

    /// The generated client, for operations and parameters that the facade does not have. Token and transport are the
    /// same; `?` turns its errors into [`Error`].
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let archived = client.raw().list().archived(true).limit(20).send().await?;
    /// println!("{} archived partner clients", archived.results.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self) -> &generated::Client {
        &self.raw
    }
}

impl Client {
    /// The base URL in the one form it has: what is remembered of HubSpot's answers belongs to it.
    pub(crate) fn server(&self) -> &str {
        &self.raw.baseurl
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.raw.baseurl).finish_non_exhaustive()
    }
}

fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::invalid_input(name, None, "is not UTF-8", "set it anew")),
    }
}

/// Sets up a [`Client`]. A token is needed; the rest has defaults.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    base_url: String,
    allow_insecure_http: bool,
    tokens: Option<Result<Arc<dyn TokenProvider>>>,
    connection: Connection,
    timeout: Duration,
    total_timeout: Option<Duration>,
    max_response_bytes: usize,
    limit: RateLimit,
    limiter: Option<Arc<dyn RateLimiter>>,
    retry: RetryPolicy,
    retry_budget: u32,
    observer: Option<Arc<dyn Observer>>,
}

/// As [`Client::builder`].
impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            allow_insecure_http: false,
            tokens: None,
            connection: Connection::default(),
            timeout: TIMEOUT,
            total_timeout: None,
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
    /// A token that stays the same: of a private app or a service key. White space around it does not count.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.tokens = Some(AccessToken::new(token).map(|token| Arc::new(token) as _));
        self
    }

    /// Where tokens come from that change, such as an [`OAuthToken`](crate::oauth::OAuthToken).
    pub fn token_provider(mut self, tokens: impl TokenProvider + 'static) -> Self {
        self.tokens = Some(Ok(Arc::new(tokens)));
        self
    }

    /// Where the API is; `https://api.hubapi.com` by default.
    ///
    /// A loopback address is reached directly, past any proxy that the environment names, because the token would cross
    /// the network in the clear.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Permits plain http to a host that is not loopback, such as a proxy on a private network. The token then crosses
    /// that network in the clear.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// How long each attempt may take from sending the request to the last byte of the answer; 110 s by default, a little
    /// more than HubSpot itself waits.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take, TLS included; 10 s by default. It is part of the attempt's timeout.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = Some(timeout);
        self
    }

    /// How long a call may take in all, waiting for the rate limiter and between attempts included. None by default: ten
    /// thousand calls made at once wait minutes for their turn.
    ///
    /// A call whose turn cannot come in time fails at once, with
    /// [`ErrorKind::QueueTimeout`](crate::ErrorKind::QueueTimeout): nothing was sent, and
    /// [`Error::retry_after`] tells when there will be room.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// The largest answer that is read, decompressed, errors included; 64 MiB by default, far more than HubSpot's largest
    /// page. A larger one fails the call with [`Error::is_too_large`] as soon as it shows, so an attempt holds no more than
    /// this of it.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// The allowance to begin with; [`RateLimit::STARTER`] by default. HubSpot's answers correct it.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.limit = limit;
        self
    }

    /// A limiter in place of the client's own: an `Arc` shared with another client of the same account, or one of your
    /// own making.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter + 'static) -> Self {
        self.limiter = Some(Arc::new(limiter));
        self
    }

    /// When a failed attempt is followed by another.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many retries the client may spend without a success; 100 by default. A retry costs one, and a call that
    /// succeeds gives back what its retries cost, or a tenth if there were none. A 429 costs nothing.
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = retries;
        self
    }

    /// Hears of every attempt and every call, for metrics.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Names the application after this crate in `User-Agent`, such as `my-app/1.0`.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.connection.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Sends everything through a proxy, in place of the one that the environment may name. The URL may hold user name
    /// and password. Over https the proxy sees no token; with a base URL of plain http it would, so that needs
    /// [`allow_insecure_http`](Self::allow_insecure_http), for a loopback address as well.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.connection.proxy = Some(url.into());
        self
    }

    /// Trusts the certificates of a PEM file as well as the platform's, for a proxy that inspects TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.root_certificates.push(pem.into());
        self
    }

    /// How many unused connections are kept open; no limit by default.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.connection.max_idle_connections = Some(connections);
        self
    }

    /// How long an unused connection is kept open; 90 s by default.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.connection.idle_timeout = Some(timeout);
        self
    }

    /// An HTTP client of your own. Its connect timeout, user agent, proxy, certificates, pool and HTTP/2 pings are then its
    /// business, and setting them here is refused. So are its redirects: one that follows them to another origin should drop
    /// `Authorization` there, as reqwest does by default.
    ///
    /// It is used in every runtime that makes calls, and its connections end with the runtime that they were made in: where
    /// that stands still, calls in another may wait for their timeout. Give each runtime a client of its own, as with
    /// `#[tokio::test]`, or leave this out: then there are connections for each runtime.
    ///
    /// Without the features `rustls` and `native-tls` it brings the TLS of its choice as well, such as rustls with ring,
    /// which builds in half the time.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.connection.client = Some(client);
        self
    }

    /// Checks the settings and builds the client. No request is made.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting: no token or one that cannot be sent, a limit of zero, a timeout
    /// of zero or of more than a day, a retry policy that makes no sense, a base URL that is none, that is neither https nor
    /// loopback, or that holds credentials, a query or a fragment; a proxy that would see the token. Also when TLS is needed
    /// and cannot be set up, as on a system without certificates.
    pub fn build(self) -> Result<Client> {
        let tokens = self.tokens.unwrap_or_else(|| {
            Err(Error::credentials("access token", "is missing", "set access_token or token_provider"))
        })?;
        check_timeout("timeout", Some(self.timeout))?;
        check_timeout("total timeout", self.total_timeout)?;
        self.retry.check()?;
        if self.max_response_bytes == 0 {
            let remedy = "give as many bytes as the largest answer may have";
            return Err(Error::invalid_input("max response bytes", Some("0"), "lets no answer through", remedy));
        }
        if self.limit == RateLimit::per_ten_seconds(0) {
            let remedy = "give 1 or more, or unlimited";
            return Err(Error::invalid_input("rate limit", Some("0"), "lets nothing through", remedy));
        }
        let base_url = check_base_url(&self.base_url, self.allow_insecure_http, self.connection.has_tls())?;
        // In reqwest a request's own timeout costs an allocation or two.
        let timeout = self.connection.client.is_some().then_some(self.timeout);
        let connection = Connection { timeout: Some(self.timeout), ..self.connection };
        let http = HttpClient::new(connection, &base_url, self.allow_insecure_http)?;
        let first = http.first().clone();
        let shared = Shared {
            http,
            tokens,
            limiter: self.limiter.unwrap_or_else(|| Arc::new(RollingWindow::new(self.limit))),
            limit: self.limit,
            budget: RetryBudget::new(self.retry_budget),
            retry: self.retry,
            timeout,
            total_timeout: self.total_timeout,
            max_response_bytes: self.max_response_bytes,
            observer: self.observer,
            server: base_url.host_str().unwrap_or_default().to_owned(),
        };
        let base_url = base_url.as_str().trim_end_matches('/');
        Ok(Client { raw: generated::Client::new_with_client(base_url, first, Inner::new(shared)) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("timeout", &self.timeout)
            .field("total_timeout", &self.total_timeout)
            .field("rate_limit", &self.limit)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
