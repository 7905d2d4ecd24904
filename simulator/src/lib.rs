//! An in-process HubSpot for tests and examples: the partner-client operations, answered from memory on a loopback port.
//!
//! A [`Simulator`] checks bearer tokens and scopes, validates requests, keeps associations and answers errors with the
//! bodies HubSpot sends, so code under test meets what it would meet in production. It also keeps a journal of what
//! crossed the wire ([`Simulator::requests`]).
//!
//! On demand it limits rates ([`RateLimits`]), issues OAuth tokens ([`OAuthApp`]) and lets requests go wrong ([`Fault`]).
//! Limits, lifetimes and delays go by Tokio's clock: a test that pauses it need not wait.
//!
//! It simulates associating, dissociating and listing associations, one by one or in batches, listing association types,
//! and everything HubSpot offers on partner clients themselves: listing, reading and updating them, one by one or in
//! batches, and searching. How it answers a batch of which some associations cannot be made is chosen with
//! [`InvalidAssociations`].
//!
//! # Simplifications
//!
//! - Any property name is good, as a property has no definition. What identifies a partner client (`idProperty`) may be
//!   any property too.
//! - A request that names no property is answered with all of them.
//! - Whatever is compared in a search counts as a number or a time where both sides are one, and as text in any case
//!   otherwise. A partner client without the property matches `NOT_HAS_PROPERTY` and nothing else. A query looks into
//!   `name` and `domain`. What changed is found at once.
//! - Associations start at partner clients: there are no association types from another object type, and a batch of
//!   associations from one is refused.
//! - Removing associations in a batch is refused as a whole where removing one of them is, and takes 100 at most.
//! - The query parameter `includeFA` is ignored.
//!
//! # Default seed
//!
//! | object | id | association type from partner clients to it | type id |
//! |---|---|---|---|
//! | partner client | `512` | | |
//! | company | `9001` | `partner_client_to_company` | `1001` |
//! | contact | `301` | `partner_client_to_contact` | `1002` |
//! | deal | `701` | `partner_client_to_deal` | `1003` |
//! | ticket | `801` | `partner_client_to_ticket` | `1004` |
//!
//! Nothing is associated yet. The association types are the simulator's own: HubSpot publishes none for partner clients,
//! and an account's real ones are found by listing them.
//!
//! # Example
//!
//! ```
//! use hubspot_simulator::Simulator;
//!
//! # fn main() -> std::io::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let simulator = Simulator::builder()
//!     .object("companies", "9002", [("name", "Acme")])
//!     .association("512", "companies", "9002", "partner_client_to_company")
//!     .start()
//!     .await?;
//!
//! // Point a client at simulator.base_url() with simulator.access_token(), use it, then look at what happened:
//! assert_eq!(simulator.associations("512")[0].to_object_id, "9002");
//! assert!(simulator.requests().is_empty());
//! # Ok(())
//! # })
//! # }
//! ```
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auth;
mod builder;
mod crm;
mod faults;
mod http;
mod operations;

use std::{collections::BTreeMap, fmt, io, sync::Arc};

use tokio::task::JoinHandle;

pub use crate::auth::oauth::OAuthApp;
pub use crate::auth::scopes::{READ_SCOPE, WRITE_SCOPE};
pub use crate::builder::SimulatorBuilder;
pub use crate::crm::state::Association;
pub use crate::faults::fault::Fault;
pub use crate::http::journal::RecordedRequest;
pub use crate::http::limits::RateLimits;
pub use crate::operations::invalid_associations::InvalidAssociations;
use crate::{
    crm::object::{COMPUTED, Source},
    http::server::Server,
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
    /// Starts a simulator with the default seed on a free loopback port. Call it inside a Tokio runtime with its
    /// clock enabled.
    ///
    /// # Errors
    ///
    /// When no loopback port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Describes a simulator with its own port, objects or tokens.
    #[must_use]
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
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
