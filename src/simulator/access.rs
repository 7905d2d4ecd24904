//! Bearer tokens, the scopes they carry and the use made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};

use super::limits::Usage;

/// The scope that reading partner clients and their associations takes.
pub const READ_SCOPE: &str = "crm.objects.partner-clients.read";

/// The scope that changing partner clients and their associations takes.
pub const WRITE_SCOPE: &str = "crm.objects.partner-clients.write";

/// Both scopes the simulator knows.
pub(super) fn all_scopes() -> BTreeSet<String> {
    BTreeSet::from([READ_SCOPE.to_owned(), WRITE_SCOPE.to_owned()])
}

/// Whoever a bearer token stands for; clones share what is counted.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    scopes: Arc<BTreeSet<String>>,
    usage: Arc<Usage>,
}

impl Caller {
    pub(super) fn new(scopes: BTreeSet<String>) -> Self {
        Self { scopes: Arc::new(scopes), usage: Arc::default() }
    }

    pub(super) fn scopes(&self) -> &BTreeSet<String> {
        &self.scopes
    }

    pub(super) fn usage(&self) -> &Usage {
        &self.usage
    }
}

/// The static tokens a simulator knows.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<String, Caller>);

impl Tokens {
    pub(super) fn insert(&mut self, token: String, scopes: BTreeSet<String>) {
        self.0.insert(token, Caller::new(scopes));
    }

    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        self.0.get(token).cloned()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.values().map(|caller| ("[redacted]", caller.scopes()))).finish()
    }
}

/// The bearer token among `headers`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
