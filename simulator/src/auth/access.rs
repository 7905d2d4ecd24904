//! Bearer tokens, the scopes they carry and the use made of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};

use crate::{auth::oauth::OAuthApp, http::limits::Usage, portal::PortalId};

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
    /// The caller that a static token stands for. `name` stands for it in logs, where its token must not be.
    fn private_app(name: String, scopes: BTreeSet<String>, portal: PortalId, app_id: u64) -> Self {
        let usage = Arc::new(Usage::new(true));
        Self { name: name.into(), scopes: Arc::new(scopes), usage, portal, app_id, edits_associations: true }
    }

    /// The caller that the access tokens of an OAuth app stand for. HubSpot does not count its requests in the day.
    pub(crate) fn oauth_app(app: &OAuthApp, portal: PortalId, app_id: u64) -> Self {
        let (name, scopes) = (app.client_id().into(), Arc::new(app.granted().clone()));
        let usage = Arc::new(Usage::new(false));
        Self { name, scopes, usage, portal, app_id, edits_associations: app.edits_associations() }
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
pub(crate) struct Tokens(BTreeMap<String, Caller>);

impl Tokens {
    pub(crate) fn insert(&mut self, token: String, scopes: BTreeSet<String>, portal: PortalId) {
        let number = self.0.len() + 1;
        let app_id = PRIVATE_APPS + number as u64;
        self.0.insert(token, Caller::private_app(format!("token {number}"), scopes, portal, app_id));
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
