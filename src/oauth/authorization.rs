//! Page on which a user connects an account.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac_sha256::Hash;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::{Error, Result};

const PAGE: &str = "https://app.hubspot.com/oauth/authorize";

/// Configures an [`Authorization`]; see [`OAuthApp::authorize`](super::OAuthApp::authorize).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct AuthorizationBuilder {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    optional_scopes: Vec<String>,
}

impl AuthorizationBuilder {
    pub(super) fn new(client_id: &str, redirect_uri: String) -> Self {
        Self { client_id: client_id.to_owned(), redirect_uri, scopes: Vec::new(), optional_scopes: Vec::new() }
    }

    /// Adds scopes without which the account cannot be connected.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Adds scopes that are omitted if the account does not have them.
    pub fn optional_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.optional_scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Builds the URL, with a random state and a random PKCE code verifier (RFC 7636).
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] if there is no scope, or if the redirect URI is not a URL.
    pub fn build(self) -> Result<Authorization> {
        if self.scopes.is_empty() {
            let remedy = "give the scopes that your app's page in HubSpot lists as required";
            return Err(Error::invalid_input("scopes", None, "are missing", remedy));
        }
        if Url::parse(&self.redirect_uri).is_err() {
            let remedy = "use one that is registered for the app";
            return Err(Error::invalid_input("redirect URI", Some(&self.redirect_uri), "is not a URL", remedy));
        }
        let state = random();
        // 64 characters of the 43 to 128 that the RFC allows, from 244 random bits.
        let code_verifier = random() + &random();
        let challenge = URL_SAFE_NO_PAD.encode(Hash::hash(code_verifier.as_bytes()));
        let (scopes, optional_scopes) = (self.scopes.join(" "), self.optional_scopes.join(" "));
        let mut parameters = vec![
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &scopes),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if !optional_scopes.is_empty() {
            parameters.push(("optional_scope", &optional_scopes));
        }
        let url = Url::parse_with_params(PAGE, &parameters).map_err(|_| {
            Error::invalid_input("redirect URI", Some(&self.redirect_uri), "is not a URL", "correct it")
        })?;
        Ok(Authorization { url: url.into(), state, code_verifier: code_verifier.into() })
    }
}

/// 122 bits from the system's generator, in hexadecimal.
fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// URL to send a user to, and the values to keep until the user comes back.
#[derive(Clone)]
pub struct Authorization {
    url: String,
    state: String,
    code_verifier: SecretString,
}

impl Authorization {
    /// The page to send the user to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The value that has to come back in the parameter `state`. If it differs, do not use the code: it may belong to
    /// an attacker's account.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The code verifier for [`OAuthApp::exchange`](super::OAuthApp::exchange). Keep it with the user's session.
    pub fn code_verifier(&self) -> &str {
        self.code_verifier.expose_secret()
    }
}

/// Without the code verifier.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("url", &self.url).finish_non_exhaustive()
    }
}
