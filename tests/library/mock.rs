//! Typed helpers for single answers.
#![cfg(feature = "mock")]

use httpmock::MockServer;
use hubspot_partner_clients::{PartnerClient, mock::MockServerExt};

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
    let partner_client = client.associate(512).with("companies", 9001).as_type(1).await.unwrap();
    assert_eq!(partner_client, object);
    mock.assert();
    assert!(client.associate(513).with("companies", 9001).as_type(1).await.is_err());
}
