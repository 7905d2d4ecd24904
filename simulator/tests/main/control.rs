//! The simulator's own operations, and the journal that they tell of.

use hubspot_simulator::{OAuthApp, Simulator, SimulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Caller;

fn controlled() -> SimulatorBuilder {
    Simulator::builder().control()
}

async fn requests(caller: &Caller) -> Vec<Value> {
    caller.get("/__simulator/requests").await.1["requests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn requests_are_told_without_headers_and_secrets() {
    let caller = Caller::of(controlled().oauth_app(OAuthApp::new("app", "hidden-secret", "hidden-refresh"))).await;
    caller.patch("/crm/v3/objects/partner_clients/512?idProperty=hs_object_id", json!({"name": "Acme"})).await;
    caller.send_as("stranger", Method::GET, "/crm/v3/objects/partner_clients", Value::Null).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "hidden-secret"),
        ("refresh_token", "hidden-refresh"),
    ];
    let url = format!("{}/oauth/v3/token", caller.simulator.base_url());
    let grant: Value = reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    let token = grant["access_token"].as_str().unwrap();
    caller.send_as(token, Method::GET, "/crm/v3/objects/partner_clients", Value::Null).await;

    let told = requests(&caller).await;
    let expected = json!({
        "method": "PATCH", "path": "/crm/v3/objects/partner_clients/512", "query": "idProperty=hs_object_id",
        "body": r#"{"properties":{"name":"Acme"}}"#, "caller": "token 1", "status": 200,
        "account": 1234567,
    });
    assert_eq!(told[0], expected);
    assert_eq!((&told[1]["status"], &told[1]["caller"]), (&json!(401), &Value::Null));
    assert_eq!((&told[2]["body"], &told[3]["caller"]), (&Value::Null, &json!("app")));
    let text = json!(told).to_string();
    for secret in ["hidden", token, caller.simulator.access_token()] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(caller.delete("/__simulator/requests").await, (204, Value::Null));
    assert_eq!(requests(&caller).await.len(), 0);
}

#[tokio::test]
async fn what_is_sent_to_a_misspelt_endpoint_of_oauth_is_told_nowhere() {
    let logged = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let log = std::sync::Arc::clone(&logged);
    let caller = Caller::of(controlled().log(move |request| {
        *log.lock().unwrap() += &format!("{} {} {request:?}", request.method(), request.path());
    }))
    .await;
    for path in [
        "/oauth/v1/token",
        "//oauth/v1/token",
        "/oauth//v1/token",
        "/OAuth/v1/token/",
        "/x/oauth/v1/token",
        "/%6fauth/v1/token",
        "/%256Fauth%2Fv1/token",
        "/oauth/v1/access-tokens/hidden",
        "//oauth/v1/access-tokens/hidden",
        "/oauth/v1/access-tokens//hidden",
        "/oauth/v1/Access-Tokens/hidden",
        "/oauth/v1/access%2Dtokens/hidden",
        "/oauth/v1/accesstokens%2Fhidden",
        "/oauth/hidden",
    ] {
        let url = format!("{}{path}?token=hidden", caller.simulator.base_url());
        let request = reqwest::Client::new().post(url).form(&[("client_secret", "hidden")]);
        request.send().await.unwrap();
        let told = json!(requests(&caller).await).to_string();
        assert!(!told.contains("hidden"), "{path}: {told}");
        let logged = logged.lock().unwrap();
        assert!(logged.contains("POST /") && !logged.contains("hidden"), "{path}: {logged}");
        assert!(!format!("{:?}", caller.simulator.requests()).contains("hidden"), "{path}");
    }
    let paths = requests(&caller).await;
    assert_eq!(paths[8]["path"], "//oauth/v1/access-tokens/[redacted]");
    assert_eq!(paths[1]["path"], "//oauth/v1/token");
}

