//! A running simulator, as the test that started it sees and changes it.

use std::{collections::BTreeMap, fmt, io, sync::Arc};

use tokio::task::JoinHandle;

use crate::{
    crm::{
        object::{COMPUTED, Source},
        state::Association,
    },
    faults::fault::Fault,
    http::{journal::RecordedRequest, limits::RateLimits},
    server::Server,
};

/// A partner client as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartnerClient {
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
    pub fn partner_client(&self, id: &str) -> Option<PartnerClient> {
        let state = self.server.state();
        let object = state.partner_clients.get(state.partner_clients.row(id)?);
        let property = |name: &str| (name.to_owned(), object.text(name).map(|text| text.into_owned()));
        Some(PartnerClient {
            id: id.to_owned(),
            properties: object.names().map(property).collect(),
            archived: object.archived_at.is_some(),
        })
    }

    /// Gives a live partner client's property another value, as somebody at HubSpot's own pages does; an empty one
    /// clears it. False, and nothing changed, when there is no such partner client or HubSpot computes the property.
    pub fn set_property(&self, partner_client_id: &str, name: impl Into<String>, value: impl Into<String>) -> bool {
        let name = name.into();
        let store = &mut self.server.state().partner_clients;
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
        let store = &mut self.server.state().partner_clients;
        store.row(partner_client_id).is_some_and(|row| store.archive(row))
    }

    /// What a partner client is associated with, in a stable order; empty when there is none such, or it is archived.
    #[must_use]
    pub fn associations(&self, partner_client_id: &str) -> Vec<Association> {
        self.server.state().all_associations(partner_client_id)
    }

    /// How many associations all partner clients have together.
    #[must_use]
    pub fn association_count(&self) -> usize {
        self.server.state().association_count()
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

    /// Issues an authorization code to the OAuth app, as the authorisation page does once a user has agreed; `None`
    /// without an app. With a `code_challenge`, always S256, the exchange takes the matching `code_verifier`.
    #[must_use]
    pub fn authorize(&self, redirect_uri: &str, code_challenge: Option<&str>) -> Option<String> {
        Some(self.server.oauth()?.authorize(redirect_uri, code_challenge))
    }

    /// Lets all access tokens issued so far expire. The tokens of [`access_token`](Self::access_token) and
    /// [`SimulatorBuilder::token`] are static and stay valid.
    pub fn expire_tokens(&self) {
        if let Some(oauth) = self.server.oauth() {
            oauth.expire_access_tokens();
        }
    }

    /// Revokes the OAuth app's refresh token, as an account does by uninstalling the app. A later
    /// [`authorize`](Self::authorize) leads to a new one.
    pub fn revoke_refresh_token(&self) {
        if let Some(oauth) = self.server.oauth() {
            oauth.revoke_refresh_token();
        }
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
