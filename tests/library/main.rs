//! The promises of the library, one module each.

#[path = "../support/http2.rs"]
mod frames;
#[path = "../support/mod.rs"]
mod support;

mod abandoned;
mod account;
mod association;
mod associations;
mod batches;
mod bulk_failures;
mod bulk_journal;
mod bulk_requests;
mod bulk_streams;
mod bulk_verdicts;
mod bulk_versions;
mod connections;
mod construction;
mod decoding;
mod errors;
mod first_minute;
mod fuzzing;
mod generated_batches;
mod hostile_pages;
mod http2;
mod idioms;
mod ids;
mod journal;
mod labels;
mod mock;
mod network_faults;
mod oauth;
mod observability;
mod odd_answers;
mod options;
mod panics;
mod partner_clients;
mod properties;
mod rate_limits;
mod reconcile;
mod remedies;
mod response_size;
mod retries;
mod rolling_window;
mod runtimes;
mod search_requests;
mod search_walks;
mod secrets;
mod spec;
mod streams;
mod tls;
mod token_stores;
mod tokens;
mod uploads;
mod versions;
mod wire;
