//! The client and how it is made.

use std::{env, fmt, net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Url, header::HeaderMap, redirect};

use crate::{AccessToken, Error, Result, TokenProvider, generated, transport};

const BASE_URL: &str = "https://api.hubapi.com";
const USER_AGENT: &str = concat!("hubspot-partner-clients-rust/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// HubSpot gives up after 100 s with a 524 of its own, which says more than a timeout here.
const TIMEOUT: Duration = Duration::from_secs(110);
const MAX_REDIRECTS: usize = 3;

/// A client of HubSpot's Partner Clients API.
///
/// Clones are cheap and share connections and token. Everything goes through the one transport, calls by
/// [`Client::raw`] included.
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
    /// A client with the token of `HUBSPOT_ACCESS_TOKEN`, for HubSpot or for `HUBSPOT_BASE_URL` where that is set.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] when the token is missing, or when either variable holds what
    /// [`ClientBuilder::build`] refuses.
    pub fn from_env() -> Result<Self> {
        let Some(token) = variable("HUBSPOT_ACCESS_TOKEN")? else {
            return Err(Error::invalid_input(
                "HUBSPOT_ACCESS_TOKEN",
                None,
                "is not set",
                "set it to the access token of your HubSpot private app or service key",
            ));
        };
        let mut builder = Self::builder().access_token(token);
        if let Some(url) = variable("HUBSPOT_BASE_URL")? {
            builder = builder.base_url(url);
        }
        builder.build()
    }

    /// Starts a client that is set up in code.
    pub fn builder() -> ClientBuilder {
        ClientBuilder { base_url: BASE_URL.to_owned(), tokens: None, timeout: TIMEOUT, allow_insecure_http: false }
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
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    base_url: String,
    tokens: Option<Result<Arc<dyn TokenProvider>>>,
    timeout: Duration,
    allow_insecure_http: bool,
}

impl ClientBuilder {
    /// A token that stays the same: of a private app or a service key.
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.tokens = Some(AccessToken::new(token).map(|token| Arc::new(token) as _));
        self
    }

    /// Where tokens come from that change.
    pub fn token_provider(mut self, tokens: impl TokenProvider + 'static) -> Self {
        self.tokens = Some(Ok(Arc::new(tokens)));
        self
    }

    /// Where the API is; `https://api.hubapi.com` by default.
    ///
    /// A loopback address is always reached directly, past any proxy that the environment names, because the token
    /// would cross the network in the clear.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How long a request may take from its start to the last byte of the answer; 110 s by default, a little more than
    /// HubSpot itself waits. Connecting may take ten seconds of it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Permits plain http to a host that is not loopback, such as a proxy on a private network. The token then crosses
    /// that network in the clear.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Checks the settings and builds the client. No request is made.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting: no token or one that cannot be sent, a timeout of zero, a base
    /// URL that is none, that is neither https nor loopback, or that holds credentials, a query or a fragment. Also
    /// when TLS cannot be set up.
    pub fn build(self) -> Result<Client> {
        let tokens = self.tokens.unwrap_or_else(|| {
            Err(Error::invalid_input("access token", None, "is missing", "set access_token or token_provider"))
        })?;
        if self.timeout.is_zero() {
            return Err(Error::invalid_input("timeout", Some("0s"), "leaves no time", "give more than zero"));
        }
        let base_url = check_base_url(&self.base_url, self.allow_insecure_http)?;

        let mut http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(HeaderMap::new())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.timeout)
            .redirect(redirect::Policy::custom(stay_at_origin));
        if is_loopback(&base_url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| {
            Error::invalid_input(
                "HTTP client",
                None,
                format!("cannot be set up ({e:?})"),
                "check the TLS configuration",
            )
        })?;
        Ok(Client {
            raw: generated::Client::new_with_client(
                base_url.as_str().trim_end_matches('/'),
                http,
                transport::Inner::new(tokens),
            ),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn check_base_url(text: &str, allow_insecure_http: bool) -> Result<Url> {
    let refuse = |value, reason: &str, remedy: &str| Err(Error::invalid_input("base URL", value, reason, remedy));
    let Ok(url) = Url::parse(text) else {
        return refuse(Some(text), "is not a URL", "give one such as \"https://api.hubapi.com\"");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(None, "holds credentials", "remove them; the token goes into access_token");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(Some(text), "holds a query or a fragment", "remove it");
    }
    match url.scheme() {
        "https" if cfg!(any(feature = "rustls", feature = "native-tls")) => Ok(url),
        "https" => refuse(Some(text), "needs TLS", "enable the feature `rustls` or `native-tls` of this crate"),
        "http" if allow_insecure_http || is_loopback(&url) => Ok(url),
        "http" => refuse(
            Some(text),
            "would send the token in the clear",
            "use https, or allow_insecure_http for a proxy on a private network",
        ),
        _ => refuse(Some(text), "is neither https nor http", "give one such as \"https://api.hubapi.com\""),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
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
