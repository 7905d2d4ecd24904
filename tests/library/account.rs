//! The account that a token belongs to.

use httpmock::MockServer;
use hubspot_partner_clients::{
    AccessToken, ApiVersion, Client, ErrorKind, TokenFuture, TokenProvider, simulator::Simulator,
};
use serde_json::json;

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];

fn client(base_url: &str, token: &str, version: &str) -> Client {
    let version: ApiVersion = version.parse().unwrap();
    Client::builder().base_url(base_url).access_token(token).api_version(version).build().unwrap()
}

#[tokio::test]
async fn a_token_tells_its_account_on_every_version() {
    let hubspot = Simulator::start().await.unwrap();
    for version in VERSIONS {
        let account = client(hubspot.base_url(), hubspot.access_token(), version).account().await.unwrap();
        assert!(account.id.bytes().all(|byte| byte.is_ascii_digit()), "{account:?}");
        assert_eq!(account.account_type.as_deref(), Some("STANDARD"), "{version}");
        assert_eq!(account.time_zone.as_deref(), Some("UTC"));
    }
}

#[tokio::test]
async fn the_documented_address_is_asked_and_its_answer_told() {
    for (version, path) in [("v3", "/hub/account-info/v3/details"), ("2026-09", "/hub/account-info/2026-09/details")] {
        let server = MockServer::start_async().await;
        let details = server
            .mock_async(|when, then| {
                when.method("GET").path(path).header("authorization", "Bearer pat-1");
                then.status(200).json_body(json!({
                    "portalId": 19284756, "accountType": "SANDBOX", "timeZone": "Europe/Dublin",
                    "companyCurrency": "EUR", "additionalCurrencies": [], "utcOffset": "+01:00",
                    "utcOffsetMilliseconds": 3600000, "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
                }));
            })
            .await;
        let account = client(&server.url("/hub"), "pat-1", version).account().await.unwrap();
        details.assert_async().await;
        assert_eq!(
            serde_json::to_value(&account).unwrap(),
            json!({
                "id": "19284756", "accountType": "SANDBOX", "timeZone": "Europe/Dublin", "currency": "EUR",
                "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
            })
        );
    }
}

#[tokio::test]
async fn an_account_without_details_is_told_by_its_id() {
    for body in [
        json!({"portalId": 7}),
        json!({"portalId": 7, "timeZone": null, "uiDomain": ""}),
        json!({"portalId": "7", "accountType": 4, "additionalCurrencies": null}),
    ] {
        let server = MockServer::start_async().await;
        server
            .mock_async(|when, then| {
                when.path("/account-info/v3/details");
                then.status(200).json_body(body.clone());
            })
            .await;
        let account = client(&server.base_url(), "pat-1", "v3").account().await.unwrap();
        assert_eq!((account.id.as_str(), account.time_zone), ("7", None), "{body}");
    }
}

#[tokio::test]
async fn an_unknown_token_has_no_account() {
    let hubspot = Simulator::start().await.unwrap();
    let error = client(hubspot.base_url(), "pat-unknown", "v3").account().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

#[tokio::test]
async fn a_token_tells_what_it_may_do_on_every_version() {
    let hubspot = Simulator::start().await.unwrap();
    for version in VERSIONS {
        let client = client(hubspot.base_url(), hubspot.access_token(), version);
        let token = client.token_info().await.unwrap();
        assert!(token.scopes.iter().any(|scope| scope == "crm.objects.partner-clients.write"), "{token:?}");
        assert_eq!(token.account_id, client.account().await.unwrap().id);
    }
}

#[tokio::test]
async fn the_token_is_in_the_body_and_nowhere_else() {
    const SECRET: &str = "pat-eu1-very-secret";
    let server = MockServer::start_async().await;
    let info = server
        .mock_async(|when, then| {
            when.method("POST")
                .path("/oauth/v2/private-apps/get/access-token-info")
                .header("authorization", format!("Bearer {SECRET}"))
                .json_body(json!({"tokenKey": SECRET}));
            then.status(200).json_body(json!({"hubId": 7, "userId": null, "scopes": ["oauth"], "token": SECRET}));
        })
        .await;
    let client = client(&server.base_url(), SECRET, "2026-09");
    let asked = client.token_info();
    assert!(!format!("{asked:?}").contains("secret"));
    let token = asked.await.unwrap();
    info.assert_async().await;
    assert_eq!(
        (token.account_id.as_str(), token.user_id.as_deref(), &token.scopes[..]),
        ("7", None, &["oauth".to_owned()][..])
    );
    assert!(!format!("{token:?}").contains("secret"));

    info.delete_async().await;
    let refused = client.token_info().await.unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("secret"), "{refused}");
}

/// Gives another token after one is refused.
#[derive(Debug, Default)]
struct Rotating(std::sync::atomic::AtomicUsize);

impl TokenProvider for Rotating {
    fn access_token(&self) -> TokenFuture<'_> {
        let number = self.0.load(std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move { Ok(AccessToken::new(format!("pat-{number}"))?) })
    }

    fn invalidate(&self, _: &AccessToken) -> bool {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0
    }
}

#[tokio::test]
async fn the_token_in_the_body_is_the_one_that_the_request_is_sent_with() {
    let server = MockServer::start_async().await;
    let path = "/oauth/v2/private-apps/get/access-token-info";
    server
        .mock_async(|when, then| {
            when.path(path).header("authorization", "Bearer pat-0").json_body(json!({"tokenKey": "pat-0"}));
            then.status(401).json_body(json!({"status": "error", "category": "EXPIRED_AUTHENTICATION"}));
        })
        .await;
    server
        .mock_async(|when, then| {
            when.path(path).header("authorization", "Bearer pat-1").json_body(json!({"tokenKey": "pat-1"}));
            then.status(200).json_body(json!({"hubId": 7, "scopes": ["oauth"]}));
        })
        .await;
    let client = Client::builder().base_url(server.base_url()).token_provider(Rotating::default()).build().unwrap();
    assert_eq!(client.token_info().await.unwrap().account_id, "7");
}

/// A source of tokens that never has one.
#[derive(Debug)]
struct Silent;

impl TokenProvider for Silent {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn asking_about_a_token_waits_for_it_no_longer_than_a_call_may_take() {
    let client = Client::builder().base_url("http://127.0.0.1:9").token_provider(Silent).build().unwrap();
    let error = client.token_info().call_timeout(std::time::Duration::from_secs(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Token, Some("token_info")));
}
