//! Tokens, client secrets and code verifiers show nowhere. `tokens.rs` has the plain cases of an access token.

use std::{
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use httpmock::MockServer;
use hubspot_partner_clients::{
    Attempt, CallEnd, Client, Error, Observer, RateLimit, RetryPolicy,
    oauth::{Grant, OAuthApp, OAuthToken},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, READ_SCOPE, Simulator};
use tracing::{Dispatch, Event, Metadata, Subscriber, span};

use crate::support::{RawServer, client_at, http};

const ID: &str = "client-1";
const ACCESS: &str = "access-5ecre7";
const SECRET: &str = "c11en7-5ecre7";
const REFRESH: &str = "refre5h-5ecre7";
const CODE: &str = "c0de-5ecre7";
const VERIFIER: &str = "ver1f1er-5ecre7";
const REDIRECT: &str = "https://app.example/connected";

/// What every secret above ends in, so that the greater part of one is found as well.
const TELLTALE: &str = "5ecre7";

#[track_caller]
fn assert_hidden(shown: &str) {
    assert!(!shown.is_empty());
    assert!(!shown.contains(TELLTALE), "{shown}");
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// All that can be printed of an error.
fn all_of(error: &Error) -> String {
    let mut shown = format!(
        "{error} {error:#} {} {} {:?} {:?} {:?} {:?} {:?}",
        debug(error),
        error.message(),
        error.category(),
        error.correlation_id(),
        error.body_excerpt(),
        error.details(),
        error.context()
    );
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        shown += &format!(" {error} {error:?} {error:#?}");
        source = error.source();
    }
    shown
}

fn app_at(base_url: &str) -> OAuthApp {
    OAuthApp::builder(ID, SECRET).base_url(base_url).retry(RetryPolicy::never()).build().unwrap()
}

async fn hubspot() -> Simulator {
    Simulator::builder().oauth_app(simulator::OAuthApp::new(ID, SECRET, REFRESH)).start().await.unwrap()
}

fn client_with(simulator: &Simulator, token: OAuthToken) -> Client {
    let builder = Client::builder().base_url(simulator.base_url()).token_provider(token);
    builder.rate_limit(RateLimit::unlimited()).retry(RetryPolicy::never()).build().unwrap()
}

async fn call(client: &Client) -> Result<(), Error> {
    client.association_types("companies").await.map(|_| ())
}

/// A server that answers every request the same.
async fn answering(status: u16, headers: &[(&str, &str)], body: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            let then = then.status(status).body(body);
            headers.iter().fold(then, |then, (name, value)| then.header(*name, *value));
        })
        .await;
    server
}

async fn grant() -> Grant {
    let body = format!(r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}"}}"#);
    let server = answering(200, &[], &body).await;
    app_at(&server.base_url()).exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap()
}

// What is made in code.

#[test]
fn an_app_does_not_show_its_client_secret() {
    let builder = OAuthApp::builder(ID, SECRET);
    assert_hidden(&debug(&builder));
    assert_hidden(&debug(&builder.build().unwrap()));
}

#[test]
fn a_base_url_with_a_password_does_not_show_before_it_is_refused() {
    let url = format!("https://user:{SECRET}@api.hubapi.com");
    assert_hidden(&debug(&OAuthApp::builder(ID, SECRET).base_url(&url)));
    assert_hidden(&debug(&Client::builder().base_url(&url)));
}

#[test]
fn a_base_url_that_is_refused_does_not_show_a_password_or_a_key() {
    for url in [
        format!("https://user:{SECRET}@api.hubapi.com"),
        format!("https://user:{SECRET}@api.hubapi.com:port"),
        format!("user:{SECRET}@api.hubapi.com"),
        format!("https://api.hubapi.com?hapikey={SECRET}"),
        format!("https://api.hubapi.com#{SECRET}"),
    ] {
        assert_hidden(&all_of(&Client::builder().access_token("t").base_url(&url).build().unwrap_err()));
        assert_hidden(&all_of(&OAuthApp::builder(ID, SECRET).base_url(&url).build().unwrap_err()));
    }
}

#[test]
fn an_authorisation_does_not_show_its_code_verifier() {
    let authorization = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let shown = format!("{} {} {}", debug(&authorization), authorization.url(), authorization.state());
    assert!(!shown.contains(authorization.code_verifier()), "{shown}");
}

