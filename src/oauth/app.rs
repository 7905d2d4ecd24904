//! OAuth apps: their settings and their requests to HubSpot's token endpoint.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    api_version::ApiVersion,
    auth::{access_token::secret, redact::redact_body},
    error::{
        Error, Result,
        correlation_id::{CORRELATION_ID, CorrelationId},
    },
    oauth::{authorization::AuthorizationBuilder, grant::Grant, refused::Refused},
    rate_limit::headers::RateLimitHeaders,
    reading,
    task::Task,
    transport::{
        call_meta::CallMeta,
        call_options::check_timeout,
        connection::{BASE_URL, ConnectionSettings, check_base_url, read_body},
        http_client::HttpClient,
        retry::RetryPolicy,
    },
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Tokens and scopes take a few thousand.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// An app registered with HubSpot: its client id, its client secret and its token endpoint. Clones share connections.
///
/// ```
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::{
///     Client, oauth::OAuthApp,
/// };
///
/// let app = OAuthApp::new("client-id", "secret")?;
/// let client = Client::builder()
///     .token_provider(app.token("refresh-token")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// If HubSpot rejects a refresh token, the app does not send it again for a minute. Until then, or until the [account
/// is connected again](Self::exchange), calls for that account fail with the same error ([`Error::is_invalid_grant`]).
/// Other refresh tokens are not affected.
///
/// A response of the token endpoint that is larger than 1 MiB after decompression is an error.
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
    /// Creates an app with the endpoint and the timeouts that HubSpot documents.
    ///
    /// # Errors
    /// The same as for [`OAuthAppBuilder::build`].
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self> {
        Self::builder(client_id, client_secret).build()
    }

    /// Configures an app in code.
    pub fn builder(client_id: impl Into<String>, client_secret: impl Into<String>) -> OAuthAppBuilder {
        OAuthAppBuilder {
            client_id: client_id.into(),
            client_secret: SecretString::from(client_secret.into()),
            base_url: BASE_URL.to_owned(),
            version: ApiVersion::V2026_09,
            token_path: None,
            connection: ConnectionSettings::default(),
            timeout: TIMEOUT,
            retry: RetryPolicy::default(),
        }
    }

    /// Builds the URL of the page where a user connects an account. `redirect_uri` must be registered for the app.
    pub fn authorize(&self, redirect_uri: impl Into<String>) -> AuthorizationBuilder {
        AuthorizationBuilder::new(&self.client_id, redirect_uri.into())
    }

    /// Exchanges the code that came back from the authorization page for tokens. `redirect_uri` and `code_verifier` are
    /// those of the [`Authorization`](crate::oauth::Authorization). Compare its `state` first.
    ///
    /// # Errors
    /// [`Error::is_token`], and [`Error::is_invalid_grant`] as well for a code that is unknown, used or too old.
    /// [`Error::is_invalid_input`] for a code that is empty or has characters that no code has. White space around it
    /// is ignored.
    pub async fn exchange(&self, code: &str, redirect_uri: &str, code_verifier: Option<&str>) -> Result<Grant> {
        let code = secret("code", code, "use the parameter `code` of the URL that the user came back to")?;
        let redirect_uri = redirect_uri.to_owned();
        let code_verifier = code_verifier.map(|verifier| SecretString::from(verifier.to_owned()));
        let this = self.clone();
        // Its connection is not held up by a caller who does not poll it.
        let exchange = Task::spawn(async move {
            let code = code.expose_secret();
            let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
            form.extend(code_verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose_secret())));
            // A code is good for one use, so a lost response cannot be fetched again.
            this.request(&form, false).await
        });
        let grant = match exchange {
            Ok(exchange) => exchange.await.and_then(|result| result),
            Err(error) => Err(error),
        };
        let grant = grant.map_err(|error| Error::token(Box::new(error)))?;
        self.forget_refusal(&grant);
        Ok(grant)
    }

    /// HubSpot has just given it, whatever it said of its refresh token before.
    pub(super) fn forget_refusal(&self, grant: &Grant) {
        if let Some(refresh_token) = &grant.refresh_token {
            self.refused.forget(refresh_token);
        }
    }

    pub(super) async fn refresh(&self, refresh_token: &SecretString) -> Result<Grant> {
        if let Some(error) = self.refused.error(refresh_token) {
            return Err(error);
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        let result = self.request(&form, true).await;
        if let Err(error) = &result
            && error.is_invalid_grant()
        {
            self.refused.remember(refresh_token, error);
        }
        result
    }

    /// Asks the token endpoint, as often as it takes. Every value of the form is taken for a secret.
    async fn request(&self, form: &[(&str, &str)], repeatable: bool) -> Result<Grant> {
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
        if self.http.is_given() && *response.url() != self.token_url {
            let sent = "the client secret and the refresh token";
            return Err(Error::followed_redirect(response.url(), sent, &secrets));
        }
        let status = response.status();
        meta.status = Some(status.as_u16());
        meta.rate_limit = RateLimitHeaders::read(response.headers());
        let correlation_id = response.headers().get(&CORRELATION_ID);
        meta.correlation_id = correlation_id.and_then(|id| CorrelationId::read(&redact_body(id.as_bytes(), &secrets)));
        let body = match read_body(&mut response, MAX_RESPONSE_BYTES).await {
            Ok(body) => reading::utf8(body),
            Err(e) if status.is_success() || e.is_too_large() => return Err(e),
            // What was refused, its status says.
            Err(e) => {
                let error = Error::response(status.as_u16(), "").with_head(&response, &secrets);
                return Err(error.without_reason(Some(e)));
            }
        };
        if !status.is_success() {
            let error = Error::response(status.as_u16(), &redact_body(&body, &secrets));
            return Err(error.with_head(&response, &secrets));
        }
        match Grant::read(&body) {
            // Some servers refuse with the status of a success.
            Err(_) if is_refusal(&body) => {
                let error = Error::response(status.as_u16(), &redact_body(&body, &secrets));
                Err(error.with_head(&response, &secrets))
            }
            read => read,
        }
    }
}

