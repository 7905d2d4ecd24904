//! What all answers share.

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// On every answer; an error's body repeats its value.
pub(crate) const CORRELATION_ID: &str = "x-hubspot-correlation-id";

/// An answer with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let content_type = [(CONTENT_TYPE, "application/json;charset=utf-8")];
    (status, content_type, body.to_string()).into_response()
}

/// The page that HubSpot was once recorded to answer with where an object does not exist.
pub(crate) fn not_found_page() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not found</h1></body></html>\n";
    let headers = [(CONTENT_TYPE.as_str(), "text/html;charset=utf-8"), ("x-hubspot-notfound", "true")];
    (StatusCode::NOT_FOUND, headers, page).into_response()
}

/// The page of a gateway, which no request passes whose URL is too long.
pub(crate) fn url_too_long() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>414</title></head><body><h1>URI too long</h1></body></html>\n";
    (StatusCode::URI_TOO_LONG, [(CONTENT_TYPE, "text/html;charset=utf-8")], page).into_response()
}

/// Adds a member to a JSON object.
pub(crate) fn add(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}
