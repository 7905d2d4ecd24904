//! Grants: the responses of HubSpot's token endpoint.

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    auth::access_token::AccessToken,
    error::{Error, Result},
    reading::{self, Field, Shape},
};

/// HubSpot's access tokens live this long; a response usually says so itself.
const LIFETIME: Duration = Duration::from_secs(1800);
/// No response is believed that promises more.
const MAX_LIFETIME_SECONDS: u64 = 24 * 3600;

/// Tokens of a connected account, from [`OAuthApp::exchange`](super::OAuthApp::exchange). `Debug` does not show the
/// tokens.
#[derive(Clone)]
pub struct Grant {
    pub(super) access_token: AccessToken,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) expires_in: Duration,
    hub_id: Option<u64>,
    scopes: Vec<String>,
}

impl Grant {
    pub(super) fn read(body: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct TokenResponse {
            access_token: String,
            refresh_token: Option<String>,
            expires_in: Option<i64>,
            hub_id: Option<i64>,
            #[serde(default)]
            scopes: Vec<String>,
        }
        // A code is good for one response, so an odd one is read as far as it goes.
        static SHAPE: Shape = Shape::Object(&[
            Field { name: "access_token", required: true, shape: Shape::Id },
            Field { name: "refresh_token", required: false, shape: Shape::Text },
            Field { name: "expires_in", required: false, shape: Shape::Integer },
            Field { name: "hub_id", required: false, shape: Shape::Integer },
            Field { name: "scopes", required: false, shape: Shape::List(&Shape::Text) },
        ]);
        // Neither the body nor what serde says of it may show: both may hold a token.
        let response: TokenResponse = reading::decode(body, Some(&SHAPE)).map_err(|e| {
            let place = format!("unreadable from line {} column {}", e.line(), e.column());
            Error::undecodable(&place, "")
        })?;
        Ok(Self {
            access_token: AccessToken::new(response.access_token)?,
            refresh_token: response.refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
            expires_in: response
                .expires_in
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map_or(LIFETIME, |seconds| Duration::from_secs(seconds.min(MAX_LIFETIME_SECONDS))),
            hub_id: response.hub_id.and_then(|id| u64::try_from(id).ok()),
            scopes: response.scopes,
        })
    }

    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The refresh token in clear text. Keep it in a safe place.
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The lifetime of the access token; 30 minutes if HubSpot does not say.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// The id of the account that the tokens are for, as [`Client::account`](crate::Client::account) has it.
    pub fn account_id(&self) -> Option<String> {
        self.hub_id.map(|id| id.to_string())
    }

    /// The scopes that the user granted.
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