/// Whether it says what is wrong, and holds no token that must not be shown.
fn is_refusal(body: &[u8]) -> bool {
    reading::json(body).is_some_and(|json| {
        let has = |name: &str| json.get(name).is_some();
        (has("error") || has("message")) && !has("access_token") && !has("refresh_token")
    })
}

/// A value as it stands in the form that was sent, for a response that repeats it.
#[allow(clippy::expect_used, reason = "an empty text would hide nothing of the secret")]
fn form_encoded(value: &str) -> String {
    let url = Url::parse_with_params("http://localhost", [("", value)]).expect("a URL written here is one");
    url.query().and_then(|query| query.strip_prefix('=')).expect("the query is the one pair").to_owned()
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

/// Configures an [`OAuthApp`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct OAuthAppBuilder {
    client_id: String,
    client_secret: SecretString,
    base_url: String,
    version: ApiVersion,
    token_path: Option<String>,
    connection: ConnectionSettings,
    timeout: Duration,
    retry: RetryPolicy,
}

impl OAuthAppBuilder {
    /// Sets the server of the token endpoint; the default is `https://api.hubapi.com`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the version of HubSpot's API whose token endpoint is used, such as `/oauth/2026-09/token`; the default is
    /// [`ApiVersion::V2026_09`]. It need not be the version of the clients that use the tokens.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets the path of the token endpoint, instead of the one of the [version](Self::api_version).
    pub fn token_path(mut self, path: impl Into<String>) -> Self {
        self.token_path = Some(path.into());
        self
    }

    /// Limits each attempt; the default is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets when a failed attempt is retried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Uses your own HTTP client, for a proxy or certificates. It must not follow redirects, because a 307 or 308 would
    /// carry the secrets to another server: build it with `reqwest::redirect::Policy::none()`. A request whose redirect it
    /// has followed fails with [`Error::is_token`], but what was sent is sent by then.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.connection.client = Some(client);
        self
    }

    /// Checks the settings and creates the app. It sends no request.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`], naming the setting, for
    /// - a client id or client secret that is empty or has characters that none has; white space around it is ignored;
    /// - a base URL that is neither https nor loopback;
    /// - a token path that is not a path;
    /// - a timeout of zero or of more than a day.
    pub fn build(self) -> Result<OAuthApp> {
        let refuse = |field, reason, remedy| Err(Error::invalid_input(field, None, reason, remedy));
        let remedy = "use the one on your app's Auth page in HubSpot";
        let client_id = secret("client id", &self.client_id, remedy)?;
        let client_secret = secret("client secret", self.client_secret.expose_secret(), remedy)?;
        let token_path = self.token_path.unwrap_or_else(|| format!("/oauth/{}/token", self.version));
        if !token_path.starts_with('/') || token_path.contains(['?', '#']) {
            return refuse("token path", "is not a path", "give one such as \"/oauth/2026-09/token\"");
        }
        check_timeout("timeout", Some(self.timeout))?;
        self.retry.check()?;
        let tls = self.connection.has_tls();
        let base_url = check_base_url(&self.base_url, false, tls)?;
        let http = HttpClient::new(self.connection, &base_url, false)?;
        let token_url = format!("{}{}", base_url.as_str().trim_end_matches('/'), token_path);
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
            .field("api_version", &self.version)
            .field("token_path", &self.token_path)
            .finish_non_exhaustive()
    }
}
