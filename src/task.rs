//! Tasks that end with whoever waits for them, and code of users that may panic.
#![cfg(feature = "client")]

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};

use crate::error::{Error, Result};

/// How long something in another runtime is waited for, which may not run any more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The runtime that this code runs in.
///
/// # Errors
/// Outside a Tokio runtime, where Tokio's own timers and sockets would panic.
pub(crate) fn in_runtime() -> Result<Handle> {
    Handle::try_current().map_err(|_| Error::no_runtime())
}

/// A future that goes on whether it is polled or not, until it is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// # Errors
    /// Outside a Tokio runtime.
    pub(crate) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Result<Self> {
        Ok(Self(in_runtime()?.spawn(future)))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(outcome.map_err(|stopped| ended("a task of this crate", stopped)))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a task has no output: it panicked, or its runtime has ended.
pub(crate) fn ended(whose: &str, stopped: JoinError) -> Error {
    match stopped.try_into_panic() {
        Ok(panic) => caught(whose, panic),
        Err(_) => Error::interrupted(),
    }
}

/// Runs code that a user gave; a panic is an error that says whose it was.
pub(crate) fn guard<T>(whose: &str, run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| caught(whose, panic))
}

/// As [`guard`], for what takes its time.
pub(crate) async fn guard_future<T>(whose: &str, run: impl Future<Output = T>) -> Result<T> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| caught(whose, panic))
}

/// What a panic carries is a user's as well, and may panic when it is dropped.
fn caught(whose: &str, panic: Box<dyn Any + Send>) -> Error {
    let error = Error::panicked(whose, &*panic);
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
    error
}
