//! The one seam: every request of the generated client passes here, and nothing else touches one.
//!
//! token → rate limit → send → classify → retry, inside one span.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use progenitor_client::{ClientHooks, OperationInfo};
use reqwest::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue},
};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::{
    AccessToken, Attempt, CallEnd, CallMeta, CorrelationId, Error, Observer, PermitOutcome, RateLimit,
    RateLimitHeaders, RateLimiter, RetryPolicy, TokenProvider,
    answer::{carry, decodable, read, rebuild},
    connection::{CORRELATION_ID, read_body},
    generated::{self, types},
    observe,
    options::CallOptions,
    rate_limit::Ticket,
    retry::RetryBudget,
    spec::{Operation, operation},
};

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) tokens: Arc<dyn TokenProvider>,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    /// The starting guess, for the limiters of further accounts.
    pub(crate) limit: RateLimit,
    pub(crate) budget: RetryBudget,
    pub(crate) retry: RetryPolicy,
    /// For each attempt, where the HTTP client was given and may have another.
    pub(crate) timeout: Option<Duration>,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) max_response_bytes: usize,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// The host that spans name.
    pub(crate) server: String,
}

/// What the generated client carries: what all calls share, and one call's own settings and record.
#[derive(Clone)]
pub struct Inner {
    pub(crate) shared: Arc<Shared>,
    call: Option<Arc<Call>>,
}

impl Inner {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), call: None }
    }
}

/// The generated client derives `Debug` over this.
impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner(..)")
    }
}

/// One call.
#[derive(Default)]
struct Call {
    options: CallOptions,
    record: Mutex<Record>,
}

/// What a call learns on its way.
#[derive(Default)]
struct Record {
    meta: CallMeta,
    /// Whether the status in `meta` is that of the attempt under way, rather than of one before.
    answered: bool,
    token: Option<AccessToken>,
    failure: Option<Error>,
    ended: Option<Ended>,
}

/// A call that is over but for being told of.
struct Ended {
    span: Span,
    operation: &'static Operation,
    started: Instant,
}

impl Ended {
    fn tell(&self, shared: &Shared, meta: &CallMeta, error: Option<&Error>) {
        let end = CallEnd { operation: self.operation, duration: self.started.elapsed(), meta, error };
        observe::call_ended(&self.span, &end);
        if let Some(observer) = &shared.observer {
            observer.on_call(&end);
        }
    }
}

impl Record {
    /// The status that the attempt under way was answered with.
    fn status(&self) -> Option<u16> {
        self.meta.status.filter(|_| self.answered)
    }
}

impl Call {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failed attempt, with the answer if there was one, its body replaced by one that the generated code can decode.
struct Failed {
    error: Error,
    response: Option<Response>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, response: None }
    }
}

impl ClientHooks<Inner> for generated::Client {
    // An `async fn` would hold its arguments twice, and a request is large.
    fn exec(&self, mut request: Request, info: &OperationInfo) -> impl Future<Output = reqwest::Result<Response>> {
        let operation = operation(info.operation_id);
        async move {
            let shared = &*self.inner.shared;
            let call = self.inner.call.clone().unwrap_or_default();
            let started = Instant::now();
            let span = observe::span(operation, &shared.server);

            let raw = self.inner.call.is_none();
            let exchange = Exchange { http: &self.client, shared, call: &call, operation, raw };
            let outcome = exchange.run(&mut request).instrument(span.clone()).await;

            let ended = Ended { span, operation, started };
            let error = outcome.as_ref().err().map(|failed| failed.error.clone());
            if raw {
                let meta = call.record().meta.clone();
                ended.tell(shared, &meta, error.as_ref());
            } else {
                // Whether the answer can be decoded is still to be seen.
                let mut record = call.record();
                record.failure = error;
                record.ended = Some(ended);
            }
            match outcome {
                Ok(response) | Err(Failed { response: Some(response), .. }) => Ok(response),
                Err(Failed { error, response: None }) => carry(error).await,
            }
        }
    }
}

/// One call on its way to HubSpot and back, as often as it takes.
struct Exchange<'a> {
    http: &'a reqwest::Client,
    shared: &'a Shared,
    call: &'a Call,
    operation: &'static Operation,
    /// Whether the generated client was called by itself, and not by the facade, which takes no more than the body.
    raw: bool,
}

