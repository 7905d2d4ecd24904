//! Calls that meet a server below HTTP, and what holds of their errors.

use std::time::Duration;

use hubspot_partner_clients::{Client, Error, RateLimit, RetryPolicy};

use super::RawServer;

pub const TOKEN: &str = "pat-eu1-0123456789abcdef";
pub const ATTEMPTS: u32 = 3;
/// For servers that answer; long enough for a busy machine.
pub const LONG: Duration = Duration::from_secs(30);
/// For servers that do not.
pub const SHORT: Duration = Duration::from_millis(300);

pub fn client(server: &RawServer, timeout: Duration) -> Client {
    let retry = RetryPolicy::default().max_attempts(ATTEMPTS).base_delay(Duration::ZERO).max_delay(Duration::ZERO);
    Client::builder()
        .base_url(&server.base_url)
        .access_token(TOKEN)
        .rate_limit(RateLimit::unlimited())
        .timeout(timeout)
        .retry(retry)
        .build()
        .unwrap()
}

pub const LOST: &str = "the connection to HOST failed: ";
pub const LATE: &str = "HOST did not respond in time: ";

/// What holds of every error.
pub fn check(error: &Error, message: &str, status: Option<u16>, attempts: u32) {
    let shown = format!("{error} {error:?} {error:#?} {:?}", error.body_excerpt());
    // Where the URL is known, it is said whose fault it is.
    let anonymous = |word| if str::starts_with(word, "127.0.0.1:") { "HOST" } else { word };
    let said: Vec<&str> = error.message().split(' ').map(anonymous).collect();
    let said = said.join(" ").replace("the server", "HOST");
    assert!(said.starts_with(message), "{shown}");
    assert_eq!((error.status(), error.attempts()), (status, attempts), "{shown}");
    assert!(!shown.contains(TOKEN) && shown.len() < 20_000, "{shown}");
    assert!(!error.remedy().is_empty() && error.operation().is_some());
}

pub fn ok(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}\r\n{body}")
}
