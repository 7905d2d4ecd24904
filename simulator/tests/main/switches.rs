//! The switches for what HubSpot may do one way or the other.

use std::time::Duration;

use hubspot_simulator::{RateLimits, Simulator, SimulatorBuilder};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::support::Caller;

const VERSIONS: [&str; 3] = ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"];

fn many() -> SimulatorBuilder {
    let clients = (1..=5).map(|id| (id.to_string(), [("name", "x")]));
    let builder =
        Simulator::builder().without_seed().partner_clients(clients).association_type("companies", 7, "owner");
    (1..=5).fold(builder, |builder: SimulatorBuilder, id: u32| {
        let builder = builder.object("companies", id.to_string(), [("name", "x")]);
        builder.association("1", "companies", id.to_string(), "7")
    })
}

fn ids(body: &Value) -> Vec<String> {
    let id = |one: &Value| if one["id"].is_null() { one["toObjectId"].to_string() } else { one["id"].to_string() };
    let plain = |one: &Value| id(one).trim_matches('"').to_owned();
    body["results"].as_array().unwrap().iter().map(plain).collect()
}

#[tokio::test]
async fn results_can_come_in_the_opposite_order_and_every_page_is_still_the_same() {
    for (builder, pages) in [(many(), [["1", "2"], ["3", "4"]]), (many().reversed_results(), [["2", "1"], ["4", "3"]])]
    {
        let caller = Caller::of(builder).await;
        for objects in VERSIONS {
            for path in
                [format!("{objects}/partner_clients"), format!("{objects}/partner_clients/1/associations/companies")]
            {
                let (_, first) = caller.get(&format!("{path}?limit=2")).await;
                let link = first["paging"]["next"]["link"].as_str().unwrap();
                let second = caller.get(link.strip_prefix(caller.simulator.base_url()).unwrap()).await.1;
                assert_eq!([ids(&first), ids(&second)], pages.map(|page| page.map(str::to_owned).to_vec()), "{path}");
            }
            let inputs = json!({"inputs": [{"id": "4"}, {"id": "2"}]});
            let (_, read) = caller.post(&format!("{objects}/partner_clients/batch/read"), inputs).await;
            let expected = if pages[0][0] == "1" { ["4", "2"] } else { ["2", "4"] };
            assert_eq!(ids(&read), expected);
        }
    }
}

