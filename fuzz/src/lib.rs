//! What meets bytes of a server's, or values of a user's, and what holds whatever they are.
//!
//! `cargo +nightly fuzz run TARGET` looks for what breaks it; `tests/library/fuzzing.rs` runs the same on every `cargo test`.

mod answers;
mod check;
mod dated;
mod hubspot;
mod journal;
mod plan;
#[cfg(feature = "redis")]
mod redis;
mod requests;
mod server;
mod types;
// As the command line gives a filter.
#[path = "../../cli/src/filter.rs"]
mod typed_filter;

use std::time::Duration;

use hubspot_partner_clients::{
    AssociationType, Client, ClientBuilder, ObjectId, ObjectType, PartnerClientId, RateLimit, RetryPolicy,
    oauth::{Grant, OAuthApp},
};
use tokio::time::Instant;

#[cfg(feature = "redis")]
pub use self::redis::redis;
pub use self::{
    answers::{answer, wire},
    dated::dated,
    journal::journal,
    plan::plan,
    requests::requests,
    types::types,
};
use self::{
    check::{SECRET, check_error, decoded, hides, holds_secret},
    server::Server,
};

/// Takes any bytes, and panics if something does not hold.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("answer", answer),
    ("dated", dated),
    ("headers", headers),
    ("ids", ids),
    ("journal", journal),
    ("oauth", oauth),
    ("plan", plan),
    #[cfg(feature = "redis")]
    ("redis", redis),
    ("requests", requests),
    ("types", types),
    ("wire", wire),
];

const STATUSES: [u16; 12] = [200, 201, 204, 207, 307, 400, 401, 403, 404, 429, 477, 503];
const DAY: Duration = Duration::from_secs(24 * 3600);

fn builder(server: &Server) -> ClientBuilder {
    Client::builder().base_url(&server.base_url).access_token(SECRET).timeout(Duration::from_secs(20))
}

/// A client that sends every request at once and once.
fn client(server: &Server) -> Client {
    builder(server).rate_limit(RateLimit::unlimited()).retry(RetryPolicy::never()).build().unwrap()
}

thread_local! {
    static PLAIN: (Server, Client) = {
        let server = Server::start(false);
        let client = server.run(async { client(&server) });
        (server, client)
    };
}

/// An answer's status and headers that are given, and a body.
fn http(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if matches!(status, 204) { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let mut answer = format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n").into_bytes();
    answer.extend_from_slice(if status == 204 { b"" } else { body });
    answer
}

/// An answer's status and what it says of limits and pauses: no panic, and no wait beyond what is documented.
pub fn headers(data: &[u8]) {
    let [status, lines @ ..] = data else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let mut sent = String::new();
    for line in lines.split(|byte| *byte == b'\n').take(10) {
        let text: String = line.iter().map(|byte| char::from(*byte)).filter(|c| matches!(c, ' '..='~')).collect();
        let Some((name, value)) = text.split_once(':') else { continue };
        // What frames the answer is the business of `wire`.
        if name.starts_with("x-hubspot-") || name == "retry-after" {
            sent += &format!("{}: {value}\r\n", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        }
    }
    let server = Server::start(true);
    server.answer(http(status, &sent, br#"{"results":[]}"#), false);
    server.run(async {
        let client = builder(&server).build().unwrap();
        // Nine calls, of five attempts each at most, one by one where the allowance is one. Each attempt waits for a minute
        // of patience, a minute of the limiter's, and for the window.
        let interval = if sent.contains("interval") { 3_600 } else { 10 };
        let longest = Duration::from_secs(9 * 5 * (60 + 60 + interval + 2));
        let started = Instant::now();
        check_limits(&client).await;
        futures_util::future::join_all((0..8).map(|_| check_limits(&client))).await;
        assert!(started.elapsed() <= longest, "{:?} with {sent}", started.elapsed());
        let _ = format!("{:?}", client.rate_limit_status());
    });
}

async fn check_limits(client: &Client) {
    match client.association_types("companies").send_with_meta().await {
        Ok((_, meta)) => assert!(meta.rate_limit.retry_after.is_none_or(|time| time <= DAY) && meta.attempts <= 5),
        Err(error) => {
            check_error(&error);
            assert!(error.retry_after().is_none_or(|time| time <= DAY) && error.attempts() <= 5);
        }
    }
}

/// A status and an answer of the token endpoint: whatever it is, nothing secret shows.
pub fn oauth(data: &[u8]) {
    let [status, body @ ..] = data else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    thread_local! {
        static OAUTH: (Server, OAuthApp) = {
            let server = Server::start(false);
            let app = server.run(async {
                OAuthApp::builder("id", SECRET).base_url(&server.base_url).retry(RetryPolicy::never()).build().unwrap()
            });
            (server, app)
        };
    }
    OAUTH.with(|(server, app)| {
        server.answer(http(status, "", body), false);
        match server.run(app.exchange(SECRET, "https://app.example", None)) {
            Err(error) => {
                assert!(error.is_token(), "{error}");
                check_error(&error);
            }
            Ok(grant) => check_grant(app, &grant),
        }
    });
}

fn check_grant(app: &OAuthApp, grant: &Grant) {
    assert!(grant.expires_in() <= DAY);
    hides(&format!("{grant:?} {:?}", grant.access_token()));
    if grant.refresh_token().is_some() {
        // A refresh token that cannot be sent is refused before it is.
        match app.token_of(grant) {
            Ok(token) => hides(&format!("{token:?}")),
            Err(error) => check_error(&error),
        }
    }
}

/// Four parts of a path, in lines: one that is accepted arrives as it is, and nothing is sent with one that is not.
pub fn ids(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // A user's own values may show.
    if holds_secret(&text) {
        return;
    }
    let mut lines = text.splitn(4, '\n');
    let [client_id, to_type, to_id, kind] = [(); 4].map(|()| lines.next().unwrap_or("1"));
    PLAIN.with(|(server, client)| {
        server.answer(http(204, "", b""), false);
        let outcome = server.run(client.dissociate(client_id).with(to_type, to_id).as_type(kind).send());
        let requests = server.exchange.requests.borrow();
        let (Ok(client_id), Ok(to_type), Ok(to_id), Ok(kind)) = (
            PartnerClientId::new(client_id),
            ObjectType::new(to_type),
            ObjectId::new(to_id),
            AssociationType::new(kind),
        ) else {
            let error = outcome.unwrap_err();
            check_error(&error);
            assert!(error.is_invalid_input() && requests.is_empty(), "{error}");
            return;
        };
        outcome.unwrap();
        let target = requests[0].target();
        let segments: Vec<_> = target.split('/').map(decoded).collect();
        let (client_id, to_id) = (client_id.as_str(), to_id.as_str());
        let (to_type, kind) = (to_type.as_str(), kind.as_str());
        let sent = ["", "crm", "v3", "objects", "partner_clients", client_id, "associations", to_type, to_id, kind];
        assert_eq!(segments, sent);
    });
}
