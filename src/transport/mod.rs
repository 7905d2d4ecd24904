//! The one seam: every request of the generated client passes here, and nothing else touches one.
//!
//! token → rate limit → send → classify → retry, inside one span.
#![cfg(feature = "client")]

pub(crate) mod call;
pub(crate) mod call_meta;
pub(crate) mod call_options;
pub(crate) mod connection;
mod exchange;
pub(crate) mod failed;
pub(crate) mod http_client;
pub(crate) mod lease;
pub(crate) mod observer;
mod raw;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod shared;
mod ticket;
mod version;

use std::sync::{Arc, Mutex};

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
    error::Error,
    generated::{self, types},
    spec::operation,
    task::Task,
    transport::{
        call::{Call, Ended, Record, Unended},
        call_options::CallOptions,
        exchange::Exchange,
        observer::span,
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
            let outcome = match Task::spawn(exchange.run(request).instrument(span)) {
                Ok(task) => match task.await {
                    Ok(outcome) => outcome,
                    Err(error) => Err(error.into()),
                },
                Err(error) => Err(error.into()),
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
    client: generated::Client,
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

/// Like [`call`], with the facts about a failed call as well. The body is that of a success, empty otherwise.
pub(crate) async fn call_with_body<T, F>(
    mut client: generated::Client,
    options: CallOptions,
    operation: &'static str,
    send: impl FnOnce(generated::Client) -> F,
) -> (Result<T, Error>, CallMeta, Bytes)
where
    F: Future<Output = Result<generated::ResponseValue<T>, generated::Error<types::Error>>>,
{
    let call = Arc::new(Call { options, record: Mutex::default() });
    let shared = Arc::clone(&client.inner.shared);
    client.inner.call = Some(Arc::clone(&call));
    let outcome = send(client).await;
    let Record { mut meta, answered, failure, body, ended, .. } = std::mem::take(&mut *call.record());
    meta.left_out = outcome.as_ref().map(left_out).unwrap_or_default();
    let outcome = outcome
        .map(generated::ResponseValue::into_inner)
        .map_err(|error| failure.unwrap_or_else(|| Error::from(error).in_call(operation, &meta, answered)));
    if let Some(ended) = ended {
        let notified = ended.notify(&shared, &meta, outcome.as_ref().err());
        let outcome = notified.map_err(|panic| panic.in_call(operation, &meta, true)).and(outcome);
        return (outcome, meta, body);
    }
    (outcome, meta, body)
}
