//! Searching the simulator's partner clients.

use std::time::Duration;

use hubspot_simulator::{RateLimits, Simulator, SimulatorBuilder};
use serde_json::{Value, json};

use crate::support::cpu;

struct Caller {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Caller {
    async fn of(builder: SimulatorBuilder) -> Self {
        Self { simulator: builder.start().await.unwrap(), http: reqwest::Client::new() }
    }

    async fn send(&self, body: String) -> reqwest::Response {
        let url = format!("{}/crm/v3/objects/partner_clients/search", self.simulator.base_url());
        self.http.post(url).bearer_auth(self.simulator.access_token()).body(body).send().await.unwrap()
    }

    async fn search(&self, request: Value) -> Value {
        let response = self.send(request.to_string()).await;
        assert_eq!(response.status(), 200, "{request}");
        response.json().await.unwrap()
    }

    /// The ids that match one filter, in the order in which they were created.
    async fn matching(&self, filter: Value) -> Vec<String> {
        ids(&self.search(json!({"filterGroups": [{"filters": [filter]}], "limit": 200})).await)
    }

    async fn sorted(&self, sort: Value) -> Vec<String> {
        ids(&self.search(json!({"sorts": [sort]})).await)
    }

    async fn assert_refused(&self, body: String, part: &str) {
        let response = self.send(body).await;
        assert_eq!(response.status(), 400, "{part}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["category"], "VALIDATION_ERROR");
        assert!(body["message"].as_str().unwrap().contains(part), "{body} {part}");
    }
}

fn ids(body: &Value) -> Vec<String> {
    body["results"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

fn filter(property: &str, operator: &str, value: &str) -> Value {
    json!({"propertyName": property, "operator": operator, "value": value})
}

/// Created a day apart, and last changed in the opposite order.
fn four() -> SimulatorBuilder {
    let client = |id: &str, values: [&str; 5]| {
        let names = ["name", "domain", "size", "createdate", "hs_lastmodifieddate"];
        let properties: Vec<_> =
            names.into_iter().zip(values).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        (id.to_owned(), properties)
    };
    let times = |day: u32| (format!("2024-01-0{day}T00:00:00.000Z"), format!("2024-02-0{}T00:00:00Z", 9 - day));
    let of = |id, name, domain, size, day| {
        let (created, modified) = times(day);
        client(id, [name, domain, size, &created, &modified])
    };
    Simulator::builder().without_seed().partner_clients([
        of("9", "Acme Holding GmbH", "acme.example", "9", 1),
        of("10", "acme labs", "labs.acme.example", "10", 2),
        of("100", "Zebra & Co", "zebra.test", "2.5", 3),
        of("8", "Nameless", "", "", 4),
    ])
}

fn numbered(count: usize) -> SimulatorBuilder {
    Simulator::builder().without_seed().partner_clients(
        (1..=count).map(|id| (id.to_string(), [("name", format!("Client {id}")), ("size", id.to_string())])),
    )
}

#[tokio::test]
async fn every_operator_finds_what_it_stands_for() {
    let caller = Caller::of(four()).await;
    for (property, operator, value, expected) in [
        ("name", "EQ", "ACME LABS", &["10"][..]),
        ("name", "NEQ", "acme labs", &["9", "100", "8"]),
        ("domain", "NEQ", "acme.example", &["10", "100"]),
        ("size", "LT", "9", &["100"]),
        ("size", "LTE", "9", &["9", "100"]),
        ("size", "GT", "9", &["10"]),
        ("size", "GTE", "9", &["9", "10"]),
        ("size", "EQ", "10.0", &["10"]),
        ("name", "GT", "b", &["100", "8"]),
        ("hs_object_id", "GT", "9", &["10", "100"]),
        ("hs_object_id", "EQ", "10", &["10"]),
        ("createdate", "GTE", "2024-01-02T00:00:00Z", &["10", "100", "8"]),
        ("createdate", "GT", "2024-01-02", &["100", "8"]),
        ("createdate", "LT", "1704153600000", &["9"]),
        ("hs_lastmodifieddate", "LTE", "2024-02-06T01:00:00+01:00", &["100", "8"]),
        ("createdate", "GT", "soon", &[]),
        ("domain", "HAS_PROPERTY", "", &["9", "10", "100"]),
        ("domain", "NOT_HAS_PROPERTY", "", &["8"]),
        ("name", "CONTAINS_TOKEN", "acme", &["9", "10"]),
        ("name", "CONTAINS_TOKEN", "gmbh ACME", &["9"]),
        ("name", "CONTAINS_TOKEN", "acm", &[]),
        ("name", "CONTAINS_TOKEN", "&", &[]),
        ("name", "CONTAINS_TOKEN", "*e*e*", &["8"]),
        ("name", "CONTAINS_TOKEN", "z*a", &["100"]),
        ("domain", "CONTAINS_TOKEN", "*.test", &["100"]),
        ("domain", "NOT_CONTAINS_TOKEN", "acme", &["100"]),
    ] {
        let found = caller.matching(filter(property, operator, value)).await;
        assert_eq!(found, expected, "{property} {operator} {value}");
    }
    for (operator, expected) in [("IN", &["9", "10"][..]), ("NOT_IN", &["100"])] {
        let values = ["ACME.example", "labs.acme.example"];
        let filter = json!({"propertyName": "domain", "operator": operator, "values": values});
        assert_eq!(caller.matching(filter).await, expected, "{operator}");
    }
    let between = json!({"propertyName": "size", "operator": "BETWEEN", "value": 2.5, "highValue": "9"});
    assert_eq!(caller.matching(between).await, ["9", "100"]);
}

#[tokio::test]
async fn one_group_must_match_with_all_of_its_filters() {
    let caller = Caller::of(four()).await;
    let acme = filter("name", "CONTAINS_TOKEN", "acme");
    let groups = json!([
        {"filters": [acme, filter("size", "GT", "9")]},
        {"filters": [filter("domain", "NOT_HAS_PROPERTY", "")]},
    ]);
    let body = caller.search(json!({"filterGroups": groups})).await;
    assert_eq!((ids(&body), &body["total"]), (vec!["10".into(), "8".into()], &json!(2)));
}

#[tokio::test]
async fn a_query_looks_into_names_and_domains_in_any_case() {
    let caller = Caller::of(four()).await;
    assert_eq!(ids(&caller.search(json!({"query": "EBR"})).await), ["100"]);
    assert_eq!(ids(&caller.search(json!({"query": "labs.acme"})).await), ["10"]);
    let filters = json!([{"filters": [filter("size", "LT", "10")]}]);
    assert_eq!(ids(&caller.search(json!({"query": "acme", "filterGroups": filters})).await), ["9"]);
    assert_eq!(caller.search(json!({})).await["total"], 4);
}

#[tokio::test]
async fn results_are_sorted_as_asked_and_by_creation_otherwise() {
    let caller = Caller::of(four()).await;
    assert_eq!(ids(&caller.search(json!({})).await), ["9", "10", "100", "8"]);
    assert_eq!(caller.sorted(json!("hs_object_id")).await, ["8", "9", "10", "100"]);
    assert_eq!(caller.sorted(json!("-hs_lastmodifieddate")).await, ["9", "10", "100", "8"]);
    assert_eq!(caller.sorted(json!("name")).await, ["9", "10", "8", "100"]);
    assert_eq!(caller.sorted(json!("size")).await, ["100", "9", "10", "8"], "without a value: last");
    assert_eq!(caller.sorted(json!("-size")).await, ["10", "9", "100", "8"], "without a value: last");
    let descending = json!({"propertyName": "createdate", "direction": "DESCENDING"});
    assert_eq!(caller.sorted(descending).await, ["8", "100", "10", "9"]);
    assert_eq!(caller.sorted(json!({"propertyName": "name"})).await, ["9", "10", "8", "100"]);
}

#[tokio::test]
async fn a_change_takes_its_place_in_the_order_and_an_archived_one_leaves_it() {
    let caller = Caller::of(four()).await;
    assert!(caller.simulator.set_property("100", "name", "Aardvark"));
    assert_eq!(caller.sorted(json!("hs_lastmodifieddate")).await, ["8", "10", "9", "100"]);
    assert_eq!(caller.sorted(json!("name")).await[0], "100");
    assert!(caller.simulator.archive("10"));
    for sort in ["hs_object_id", "createdate", "hs_lastmodifieddate", "name"] {
        let found = caller.sorted(json!(sort)).await;
        assert_eq!((found.len(), found.contains(&"10".to_owned())), (3, false), "{sort}");
    }
}

#[tokio::test]
async fn only_the_properties_asked_for_come_back() {
    let caller = Caller::of(four()).await;
    let body = caller.search(json!({"properties": ["domain", "phone"], "limit": 1})).await;
    let properties = body["results"][0]["properties"].as_object().unwrap();
    let names: Vec<_> = properties.keys().map(String::as_str).collect();
    assert_eq!(names, ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "phone"]);
    assert_eq!(properties["phone"], Value::Null);
}

#[tokio::test]
async fn pages_follow_each_other_and_the_last_one_has_no_paging() {
    let caller = Caller::of(numbered(25)).await;
    let (mut request, mut seen) = (json!({"sorts": ["-size"]}), Vec::new());
    loop {
        let body = caller.search(request.clone()).await;
        assert_eq!(body["total"], 25);
        seen.extend(ids(&body));
        let Some(paging) = body.get("paging") else { break };
        assert_eq!(paging["next"]["after"], json!(seen.len().to_string()));
        request["after"] = paging["next"]["after"].clone();
    }
    assert_eq!(seen, (1..=25).rev().map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(ids(&caller.search(json!({"after": "90"})).await).len(), 0);
}

#[tokio::test]
async fn a_search_ends_at_ten_thousand_results() {
    let caller = Caller::of(numbered(10_500)).await;
    let body = caller.search(json!({"after": "9800", "limit": 200})).await;
    assert_eq!((&body["total"], &body["paging"]["next"]["after"]), (&json!(10_500), &json!("10000")));
    caller.assert_refused(json!({"after": "10000", "limit": 1}).to_string(), "ends at 10000 results").await;
    caller.assert_refused(json!({"after": "9900", "limit": 101}).to_string(), "ends at 10000 results").await;
}

#[tokio::test]
async fn a_search_past_hubspots_limits_is_refused() {
    let caller = Caller::of(four()).await;
    let group = |filters| json!({"filters": vec![filter("name", "EQ", "x"); filters]});
    let groups = |groups: Vec<Value>| json!({"filterGroups": groups}).to_string();
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    caller.assert_refused(groups(vec![group(1); 6]), "at most 5 filterGroups").await;
    caller.assert_refused(groups(vec![group(7)]), "at most 6 filters in a group").await;
    caller.assert_refused(groups(vec![group(5), group(5), group(5), group(4)]), "at most 18 filters").await;
    caller.assert_refused(padded(3_001), "3000 characters").await;
    caller.assert_refused(json!({"sorts": ["name", "size"]}).to_string(), "at most 1 sort").await;
    caller.assert_refused(json!({"limit": 201}).to_string(), "limit must be 1 to 200").await;
    caller.assert_refused(json!({"after": "NTEy"}).to_string(), "after must be a whole number").await;
    for accepted in [groups(vec![group(1); 5]), groups(vec![group(6); 3]), padded(3_000), "{\"limit\": 200}".into()] {
        assert_eq!(caller.send(accepted).await.status(), 200);
    }
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let caller = Caller::of(four()).await;
    for (filter, part) in [
        (json!({"operator": "EQ", "value": "x"}), "not set: [propertyName]"),
        (json!({"propertyName": "name", "value": "x"}), "not set: [operator]"),
        (json!({"propertyName": "name", "operator": "LIKE", "value": "x"}), "unknown operator `LIKE`"),
        (json!({"propertyName": "name", "operator": "EQ"}), "operator EQ requires a value"),
        (json!({"propertyName": "name", "operator": "BETWEEN", "value": "1"}), "BETWEEN requires a highValue"),
        (json!({"propertyName": "name", "operator": "BETWEEN", "highValue": "1"}), "BETWEEN requires a value"),
        (json!({"propertyName": "name", "operator": "IN", "value": "x"}), "operator IN requires values"),
        (json!({"propertyName": "name", "operator": "NOT_IN", "values": []}), "operator NOT_IN requires values"),
        (json!({"propertyName": "name", "operator": "CONTAINS_TOKEN"}), "CONTAINS_TOKEN requires a value"),
    ] {
        caller.assert_refused(json!({"filterGroups": [{"filters": [filter]}]}).to_string(), part).await;
    }
    caller.assert_refused(json!({"sorts": [1]}).to_string(), "a sort is a property's name").await;
    caller.assert_refused(json!({"filterGroups": [{}]}).to_string(), "not set: [filters]").await;
    caller.assert_refused("{".into(), "Invalid input JSON").await;
}

#[tokio::test]
async fn search_answers_tell_of_no_rate_limit() {
    let limits = RateLimits::default().per_ten_seconds(10).searches_per_second(5);
    let caller = Caller::of(four().rate_limits(limits)).await;
    let headers = caller.send("{}".into()).await.headers().clone();
    assert!(headers.contains_key("x-hubspot-correlation-id"));
    assert!(!headers.keys().any(|name| name.as_str().starts_with("x-hubspot-ratelimit")));
}

#[tokio::test]
async fn paging_through_a_hundred_thousand_by_id_or_by_change_is_quick() {
    let clients = (1..=100_000).map(|id| (id.to_string(), [("hs_lastmodifieddate", id.to_string())]));
    let caller = Caller::of(Simulator::builder().without_seed().partner_clients(clients)).await;
    for (property, operator, mut last) in
        [("hs_object_id", "GT", "0".to_owned()), ("hs_lastmodifieddate", "GTE", "0".to_owned())]
    {
        let began = cpu();
        for _ in 0..50 {
            let groups = json!([{"filters": [filter(property, operator, &last)]}]);
            let body = caller.search(json!({"filterGroups": groups, "sorts": [property], "limit": 200})).await;
            assert_eq!(ids(&body).len(), 200);
            last = body["results"][199]["properties"][property].as_str().unwrap().to_owned();
        }
        // 200 a page, of which the second filter finds the last one again.
        assert!(last == "10000" || last == "1970-01-01T00:00:09.951Z", "{last}");
        let took = cpu() - began;
        assert!(took < Duration::from_secs(5), "{property}: {took:?}");
    }
}

#[tokio::test]
async fn partner_clients_seeded_alike_share_a_millisecond_and_are_told_apart_by_id() {
    let caller = Caller::of(numbered(11)).await;
    for sort in ["createdate", "hs_lastmodifieddate"] {
        let body = caller.search(json!({"sorts": [sort], "limit": 20})).await;
        let expected: Vec<_> = (1..=11).map(|id| id.to_string()).collect();
        assert_eq!(ids(&body), expected);
        assert_eq!(body["results"][0]["updatedAt"], body["results"][10]["updatedAt"]);
    }
}
