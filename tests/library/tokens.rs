//! Where tokens come from, where they may go, and that they never show.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use httpmock::MockServer;
use hubspot_partner_clients::{
    AccessToken, Client, Error, ErrorKind, Permit, PermitFuture, PermitUsage, RateLimitStatus, RateLimiter,
    RetryPolicy, TokenFuture, TokenProvider, oauth::OAuthApp, spec::RateBucket,
};
use hubspot_simulator as simulator;
use hubspot_simulator::Simulator;

use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at, tcp::read_request};

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
        assert!(error.message().ends_with(&format!("the server redirects to {}", elsewhere.base_url)), "{error}");
        let raw = Error::from(client.raw().get().partner_client_id("512").send().await.unwrap_err());
        assert!(raw.message().ends_with(&format!("the server redirects to {}", elsewhere.base_url)), "{raw}");
        let remedy = error.remedy();
        assert!(remedy.contains("another origin, the message names it"), "{remedy}");
    }
    assert!(elsewhere.received().is_empty());
}

/// One that follows redirects as reqwest does by default.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_redirect_that_an_http_client_of_ones_own_follows_to_another_origin_fails_the_call_and_is_told() {
    let info = r#"{"hubId": 7, "scopes": ["oauth"]}"#;
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = RawServer::json(200, info).await;
        let server = RawServer::answering(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}/x?{SECRET}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.base_url
        ))
        .await;
        let client = Client::builder().base_url(&server.base_url).access_token(SECRET);
        let client = client.http_client(http_client()).build().unwrap();
        let errors = [
            client.token_info().await.map(drop),
            client.get(512).await.map(drop),
            client.dissociate(512).with("companies", 9001).as_type(1).await,
        ];
        assert_eq!(elsewhere.received().len(), 3);
        for error in errors.map(Result::unwrap_err) {
            assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Redirect, None, 1), "{error}");
            let told = format!("your http_client followed a redirect to {}, so", elsewhere.base_url);
            assert!(error.message().starts_with(&told), "{error}");
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
        }
    }
}

/// A 307 or 308 sends the form again, with the secrets in it.
#[tokio::test]
async fn a_token_request_whose_redirect_an_http_client_of_ones_own_has_followed_fails_and_names_the_secrets() {
    let grant = r#"{"access_token": "stranger", "refresh_token": "strangers", "expires_in": 1800}"#;
    let secrets = ["cl1ent-secret", "refre5h-token", "0ne-code"];
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = RawServer::json(200, grant).await;
        let server = RawServer::answering(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}/x?{}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.base_url, secrets[0]
        ))
        .await;
        let app = OAuthApp::builder("id", secrets[0]).base_url(&server.base_url).http_client(http_client());
        let app = app.build().unwrap();
        let renewed = app.token(secrets[1]).unwrap().access_token().await.unwrap_err();
        let exchanged = app.exchange(secrets[2], "https://my.app", None).await.unwrap_err();
        assert_eq!(elsewhere.received().len(), 2);
        for error in [*renewed.downcast::<Error>().unwrap(), exchanged] {
            assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Token, None, 1), "{error}");
            let told = format!("your http_client followed a redirect to {}, so", elsewhere.base_url);
            assert!(error.message().contains(&told), "{error}");
            assert!(error.message().contains("replace the client secret and the refresh token"), "{error}");
            assert_eq!(error.remedy(), "Build your http_client with `redirect::Policy::none()`.");
            let shown = format!("{error} {error:?}");
            assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
        }
    }
}

