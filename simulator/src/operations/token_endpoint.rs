//! The OAuth token endpoint.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Form,
    extract::{State as Shared, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    auth::oauth::{Grant, OAuth, Refused},
    http::response::json_response,
    server::Server,
};

/// The fields of a form.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Without a readable form no field is there, so the first one is reported missing.
    pub(crate) fn read(form: Result<Form<Self>, FormRejection>) -> Self {
        form.map(|Form(fields)| fields).unwrap_or_default()
    }

    /// A field, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The app that a client id and its secret name, once for each account that has installed it.
    pub(crate) fn installations<'a>(&self, server: &'a Server) -> Result<Vec<&'a OAuth>, Refused> {
        let client_id = self.get("client_id").ok_or(Refused::ClientId)?;
        let client_secret = self.get("client_secret").ok_or(Refused::ClientSecret)?;
        let mut found: Vec<_> = server.oauth.iter().filter(|oauth| oauth.client_id() == client_id).collect();
        if found.is_empty() {
            return Err(Refused::ClientId);
        }
        found.retain(|oauth| oauth.has_secret(client_secret));
        if found.is_empty() { Err(Refused::ClientSecret) } else { Ok(found) }
    }
}

/// `POST /oauth/{version}/token`
pub(crate) async fn token(
    Shared(server): Shared<Arc<Server>>,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Refused> {
    let fields = Fields::read(form);
    let field = |name: &str| fields.get(name);
    let grant_type = field("grant_type").ok_or(Refused::GrantType)?;
    let installations = fields.installations(&server)?;

    let granted = match grant_type {
        "refresh_token" => {
            let refresh_token = field("refresh_token").ok_or(Refused::RefreshToken)?;
            first(&installations, Refused::RefreshToken, |oauth| oauth.refresh(refresh_token))
        }
        "authorization_code" => {
            let code = field("code").ok_or(Refused::Code)?;
            let redirect_uri = field("redirect_uri").ok_or(Refused::RedirectUri)?;
            first(&installations, Refused::Code, |oauth| oauth.redeem(code, redirect_uri, field("code_verifier")))
        }
        _ => Err(Refused::GrantType),
    };
    let Grant { access_token, refresh_token, lifetime, scopes, hub_id } = granted?;
    let body = json!({
        "token_type": "bearer",
        "access_token": access_token,
        "refresh_token": refresh_token,
        "expires_in": lifetime.as_secs(),
        "hub_id": hub_id,
        "scopes": scopes,
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// What the first installation says that knows the token or code; `unknown` says that it does not.
fn first<'a>(
    installations: &[&'a OAuth],
    unknown: Refused,
    exchange: impl Fn(&'a OAuth) -> Result<Grant<'a>, Refused>,
) -> Result<Grant<'a>, Refused> {
    let answers = installations.iter().map(|oauth| exchange(oauth));
    answers.into_iter().find(|answer| !matches!(answer, Err(refused) if *refused == unknown)).unwrap_or(Err(unknown))
}

/// The body has OAuth's own two fields (RFC 6749, section 5.2) next to HubSpot's.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (error, status, message) = match self {
            Self::GrantType => ("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type"),
            Self::ClientId => ("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id"),
            Self::ClientSecret => ("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"),
            Self::RefreshToken => ("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token"),
            Self::Code => ("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code"),
            Self::RedirectUri => ("invalid_grant", "BAD_REDIRECT_URI", "missing or unknown redirect URI"),
            Self::CodeVerifier => ("invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code verifier"),
        };
        let body = json!({"error": error, "error_description": message, "status": status, "message": message});
        json_response(StatusCode::BAD_REQUEST, &body)
    }
}
