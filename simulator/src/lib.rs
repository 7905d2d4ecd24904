//! An in-process HubSpot for tests and examples: the CRM's operations on objects and associations, answered from memory on
//! a loopback port.
//!
//! A [`Simulator`] checks bearer tokens and scopes, validates requests, keeps objects and associations and answers errors
//! with the bodies HubSpot sends, so code under test meets what it would meet in production. It also keeps a journal of
//! what crossed the wire ([`Simulator::requests`]).
//!
//! On demand it limits rates ([`RateLimits`]), issues OAuth tokens ([`OAuthApp`]) and lets requests go wrong ([`Fault`]).
//! Limits, lifetimes and delays go by Tokio's clock: a test that pauses it need not wait.
//!
//! # Versions
//!
//! All versions of HubSpot's API work on one state, and [`SimulatorBuilder::versions`] chooses which are served:
//!
//! | version | objects | associations |
//! |---|---|---|
//! | `v3` | `/crm/v3/objects/…` | an association has one type, which is part of the path or of an input; making one adds it |
//! | `v4` | | a pair of objects has labels; setting them replaces those that were there |
//! | `2026-03`, `2026-09` | `/crm/objects/2026-09/…` | as v4, under `/crm/associations/2026-09/…` |
//!
//! What has no successor in a version is not found there. From 2026-09 on, writes obey the account's rules
//! ([`SimulatorBuilder::required_property_when`]), times are normalized with a warning
//! ([`SimulatorBuilder::date_property`]), and a user needs the permission to edit associations
//! ([`OAuthApp::without_edit_associations`]).
//!
//! # Objects
//!
//! Partner clients can be read and updated; companies, contacts, deals, tickets, products, line items and
//! [custom objects](SimulatorBuilder::custom_object_type) can also be created and archived. All of them can be listed,
//! searched and associated in both directions, one by one or in batches.
//!
//! # Accounts and tokens
//!
//! A simulator has one account, or several ([`SimulatorBuilder::account`]), each with its own objects, tokens, installed apps
//! and limits. A token belongs to one account and sees nothing of the others.
//!
//! The account's details and its use of a day (`/account-info/{version}/…`) are told to any token. What a token is and may
//! do is told by `GET /oauth/v1/access-tokens/{token}` and `POST /oauth/{version}/token/introspect` for OAuth apps, and by
//! `POST /oauth/v2/private-apps/get/access-token-info` for static tokens.
//!
//! # Simplifications
//!
//! - Any property name is good, as a property has no definition. What identifies an object (`idProperty`) is the e-mail
//!   address of a contact, or a property that [`SimulatorBuilder::unique_property`] names. HubSpot computes the id and two
//!   times of each object: `createdate` and `hs_lastmodifieddate`, but `lastmodifieddate` of contacts and `hs_createdate` of
//!   custom objects.
//! - A request that names no property is answered with the default set of the type; for partner clients, whose set is not
//!   known, with all of them. A write is answered with what it changed.
//! - A request whose path and query are longer than 8 kB is refused with 414, as a gateway does, before anything else.
//! - Whatever is compared in a search counts as a number or a time where both sides are one, and as text in any case
//!   otherwise. An object without the property matches `NOT_HAS_PROPERTY` and nothing else. A query looks into names,
//!   domains, e-mail addresses, phone numbers, subjects and contents. What changed is found at once.
//! - A call on associations takes a scope of the object that they start at, and in v4 and the dated versions one of either
//!   end.
//! - In v3, removing associations in a batch is refused as a whole where removing one of them is, and takes 100 at most.
//!   In v3, removing the unlabelled association leaves the labelled ones; in the other versions they end with it.
//! - How an answer to a batch looks of which some associations cannot be made is chosen with [`InvalidAssociations`], and
//!   whether a label brings the unlabelled association along with [`UnlabeledCompanions`].
//! - The query parameter `includeFA` is ignored.
//!
//! # Default seed
//!
//! | object | id | association type from partner clients to it | type id | id of its inverse |
//! |---|---|---|---|---|
//! | partner client | `512` | | | |
//! | company | `9001` | `partner_client_to_company` | `1001` | `2001` |
//! | contact | `301` | `partner_client_to_contact` | `1002` | `2002` |
//! | deal | `701` | `partner_client_to_deal` | `1003` | `2003` |
//! | ticket | `801` | `partner_client_to_ticket` | `1004` | `2004` |
//!
//! Nothing is associated yet. Each of these types is the unlabelled one of its pair. They are the simulator's own: HubSpot
//! publishes none for partner clients, and an account's real ones are found by listing them. The unlabelled types between
//! contacts, companies, deals, tickets and line items are there as well, with the ids that HubSpot publishes.
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

mod account;
mod auth;
mod builder;
mod call;
mod control;
mod crm;
mod faults;
mod http;
mod operations;
mod portal;
mod router;
mod server;
mod settings;
mod simulated_account;
mod simulator;

pub use crate::auth::oauth::OAuthApp;
pub use crate::auth::scopes::{READ_SCOPE, WRITE_SCOPE};
pub use crate::builder::SimulatorBuilder;
pub use crate::crm::association_type::AssociationCategory;
pub use crate::crm::state::{Association, UnlabeledCompanions};
pub use crate::faults::fault::Fault;
pub use crate::http::journal::RecordedRequest;
pub use crate::http::limits::RateLimits;
pub use crate::settings::InvalidAssociations;
pub use crate::simulated_account::{Object, SimulatedAccount};
pub use crate::simulator::Simulator;