#[tokio::test]
async fn what_is_missing_can_be_a_page_in_html() {
    for html in [false, true] {
        let builder = if html { many().html_not_found() } else { many() };
        let simulator = builder.start().await.unwrap();
        for objects in VERSIONS {
            let url = format!("{}{objects}/partner_clients/99", simulator.base_url());
            let response = Client::new().get(&url).bearer_auth(simulator.access_token()).send().await.unwrap();
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            let told = if html { Some("true".to_owned()) } else { None };
            assert_eq!((response.status().as_u16(), header("x-hubspot-notfound")), (404, told));
            assert!(header("x-hubspot-correlation-id").is_some());
            assert_eq!(header("content-type").unwrap().starts_with("text/html"), html);
            assert_eq!(response.text().await.unwrap().starts_with('<'), html);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_can_count_longer_than_its_window() {
    for edge in [Duration::ZERO, Duration::from_millis(50)] {
        let limits = RateLimits::default().per_ten_seconds(1).searches_per_second(1);
        let caller = Caller::of(many().rate_limits(limits).window_edge(edge)).await;
        let list = async || caller.get("/crm/v3/objects/partner_clients").await.0;
        let search = async || caller.post("/crm/v3/objects/partner_clients/search", json!({})).await.0;
        assert_eq!([list().await, search().await], [200, 200]);
        advance(Duration::from_secs(1) + edge - Duration::from_millis(1)).await;
        assert_eq!([list().await, search().await], [429, 429], "{edge:?}");
        advance(Duration::from_millis(1)).await;
        assert_eq!([list().await, search().await], [429, 200], "{edge:?}");
        advance(Duration::from_secs(9) - Duration::from_millis(1)).await;
        assert_eq!(list().await, 429, "{edge:?}");
        advance(Duration::from_millis(1)).await;
        assert_eq!(list().await, 200, "{edge:?}");
    }
}

#[tokio::test]
async fn v3_can_tell_new_associations_in_both_directions() {
    let input = json!({"inputs": [{"from": {"id": "2"}, "to": {"id": "3"}, "type": "owner"}]});
    let asked = json!({"from": {"id": "2"}, "to": {"id": "3"}, "type": "owner"});
    let inverse = json!({"from": {"id": "3"}, "to": {"id": "2"}, "type": "owner"});
    for (builder, status, results) in [
        (many(), 201, json!([asked])),
        (many().inverse_results(), 200, json!([asked, inverse])),
        (many().inverse_results().reversed_results(), 200, json!([inverse, asked])),
    ] {
        let caller = Caller::of(builder).await;
        let path = "/crm/v3/associations/partner_clients/companies/batch/create";
        let (told, body) = caller.post(path, input.clone()).await;
        assert_eq!((told, &body["results"]), (status, &results));
        let empty = if status == 200 { (Some(&Value::Null), Some(&json!({}))) } else { (None, None) };
        assert_eq!((body.get("requestedAt"), body.get("links")), empty);
    }
}

#[tokio::test]
async fn a_search_can_answer_with_short_pages_and_with_cursors_that_are_numbers() {
    let builders: [(SimulatorBuilder, &[usize], bool); 3] = [
        (many(), &[2, 2, 1], false),
        (many().short_search_pages(), &[1, 1, 1, 1, 1], false),
        (many().numeric_search_cursors(), &[2, 2, 1], true),
    ];
    for (builder, sizes, numeric) in builders {
        let caller = Caller::of(builder).await;
        for objects in VERSIONS {
            let search = async |body: Value| caller.post(&format!("{objects}/partner_clients/search"), body).await.1;
            let (mut pages, mut after) = (Vec::new(), json!(null));
            loop {
                let body = search(json!({"limit": 2, "after": after})).await;
                pages.push(ids(&body));
                let Some(next) = body.get("paging") else { break };
                after = next["next"]["after"].clone();
                assert_eq!((after.is_number(), after.is_string()), (numeric, !numeric));
            }
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
            assert_eq!(pages.concat(), ["1", "2", "3", "4", "5"]);
            assert_eq!(ids(&search(json!({"limit": 1})).await), ["1"]);
        }
    }
}

#[tokio::test]
async fn only_an_object_that_is_missing_is_a_page_in_html() {
    let simulator = many().html_not_found().start().await.unwrap();
    for (method, path, body, html) in [
        (Method::GET, "/crm/v3/objects/partner_clients/99/associations/companies", Value::Null, true),
        (Method::DELETE, "/crm/v3/objects/companies/99", Value::Null, true),
        (Method::GET, "/crm/v3/nowhere", Value::Null, false),
        (Method::GET, "/crm/v4/objects/partner_clients/1", Value::Null, false),
        (Method::POST, "/oauth/v2/private-apps/get/access-token-info", json!({"tokenKey": "unknown"}), false),
    ] {
        let url = format!("{}{path}", simulator.base_url());
        let request = Client::new().request(method, url).bearer_auth(simulator.access_token()).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.headers().contains_key("x-hubspot-notfound"), html, "{path}");
        assert_eq!(response.text().await.unwrap().starts_with('<'), html, "{path}");
    }
}

#[tokio::test]
async fn a_batch_names_an_association_twice_whichever_way_it_names_the_type() {
    let input = |company: &str, kind: &str| json!({"from": {"id": "2"}, "to": {"id": company}, "type": kind});
    let batch = |second: serde_json::Value| json!({"inputs": [input("3", "7"), second]});
    for (second, status) in
        [(input("3", "7"), 400), (input("3", "owner"), 400), (input("3", "OWNER"), 400), (input("4", "owner"), 201)]
    {
        for (builder, status) in [(many(), 201), (many().refuse_duplicate_associations(), status)] {
            let caller = Caller::of(builder).await;
            let path = "/crm/v3/associations/partner_clients/companies/batch/create";
            assert_eq!(caller.post(path, batch(second.clone())).await.0, status, "{second}");
        }
    }
}