#[tokio::test]
async fn a_grant_does_not_show_its_tokens() {
    let grant = grant().await;
    assert_eq!(grant.refresh_token(), Some(REFRESH));
    assert_hidden(&format!("{} {}", debug(&grant), debug(grant.access_token())));
}

#[tokio::test]
async fn a_token_that_renews_itself_does_not_show_what_it_holds() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    assert_hidden(&debug(&app.token(REFRESH).unwrap()));
    assert_hidden(&debug(&app.token_of(&grant().await).unwrap()));
}

#[tokio::test]
async fn a_client_does_not_show_what_its_token_provider_holds() {
    let builder = || {
        let token = OAuthApp::new(ID, SECRET).unwrap().token(REFRESH).unwrap();
        Client::builder().token_provider(token)
    };
    assert_hidden(&debug(&builder()));
    let client = builder().build().unwrap();
    assert_hidden(&format!("{} {}", debug(&client), debug(client.raw())));
    let account = client.for_account(OAuthApp::new(ID, SECRET).unwrap().token_of(&grant().await).unwrap());
    assert_hidden(&format!("{} {}", debug(&account), debug(account.raw())));
}

#[test]
fn a_header_of_a_call_does_not_show_its_value() {
    let client = Client::builder().access_token(ACCESS).build().unwrap();
    let call = client.association_types("companies").header("x-proxy-key", SECRET);
    assert_hidden(&debug(&call));
    assert_hidden(&debug(&client.association_types("companies").header("x-proxy-key", &format!("{SECRET}\n"))));
}

// The token endpoint.

#[tokio::test]
async fn a_refresh_whose_request_is_repeated_in_the_answer_shows_neither_secret_nor_refresh_token() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let simulator = hubspot().await;
        simulator.inject(Fault::echo_credentials(status).on("oauth_token"));
        let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
        let error = call(&client_with(&simulator, token)).await.unwrap_err();
        assert!(error.is_token() && error.message().contains("refresh_token="), "the request is repeated: {error}");
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn an_exchange_whose_request_is_repeated_in_the_answer_shows_neither_secret_nor_code_nor_verifier() {
    let simulator = hubspot().await;
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let error = app_at(simulator.base_url()).exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    assert!(error.message().contains("code_verifier="), "the request is repeated: {error}");
    assert_hidden(&all_of(&error));
}

