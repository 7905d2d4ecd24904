//! Refresh of an access token, shared by the calls that wait for it.

use futures_util::future::{BoxFuture, Shared};
use tokio::{
    runtime::Id,
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use crate::{
    auth::access_token::AccessToken,
    error::Result,
    task::{PATIENCE, guard_future},
};

/// A refresh under way.
#[derive(Clone)]
pub(super) struct Flight {
    /// `None` if it ended with the runtime that it ran in.
    pub(super) result: Shared<BoxFuture<'static, Option<Result<AccessToken>>>>,
    pub(super) task: AbortHandle,
    pub(super) runtime: Id,
    pub(super) since: Instant,
    /// The refresh token was refused, and it waits for others, if it is not the only one.
    pub(super) is_refused: bool,
}

impl Flight {
    /// Whether it is so late that the runtime that it is in may not run any more.
    pub(super) fn is_lost(&self, here: Id) -> bool {
        self.runtime != here && self.since.elapsed() >= PATIENCE
    }

    /// `None` where another has to be tried.
    pub(super) async fn result(self, here: Id) -> Option<Result<AccessToken>> {
        if self.runtime == here {
            return self.result.await;
        }
        let waited =
            guard_future("waiting for a refresh", async { timeout_at(self.since + PATIENCE, self.result).await });
        waited.await.map_or_else(|panic| Some(Err(panic)), |result| result.ok().flatten())
    }
}
