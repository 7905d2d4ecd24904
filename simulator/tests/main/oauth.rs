//! The simulator's OAuth token endpoint.

use std::time::Duration;

use hubspot_simulator::{OAuthApp, READ_SCOPE, Simulator, WRITE_SCOPE};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::advance;

const REFRESH: [(&str, &str); 4] = [
    ("grant_type", "refresh_token"),
    ("client_id", "id-1"),
    ("client_secret", "hush/&+ hush"),
    ("refresh_token", "refresh-1"),
];
const REDIRECT: &str = "https://app.example/back?a=b";

fn app() -> OAuthApp {
    OAuthApp::new("id-1", "hush/&+ hush", "refresh-1")
}

async fn start(app: OAuthApp) -> Simulator {
    Simulator::builder().oauth_app(app).start().await.unwrap()
}

async fn post(simulator: &Simulator, path: &str, fields: &[(&str, &str)]) -> Response {
    let body = reqwest::Url::parse_with_params("http://form", fields).unwrap().query().unwrap_or_default().to_owned();
    Client::new()
        .post(format!("{}{path}", simulator.base_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap()
}

/// `REFRESH` with some fields replaced; an empty value leaves the field out.
fn fields<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = REFRESH.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| name != changed));
    kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

async fn granted(simulator: &Simulator, fields: &[(&str, &str)]) -> Value {
    let response = post(simulator, "/oauth/2026-03/token", fields).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-hubspot-correlation-id"));
    response.json().await.unwrap()
}

async fn refused(simulator: &Simulator, fields: &[(&str, &str)]) -> (String, String) {
    let response = post(simulator, "/oauth/2026-03/token", fields).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
    assert_eq!(body["error_description"], body["message"]);
    assert!(body["message"].is_string());
    (body["error"].as_str().unwrap().to_owned(), body["status"].as_str().unwrap().to_owned())
}

fn refusal(error: &str, status: &str) -> (String, String) {
    (error.to_owned(), status.to_owned())
}

/// The status and category with which a token is answered.
async fn with_token(simulator: &Simulator, token: &str) -> (u16, Value) {
    let url = format!("{}/crm/v3/objects/partner_clients/512", simulator.base_url());
    let response = Client::new().get(url).bearer_auth(token).send().await.unwrap();
    (response.status().as_u16(), response.json::<Value>().await.unwrap()["category"].clone())
}

