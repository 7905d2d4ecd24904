//! One call on its way to HubSpot and back: token → permit → send → classify → retry.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Method, Request, Response, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use crate::{
    auth::{access_token::AccessToken, provider::Tokens, token_key::TokenKey},
    error::{
        Error,
        correlation_id::{CORRELATION_ID, CorrelationId},
        kind::ErrorKind,
        response::is_signed,
    },
    rate_limit::{headers::RateLimitHeaders, limiter::PermitUsage, not_in_time::NotInTime, rolling_window::SLACK},
    reading,
    spec::Operation,
    task::{guard, guard_future},
    transport::{
        call::{Call, UnderWay},
        connection::read_body,
        failed::Failed,
        response::{Read, decodable, rebuild},
        shared::Shared,
        ticket::Ticket,
        version,
    },
};

/// Who panicked, where it is the limiter or the provider.
const LIMITER: &str = "the rate limiter";
const PROVIDER: &str = "the token provider";

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
            self.end_attempt(Some(&error));
            return error;
        }
        match (again, waiting) {
            // Between two attempts: the first says what became of the call, unless another token has come since.
            (Some(again), waiting) if waiting.is_none() || !again.is_refused_token() => again,
            (_, Some(since)) => {
                let waited = since.elapsed();
                self.call.record().meta.rate_limit_wait += waited;
                self.in_call(Error::not_in_time(self.operation.rate_bucket, waited, NotInTime::default()))
            }
            (_, None) if attempts == 0 => self.in_call(Error::no_token_in_time(total)),
            (_, None) => self.in_call(Error::call_timeout(total)),
        }
    }

    async fn attempts(&self, request: &mut Request, deadline: Option<Instant>) -> Result<Response, Failed> {
        let mut reauthorized = false;
        let mut spent = 0;
        let mut before: Option<Failed> = None;
        loop {
            let number = {
                let mut record = self.call.record();
                record.answered = false;
                record.meta.attempts + 1
            };
            let outcome = self.attempt(request, number, deadline).await;
            if self.call.record().panicked.is_some() {
                return outcome;
            }
            let mut failed = match outcome {
                Ok(response) => {
                    self.shared.budget.succeeded(spent);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            // Nothing was sent this time, so the attempt before says what became of the call.
            if self.call.record().meta.attempts < number
                && let Some(mut before) = before.take()
                && (failed.error.kind() == ErrorKind::QueueTimeout || !before.error.was_not_carried_out())
            {
                if let Some(needed) = failed.error.time_needed() {
                    before.error = before.error.for_want_of_time(needed);
                }
                return Err(before);
            }
            let latest = failed.error.clone();
            // A connection that was not made says nothing of what an attempt before may have done.
            if latest.is_connect()
                && let Some(earlier) = before.take_if(|before| before.error.may_be_carried_out())
            {
                failed = Failed { error: self.in_call(earlier.error), ..earlier };
            }
            if latest.may_be_carried_out() {
                self.call.record().meta.perhaps_done = true;
            }
            if latest.is_refused_token() && !reauthorized {
                let token = self.call.record().token.clone();
                reauthorized = true;
                if let Some(token) = token
                    && let Tokens::Provider(tokens) = &self.shared.tokens
                    && guard(PROVIDER, || tokens.invalidate(&token)).map_err(|e| self.in_call(e))?
                {
                    self.call.record().again = Some(failed.error);
                    continue;
                }
            }
            let policy = self.call.options.retry.unwrap_or(self.shared.retry);
            let Some(delay) = policy.delay(&latest, self.operation.idempotent, number) else {
                return Err(failed);
            };
            if deadline.is_some_and(|deadline| delay >= deadline.saturating_duration_since(Instant::now())) {
                failed.error = failed.error.for_want_of_time(delay);
                return Err(failed);
            }
            // A 429 is paced by the limiter, and says that HubSpot is well.
            if !latest.is_rate_limited() {
                if !self.shared.budget.spend() {
                    return Err(failed);
                }
                spent += 1;
            }
            self.call.record().again = Some(failed.error.clone());
            before = Some(failed);
            tokio::time::sleep(delay).await;
        }
    }

    async fn attempt(&self, request: &mut Request, number: u32, deadline: Option<Instant>) -> Result<Response, Failed> {
        let (token, mut ticket) = self.token_and_permit(deadline).await.map_err(|e| self.in_call(e))?;
        let mut request = self.outgoing(request, &token).map_err(|e| self.in_call(e))?;
        if self.call.options.token_in_body {
            *request.body_mut() = Some(TokenKey::from(token.clone()).body().map_err(|e| self.in_call(e))?.into());
        }
        let http = self.shared.http.get().map_err(|e| self.in_call(e))?;
        let doubt = self.call.options.doubt.as_ref();
        if doubt.is_some_and(|doubt| !doubt.begin()) {
            return Err(self.in_call(Error::dropped()).into());
        }
        {
            let mut record = self.call.record();
            record.meta.attempts = number;
            record.attempt = Some(UnderWay { number, since: Instant::now() });
        }
        ticket.sending();
        let asked = self.shared.http.is_given().then(|| Box::new(request.url().clone()));
        // Pinned here: as an argument it would be held twice.
        let sent = pin!(http.execute(request));
        let outcome = self.exchange(sent, asked, &token, ticket).await;
        if let Some(doubt) = doubt
            && outcome.as_ref().is_err_and(|failed| failed.error.was_not_carried_out())
        {
            doubt.dispel();
        }
        self.end_attempt(outcome.as_ref().err().map(|failed| &failed.error));
        outcome
    }

    fn end_attempt(&self, error: Option<&Error>) {
        if let Err(panic) = self.call.end_attempt(&self.shared, self.operation, error) {
            self.panicked(panic);
        }
    }

    /// Keeps a panic of the caller's code until it is known what became of the call.
    fn panicked(&self, panic: Error) {
        let panic = self.in_call(panic);
        self.call.record().panicked.get_or_insert(panic);
    }

    /// The permit comes last, because HubSpot's window starts with the request's arrival.
    async fn token_and_permit(&self, deadline: Option<Instant>) -> Result<(AccessToken, Ticket<'_>), Error> {
        let mut token = self.token().await?;
        let mut is_last = false;
        let ticket = loop {
            let (ticket, has_waited) = self.permit(deadline).await?;
            if !has_waited {
                break ticket;
            }
            // The wait may have outlived the token.
            let asked = Instant::now();
            token = self.token().await?;
            // All who wait for the token have permits by then, and may have those of several windows.
            if is_last || asked.elapsed() < SLACK {
                break ticket;
            }
            is_last = true;
        };
        self.call.record().token = Some(token.clone());
        Ok((token, ticket))
    }

    /// A permit, and whether it was waited for.
    async fn permit(&self, deadline: Option<Instant>) -> Result<(Ticket<'_>, bool), Error> {
        let bucket = self.operation.rate_bucket;
        let limiter = &*self.shared.limiter;
        if let Some(permit) = guard(LIMITER, || limiter.try_acquire(bucket))? {
            return Ok((Ticket::new(limiter, permit), false));
        }
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
        let permit = permit?.map_err(|e| Error::limiter(e, bucket, waited))?;
        Ok((Ticket::new(limiter, permit), true))
    }

    async fn token(&self) -> Result<AccessToken, Error> {
        match &self.shared.tokens {
            Tokens::Fixed(token) => Ok(token.clone()),
            Tokens::Provider(tokens) => {
                let token = guard_future(PROVIDER, async { tokens.access_token().await });
                token.await?.map_err(Error::token)
            }
        }
    }

    /// What an attempt sends. A copy without its headers takes the place of the request, for another attempt.
    fn outgoing(&self, request: &mut Request, token: &AccessToken) -> Result<Request, Error> {
        let again = request.try_clone().ok_or_else(|| {
            let (reason, remedy) = ("can be sent only once", "give one that is held in memory");
            Error::invalid_input("request body", None, reason, remedy)
        })?;
        let mut request = std::mem::replace(request, again);
        let nothing_to_send = request.body().is_none() && matches!(*request.method(), Method::PUT | Method::POST);
        let headers = request.headers_mut();
        for (name, value) in &self.call.options.headers {
            headers.insert(name, value.clone());
        }
        if nothing_to_send {
            // RFC 9110, section 8.6; some gateways answer 411 without it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, token.header());
        if let Some(timeout) = self.call.options.timeout.or(self.shared.timeout) {
            *request.timeout_mut() = Some(timeout);
        }
        Ok(request)
    }

    /// One request and its whole response. `asked` is its URL, where the HTTP client may follow any redirect.
    async fn exchange(
        &self,
        sent: Pin<&mut impl Future<Output = reqwest::Result<Response>>>,
        asked: Option<Box<Url>>,
        token: &AccessToken,
        ticket: Ticket<'_>,
    ) -> Result<Response, Failed> {
        let answered = match &self.call.options.lease {
            Some(lease) => lease.send(sent, is_over).await,
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
        if asked.is_some_and(|asked| self.strayed(&asked, response.url())) {
            let released = ticket.release(&PermitUsage::NoResponse);
            let error = Error::followed_redirect(response.url(), "the token", &[token.expose()]);
            return Err(self.in_call(released.map_or_else(|panic| panic, |()| error)).into());
        }
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
            if let Err(panic) = ticket.release(&PermitUsage::Response { headers, rate_limited: false }) {
                self.panicked(panic);
            }
            let body = read_body(&mut response, self.shared.max_response_bytes).await.map_err(|e| self.in_call(e))?;
            let body = reading::utf8(body);
            // The generated code shows a body that it cannot decode.
            let body = if token.is_in(&body) { token.redact_body(&body).into() } else { body };
            self.call.record().body = body.clone();
            if !self.operation.is_batch()
                && let Some(error) = Error::in_success(status.as_u16(), is_signed(response.headers()), &body)
            {
                return Err(self.in_call(error).into());
            }
            return Ok(self.rebuilt(response, body, token));
        }
        // Which limit a 429 is about stands in its body.
        let (body, trouble) = match read_body(&mut response, self.shared.max_response_bytes).await {
            Ok(body) => (token.redact_body(&reading::utf8(body)), None),
            Err(e) if e.is_too_large() => {
                let released = ticket.release(&PermitUsage::Response { headers, rate_limited: status.as_u16() == 429 });
                released.map_err(|e| self.in_call(e))?;
                return Err(self.in_call(e).into());
            }
            // What was refused, its status says.
            Err(e) => (String::new(), Some(e)),
        };
        let is_whole = trouble.is_none();
        let error = Error::response(status.as_u16(), &body).with_head(&response, &[token.expose()]);
        let error = self.in_call(error.without_reason(trouble));
        let rate_limited = error.is_rate_limited() && !error.is_daily_limit();
        let released = ticket.release(&PermitUsage::Response { headers, rate_limited });
        released.map_err(|e| self.in_call(e))?;
        // The generated code has no form for one whose body cannot be read.
        let response = is_whole.then(|| self.rebuilt(response, decodable(body), token));
        Err(Failed { error, response })
    }

    /// Whether the response is of another origin than was asked, or perhaps to a GET that a redirect has made of a write.
    fn strayed(&self, asked: &Url, responding: &Url) -> bool {
        asked != responding && (self.operation.method != "GET" || asked.origin() != responding.origin())
    }

    fn rebuilt(&self, mut response: Response, body: Bytes, token: &AccessToken) -> Response {
        if self.raw {
            rebuild(&mut response, body, self.operation, token)
        } else {
            self.call.record().read = Some(Read(body, self.operation));
            response
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

fn correlation_id(headers: &HeaderMap, token: &AccessToken) -> Option<CorrelationId> {
    let text = headers.get(&CORRELATION_ID)?.to_str().ok()?;
    // Most are too short to hold a token, and need no copy.
    if text.len() < token.expose().len() { CorrelationId::read(text) } else { CorrelationId::read(&token.redact(text)) }
}
