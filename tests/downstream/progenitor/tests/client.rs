//! The generated client against a server.

use httpmock::{Method::PUT, MockServer};
use progenitor_downstream::Client;
use serde_json::json;

#[tokio::test]
async fn associate_sends_the_documented_put_and_reads_the_documented_answer() {
    let documented = json!({
        "archived": true, "createdAt": "2023-11-07T05:31:56Z", "id": "<string>", "properties": {},
        "updatedAt": "2023-11-07T05:31:56Z", "archivedAt": "2023-11-07T05:31:56Z", "associations": {},
        "objectWriteTraceId": "<string>", "propertiesWithHistory": {},
    });
    let server = MockServer::start_async().await;
    let put = server
        .mock_async(|when, then| {
            when.method(PUT).path("/crm/v3/objects/partner_clients/512/associations/companies/9001/37").body("");
            then.status(200).json_body(documented.clone());
        })
        .await;

    let answer =
        Client::new(&server.base_url()).associate_partner_client("512", "companies", "9001", "37").await.unwrap().into_inner();

    put.assert_async().await;
    assert_eq!(answer.id, "<string>");
    assert_eq!(answer.archived, Some(true));
    assert_eq!(answer.created_at.unwrap().timestamp(), 1_699_335_116);
}

#[tokio::test]
async fn a_batch_is_read_whether_all_of_it_succeeded_or_a_part() {
    // What HubSpot also sends: a property without a value, no `archived`, a field that is new.
    let sparse = json!({
        "id": "512", "properties": {"name": "Acme", "nickname": null}, "createdAt": "2023-11-07T05:31:56.318Z",
        "updatedAt": "2023-11-07T05:31:56.318Z", "new": 1,
    });
    let whole = json!({
        "status": "COMPLETE", "results": [sparse],
        "startedAt": "2023-11-07T05:31:56Z", "completedAt": "2023-11-07T05:31:56Z",
    });
    let mut part = whole.clone();
    part["errors"] = json!([{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["513"]}}]);
    let body = serde_json::from_value(json!({"inputs": [{"id": "512"}, {"id": "513"}]})).unwrap();

    for (status, answer, failures) in [(200, whole, 0), (207, part, 1)] {
        let server = MockServer::start_async().await;
        let path = "/crm/v3/objects/partner_clients/batch/read";
        server.mock_async(|when, then| drop((when.path(path), then.status(status).json_body(answer)))).await;

        let batch = Client::new(&server.base_url()).batch_read_partner_clients(None, &body).await.unwrap().into_inner();

        assert_eq!(batch.errors.len(), failures);
        assert_eq!(batch.results[0].properties["nickname"], None);
        assert_eq!(batch.results[0].archived, None);
    }
}
