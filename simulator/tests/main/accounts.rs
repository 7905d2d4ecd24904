//! What an account and its tokens tell of themselves.

use std::time::Duration;

use hubspot_simulator::{OAuthApp, READ_SCOPE, RateLimits, Simulator, WRITE_SCOPE};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::advance;

use crate::support::Caller;

fn app() -> OAuthApp {
    OAuthApp::new("app", "hidden-secret", "hidden-refresh")
}

async fn form(caller: &Caller, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}{path}", caller.simulator.base_url());
    let response = reqwest::Client::new().post(url).form(fields).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn access_token(caller: &Caller) -> String {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "hidden-secret"),
        ("refresh_token", "hidden-refresh"),
    ];
    form(caller, "/oauth/v3/token", &fields).await.1["access_token"].as_str().unwrap().to_owned()
}

/// A GET without a bearer token.
async fn open(caller: &Caller, path: &str) -> (u16, Value) {
    let url = format!("{}{path}", caller.simulator.base_url());
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_account_tells_its_id_and_time_zone_to_any_token_in_each_version() {
    let caller = Caller::of(Simulator::builder().token("nobody", ["x"])).await;
    for version in ["v3", "2026-03", "2026-09"] {
        let (status, body) =
            caller.send_as("nobody", Method::GET, &format!("/account-info/{version}/details"), Value::Null).await;
        assert_eq!(status, 200, "{version}");
        let expected = json!({
            "portalId": 1234567, "accountType": "STANDARD", "timeZone": "UTC", "companyCurrency": "USD",
            "additionalCurrencies": [], "utcOffset": "+00:00", "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
        });
        assert_eq!(body, expected);
    }
    for version in ["v4", "2027-03", "v1"] {
        assert_eq!(caller.get(&format!("/account-info/{version}/details")).await.0, 404, "{version}");
    }
    let (status, body) = caller.send_as("stranger", Method::GET, "/account-info/v3/details", Value::Null).await;
    assert_eq!((status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    assert_eq!(caller.post("/account-info/v3/details", json!({})).await.0, 405);
}

#[tokio::test(start_paused = true)]
async fn the_use_of_a_day_is_that_of_all_private_apps_and_no_oauth_app() {
    let builder = Simulator::builder().token("other", [READ_SCOPE]).oauth_app(app());
    let caller = Caller::of(builder.rate_limits(RateLimits::default().per_day(100))).await;
    let objects = "/crm/v3/objects/partner_clients";
    caller.get(objects).await;
    caller.send_as("other", Method::GET, objects, Value::Null).await;
    caller.send_as(&access_token(&caller).await, Method::GET, objects, Value::Null).await;
    let usage = "/account-info/2026-09/api-usage/daily/private-apps";
    let (status, body) = caller.get(usage).await;
    let result = &body["results"][0];
    assert_eq!((status, &result["usageLimit"], &result["currentUsage"]), (200, &json!(100), &json!(3)));
    assert_eq!((&result["name"], &result["fetchStatus"]), (&json!("private-apps-api-calls-daily"), &json!("SUCCESS")));
    assert!(result["resetsAt"].as_str().unwrap() > result["collectedAt"].as_str().unwrap(), "{result}");
    advance(Duration::from_secs(24 * 60 * 60)).await;
    assert_eq!(caller.get(usage).await.1["results"][0]["currentUsage"], 1);

    let unlimited = Caller::of(Simulator::builder()).await;
    assert_eq!(unlimited.get(usage).await, (200, json!({"results": []})));
}

#[tokio::test]
async fn the_token_of_a_private_app_tells_its_account_and_scopes() {
    let caller = Caller::of(Simulator::builder().token("pat-other", [READ_SCOPE]).oauth_app(app())).await;
    let path = "/oauth/v2/private-apps/get/access-token-info";
    let (status, body) = caller.send_as("", Method::POST, path, json!({"tokenKey": "pat-other"})).await;
    assert_eq!((status, &body["hubId"], &body["userId"]), (200, &json!(1234567), &json!(1)));
    assert_eq!(body["scopes"], json!([READ_SCOPE]));
    let (_, own) = caller.post(path, json!({"tokenKey": caller.simulator.access_token()})).await;
    assert!(own["appId"].is_u64() && own["appId"] != body["appId"], "{own} {body}");
    for unknown in [access_token(&caller).await.as_str(), "pat-unknown"] {
        assert_eq!(caller.post(path, json!({"tokenKey": unknown})).await.0, 404, "{unknown}");
    }
    assert_eq!(caller.post(path, json!({"token": "pat-other"})).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn an_access_token_tells_its_app_account_scopes_and_time_left() {
    let caller = Caller::of(Simulator::builder().oauth_app(app())).await;
    let token = access_token(&caller).await;
    advance(Duration::from_secs(60)).await;
    let (status, body) = open(&caller, &format!("/oauth/v1/access-tokens/{token}")).await;
    assert_eq!((status, &body["hub_id"], &body["expires_in"]), (200, &json!(1234567), &json!(1740)));
    assert_eq!((&body["scopes"], &body["token"]), (&json!([READ_SCOPE, WRITE_SCOPE]), &json!(token)));
    assert_eq!(body["signed_access_token"]["appId"], body["app_id"]);

    let introspect = async |token: &str, secret: &str| {
        let fields = [("client_id", "app"), ("client_secret", secret), ("token", token)];
        form(&caller, "/oauth/2026-09/token/introspect", &fields).await
    };
    let (_, told) = introspect(&token, "hidden-secret").await;
    assert_eq!((&told["active"], &told["token_use"]), (&json!(true), &json!("access_token")));
    assert_eq!((&told["hub_id"], &told["client_id"]), (&body["hub_id"], &json!("app")));
    let (_, told) = introspect("hidden-refresh", "hidden-secret").await;
    assert_eq!((&told["token_use"], told.get("expires_in")), (&json!("refresh_token"), None));
    assert_eq!(introspect("unknown", "hidden-secret").await, (200, json!({"active": false})));
    assert_eq!(introspect(&token, "wrong").await.1["status"], "BAD_CLIENT_SECRET");

    caller.simulator.expire_tokens();
    assert_eq!(introspect(&token, "hidden-secret").await.1, json!({"active": false}));
    for refused in [token.as_str(), caller.simulator.access_token(), "unknown"] {
        let (status, body) = open(&caller, &format!("/oauth/v1/access-tokens/{refused}")).await;
        assert_eq!((status, &body["message"]), (400, &json!("The access token must have the correct format")));
    }
    let shown = format!("{:?}", caller.simulator.requests());
    for secret in [&token, "hidden", caller.simulator.access_token()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn what_a_token_tells_goes_with_its_version_and_meets_its_faults() {
    for (versions, v1, v3) in [(["v3"], 400, 400), (["2026-09"], 401, 401)] {
        let caller = Caller::of(Simulator::builder().versions(versions)).await;
        assert_eq!(open(&caller, "/oauth/v1/access-tokens/x").await.0, v1);
        assert_eq!(form(&caller, "/oauth/v3/token/introspect", &[]).await.0, v3);
        let key = json!({"tokenKey": caller.simulator.access_token()});
        assert_eq!(caller.post("/oauth/v2/private-apps/get/access-token-info", key).await.0, 200);
    }
    let faults = ["introspect_token", "access_token_info", "private_app_token_info", "account_details", "api_usage"];
    let builder = faults
        .iter()
        .fold(Simulator::builder(), |builder, operation| builder.fault(format!("503:x1:{operation}").parse().unwrap()));
    let caller = Caller::of(builder).await;
    assert_eq!(form(&caller, "/oauth/v3/token/introspect", &[]).await.0, 503);
    assert_eq!(open(&caller, "/oauth/v1/access-tokens/x").await.0, 503);
    assert_eq!(caller.post("/oauth/v2/private-apps/get/access-token-info", json!({})).await.0, 503);
    assert_eq!(caller.get("/account-info/v3/details").await.0, 503);
    assert_eq!(caller.get("/account-info/v3/api-usage/daily/private-apps").await.0, 503);
}
