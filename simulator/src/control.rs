//! The simulator's own operations, for tests in other languages: `/__simulator/…`, on loopback only.

use axum::{
    http::{HeaderMap, Method, StatusCode, header::HOST, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    auth::oauth::OAuth,
    faults::fault::Fault,
    http::{error::Failure, journal::RecordedRequest, request_body, response::json_response},
    server::Server,
};

const PREFIX: &str = "/__simulator/";

#[derive(Deserialize)]
struct FaultBody {
    fault: String,
}

/// Answers a request for one of the simulator's own operations; `None` for any other, and for all of them where they are
/// not wanted.
pub(crate) fn answer(server: &Server, parts: &Parts, body: &[u8]) -> Option<Response> {
    let operation = parts.uri.path().strip_prefix(PREFIX)?;
    if !server.control {
        return None;
    }
    if !is_loopback(&parts.headers) {
        // A page in a browser reaches loopback by a name of its own.
        return Some(Failure::no_route(&parts.method, parts.uri.path()).into_response());
    }
    let answer = match (&parts.method, operation) {
        (&Method::GET, "requests") => Ok(requests(server)),
        (&Method::DELETE, "requests") => {
            server.journal.clear();
            Ok(done())
        }
        (&Method::POST, "reset") => reset(server),
        (&Method::POST, "faults") => inject(server, body),
        (&Method::DELETE, "faults") => {
            server.faults.clear();
            Ok(done())
        }
        (_, "requests" | "reset" | "faults") => Err(Failure::method_not_allowed()),
        _ => Err(Failure::no_route(&parts.method, parts.uri.path())),
    };
    Some(answer.unwrap_or_else(IntoResponse::into_response))
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn requests(server: &Server) -> Response {
    let requests: Value = server.journal.requests().iter().map(request).collect();
    json_response(StatusCode::OK, &json!({"requests": requests}))
}

/// A request without what is secret: its headers stay out.
fn request(request: &RecordedRequest) -> Value {
    let hidden = request.is_secret();
    let body = String::from_utf8_lossy(request.body());
    json!({
        "method": request.method(),
        "path": request.path(),
        "query": if hidden { None } else { request.query() },
        "body": if hidden || body.is_empty() { None } else { Some(body) },
        "caller": request.caller(),
        "account": request.account(),
        "status": request.status(),
    })
}

/// Goes back to what all accounts started with, without faults, with nothing used of the limits and with an empty journal.
/// Tokens stay.
fn reset(server: &Server) -> Result<Response, Failure> {
    for portal in &server.portals {
        portal.reset().map_err(|error| Failure::validation(error.to_string()))?;
        portal.limiter.forget();
    }
    let callers = server.tokens.callers().chain(server.oauth.iter().map(OAuth::app_caller));
    callers.for_each(|caller| caller.usage().forget());
    server.faults.clear();
    server.journal.clear();
    Ok(done())
}

fn inject(server: &Server, body: &[u8]) -> Result<Response, Failure> {
    let FaultBody { fault } = request_body::read(body)?;
    let fault: Fault = fault.parse().map_err(|error: String| Failure::validation(error))?;
    server.faults.inject(fault);
    Ok(done())
}

/// Whether a request names the simulator as loopback.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}
