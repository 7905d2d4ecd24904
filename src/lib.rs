#![cfg_attr(all(feature = "client", any(not(doctest), feature = "simulator")), doc = include_str!("tour.md"))]
#![cfg_attr(not(feature = "client"), doc = "HubSpot's Partner Clients API for code generators: see [`spec`].")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

// Each module says at its top which feature it needs. The documentation of `Client` lists methods in the order of the
// modules: how to create a client, associations, the rest.
mod client;

mod account;
mod api_version;
mod association;
mod associations;
mod auth;
mod cache;
mod error;
pub mod generated;
mod ids;
pub mod mock;
pub mod oauth;
mod objects;
mod partner_clients;
mod per_runtime;
mod rate_limit;
mod reading;
pub mod redis;
pub mod spec;
mod task;
mod transport;

mod advanced;

pub use self::api_version::{ApiVersion, InvalidApiVersion, Month};

#[cfg(feature = "simulator")]
pub use hubspot_simulator as simulator;

#[cfg(feature = "client")]
pub use self::{
    account::{Account, GetAccount, GetTokenInfo, TokenInfo},
    association::Association,
    associations::*,
    auth::*,
    client::{Client, ClientBuilder},
    error::{CorrelationId, Error, ErrorDetail, ErrorKind, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, PathSegment, RecordKey},
    objects::{Resolve, Resolved},
    partner_clients::*,
    rate_limit::*,
    transport::{Attempt, CallEnd, CallMeta, Observer, RetryPolicy},
};
