//! What an account and its tokens tell of themselves.

use std::time::Duration;

use hubspot_simulator::{Fault, OAuthApp, READ_SCOPE, RateLimits, Simulator, SimulatorBuilder, WRITE_SCOPE};
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

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

fn two_accounts() -> SimulatorBuilder {
    let client = |builder: SimulatorBuilder, name: &str| builder.partner_client("7", [("name", name)]).without_seed();
    let here = client(Simulator::builder(), "Here").oauth_app(app()).token("here", [READ_SCOPE]);
    let there = client(here.account(62515), "There").token("there", [READ_SCOPE]);
    there.oauth_app(OAuthApp::new("app", "hidden-secret", "hidden-other"))
}

#[tokio::test]
async fn a_token_sees_and_changes_its_own_account_alone() {
    let caller = Caller::of(two_accounts()).await;
    let other = caller.simulator.account(62515).unwrap();
    let name = async |token: &str| {
        let (_, body) = caller.send_as(token, Method::GET, &format!("{OBJECTS}/7"), Value::Null).await;
        body["properties"]["name"].as_str().unwrap().to_owned()
    };
    for (token, expected) in [("here", "Here"), ("there", "There"), (other.access_token(), "There")] {
        assert_eq!(name(token).await, expected);
    }
    let change = json!({"properties": {"name": "Changed"}});
    caller.send_as(other.access_token(), Method::PATCH, &format!("{OBJECTS}/7"), change).await;
    assert_eq!((name("here").await, name("there").await), ("Here".to_owned(), "Changed".to_owned()));
    let stored =
        |properties: Option<hubspot_simulator::Object>| properties.unwrap().properties["name"].clone().unwrap();
    assert_eq!(stored(other.partner_client("7")), "Changed");
    assert_eq!(stored(caller.simulator.partner_client("7")), "Here");

    let details =
        async |token: &str| caller.send_as(token, Method::GET, "/account-info/v3/details", Value::Null).await.1;
    assert_eq!(details("here").await["portalId"], 1234567);
    assert_eq!(details("there").await["portalId"], 62515);
    let accounts: Vec<_> = caller.simulator.requests().iter().map(|request| request.account().unwrap()).collect();
    assert_eq!(accounts, [1234567, 62515, 62515, 62515, 1234567, 62515, 1234567, 62515]);
    assert!(caller.simulator.account(1).is_none());
}

#[tokio::test]
async fn one_app_in_two_accounts_has_a_refresh_token_in_each() {
    let caller = Caller::of(two_accounts()).await;
    let other = caller.simulator.account(62515).unwrap();
    let grant = async |field: (&str, &str), kind: &str| {
        let redirect = ("redirect_uri", "https://app.example");
        let fields = [("grant_type", kind), ("client_id", "app"), ("client_secret", "hidden-secret"), redirect, field];
        form(&caller, "/oauth/v3/token", &fields).await
    };
    let refresh = async |token: &str| grant(("refresh_token", token), "refresh_token").await;
    let mut app_ids = Vec::new();
    for (refresh_token, hub_id, name) in [("hidden-refresh", 1234567, "Here"), ("hidden-other", 62515, "There")] {
        let (status, body) = refresh(refresh_token).await;
        assert_eq!((status, &body["hub_id"]), (200, &json!(hub_id)));
        let token = body["access_token"].as_str().unwrap();
        let (_, client) = caller.send_as(token, Method::GET, &format!("{OBJECTS}/7"), Value::Null).await;
        assert_eq!(client["properties"]["name"], name);
        let (_, info) = open(&caller, &format!("/oauth/v1/access-tokens/{token}")).await;
        assert_eq!(info["hub_id"], hub_id);
        app_ids.push(info["app_id"].clone());
    }
    assert_eq!(app_ids[0], app_ids[1]);
    assert_eq!(refresh("hidden-neither").await.1["status"], "BAD_REFRESH_TOKEN");

    other.revoke_refresh_token();
    assert_eq!((refresh("hidden-other").await.0, refresh("hidden-refresh").await.0), (400, 200));
    assert_eq!(other.authorize_app("app-2", "https://app.example", None), None);
    let code = other.authorize_app("app", "https://app.example", None).unwrap();
    let (status, body) = grant(("code", &code), "authorization_code").await;
    assert_eq!((status, &body["hub_id"]), (200, &json!(62515)));
    let code = other.authorize("https://elsewhere.example", None).unwrap();
    assert_eq!(grant(("code", &code), "authorization_code").await.1["status"], "BAD_REDIRECT_URI");
}

