//! Connecting an account by OAuth, and access tokens that renew themselves.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use httpmock::MockServer;
use hubspot_partner_clients::{
    ApiVersion, Client, Error, RateLimit, RetryPolicy, TokenProvider,
    oauth::{Grant, OAuthApp, OAuthAppBuilder, OAuthToken},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, READ_SCOPE, RecordedRequest, Simulator, WRITE_SCOPE};
use reqwest::Url;
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep, timeout},
};

use crate::support::{RawServer, client_at};

const ID: &str = "client-1";
const SECRET: &str = "secret/&+=1";
const REFRESH: &str = "refresh-1";
const REDIRECT: &str = "https://app.example/connected?from=hubspot";
const LIFETIME: Duration = Duration::from_secs(1800);

fn installed() -> simulator::OAuthApp {
    simulator::OAuthApp::new(ID, SECRET, REFRESH)
}

async fn hubspot(app: simulator::OAuthApp) -> Simulator {
    Simulator::builder().oauth_app(app).start().await.unwrap()
}

fn builder(simulator: &Simulator) -> OAuthAppBuilder {
    OAuthApp::builder(ID, SECRET).base_url(simulator.base_url())
}

/// An app that asks once.
fn app(simulator: &Simulator) -> OAuthApp {
    builder(simulator).retry(RetryPolicy::never()).build().unwrap()
}

/// An app that asks as often as the default policy says.
fn persistent_app(simulator: &Simulator) -> OAuthApp {
    builder(simulator).build().unwrap()
}

fn client_with(base_url: &str, token: OAuthToken) -> Client {
    Client::builder()
        .base_url(base_url)
        .token_provider(token)
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

fn client(simulator: &Simulator) -> Client {
    client_with(simulator.base_url(), app(simulator).token(REFRESH).unwrap())
}

/// A token that keeps what it tells of refresh tokens.
fn telling(simulator: &Simulator, told: &Arc<Mutex<Vec<String>>>) -> OAuthToken {
    let told = Arc::clone(told);
    app(simulator).token(REFRESH).unwrap().on_new_refresh_token(move |token| {
        told.lock().unwrap().push(token);
        ready(Ok::<_, Infallible>(()))
    })
}

async fn call(client: &Client) -> Result<(), Error> {
    client.association_types("companies").await.map(|_| ())
}

async fn calls_at_once(client: &Client, calls: usize) -> Vec<Result<(), Error>> {
    let mut set = JoinSet::new();
    for _ in 0..calls {
        let client = client.clone();
        set.spawn(async move { call(&client).await });
    }
    set.join_all().await
}

fn is_for_a_token(request: &RecordedRequest) -> bool {
    request.path().starts_with("/oauth/")
}

/// The forms that the token endpoint received.
fn asked(simulator: &Simulator) -> Vec<BTreeMap<String, String>> {
    let parse = |request: &RecordedRequest| {
        let form = String::from_utf8(request.body().to_vec()).unwrap();
        Url::parse(&format!("http://form?{form}")).unwrap().query_pairs().into_owned().collect()
    };
    simulator.requests().iter().filter(|request| is_for_a_token(request)).map(parse).collect()
}

fn times_asked(simulator: &Simulator) -> usize {
    asked(simulator).len()
}

/// The `Authorization` headers and statuses of the calls.
fn answered(simulator: &Simulator) -> Vec<(String, Option<u16>)> {
    let requests = simulator.requests();
    let calls = requests.iter().filter(|request| !is_for_a_token(request));
    calls.map(|call| (call.header("authorization").unwrap().to_owned(), call.status())).collect()
}

async fn connected(simulator: &Simulator, app: &OAuthApp) -> Grant {
    let code = simulator.authorize(REDIRECT, None).unwrap();
    app.exchange(&code, REDIRECT, None).await.unwrap()
}

// The authorisation page.

#[test]
fn the_authorisation_page_gets_every_parameter_that_hubspot_documents() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let authorization = app
        .authorize(REDIRECT)
        .scopes([READ_SCOPE, WRITE_SCOPE])
        .scopes(["oauth"])
        .optional_scopes(["tickets", "crm.objects.deals.read"])
        .build()
        .unwrap();
    let url = Url::parse(authorization.url()).unwrap();
    assert_eq!((url.scheme(), url.host_str(), url.path()), ("https", Some("app.hubspot.com"), "/oauth/authorize"));
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, authorization.code_verifier().as_bytes()));
    let expected: BTreeMap<&str, String> = [
        ("client_id", ID.to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("scope", format!("{READ_SCOPE} {WRITE_SCOPE} oauth")),
        ("optional_scope", "tickets crm.objects.deals.read".to_owned()),
        ("state", authorization.state().to_owned()),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".to_owned()),
    ]
    .into();
    assert_eq!(parameters.len(), expected.len(), "none twice: {parameters:?}");
    for (name, value) in &parameters {
        assert_eq!(expected.get(name.as_str()), Some(value), "{name}");
    }
}

