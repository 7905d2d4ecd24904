//! The client as progenitor generates it from the description: a builder for every operation and every schema as a type.
//!
//! [`Client::raw`](crate::Client::raw) hands one out that sends the token and keeps the transport's rules; it cannot be
//! built in any other way. Its names follow the description, except for those that the facade has given, and its errors turn
//! into [`crate::Error`] with `?`.
//!
//! HubSpot adds fields to its responses without notice, so the structs of responses are `#[non_exhaustive]`. Each has a
//! `builder()` whose result `try_into` turns into it, and [`PartnerClient`](crate::PartnerClient) has `new`.
#![cfg(feature = "client")]
#![allow(
    clippy::all,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    missing_debug_implementations,
    missing_docs,
    unreachable_patterns,
    unused_imports,
    rustdoc::all
)]

include!(concat!(env!("OUT_DIR"), "/client.rs"));
