//! Tasks that end with whoever waits for them, and code of users that may panic.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::FutureExt;
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{Error, Result};

/// A future that goes on whether it is polled or not, until it is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// # Errors
    /// Outside a Tokio runtime.
    pub(crate) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|_| Error::no_runtime())?;
        Ok(Self(runtime.spawn(future)))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(outcome.map_err(|stopped| match stopped.try_into_panic() {
            Ok(panic) => Error::panicked("a task of this crate", &*panic),
            Err(_) => Error::interrupted(),
        }))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs code that a user gave; a panic is an error that says whose it was.
pub(crate) fn guard<T>(whose: &str, run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| Error::panicked(whose, &*panic))
}

/// As [`guard`], for what takes its time.
pub(crate) async fn guard_future<T>(whose: &str, run: impl Future<Output = T>) -> Result<T> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| Error::panicked(whose, &*panic))
}

/// What a panic said, where it is text.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}