#[tokio::test]
async fn faults_are_injected_and_cleared_as_text() {
    let caller = Caller::of(controlled()).await;
    assert_eq!(caller.post("/__simulator/faults", json!({"fault": "503:x2:get"})).await.0, 204);
    let path = "/crm/v3/objects/partner_clients/512";
    assert_eq!(caller.get("/crm/v3/objects/partner_clients").await.0, 200);
    assert_eq!([caller.get(path).await.0, caller.get(path).await.0, caller.get(path).await.0], [503, 503, 200]);
    caller.post("/__simulator/faults", json!({"fault": "500"})).await;
    assert_eq!(caller.delete("/__simulator/faults").await.0, 204);
    assert_eq!(caller.get(path).await.0, 200);
    for wrong in ["", "99", "boom", "503:200%", "503:somewhere", "-5ms", "503:xx"] {
        let (status, body) = caller.post("/__simulator/faults", json!({"fault": wrong})).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(
            body["message"].as_str().unwrap().contains(&format!("`{}", wrong.rsplit(':').next().unwrap())),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_reset_goes_back_to_the_beginning() {
    let caller = Caller::of(controlled().association("512", "companies", "9001", "1001")).await;
    caller.patch("/crm/v3/objects/partner_clients/512", json!({"name": "Other"})).await;
    let (_, created) = caller.post("/crm/v3/objects/companies", json!({"properties": {"name": "New"}})).await;
    caller.delete("/crm/objects/2026-09/partner_clients/512/associations/companies/9001").await;
    caller.post("/__simulator/faults", json!({"fault": "500"})).await;
    assert_eq!(caller.post("/__simulator/reset", Value::Null).await, (204, Value::Null));
    assert_eq!(requests(&caller).await.len(), 0);
    assert_eq!(caller.simulator.associations("512").len(), 1);
    let (status, client) = caller.get("/crm/v3/objects/partner_clients/512").await;
    assert_eq!((status, &client["properties"]["name"]), (200, &json!("Example Partner Client")));
    let created = created["id"].as_str().unwrap();
    assert_eq!(caller.get(&format!("/crm/v3/objects/companies/{created}")).await.0, 404);
}

#[tokio::test]
async fn a_reset_gives_back_what_was_used_of_each_limit() {
    let clients = "/crm/v3/objects/partner_clients";
    let types = "/crm/v3/associations/partner_clients/companies/types";
    for (limits, path) in
        [("1/10s", clients), ("1/day", clients), ("1/10s-associations", types), ("1/day-associations", types)]
    {
        let builder =
            controlled().rate_limits(limits.parse().unwrap()).token("static", [hubspot_simulator::READ_SCOPE]);
        let caller = Caller::of(builder).await;
        for _ in 0..2 {
            assert_eq!([caller.get(path).await.0, caller.get(path).await.0], [200, 429], "{limits}");
            let other = caller.send_as("static", Method::GET, path, Value::Null).await.0;
            assert_eq!(other, if limits.contains("day") { 429 } else { 200 }, "{limits}");
            caller.post("/__simulator/reset", Value::Null).await;
        }
    }
    let builder = controlled().rate_limits("1/s,1/10s".parse().unwrap());
    let caller = Caller::of(builder.oauth_app(OAuthApp::new("app", "secret", "refresh"))).await;
    let url = format!("{}/oauth/v3/token", caller.simulator.base_url());
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("client_secret", "secret"),
        ("refresh_token", "refresh"),
    ];
    let grant: Value = reqwest::Client::new().post(url).form(&form).send().await.unwrap().json().await.unwrap();
    let token = grant["access_token"].as_str().unwrap();
    for _ in 0..2 {
        let search = caller.send_as(token, Method::POST, &format!("{clients}/search"), json!({})).await.0;
        assert_eq!([search, caller.send_as(token, Method::GET, clients, Value::Null).await.0], [200, 200]);
        assert_eq!(caller.send_as(token, Method::GET, clients, Value::Null).await.0, 429);
        caller.post("/__simulator/reset", Value::Null).await;
    }
}

#[tokio::test]
async fn they_answer_on_loopback_only_and_only_where_they_are_wanted() {
    let caller = Caller::of(controlled()).await;
    let address = caller.simulator.base_url().strip_prefix("http://").unwrap().to_owned();
    let port = address.rsplit(':').next().unwrap();
    for (host, status) in [
        (address.clone(), 200),
        (format!("localhost:{port}"), 200),
        (format!("evil.example:{port}"), 404),
        ("evil.example".to_owned(), 404),
        (format!("127.0.0.1.evil.example:{port}"), 404),
    ] {
        let url = format!("{}/__simulator/requests", caller.simulator.base_url());
        let request = reqwest::Client::new().get(url).header("host", &host);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
    assert_eq!(caller.get("/__simulator/nothing").await.0, 404);
    assert_eq!(caller.send(Method::PUT, "/__simulator/reset", Value::Null).await.0, 405);
    let without = Caller::of(Simulator::builder()).await;
    assert_eq!(without.get("/__simulator/requests").await.0, 404);
}

#[tokio::test]
async fn the_journal_can_be_kept_short() {
    let caller = Caller::of(controlled().keep_requests(3)).await;
    for page in 1..=10 {
        caller.get(&format!("/crm/v3/objects/partner_clients?limit={page}")).await;
    }
    let queries: Vec<_> = requests(&caller).await.iter().map(|request| request["query"].clone()).collect();
    assert_eq!(queries, [json!("limit=8"), json!("limit=9"), json!("limit=10")]);
}

#[tokio::test]
async fn several_oauth_apps_have_tokens_and_limits_of_their_own() {
    let caller = Caller::of(
        Simulator::builder()
            .oauth_app(OAuthApp::new("one", "secret-1", "refresh-1"))
            .oauth_app(OAuthApp::new("two", "secret-2", "refresh-2"))
            .rate_limits("1/10s".parse().unwrap()),
    )
    .await;
    let url = format!("{}/oauth/2026-09/token", caller.simulator.base_url());
    let exchange = async |client_id: &str, secret: &str, refresh: &str| -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("refresh_token", refresh),
        ];
        let response = reqwest::Client::new().post(&url).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    for (client_id, secret, refresh) in [("one", "secret-1", "refresh-1"), ("two", "secret-2", "refresh-2")] {
        let token = exchange(client_id, secret, refresh).await.1["access_token"].as_str().unwrap().to_owned();
        let get = async || caller.send_as(&token, Method::GET, "/crm/v3/objects/partner_clients", Value::Null).await.0;
        assert_eq!([get().await, get().await], [200, 429], "{client_id}");
    }
    assert_eq!(exchange("one", "secret-2", "refresh-1").await.1["status"], "BAD_CLIENT_SECRET");
    assert_eq!(exchange("two", "secret-2", "refresh-1").await.1["status"], "BAD_REFRESH_TOKEN");
    assert_eq!(exchange("three", "secret-1", "refresh-1").await.1["status"], "BAD_CLIENT_ID");
}

#[tokio::test(start_paused = true)]
async fn latency_lies_between_its_two_ends() {
    let (shortest, longest) = (std::time::Duration::from_millis(20), std::time::Duration::from_millis(80));
    let caller = Caller::of(Simulator::builder().latency(shortest, longest)).await;
    for _ in 0..5 {
        let began = tokio::time::Instant::now();
        assert_eq!(caller.get("/crm/v3/objects/partner_clients").await.0, 200);
        let took = began.elapsed();
        assert!(took >= shortest && took <= longest + std::time::Duration::from_millis(5), "{took:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_given_again_shares_its_number_with_no_other() {
    let scopes = [hubspot_simulator::READ_SCOPE];
    let builder = controlled().token("one", scopes).token("one", scopes).token("two", scopes).token("one", scopes);
    let caller = Caller::of(builder).await;
    for token in ["one", "two", caller.simulator.access_token()] {
        caller.send_as(token, Method::GET, "/crm/v3/objects/partner_clients", Value::Null).await;
    }
    let told = requests(&caller).await;
    let names: std::collections::BTreeSet<_> = told.iter().map(|request| request["caller"].to_string()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let mut ids = Vec::new();
    for token in ["one", "two"] {
        let path = "/oauth/v2/private-apps/get/access-token-info";
        ids.push(caller.post(path, json!({"tokenKey": token})).await.1["appId"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}
