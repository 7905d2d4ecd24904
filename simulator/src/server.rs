//! What the operations share: the account's state, its tokens, limits and faults, and the journal.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::HeaderMap;

use crate::{
    account::Account,
    auth::{
        access::{Caller, Tokens, bearer},
        oauth::{OAuth, Untrusted},
    },
    crm::state::{State, UnlabeledCompanions},
    faults::fault::Faults,
    http::{
        error::Failure,
        journal::{Journal, RecordedRequest},
        limits::Limiter,
    },
    settings::Settings,
};

/// The id of the account.
pub(crate) const HUB_ID: u64 = 1_234_567;

/// What the operations share.
pub(crate) struct Server {
    pub(crate) base_url: String,
    pub(crate) tokens: Tokens,
    pub(crate) oauth: Vec<OAuth>,
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    pub(crate) control: Option<Control>,
    pub(crate) log: Option<Log>,
    pub(crate) state: Mutex<State>,
    pub(crate) journal: Journal,
}

/// What `/__simulator/reset` goes back to.
pub(crate) struct Control {
    pub(crate) account: Account,
    pub(crate) companions: UnlabeledCompanions,
}

/// What is told of each request that has been answered.
pub(crate) struct Log(pub(crate) Arc<dyn Fn(&RecordedRequest) + Send + Sync>);

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl Server {
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The OAuth app with a client id.
    pub(crate) fn oauth_app(&self, client_id: &str) -> Option<&OAuth> {
        self.oauth.iter().find(|oauth| oauth.client_id() == client_id)
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose request this is.
    pub(crate) fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Failure> {
        let token = bearer(headers).ok_or_else(Failure::unauthenticated)?;
        if let Some(caller) = self.tokens.caller(token) {
            return Ok(caller);
        }
        let mut failure = Failure::unauthenticated();
        for oauth in &self.oauth {
            match oauth.caller(token) {
                Ok(caller) => return Ok(caller),
                Err(Untrusted::Expired) => failure = Failure::expired(),
                Err(Untrusted::Unknown) => {}
            }
        }
        Err(failure)
    }
}
