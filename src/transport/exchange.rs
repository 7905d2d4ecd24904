//! One call on its way to HubSpot and back: token → permit → send → classify → retry.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use crate::{
    auth::{access_token::AccessToken, provider::TokenProvider, token_key::TokenKey},
    error::{
        Error,
        correlation_id::{CORRELATION_ID, CorrelationId},
        kind::ErrorKind,
    },
    rate_limit::{headers::RateLimitHeaders, limiter::PermitUsage, not_in_time::NotInTime},
    reading,
    spec::Operation,
    task::{guard, guard_future},
    transport::{
        call::{Call, UnderWay},
        connection::read_body,
        failed::Failed,
        response::{decodable, read, rebuild},
        shared::Shared,
        ticket::Ticket,
        version,
    },
};

/// Who panicked, where it is the limiter.
const LIMITER: &str = "the rate limiter";

/// One call on its way to HubSpot and back, as often as it takes.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    pub(super) call: Arc<Call>,
    pub(super) operation: &'static Operation,
    /// Whether the generated client was called by itself, and not by the facade, which takes no more than the body.
    pub(super) raw: bool,
    pub(super) started: Instant,
}

impl Exchange {
    pub(super) async fn run(self, mut request: Request) -> Result<Response, Failed> {
        self.call.options.check().map_err(|e| self.in_call(e))?;
        version::address(&mut request, self.operation, &self.shared).map_err(|e| self.in_call(e))?;
        let Some(total) = self.call.options.call_timeout.or(self.shared.call_timeout) else {
            return self.attempts(&mut request, None).await;
        };
        let deadline = self.call.options.deadline.unwrap_or(self.started + total);
        match tokio::time::timeout_at(deadline, self.attempts(&mut request, Some(deadline))).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.out_of_time(total).into()),
        }
    }

    /// What is true of a call whose time is over depends on where it was.
    fn out_of_time(&self, total: Duration) -> Error {
        let (under_way, attempts, waiting, again) = {
            let record = self.call.record();
            (record.attempt.is_some(), record.meta.attempts, record.waiting, record.again.clone())
        };
        if under_way {
            let error = self.in_call(Error::call_timeout(total));
            let notified = self.call.end_attempt(&self.shared, self.operation, Some(&error));
            return notified.map_or_else(|panic| self.in_call(panic), |()| error);
        }
        match (again, waiting) {
            // Between two attempts: that one says what became of the call.
            (Some(again), _) => again,
            (None, Some(since)) => {
                let waited = since.elapsed();
                self.call.record().meta.rate_limit_wait += waited;
                self.in_call(Error::not_in_time(self.operation.rate_bucket, waited, NotInTime::default()))
            }
            (None, None) if attempts == 0 => self.in_call(Error::no_token_in_time(total)),
            (None, None) => self.in_call(Error::call_timeout(total)),
        }
    }

    async fn attempts(&self, request: &mut Request, deadline: Option<Instant>) -> Result<Response, Failed> {
        self.add_common_headers(request);
        let mut reauthorized = false;
        let mut before: Option<Failed> = None;
        loop {
            let number = {
                let mut record = self.call.record();
                record.answered = false;
                record.meta.attempts + 1
            };
            let failed = match self.attempt(request, number, deadline).await {
                Ok(response) => {
                    self.shared.budget.succeeded(number - 1);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            // Nothing was sent this time, so the attempt before says what became of the call.
            if self.call.record().meta.attempts < number
                && let Some(before) = before.take()
                && (failed.error.kind() == ErrorKind::QueueTimeout || !before.error.was_not_carried_out())
            {
                return Err(before);
            }
            if failed.error.is_refused_token() && !reauthorized {
                let token = self.call.record().token.clone();
                reauthorized = true;
                if let Some(token) = token
                    && guard("the token provider", || self.shared.tokens.invalidate(&token))
                        .map_err(|e| self.in_call(e))?
                {
                    continue;
                }
            }
            let policy = self.call.options.retry.unwrap_or(self.shared.retry);
            let delay = policy
                .delay(&failed.error, self.operation.idempotent, number)
                .filter(|delay| deadline.is_none_or(|deadline| Instant::now() + *delay < deadline))
                // A 429 is paced by the limiter, and says that HubSpot is well.
                .filter(|_| failed.error.is_rate_limited() || self.shared.budget.spend());
            let Some(delay) = delay else {
                return Err(failed);
            };
            self.call.record().again = Some(failed.error.clone());
            before = Some(failed);
            tokio::time::sleep(delay).await;
        }
    }

    async fn attempt(&self, request: &mut Request, number: u32, deadline: Option<Instant>) -> Result<Response, Failed> {
        let (token, mut ticket) = self.token_and_permit(deadline).await.map_err(|e| self.in_call(e))?;
        let mut request = authorized(request, &token).map_err(|e| self.in_call(e))?;
        if self.call.options.token_in_body {
            *request.body_mut() = Some(TokenKey::from(token.clone()).body().map_err(|e| self.in_call(e))?.into());
        }
        let http = self.shared.http.get().map_err(|e| self.in_call(e))?;
        {
            let mut record = self.call.record();
            record.meta.attempts = number;
            record.attempt = Some(UnderWay { number, since: Instant::now() });
        }
        ticket.sending();
        let outcome = self.exchange(http.execute(request), &token, ticket).await;
        let error = outcome.as_ref().err().map(|failed| &failed.error);
        match self.call.end_attempt(&self.shared, self.operation, error) {
            Ok(()) => outcome,
            Err(panic) => Err(self.in_call(panic).into()),
        }
    }

    /// The permit comes last, because HubSpot's window starts with the request's arrival.
    async fn token_and_permit(&self, deadline: Option<Instant>) -> Result<(AccessToken, Ticket<'_>), Error> {
        let bucket = self.operation.rate_bucket;
        let limiter = &*self.shared.limiter;
        let mut token = self.token().await?;
        let ticket = match guard(LIMITER, || limiter.try_acquire(bucket))? {
            Some(permit) => Ticket::new(limiter, permit),
            None => {
                let started = Instant::now();
                self.call.record().waiting = Some(started);
                let permit = guard_future(LIMITER, async {
                    match deadline {
                        Some(deadline) => limiter.acquire_by(bucket, deadline).await,
                        None => limiter.acquire(bucket).await,
                    }
                });
                let permit = permit.await;
                let waited = started.elapsed();
                {
                    let mut record = self.call.record();
                    record.waiting = None;
                    record.meta.rate_limit_wait += waited;
                }
                let ticket = Ticket::new(limiter, permit?.map_err(|e| Error::limiter(e, bucket, waited))?);
                // The wait may have outlived the token.
                token = self.token().await?;
                ticket
            }
        };
        self.call.record().token = Some(token.clone());
        Ok((token, ticket))
    }

    async fn token(&self) -> Result<AccessToken, Error> {
        let token = guard_future("the token provider", async { self.shared.tokens.access_token().await });
        token.await?.map_err(Error::token)
    }

    /// Adds what all attempts send alike.
    fn add_common_headers(&self, request: &mut Request) {
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

    /// One request and its whole response.
    async fn exchange(
        &self,
        sent: impl Future<Output = reqwest::Result<Response>>,
        token: &AccessToken,
        ticket: Ticket<'_>,
    ) -> Result<Response, Failed> {
        let mut sent = pin!(sent);
        let answered = match &self.call.options.lease {
            Some(lease) => lease.send(sent.as_mut(), is_over).await,
            None => Some(sent.await),
        };
        let mut response = match answered.ok_or_else(|| self.in_call(Error::dropped()))? {
            Ok(response) => response,
            Err(e) => {
                let error = Error::transport(e);
                let unseen = error.is_connect();
                let released = ticket.release(if unseen { &PermitUsage::NotSent } else { &PermitUsage::NoResponse });
                return Err(self.in_call(released.map_or_else(|panic| panic, |()| error)).into());
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
            let released = ticket.release(&PermitUsage::Response { headers, rate_limited: false });
            released.map_err(|e| self.in_call(e))?;
            let body = read_body(&mut response, self.shared.max_response_bytes).await.map_err(|e| self.in_call(e))?;
            let body = reading::utf8(body);
            // The generated code shows a body that it cannot decode.
            let body = if token.is_in(&body) { token.redact_body(&body).into() } else { body };
            self.call.record().body = body.clone();
            // The response to a batch has a status of its own, and says something of each input.
            let is_batch = self.operation.id.starts_with("batch") || self.operation.id == "associate_default";
            if !is_batch && let Some(error) = Error::in_success(status.as_u16(), response.headers(), &body) {
                return Err(self.in_call(error).into());
            }
            return Ok(self.rebuilt(response, body, token));
        }
        // Which limit a 429 is about stands in its body.
        let body = match read_body(&mut response, self.shared.max_response_bytes).await {
            Ok(body) => token.redact_body(&reading::utf8(body)),
            Err(e) => {
                let released = ticket.release(&PermitUsage::Response { headers, rate_limited: status.as_u16() == 429 });
                released.map_err(|e| self.in_call(e))?;
                return Err(self.in_call(e).into());
            }
        };
        let error = self.in_call(Error::response(status.as_u16(), &body).with_headers(response.headers()));
        let rate_limited = error.is_rate_limited() && !error.is_daily_limit();
        let released = ticket.release(&PermitUsage::Response { headers, rate_limited });
        released.map_err(|e| self.in_call(e))?;
        Err(Failed { error, response: Some(self.rebuilt(response, decodable(body), token)) })
    }

    fn rebuilt(&self, mut response: Response, body: Bytes, token: &AccessToken) -> Response {
        if self.raw {
            rebuild(&mut response, body, self.operation, token)
        } else {
            read(response, body, self.operation)
        }
    }

    /// Adds to an error what is known of the call.
    fn in_call(&self, error: Error) -> Error {
        let record = self.call.record();
        error.in_call(self.operation.id, &record.meta, record.answered)
    }
}

/// Whether a request is over: it was answered, and not in HubSpot's place, or it was never sent.
fn is_over(answered: &reqwest::Result<Response>) -> bool {
    match answered {
        Ok(response) => !response.status().is_server_error(),
        Err(error) => error.is_connect(),
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
        .map_err(|_| Error::credentials("access token", "cannot be sent in a header", "check it"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn correlation_id(headers: &HeaderMap, token: &AccessToken) -> Option<CorrelationId> {
    let text = headers.get(&CORRELATION_ID)?.to_str().ok()?;
    Some(token.redact(text).as_str().into())
}