#[test]
fn an_authorisation_page_without_optional_scopes_has_no_parameter_for_them() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let authorization = app.authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    assert!(!authorization.url().contains("optional_scope"), "{}", authorization.url());
}

/// RFC 7636, section 4.1: 43 to 128 unreserved characters.
#[test]
fn the_code_verifier_is_one_that_the_rfc_allows() {
    let authorization = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let verifier = authorization.code_verifier();
    assert!((43..=128).contains(&verifier.len()), "{}", verifier.len());
    assert!(verifier.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{verifier}");
}

#[test]
fn every_authorisation_has_a_state_and_a_verifier_of_its_own() {
    let builder = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]);
    let (first, second) = (builder.clone().build().unwrap(), builder.build().unwrap());
    assert_ne!(first.state(), second.state());
    assert_ne!(first.code_verifier(), second.code_verifier());
    assert_ne!(first.state(), first.code_verifier());
}

#[test]
fn an_authorisation_without_a_scope_or_a_redirect_uri_is_refused_by_name() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let error = app.authorize(REDIRECT).optional_scopes([READ_SCOPE]).build().unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("scopes are missing"), "{error}");
    for redirect in ["", "connected", "/connected", "https://"] {
        let error = app.authorize(redirect).scopes([READ_SCOPE]).build().unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        assert!(error.message().starts_with(&format!("redirect URI {redirect:?} is not a URL")), "{error}");
    }
}

// The code.

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_by_the_verifier_of_its_challenge() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let authorization = app.authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let url = Url::parse(authorization.url()).unwrap();
    let challenge = url.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1.into_owned();
    let code = simulator.authorize(REDIRECT, Some(&challenge)).unwrap();

    let error = app.exchange(&code, REDIRECT, Some("another verifier")).await.unwrap_err();
    assert!(error.is_token() && error.is_invalid_grant(), "{error:?}");
    assert_eq!((error.status(), error.message()), (Some(400), "no access token: missing or invalid code verifier"));

    let grant = app.exchange(&code, REDIRECT, Some(authorization.code_verifier())).await.unwrap();
    assert_eq!(grant.refresh_token(), Some(REFRESH));
    let client = Client::builder().base_url(simulator.base_url()).token_provider(grant.access_token().clone());
    call(&client.build().unwrap()).await.unwrap();

    let error = app.exchange(&code, REDIRECT, Some(authorization.code_verifier())).await.unwrap_err();
    assert!(error.is_token() && error.is_invalid_grant(), "used up: {error:?}");
}

#[tokio::test]
async fn a_grant_tells_account_scopes_and_lifetime() {
    let short = installed().scopes([READ_SCOPE]).access_token_lifetime(Duration::from_secs(600));
    let simulator = hubspot(short).await;
    let grant = connected(&simulator, &app(&simulator)).await;
    assert_eq!(grant.hub_id(), Some(1_234_567));
    assert_eq!(grant.scopes(), [READ_SCOPE]);
    assert_eq!(grant.expires_in(), Duration::from_secs(600));
}

#[tokio::test]
async fn an_answer_may_hold_nothing_but_the_access_token() {
    let server = answering(r#"{"access_token":"a-1","refresh_token":""}"#).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    assert_eq!((grant.hub_id(), grant.refresh_token(), grant.expires_in()), (None, None, LIFETIME));
    assert!(grant.scopes().is_empty());
    let error = app.token_of(&grant).unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("grant has no refresh token: "), "{error}");
}

