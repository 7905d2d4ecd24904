//! What several test files need.
#![allow(dead_code)]

pub mod associations;
pub mod faults;
#[cfg(feature = "rustls")]
pub mod https;
pub mod tcp;

use hubspot_partner_clients::{Client, RateLimit, RetryPolicy};
use hubspot_simulator::{Simulator, SimulatorBuilder};

pub use self::tcp::RawServer;

/// One of two sizes of a heavy test: the whole one where all features are tested, and the smaller one for `cargo test` from
/// a clone, which is to be quick.
pub const fn sized(whole: usize, small: usize) -> usize {
    if cfg!(feature = "redis") { whole } else { small }
}

/// The documented answer of the main operation.
pub const DOCUMENTED: &str = r#"{"archived": true, "createdAt": "2023-11-07T05:31:56Z", "id": "<string>", "properties": {},
 "updatedAt": "2023-11-07T05:31:56Z", "archivedAt": "2023-11-07T05:31:56Z", "associations": {},
 "objectWriteTraceId": "<string>", "propertiesWithHistory": {}}"#;

/// A client of a simulator, with all scopes.
pub fn client_of(simulator: &Simulator) -> Client {
    client_at(simulator.base_url(), simulator.access_token())
}

/// A client that sends every request at once and once.
pub fn client_at(base_url: &str, token: &str) -> Client {
    Client::builder()
        .base_url(base_url)
        .access_token(token)
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// A simulator of so many partner clients and companies, with ids from 1 on, and the association type `owner` to companies
/// and deals, of which there is none.
pub fn crm(partner_clients: usize, companies: usize) -> SimulatorBuilder {
    let builder = Simulator::builder()
        .without_seed()
        .partner_clients((1..=partner_clients).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner")
        .association_type("deals", 8, "owner");
    (1..=companies).fold(builder, |builder, id| builder.object("companies", id.to_string(), [("name", "x")]))
}

/// A client of a simulator that speaks a version of HubSpot's API, and sends every request at once and once.
pub fn client_speaking(simulator: &Simulator, version: &str) -> Client {
    client_at_speaking(simulator.base_url(), simulator.access_token(), version)
}

/// As [`client_at`], in a version of HubSpot's API.
pub fn client_at_speaking(base_url: &str, token: &str, version: &str) -> Client {
    Client::builder()
        .base_url(base_url)
        .access_token(token)
        .api_version(version.parse().unwrap())
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        // A paused clock may go on while a socket is waited for, which takes longest for a large body.
        .timeout(std::time::Duration::from_secs(86_400))
        .build()
        .unwrap()
}

pub fn http(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
