//! What the operations share: the accounts, their tokens, the faults and the journal.

use std::{fmt, sync::Arc};

use axum::http::HeaderMap;

use crate::{
    auth::{
        access::{Caller, Tokens, bearer},
        oauth::{OAuth, Untrusted},
    },
    faults::fault::Faults,
    http::{
        error::Failure,
        journal::{Journal, RecordedRequest},
    },
    portal::{Portal, PortalId},
    settings::Settings,
};

/// What the operations share.
pub(crate) struct Server {
    pub(crate) base_url: String,
    /// Never empty.
    pub(crate) portals: Vec<Portal>,
    pub(crate) tokens: Tokens,
    /// Each app once for every account that has installed it.
    pub(crate) oauth: Vec<OAuth>,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    /// Whether the simulator's own operations are wanted.
    pub(crate) control: bool,
    pub(crate) log: Option<Log>,
    pub(crate) journal: Journal,
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

    /// The account of a caller, or of whoever else is known to belong to it.
    pub(crate) fn portal(&self, id: PortalId) -> &Portal {
        &self.portals[id.place]
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
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
