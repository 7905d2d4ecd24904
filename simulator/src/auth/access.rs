//! Bearer tokens, the scopes they carry and the use made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};

use crate::{http::limits::Usage, portal::PortalId};

/// Whoever a bearer token stands for; clones share what is counted.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    name: Arc<str>,
    scopes: Arc<BTreeSet<String>>,
    usage: Arc<Usage>,
    portal: PortalId,
    app_id: u64,
    edits_associations: bool,
}

/// The ids of private apps lie behind this one.
const PRIVATE_APPS: u64 = 1_000_000;

/// The id of the user who installed all apps.
pub(crate) const USER_ID: u64 = 1;

impl Caller {
    /// `name` stands for the caller in logs, where its token must not be.
    pub(crate) fn new(name: &str, scopes: BTreeSet<String>, usage: Usage, portal: PortalId, app_id: u64) -> Self {
        let (scopes, usage) = (Arc::new(scopes), Arc::new(usage));
        Self { name: name.into(), scopes, usage, portal, app_id, edits_associations: true }
    }

    /// The same caller, who may edit associations or not.
    pub(crate) fn editing_associations(self, edits_associations: bool) -> Self {
        Self { edits_associations, ..self }
    }

    /// The account that the token belongs to.
    pub(crate) fn portal(&self) -> PortalId {
        self.portal
    }

    /// The id of the app that the token was issued to.
    pub(crate) fn app_id(&self) -> u64 {
        self.app_id
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

/// The static tokens of all accounts.
#[derive(Default)]
pub(crate) struct Tokens {
    known: BTreeMap<String, Caller>,
    /// How many were given, those given again included: no two share a number.
    given: u64,
}

impl Tokens {
    pub(crate) fn insert(&mut self, token: String, scopes: BTreeSet<String>, portal: PortalId) {
        self.given += 1;
        let (name, app_id) = (format!("token {}", self.given), PRIVATE_APPS + self.given);
        self.known.insert(token, Caller::new(&name, scopes, Usage::new(true), portal, app_id));
    }

    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        self.known.get(token).cloned()
    }

    pub(crate) fn callers(&self) -> impl Iterator<Item = &Caller> {
        self.known.values()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.callers().map(|caller| ("[redacted]", caller.scopes()))).finish()
    }
}

/// The bearer token among `headers`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
