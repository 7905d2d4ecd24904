//! A running simulator, as the test that started it sees and changes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::Arc,
};

use tokio::task::JoinHandle;

use crate::{
    account::{Account, PARTNER_CLIENTS},
    auth::oauth::OAuth,
    crm::{
        object::{COMPUTED, Source},
        object_type::ObjectType,
        state::{Association, End, State},
    },
    faults::fault::Fault,
    http::{journal::RecordedRequest, limits::RateLimits},
    server::Server,
};

/// An object as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// Its id.
    pub id: String,
    /// All of its properties, `createdate`, `hs_lastmodifieddate` and `hs_object_id` included; `None` for one without a
    /// value.
    pub properties: BTreeMap<String, Option<String>>,
    /// Whether it is archived.
    pub archived: bool,
}

/// A running in-process HubSpot; dropping it stops it.
pub struct Simulator {
    server: Arc<Server>,
    access_token: String,
    task: JoinHandle<io::Result<()>>,
}

impl Simulator {
    pub(crate) fn new(server: Arc<Server>, access_token: String, task: JoinHandle<io::Result<()>>) -> Self {
        Self { server, access_token, task }
    }

    /// The address to use in place of `https://api.hubapi.com`: `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// A bearer token with all scopes, generated for this simulator.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// Every request since the start or the last [`clear_requests`](Self::clear_requests), in order of arrival,
    /// refused ones included.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.server.journal().requests()
    }

    /// Empties the journal. It grows by every request, so long runs want this now and then.
    pub fn clear_requests(&self) {
        self.server.journal().clear();
    }

    /// A partner client, live or archived.
    #[must_use]
    pub fn partner_client(&self, id: &str) -> Option<Object> {
        self.object(PARTNER_CLIENTS, id)
    }

    /// An object of any type, live or archived; the type by any of its names, or its id.
    #[must_use]
    pub fn object(&self, object_type: &str, id: &str) -> Option<Object> {
        let state = self.server.state();
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
        let mut state = self.server.state();
        let Ok(object_type) = state.types.infer(PARTNER_CLIENTS) else {
            return false;
        };
        let store = state.store_mut(&object_type);
        let row = store.row(partner_client_id).filter(|row| store.get(*row).archived_at.is_none());
        match row {
            Some(row) if !COMPUTED.contains(&name.as_str()) => {
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
        let mut state = self.server.state();
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
        let state = self.server.state();
        let object_type = state.types.infer(object_type);
        object_type.map(|object_type| state.all_associations(End::new(&object_type, id))).unwrap_or_default()
    }

    /// How many associations all partner clients have together.
    #[must_use]
    pub fn association_count(&self) -> usize {
        let state = self.server.state();
        let count = |object_type: ObjectType| associations(&state, &object_type);
        state.types.infer(PARTNER_CLIENTS).map(count).unwrap_or_default()
    }

    /// Replaces the rate limits. Requests already accepted count against the new ones too.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.server.limiter().set(limits);
    }

    /// Injects a fault, behind those injected before.
    pub fn inject(&self, fault: Fault) {
        self.server.faults().inject(fault);
    }

    /// Ends all faults for requests that are yet to come.
    pub fn clear_faults(&self) {
        self.server.faults().clear();
    }

    /// Everything the simulator holds, as a seed file: a simulator that starts with it
    /// ([`SimulatorBuilder::seed`](crate::SimulatorBuilder::seed)) holds the same.
    ///
    /// # Errors
    ///
    /// Never in practice: what is written has a form in JSON.
    pub fn export_seed(&self) -> io::Result<String> {
        let account = Account::of(&self.server.state());
        Ok(serde_json::to_string_pretty(&account)?)
    }

    /// Issues an authorization code to the first OAuth app, as the authorisation page does once a user has agreed; `None`
    /// without an app. With a `code_challenge`, always S256, the exchange takes the matching `code_verifier`.
    #[must_use]
    pub fn authorize(&self, redirect_uri: &str, code_challenge: Option<&str>) -> Option<String> {
        Some(self.server.oauth.first()?.authorize(redirect_uri, code_challenge))
    }

    /// Lets all access tokens issued so far expire. The tokens of [`access_token`](Self::access_token) and
    /// [`SimulatorBuilder::token`](crate::SimulatorBuilder::token) are static and stay valid.
    pub fn expire_tokens(&self) {
        self.server.oauth.iter().for_each(OAuth::expire_access_tokens);
    }

    /// Revokes the refresh tokens of all OAuth apps, as an account does by uninstalling them. A later
    /// [`authorize`](Self::authorize) leads to a new one.
    pub fn revoke_refresh_token(&self) {
        self.server.oauth.iter().for_each(OAuth::revoke_refresh_token);
    }

    /// Serves until the runtime shuts down: for a program that is nothing but a simulator.
    ///
    /// Dropping the returned future stops the simulator.
    ///
    /// # Errors
    ///
    /// When the server stops with a failure.
    pub async fn stopped(mut self) -> io::Result<()> {
        (&mut self.task).await?
    }
}

/// How many associations the live objects of a type have together.
fn associations(state: &State, object_type: &ObjectType) -> usize {
    let store = state.store(object_type);
    let objects = store.live().iter().map(|row| store.get(*row));
    objects.flat_map(|object| object.associations.values()).map(BTreeSet::len).sum()
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("base_url", &self.base_url())
            .field("access_token", &"[redacted]")
            .finish_non_exhaustive()
    }
}
