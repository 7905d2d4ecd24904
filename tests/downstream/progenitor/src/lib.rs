//! The client that progenitor generates from the published description, and nothing else.

// After `2XX` and a default progenitor writes an arm for what neither takes.
#![allow(unreachable_patterns)]

include!(concat!(env!("OUT_DIR"), "/client.rs"));
