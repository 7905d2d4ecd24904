//! Reading and updating the simulator's partner clients in batches.

use hubspot_simulator::{Simulator, SimulatorBuilder};
use serde_json::{Value, json};

use crate::support::{assert_refused, ids, numbered};

struct Caller {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Caller {
    async fn of(builder: SimulatorBuilder) -> Self {
        Self { simulator: builder.start().await.unwrap(), http: reqwest::Client::new() }
    }

    async fn batch(&self, operation: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/crm/v3/objects/partner_clients/batch/{operation}", self.simulator.base_url());
        let request = self.http.post(url).bearer_auth(self.simulator.access_token());
        let response = request.body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_batch_read_keeps_the_order_of_its_inputs_and_names_the_ids_it_does_not_know() {
    let caller = Caller::of(numbered(12)).await;
    let inputs = json!([{"id": "12"}, {"id": "3"}, {"id": "12"}]);
    let (status, body) = caller.batch("read", json!({"inputs": inputs, "properties": ["name"]})).await;
    assert_eq!((status, ids(&body), body.get("errors")), (200, vec!["12", "3"], None));
    assert_eq!(body["status"], "COMPLETE");
    assert!(body["startedAt"].as_str().unwrap() <= body["completedAt"].as_str().unwrap());

    let inputs = json!([{"id": "Client 5"}, {"id": "x"}, {"id": "Client 2"}, {"id": "y"}]);
    let history = json!({"inputs": inputs, "idProperty": "name", "propertiesWithHistory": ["name"]});
    let (status, body) = caller.batch("read", history).await;
    assert_eq!((status, ids(&body)), (207, vec!["5", "2"]));
    assert_eq!(body["results"][0]["propertiesWithHistory"]["name"][0]["value"], "Client 5");
    assert_eq!((&body["numErrors"], &body["errors"][0]["category"]), (&json!(1), &json!("OBJECT_NOT_FOUND")));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["x", "y"]));
}

#[tokio::test]
async fn a_batch_takes_a_hundred_inputs_or_fifty_with_history() {
    let caller = Caller::of(numbered(101)).await;
    let inputs = |count| (1..=count).map(|id| json!({"id": id, "properties": {"code": "x"}})).collect::<Value>();
    for operation in ["read", "update"] {
        assert_eq!(caller.batch(operation, json!({"inputs": inputs(100)})).await.0, 200);
        assert_refused(&caller.batch(operation, json!({"inputs": inputs(101)})).await, "at most 100 inputs");
        assert_refused(&caller.batch(operation, json!({})).await, "not set: [inputs]");
    }
    for (count, status) in [(50, 200), (51, 400)] {
        let body = json!({"inputs": inputs(count), "propertiesWithHistory": ["name"]});
        assert_eq!(caller.batch("read", body).await.0, status);
    }
}

#[tokio::test]
async fn a_batch_update_carries_out_what_it_can_and_reports_the_rest() {
    let caller = Caller::of(numbered(5)).await;
    let inputs = json!([
        {"id": "4", "properties": {"name": "Four"}, "objectWriteTraceId": "a"},
        {"id": "2", "properties": {"createdate": "1"}, "objectWriteTraceId": "b"},
        {"id": "77", "properties": {"name": "?"}},
        {"id": "3", "properties": {"hs_object_id": "1"}},
        {"id": "Client 1", "idProperty": "name", "properties": {"name": "One"}},
    ]);
    let (status, body) = caller.batch("update", json!({"inputs": inputs})).await;
    assert_eq!((status, ids(&body), &body["numErrors"]), (207, vec!["4", "1"], &json!(3)));
    assert_eq!(body["results"][0]["objectWriteTraceId"], "a");
    assert_eq!(body["results"][1].get("objectWriteTraceId"), None);
    let errors = body["errors"].as_array().unwrap();
    let told: Vec<_> = errors.iter().map(|error| (error["category"].as_str().unwrap(), &error["context"])).collect();
    assert!(told.contains(&("VALIDATION_ERROR", &json!({"objectWriteTraceId": ["b"]}))));
    assert!(told.contains(&("VALIDATION_ERROR", &json!({"ids": ["3"]}))));
    assert!(told.contains(&("OBJECT_NOT_FOUND", &json!({"ids": ["77"]}))));
    let name = |id| caller.simulator.partner_client(id).unwrap().properties["name"].clone().unwrap();
    assert_eq!(["1", "2", "3", "4"].map(name), ["One", "Client 2", "Client 3", "Four"]);

    let whole = json!({"inputs": [{"id": "5", "properties": {"name": "Five"}}]});
    let (status, body) = caller.batch("update", whole).await;
    assert_eq!((status, body.get("errors"), body.get("numErrors")), (200, None, None));
}

#[tokio::test]
async fn a_batch_update_that_names_a_partner_client_twice_changes_nothing() {
    let caller = Caller::of(Simulator::builder().unique_property("partner_clients", "domain")).await;
    let input = |id: &str| json!({"id": id, "properties": {"name": "x"}});
    let by_domain = json!({"id": "client.example", "idProperty": "domain", "properties": {"name": "x"}});
    for (second, id) in [(input("512"), "512"), (by_domain, "client.example")] {
        let (status, body) = caller.batch("update", json!({"inputs": [input("512"), second]})).await;
        assert_eq!(body["context"]["ids"], json!([id]));
        assert_refused(&(status, body), &format!("Duplicate IDs found in batch input: [{id}]"));
    }
    let name = &caller.simulator.partner_client("512").unwrap().properties["name"];
    assert_eq!(name.as_deref(), Some("Example Partner Client"));
}

#[tokio::test]
async fn a_batch_read_answers_live_or_archived_ones() {
    let caller = Caller::of(numbered(2)).await;
    assert!(caller.simulator.archive("1"));
    for (query, found, missing) in
        [("read", "2", "1"), ("read?archived=false", "2", "1"), ("read?archived=true", "1", "2")]
    {
        let (status, body) = caller.batch(query, json!({"inputs": [{"id": "1"}, {"id": "2"}]})).await;
        assert_eq!((status, ids(&body)), (207, vec![found]), "{query}");
        assert_eq!(body["errors"][0]["context"]["ids"], json!([missing]), "{query}");
    }
}

#[tokio::test]
async fn a_batch_may_be_some_megabytes_long() {
    let caller = Caller::of(numbered(100)).await;
    let value = "x".repeat(40_000);
    let inputs: Value = (1..=100).map(|id| json!({"id": id, "properties": {"code": value}})).collect();
    assert_eq!(caller.batch("update", json!({"inputs": inputs})).await.0, 200);
}