#[tokio::test]
async fn an_odd_field_of_an_answer_does_not_cost_its_tokens() {
    for odd in
        [r#""expires_in":"600","hub_id":"7","scopes":null"#, r#""expires_in":600.0,"hub_id":7,"scopes":[],"new":[{}]"#]
    {
        let server = answering(&format!("\u{feff}{{{odd},\"access_token\":\"a-1\",\"refresh_token\":\"r-1\"}}")).await;
        let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
        let grant = app.exchange("code", REDIRECT, None).await.unwrap();
        assert_eq!((grant.hub_id(), grant.expires_in()), (Some(7), Duration::from_secs(600)), "{odd}");
        assert!(grant.scopes().is_empty() && grant.refresh_token().is_some());
    }
    let server = answering(r#"{"access_token":"a-1","expires_in":-1,"hub_id":{}}"#).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    assert_eq!((grant.hub_id(), grant.expires_in()), (None, LIFETIME));
}

/// Its answer to every request for a token.
async fn answering(body: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path_includes("/oauth/");
            then.status(200).header("content-type", "application/json").body(body);
        })
        .await;
    server
}

#[tokio::test(start_paused = true)]
async fn an_exchange_whose_answer_is_lost_is_not_repeated_but_one_that_was_refused_is() {
    let simulator = hubspot(installed()).await;
    let app = persistent_app(&simulator);
    let code = simulator.authorize(REDIRECT, None).unwrap();
    simulator.inject(Fault::status(429).on("oauth_token").times(2));
    app.exchange(&code, REDIRECT, None).await.unwrap();
    assert_eq!(times_asked(&simulator), 3);

    for fault in [Fault::reset().after_operation(), Fault::status(503)] {
        simulator.clear_requests();
        let code = simulator.authorize(REDIRECT, None).unwrap();
        simulator.inject(fault.on("oauth_token").times(1));
        let error = app.exchange(&code, REDIRECT, None).await.unwrap_err();
        assert!(error.is_token() && !error.is_invalid_grant(), "{error:?}");
        assert_eq!(times_asked(&simulator), 1);
    }
}

#[tokio::test]
async fn the_token_of_a_grant_starts_with_the_grant_s_own() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let grant = connected(&simulator, &app).await;
    let client = client_with(simulator.base_url(), app.token_of(&grant).unwrap());
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 1, "for the exchange");
    simulator.expire_tokens();
    call(&client).await.unwrap();
    let last = asked(&simulator).pop().unwrap();
    assert_eq!((last["grant_type"].as_str(), last["refresh_token"].as_str()), ("refresh_token", REFRESH));
}

/// The longest time that seconds in 64 bits can say is more than the clock can.
#[tokio::test]
async fn a_refusal_with_the_status_of_a_success_is_told_as_a_refusal() {
    let body = r#"{"error":"invalid_grant","error_description":"the code has expired"}"#;
    let utf_16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [body.as_bytes(), &[b"\xef\xbb\xbf", body.as_bytes()].concat(), &utf_16] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let server = RawServer::answering([head.as_bytes(), body].concat()).await;
        let app = OAuthApp::builder("id", "secret").base_url(&server.base_url).build().unwrap();
        let error = app.exchange("c-7", "https://my.app", None).await.unwrap_err();
        assert!(error.is_invalid_grant() && error.message().contains("the code has expired"), "{error:?}");
        assert!(error.remedy().contains("Connect the account again") && error.attempts() == 1, "{error:?}");
    }
}