#[tokio::test(start_paused = true)]
async fn limits_and_faults_are_those_of_an_account() {
    let limits = |max: u32| RateLimits::default().per_ten_seconds(max);
    let builder = two_accounts().rate_limits(limits(1)).account(1234567).rate_limits(limits(2));
    let caller = Caller::of(builder.fault(Fault::status(503).on("get").times(1).in_account(62515))).await;
    let get = async |token: &str, path: &str| caller.send_as(token, Method::GET, path, Value::Null).await.0;
    assert_eq!([get("here", OBJECTS).await, get("here", OBJECTS).await, get("here", OBJECTS).await], [200, 200, 429]);
    assert_eq!([get("there", OBJECTS).await, get("there", OBJECTS).await], [200, 429]);
    advance(Duration::from_secs(10)).await;
    let one = format!("{OBJECTS}/7");
    assert_eq!((get("here", &one).await, get("there", &one).await), (200, 503));
    caller.simulator.account(62515).unwrap().set_rate_limits(RateLimits::default());
    assert_eq!([get("there", &one).await, get("there", &one).await], [200, 200]);
    assert_eq!([get("here", &one).await, get("here", &one).await], [200, 429]);
    caller.simulator.inject("500:account=1234567".parse().unwrap());
    advance(Duration::from_secs(10)).await;
    assert_eq!((get("here", &one).await, get("there", &one).await), (500, 200));
}

#[tokio::test(start_paused = true)]
async fn searches_are_limited_for_all_tokens_of_an_account_together() {
    let limits = RateLimits::default().searches_per_second(2);
    let caller = Caller::of(two_accounts().rate_limits(limits).account(1234567).rate_limits(limits)).await;
    let search =
        async |token: &str| caller.send_as(token, Method::POST, &format!("{OBJECTS}/search"), json!({})).await.0;
    let own = caller.simulator.access_token();
    assert_eq!([search("here").await, search(own).await, search("here").await], [200, 200, 429]);
    assert_eq!(search("there").await, 200);
}

#[tokio::test(start_paused = true)]
async fn association_calls_have_a_window_of_their_own() {
    let types = "/crm/v3/associations/partner_clients/companies/types";
    let dated = "/crm/associations/2026-09/partner_clients/companies/labels";
    for (limits, expected) in [("1/10s", [200, 429]), ("1/10s,2/10s-associations", [200, 200])] {
        let caller = Caller::of(Simulator::builder().rate_limits(limits.parse().unwrap())).await;
        assert_eq!([caller.get(OBJECTS).await.0, caller.get(OBJECTS).await.0], [200, 429], "{limits}");
        assert_eq!([caller.get(types).await.0, caller.get(dated).await.0], expected, "{limits}");
        assert_eq!(caller.get(types).await.0, 429);
        advance(Duration::from_secs(10)).await;
        assert_eq!(caller.get(types).await.0, 200);
    }
}

#[tokio::test]
async fn a_reset_goes_back_to_the_beginning_of_every_account() {
    let caller = Caller::of(two_accounts().control()).await;
    let other = caller.simulator.account(62515).unwrap();
    assert!(other.set_property("7", "name", "Changed") && caller.simulator.set_property("7", "name", "Changed"));
    assert_eq!(caller.post("/__simulator/reset", Value::Null).await.0, 204);
    for (account, name) in [(&other, "There"), (&*caller.simulator, "Here")] {
        assert_eq!(account.partner_client("7").unwrap().properties["name"].as_deref(), Some(name));
    }
    assert_eq!(caller.post("/__simulator/faults", json!({"fault": "500:account=62515"})).await.0, 204);
    let status = async |token: &str| caller.send_as(token, Method::GET, OBJECTS, Value::Null).await.0;
    assert_eq!((status("here").await, status("there").await), (200, 500));
    let (_, told) = caller.get("/__simulator/requests").await;
    assert_eq!(told["requests"][1]["account"], 62515);
}
