//! What tokens tell of themselves: whose they are, and what they may do.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Form,
    body::Bytes,
    extract::{Path, State as Shared, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    auth::{
        access::{Caller, USER_ID},
        oauth::{OAuth, Refused},
    },
    crm::time::Time,
    http::{
        error::Failure,
        request_body,
        response::{add, json_response},
    },
    operations::token_endpoint::Fields,
    server::Server,
};

const USER: &str = "user@simulator.example";
const HUB_DOMAIN: &str = "simulator.example";

/// `GET /oauth/v1/access-tokens/{token}`
///
/// HubSpot refuses the token of a private app with this message; that it refuses unknown and expired ones so is assumed.
pub(crate) async fn access_token(
    Shared(server): Shared<Arc<Server>>,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found = server.oauth.iter().find_map(|oauth| Some((oauth, oauth.remaining(&token).ok()?)));
    let (oauth, remaining) =
        found.ok_or_else(|| Failure::uncategorized("The access token must have the correct format"))?;
    Ok(json_response(StatusCode::OK, &issued(oauth.app_caller(), &token, remaining)))
}

/// `POST /oauth/{version}/token/introspect`: of an access token or a refresh token of the app that asks.
pub(crate) async fn introspect(
    Shared(server): Shared<Arc<Server>>,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Refused> {
    let fields = Fields::read(form);
    let installations = fields.installations(&server)?;
    let token = fields.get("token").unwrap_or_default();
    let body = installations.into_iter().find_map(|oauth| introspection(oauth, token));
    Ok(json_response(StatusCode::OK, &body.unwrap_or_else(|| json!({"active": false}))))
}

/// `None` for a token that is not active.
fn introspection(oauth: &OAuth, token: &str) -> Option<Value> {
    let (mut body, token_use) = match oauth.remaining(token) {
        Ok(remaining) => (issued(oauth.app_caller(), token, remaining), "access_token"),
        Err(_) if oauth.is_refresh_token(token) => (identity(oauth.app_caller(), token), "refresh_token"),
        Err(_) => return None,
    };
    add(&mut body, "active", json!(true));
    add(&mut body, "token_use", json!(token_use));
    add(&mut body, "client_id", json!(oauth.client_id()));
    Some(body)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenKey {
    token_key: String,
}

/// `POST /oauth/v2/private-apps/get/access-token-info`: of the token of a private app, which need not be the one that
/// asks.
pub(crate) async fn private_app_token(Shared(server): Shared<Arc<Server>>, body: Bytes) -> Result<Response, Failure> {
    let TokenKey { token_key } = request_body::read(&body)?;
    let caller = server.tokens.caller(&token_key).ok_or_else(Failure::not_found)?;
    let body = json!({
        "userId": USER_ID,
        "hubId": caller.portal().id,
        "appId": caller.app_id(),
        "scopes": caller.scopes(),
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// What both kinds of tokens of an OAuth app tell.
fn identity(caller: &Caller, token: &str) -> Value {
    json!({
        "token": token,
        "token_type": "access",
        "user": USER,
        "user_id": USER_ID,
        "hub_domain": HUB_DOMAIN,
        "hub_id": caller.portal().id,
        "app_id": caller.app_id(),
        "scopes": caller.scopes(),
        "is_private_distribution": false,
    })
}

/// What an access token tells.
fn issued(caller: &Caller, token: &str, remaining: Duration) -> Value {
    let mut body = identity(caller, token);
    add(&mut body, "expires_in", json!(remaining.as_secs()));
    add(&mut body, "signed_access_token", signed(caller, remaining));
    body
}

/// The token as HubSpot packs it. What is a secret of HubSpot's is empty here.
fn signed(caller: &Caller, remaining: Duration) -> Value {
    let scopes: BTreeSet<_> = caller.scopes().iter().map(String::as_str).collect();
    let expires_at = Time::now().later(i64::try_from(remaining.as_millis()).unwrap_or(i64::MAX));
    json!({
        "appId": caller.app_id(),
        "expiresAt": expires_at.milliseconds(),
        "hubId": caller.portal().id,
        "hublet": "na1",
        "installingUserId": USER_ID,
        "isPrivateDistribution": false,
        "isServiceAccount": false,
        "isUserLevel": !caller.edits_associations(),
        "newSignature": "",
        "scopeToScopeGroupPks": "",
        "scopes": scopes.into_iter().collect::<Vec<_>>().join(" "),
        "signature": "",
        "trialScopeToScopeGroupPks": "",
        "trialScopes": "",
        "userId": USER_ID,
    })
}