/// A form changes some characters, which base64 uses.
#[tokio::test]
async fn a_secret_does_not_show_in_the_form_that_it_is_sent_in() {
    let (secret, refresh) = ("s/5ecre7+x==", "r/5ecre7+x==");
    let app = simulator::OAuthApp::new(ID, secret, refresh);
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let app = OAuthApp::builder(ID, secret).base_url(simulator.base_url()).build().unwrap();
    assert_hidden(&all_of(&call(&client_with(&simulator, app.token(refresh).unwrap())).await.unwrap_err()));
    assert_hidden(&all_of(&app.exchange("c/5ecre7+x", REDIRECT, Some("v/5ecre7+x")).await.unwrap_err()));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_does_not_show_the_tokens_in_it() {
    for body in [
        format!(r#"{{"access_token":"{ACCESS}"#),
        format!(r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","#),
        format!(r#"{{"access_token":{{"{ACCESS}":1}}}}"#),
        format!(r#"{{"access_token":"Bearer {ACCESS}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","expires_in":"{REFRESH}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","refresh_token":["{REFRESH}"]}}"#),
        format!(r#"{{"access_token":"{ACCESS}","scopes":"{REFRESH}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","hub_id":"{REFRESH}"}}"#),
        format!(r#"{{"accessToken":"{ACCESS}"}}"#),
        format!(r#""{ACCESS}""#),
        format!("access_token={ACCESS}&refresh_token={REFRESH}"),
        format!("<p>{ACCESS}</p>"),
    ] {
        let server = answering(200, &[], &body).await;
        let app = app_at(&server.base_url());
        // What is odd beside the access token does not lose it.
        let error = match app.exchange(CODE, REDIRECT, None).await {
            Ok(grant) => {
                assert_hidden(&debug(&grant));
                continue;
            }
            Err(error) => error,
        };
        assert!(error.is_token(), "{body}: {error:?}");
        assert_hidden(&all_of(&error));
        let client = Client::builder().base_url(server.base_url()).token_provider(app.token(REFRESH).unwrap());
        let error = call(&client.build().unwrap()).await.unwrap_err();
        assert!(error.is_token(), "{body}: {error:?}");
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_show_the_tokens_in_it() {
    let simulator = hubspot().await;
    simulator.inject(Fault::truncated_body().on("oauth_token"));
    let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
    let error = call(&client_with(&simulator, token)).await.unwrap_err();
    let shown = all_of(&error);
    assert!(error.is_token() && !shown.contains("access-sim"), "{shown}");
    assert_hidden(&shown);
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_does_not_show_the_secret_in_its_location() {
    let location = format!("https://elsewhere.example/?client_secret={SECRET}&refresh_token={REFRESH}");
    for status in [302, 307] {
        let simulator = hubspot().await;
        simulator.inject(Fault::redirect(status, &location).on("oauth_token"));
        let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
        let error = call(&client_with(&simulator, token)).await.unwrap_err();
        assert_eq!((error.is_token(), error.status()), (true, Some(status)));
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn a_token_endpoint_that_cannot_be_reached_shows_nothing_of_the_request() {
    let error = app_at("http://127.0.0.1:1").exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("no connection"), "{error}");
    assert_hidden(&all_of(&error));
}

// The calls.

/// Everything that a failed call shows, by the facade and by the generated client.
async fn all_of_a_failed_call(client: &Client) -> String {
    let error = call(client).await.unwrap_err();
    let raw = client.raw().get().partner_client_id("512").send().await.unwrap_err();
    let raw_shown = format!("{raw} {raw:#} {raw:?} {raw:#?}");
    format!("{} {raw_shown} {}", all_of(&error), all_of(&Error::from(raw)))
}

#[tokio::test]
async fn a_password_of_the_proxy_does_not_show() {
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    let builder =
        || Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).proxy(&proxy).allow_insecure_http();
    assert_hidden(&debug(&builder()));
    for base_url in ["http://127.0.0.1:2", "https://api.hubapi.com"] {
        let client = builder().base_url(base_url).build().unwrap();
        let error = call(&client).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_hidden(&all_of_a_failed_call(&client).await);
        assert_hidden(&debug(&client));
    }
}

#[tokio::test]
async fn a_password_does_not_show_where_the_proxy_refuses_it() {
    let server = RawServer::answering(http(407, "text/plain", "who are you?")).await;
    let proxy = server.base_url.replace("http://", &format!("http://user:{SECRET}@"));
    for base_url in ["http://127.0.0.1:2", "https://api.hubapi.com"] {
        let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).base_url(base_url);
        let builder = builder.proxy(&proxy).allow_insecure_http();
        assert_hidden(&all_of_a_failed_call(&builder.build().unwrap()).await);
    }
    assert!(server.received().iter().all(|request| request.to_lowercase().contains("proxy-authorization: basic")));
}

#[tokio::test]
async fn a_redirect_does_not_show_the_token_in_its_location() {
    for location in [format!("https://elsewhere.example/?token={ACCESS}"), format!("/{ACCESS}")] {
        let server = answering(307, &[("location", location.as_str())], "").await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
    }
}

#[tokio::test]
async fn a_token_repeated_in_a_header_of_the_answer_does_not_show() {
    let bearer = format!("Bearer {ACCESS}");
    let headers = [("x-hubspot-correlation-id", ACCESS), ("www-authenticate", &bearer), ("x-authorization", &bearer)];
    for (status, body) in [(401, r#"{"message":"no"}"#), (500, "no"), (200, "no")] {
        let server = answering(status, &headers, body).await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
    }
}

#[tokio::test]
async fn what_is_told_beside_an_answer_does_not_show_a_token_repeated_in_it() {
    let server = answering(200, &[("x-hubspot-correlation-id", ACCESS)], r#"{"results":[]}"#).await;
    let client = client_at(&server.base_url(), ACCESS);
    let (_, meta) = client.association_types("companies").send_with_meta().await.unwrap();
    let id = meta.correlation_id.as_ref().unwrap();
    assert_hidden(&format!("{} {id}", debug(&meta)));
}

#[tokio::test]
async fn a_token_repeated_in_an_answer_that_cannot_be_decoded_does_not_show() {
    let server = answering(200, &[], &format!(r#"{{"id": "512", "{ACCESS}": {ACCESS}"#)).await;
    assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
}

/// JSON may write a character in more than one way: RFC 8259, section 7.
#[tokio::test]
async fn a_token_repeated_with_escapes_does_not_show() {
    let token = "pat/5ecre7\"x";
    for written in [r#"pat\/5ecre7\"x"#, r#"pat/5\u0065cre7\"x"#, r#"\u0070at/5ecre7\"x"#] {
        let body = format!(
            r#"{{"message":"bad {written}","category":"{written}","correlationId":"{written}",
                "errors":[{{"message":"{written}"}}],"context":{{"token":["{written}"]}}}}"#
        );
        let server = answering(400, &[], &body).await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), token)).await);
    }
}

#[tokio::test]
async fn a_token_does_not_show_where_it_is_repeated_in_details_and_context() {
    let body = format!(
        r#"{{"message":"{ACCESS}","category":"{ACCESS}","subCategory":"{ACCESS}","correlationId":"{ACCESS}",
            "errors":[{{"message":"{ACCESS}","in":"{ACCESS}","code":"{ACCESS}","context":{{"{ACCESS}":["{ACCESS}"]}}}}],
            "context":{{"{ACCESS}":["{ACCESS}"]}},"links":{{"{ACCESS}":"{ACCESS}"}}}}"#
    );
    let server = answering(400, &[], &body).await;
    assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
}

// What is told to others.

/// Hears all that there is, as text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<String>>);

impl Heard {
    fn add(&self, text: &str) {
        let mut heard = self.0.lock().unwrap();
        heard.push_str(text);
        heard.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = attributes.metadata().name().to_owned();
        attributes.record(&mut Visitor(&mut text));
        self.add(&text);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut text = String::new();
        values.record(&mut Visitor(&mut text));
        self.add(&text);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = event.metadata().target().to_owned();
        event.record(&mut Visitor(&mut text));
        self.add(&text);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Visitor<'a>(&'a mut String);

impl tracing::field::Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Observer for Heard {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        self.add(&debug(attempt));
        self.add(&attempt.error.map(all_of).unwrap_or_default());
    }

    fn on_call(&self, call: &CallEnd<'_>) {
        self.add(&debug(call));
        self.add(&call.error.map(all_of).unwrap_or_default());
    }
}

#[tokio::test]
async fn no_span_and_no_event_at_any_level_shows_a_secret() {
    let heard = Heard::default();
    // With a single dispatcher a callsite that is first met on a thread without it, as by the test beside this one, is
    // switched off for all (`tracing_core::callsite`).
    let _another = Dispatch::new(Heard::default());
    let _guard = tracing::dispatcher::set_default(&Dispatch::new(heard.clone()));

    let simulator = hubspot().await;
    let app = app_at(simulator.base_url());
    let client = client_with(&simulator, app.token(REFRESH).unwrap());
    call(&client).await.unwrap();
    let issued = simulator.requests()[1].header("authorization").unwrap().replace("Bearer ", "");
    assert!(issued.starts_with("access-sim-"));
    for operation in ["association_types", "oauth_token"] {
        simulator.inject(Fault::echo_credentials(400).on(operation));
        call(&client).await.unwrap_err();
        simulator.expire_tokens();
    }
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();

    let headers = [("x-hubspot-correlation-id", ACCESS)];
    for (status, body) in [(200, r#"{"results":[]}"#), (200, ACCESS), (500, ACCESS)] {
        let server = answering(status, &headers, body).await;
        let _ = call(&client_at(&server.base_url(), ACCESS)).await;
    }
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).base_url("http://127.0.0.1:2");
    call(&builder.proxy(proxy).allow_insecure_http().build().unwrap()).await.unwrap_err();

    let text = heard.text();
    assert!(text.contains("hubspot.call") && text.contains("attempt ended"), "{text}");
    assert!(!text.contains(&issued), "{text}");
    assert_hidden(&text);
}

/// Hears what the crates below tell by `log`, in all tests of this program.
struct Log {
    lines: AtomicUsize,
    shown: Mutex<Vec<String>>,
}

static LOG: Log = Log { lines: AtomicUsize::new(0), shown: Mutex::new(Vec::new()) };

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {} {:?}", record.target(), record.args(), record.module_path());
        self.lines.fetch_add(1, Ordering::Relaxed);
        if line.contains(TELLTALE) {
            self.shown.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn no_crate_below_tells_a_secret_at_any_level() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let heard = Heard::default();
    let _another = Dispatch::new(Heard::default());
    let _guard = tracing::dispatcher::set_default(&Dispatch::new(heard.clone()));

    // HTTP/1 and OAuth, in plain and by a proxy with a password.
    let simulator = hubspot().await;
    let app = app_at(simulator.base_url());
    call(&client_with(&simulator, app.token(REFRESH).unwrap())).await.unwrap();
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    let proxy = format!("http://user:{SECRET}@{}", simulator.base_url().trim_start_matches("http://"));
    let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).proxy(proxy).allow_insecure_http();
    for base_url in ["http://hubspot.example", "https://hubspot.example"] {
        call(&builder.clone().base_url(base_url).build().unwrap()).await.unwrap_err();
    }
    // HTTP/2, which tells of every frame.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(crate::frames::serve(stream, &[], usize::MAX));
        }
    });
    let http = || reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let client = Client::builder().base_url(&base_url).access_token(ACCESS).http_client(http()).build().unwrap();
    client.dissociate(1).with("companies", 2).as_type(3).header("x-proxy-key", SECRET).await.unwrap();
    let app = OAuthApp::builder(ID, SECRET).base_url(&base_url).http_client(http()).build().unwrap();
    app.exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    #[cfg(feature = "redis")]
    for port in [1, simulator.base_url().rsplit(':').next().unwrap().parse::<u16>().unwrap()] {
        let url = format!("redis://{SECRET}:{ACCESS}@127.0.0.1:{port}");
        let error = hubspot_partner_clients::redis::Redis::connect(url).await.unwrap_err();
        assert_hidden(&all_of(&error));
    }

    assert!(LOG.lines.load(Ordering::Relaxed) > 0, "nothing is heard");
    assert_eq!(*LOG.shown.lock().unwrap(), [""; 0]);
    let text = heard.text();
    assert!(text.contains("h2::"), "nothing is heard of HTTP/2");
    assert_hidden(&text);
}

#[tokio::test]
async fn an_observer_is_told_no_secret() {
    let heard = Heard::default();
    let headers = [("x-hubspot-correlation-id", ACCESS)];
    let body = format!(r#"{{"message":"bad {ACCESS}","errors":[{{"message":"{ACCESS}"}}]}}"#);
    for (status, body) in [(200, r#"{"results":[]}"#), (400, &body), (500, ACCESS)] {
        let server = answering(status, &headers, body).await;
        let builder = Client::builder().base_url(server.base_url()).access_token(ACCESS).observer(heard.clone());
        let _ = call(&builder.retry(RetryPolicy::never()).build().unwrap()).await;
    }
    let simulator = hubspot().await;
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).token_provider(token).observer(heard.clone());
    call(&builder.build().unwrap()).await.unwrap_err();

    let text = heard.text();
    assert!(text.contains("refresh_token=[redacted]") && text.contains("bad [redacted]"), "{text}");
    assert_hidden(&text);
}

#[tokio::test]
async fn a_short_token_changes_nothing_in_a_success() {
    let server = answering(200, &[], r#"{"results":[{"id":"t","name":"t"}]}"#).await;
    let types = client_at(&server.base_url(), "t").association_types("companies").await.unwrap();
    assert_eq!((types[0].id.as_str(), types[0].name.as_deref()), ("t", Some("t")));
}

#[tokio::test]
async fn a_token_that_an_answer_repeats_with_escapes_does_not_show() {
    let escaped: String = ACCESS.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (status, body) in [
        (200, format!(r#"{{"id":"1","properties":"{escaped}"}}"#)),
        (200, format!(r#"{{"id":"1","properties":"{escaped}","#)),
        (200, format!(r#"{{"deep":{deep},"properties":"{escaped}"}}"#)),
        (400, format!(r#"{{"message":"{escaped}","context":{{"{escaped}":["{escaped}"]}}}}"#)),
    ] {
        let server = answering(status, &[], &body).await;
        let client = client_at(&server.base_url(), ACCESS);
        let error = match client.get(1).await {
            Ok(read) => {
                assert_hidden(&debug(&read));
                continue;
            }
            Err(error) => error,
        };
        assert_hidden(&all_of(&error));
        assert!(!all_of(&error).contains(&escaped[1..]), "it is as good as the token: {error:?}");
        let raw = client.raw().get().partner_client_id(1).send().await.unwrap_err();
        assert_hidden(&debug(&raw));
        assert_hidden(&all_of(&Error::from(raw)));
    }
}
