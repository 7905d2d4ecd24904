//! The one seam: every request of the generated client passes here, and nothing else touches one.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use progenitor_client::{ClientHooks, OperationInfo};
use reqwest::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue},
};

use crate::{
    AccessToken, CorrelationId, Error, TokenProvider,
    generated::{self, types},
};

/// A page of 100 objects with all their properties and history stays far below.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// What the generated client carries: what all calls of a client share, and one call's own record.
#[derive(Clone)]
pub struct Inner {
    tokens: Arc<dyn TokenProvider>,
    call: Option<Arc<Mutex<Call>>>,
}

/// What a call of the facade learns beyond the generated code's answer.
#[derive(Default)]
struct Call {
    status: Option<u16>,
    correlation_id: Option<CorrelationId>,
    token: Option<AccessToken>,
    failure: Option<Error>,
}

impl Inner {
    pub(crate) fn new(tokens: Arc<dyn TokenProvider>) -> Self {
        Self { tokens, call: None }
    }

    fn note(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &self.call {
            change(&mut call.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// The generated client derives `Debug` over this.
impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner(..)")
    }
}

impl ClientHooks<Inner> for generated::Client {
    async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        match attempt(self, request, info.operation_id).await {
            Ok(response) => Ok(response),
            Err(failure) => {
                self.inner.note(|call| call.failure = Some(failure.clone()));
                carry(failure).await
            }
        }
    }
}

async fn attempt(client: &generated::Client, mut request: Request, operation: &'static str) -> Result<Response, Error> {
    let inner = &client.inner;
    let token = inner.tokens.access_token().await.map_err(|e| Error::token(e).in_call(operation, None, None))?;
    inner.note(|call| call.token = Some(token.clone()));

    let nothing_to_send = request.body().is_none() && matches!(*request.method(), Method::PUT | Method::POST);
    let headers = request.headers_mut();
    // progenitor's own, which HubSpot does not know.
    headers.remove("api-version");
    headers.insert(AUTHORIZATION, authorization(&token)?);
    if nothing_to_send {
        // RFC 9110, section 8.6; some gateways answer 411 without it.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }

    let mut response =
        client.client.execute(request).await.map_err(|e| Error::transport(e).in_call(operation, None, None))?;
    let status = response.status().as_u16();
    let correlation_id = correlation_id(response.headers());
    inner.note(|call| {
        call.status = Some(status);
        call.correlation_id = correlation_id.clone();
    });

    let body =
        read_body(&mut response).await.map_err(|e| e.in_call(operation, Some(status), correlation_id.clone()))?;
    if response.status().is_success() {
        return Ok(rebuild(response, body));
    }
    let text = readable(&body, &token);
    let failure = Error::response(status, &text).in_call(operation, None, correlation_id);
    inner.note(|call| call.failure = Some(failure));
    Ok(rebuild(response, decodable(text)))
}

fn authorization(token: &AccessToken) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Error::invalid_input("access token", None, "cannot be sent as a header", "give another"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn correlation_id(headers: &HeaderMap) -> Option<CorrelationId> {
    headers.get("x-hubspot-correlation-id")?.to_str().ok().map(CorrelationId::from)
}

async fn read_body(response: &mut Response) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::transport)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Error::body_too_large(MAX_BODY_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A body as text to show to people.
fn readable(body: &[u8], token: &AccessToken) -> String {
    token.redact(&String::from_utf8_lossy(body))
}

/// The generated code loses the status of an error whose body it cannot decode, so it gets one that it can.
fn decodable(body: String) -> Bytes {
    if serde_json::from_str::<types::Error>(&body).is_ok() {
        return body.into();
    }
    serde_json::to_vec(&serde_json::json!({ "message": body })).unwrap_or_default().into()
}

fn rebuild(response: Response, body: Bytes) -> Response {
    let mut rebuilt = http::Response::new(body);
    *rebuilt.status_mut() = response.status();
    *rebuilt.headers_mut() = response.headers().clone();
    rebuilt.into()
}

/// A `reqwest::Error`, the only one the generated code takes, with `failure` as its source.
async fn carry(failure: Error) -> reqwest::Result<Response> {
    let body = reqwest::Body::wrap_stream(stream::iter([Err::<Bytes, Error>(failure)]));
    let unread = Response::from(http::Response::new(body));
    unread.bytes().await.map(|nothing| http::Response::new(nothing).into())
}

/// Runs one call of the generated client with a record of its own, so that its error holds all that is known.
pub(crate) async fn call<T, F>(
    client: &generated::Client,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let record = Arc::new(Mutex::new(Call::default()));
    let mut client = client.clone();
    client.inner.call = Some(Arc::clone(&record));
    let error = match send(client).await {
        Ok(response) => return Ok(response.into_inner()),
        Err(error) => error,
    };
    let call = std::mem::take(&mut *record.lock().unwrap_or_else(PoisonError::into_inner));
    Err(match (call.failure, error) {
        (Some(failure), _) => failure,
        (None, generated::Error::InvalidResponsePayload(body, e)) => {
            let redact = |text: &str| call.token.as_ref().map_or_else(|| text.to_owned(), |token| token.redact(text));
            // What serde says may quote the body.
            Error::undecodable(&redact(&e.to_string()), &redact(&String::from_utf8_lossy(&body))).in_call(
                operation,
                call.status,
                call.correlation_id,
            )
        }
        (None, error) => Error::from(error).in_call(operation, call.status, call.correlation_id),
    })
}
