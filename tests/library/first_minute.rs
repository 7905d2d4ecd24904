//! What a newcomer reads when the first association does not come about: what happened, and what to do next.

use httpmock::MockServer;
use hubspot_partner_clients::{Client, Error, RetryPolicy};
use hubspot_simulator::{READ_SCOPE, Simulator};

use crate::support::client_at;

const ASSOCIATION: [&str; 4] = ["512", "companies", "9001", "partner_client_to_company"];

async fn refused(client: &Client, [partner_client, to_type, to_id, association_type]: [&str; 4]) -> Error {
    client.associate(partner_client).with(to_type, to_id).as_type(association_type).await.unwrap_err()
}

/// What `Display` and the remedy have to contain.
#[track_caller]
fn assert_told(error: &Error, happened: &[&str], remedy: &str) {
    for part in happened {
        assert!(error.to_string().contains(part), "{part:?} is not in {error}");
    }
    assert!(error.remedy().contains(remedy), "{remedy:?} is not in {:?}, the remedy of {error}", error.remedy());
}

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_token_that_hubspot_does_not_know_and_one_without_the_scope() {
    let hubspot = Simulator::builder().token("reader", [READ_SCOPE]).start().await.unwrap();
    let unknown = refused(&client_at(hubspot.base_url(), "unknown"), ASSOCIATION).await;
    assert_told(&unknown, &["HubSpot answered 401"], "Check HUBSPOT_ACCESS_TOKEN");
    let reader = refused(&client_at(hubspot.base_url(), "reader"), ASSOCIATION).await;
    assert_told(&reader, &["403 MISSING_SCOPES", "crm.objects.partner-clients.write"], "the scopes named");
}

#[tokio::test]
async fn each_part_of_an_association_that_may_be_wrong_has_a_remedy_of_its_own() {
    let hubspot = Simulator::start().await.unwrap();
    let client = client_at(hubspot.base_url(), hubspot.access_token());
    let [partner_client, to_type, to_id, association_type] = ASSOCIATION;
    let wrong = refused(&client, ["513", to_type, to_id, association_type]).await;
    assert_told(&wrong, &["404 OBJECT_NOT_FOUND"], "Check the id, and that the token");
    let wrong = refused(&client, [partner_client, "widgets", to_id, association_type]).await;
    assert_told(&wrong, &["400", "widgets"], "Check the object type: a name such as companies");
    let wrong = refused(&client, [partner_client, to_type, "9009", association_type]).await;
    assert_told(&wrong, &["400", "COMPANY=9009 is not valid"], "Check the id of the other object");
    let wrong = refused(&client, [partner_client, to_type, to_id, "partner_client_to_compny"]).await;
    assert_told(&wrong, &["400", "partner_client_to_compny"], "`association_types` lists");
}

#[tokio::test]
async fn no_connection_says_to_where() {
    let url = nowhere();
    let client = Client::builder().base_url(&url).access_token("t").retry(RetryPolicy::never()).build().unwrap();
    let error = refused(&client, ASSOCIATION).await;
    assert_told(&error, &["no connection to ", url.trim_start_matches("http://")], "Check the network");
}

#[tokio::test]
async fn a_base_url_that_is_not_hubspot_s_is_suspected() {
    let hubspot = Simulator::start().await.unwrap();
    let with_path = client_at(&format!("{}/crm", hubspot.base_url()), hubspot.access_token());
    assert_told(&refused(&with_path, ASSOCIATION).await, &["404", "/crm/crm/v3"], "Check the base URL");

    for status in [200, 404, 405, 501] {
        let website = MockServer::start_async().await;
        website
            .mock_async(|_, then| {
                then.status(status).header("content-type", "text/html").body("<html><h1>A website</h1></html>");
            })
            .await;
        let error = refused(&client_at(&website.base_url(), "t"), ASSOCIATION).await;
        assert_told(&error, &[], "base URL");
    }
    for (url, trouble) in [("api.hubapi.com", "is not a URL"), ("http://api.hubapi.com", "in the clear")] {
        let error = Client::builder().base_url(url).access_token("t").build().unwrap_err();
        assert_told(&error, &[url, trouble, "https"], "the value that the message names");
    }
}

#[tokio::test]
async fn a_type_that_does_not_fit_the_properties_is_not_put_down_to_the_base_url() {
    let hubspot = Simulator::builder().partner_client("513", [("name", "Globex")]).start().await.unwrap();
    let found = client_at(hubspot.base_url(), hubspot.access_token()).get("513").properties(["name"]).await.unwrap();
    let number = found.properties_as::<Number>().map(|read| read.name).unwrap_err();
    assert_told(&number, &["partner client 513", "`name`", "Globex"], "Correct the type");
    let missing = found.properties_as::<Domain>().map(|read| read.domain).unwrap_err();
    assert_told(&missing, &["partner client 513", "`domain`"], "ask for the property");
    for error in [number, missing] {
        assert!(error.is_decode() && !error.remedy().contains("base URL"), "{}", error.remedy());
    }
}

#[derive(serde::Deserialize)]
struct Number {
    name: u32,
}

#[derive(serde::Deserialize)]
struct Domain {
    domain: String,
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_redis_that_is_not_there_is_not_put_down_to_the_base_url() {
    let url = nowhere().replace("http", "redis");
    let error = hubspot_partner_clients::redis::Redis::connect(&*url).await.unwrap_err();
    assert!(error.is_connect() && !error.remedy().contains("base URL"), "{}", error.remedy());
    assert_told(&error, &[url.trim_start_matches("redis://")], "Redis URL");
}
