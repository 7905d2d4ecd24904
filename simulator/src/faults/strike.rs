//! What a fault does to a request that it strikes.

use std::{convert::Infallible, future::Future, io, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use chrono::{SubsecRound, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use tokio::{task::yield_now, time::sleep};

use crate::{
    auth::oauth::Refused,
    http::{
        connection::Connection,
        error::{Failure, Policy},
        operation::{INTROSPECT_TOKEN, OAUTH_TOKEN},
        response::json_response,
    },
};

/// The status of an account that is being migrated, the only one whose `Retry-After` HubSpot documents.
const MIGRATION: u16 = 477;
const MIGRATION_TIME: Duration = Duration::from_secs(60);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const HTML_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Error</title></head>\
                         <body><h1>The server could not answer this request.</h1></body></html>\n";

/// One fault, striking one request.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    effect: Effect,
    pub(crate) after_operation: bool,
    pub(crate) delay: Duration,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) as_json: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    None,
    TruncatedBody,
    SlowBody { bytes: usize, pause: Duration },
    Replacement(Replacement),
}

/// What comes in place of the operation's own answer.
#[derive(Clone, Debug)]
pub(crate) enum Replacement {
    Failure(StatusCode),
    /// A failure of the token endpoint that has no field `error`, or not the usual one.
    Recorded(Recorded),
    DailyLimit,
    Html(StatusCode),
    Empty(StatusCode),
    Redirect(StatusCode, String),
    InvalidJson,
    EndlessBody,
    EchoCredentials(StatusCode),
    Reset,
}

/// How a refusal of the token endpoint was recorded, beside its documented form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recorded {
    BadRefreshToken,
    BadHub,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfter {
    Seconds(Duration),
    Date(Duration),
}

/// What a replacement needs of the request.
pub(crate) struct Struck<'a> {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The operation that it calls.
    pub(crate) operation: Option<&'static str>,
    pub(crate) connection: &'a Connection,
}

impl Strike {
    pub(crate) fn new(effect: Effect) -> Self {
        Self { effect, after_operation: false, delay: Duration::ZERO, retry_after: None, as_json: false }
    }

    /// Answers in place of `operation`, which is carried out only when it is polled.
    pub(crate) async fn answer(self, request: Struck<'_>, operation: impl Future<Output = Response>) -> Response {
        let answer = async {
            if self.after_operation {
                let answer = operation.await;
                pause(self.delay).await;
                answer
            } else {
                pause(self.delay).await;
                operation.await
            }
        };
        let replaced = matches!(self.effect, Effect::Replacement(Replacement::Failure(_)));
        let mut response = match self.effect {
            Effect::None => answer.await,
            Effect::TruncatedBody => truncated(answer.await).await,
            Effect::SlowBody { bytes, pause } => slow(answer.await, bytes, pause).await,
            Effect::Replacement(replacement) => {
                if self.after_operation {
                    answer.await;
                } else {
                    pause(self.delay).await;
                }
                replacement.answer(&request)
            }
        };
        let moving = response.status().as_u16() == MIGRATION && replaced;
        let retry_after = self.retry_after.or(moving.then_some(RetryAfter::Seconds(MIGRATION_TIME)));
        let headers = response.headers_mut();
        if self.as_json {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(value) = retry_after.and_then(RetryAfter::value) {
            headers.insert(RETRY_AFTER, value);
        }
        response
    }
}

impl Replacement {
    fn answer(self, request: &Struck<'_>) -> Response {
        match self {
            Self::Failure(StatusCode::BAD_REQUEST)
                if matches!(request.operation, Some(OAUTH_TOKEN | INTROSPECT_TOKEN)) =>
            {
                Refused::RefreshToken.into_response()
            }
            Self::Recorded(recorded) => recorded.answer(),
            Self::Failure(status) => Failure::with_status(status).into_response(),
            Self::DailyLimit => Failure::rate_limited(Policy::Daily).into_response(),
            Self::Html(status) => (status, header(CONTENT_TYPE, HTML), HTML_PAGE).into_response(),
            Self::Empty(status) => status.into_response(),
            Self::Redirect(status, location) => match HeaderValue::try_from(location) {
                Ok(location) => (status, header(LOCATION, location)).into_response(),
                Err(_) => status.into_response(),
            },
            Self::InvalidJson => (header(CONTENT_TYPE, JSON), r#"{"id": "512", "properties": {"#).into_response(),
            Self::EndlessBody => (header(CONTENT_TYPE, JSON), endless()).into_response(),
            Self::EchoCredentials(status) => {
                let authorization = request.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
                let message = format!(
                    "Cannot handle a request with Authorization: {} and the body {}",
                    String::from_utf8_lossy(authorization),
                    String::from_utf8_lossy(&request.body),
                );
                Failure::with_status(status).message(message).into_response()
            }
            Self::Reset => {
                request.connection.reset();
                // Never sent: the reset comes before it.
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl Recorded {
    fn answer(self) -> Response {
        let body = match self {
            Self::BadRefreshToken => {
                json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"})
            }
            Self::BadHub => {
                json!({"status": "BAD_HUB", "message": "missing or unknown hub id", "error": "access_denied"})
            }
        };
        json_response(StatusCode::BAD_REQUEST, &body)
    }
}

impl RetryAfter {
    fn value(self) -> Option<HeaderValue> {
        match self {
            Self::Seconds(duration) => Some(HeaderValue::from(whole_seconds(duration))),
            Self::Date(duration) => {
                let duration = TimeDelta::from_std(duration).ok()?;
                let at = Utc::now().checked_add_signed(duration)?;
                let second = at.trunc_subsecs(0);
                let up = if second < at { second.checked_add_signed(TimeDelta::seconds(1))? } else { second };
                HeaderValue::try_from(up.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
            }
        }
    }
}

/// The status of a fault; none that ends no answer, and none that is no status.
pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

fn header(name: HeaderName, value: HeaderValue) -> [(HeaderName, HeaderValue); 1] {
    [(name, value)]
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        sleep(duration).await;
    }
}

async fn truncated(answer: Response) -> Response {
    with_body(answer, |body| {
        let half = body.slice(..body.len() / 2);
        let end = stream::once(async {
            // Lets the server send what it has: it drops that together with a connection that failed.
            yield_now().await;
            Err(io::Error::from(io::ErrorKind::UnexpectedEof))
        });
        Body::from_stream(stream::iter([Ok(half)]).chain(end))
    })
    .await
}

async fn slow(answer: Response, bytes: usize, pause: Duration) -> Response {
    with_body(answer, |body| {
        Body::from_stream(stream::unfold(body, move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            sleep(pause).await;
            let piece = rest.split_to(bytes.min(rest.len()));
            Some((Ok::<_, Infallible>(piece), rest))
        }))
    })
    .await
}

/// Sends a body another way, under its own length; nothing when it is empty.
async fn with_body(answer: Response, change: impl FnOnce(Bytes) -> Body) -> Response {
    let (mut head, body) = answer.into_parts();
    // The simulator's own answers are in memory already, so this neither waits nor fails.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if body.is_empty() {
        return Response::from_parts(head, Body::empty());
    }
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(head, change(body))
}

fn endless() -> Body {
    let beginning = stream::iter([Bytes::from_static(br#"{"results": ["#)]);
    let forever = stream::repeat(Bytes::from_static(&[b' '; 16 * 1024]));
    Body::from_stream(beginning.chain(forever).map(Ok::<_, Infallible>))
}
