//! Answers as the generated code takes them.

use bytes::Bytes;
use futures_util::stream;
use progenitor_client::ResponseValue;
use reqwest::{
    Response, ResponseBuilderExt, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;

use crate::{
    AccessToken, Error, PartnerClientId,
    generated::{self, types},
    reading,
    spec::Operation,
};

/// The schema of an error's body.
const ERROR: &str = "Error";

/// A body that was read, as an extension of the answer whose body it was.
#[derive(Clone)]
struct Read(Bytes);

/// The operation that an answer is of, as an extension of it.
#[derive(Clone, Copy)]
struct Of(&'static Operation);

/// An answer with its body beside it, for [`value`]. The facade takes nothing else of an answer.
pub(crate) fn read(mut response: Response, body: Bytes, operation: &'static Operation) -> Response {
    response.extensions_mut().insert(Of(operation));
    response.extensions_mut().insert(Read(body));
    response
}

/// `ResponseValue::from_response` for the generated code, which fails at nothing that an answer can do without. Of an answer
/// that was [`read`] it takes what is beside it.
pub(crate) async fn value<T: DeserializeOwned, E>(
    mut response: Response,
) -> Result<ResponseValue<T>, generated::Error<E>> {
    let status = response.status();
    let of = response.extensions_mut().remove::<Of>();
    let shape = match of {
        Some(Of(operation)) if status.is_success() => reading::answer_of(operation.id),
        Some(_) => reading::schema(ERROR),
        None => None,
    };
    let (headers, body) = match response.extensions_mut().remove() {
        Some(Read(body)) => (HeaderMap::new(), body),
        None => {
            let headers = std::mem::take(response.headers_mut());
            (headers, response.bytes().await.map_err(generated::Error::ResponseBodyError)?)
        }
    };
    match reading::decode(&body, shape) {
        Ok(inner) => Ok(ResponseValue::new(inner, status, headers)),
        Err(e) => Err(generated::Error::InvalidResponsePayload(body, e)),
    }
}

/// Sends a write of one object. One that was carried out does not fail for what its answer says: where no object can be read
/// of it, it is one of which the id is known. A body that is not HubSpot's stays an error.
pub(crate) async fn written<T: DeserializeOwned, E>(
    sent: impl Future<Output = Result<ResponseValue<T>, generated::Error<E>>>,
    operation: &str,
    id: &PartnerClientId,
) -> Result<ResponseValue<T>, generated::Error<E>> {
    let answer = sent.await;
    let Err(generated::Error::InvalidResponsePayload(body, trouble)) = answer else { return answer };
    match reading::answer_of(operation).and_then(|shape| reading::decode_object(&body, shape, id.as_str())) {
        Some(object) => Ok(ResponseValue::new(object, StatusCode::OK, HeaderMap::new())),
        None => Err(generated::Error::InvalidResponsePayload(body, trouble)),
    }
}

/// An answer with the body that was read, and without the token in its headers, for who calls the generated client itself.
pub(crate) fn rebuild(
    response: &mut Response,
    body: Bytes,
    operation: &'static Operation,
    token: &AccessToken,
) -> Response {
    response.extensions_mut().insert(Of(operation));
    let mut rebuilt = http::Response::builder();
    if let Some(extensions) = rebuilt.extensions_mut() {
        *extensions = std::mem::take(response.extensions_mut());
    }
    // Without a URL reqwest would parse one of its own.
    let rebuilt = rebuilt.url(response.url().clone()).body(());
    let mut rebuilt = rebuilt.unwrap_or_default().map(|()| body);
    *rebuilt.status_mut() = response.status();
    let headers = rebuilt.headers_mut();
    *headers = std::mem::take(response.headers_mut());
    for value in headers.values_mut().filter(|value| token.is_in(value.as_bytes())) {
        *value = HeaderValue::from_static("[redacted]");
    }
    rebuilt.into()
}

/// The generated code loses the status of an error whose body it cannot decode, so it gets one that it can.
pub(crate) fn decodable(body: String) -> Bytes {
    if reading::decode::<types::Error>(body.as_bytes(), reading::schema(ERROR)).is_ok() {
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