#[tokio::test]
async fn the_remedy_of_a_redirect_that_was_followed_is_not_to_follow_it() {
    let elsewhere = RawServer::json(200, "{}").await;
    let head = format!("HTTP/1.1 303 See Other\r\nlocation: {}/x\r\n", elsewhere.base_url);
    let server = RawServer::answering(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n")).await;
    let client = Client::builder().base_url(&server.base_url).access_token("t").http_client(http_client());
    let client = client.build().unwrap();
    let build = "Build your http_client with `redirect::Policy::none()`.";
    let error = client.get(512).await.unwrap_err();
    assert_eq!(error.remedy(), build);
    let error = client.associate(512).with("companies", 9001).as_type(1).await.unwrap_err();
    assert!(error.remedy().starts_with(&format!("{build} Try again: `associate` may have been")), "{}", error.remedy());
    let error = client.update(512).set("name", "x").await.unwrap_err();
    let remedy = error.remedy();
    assert!(remedy.starts_with(&format!("{build} Check whether `update` was carried out before")), "{remedy}");
}

/// A 303 comes after the request was carried out, perhaps.
#[tokio::test]
async fn a_redirect_that_cannot_be_followed_is_neither_told_as_not_sent_nor_sent_on_and_on() {
    let ways = [
        // To itself, for ever.
        ("/again", ErrorKind::Redirect, "your http_client cannot follow a redirect: too many redirects"),
        ("ftp://elsewhere.example/", ErrorKind::Transport, "the server redirects to what is no http URL: "),
    ];
    for (location, kind, message) in ways {
        let head = format!("HTTP/1.1 303 See Other\r\nlocation: {location}\r\n");
        let server = RawServer::answering(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n")).await;
        let client = Client::builder().base_url(&server.base_url).access_token("t");
        let client = client.http_client(http_client()).build().unwrap();
        let error = client.update(512).set("name", "x").await.unwrap_err();
        assert_eq!((error.kind(), error.status(), error.attempts()), (kind, None, 1), "{location}: {error}");
        assert!(error.message().starts_with(message), "{location}: {error}");
        assert!(error.remedy().contains("Check whether `update` was carried out"), "{location}: {}", error.remedy());
        let attempts = RetryPolicy::default().max_attempts(if kind == ErrorKind::Redirect { 5 } else { 1 });
        let associate = client.associate(512).with("companies", 9001).as_type(1).retry(attempts);
        assert_eq!(associate.await.unwrap_err().attempts(), 1, "{location}");
    }
}

#[tokio::test]
async fn a_redirect_names_the_origin_however_it_is_written_and_only_another_one() {
    for (location, named) in [
        ("//eu1.example.com/crm/x", Some("http://eu1.example.com")),
        ("https://eu1.example.com/für", Some("https://eu1.example.com")),
        ("HTTPS://EU1.example.com", Some("https://eu1.example.com")),
        ("/moved", None),
        ("moved", None),
        ("HOST/moved", None),
        ("//PAT-NA1-5ECRE7.example.com/", None),
        ("mailto:a@b.example", None),
    ] {
        let server = RawServer::start(move |mut stream, _| async move {
            let at = stream.local_addr().unwrap();
            read_request(&mut stream).await;
            let location = location.replace("HOST", &format!("http://{at}"));
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\n");
            let _ = stream.write_all(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n").as_bytes()).await;
            Some(stream)
        })
        .await;
        let client = client_at(&server.base_url, SECRET);
        let told = named.map(|origin| format!("; the server redirects to {origin}")).unwrap_or_default();
        let told = format!("a redirect that is not followed{told}");
        let facade = client.get(512).await.unwrap_err();
        assert_eq!(facade.message(), told, "{location}");
        let raw = client.raw().get().partner_client_id("512").send().await.unwrap_err();
        assert!(!format!("{raw:?}").to_lowercase().contains(SECRET), "{location}: {raw:?}");
        assert_eq!(Error::from(raw).message(), told, "{location}");
    }
}

/// The success of that GET is none of the write's.
#[tokio::test]
async fn a_write_is_not_told_as_carried_out_where_an_http_client_of_ones_own_has_made_a_get_of_it() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path_includes("/crm/");
            then.status(303).header("location", "/moved");
        })
        .await;
    let moved = server
        .mock_async(|when, then| {
            when.path("/moved").method(httpmock::Method::GET);
            then.status(200).header("x-hubspot-correlation-id", "c").body(crate::support::DOCUMENTED);
        })
        .await;
    let client = Client::builder().base_url(server.base_url()).access_token("t").http_client(http_client());
    let client = client.build().unwrap();
    let errors = [
        client.associate(512).with("companies", 9001).as_type(1).await.map(drop),
        client.update(512).set("name", "Acme").await.map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.status()), (ErrorKind::Redirect, None), "{error}");
    }
    // What only reads is the same by another path of the server.
    assert_eq!(client.get(512).await.unwrap().id, "<string>");
    assert_eq!(moved.calls_async().await, 3);
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

/// A token that HubSpot refuses, and another that never comes, or comes and is followed by a wait for the rate limiter.
struct Refused {
    asked: AtomicUsize,
    another: Option<String>,
}

impl TokenProvider for Refused {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            if self.asked.fetch_add(1, Ordering::Relaxed) == 0 {
                return Ok(AccessToken::new("unknown")?);
            }
            match &self.another {
                Some(another) => Ok(AccessToken::new(another.clone())?),
                None => std::future::pending().await,
            }
        })
    }

    fn invalidate(&self, _: &AccessToken) -> bool {
        true
    }
}

/// One permit, and then none, whatever the deadline is.
struct OnePermit(AtomicUsize);

impl RateLimiter for OnePermit {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        (self.0.fetch_add(1, Ordering::Relaxed) == 0).then(|| Permit::new(bucket, 0))
    }

    fn acquire(&self, _: RateBucket) -> PermitFuture<'_> {
        Box::pin(std::future::pending())
    }

    fn acquire_by(&self, bucket: RateBucket, _: tokio::time::Instant) -> PermitFuture<'_> {
        self.acquire(bucket)
    }

    fn release(&self, _: Permit, _: &PermitUsage) {}

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_refused_for_its_token_is_not_told_as_perhaps_carried_out() {
    let simulator = Simulator::start().await.unwrap();
    for (another, kind) in [(None, ErrorKind::Unauthorized), (Some("another"), ErrorKind::QueueTimeout)] {
        let provider = Refused { asked: AtomicUsize::new(0), another: another.map(str::to_owned) };
        let client = Client::builder()
            .base_url(simulator.base_url())
            .token_provider(provider)
            .rate_limiter(OnePermit(AtomicUsize::new(0)))
            .build()
            .unwrap();
        let update = client.update(512).set("name", "x").call_timeout(std::time::Duration::from_secs(5));
        let error = update.await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.last_status()), (kind, 1, Some(401)), "{error}");
        assert!(!error.remedy().contains("carried out") && !error.is_timeout(), "{}", error.remedy());
    }
}
