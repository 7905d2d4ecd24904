//! OAuth: for an app that acts for the accounts of others.
//!
//! 1. [`OAuthApp::authorize`] makes the page on which a user connects an account.
//! 2. [`OAuthApp::exchange`] turns the code that comes back into a [`Grant`]. Keep its refresh token, in a safe place.
//! 3. [`OAuthApp::token`] makes an [`OAuthToken`] of a refresh token, from which a client takes its access tokens.
//!
//! ```no_run
//! # async fn run(code: &str, state: &str) -> hubspot_partner_clients::Result<()> {
//! use hubspot_partner_clients::{Client, oauth::OAuthApp};
//!
//! let app = OAuthApp::new("client-id", "client-secret")?;
//!
//! let authorization = app
//!     .authorize("https://my.app/connected")
//!     .scopes(["crm.objects.partner-clients.read", "crm.objects.partner-clients.write"])
//!     .build()?;
//! println!("send the user to {}", authorization.url());
//!
//! // The user comes back to https://my.app/connected?code=…&state=…
//! assert_eq!(state, authorization.state());
//! let grant = app.exchange(code, "https://my.app/connected", Some(authorization.code_verifier())).await?;
//!
//! let token = app.token_of(&grant)?.on_new_refresh_token(|token| async move { save(&token).await });
//! let client = Client::builder().token_provider(token).build()?;
//! # Ok(())
//! # }
//! # async fn save(_: &str) -> std::io::Result<()> { Ok(()) }
//! ```

mod authorization;
mod fresh;
mod refused;
mod shared;
mod store;
mod token;

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use self::refused::Refused;
pub use self::{
    authorization::{Authorization, AuthorizationBuilder},
    store::{StoreFuture, StoredToken, TokenStore},
    token::OAuthToken,
};
use crate::{
    auth::{
        access_token::{AccessToken, secret},
        redact::redact_body,
    },
    call_meta::CallMeta,
    client::BASE_URL,
    error::{Error, Result, correlation_id::CORRELATION_ID},
    rate_limit::headers::RateLimitHeaders,
    reading::{self, Field, Shape},
    task::in_runtime,
    transport::{
        call_options::check_timeout,
        connection::{Connection, check_base_url, read_body},
        http_client::HttpClient,
        retry::RetryPolicy,
    },
};

/// The current version of the endpoint; `/oauth/v1/token` ends on 2027-02-16.
const TOKEN_PATH: &str = "/oauth/2026-03/token";
const TIMEOUT: Duration = Duration::from_secs(30);
/// HubSpot's access tokens live this long; an answer usually says so itself.
const LIFETIME: Duration = Duration::from_secs(1800);
/// Tokens and scopes take a few thousand.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// No answer is believed that promises more.
const MAX_LIFETIME_SECONDS: u64 = 24 * 3600;

/// An app registered with HubSpot: its client id and secret, and where its tokens come from. Clones share connections.
///
/// A refresh token that HubSpot has refused is not sent again for a minute: calls of the account fail with the same error
/// ([`Error::is_invalid_grant`]), and HubSpot is not asked for each. [Connecting the account again](Self::exchange) ends it,
/// and another refresh token is not concerned.
///
/// An answer of the token endpoint of more than 1 MiB, decompressed, is refused.
#[derive(Clone)]
pub struct OAuthApp {
    client_id: String,
    client_secret: Arc<SecretString>,
    token_url: Url,
    http: HttpClient,
    timeout: Duration,
    retry: RetryPolicy,
    refused: Refused,
}

impl OAuthApp {
    /// An app with the settings that HubSpot documents.
    ///
    /// # Errors
    /// As [`OAuthAppBuilder::build`].
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self> {
        Self::builder(client_id, client_secret).build()
    }

    /// Starts an app that is set up in code.
    pub fn builder(client_id: impl Into<String>, client_secret: impl Into<String>) -> OAuthAppBuilder {
        OAuthAppBuilder {
            client_id: client_id.into(),
            client_secret: SecretString::from(client_secret.into()),
            base_url: BASE_URL.to_owned(),
            token_path: TOKEN_PATH.to_owned(),
            connection: Connection::default(),
            timeout: TIMEOUT,
            retry: RetryPolicy::default(),
        }
    }

    /// Starts the address of the page on which a user connects an account. `redirect_uri` is one of those registered for
    /// the app.
    pub fn authorize(&self, redirect_uri: impl Into<String>) -> AuthorizationBuilder {
        AuthorizationBuilder::new(&self.client_id, redirect_uri.into())
    }