#[tokio::test]
async fn an_absurd_lifetime_does_no_harm() {
    let lifetime = u64::MAX;
    let server = answering(&format!(r#"{{"access_token":"a-1","refresh_token":"r","expires_in":{lifetime}}}"#)).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    for token in [app.token_of(&grant).unwrap(), app.token(REFRESH).unwrap()] {
        token.access_token().await.unwrap();
    }
}

// The client's calls.

#[tokio::test]
async fn the_first_call_asks_for_a_token_and_the_next_ones_use_it() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    assert!(simulator.requests().is_empty(), "nothing is sent before");
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    let form: BTreeMap<String, String> =
        [("grant_type", "refresh_token"), ("client_id", ID), ("client_secret", SECRET), ("refresh_token", REFRESH)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    assert_eq!(asked(&simulator), [form]);
    let request = &simulator.requests()[0];
    assert_eq!((request.method(), request.path()), ("POST", "/oauth/2026-09/token"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn clones_of_a_token_and_of_its_client_share_it() {
    let simulator = hubspot(installed()).await;
    let token = app(&simulator).token(REFRESH).unwrap();
    for token in [token.clone(), token] {
        call(&client_with(simulator.base_url(), token).clone()).await.unwrap();
    }
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_calls_without_a_token_make_one_refresh() {
    let simulator = hubspot(installed()).await;
    let outcomes = calls_at_once(&client(&simulator), 200).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 200, "{outcomes:?}");
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(start_paused = true)]
async fn any_number_of_calls_refused_with_an_expired_token_make_one_refresh() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    simulator.expire_tokens();
    simulator.clear_requests();
    simulator.inject(Fault::delay(Duration::from_secs(1)).on("oauth_token"));
    let outcomes = calls_at_once(&client, 200).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 200, "{outcomes:?}");
    assert_eq!(times_asked(&simulator), 1);
    let refused = answered(&simulator).iter().filter(|(_, status)| *status == Some(401)).count();
    assert!(refused > 100, "or it shows nothing: {refused}");
}

#[tokio::test]
async fn a_late_refusal_of_the_old_token_does_not_cost_the_new_one() {
    let simulator = hubspot(installed()).await;
    let token = app(&simulator).token(REFRESH).unwrap();
    let client = client_with(simulator.base_url(), token.clone());
    let old = token.access_token().await.unwrap();
    simulator.expire_tokens();
    call(&client).await.unwrap();
    assert!(token.invalidate(&old), "there is another one");
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test(start_paused = true)]
async fn every_call_that_waited_for_a_refresh_gets_its_error() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.revoke_refresh_token();
    simulator.inject(Fault::delay(Duration::from_secs(1)).on("oauth_token"));
    for outcome in calls_at_once(&client, 50).await {
        let error = outcome.unwrap_err();
        assert!(error.is_token() && error.is_invalid_grant() && !error.is_retryable(), "{error:?}");
        assert_eq!((error.operation(), error.status()), (Some("association_types"), Some(400)));
        assert!(error.remedy().starts_with("Connect the account again"), "{}", error.remedy());
    }
    assert_eq!(times_asked(&simulator), 1);
    assert!(answered(&simulator).is_empty(), "no call was sent");
}

#[tokio::test]
async fn a_failed_refresh_is_told_in_one_sentence() {
    let simulator = hubspot(installed()).await;
    simulator.revoke_refresh_token();
    let error = call(&client(&simulator)).await.unwrap_err();
    let told = "association_types: HubSpot answered 400: no access token: missing or invalid refresh token";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[tokio::test]
async fn the_call_after_a_failed_refresh_tries_again() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.inject(Fault::status(500).on("oauth_token").times(1));
    let error = call(&client).await.unwrap_err();
    assert!(error.is_token() && !error.is_invalid_grant(), "{error:?}");
    assert_eq!(error.status(), Some(500));
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test]
async fn an_account_that_was_connected_again_works_again() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let first = client_with(simulator.base_url(), app.token(REFRESH).unwrap());
    call(&first).await.unwrap();
    simulator.expire_tokens();
    simulator.revoke_refresh_token();
    assert!(call(&first).await.unwrap_err().is_invalid_grant());

    let grant = connected(&simulator, &app).await;
    assert_ne!(grant.refresh_token(), Some(REFRESH));
    let again = first.for_account(app.token_of(&grant).unwrap());
    for _ in 0..2 {
        call(&again).await.unwrap();
        simulator.expire_tokens();
    }
    assert!(call(&first).await.unwrap_err().is_invalid_grant(), "the token revoked stays revoked");
}

