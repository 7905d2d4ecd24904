//! Typed helpers for [`httpmock`], one for each operation, as progenitor generates them.
#![cfg(feature = "mock")]
#![allow(
    clippy::all,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    missing_debug_implementations,
    missing_docs,
    unused_imports
)]

include!(concat!(env!("OUT_DIR"), "/mock.rs"));
