//! Responses in the form that the generated code takes.

use std::{fmt, io};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use progenitor_client::ResponseValue;
use reqwest::{
    Response, ResponseBuilderExt, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use serde::de::DeserializeOwned;

use crate::{
    auth::{access_token::AccessToken, redact::REDACTED},
    error::{
        Error,
        network::{location, origin},
    },
    generated::{self, types},
    ids::PartnerClientId,
    reading,
    spec::Operation,
    transport::{Inner, call_meta::CallMeta},
};

/// The schema of an error's body.
const ERROR: &str = "Error";

/// How many entries of a response could not be read, as a header of it.
static LEFT_OUT: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-left-out");

/// A body that was read, and the operation that it answers.
pub(crate) struct Read(pub(crate) Bytes, pub(crate) &'static Operation);

/// The operation that a response is of whose body is still in it, as an extension of it.
#[derive(Clone, Copy)]
struct Of(&'static Operation);

/// How the call came out that a response is of, as an extension of it: for who calls the generated client itself.
#[derive(Clone)]
struct Came(CallMeta);

/// Adds to a response how its call came out, for the error of one that cannot be decoded.
pub(crate) fn came(response: &mut Response, meta: CallMeta) {
    response.extensions_mut().insert(Came(meta));
}

impl Inner {
    /// `ResponseValue::from_response` for the generated code, which fails at nothing that a response can do without. For a
    /// call of the facade, the body is in the call's record, and nothing else of the response is taken.
    pub(crate) async fn value<T: DeserializeOwned, E>(
        &self,
        mut response: Response,
    ) -> Result<ResponseValue<T>, generated::Error<E>> {
        let status = response.status();
        let read = self.call.as_ref().and_then(|call| call.record().read.take());
        let (mut headers, body, operation, came) = match read {
            Some(Read(body, operation)) => (HeaderMap::new(), body, Some(operation), None),
            None => {
                let operation = response.extensions_mut().remove().map(|Of(operation)| operation);
                let came = response.extensions_mut().remove::<Came>();
                let headers = std::mem::take(response.headers_mut());
                let body = response.bytes().await.map_err(generated::Error::ResponseBodyError)?;
                (headers, body, operation, came)
            }
        };
        let shape = || match operation {
            Some(operation) if status.is_success() => reading::response_shape(operation.id),
            Some(_) => reading::schema(ERROR),
            None => None,
        };
        match reading::decode_counted(&body, shape) {
            Ok((inner, left_out)) => {
                if left_out > 0 {
                    headers.insert(&LEFT_OUT, left_out.into());
                }
                Ok(ResponseValue::new(inner, status, headers))
            }
            Err(e) => {
                let trouble = match (operation, came) {
                    (Some(operation), Some(Came(meta))) => {
                        let error = Error::undecodable(&e.to_string(), &String::from_utf8_lossy(&body));
                        carry_in_json(error.in_call(operation.id, &meta, true))
                    }
                    _ => e,
                };
                Err(generated::Error::InvalidResponsePayload(body, trouble))
            }
        }
    }
}

/// A `serde_json::Error`, the only one that the generated code has for this, with `failure` as its source.
fn carry_in_json(failure: Error) -> serde_json::Error {
    /// The source of an `io::Error` is that of what it holds.
    #[derive(Debug)]
    struct Carried(Error);

    impl fmt::Display for Carried {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0.message())
        }
    }

    impl std::error::Error for Carried {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    /// What cannot be read: the way by which serde_json takes an `io::Error`.
    struct Unreadable(Option<Error>);

    impl io::Read for Unreadable {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.take().map_or(Ok(0), |failure| Err(io::Error::other(Carried(failure))))
        }
    }

    match serde_json::from_reader::<_, serde::de::IgnoredAny>(Unreadable(Some(failure))) {
        Err(error) => error,
        Ok(_) => serde::de::Error::custom("the response cannot be decoded"),
    }
}

/// Why a parameter of a request cannot be used, for the generated code; there is no reason where it was not given.
pub(crate) fn missing<E>(trouble: String, name: &str) -> generated::Error<E> {
    generated::Error::InvalidRequest(if trouble.is_empty() { format!("{name} was not initialized") } else { trouble })
}

/// How many entries of a response could not be read.
pub(crate) fn left_out<T>(response: &ResponseValue<T>) -> usize {
    let count = response.headers().get(&LEFT_OUT).and_then(|count| count.to_str().ok());
    count.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// Sends a write of one object. One that was carried out does not fail for what its response says: where no object can be read
/// of it, it is one of which the id is known. A body that is not HubSpot's stays an error.
#[allow(clippy::result_large_err, reason = "it is the error of the generated code")]
pub(crate) fn written<T: DeserializeOwned, E>(
    sent: impl Future<Output = Result<ResponseValue<T>, generated::Error<E>>>,
    operation: &str,
    id: &PartnerClientId,
) -> impl Future<Output = Result<ResponseValue<T>, generated::Error<E>>> {
    // An `async fn` would hold its argument twice.
    sent.map(move |result| {
        let Err(generated::Error::InvalidResponsePayload(body, trouble)) = result else { return result };
        match reading::response_shape(operation).and_then(|shape| reading::decode_object(&body, shape, id.as_str())) {
            Some(object) => Ok(ResponseValue::new(object, StatusCode::OK, HeaderMap::new())),
            None => Err(generated::Error::InvalidResponsePayload(body, trouble)),
        }
    })
}

/// A response with the body that was read, and without the token in its headers, for who calls the generated client itself.
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
        *value = HeaderValue::from_static(REDACTED);
    }
    // A URL may be written in other ways than it is read.
    if location(headers, response.url()).is_some_and(|location| origin(&location, &[token.expose()]).is_none()) {
        headers.insert(LOCATION, HeaderValue::from_static(REDACTED));
    }
    rebuilt.into()
}

/// The generated code loses the status of an error whose body it cannot decode, so it gets one that it can.
pub(crate) fn decodable(body: String) -> Bytes {
    if reading::decode::<types::Error>(body.as_bytes(), reading::schema(ERROR)).is_ok() {
        return body.into();
    }
    serde_json::json!({ "message": body }).to_string().into()
}

/// A `reqwest::Error`, the only one the generated code takes, with `failure` as its source.
pub(crate) async fn carry(failure: Error) -> reqwest::Result<Response> {
    let body = reqwest::Body::wrap_stream(stream::iter([Err::<Bytes, Error>(failure)]));
    let unread = Response::from(http::Response::new(body));
    unread.bytes().await.map(|nothing| http::Response::new(nothing).into())
}