#[tokio::test]
async fn a_call_refused_once_is_sent_again_with_another_token_but_not_twice() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.inject(Fault::status(401).on("association_types"));
    let error = call(&client).await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_token(), "{error:?}");
    assert_eq!((error.attempts(), times_asked(&simulator)), (2, 2));
    let sent = answered(&simulator);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].0, sent[1].0);
}

#[tokio::test]
async fn a_static_token_that_is_refused_is_not_tried_again() {
    let simulator = Simulator::start().await.unwrap();
    let error = call(&client_at(simulator.base_url(), "unknown")).await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!((error.attempts(), simulator.requests().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_cancel_the_refresh() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    simulator.inject(Fault::delay(Duration::from_secs(5)).on("oauth_token").times(1));
    timeout(Duration::from_secs(1), call(&client)).await.unwrap_err();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(told.lock().unwrap().len(), 1, "the only refresh token that is still good");
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 1);
}

/// A program that is not asynchronous itself makes a runtime for a call now and then.
#[test]
fn a_refresh_that_ended_with_its_runtime_is_made_anew() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let at_hubspot = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = at_hubspot.block_on(hubspot(installed()));
    let client = client(&simulator);
    let first = runtime();
    first.block_on(async { assert!(call(&client).now_or_never().is_none(), "it waits for the refresh") });
    drop(first);
    runtime().block_on(call(&client)).unwrap();
}

