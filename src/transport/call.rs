//! Record of one call: what it learns on its way, and the notice of its end, however it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use reqwest::Response;
use tokio::time::Instant;
use tracing::Span;

use crate::{
    auth::access_token::AccessToken,
    error::Error,
    spec::Operation,
    task::guard,
    transport::{
        call_meta::CallMeta,
        call_options::CallOptions,
        failed::Failed,
        observer::{Attempt, CallEnd, attempt_ended, call_ended},
        raw::mark,
        response::{Read, came},
        shared::Shared,
    },
};

/// One call.
#[derive(Default)]
pub(crate) struct Call {
    pub(crate) options: CallOptions,
    pub(crate) record: Mutex<Record>,
}

/// What a call learns on its way.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) meta: CallMeta,
    /// Whether the status in `meta` is that of the attempt under way, rather than of one before.
    pub(crate) answered: bool,
    pub(crate) token: Option<AccessToken>,
    /// The attempt under way, until the observer has heard of its end.
    pub(crate) attempt: Option<UnderWay>,
    /// Since when it waits for the rate limiter.
    pub(crate) waiting: Option<Instant>,
    /// Why it is tried again.
    pub(crate) again: Option<Error>,
    /// The caller's code panicked after an attempt, the last.
    pub(crate) panicked: Option<Error>,
    pub(crate) failure: Option<Error>,
    /// That of the success that the call ended with.
    pub(crate) body: Bytes,
    /// What the generated code is to decode, where the facade made the call.
    pub(crate) read: Option<Read>,
    pub(crate) ended: Option<Ended>,
}

pub(crate) struct UnderWay {
    pub(crate) number: u32,
    pub(crate) since: Instant,
}

/// A call that is over, but whose end the observer has not heard of.
pub(crate) struct Ended {
    pub(crate) span: Span,
    pub(crate) operation: &'static Operation,
    pub(crate) started: Instant,
}

impl Ended {
    /// Notifies the observer, and ends the span.
    ///
    /// # Errors
    /// Where the observer panics.
    pub(crate) fn notify(&self, shared: &Shared, meta: &CallMeta, error: Option<&Error>) -> Result<(), Error> {
        let end = CallEnd { operation: self.operation, duration: self.started.elapsed(), meta, error };
        call_ended(&self.span, &end);
        match &shared.observer {
            Some(observer) => guard("the observer", || observer.on_call(&end)),
            None => Ok(()),
        }
    }
}

/// A call of which the observer hears that it was dropped, unless it ends.
pub(crate) struct Unended {
    pub(crate) shared: Arc<Shared>,
    pub(crate) call: Arc<Call>,
    pub(crate) ended: Option<Ended>,
}

impl Unended {
    /// Gives the generated code what it takes: a response, also of a failure.
    pub(crate) fn end(mut self, raw: bool, outcome: Result<Response, Failed>) -> Result<Response, Error> {
        let mut error = outcome.as_ref().err().map(|failed| failed.error.clone());
        let mut result = match outcome {
            Ok(response) | Err(Failed { response: Some(response), .. }) => Ok(response),
            Err(Failed { error, response: None }) => Err(error),
        };
        let Some(ended) = self.ended.take() else { return result };
        let mut record = self.call.record();
        if !raw {
            // Whether the response can be decoded is still to be seen.
            record.failure = error;
            record.ended = Some(ended);
            return result;
        }
        let (meta, answered) = (std::mem::take(&mut record.meta), record.answered);
        let panicked = told_instead(record.panicked.take(), error.as_ref());
        drop(record);
        if panicked.is_some() {
            error.clone_from(&panicked);
        }
        let id = ended.operation.id;
        let notified = ended.notify(&self.shared, &meta, error.as_ref());
        let notified = notified.map_err(|panic| panic.in_call(id, &meta, answered));
        if let Some(panic) = panicked.or(told_instead(notified.err(), error.as_ref())) {
            return Err(panic);
        }
        match (&mut result, error) {
            (Ok(response), Some(error)) => mark(response, id, meta.attempts, error.perhaps_before()),
            (Ok(response), None) => came(response, meta),
            (Err(_), _) => {}
        }
        result
    }
}

impl Drop for Unended {
    fn drop(&mut self) {
        let Some(ended) = self.ended.take() else { return };
        let (meta, answered) = {
            let record = self.call.record();
            (record.meta.clone(), record.answered)
        };
        let error = Error::dropped().in_call(ended.operation.id, &meta, answered);
        // Nobody is left to hear that the observer panicked.
        let _ = ended.span.in_scope(|| self.call.end_attempt(&self.shared, ended.operation, Some(&error)));
        let _ = ended.notify(&self.shared, &meta, Some(&error));
    }
}

/// The panic that a call ends with instead of this error, if any: not where an error of a success says that the request may
/// not have been carried out, or that its response cannot be read.
pub(crate) fn told_instead(panic: Option<Error>, error: Option<&Error>) -> Option<Error> {
    panic.filter(|_| !error.is_some_and(Error::is_of_success))
}

impl Record {
    /// The status that the attempt under way was answered with.
    pub(crate) fn status(&self) -> Option<u16> {
        self.meta.status.filter(|_| self.answered)
    }
}

impl Call {
    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifies the observer of the attempt under way, once, whatever it ends by.
    ///
    /// # Errors
    /// Where the observer panics.
    pub(crate) fn end_attempt(
        &self,
        shared: &Shared,
        operation: &'static Operation,
        error: Option<&Error>,
    ) -> Result<(), Error> {
        let (UnderWay { number, since }, status) = {
            let mut record = self.record();
            let Some(attempt) = record.attempt.take() else { return Ok(()) };
            (attempt, record.status())
        };
        let attempt = Attempt { operation, number, duration: since.elapsed(), status, error };
        attempt_ended(&attempt);
        match &shared.observer {
            Some(observer) => guard("the observer", || observer.on_attempt(&attempt)),
            None => Ok(()),
        }
    }
}
