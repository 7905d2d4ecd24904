//! What goes over the wire.

use httpmock::{Method, MockServer};
use hubspot_simulator::Simulator;

use crate::support::{DOCUMENTED, RawServer, client_at, client_of};

#[tokio::test]
async fn associate_sends_the_documented_request_and_nothing_else() {
    let server = RawServer::json(200, DOCUMENTED).await;
    let client = client_at(&server.base_url, "pat-na1-secret");
    client.associate("512").with("companies", "9001").as_type("partner_client_to_company").await.unwrap();

    let received = server.received();
    assert_eq!(received.len(), 1);
    let (head, body) = received[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "");
    let mut lines = head.split("\r\n");
    assert_eq!(
        lines.next().unwrap(),
        "PUT /crm/v3/objects/partner_clients/512/associations/companies/9001/partner_client_to_company HTTP/1.1"
    );
    let mut headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    headers.sort();
    let host = server.base_url.strip_prefix("http://").unwrap();
    let agent = concat!("hubspot-partner-clients-rust/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        headers,
        [
            ("accept", "application/json"),
            ("accept-encoding", "gzip"),
            ("authorization", "Bearer pat-na1-secret"),
            ("content-length", "0"),
            ("host", host),
            ("user-agent", agent),
        ]
    );
}

#[tokio::test]
async fn dissociate_deletes_the_same_path() {
    let simulator = Simulator::start().await.unwrap();
    client_of(&simulator).dissociate(512).with("deals", 701).as_type(1003).await.unwrap();
    let request = &simulator.requests()[0];
    assert_eq!(request.method(), "DELETE");
    assert_eq!(request.path(), "/crm/v3/objects/partner_clients/512/associations/deals/701/1003");
    assert_eq!(request.query(), None);
    assert!(request.body().is_empty());
}

#[tokio::test]
async fn a_cursor_is_sent_back_verbatim_encoded_once() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(Method::GET)
                .path("/crm/v3/objects/partner_clients/512/associations/companies")
                .query_param("after", "NTEy%3D&b=+")
                .query_param("limit", "500")
                .header("authorization", "Bearer t")
                .header_missing("api-version");
            then.status(200).body(r#"{"results":[]}"#);
        })
        .await;
    let client = client_at(&server.base_url(), "t");
    client.associations("512", "companies").after("NTEy%3D&b=+").page_size(500).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn calls_through_the_generated_client_carry_the_token_too() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(Method::GET)
                .path("/crm/v3/objects/partner_clients")
                .query_param("properties", "name,domain")
                .header("authorization", "Bearer t")
                .header_missing("api-version");
            then.status(200).body(r#"{"results":[]}"#);
        })
        .await;
    let client = client_at(&server.base_url(), "t");
    let page = client.raw().list().properties("name,domain").send().await.unwrap().into_inner();
    assert!(page.results.is_empty());
    mock.assert_async().await;
}

#[tokio::test]
async fn a_base_url_may_hold_a_path_of_its_own() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/hubspot/crm/v3/associations/partner_clients/companies/types");
            then.status(200).body(r#"{"results":[]}"#);
        })
        .await;
    let client = client_at(&format!("{}/hubspot/", server.base_url()), "t");
    client.association_types("companies").await.unwrap();
    mock.assert_async().await;
}