// Ahead of the end.

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_ahead_of_its_end_while_calls_go_on_with_the_old_one() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    advance(LIFETIME * 5 / 6 - Duration::from_secs(1)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(times_asked(&simulator), 1, "not yet due");

    advance(Duration::from_secs(1)).await;
    simulator.inject(Fault::delay(Duration::from_secs(5)).on("oauth_token"));
    let due = Instant::now();
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    assert!(due.elapsed() < Duration::from_secs(1), "no call waits: {:?}", due.elapsed());
    sleep(Duration::from_secs(6)).await;
    assert_eq!(times_asked(&simulator), 2);
    call(&client).await.unwrap();
    call(&client).await.unwrap();

    let tokens: Vec<String> = answered(&simulator).into_iter().map(|(token, _)| token).collect();
    assert!(tokens[..5].iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(tokens[5..].iter().all(|token| *token == tokens[5]), "{tokens:?}");
    assert_ne!(tokens[0], tokens[5]);
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_refused_over_several_lifetimes() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    for _ in 0..100 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(61)).await;
    }
    let answered = answered(&simulator);
    assert_eq!(answered.len(), 100);
    assert!(answered.iter().all(|(_, status)| *status == Some(200)), "{answered:?}");
    assert_eq!(times_asked(&simulator), 4, "6,039 seconds, and one refresh every 1,500");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_about_to_end_is_not_sent() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    for pause in [LIFETIME - Duration::from_secs(1), LIFETIME * 3] {
        advance(pause).await;
        call(&client).await.unwrap();
    }
    let sent = answered(&simulator);
    assert!(sent.iter().all(|(_, status)| *status == Some(200)), "{sent:?}");
    assert!(sent[0].0 != sent[1].0 && sent[1].0 != sent[2].0, "each by a new token: {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_ahead_of_the_end_fails_no_call_and_is_repeated_after_a_pause() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    sleep(LIFETIME * 5 / 6).await;
    simulator.inject(Fault::status(500).on("oauth_token"));
    for _ in 0..9 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(times_asked(&simulator), 2, "one that failed");
    simulator.clear_faults();
    sleep(Duration::from_secs(2)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(times_asked(&simulator), 3, "one more");
    call(&client).await.unwrap();
    let answered = answered(&simulator);
    assert_ne!(answered.first().unwrap().0, answered.last().unwrap().0);
    assert!(answered.iter().all(|(_, status)| *status == Some(200)), "{answered:?}");
}

// The token endpoint.

#[tokio::test(start_paused = true)]
async fn a_refresh_is_tried_again_where_the_endpoint_fails() {
    for fault in [Fault::status(503), Fault::reset(), Fault::html(502), Fault::truncated_body(), Fault::status(429)] {
        let simulator = hubspot(installed()).await;
        let token = persistent_app(&simulator).token(REFRESH).unwrap();
        simulator.inject(fault.clone().on("oauth_token").times(2));
        let client = client_with(simulator.base_url(), token);
        call(&client).await.unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        assert_eq!((times_asked(&simulator), answered(&simulator).len()), (3, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_given_up_after_the_policy_s_attempts() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(503).on("oauth_token"));
    let token = builder(&simulator).retry(RetryPolicy::default().max_attempts(3)).build().unwrap().token(REFRESH);
    let error = call(&client_with(simulator.base_url(), token.unwrap())).await.unwrap_err();
    assert!(error.is_token());
    assert_eq!((error.status(), times_asked(&simulator)), (Some(503), 3));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_refused_for_good_is_not_tried_again() {
    let simulator = hubspot(installed()).await;
    simulator.revoke_refresh_token();
    let token = persistent_app(&simulator).token(REFRESH).unwrap();
    assert!(call(&client_with(simulator.base_url(), token)).await.unwrap_err().is_invalid_grant());
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_tried_again_with_backoff() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(503).on("oauth_token"));
    let policy =
        RetryPolicy::default().max_attempts(30).base_delay(Duration::from_secs(10)).max_delay(Duration::from_secs(10));
    let token = builder(&simulator).retry(policy).build().unwrap().token(REFRESH).unwrap();
    let started = Instant::now();
    call(&client_with(simulator.base_url(), token)).await.unwrap_err();
    // 29 random delays of 5 s on average; all of them below 1 s has a probability of 10^-29.
    assert!(started.elapsed() > Duration::from_secs(29), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_s_retry_after_is_honoured() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(429).retry_after(Duration::from_secs(40)).on("oauth_token").times(1));
    let token = persistent_app(&simulator).token(REFRESH).unwrap();
    let started = Instant::now();
    call(&client_with(simulator.base_url(), token)).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_does_not_answer_is_given_up_after_the_timeout() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::delay(Duration::from_secs(3600)).on("oauth_token"));
    let app = builder(&simulator).retry(RetryPolicy::never()).timeout(Duration::from_secs(7)).build().unwrap();
    let started = Instant::now();
    let error = call(&client_with(simulator.base_url(), app.token(REFRESH).unwrap())).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("did not answer in time"), "{error:?}");
    assert_eq!(started.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_used_next_and_told_once() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    for _ in 0..3 {
        call(&client).await.unwrap();
        call(&client).await.unwrap();
        simulator.expire_tokens();
    }
    let told = told.lock().unwrap().clone();
    let used: Vec<String> = asked(&simulator).iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!((used.len(), told.len()), (3, 3));
    assert_eq!((used[0].as_str(), &used[1..]), (REFRESH, &told[..2]), "each one until the next");
}

#[tokio::test]
async fn a_refresh_token_that_stays_is_not_told() {
    let simulator = hubspot(installed()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    for _ in 0..3 {
        call(&client).await.unwrap();
        simulator.expire_tokens();
    }
    assert_eq!((times_asked(&simulator), told.lock().unwrap().len()), (3, 0));
}

/// As a database writes it, which takes its time.
#[tokio::test(start_paused = true)]
async fn a_new_refresh_token_is_kept_before_its_access_token_is_used() {
    let simulator = Arc::new(hubspot(installed().rotating_refresh_token()).await);
    let calls_before = Arc::new(Mutex::new(Vec::new()));
    let token = app(&simulator).token(REFRESH).unwrap().on_new_refresh_token({
        let (simulator, calls_before) = (Arc::clone(&simulator), Arc::clone(&calls_before));
        move |_| {
            let (simulator, calls_before) = (Arc::clone(&simulator), Arc::clone(&calls_before));
            async move {
                sleep(Duration::from_secs(2)).await;
                calls_before.lock().unwrap().push(answered(&simulator).len());
                Ok::<_, std::io::Error>(())
            }
        }
    });
    let client = client_with(simulator.base_url(), token);
    let started = Instant::now();
    for outcome in calls_at_once(&client, 20).await {
        outcome.unwrap();
    }
    assert_eq!(*calls_before.lock().unwrap(), [0], "once, and before any call");
    assert!(started.elapsed() >= Duration::from_secs(2));
}

/// Fails so many times, and says why as a database might, with what it was given.
fn failing_to_keep(token: OAuthToken, times: usize, asked: &Arc<Mutex<Vec<String>>>) -> OAuthToken {
    let asked = Arc::clone(asked);
    token.on_new_refresh_token(move |token| {
        let mut asked = asked.lock().unwrap();
        asked.push(token.clone());
        let kept = if asked.len() <= times { Err(format!("the disk is full: {token}")) } else { Ok(()) };
        ready(kept)
    })
}

#[tokio::test]
async fn a_refresh_token_that_was_not_kept_fails_the_call_and_is_kept_by_the_next() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let asked_to_keep = Arc::new(Mutex::new(Vec::new()));
    let token = failing_to_keep(app(&simulator).token(REFRESH).unwrap(), 2, &asked_to_keep);
    let client = client_with(simulator.base_url(), token);
    for _ in 0..2 {
        let error = call(&client).await.unwrap_err();
        assert!(error.is_token() && error.message().contains("the disk is full: [redacted]"), "{error}");
        assert!(!format!("{error:?}").contains(&asked_to_keep.lock().unwrap()[0]), "{error:?}");
    }
    assert!(answered(&simulator).is_empty(), "no call was sent");
    call(&client).await.unwrap();
    let kept = asked_to_keep.lock().unwrap().clone();
    assert_eq!((kept.len(), times_asked(&simulator)), (3, 1), "HubSpot was asked once");
    assert!(kept.iter().all(|token| *token == kept[0] && token != REFRESH));
    simulator.expire_tokens();
    call(&client).await.unwrap();
    assert_eq!(asked(&simulator)[1]["refresh_token"], kept[0], "it is the one in use");
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_with_the_old_access_token_while_the_new_refresh_token_is_not_kept() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let app = app(&simulator);
    let grant = connected(&simulator, &app).await;
    let asked_to_keep = Arc::new(Mutex::new(Vec::new()));
    let token = failing_to_keep(app.token_of(&grant).unwrap(), 1, &asked_to_keep);
    let client = client_with(simulator.base_url(), token);
    let kept = |times: usize| assert_eq!(asked_to_keep.lock().unwrap().len(), times);
    call(&client).await.unwrap();
    advance(LIFETIME * 5 / 6).await;
    for _ in 0..9 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    kept(1);
    sleep(Duration::from_secs(2)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    kept(2);
    call(&client).await.unwrap();
    let tokens: Vec<String> = answered(&simulator).into_iter().map(|(token, _)| token).collect();
    let (newest, old) = tokens.split_last().unwrap();
    assert!(old.iter().all(|token| *token == old[0] && token != newest), "{tokens:?}");
    assert_eq!(times_asked(&simulator), 2, "the code, and one refresh");
}

/// Which waits for the callback, were it not for its end.
#[tokio::test(start_paused = true)]
async fn a_callback_that_hangs_or_uses_the_token_itself_fails_in_time() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let itself = Arc::new(OnceLock::<Client>::new());
    let token = app(&simulator).token(REFRESH).unwrap().on_new_refresh_token({
        let itself = Arc::clone(&itself);
        move |_| {
            let client = itself.get().unwrap().clone();
            async move { call(&client).await }
        }
    });
    let client = client_with(simulator.base_url(), token);
    itself.set(client.clone()).unwrap();
    let started = Instant::now();
    let error = call(&client).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("longer than 30s"), "{error}");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_disconnected_account_do_not_all_ask() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let client = client_with(simulator.base_url(), app.token(REFRESH).unwrap());
    simulator.revoke_refresh_token();
    for second in 0..60 {
        // As a web service makes one for each request.
        let other = client.for_account(app.token(REFRESH).unwrap());
        for client in [&client, &other] {
            let error = call(client).await.unwrap_err();
            assert!(error.is_invalid_grant() && error.status() == Some(400), "{second}: {error:?}");
        }
        sleep(Duration::from_millis(990)).await;
    }
    assert_eq!(times_asked(&simulator), 1);
    sleep(Duration::from_secs(1)).await;
    assert!(call(&client).await.unwrap_err().is_invalid_grant());
    assert_eq!(times_asked(&simulator), 2);
}

/// HubSpot gives an account that is connected again the refresh token that it had.
#[tokio::test]
async fn connecting_an_account_again_ends_its_refusal() {
    let server = MockServer::start_async().await;
    let revoked = server
        .mock_async(|when, then| {
            when.body_includes("grant_type=refresh_token");
            then.status(400).body(r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#);
        })
        .await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).retry(RetryPolicy::never()).build().unwrap();
    let token = app.token(REFRESH).unwrap();
    for _ in 0..3 {
        token.access_token().await.unwrap_err();
    }
    revoked.assert_calls_async(1).await;
    revoked.delete_async().await;
    server
        .mock_async(|_, then| {
            let tokens = format!(r#"{{"access_token":"a","refresh_token":"{REFRESH}","expires_in":1800}}"#);
            then.status(200).header("content-type", "application/json").body(tokens);
        })
        .await;
    token.access_token().await.unwrap_err();
    app.exchange("code", REDIRECT, None).await.unwrap();
    token.access_token().await.unwrap();
}

#[tokio::test]
async fn another_version_of_the_endpoint_is_used_where_it_is_set() {
    let simulator = hubspot(installed()).await;
    let app = builder(&simulator).api_version(ApiVersion::V3).build().unwrap();
    call(&client_with(simulator.base_url(), app.token(REFRESH).unwrap())).await.unwrap();
    assert_eq!(simulator.requests()[0].path(), "/oauth/v3/token");
}

#[tokio::test]
async fn a_base_url_with_a_path_keeps_it() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/hubspot/oauth/2026-09/token");
            then.status(200).body(r#"{"access_token":"a-1"}"#);
        })
        .await;
    for slash in ["", "/"] {
        let app = OAuthApp::builder(ID, SECRET).base_url(format!("{}/hubspot{slash}", server.base_url()));
        app.build().unwrap().exchange("code", REDIRECT, None).await.unwrap();
    }
    assert_eq!(mock.calls_async().await, 2);
}

