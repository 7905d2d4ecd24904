//! The way of a request: journal, authentication, rate limits, version, faults, route, operation.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Request, State as Shared},
    http::{Method, StatusCode, Uri, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use percent_encoding::percent_decode_str;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    call::Call,
    control,
    faults::strike::Struck,
    http::{
        connection::Connection,
        error::{Failure, NoObject},
        limits::Standing,
        operation::{
            self, ACCESS_TOKEN, ACCOUNT_DETAILS, API_USAGE, ASSOCIATION, ASSOCIATION_BATCH_ARCHIVE,
            ASSOCIATION_BATCH_CREATE, ASSOCIATION_BATCH_READ, ASSOCIATIONS, ASSOCIATIONS_DATED, ASSOCIATIONS_V3,
            ASSOCIATIONS_V4, BATCH_ARCHIVE, BATCH_CREATE, BATCH_DEFAULT, BATCH_READ, BATCH_UPDATE, BATCH_UPSERT,
            DEFAULT, INTROSPECT, LABELS, LABELS_ARCHIVE, OBJECT, OBJECTS, OBJECTS_DATED, OBJECTS_V3, OBJECTS_V4, PAIR,
            PRIVATE_APP_TOKEN, SEARCH, TOKEN, TYPES,
        },
        response::{CORRELATION_ID, not_found_page, url_too_long},
    },
    operations::{
        account_info, association_batch, associations, label_batch, labels, object_batch, objects, search,
        token_endpoint, token_info,
    },
    server::{Log, Server},
};

/// Above any body HubSpot takes, so that only a runaway client meets it.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The longest path and query that HubSpot's gateway lets pass: about 8 kB.
const MAX_URL_BYTES: usize = 8 * 1024;

type Routes = Router<Arc<Server>>;

/// All operations of all versions.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .nest(OBJECTS_V3, objects_routes().merge(typed_associations()))
        .nest(OBJECTS_V4, labeled_associations())
        .nest(OBJECTS_DATED, objects_routes().merge(labeled_associations()))
        .nest(ASSOCIATIONS_V3, typed_batches())
        .nest(ASSOCIATIONS_V4, labeled_batches())
        .nest(ASSOCIATIONS_DATED, labeled_batches())
        .route(TOKEN, post(token_endpoint::token))
        .route(INTROSPECT, post(token_info::introspect))
        .route(ACCESS_TOKEN, get(token_info::access_token))
        .route(PRIVATE_APP_TOKEN, post(token_info::private_app_token))
        .route(ACCOUNT_DETAILS, get(account_info::details))
        .route(API_USAGE, get(account_info::api_usage))
        .fallback(async |method: Method, uri: Uri| Failure::no_route(&method, uri.path()))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        // `enter` has its own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&server), enter))
        .with_state(server)
}

/// The operations on objects, which are the same in all versions but v4, which has none.
fn objects_routes() -> Routes {
    Router::new()
        .route(OBJECTS, get(objects::list).post(objects::create))
        .route(OBJECT, get(objects::get).patch(objects::update).delete(objects::archive))
        .route(BATCH_READ, post(object_batch::read))
        .route(BATCH_CREATE, post(object_batch::create))
        .route(BATCH_UPDATE, post(object_batch::update))
        .route(BATCH_UPSERT, post(object_batch::upsert))
        .route(BATCH_ARCHIVE, post(object_batch::archive))
        .route(SEARCH, post(search::search))
}

/// v3: the association type is part of the path.
fn typed_associations() -> Routes {
    Router::new()
        .route(ASSOCIATIONS, get(associations::list))
        .route(ASSOCIATION, put(associations::associate).delete(associations::dissociate))
}

/// v4 and the dated versions: a pair of objects has labels.
fn labeled_associations() -> Routes {
    Router::new()
        .route(ASSOCIATIONS, get(labels::list))
        .route(PAIR, put(labels::set).delete(labels::dissociate_all))
        .route(DEFAULT, put(labels::associate_default))
}

fn typed_batches() -> Routes {
    Router::new()
        .route(TYPES, get(associations::types))
        .route(ASSOCIATION_BATCH_CREATE, post(association_batch::associate))
        .route(ASSOCIATION_BATCH_ARCHIVE, post(association_batch::dissociate))
        .route(ASSOCIATION_BATCH_READ, post(association_batch::read))
}

