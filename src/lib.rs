#![cfg_attr(feature = "client", doc = include_str!("tour.md"))]
#![cfg_attr(
    not(feature = "client"),
    doc = "The description of HubSpot's Partner Clients API, for code generators: see [`spec`]."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod spec;

#[cfg(feature = "client")]
mod answer;
#[cfg(feature = "client")]
mod associated;
#[cfg(feature = "client")]
mod associations;
#[cfg(feature = "client")]
mod auth;
#[cfg(feature = "client")]
mod batch;
#[cfg(feature = "client")]
pub mod bulk;
#[cfg(feature = "client")]
mod call;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod connection;
#[cfg(feature = "client")]
mod cursor;
#[cfg(feature = "client")]
mod damage;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
pub mod generated;
#[cfg(feature = "client")]
mod http_client;
#[cfg(feature = "client")]
mod ids;
#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "client")]
pub mod oauth;
#[cfg(feature = "client")]
mod observe;
#[cfg(feature = "client")]
mod options;
#[cfg(feature = "client")]
mod paging;
#[cfg(feature = "client")]
mod partner_clients;
#[cfg(feature = "client")]
mod properties;
#[cfg(feature = "client")]
mod rate_limit;
#[cfg(feature = "client")]
mod reading;
#[cfg(feature = "client")]
pub mod reconcile;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "client")]
mod retry;
#[cfg(feature = "client")]
mod rolling_window;
#[cfg(feature = "client")]
mod search;
#[cfg(feature = "client")]
mod selection;
#[cfg(feature = "simulator")]
#[allow(clippy::indexing_slicing, reason = "into JSON objects that it made itself")]
pub mod simulator;
#[cfg(feature = "client")]
mod task;
#[cfg(feature = "client")]
mod transport;

#[cfg(feature = "client")]
pub use self::{
    associated::AssociatedObject,
    associations::{Associate, AssociationTypes, Dissociate, ListAssociations, WithTarget, WithType},
    auth::{AccessToken, TokenFuture, TokenProvider},
    batch::{BatchRead, BatchUpdate, Update},
    client::{Client, ClientBuilder},
    cursor::Cursor,
    error::{CorrelationId, Error, ErrorKind, Result},
    generated::types::{
        AssociatedId, AssociationDefinition, AssociationsPage, ErrorDetail, PartnerClient, PartnerClientsPage,
        SearchPage,
    },
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, PathSegment, RecordKey},
    observe::{Attempt, CallEnd, Observer},
    options::CallMeta,
    paging::{Items, Page, Pages},
    partner_clients::{GetPartnerClient, ListPartnerClients, UpdatePartnerClient},
    properties::PropertyValue,
    rate_limit::{
        BucketStatus, NotInTime, Permit, PermitFuture, PermitOutcome, RateLimit, RateLimitHeaders, RateLimitStatus,
        RateLimiter,
    },
    retry::RetryPolicy,
    rolling_window::RollingWindow,
    search::{ChangedSince, Filter, FilterOn, Search, filter},
};

// Its examples are tests as well.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
mod readme {}
