//! Where tokens come from, where they may go, and that they never show.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use httpmock::MockServer;
use hubspot_partner_clients::{AccessToken, Client, Error, ErrorKind, TokenFuture, TokenProvider, oauth::OAuthApp};
use hubspot_simulator as simulator;
use hubspot_simulator::Simulator;

use crate::support::{RawServer, client_at};

const SECRET: &str = "pat-na1-5ecre7";

/// A new token for every request.
struct Counting(AtomicUsize);

impl TokenProvider for Counting {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            tokio::task::yield_now().await;
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(AccessToken::new(format!("token-{n}"))?)
        })
    }
}

#[tokio::test]
async fn a_provider_is_asked_for_every_request_and_can_be_shared() {
    let simulator = Simulator::start().await.unwrap();
    let provider: Arc<dyn TokenProvider> = Arc::new(Counting(AtomicUsize::new(0)));
    for _ in 0..2 {
        let provider = Arc::clone(&provider);
        let client = Client::builder().base_url(simulator.base_url()).token_provider(provider).build().unwrap();
        client.association_types("companies").await.unwrap_err();
    }
    let sent: Vec<_> = simulator.requests().iter().map(|r| r.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["Bearer token-0", "Bearer token-1"]);
}

struct Broken;

impl TokenProvider for Broken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err("the vault is sealed".into()) })
    }
}

#[tokio::test]
async fn a_provider_that_fails_fails_the_call_before_anything_is_sent() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::builder().base_url(simulator.base_url()).token_provider(Broken).build().unwrap();
    let error = client.associate(512).with("companies", 9001).as_type(1001).await.unwrap_err();
    assert!(error.is_token() && !error.is_retryable());
    assert_eq!(error.to_string(), "associate: no access token: the vault is sealed");

    let error = Error::from(client.raw().get().partner_client_id("512").send().await.unwrap_err());
    assert!(error.is_token(), "the same by the generated client: {error:?}");
    assert!(simulator.requests().is_empty());
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_without_showing_it() {
    for token in ["", "with space", "line\nbreak", "Bearer x", "ümlaut", "nul\0"] {
        let error = Client::builder().access_token(token).build().unwrap_err();
        assert!(error.is_invalid_input());
        assert!(error.message().starts_with("access token "), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(token.is_empty() || !shown.contains(token.trim()), "{shown}");
    }
    let error = Client::builder().build().unwrap_err();
    assert!(error.message().contains("access_token or token_provider"), "{error}");
}

type Taker = fn(&str) -> Result<(), Error>;

/// Each secret, and what takes it.
fn takers() -> [(&'static str, Taker); 4] {
    [
        ("access token", |secret| AccessToken::new(secret).map(drop)),
        ("client id", |secret| OAuthApp::new(secret, "x").map(drop)),
        ("client secret", |secret| OAuthApp::new("x", secret).map(drop)),
        ("refresh token", |secret| OAuthApp::new("x", "x")?.token(secret).map(drop)),
    ]
}

#[test]
fn one_rule_holds_for_each_secret() {
    for (name, take) in takers() {
        for good in ["s3cret", " s3cret", "s3cret\n", "\ts3cret\r\n", "s3cret\u{a0}", "s3\"cret"] {
            assert!(take(good).is_ok(), "{name} {good:?}");
        }
        for bad in [
            "",
            " \n",
            "\"s3cret\"",
            "'s3cret'",
            "`s3cret`",
            "s3 cret",
            "s3\ncret",
            "s3\0cret",
            "s3crét",
            "\u{feff}s3cret",
        ] {
            let error = take(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials, "{name} {bad:?}");
            assert!(error.is_invalid_input() && error.message().starts_with(name), "{error}");
            assert!(!format!("{error} {error:?}").contains("s3"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_is_sent_without_the_white_space_around_it() {
    let app = simulator::OAuthApp::new("id", "secret", "refresh");
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    let app = OAuthApp::builder(" id\n", "secret\r\n").base_url(simulator.base_url()).build().unwrap();
    let renewed = Client::builder().token_provider(app.token("refresh\n").unwrap());
    let fixed = Client::builder().access_token(format!(" {}\n", simulator.access_token()));
    for builder in [renewed, fixed] {
        let client = builder.base_url(simulator.base_url()).build().unwrap();
        client.association_types("companies").await.unwrap();
    }
}

/// Everything that can be printed of a client, its calls and its errors.
async fn everything_shown(client: &Client) -> String {
    let call = client.associate(512).with("companies", 9001).as_type(1);
    let (built, raw) = (format!("{client:?} {call:?}"), format!("{:?} {:?}", client.raw(), client.raw().associate()));
    let outcome = call.await;
    let raw_error = client.raw().get().partner_client_id("512").send().await.unwrap_err();
    let raw_shown = format!("{raw_error} {raw_error:?} {raw_error:#}");
    let converted = Error::from(raw_error);
    let mut shown = format!("{built} {raw} {outcome:?} {raw_shown} {converted:?}");
    // An association that was made is made, however odd the answer.
    let Err(error) = outcome else { return shown };
    shown += &format!(" {error} {error:#?} {:?}", error.body_excerpt());
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        shown += &format!(" {error} {error:?}");
        source = error.source();
    }
    shown
}

#[tokio::test]
async fn the_token_shows_nowhere_even_where_the_server_repeats_it() {
    let echo = format!(r#"{{"message":"bad token {SECRET}","category":"{SECRET}","correlationId":"{SECRET}"}}"#);
    for (status, body) in [(400, echo.as_str()), (502, &format!("<p>Authorization: Bearer {SECRET}</p>")), (200, "{}")]
    {
        let server = RawServer::json(status, body).await;
        let shown = everything_shown(&client_at(&server.base_url, SECRET)).await;
        assert!(server.received()[0].contains(SECRET), "it was sent");
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let server = RawServer::json(200, &format!("{{\"id\": {SECRET}")).await;
    let client = client_at(&server.base_url, SECRET);
    let error = client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err();
    assert_eq!(error.body_excerpt(), Some("{\"id\": [redacted]"));

    let shown = everything_shown(&client_at("http://127.0.0.1:1", SECRET)).await;
    assert!(!shown.contains(SECRET), "{shown}");
    let builder = Client::builder().access_token(SECRET);
    assert!(!format!("{builder:?} {:?}", AccessToken::new(SECRET).unwrap()).contains(SECRET));
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let elsewhere = RawServer::json(200, "{}").await;
    for status in [301, 302, 303, 307, 308] {
        let server = RawServer::answering(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.base_url
        ))
        .await;
        let client = client_at(&server.base_url, SECRET);
        let error = client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(error.remedy().contains("another origin"), "{}", error.remedy());
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_method_or_is_not_followed() {
    for (status, followed) in [(302, false), (303, false), (307, true), (308, true)] {
        let server = MockServer::start_async().await;
        server
            .mock_async(|when, then| {
                when.path_includes("/associations/");
                then.status(status).header("location", "/moved");
            })
            .await;
        let moved = server
            .mock_async(|when, then| {
                when.path("/moved").method(httpmock::Method::PUT).header("authorization", "Bearer t");
                then.status(200).body(crate::support::DOCUMENTED);
            })
            .await;
        let outcome = client_at(&server.base_url(), "t").associate(512).with("companies", 9001).as_type(1).await;
        assert_eq!(outcome.is_ok(), followed, "{status}");
        assert_eq!(moved.calls_async().await, usize::from(followed), "{status}");
    }
}