fn labeled_batches() -> Routes {
    Router::new()
        .route(LABELS, get(labels::definitions))
        .route(ASSOCIATION_BATCH_CREATE, post(label_batch::associate))
        .route(BATCH_DEFAULT, post(label_batch::associate_default))
        .route(LABELS_ARCHIVE, post(label_batch::archive_labels))
        .route(ASSOCIATION_BATCH_ARCHIVE, post(label_batch::dissociate_all))
        .route(ASSOCIATION_BATCH_READ, post(label_batch::read))
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
    if let Some(answer) = control::answer(&server, &parts, body.as_ref().map(AsRef::as_ref).unwrap_or_default()) {
        return answer;
    }
    let number = server.journal.arrived(&parts, body.as_ref().cloned().unwrap_or_default());

    let body = body.map_err(|error| Failure::validation(format!("The body cannot be read: {error}")));
    let response = admit(&server, number, &connection, parts, body, next).await;
    if !connection.is_reset() {
        server.journal.answered(number, response.status());
    }
    if let (Some(Log(log)), Some(request)) = (&server.log, server.journal.request(number)) {
        log(&request);
    }
    response
}

/// Refuses a request, or answers it by a fault or its operation.
async fn admit(
    server: &Arc<Server>,
    number: u64,
    connection: &Connection,
    mut parts: Parts,
    body: Result<Bytes, Failure>,
    next: Next,
) -> Response {
    if parts.uri.path_and_query().is_some_and(|url| url.as_str().len() > MAX_URL_BYTES) {
        return url_too_long();
    }
    let latency = server.settings.draw_latency();
    if !latency.is_zero() {
        sleep(latency).await;
    }
    let path = parts.uri.path();
    let version = server.settings.served(path).cloned();
    let operation_id = operation::id(&parts).filter(|id| server.settings.serves(id, path));
    let mut standing = Standing::default();
    let mut served = operation_id.is_some();
    let mut account = None;
    if !operation::is_open(operation_id) {
        let caller = match server.authenticate(&parts.headers) {
            Ok(caller) => caller,
            Err(failure) => return failure.into_response(),
        };
        server.journal.sent_by(number, &caller);
        account = Some(caller.portal().id);
        standing = match server.portal(caller.portal()).limiter.admit(caller.usage(), operation::bucket(&parts)) {
            Ok(standing) => standing,
            Err(refusal) => return refusal.into_response(),
        };
        // A path that is served may have no operation: the router says so.
        served |= version.is_some() && operation::id(&parts).is_none();
        if let Some(version) = version {
            parts.extensions.insert(Call { server: Arc::clone(server), caller, version });
        }
    }

    let body = if served { body } else { Err(Failure::no_route(&parts.method, parts.uri.path())) };
    match server.faults.strike(operation_id, account) {
        None => operate(server, parts, body, standing, next).await,
        Some(strike) => {
            let struck = Struck {
                headers: parts.headers.clone(),
                body: body.as_ref().cloned().unwrap_or_default(),
                operation: operation_id,
                connection,
            };
            strike.answer(struck, operate(server, parts, body, standing, next)).await
        }
    }
}

/// Carries out the operation and adds what all answers of HubSpot itself carry.
async fn operate(
    server: &Server,
    parts: Parts,
    body: Result<Bytes, Failure>,
    standing: Standing,
    next: Next,
) -> Response {
    let mut response = match body {
        Err(failure) => failure.into_response(),
        Ok(_) if percent_decode_str(parts.uri.path()).decode_utf8().is_err() => {
            Failure::validation("The path is not UTF-8").into_response()
        }
        Ok(body) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            if server.settings.html_not_found && response.extensions().get::<NoObject>().is_some() {
                not_found_page()
            } else {
                response
            }
        }
    };
    // HubSpot tells of no limits where a scope is missing.
    if response.status() != StatusCode::FORBIDDEN {
        standing.write(response.headers_mut());
    }
    if response.headers().contains_key(CORRELATION_ID) {
        response
    } else {
        ([(CORRELATION_ID, Uuid::new_v4().to_string())], response).into_response()
    }
}
