//! An account as it runs: what it holds, and what its tokens may use.

use std::{
    error::Error,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    account::Account,
    crm::state::{State, UnlabeledCompanions},
    http::limits::Limiter,
};

/// The id of the account that every simulator has.
pub(crate) const FIRST_ID: u64 = 1_234_567;

/// Which account of a simulator, and the id by which HubSpot would name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortalId {
    pub(crate) place: usize,
    pub(crate) id: u64,
}

/// An account as it runs.
pub(crate) struct Portal {
    pub(crate) id: PortalId,
    pub(crate) access_token: String,
    pub(crate) limiter: Limiter,
    state: Mutex<State>,
    beginning: Option<Beginning>,
}

/// What `/__simulator/reset` goes back to.
pub(crate) struct Beginning {
    pub(crate) account: Account,
    pub(crate) companions: UnlabeledCompanions,
}

impl Portal {
    pub(crate) fn new(
        id: PortalId,
        access_token: String,
        limiter: Limiter,
        state: State,
        beginning: Option<Beginning>,
    ) -> Self {
        Self { id, access_token, limiter, state: Mutex::new(state), beginning }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes back to what the account started with, where that is known. Tokens stay.
    pub(crate) fn reset(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(Beginning { account, companions }) = &self.beginning {
            *self.state() = account.clone().into_state(self.id.id, *companions)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").field("id", &self.id).finish_non_exhaustive()
    }
}