fn token(grant: &Value) -> &str {
    grant["access_token"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_version_of_the_endpoint_exchanges_a_refresh_token() {
    let simulator = start(app()).await;
    for path in ["/oauth/2026-03/token", "/oauth/v3/token", "/oauth/v1/token"] {
        let response = post(&simulator, path, &REFRESH).await;
        assert_eq!(response.status(), 200, "{path}");
        let grant: Value = response.json().await.unwrap();
        assert_eq!(
            grant,
            json!({
                "token_type": "bearer", "access_token": token(&grant), "refresh_token": "refresh-1",
                "expires_in": 1800, "hub_id": 1234567, "scopes": [READ_SCOPE, WRITE_SCOPE],
            })
        );
        assert_eq!(with_token(&simulator, token(&grant)).await, (200, Value::Null));
    }
    assert_eq!(post(&simulator, "/oauth/v2/token", &REFRESH).await.status(), 401, "not an endpoint");
}

#[tokio::test(start_paused = true)]
async fn an_access_token_lives_for_its_lifetime_and_each_refresh_issues_another() {
    for (app, lifetime) in [(app(), 1800), (app().access_token_lifetime(Duration::from_secs(60)), 60)] {
        let simulator = start(app).await;
        let first = granted(&simulator, &REFRESH).await;
        assert_eq!(first["expires_in"], lifetime);
        advance(Duration::from_secs(lifetime) - Duration::from_millis(1)).await;
        assert_eq!(with_token(&simulator, token(&first)).await.0, 200);
        let second = granted(&simulator, &REFRESH).await;
        advance(Duration::from_millis(1)).await;
        assert_eq!(with_token(&simulator, token(&first)).await, (401, json!("EXPIRED_AUTHENTICATION")));
        assert_eq!(with_token(&simulator, token(&second)).await.0, 200);
        assert_eq!(with_token(&simulator, "unknown").await, (401, json!("INVALID_AUTHENTICATION")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_access_token_that_outlasts_the_clock_is_issued_all_the_same() {
    let simulator = start(app().access_token_lifetime(Duration::MAX)).await;
    let grant = granted(&simulator, &REFRESH).await;
    assert_eq!(with_token(&simulator, token(&grant)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_access_token_carries_the_scopes_of_the_app() {
    let simulator = start(app().scopes([WRITE_SCOPE])).await;
    let grant = granted(&simulator, &REFRESH).await;
    assert_eq!(grant["scopes"], json!([WRITE_SCOPE]));
    assert_eq!(with_token(&simulator, token(&grant)).await, (403, json!("MISSING_SCOPES")));
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_on_demand_but_static_ones_do_not() {
    let simulator = start(app()).await;
    let grant = granted(&simulator, &REFRESH).await;
    simulator.expire_tokens();
    assert_eq!(with_token(&simulator, token(&grant)).await, (401, json!("EXPIRED_AUTHENTICATION")));
    assert_eq!(with_token(&simulator, simulator.access_token()).await.0, 200);
    assert_eq!(with_token(&simulator, token(&granted(&simulator, &REFRESH).await)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_stays_unless_it_rotates() {
    let simulator = start(app()).await;
    for _ in 0..2 {
        assert_eq!(granted(&simulator, &REFRESH).await["refresh_token"], "refresh-1");
    }
    let simulator = start(app().rotating_refresh_token()).await;
    let first = granted(&simulator, &REFRESH).await["refresh_token"].clone();
    assert_ne!(first, "refresh-1");
    assert_eq!(refused(&simulator, &REFRESH).await, refusal("invalid_grant", "BAD_REFRESH_TOKEN"));
    let next = fields(&[("refresh_token", first.as_str().unwrap())]);
    assert_ne!(granted(&simulator, &next).await["refresh_token"], first);
    assert_eq!(refused(&simulator, &next).await, refusal("invalid_grant", "BAD_REFRESH_TOKEN"));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_refresh_token_is_refused_until_the_user_agrees_again() {
    let simulator = start(app()).await;
    simulator.revoke_refresh_token();
    assert_eq!(refused(&simulator, &REFRESH).await, refusal("invalid_grant", "BAD_REFRESH_TOKEN"));
    let code = simulator.authorize(REDIRECT, None).unwrap();
    let grant = granted(&simulator, &exchange(&code, REDIRECT, "")).await;
    assert_eq!(refused(&simulator, &REFRESH).await, refusal("invalid_grant", "BAD_REFRESH_TOKEN"));
    granted(&simulator, &fields(&[("refresh_token", grant["refresh_token"].as_str().unwrap())])).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_wrong_is_named() {
    let simulator = start(app()).await;
    for (name, value, error, status) in [
        ("grant_type", "", "unsupported_grant_type", "BAD_GRANT_TYPE"),
        ("grant_type", "password", "unsupported_grant_type", "BAD_GRANT_TYPE"),
        ("client_id", "", "invalid_client", "BAD_CLIENT_ID"),
        ("client_id", "id-2", "invalid_client", "BAD_CLIENT_ID"),
        ("client_secret", "", "invalid_client", "BAD_CLIENT_SECRET"),
        ("client_secret", "hush", "invalid_client", "BAD_CLIENT_SECRET"),
        ("refresh_token", "", "invalid_grant", "BAD_REFRESH_TOKEN"),
        ("refresh_token", "refresh-2", "invalid_grant", "BAD_REFRESH_TOKEN"),
    ] {
        assert_eq!(refused(&simulator, &fields(&[(name, value)])).await, refusal(error, status), "{name}={value}");
    }
    assert_eq!(refused(&simulator, &[]).await, refusal("unsupported_grant_type", "BAD_GRANT_TYPE"));

    let without_app = Simulator::start().await.unwrap();
    assert_eq!(refused(&without_app, &REFRESH).await, refusal("invalid_client", "BAD_CLIENT_ID"));
    assert_eq!(without_app.authorize(REDIRECT, None), None);
}

fn exchange<'a>(code: &'a str, redirect_uri: &'a str, verifier: &'a str) -> Vec<(&'a str, &'a str)> {
    fields(&[
        ("grant_type", "authorization_code"),
        ("refresh_token", ""),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
    ])
}

#[tokio::test(start_paused = true)]
async fn an_authorization_code_serves_once_and_for_its_own_redirect_uri() {
    let simulator = start(app()).await;
    let code = simulator.authorize(REDIRECT, None).unwrap();
    for (code, redirect, status) in [
        ("", REDIRECT, "BAD_AUTH_CODE"),
        ("other", REDIRECT, "BAD_AUTH_CODE"),
        (&code, "", "BAD_REDIRECT_URI"),
        (&code, "https://app.example/other", "BAD_REDIRECT_URI"),
    ] {
        assert_eq!(
            refused(&simulator, &exchange(code, redirect, "")).await,
            refusal("invalid_grant", status),
            "{redirect}"
        );
    }
    let grant = granted(&simulator, &exchange(&code, REDIRECT, "")).await;
    assert_eq!(grant["refresh_token"], "refresh-1");
    assert_eq!(with_token(&simulator, token(&grant)).await.0, 200);
    let again = refused(&simulator, &exchange(&code, REDIRECT, "")).await;
    assert_eq!(again, refusal("invalid_grant", "BAD_AUTH_CODE"));
}

/// The verifier and challenge of RFC 7636, appendix B.
#[tokio::test(start_paused = true)]
async fn a_code_challenge_takes_its_verifier() {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let simulator = start(app()).await;
    let code = simulator.authorize(REDIRECT, Some(challenge)).unwrap();
    for wrong in ["", challenge, "another"] {
        let refused = refused(&simulator, &exchange(&code, REDIRECT, wrong)).await;
        assert_eq!(refused, refusal("invalid_grant", "BAD_CODE_VERIFIER"), "{wrong}");
    }
    granted(&simulator, &exchange(&code, REDIRECT, verifier)).await;
}

#[tokio::test(start_paused = true)]
async fn secrets_do_not_show_in_debug_output() {
    let app = app();
    let builder = Simulator::builder().oauth_app(app.clone());
    let shown = format!("{app:?} {builder:?}");
    let simulator = builder.start().await.unwrap();
    let grant = granted(&simulator, &REFRESH).await;
    post(&simulator, "/oauth/v9/token?client_secret=hush", &REFRESH).await;
    assert_eq!(simulator.requests().len(), 2);
    let shown = format!("{shown} {:?} {simulator:?}", simulator.requests());
    for secret in ["hush", "refresh-1", token(&grant)] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(String::from_utf8_lossy(simulator.requests()[0].body()).contains("refresh-1"), "kept for assertions");
}
