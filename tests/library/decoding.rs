//! What answers are understood.

use httpmock::MockServer;
use hubspot_partner_clients::{Error, PartnerClient};
use serde_json::{Value, json};

use crate::support::{DOCUMENTED, RawServer, client_at};

async fn associate_answered(status: u16, body: &str) -> Result<PartnerClient, Error> {
    let server = MockServer::start_async().await;
    server
        .mock_async(|_, then| {
            then.status(status).header("x-hubspot-correlation-id", "corr-7").body(body);
        })
        .await;
    client_at(&server.base_url(), "t").associate(512).with("companies", 9001).as_type(1).then_get().await
}

#[tokio::test]
async fn the_documented_answer_decodes_and_encodes_to_the_same_json() {
    let partner_client = associate_answered(200, DOCUMENTED).await.unwrap();
    assert_eq!(partner_client.id, "<string>");
    assert!(partner_client.archived);
    assert_eq!(partner_client.updated_at.unwrap().to_rfc3339(), "2023-11-07T05:31:56+00:00");

    let mut documented: Value = serde_json::from_str(DOCUMENTED).unwrap();
    let encoded = serde_json::to_value(&partner_client).unwrap();
    // An optional map may be absent instead of empty.
    for optional in ["associations", "propertiesWithHistory"] {
        if encoded.get(optional).is_none() {
            documented.as_object_mut().unwrap().remove(optional);
        }
    }
    assert_eq!(encoded, documented);
}

#[tokio::test]
async fn an_old_and_sparse_object_decodes() {
    let body = json!({
        "id": "512",
        "properties": {"name": "Acme", "domain": null},
        "createdAt": "2019-10-30T03:30:17.883Z",
        "updatedAt": "2019-12-07T16:50:06Z",
    });
    let partner_client = associate_answered(200, &body.to_string()).await.unwrap();
    assert!(!partner_client.archived);
    assert_eq!(partner_client.properties["name"].as_deref(), Some("Acme"));
    assert_eq!(partner_client.properties["domain"], None);
    assert_eq!(partner_client.created_at.unwrap().timestamp_subsec_millis(), 883);
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_known_ones_kept() {
    let body = json!({
        "id": "512", "properties": {}, "createdAt": "2023-11-07T05:31:56Z", "updatedAt": "2023-11-07T05:31:56Z",
        "aFieldOfTomorrow": {"deep": [1, 2]},
        "associations": {"line items": {"results": [{"id": "7", "type": "a", "alsoNew": 1}, {"id": 8, "type": "b"}],
            "paging": {"next": {"after": "x%3D", "link": "?after=x%253D"}}}},
        "propertiesWithHistory": {"name": [
            {"value": "Acme", "timestamp": "2023-11-07T05:31:56Z", "sourceType": "API"},
            {"value": null, "timestamp": "2023-11-06T05:31:56Z", "sourceType": "NEW", "updatedByUserId": 4294967296_u64}]},
        "warnings": [{"category": "NEW", "message": "m", "context": {"a": "b"}}],
    });
    let partner_client = associate_answered(200, &body.to_string()).await.unwrap();
    let associated = &partner_client.associations["line items"];
    assert_eq!(associated.results[0].id.as_str(), "7");
    assert_eq!(associated.results[1].id.as_str(), "8", "an id may come as a number");
    assert_eq!(associated.paging.as_ref().unwrap().next.as_ref().unwrap().after, "x%3D");
    assert_eq!(partner_client.properties_with_history["name"][1].value, None);
    assert_eq!(partner_client.properties_with_history["name"][1].updated_by_user_id, Some(4294967296));
    assert_eq!(partner_client.warnings[0].category, "NEW");
}

#[tokio::test]
async fn any_2xx_with_a_body_is_a_success() {
    for status in [200, 201, 202, 203, 207] {
        let server = RawServer::json(status, DOCUMENTED).await;
        assert_eq!(client_at(&server.base_url, "t").get(512).await.unwrap().id, "<string>", "{status}");
        // A write that is only accepted, or done in part, is not known to be done.
        let associated = associate_answered(status, DOCUMENTED).await;
        assert_eq!(associated.is_ok(), ![202, 207].contains(&status), "{status}: {associated:?}");
    }
}

#[tokio::test]
async fn a_partial_success_of_a_batch_keeps_its_errors() {
    let server = MockServer::start_async().await;
    let body = json!({
        "status": "A_STATE_OF_TOMORROW", "results": [], "numErrors": 1,
        "startedAt": "2023-11-07T05:31:56Z", "completedAt": "2023-11-07T05:31:56.5Z",
        "errors": [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone",
            "context": {"ids": ["1"]}, "subCategory": {"any": "json"}}],
    });
    server.mock_async(|_, then| drop(then.status(207).json_body(body))).await;
    let inputs = json!({"inputs": [{"id": "1"}]});
    let request: hubspot_partner_clients::generated::types::BatchReadInputSimplePublicObjectId =
        serde_json::from_value(inputs).unwrap();
    let client = client_at(&server.base_url(), "t");
    let response = client.raw().batch_read().body(request).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 207);
    let batch = response.into_inner();
    assert_eq!(batch.status, "A_STATE_OF_TOMORROW");
    assert_eq!(batch.errors[0].context["ids"], ["1"]);
}

#[tokio::test]
async fn a_success_that_cannot_be_decoded_keeps_status_and_correlation_id() {
    for body in ["<html>hi</html>", "{\"id\":\"512\",", "[]", "7"] {
        let error = associate_answered(200, body).await.unwrap_err();
        assert!(error.is_decode(), "{body}: {error:?}");
        assert_eq!(error.status(), Some(200));
        assert_eq!(error.correlation_id().unwrap().to_string(), "corr-7");
        assert_eq!(error.body_excerpt().unwrap_or_default(), body);
        assert_eq!(error.operation(), Some("associate"));
        assert!(!error.is_retryable());
    }
}
