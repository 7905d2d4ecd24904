//! The one seam: every request of the generated client passes here, and nothing else touches one.
//!
//! token → rate limit → send → classify → retry, inside one span.
#![cfg(feature = "client")]

pub(crate) mod call;
pub(crate) mod call_meta;
pub(crate) mod call_options;
pub(crate) mod connection;
pub(crate) mod doubts;
mod environment_proxy;
mod exchange;
pub(crate) mod failed;
pub(crate) mod http_client;
pub(crate) mod lease;
pub(crate) mod observer;
pub(crate) mod proof;
mod raw;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod shared;
mod ticket;
mod version;

use std::sync::Arc;

use bytes::Bytes;
use progenitor_client::{ClientHooks, OperationInfo};
use reqwest::{Request, Response};
use tokio::time::Instant;
use tracing::Instrument;

pub use self::{
    call_meta::CallMeta,
    observer::{Attempt, CallEnd, Observer},
    retry::RetryPolicy,
};
use crate::{
    error::{Error, kind::ErrorKind},
    generated::{self, types},
    spec::operation,
    task::Task,
    transport::{
        call::{Call, Ended, Record, Unended, told_instead},
        call_options::CallOptions,
        exchange::Exchange,
        observer::span,
        proof::carried_out,
        response::{carry, left_out},
        shared::Shared,
    },
};

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

    /// The version in the path of an operation that only dated versions have, for the generated code.
    pub(crate) fn dated(&self) -> impl std::fmt::Display {
        self.shared.version
    }
}

/// The generated client derives `Debug` over this.
impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner(..)")
    }
}

impl ClientHooks<Inner> for generated::Client {
    // An `async fn` would hold its arguments twice, and a request is large.
    fn exec(&self, request: Request, info: &OperationInfo) -> impl Future<Output = reqwest::Result<Response>> {
        let operation = operation(info.operation_id);
        async move {
            let raw = self.inner.call.is_none();
            let call = self.inner.call.clone().unwrap_or_default();
            let shared = Arc::clone(&self.inner.shared);
            let started = Instant::now();
            let span = span(operation, &shared.server);
            let exchange = Exchange { shared: Arc::clone(&shared), call: Arc::clone(&call), operation, raw, started };
            let ended = Some(Ended { span: span.clone(), operation, started });
            let unended = Unended { shared, call, ended };

            // In a task, since a call holds what others need: a place at the rate limiter, a connection, and whatever the
            // token provider locks. Its caller may not poll it again before these others have ended.
            let ended = match Task::spawn(exchange.run(request).instrument(span)) {
                Ok(task) => task.await,
                Err(error) => Err(error),
            };
            let outcome = match ended {
                Ok(outcome) => outcome,
                Err(error) => {
                    let record = unended.call.record();
                    Err(error.in_call(operation.id, &record.meta, record.answered).into())
                }
            };
            match unended.end(raw, outcome) {
                Ok(response) => Ok(response),
                Err(error) => carry(error).await,
            }
        }
    }
}

/// Runs one call of the generated client with its own settings and record, so that its error holds all that is known.
pub(crate) async fn call<T, F>(
    client: Arc<generated::Client>,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> Result<(T, CallMeta), Error>
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let (outcome, meta, _) = call_with_body(client, options, operation, send).await;
    Ok((outcome?, meta))
}

/// Like [`call`], for a write of one thing: a success that does not prove that it was carried out is an error.
pub(crate) async fn write<T, F>(
    client: Arc<generated::Client>,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> Result<(T, CallMeta), Error>
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let (outcome, meta, _) = checked(client, options, operation, send, carried_out).await;
    Ok((outcome?, meta))
}

/// Like [`call`], with the facts about a failed call as well. The body is that of a success, empty otherwise.
pub(crate) fn call_with_body<T, F>(
    client: Arc<generated::Client>,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> impl Future<Output = (Result<T, Error>, CallMeta, Bytes)>
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    checked(client, options, operation, send, |_, _, _| Ok(()))
}

/// `check` is given the body of a success.
async fn checked<T, F>(
    client: Arc<generated::Client>,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
    check: fn(&[u8], &'static str, &CallMeta) -> Result<(), Error>,
) -> (Result<T, Error>, CallMeta, Bytes)
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let call = Arc::new(Call { options, ..Call::default() });
    let mut raw = generated::Client::clone(&client);
    raw.inner.call = Some(Arc::clone(&call));
    // Not in a variable, where the future would be held twice.
    let outcome = send(raw).await;
    let Record { mut meta, answered, failure, panicked, body, ended, .. } = std::mem::take(&mut *call.record());
    meta.left_out = outcome.as_ref().map(left_out).unwrap_or_default();
    let outcome = outcome
        .map(generated::ResponseValue::into_inner)
        .map_err(|error| failure.unwrap_or_else(|| Error::from(error).in_call(operation, &meta, answered)));
    let is_unread = |error: &Error| error.kind() == ErrorKind::Decode && error.is_of_success();
    let outcome = match outcome {
        Ok(done) => check(&body, operation, &meta).map(|()| done),
        // It may say even so that the write was not carried out.
        Err(error) if is_unread(&error) => {
            Err(check(&body, operation, &meta).err().filter(|said| !is_unread(said)).unwrap_or(error))
        }
        Err(error) => Err(error),
    };
    let outcome = told_instead(panicked, outcome.as_ref().err()).map_or(outcome, Err);
    let Some(ended) = ended else { return (outcome, meta, body) };
    let notified = ended.notify(&client.inner.shared, &meta, outcome.as_ref().err());
    let notified = notified.map_err(|panic| panic.in_call(operation, &meta, answered));
    let outcome = told_instead(notified.err(), outcome.as_ref().err()).map_or(outcome, Err);
    (outcome, meta, body)
}
