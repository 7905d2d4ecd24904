//! The way of a request: journal, authentication, rate limits, faults, route, scope, operation.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Request, State as Shared},
    handler::Handler,
    http::{Method, Uri, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post, put},
};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::{
    auth::{
        access::Caller,
        scopes::{READ_SCOPE, WRITE_SCOPE},
    },
    faults::strike::Struck,
    http::{
        connection::Connection,
        error::{self, Failure},
        limits::Standing,
        operation::{
            self, ASSOCIATION, ASSOCIATION_BATCH_ARCHIVE, ASSOCIATION_BATCH_CREATE, ASSOCIATION_BATCH_READ,
            ASSOCIATION_TYPES, ASSOCIATIONS, BATCH_READ, BATCH_UPDATE, OAUTH_TOKEN, PARTNER_CLIENT, PARTNER_CLIENTS,
            SEARCH,
        },
        response::CORRELATION_ID,
    },
    operations::{association_batch, associations, batch, partner_clients, search, token_endpoint},
    server::Server,
};

/// Above any body HubSpot takes, so that only a runaway client meets it.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The operations, each with the scope it takes.
pub(crate) fn router(server: Arc<Server>) -> Router {
    let read = from_fn_with_state(READ_SCOPE, require_scope);
    let write = from_fn_with_state(WRITE_SCOPE, require_scope);
    let mut router = Router::new()
        .route(PARTNER_CLIENTS, get(partner_clients::list.layer(read.clone())))
        .route(PARTNER_CLIENT, get(partner_clients::get.layer(read.clone())))
        .route(PARTNER_CLIENT, patch(partner_clients::update.layer(write.clone())))
        .route(BATCH_READ, post(batch::read.layer(read.clone())))
        .route(BATCH_UPDATE, post(batch::update.layer(write.clone())))
        .route(SEARCH, post(search::search.layer(read.clone())))
        .route(ASSOCIATIONS, get(associations::list.layer(read.clone())))
        .route(ASSOCIATION, put(associations::associate.layer(write.clone())))
        .route(ASSOCIATION, delete(associations::dissociate.layer(write.clone())))
        .route(ASSOCIATION_TYPES, get(associations::types.layer(read.clone())))
        .route(ASSOCIATION_BATCH_CREATE, post(association_batch::associate.layer(write.clone())))
        .route(ASSOCIATION_BATCH_ARCHIVE, post(association_batch::dissociate.layer(write)))
        .route(ASSOCIATION_BATCH_READ, post(association_batch::read.layer(read)));
    for path in operation::TOKEN {
        router = router.route(path, post(token_endpoint::token));
    }
    router
        .fallback(async |method: Method, uri: Uri| Failure::no_route(&method, uri.path()))
        .method_not_allowed_fallback(async || error::method_not_allowed())
        // `enter` has its own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&server), enter))
        .with_state(server)
}

/// Every request passes here first and every answer last.
async fn enter(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await;
    let number = server.journal.arrived(&parts, body.as_ref().cloned().unwrap_or_default());

    let body = body.map_err(|error| Failure::validation(format!("The body cannot be read: {error}")));
    let response = admit(&server, &connection, parts, body, next).await;
    if !connection.is_reset() {
        server.journal.answered(number, response.status());
    }
    response
}

/// Refuses a request, or answers it by a fault or its operation.
async fn admit(
    server: &Server,
    connection: &Connection,
    mut parts: Parts,
    body: Result<Bytes, Failure>,
    next: Next,
) -> Response {
    let operation_id = operation::id(&parts);
    let mut standing = Standing::default();
    if operation_id != Some(OAUTH_TOKEN) {
        let caller = match server.authenticate(&parts.headers) {
            Ok(caller) => caller,
            Err(failure) => return failure.into_response(),
        };
        standing = match server.limiter.admit(caller.usage(), operation::is_search(&parts)) {
            Ok(standing) => standing,
            Err(refusal) => return refusal.into_response(),
        };
        parts.extensions.insert(caller);
    }

    match server.faults.strike(operation_id) {
        None => operate(parts, body, standing, next).await,
        Some(strike) => {
            let struck =
                Struck { headers: parts.headers.clone(), body: body.as_ref().cloned().unwrap_or_default(), connection };
            strike.answer(struck, operate(parts, body, standing, next)).await
        }
    }
}

/// Carries out the operation and adds what all answers of HubSpot itself carry.
async fn operate(parts: Parts, body: Result<Bytes, Failure>, standing: Standing, next: Next) -> Response {
    let mut response = match body {
        Err(failure) => failure.into_response(),
        Ok(_) if percent_decode_str(parts.uri.path()).decode_utf8().is_err() => {
            Failure::validation("The path is not UTF-8").into_response()
        }
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    standing.write(response.headers_mut());
    if response.headers().contains_key(CORRELATION_ID) {
        response
    } else {
        ([(CORRELATION_ID, Uuid::new_v4().to_string())], response).into_response()
    }
}

/// Refuses a token that lacks the scope of the operation it calls.
async fn require_scope(
    Shared(scope): Shared<&'static str>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if !caller.scopes().contains(scope) {
        return Err(Failure::missing_scope(scope));
    }
    Ok(next.run(request).await)
}
