//! Answers as the generated code takes them.

use bytes::Bytes;
use futures_util::stream;
use reqwest::{Response, ResponseBuilderExt, header::HeaderValue};

use crate::{AccessToken, Error, generated::types};

/// An answer whose body was read. Headers are kept where there is a token to be taken out of them: whoever calls the
/// generated client itself sees them, and the facade does not.
pub(crate) fn rebuild(response: &mut Response, body: Bytes, headers_without: Option<&AccessToken>) -> Response {
    let mut rebuilt = http::Response::builder();
    if let Some(extensions) = rebuilt.extensions_mut() {
        *extensions = std::mem::take(response.extensions_mut());
    }
    // Without a URL reqwest would parse one of its own.
    let rebuilt = rebuilt.url(response.url().clone()).body(());
    let mut rebuilt = rebuilt.unwrap_or_default().map(|()| body);
    *rebuilt.status_mut() = response.status();
    if let Some(token) = headers_without {
        let headers = rebuilt.headers_mut();
        *headers = std::mem::take(response.headers_mut());
        for value in headers.values_mut().filter(|value| token.is_in(value.as_bytes())) {
            *value = HeaderValue::from_static("[redacted]");
        }
    }
    rebuilt.into()
}

/// The generated code loses the status of an error whose body it cannot decode, so it gets one that it can.
pub(crate) fn decodable(body: String) -> Bytes {
    if serde_json::from_str::<types::Error>(&body).is_ok() {
        return body.into();
    }
    serde_json::to_vec(&serde_json::json!({ "message": body })).unwrap_or_default().into()
}

/// A `reqwest::Error`, the only one the generated code takes, with `failure` as its source.
pub(crate) async fn carry(failure: Error) -> reqwest::Result<Response> {
    let body = reqwest::Body::wrap_stream(stream::iter([Err::<Bytes, Error>(failure)]));
    let unread = Response::from(http::Response::new(body));
    unread.bytes().await.map(|nothing| http::Response::new(nothing).into())
}