#[tokio::test]
async fn a_redirect_does_not_take_the_secrets_elsewhere() {
    let elsewhere = RawServer::json(200, r#"{"access_token":"a-1"}"#).await;
    for status in [301, 302, 303, 307, 308] {
        let simulator = hubspot(installed()).await;
        simulator.inject(Fault::redirect(status, &elsewhere.base_url).on("oauth_token"));
        let error = call(&client(&simulator)).await.unwrap_err();
        assert!(error.is_token(), "{error:?}");
        assert_eq!(error.status(), Some(status));
    }
    assert!(elsewhere.received().is_empty());
}

// Settings.

#[test]
fn a_setting_that_cannot_be_used_is_refused_by_name() {
    let builder = |id: &str, secret: &str| OAuthApp::builder(id, secret);
    let app = || builder(ID, SECRET);
    for (refused, told) in [
        (builder("", SECRET), "client id is empty"),
        (builder(ID, ""), "client secret is empty"),
        (
            app().base_url("http://api.hubapi.com"),
            "base URL \"http://api.hubapi.com\" would send the token in the clear",
        ),
        (app().base_url("api.hubapi.com"), "base URL \"api.hubapi.com\" is not a URL"),
        (app().token_path(""), "token path is not a path"),
        (app().token_path("oauth/v1/token"), "token path is not a path"),
        (app().token_path("/oauth/v1/token?x=1"), "token path is not a path"),
        (app().token_path("/oauth/v1/token#x"), "token path is not a path"),
        (app().timeout(Duration::ZERO), "timeout \"0s\" leaves no time"),
        (app().retry(RetryPolicy::default().max_attempts(0)), "retry policy's max_attempts is 0"),
    ] {
        let error = refused.build().unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        assert!(error.message().starts_with(told), "{error}");
    }
}

#[test]
fn a_refresh_token_that_is_empty_is_refused_by_name() {
    let error = OAuthApp::new(ID, SECRET).unwrap().token("").unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("refresh token is empty"), "{error}");
}

#[test]
fn an_app_at_loopback_may_use_plain_http() {
    for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://api.hubapi.com"] {
        OAuthApp::builder(ID, SECRET).base_url(url).build().unwrap();
    }
}
