//! What the operations share: the account's state, its tokens, limits and faults, and the journal.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;

use crate::{
    auth::{
        access::{Caller, Tokens, bearer},
        oauth::{OAuth, Untrusted},
    },
    crm::state::State,
    faults::fault::Faults,
    http::{error::Failure, journal::Journal, limits::Limiter},
    settings::Settings,
};

/// What the operations share.
pub(crate) struct Server {
    pub(crate) base_url: String,
    pub(crate) tokens: Tokens,
    pub(crate) oauth: Option<OAuth>,
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    pub(crate) state: Mutex<State>,
    pub(crate) journal: Journal,
}

impl Server {
    pub(crate) fn new(
        base_url: String,
        tokens: Tokens,
        oauth: Option<OAuth>,
        limiter: Limiter,
        faults: Faults,
        settings: Settings,
        state: State,
    ) -> Self {
        Self {
            base_url,
            tokens,
            oauth,
            limiter,
            faults,
            settings,
            state: Mutex::new(state),
            journal: Journal::default(),
        }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn oauth(&self) -> Option<&OAuth> {
        self.oauth.as_ref()
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
        let oauth = self.oauth.as_ref().ok_or_else(Failure::unauthenticated)?;
        oauth.caller(token).map_err(|reason| match reason {
            Untrusted::Unknown => Failure::unauthenticated(),
            Untrusted::Expired => Failure::expired(),
        })
    }
}
