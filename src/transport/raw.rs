//! Errors of the generated client, for calls through [`Client::raw`](crate::Client::raw).

use reqwest::{
    Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    error::{
        Error,
        correlation_id::{CORRELATION_ID, CorrelationId},
        network::{in_chain, redirected_to},
        response::JSON,
    },
    generated::{self, types},
    rate_limit::headers::RateLimitHeaders,
    spec,
    transport::call_meta::CallMeta,
};

/// For calls through [`Client::raw`](crate::Client::raw), so that `?` gives the same error as the facade does.
impl From<generated::Error<types::Error>> for Error {
    #[allow(clippy::expect_used, reason = "an empty body would hide what HubSpot said")]
    fn from(error: generated::Error<types::Error>) -> Self {
        match error {
            generated::Error::InvalidRequest(message) | generated::Error::Custom(message) => {
                Self::invalid_request(message)
            }
            generated::Error::CommunicationError(e)
            | generated::Error::ResponseBodyError(e)
            | generated::Error::InvalidUpgrade(e) => carried_by(&e).unwrap_or_else(|| Self::transport(e)),
            generated::Error::InvalidResponsePayload(body, e) => in_chain::<Self>(&e)
                .cloned()
                .unwrap_or_else(|| Self::undecodable(&e.to_string(), &String::from_utf8_lossy(&body))),
            generated::Error::UnexpectedResponse(response) => {
                let error = Self::response(response.status().as_u16(), "").with_head(&response, &[]);
                marked(error, response.headers())
            }
            generated::Error::ErrorResponse(response) => {
                let status = response.status().as_u16();
                let headers = response.headers().clone();
                let body = serde_json::to_string(&response.into_inner()).expect(JSON);
                let to = headers.get(&REDIRECTED_TO).and_then(|to| to.to_str().ok());
                marked(Self::response(status, &body).signed_by(&headers).redirecting(to), &headers)
            }
        }
    }
}

/// The facts that a call through [`Client::raw`](crate::Client::raw) adds to an error response: the generated
/// code keeps nothing else of it.
pub(crate) fn mark(response: &mut Response, operation: &'static str, attempts: u32, perhaps_before: bool) {
    // Its own headers show no secret any more.
    let to = redirected_to(response.headers(), response.url(), &[]).and_then(|to| HeaderValue::try_from(to).ok());
    let headers = response.headers_mut();
    if let Some(to) = to {
        headers.insert(&REDIRECTED_TO, to);
    }
    headers.insert(&OPERATION, HeaderValue::from_static(operation));
    headers.insert(&ATTEMPTS, attempts.into());
    if perhaps_before {
        headers.insert(&PERHAPS_BEFORE, HeaderValue::from_static("yes"));
    }
}

static OPERATION: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-operation");
static REDIRECTED_TO: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-redirected-to");
static ATTEMPTS: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-attempts");
static PERHAPS_BEFORE: HeaderName = HeaderName::from_static("x-hubspot-partner-clients-perhaps-before");

/// The transport can fail only with a `reqwest::Error`; it hides its own error as the source of one.
fn carried_by(error: &reqwest::Error) -> Option<Error> {
    in_chain::<Error>(error).cloned()
}

/// Adds what [`mark`] has put there.
fn marked(error: Error, headers: &HeaderMap) -> Error {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let operation = text(&OPERATION).and_then(|id| spec::operations().iter().find(|operation| operation.id == id));
    let attempts = text(&ATTEMPTS).and_then(|attempts| attempts.parse().ok());
    let (Some(operation), Some(attempts)) = (operation, attempts) else { return error };
    let status = error.status();
    let meta = CallMeta {
        status,
        attempts,
        correlation_id: text(&CORRELATION_ID).and_then(CorrelationId::read),
        rate_limit: RateLimitHeaders::read(headers),
        perhaps_done: headers.contains_key(&PERHAPS_BEFORE),
        ..CallMeta::default()
    };
    error.in_call(operation.id, &meta, true)
}
