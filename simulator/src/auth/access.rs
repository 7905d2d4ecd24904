//! Bearer tokens, the scopes they carry and the use made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};

use crate::http::limits::Usage;

/// Whoever a bearer token stands for; clones share what is counted.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    name: Arc<str>,
    scopes: Arc<BTreeSet<String>>,
    usage: Arc<Usage>,
    edits_associations: bool,
}

impl Caller {
    /// `name` stands for the caller in logs, where its token must not be.
    pub(crate) fn new(name: String, scopes: BTreeSet<String>, edits_associations: bool) -> Self {
        Self { name: name.into(), scopes: Arc::new(scopes), usage: Arc::default(), edits_associations }
    }

    /// Whether it is nobody's token, or that of a user who may edit associations.
    pub(crate) fn edits_associations(&self) -> bool {
        self.edits_associations
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn scopes(&self) -> &BTreeSet<String> {
        &self.scopes
    }

    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }
}

/// The static tokens a simulator knows.
#[derive(Default)]
pub(crate) struct Tokens(BTreeMap<String, Caller>);

impl Tokens {
    pub(crate) fn insert(&mut self, token: String, scopes: BTreeSet<String>) {
        let name = format!("token {}", self.0.len() + 1);
        self.0.insert(token, Caller::new(name, scopes, true));
    }

    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        self.0.get(token).cloned()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.values().map(|caller| ("[redacted]", caller.scopes()))).finish()
    }
}

/// The bearer token among `headers`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