impl Exchange<'_> {
    async fn run(&self, request: &mut Request) -> Result<Response, Failed> {
        self.call.options.check().map_err(|e| self.tell(e))?;
        let Some(total) = self.call.options.total_timeout.or(self.shared.total_timeout) else {
            return self.attempts(request, None).await;
        };
        let deadline = Instant::now() + total;
        match tokio::time::timeout_at(deadline, self.attempts(request, Some(deadline))).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.tell(Error::total_timeout(total)).into()),
        }
    }

    async fn attempts(&self, request: &mut Request, deadline: Option<Instant>) -> Result<Response, Failed> {
        self.complete(request);
        let mut reauthorized = false;
        loop {
            let number = {
                let mut record = self.call.record();
                record.answered = false;
                record.meta.attempts += 1;
                record.meta.attempts
            };
            let failed = match self.attempt(request, number).await {
                Ok(response) => {
                    self.shared.budget.succeeded(number - 1);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            if failed.error.is_refused_token() && !reauthorized {
                let token = self.call.record().token.clone();
                reauthorized = true;
                if token.is_some_and(|token| self.shared.tokens.invalidate(&token)) {
                    continue;
                }
            }
            let policy = self.call.options.retry.unwrap_or(self.shared.retry);
            let delay = policy
                .delay(&failed.error, self.operation.idempotent, number)
                .filter(|delay| deadline.is_none_or(|deadline| Instant::now() + *delay < deadline))
                // A 429 is paced by the limiter, and says that HubSpot is well.
                .filter(|_| failed.error.is_rate_limited() || self.shared.budget.spend());
            match delay {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(failed),
            }
        }
    }

    async fn attempt(&self, request: &mut Request, number: u32) -> Result<Response, Failed> {
        let (token, mut ticket) = self.token_and_permit().await.map_err(|e| self.tell(e))?;
        let request = authorized(request, &token).map_err(|e| self.tell(e))?;
        let started = Instant::now();
        ticket.sending();
        let outcome = self.exchange(self.http.execute(request), &token, ticket).await;

        let attempt = Attempt {
            operation: self.operation,
            number,
            duration: started.elapsed(),
            status: self.call.record().status(),
            error: outcome.as_ref().err().map(|failed| &failed.error),
        };
        observe::attempt_ended(&attempt);
        if let Some(observer) = &self.shared.observer {
            observer.on_attempt(&attempt);
        }
        outcome
    }

    /// The permit comes last, because HubSpot's window starts with the request's arrival.
    async fn token_and_permit(&self) -> Result<(AccessToken, Ticket<'_>), Error> {
        let bucket = self.operation.rate_bucket;
        let limiter = &*self.shared.limiter;
        let mut token = self.shared.tokens.access_token().await.map_err(Error::token)?;
        let ticket = match limiter.try_acquire(bucket) {
            Some(permit) => Ticket::new(limiter, permit),
            None => {
                let started = Instant::now();
                let permit = limiter.acquire(bucket).await;
                self.call.record().meta.rate_limit_wait += started.elapsed();
                let ticket = Ticket::new(limiter, permit.map_err(Error::limiter)?);
                // The wait may have outlived the token.
                token = self.shared.tokens.access_token().await.map_err(Error::token)?;
                ticket
            }
        };
        self.call.record().token = Some(token.clone());
        Ok((token, ticket))
    }

    /// What all attempts send alike.
    fn complete(&self, request: &mut Request) {
        let nothing_to_send = request.body().is_none() && matches!(*request.method(), Method::PUT | Method::POST);
        let headers = request.headers_mut();
        for (name, value) in &self.call.options.headers {
            headers.insert(name, value.clone());
        }
        if nothing_to_send {
            // RFC 9110, section 8.6; some gateways answer 411 without it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(timeout) = self.call.options.timeout.or(self.shared.timeout) {
            *request.timeout_mut() = Some(timeout);
        }
    }

    /// One request and its whole answer.
    async fn exchange(
        &self,
        sent: impl Future<Output = reqwest::Result<Response>>,
        token: &AccessToken,
        ticket: Ticket<'_>,
    ) -> Result<Response, Failed> {
        let mut response = match sent.await {
            Ok(response) => response,
            Err(e) => {
                let error = Error::transport(e);
                let unseen = error.is_connect();
                ticket.settle(if unseen { &PermitOutcome::NotSent } else { &PermitOutcome::NoAnswer });
                return Err(self.tell(error).into());
            }
        };
        let headers = RateLimitHeaders::read(response.headers());
        let status = response.status();
        {
            let mut record = self.call.record();
            record.answered = true;
            record.meta.status = Some(status.as_u16());
            record.meta.correlation_id = correlation_id(response.headers(), token);
            record.meta.rate_limit = headers;
        }
        if status.is_success() {
            ticket.settle(&PermitOutcome::Answered { headers, refused: false });
            let body = read_body(&mut response, self.shared.max_response_bytes).await.map_err(|e| self.tell(e))?;
            // The generated code shows a body that it cannot decode.
            let body = if token.is_in(&body) { token.redact_body(&body).into() } else { body };
            return Ok(self.answer(response, body, token));
        }
        // Which limit a 429 is about stands in its body.
        let body = match read_body(&mut response, self.shared.max_response_bytes).await {
            Ok(body) => token.redact_body(&body),
            Err(e) => {
                ticket.settle(&PermitOutcome::Answered { headers, refused: status.as_u16() == 429 });
                return Err(self.tell(e).into());
            }
        };
        let error = self.tell(Error::response(status.as_u16(), &body).with_headers(response.headers()));
        let refused = error.is_rate_limited() && !error.is_daily_limit();
        ticket.settle(&PermitOutcome::Answered { headers, refused });
        Err(Failed { error, response: Some(self.answer(response, decodable(body), token)) })
    }

    fn answer(&self, mut response: Response, body: Bytes, token: &AccessToken) -> Response {
        if self.raw {
            rebuild(&mut response, body, self.operation, token)
        } else {
            read(response, body, self.operation)
        }
    }

    /// Adds to an error what is known of the call.
    fn tell(&self, error: Error) -> Error {
        let record = self.call.record();
        error.in_call(self.operation.id, &record.meta, record.answered)
    }
}

/// The request with its token. A copy takes its place, for another attempt: that has no room for a further header.
fn authorized(request: &mut Request, token: &AccessToken) -> Result<Request, Error> {
    let again = request.try_clone().ok_or_else(|| {
        let (reason, remedy) = ("can be sent only once", "give one that is held in memory");
        Error::invalid_input("request body", None, reason, remedy)
    })?;
    let mut request = std::mem::replace(request, again);
    request.headers_mut().insert(AUTHORIZATION, authorization(token)?);
    Ok(request)
}

fn authorization(token: &AccessToken) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Error::credentials("access token", "cannot be sent as a header", "give another"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn correlation_id(headers: &HeaderMap, token: &AccessToken) -> Option<CorrelationId> {
    let text = headers.get(&CORRELATION_ID)?.to_str().ok()?;
    Some(token.redact(text).as_str().into())
}

/// Runs one call of the generated client with its own settings and record, so that its error holds all that is known.
pub(crate) async fn call<T, F>(
    client: generated::Client,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> Result<(T, CallMeta), Error>
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let (outcome, meta) = call_with_meta(client, options, operation, send).await;
    Ok((outcome?, meta))
}

/// As [`call`], and tells of a call that failed as well how it came out.
pub(crate) async fn call_with_meta<T, F>(
    mut client: generated::Client,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> (Result<T, Error>, CallMeta)
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let call = Arc::new(Call { options, record: Mutex::default() });
    let shared = Arc::clone(&client.inner.shared);
    client.inner.call = Some(Arc::clone(&call));
    let outcome = send(client).await;
    let Record { meta, answered, failure, ended, .. } = std::mem::take(&mut *call.record());
    let outcome = outcome
        .map(generated::ResponseValue::into_inner)
        .map_err(|error| failure.unwrap_or_else(|| Error::from(error).in_call(operation, &meta, answered)));
    if let Some(ended) = ended {
        ended.tell(&shared, &meta, outcome.as_ref().err());
    }
    (outcome, meta)
}
