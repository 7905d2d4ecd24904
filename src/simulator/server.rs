//! The way of a request: journal, authentication, route, scope, operation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::{Request, State as Shared},
    handler::Handler,
    http::{Method, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, put},
};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{
    access::{READ_SCOPE, Scopes, Tokens, WRITE_SCOPE},
    associations,
    error::{self, Failure},
    journal::Journal,
    partner_clients,
    response::CORRELATION_ID,
    state::State,
};

/// Above any body HubSpot takes, so that only a runaway client meets it.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

const PARTNER_CLIENT: &str = "/crm/v3/objects/partner_clients/{id}";
const ASSOCIATIONS: &str = "/crm/v3/objects/partner_clients/{id}/associations/{to}";
const ASSOCIATION: &str = "/crm/v3/objects/partner_clients/{id}/associations/{to}/{to_id}/{association_type}";
const ASSOCIATION_TYPES: &str = "/crm/v3/associations/{from}/{to}/types";

/// What the operations share.
pub(super) struct Server {
    base_url: String,
    tokens: Tokens,
    state: Mutex<State>,
    journal: Journal,
}

impl Server {
    pub(super) fn new(base_url: String, tokens: Tokens, state: State) -> Self {
        Self { base_url, tokens, state: Mutex::new(state), journal: Journal::default() }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operations, each with the scope it takes.
pub(super) fn router(server: Arc<Server>) -> Router {
    let read = from_fn_with_state(READ_SCOPE, require_scope);
    let write = from_fn_with_state(WRITE_SCOPE, require_scope);
    Router::new()
        .route(PARTNER_CLIENT, get(partner_clients::get.layer(read.clone())))
        .route(ASSOCIATIONS, get(associations::list.layer(read.clone())))
        .route(ASSOCIATION, put(associations::associate.layer(write.clone())))
        .route(ASSOCIATION, delete(associations::dissociate.layer(write)))
        .route(ASSOCIATION_TYPES, get(associations::types.layer(read)))
        .fallback(async |method: Method, uri: Uri| Failure::no_route(&method, uri.path()))
        .method_not_allowed_fallback(async || error::method_not_allowed())
        .layer(from_fn_with_state(Arc::clone(&server), enter))
        .with_state(server)
}

/// Every request passes here first and every answer last.
async fn enter(Shared(server): Shared<Arc<Server>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await;
    let number = server.journal.arrived(&parts, body.as_ref().cloned().unwrap_or_default());

    let response = match (server.tokens.authenticate(&parts.headers), body) {
        (None, _) => Failure::unauthenticated().into_response(),
        (_, Err(error)) => Failure::validation(format!("The body cannot be read: {error}")).into_response(),
        _ if percent_decode_str(parts.uri.path()).decode_utf8().is_err() => {
            Failure::validation("The path is not UTF-8").into_response()
        }
        (Some(scopes), Ok(body)) => {
            parts.extensions.insert(scopes);
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
    };
    server.journal.answered(number, response.status());

    if response.headers().contains_key(CORRELATION_ID) {
        response
    } else {
        ([(CORRELATION_ID, Uuid::new_v4().to_string())], response).into_response()
    }
}

/// Refuses a token that lacks the scope of the operation it calls.
async fn require_scope(
    Shared(scope): Shared<&'static str>,
    Extension(scopes): Extension<Scopes>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if !scopes.contain(scope) {
        return Err(Failure::missing_scope(scope));
    }
    Ok(next.run(request).await)
}
