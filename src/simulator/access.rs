//! Bearer tokens and the scopes they carry.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};

/// The scope that reading partner clients and their associations takes.
pub const READ_SCOPE: &str = "crm.objects.partner-clients.read";

/// The scope that changing partner clients and their associations takes.
pub const WRITE_SCOPE: &str = "crm.objects.partner-clients.write";

/// The scopes of one token.
#[derive(Clone, Debug)]
pub(super) struct Scopes(Arc<BTreeSet<String>>);

impl Scopes {
    pub(super) fn contain(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }
}

/// The tokens a simulator knows.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<String, Scopes>);

impl Tokens {
    pub(super) fn insert(&mut self, token: String, scopes: BTreeSet<String>) {
        self.0.insert(token, Scopes(Arc::new(scopes)));
    }

    /// The scopes of the bearer token among `headers`; `None` when there is no token or it is unknown.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Option<Scopes> {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        self.0.get(token.trim()).cloned()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.values().map(|scopes| ("[redacted]", scopes))).finish()
    }
}
