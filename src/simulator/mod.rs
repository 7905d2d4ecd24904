//! An in-process HubSpot for tests and examples: the partner-client operations, answered from memory on a loopback port.
//!
//! A [`Simulator`] checks bearer tokens and scopes, validates requests, keeps associations and answers errors with the
//! bodies HubSpot sends, so code under test meets what it would meet in production. It also keeps a journal of what
//! crossed the wire ([`Simulator::requests`]).
//!
//! On demand it limits rates ([`RateLimits`]), issues OAuth tokens ([`OAuthApp`]) and lets requests go wrong ([`Fault`]).
//! Limits, lifetimes and delays go by Tokio's clock: a test that pauses it need not wait.
//!
//! It simulates associating, dissociating and listing associations, reading one partner client, and listing association
//! types. The query parameters `idProperty`, `propertiesWithHistory` and `includeFA` are ignored.
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
//! use hubspot_partner_clients::simulator::Simulator;
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

mod access;
mod associations;
mod builder;
mod connection;
mod cursor;
mod error;
mod faults;
mod journal;
mod limits;
mod oauth;
mod object_type;
mod operation;
mod parameters;
mod partner_clients;
mod response;
mod seed;
mod server;
mod state;
mod strike;
mod token_endpoint;

use std::{fmt, io, sync::Arc};

use tokio::task::JoinHandle;

pub use access::{READ_SCOPE, WRITE_SCOPE};
pub use builder::SimulatorBuilder;
pub use faults::Fault;
pub use journal::RecordedRequest;
pub use limits::RateLimits;
pub use oauth::OAuthApp;
pub use state::Association;

use server::Server;

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

    /// What a partner client is associated with, in a stable order; empty when there is no such partner client.
    #[must_use]
    pub fn associations(&self, partner_client_id: &str) -> Vec<Association> {
        self.server.state().all_associations(partner_client_id)
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
