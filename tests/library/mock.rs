//! Typed helpers for single answers.
#![cfg(feature = "mock")]

use httpmock::MockServer;
use hubspot_partner_clients::{ApiVersion, Client, PartnerClient, mock::MockServerExt};

use crate::support::client_at;

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_mocked_by_its_name_and_types() {
    let server = MockServer::start_async().await;
    let object = PartnerClient::new("512").with_property("name", "Acme");
    let mock = server.associate(|when, then| {
        when.partner_client_id("512");
        then.ok(&object)
    });
    let client = client_at(&server.base_url(), "t");
    let partner_client = client.associate(512).with("companies", 9001).as_type(1).then_get().await.unwrap();
    assert_eq!(partner_client, object);
    mock.assert();
    assert!(client.associate(513).with("companies", 9001).as_type(1).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mock_of_what_every_version_has_answers_clients_of_all() {
    let server = MockServer::start_async().await;
    let object = PartnerClient::new("512").with_property("name", "Acme");
    let mock = server.get(|when, then| {
        when.partner_client_id("512");
        then.ok(&object)
    });
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let builder = Client::builder().base_url(server.base_url()).access_token("t").api_version(version);
        assert_eq!(builder.build().unwrap().get(512).await.unwrap(), object);
    }
    mock.assert_calls(2);
    let labels = server.association_labels(|when, then| {
        when.api_version("2026-09").to_object_type("companies");
        then.ok(&serde_json::from_str(r#"{"results": []}"#).unwrap())
    });
    let builder = Client::builder().base_url(server.base_url()).access_token("t").api_version(ApiVersion::V2026_09);
    let client = builder.build().unwrap();
    let asked = client.raw().association_labels().from_object_type("partner_clients").to_object_type("companies");
    assert!(asked.send().await.unwrap().into_inner().results.is_empty());
    labels.assert();
}
