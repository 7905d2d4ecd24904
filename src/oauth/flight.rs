//! Refresh of an access token, shared by the calls that wait for it.

use futures_util::future::{BoxFuture, Shared};
use tokio::{
    runtime::Id,
    time::{Instant, timeout_at},
};

use crate::{auth::access_token::AccessToken, error::Result, task::PATIENCE};

/// A refresh under way.
#[derive(Clone)]
pub(super) struct Flight {
    /// `None` if it ended with the runtime that it ran in.
    pub(super) result: Shared<BoxFuture<'static, Option<Result<AccessToken>>>>,
    pub(super) runtime: Id,
    pub(super) since: Instant,
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
        timeout_at(self.since + PATIENCE, self.result).await.ok().flatten()
    }
}
