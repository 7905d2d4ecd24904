//! What the tests of several versions share.

use std::time::Duration;

use hubspot_simulator::{Simulator, SimulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

/// The dated versions that are served by default.
pub(crate) const DATED: [&str; 2] = ["2026-03", "2026-09"];

/// A simulator, and calls of it.
pub(crate) struct Caller {
    pub(crate) simulator: Simulator,
    http: reqwest::Client,
}

impl Caller {
    pub(crate) async fn of(builder: SimulatorBuilder) -> Self {
        Self { simulator: builder.start().await.unwrap(), http: reqwest::Client::new() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.send_as(self.simulator.access_token(), method, path, body).await
    }

    /// An empty body is answered as `null`, and a body that is `null` is not sent.
    pub(crate) async fn send_as(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.simulator.base_url());
        let mut request = self.http.request(method, url).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, body) = (response.status().as_u16(), response.bytes().await.unwrap());
        (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, properties: Value) -> (u16, Value) {
        self.send(Method::PATCH, path, json!({"properties": properties})).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(Method::DELETE, path, Value::Null).await
    }

    /// The association types by which partner client 1 is associated with company 1.
    pub(crate) fn types(&self) -> Vec<(u64, Option<String>)> {
        let associations = self.simulator.associations("1").into_iter();
        associations.map(|association| (association.type_id, association.label)).collect()
    }
}

#[track_caller]
pub(crate) fn assert_refused((status, body): &(u16, Value), part: &str) {
    assert_eq!((*status, &body["category"]), (400, &json!("VALIDATION_ERROR")), "{body}");
    assert_eq!(body["status"], "error");
    assert!(body["correlationId"].is_string(), "{body}");
    assert!(body["message"].as_str().unwrap().contains(part), "{body}");
}

/// An association type as the dated versions name one.
pub(crate) fn spec(category: &str, id: u64) -> Value {
    json!({"associationCategory": category, "associationTypeId": id})
}

/// Partner clients with ids from 1 on, whose names, `Client 1`, name them.
pub(crate) fn numbered(count: usize) -> SimulatorBuilder {
    Simulator::builder()
        .without_seed()
        .unique_property("partner_clients", "name")
        .partner_clients((1..=count).map(|id| (id.to_string(), [("name", format!("Client {id}"))])))
}

/// The ids of the results in an answer.
pub(crate) fn ids(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap()).collect()
}

/// How long this thread has run, and with it the simulator that a test has started in it: what else the machine does changes
/// that little. Nothing where the system is not Linux.
pub fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default();
    Duration::from_nanos(nanoseconds)
}