    /// Turns the code that came back from the authorisation page into tokens. `redirect_uri` and `code_verifier` are
    /// those of the [`Authorization`]; compare its `state` first.
    ///
    /// # Errors
    /// [`Error::is_token`]. A code that is unknown, used or too old makes [`Error::is_invalid_grant`] hold as well.
    /// [`Error::is_invalid_input`] for a code that is empty or cannot be one. White space around it does not count.
    pub async fn exchange(&self, code: &str, redirect_uri: &str, code_verifier: Option<&str>) -> Result<Grant> {
        let code = secret("code", code, "give the parameter `code` of the address that the user came back to")?;
        let code = code.expose_secret();
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        form.extend(code_verifier.map(|verifier| ("code_verifier", verifier)));
        // A code is good for one use, so a lost answer cannot be had again.
        let grant = self.request(&form, false).await?;
        self.forget_refusal(&grant);
        Ok(grant)
    }

    /// HubSpot has just given it, whatever it said of its refresh token before.
    fn forget_refusal(&self, grant: &Grant) {
        if let Some(refresh_token) = &grant.refresh_token {
            self.refused.forget(refresh_token);
        }
    }

    /// The access tokens of an account, had by its refresh token. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a refresh token that is empty or cannot be one. White space around it does not count.
    pub fn token(&self, refresh_token: impl Into<String>) -> Result<OAuthToken> {
        let given = SecretString::from(refresh_token.into());
        let remedy = "give the one that connecting the account gave";
        let refresh_token = secret("refresh token", given.expose_secret(), remedy)?;
        Ok(OAuthToken::new(self.clone(), refresh_token))
    }

    /// The access tokens of an account that was just connected: the grant's own first.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a grant without a refresh token.
    pub fn token_of(&self, grant: &Grant) -> Result<OAuthToken> {
        let token = self.token(grant.refresh_token().unwrap_or_default())?;
        self.forget_refusal(grant);
        token.start_with(grant);
        Ok(token)
    }

    pub(crate) async fn refresh(&self, refresh_token: &SecretString) -> Result<Grant> {
        if let Some(error) = self.refused.error(refresh_token) {
            return Err(error);
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        let answer = self.request(&form, true).await;
        if let Err(error) = &answer
            && error.is_invalid_grant()
        {
            self.refused.remember(refresh_token, error);
        }
        answer
    }

    /// Asks the token endpoint, as often as it takes. Every value of the form is taken for a secret.
    async fn request(&self, form: &[(&str, &str)], repeatable: bool) -> Result<Grant> {
        in_runtime().map_err(|error| Error::token(Box::new(error)))?;
        let mut meta = CallMeta::default();
        loop {
            meta.attempts += 1;
            let error = match self.attempt(form, &mut meta).await {
                Ok(grant) => return Ok(grant),
                Err(error) => error.in_call("oauth_token", &meta, meta.status.is_some()),
            };
            match self.retry.delay(&error, repeatable, meta.attempts) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(Error::token(Box::new(error))),
            }
        }
    }

    async fn attempt(&self, form: &[(&str, &str)], meta: &mut CallMeta) -> Result<Grant> {
        meta.status = None;
        let secret = self.client_secret.expose_secret();
        let whole = [form, &[("client_id", &self.client_id), ("client_secret", secret)]].concat();
        let request = self.http.get()?.post(self.token_url.clone()).timeout(self.timeout).form(&whole);
        let sent = form.iter().filter(|(name, _)| !matches!(*name, "grant_type" | "redirect_uri"));
        let secrets: Vec<&str> = sent.map(|(_, value)| *value).chain([secret]).collect();
        let encoded: Vec<String> = secrets.iter().map(|secret| form_encoded(secret)).collect();
        let secrets = [secrets, encoded.iter().map(String::as_str).collect()].concat();

        let mut response = request.send().await.map_err(Error::transport)?;
        let status = response.status();
        meta.status = Some(status.as_u16());
        meta.rate_limit = RateLimitHeaders::read(response.headers());
        let correlation_id = response.headers().get(&CORRELATION_ID);
        meta.correlation_id = correlation_id.map(|id| redact_body(id.as_bytes(), &secrets).as_str().into());
        let body = read_body(&mut response, MAX_ANSWER_BYTES).await?;
        if !status.is_success() {
            let error = Error::response(status.as_u16(), &redact_body(&body, &secrets));
            return Err(error.with_headers(response.headers()));
        }
        Grant::read(&body)
    }
}

/// A value as it stands in the form that was sent, for an answer that repeats it.
fn form_encoded(value: &str) -> String {
    let url = Url::parse_with_params("http://localhost", [("v", value)]);
    url.ok().and_then(|url| Some(url.query()?.strip_prefix("v=")?.to_owned())).unwrap_or_default()
}

/// Without the secret.
impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("token_url", &self.token_url.as_str())
            .finish_non_exhaustive()
    }
}

