//! What a search sends, and what it refuses to send.

use std::sync::{Arc, Mutex};

use chrono::{NaiveDate, TimeZone, Utc};
use futures_util::TryStreamExt;
use httpmock::{Method, MockServer};
use hubspot_partner_clients::{Client, Error, Filter, Search, filter};
use serde_json::{Value, json};

use crate::support::client_at;

/// A server that finds nothing, and the bodies it was sent.
async fn hubspot() -> (MockServer, Client, Arc<Mutex<Vec<Value>>>) {
    let server = MockServer::start_async().await;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&bodies);
    server
        .mock_async(|when, then| {
            when.method(Method::POST).path("/crm/v3/objects/partner_clients/search").is_true(move |request| {
                keep.lock().unwrap().push(serde_json::from_slice(request.body_ref()).unwrap());
                true
            });
            then.status(200).json_body(json!({"total": 0, "results": []}));
        })
        .await;
    let client = client_at(&server.base_url(), "t");
    (server, client, bodies)
}

async fn sent(build: impl FnOnce(Search) -> Search) -> Value {
    let (_server, client, bodies) = hubspot().await;
    build(client.search()).await.unwrap();
    bodies.lock().unwrap().remove(0)
}

#[tokio::test]
async fn a_bare_search_sends_its_page_size_alone() {
    assert_eq!(sent(|search| search).await, json!({"limit": 200}));
}

#[tokio::test]
async fn text_groups_sort_and_properties_are_sent() {
    let body = sent(|search| {
        search
            .query("acme")
            .filter(filter("name").contains_token("acme*"))
            .filter(filter("employees").gt(10))
            .or(filter("domain").eq("acme.example"))
            .sort_descending("createdate")
            .properties(["name", "domain"])
            .after("20")
            .page_size(20)
    })
    .await;
    let expected = json!({
        "query": "acme",
        "filterGroups": [
            {"filters": [
                {"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "acme*"},
                {"propertyName": "employees", "operator": "GT", "value": "10"},
            ]},
            {"filters": [{"propertyName": "domain", "operator": "EQ", "value": "acme.example"}]},
        ],
        "sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}],
        "properties": ["name", "domain"],
        "after": "20",
        "limit": 20,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_operator_is_sent_with_its_operands() {
    let time = Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap();
    let date = NaiveDate::from_ymd_opt(2026, 1, 2).unwrap();
    let p = || filter("p");
    let cases: [(Filter, Value); 14] = [
        (p().eq("x"), json!({"operator": "EQ", "value": "x"})),
        (p().neq(true), json!({"operator": "NEQ", "value": "true"})),
        (p().lt(1.5), json!({"operator": "LT", "value": "1.5"})),
        (p().lte(-1), json!({"operator": "LTE", "value": "-1"})),
        (p().gt(time), json!({"operator": "GT", "value": "1767323045000"})),
        (p().gte(date), json!({"operator": "GTE", "value": "1767312000000"})),
        (p().between(1, 2), json!({"operator": "BETWEEN", "value": "1", "highValue": "2"})),
        (p().is_in(["a", "b"]), json!({"operator": "IN", "values": ["a", "b"]})),
        (p().not_in([1, 2]), json!({"operator": "NOT_IN", "values": ["1", "2"]})),
        (p().has_property(), json!({"operator": "HAS_PROPERTY"})),
        (p().not_has_property(), json!({"operator": "NOT_HAS_PROPERTY"})),
        (p().contains_token("a*"), json!({"operator": "CONTAINS_TOKEN", "value": "a*"})),
        (p().not_contains_token("a"), json!({"operator": "NOT_CONTAINS_TOKEN", "value": "a"})),
        (p().eq(String::from("x")), json!({"operator": "EQ", "value": "x"})),
    ];
    for (case, mut expected) in cases {
        expected["propertyName"] = json!("p");
        let body = sent(|search| search.filter(case)).await;
        assert_eq!(body["filterGroups"][0]["filters"][0], expected);
    }
}

#[tokio::test]
async fn what_hubspot_would_refuse_is_refused_before_anything_is_sent() {
    let (_server, client, bodies) = hubspot().await;
    let full = |n: usize| (0..n).fold(client.search(), |search, _| search.filter(filter("p").eq("x")));
    let groups = |n: usize| (0..n).fold(client.search(), |search, _| search.or(filter("p").eq("x")));
    let many = (0..4).fold(full(6), |search, group| {
        (1..4).fold(search.or(filter("p").eq(group)), |search, _| search.filter(filter("p").eq("x")))
    });
    for (search, message) in [
        (groups(6), "groups of filters \"6\" are more than the 5"),
        (full(7), "filters in a group \"7\" are more than the 6"),
        (many, "filters in total \"22\" are more than the 18"),
        (client.search().query("x".repeat(3_000)), "characters of the search \"3"),
        (client.search().page_size(201), "page size \"201\" is out of range: give 1 to 200"),
        (client.search().page_size(0), "page size \"0\" is out of range"),
        (client.search().filter(filter("").eq("x")), "property name \"\" is empty"),
        (client.search().filter(filter("p").eq("")), "filter on property \"p\" has an empty value"),
        (client.search().filter(filter("p").is_in([""; 0])), "filter on property \"p\" lists no value"),
        (client.search().filter(filter("p").gt(f64::INFINITY)), "property \"p\" \"inf\" is not a finite number"),
        (client.search().sort_ascending("a,b"), "property name \"a,b\" contains a comma"),
    ] {
        let error = search.await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with(message), "{error}");
    }
    assert!(bodies.lock().unwrap().is_empty());
    full(6).await.unwrap();
    groups(5).await.unwrap();
}

#[tokio::test]
async fn a_sorted_stream_says_at_once_that_it_cannot_pass_ten_thousand_results() {
    let (_server, client, bodies) = hubspot().await;
    let stream = |search: Search| async move { search.items().try_collect::<Vec<_>>().await };
    let refused = |outcome: Result<Vec<_>, Error>| outcome.unwrap_err().message().to_owned();
    let sorted = || client.search().sort_ascending("createdate");
    assert!(refused(stream(sorted()).await).starts_with("limit is required for a sorted stream"));
    assert!(refused(stream(sorted().limit(10_001)).await).starts_with("limit \"10001\" is more than"));
    let walk = (0..6).fold(client.search(), |search, _| search.filter(filter("p").eq("x")));
    assert!(refused(stream(walk).await).starts_with("filters in a group \"7\""), "the walk needs one itself");
    assert!(bodies.lock().unwrap().is_empty());
    stream(sorted().limit(10_000)).await.unwrap();
}
