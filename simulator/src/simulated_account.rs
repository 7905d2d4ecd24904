//! An account of a running simulator, as the test that started it sees and changes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::Arc,
};

use crate::{
    account::{Account, PARTNER_CLIENTS},
    auth::oauth::OAuth,
    crm::{
        object::Source,
        object_type::ObjectType,
        state::{Association, End, State},
    },
    http::limits::RateLimits,
    portal::{Portal, PortalId},
    server::Server,
};

/// An object as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// Its id.
    pub id: String,
    /// All of its properties, those included that HubSpot computes (its id and the times of its creation and last change);
    /// `None` for one without a value.
    pub properties: BTreeMap<String, Option<String>>,
    /// Whether it is archived.
    pub archived: bool,
}

/// An account of a running [`Simulator`](crate::Simulator).
#[derive(Clone)]
pub struct SimulatedAccount {
    server: Arc<Server>,
    id: PortalId,
}

impl SimulatedAccount {
    pub(crate) fn new(server: Arc<Server>, id: PortalId) -> Self {
        Self { server, id }
    }

    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The id by which HubSpot names the account: `hub_id`, or `portalId`. That of the first is 1234567.
    #[must_use]
    pub fn account_id(&self) -> u64 {
        self.id.id
    }

    /// A bearer token with all scopes, generated for this account.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.portal().access_token
    }

    /// A partner client, live or archived.
    #[must_use]
    pub fn partner_client(&self, id: &str) -> Option<Object> {
        self.object(PARTNER_CLIENTS, id)
    }

    /// An object of any type, live or archived; the type by any of its names, or its id.
    #[must_use]
    pub fn object(&self, object_type: &str, id: &str) -> Option<Object> {
        let state = self.portal().state();
        let store = state.store(&state.types.infer(object_type).ok()?);
        let object = store.get(store.row(id)?);
        let property = |name: &str| (name.to_owned(), object.text(name).map(|text| text.into_owned()));
        Some(Object {
            id: id.to_owned(),
            properties: object.names().map(property).collect(),
            archived: object.archived_at.is_some(),
        })
    }

    /// Gives a live partner client's property another value, as somebody at HubSpot's own pages does; an empty one
    /// clears it. False, and nothing changed, when there is no such partner client or HubSpot computes the property.
    pub fn set_property(&self, partner_client_id: &str, name: impl Into<String>, value: impl Into<String>) -> bool {
        let name = name.into();
        let mut state = self.portal().state();
        let Ok(object_type) = state.types.infer(PARTNER_CLIENTS) else {
            return false;
        };
        let store = state.store_mut(&object_type);
        let row = store.row(partner_client_id).filter(|row| store.get(*row).archived_at.is_none());
        match row {
            Some(row) if !object_type.times().is_computed(&name) => {
                store.update(row, vec![(name, value.into())], Source::Test);
                true
            }
            _ => false,
        }
    }

    /// Archives a partner client, as somebody at HubSpot's own pages does; its associations end. False when there is
    /// no such partner client, or it is archived already.
    pub fn archive(&self, partner_client_id: &str) -> bool {
        self.archive_object(PARTNER_CLIENTS, partner_client_id)
    }

    /// As [`archive`](Self::archive), for an object of any type.
    pub fn archive_object(&self, object_type: &str, id: &str) -> bool {
        let mut state = self.portal().state();
        state.types.infer(object_type).is_ok_and(|object_type| state.archive(End::new(&object_type, id)))
    }

    /// What a partner client is associated with, in a stable order; empty when there is none such, or it is archived.
    #[must_use]
    pub fn associations(&self, partner_client_id: &str) -> Vec<Association> {
        self.associations_of(PARTNER_CLIENTS, partner_client_id)
    }

    /// As [`associations`](Self::associations), of an object of any type.
    #[must_use]
    pub fn associations_of(&self, object_type: &str, id: &str) -> Vec<Association> {
        let state = self.portal().state();
        let object_type = state.types.infer(object_type);
        object_type.map(|object_type| state.all_associations(End::new(&object_type, id))).unwrap_or_default()
    }

    /// How many associations all partner clients have together.
    #[must_use]
    pub fn association_count(&self) -> usize {
        let state = self.portal().state();
        let count = |object_type: ObjectType| associations(&state, &object_type);
        state.types.infer(PARTNER_CLIENTS).map(count).unwrap_or_default()
    }

    /// Replaces the rate limits. Requests already accepted count against the new ones too.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.portal().limiter.set(limits);
    }

    /// Everything the account holds, as a seed file: an account that starts with it
    /// ([`SimulatorBuilder::seed`](crate::SimulatorBuilder::seed)) holds the same.
    ///
    /// # Errors
    ///
    /// Never in practice: what is written has a form in JSON.
    pub fn export_seed(&self) -> io::Result<String> {
        let account = Account::of(&self.portal().state());
        Ok(serde_json::to_string_pretty(&account)?)
    }

    /// Issues an authorization code to the first OAuth app of the account, as the authorisation page does once a user has
    /// agreed; `None` without an app. With a `code_challenge`, always S256, the exchange takes the matching `code_verifier`.
    #[must_use]
    pub fn authorize(&self, redirect_uri: &str, code_challenge: Option<&str>) -> Option<String> {
        Some(self.apps().next()?.authorize(redirect_uri, code_challenge))
    }

    /// As [`authorize`](Self::authorize), for the app with a client id; `None` where the account has none such.
    #[must_use]
    pub fn authorize_app(&self, client_id: &str, redirect_uri: &str, code_challenge: Option<&str>) -> Option<String> {
        let app = self.apps().find(|app| app.client_id() == client_id)?;
        Some(app.authorize(redirect_uri, code_challenge))
    }

    /// Lets all access tokens that apps of the account have been issued so far expire. The tokens of
    /// [`access_token`](Self::access_token) and [`SimulatorBuilder::token`](crate::SimulatorBuilder::token) are static and
    /// stay valid.
    pub fn expire_tokens(&self) {
        self.apps().for_each(OAuth::expire_access_tokens);
    }

    /// Revokes the refresh tokens of all OAuth apps of the account, as it does by uninstalling them. A later
    /// [`authorize`](Self::authorize) leads to a new one.
    pub fn revoke_refresh_token(&self) {
        self.apps().for_each(OAuth::revoke_refresh_token);
    }

    fn portal(&self) -> &Portal {
        self.server.portal(self.id)
    }

    fn apps(&self) -> impl Iterator<Item = &OAuth> {
        self.server.oauth.iter().filter(|oauth| oauth.app_caller().portal() == self.id)
    }
}

/// How many associations the live objects of a type have together.
fn associations(state: &State, object_type: &ObjectType) -> usize {
    let store = state.store(object_type);
    let objects = store.live().iter().map(|row| store.get(*row));
    objects.flat_map(|object| object.associations.values()).map(BTreeSet::len).sum()
}

impl fmt::Debug for SimulatedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedAccount").field("account_id", &self.account_id()).finish_non_exhaustive()
    }
}
