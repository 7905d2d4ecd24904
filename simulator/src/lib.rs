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
//! let acme = [("name", "Acme")];
//! let simulator = Simulator::builder()
//!     .object("companies", "9002", acme)
//!     .start()
//!     .await?;
//!
//! // Point a client in any language at these two.
//! let url = simulator.base_url();
//! let token = simulator.access_token();
//! println!("{url} {token}");
//!
//! // Then look at what it did.
//! assert!(simulator.associations("512").is_empty());
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
mod router;
mod server;
mod simulator;

pub use crate::auth::oauth::OAuthApp;
pub use crate::auth::scopes::{READ_SCOPE, WRITE_SCOPE};
pub use crate::builder::SimulatorBuilder;
pub use crate::crm::state::Association;
pub use crate::faults::fault::Fault;
pub use crate::http::journal::RecordedRequest;
pub use crate::http::limits::RateLimits;
pub use crate::operations::invalid_associations::InvalidAssociations;
pub use crate::simulator::{PartnerClient, Simulator};