/// Sets up an [`OAuthApp`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct OAuthAppBuilder {
    client_id: String,
    client_secret: SecretString,
    base_url: String,
    token_path: String,
    connection: Connection,
    timeout: Duration,
    retry: RetryPolicy,
}

impl OAuthAppBuilder {
    /// Where the token endpoint is; `https://api.hubapi.com` by default.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The endpoint's path, which carries its version; `/oauth/2026-03/token` by default.
    pub fn token_path(mut self, path: impl Into<String>) -> Self {
        self.token_path = path.into();
        self
    }

    /// How long an attempt may take; 30 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// When a failed attempt is followed by another.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// An HTTP client of your own, for a proxy or certificates. It should follow no redirects: they would take the
    /// secret along.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.connection.client = Some(client);
        self
    }

    /// Checks the settings. No request is made.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting: a client id or secret that is empty or cannot be one (white space
    /// around it does not count), a base URL that is neither https
    /// nor loopback, a path that is none, a timeout of zero or of more than a day.
    pub fn build(self) -> Result<OAuthApp> {
        let refuse = |field, reason, remedy| Err(Error::invalid_input(field, None, reason, remedy));
        let remedy = "give the one on your app's Auth page in HubSpot";
        let client_id = secret("client id", &self.client_id, remedy)?;
        let client_secret = secret("client secret", self.client_secret.expose_secret(), remedy)?;
        if !self.token_path.starts_with('/') || self.token_path.contains(['?', '#']) {
            return refuse("token path", "is no path", "give one such as \"/oauth/2026-03/token\"");
        }
        check_timeout("timeout", Some(self.timeout))?;
        self.retry.check()?;
        let tls = self.connection.has_tls();
        let base_url = check_base_url(&self.base_url, false, tls)?;
        let http = HttpClient::new(self.connection, &base_url, false)?;
        let token_url = format!("{}{}", base_url.as_str().trim_end_matches('/'), self.token_path);
        Ok(OAuthApp {
            client_id: client_id.expose_secret().to_owned(),
            client_secret: Arc::new(client_secret),
            token_url: check_base_url(&token_url, false, tls)?,
            http,
            timeout: self.timeout,
            retry: self.retry,
            refused: Refused::default(),
        })
    }
}

impl fmt::Debug for OAuthAppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthAppBuilder")
            .field("client_id", &self.client_id)
            .field("token_path", &self.token_path)
            .finish_non_exhaustive()
    }
}

/// What the token endpoint gives. `Debug` does not show the tokens.
#[derive(Clone)]
pub struct Grant {
    access_token: AccessToken,
    refresh_token: Option<SecretString>,
    expires_in: Duration,
    hub_id: Option<u64>,
    scopes: Vec<String>,
}

impl Grant {
    fn read(body: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            refresh_token: Option<String>,
            expires_in: Option<i64>,
            hub_id: Option<i64>,
            #[serde(default)]
            scopes: Vec<String>,
        }
        // A code is good for one answer, so an odd one is read as far as it goes.
        static SHAPE: Shape = Shape::Object(&[
            Field { name: "access_token", required: true, shape: Shape::Id },
            Field { name: "refresh_token", required: false, shape: Shape::Text },
            Field { name: "expires_in", required: false, shape: Shape::Integer },
            Field { name: "hub_id", required: false, shape: Shape::Integer },
            Field { name: "scopes", required: false, shape: Shape::List(&Shape::Text) },
        ]);
        // Neither the body nor what serde says of it may show: both may hold a token.
        let answer: Answer = reading::decode(body, Some(&SHAPE)).map_err(|e| {
            let place = format!("unreadable from line {} column {}", e.line(), e.column());
            Error::undecodable(&place, "")
        })?;
        Ok(Self {
            access_token: AccessToken::new(answer.access_token)?,
            refresh_token: answer.refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
            expires_in: answer
                .expires_in
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map_or(LIFETIME, |seconds| Duration::from_secs(seconds.min(MAX_LIFETIME_SECONDS))),
            hub_id: answer.hub_id.and_then(|id| u64::try_from(id).ok()),
            scopes: answer.scopes,
        })
    }

    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The refresh token in the clear, to be kept in a safe place.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// How long the access token lives; 30 minutes where the answer does not say.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// The account that the tokens are for.
    pub fn hub_id(&self) -> Option<u64> {
        self.hub_id
    }

    /// The scopes granted.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("expires_in", &self.expires_in)
            .field("hub_id", &self.hub_id)
            // They are the server's text, which may repeat what it was sent.
            .field("scopes", &format_args!("{} of them", self.scopes.len()))
            .finish_non_exhaustive()
    }
}
