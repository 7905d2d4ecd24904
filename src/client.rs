//! The client: how it is created, and which version of HubSpot's API it speaks.
#![cfg(feature = "client")]

mod builder;

use std::{env, fmt, sync::Arc};

pub use self::builder::ClientBuilder;
use crate::{
    api_version::{ApiVersion, InvalidApiVersion},
    auth::access_token::AccessToken,
    error::{Error, Result},
    generated,
};

/// A client for HubSpot's Partner Clients API.
///
/// ```no_run
/// # async fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::Client;
///
/// let client = Client::from_env()?;
/// client
///     .associate("512")
///     .with("companies", "9001")
///     .as_type("partner_client_to_company")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// Clones are cheap. They share connections, token, rate limiter and retry budget, which every call uses, including those of
/// [`Client::raw`].
///
/// Calls need a Tokio runtime. You can use a client in several runtimes, for example a static client in many
/// `#[tokio::test]`s: each runtime has its own connections, and a runtime that has stopped or is blocked does not hold up the
/// others. An [`http_client`](ClientBuilder::http_client) of your own is used as it is; its connections belong to the
/// runtime in which they were opened.
///
/// A call starts when its future is first polled. It then proceeds in a task until it ends or its future is dropped, whatever
/// you do with the futures and streams of other calls.
#[derive(Clone)]
pub struct Client {
    pub(crate) raw: Arc<generated::Client>,
}

impl Client {
    /// Configures a client in code. See [`ClientBuilder`].
    ///
    /// ```
    /// # fn run() -> hubspot_partner_clients::Result<()> {
    /// use hubspot_partner_clients::{Client, RateLimit};
    ///
    /// let client = Client::builder()
    ///     .access_token("pat-eu1-0000")
    ///     .rate_limit(RateLimit::PROFESSIONAL)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a client with the token in `HUBSPOT_ACCESS_TOKEN`. It calls HubSpot, or the server in `HUBSPOT_BASE_URL`, and
    /// speaks [`ApiVersion::V3`], or the version in `HUBSPOT_API_VERSION`, if those variables are set and not empty.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] if there is no token or it is not valid, or if [`ClientBuilder::build`] refuses the value
    /// of a variable.
    pub fn from_env() -> Result<Self> {
        let mut builder = Self::builder().token_provider(AccessToken::from_env("HUBSPOT_ACCESS_TOKEN")?);
        if let Some(url) = variable("HUBSPOT_BASE_URL")?.filter(|url| !url.is_empty()) {
            builder = builder.base_url(url);
        }
        if let Some(version) = variable("HUBSPOT_API_VERSION")?.filter(|version| !version.is_empty()) {
            let version = version.parse().map_err(|e: InvalidApiVersion| e.of("HUBSPOT_API_VERSION"))?;
            builder = builder.api_version(version);
        }
        builder.build()
    }

    /// The version of HubSpot's API that the client speaks.
    pub fn api_version(&self) -> ApiVersion {
        self.raw.inner.shared.version
    }
}

impl Client {
    /// The base URL in the one form it has: what is remembered of HubSpot's responses belongs to it.
    pub(crate) fn server(&self) -> &str {
        &self.raw.baseurl
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.raw.baseurl)
            .field("api_version", &self.api_version())
            .finish_non_exhaustive()
    }
}

fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::invalid_input(name, None, "is not UTF-8", "set it to UTF-8 text"))
        }
    }
}

// The README's examples are tests as well.
#[cfg_attr(doctest, doc = include_str!("../README.md"))]
mod readme {}
