//! Listing, reading and updating the simulator's partner clients.

use std::time::Duration;

use hubspot_simulator::{Fault, READ_SCOPE, Simulator, SimulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{assert_refused, cpu, ids, numbered};

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

struct Caller {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Caller {
    async fn of(builder: SimulatorBuilder) -> Self {
        Self { simulator: builder.start().await.unwrap(), http: reqwest::Client::new() }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}{OBJECTS}{path}", self.simulator.base_url());
        let request = self.http.request(method, url).bearer_auth(self.simulator.access_token());
        let response = request.body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, "").await
    }

    async fn patch(&self, path: &str, properties: Value) -> (u16, Value) {
        self.send(Method::PATCH, path, &json!({"properties": properties}).to_string()).await
    }
}

fn without_seed() -> SimulatorBuilder {
    Simulator::builder().without_seed()
}

#[tokio::test]
async fn a_list_is_paged_in_numeric_order_of_the_ids_by_opaque_cursors() {
    let caller = Caller::of(numbered(23)).await;
    let (mut query, mut seen, mut pages) = (String::from("?properties=name"), Vec::new(), 0);
    loop {
        let (status, body) = caller.get(&query).await;
        assert_eq!(status, 200);
        pages += 1;
        seen.extend(ids(&body).into_iter().map(|id| id.parse::<u32>().unwrap()));
        let Some(next) = body.get("paging").map(|paging| &paging["next"]) else { break };
        let after = next["after"].as_str().unwrap();
        assert!(after.contains('%') && after.contains('='));
        let (base, rest) = next["link"].as_str().unwrap().split_once('?').unwrap();
        assert_eq!(base, format!("{}{OBJECTS}", caller.simulator.base_url()));
        query = format!("?{rest}");
    }
    assert_eq!((pages, seen), (3, (1..=23).collect()));
    assert_eq!(ids(&caller.get("?limit=23").await.1).len(), 23);
    assert_eq!(caller.get("?limit=23").await.1.get("paging"), None);
}

#[tokio::test]
async fn of_several_partner_clients_with_one_id_the_last_one_counts() {
    let caller = Caller::of(Simulator::builder().partner_client("512", [("name", "Other")])).await;
    let (_, body) = caller.get("?properties=name,domain").await;
    assert_eq!(ids(&body), ["512"]);
    let properties = &body["results"][0]["properties"];
    assert_eq!((&properties["name"], &properties["domain"]), (&json!("Other"), &Value::Null));
}

#[tokio::test]
async fn a_list_refuses_what_hubspot_refuses() {
    let caller = Caller::of(numbered(1)).await;
    for (query, part) in [
        ("?limit=101", "limit must be 1 to 100"),
        ("?limit=0", "limit must be 1 to 100"),
        ("?limit=51&propertiesWithHistory=name", "limit must be 1 to 50"),
        ("?after=1", "no cursor"),
        ("?archived=yes", "true or false"),
    ] {
        assert_refused(&caller.get(query).await, part);
    }
    assert_eq!(caller.get("?limit=100").await.0, 200);
    assert_eq!(caller.get("?limit=50&propertiesWithHistory=name").await.0, 200);
    assert_eq!(caller.get("?associations=widgets").await.0, 400);
}

#[tokio::test]
async fn booleans_are_read_as_hubspots_own_clients_send_them() {
    let caller = Caller::of(Simulator::builder().archived_partner_client("513", [("name", "x")])).await;
    for (archived, id) in
        [("false", "512"), ("False", "512"), ("0", "512"), ("1", "512"), ("", "512"), ("true", "513"), ("True", "513")]
    {
        let (status, body) = caller.get(&format!("?archived={archived}")).await;
        assert_eq!((status, ids(&body)), (200, vec![id]), "{archived}");
    }
}

#[tokio::test]
async fn a_list_carries_the_associations_that_are_asked_for() {
    let builder = Simulator::builder().association("512", "companies", "9001", "1001");
    let caller = Caller::of(builder).await;
    let (_, body) = caller.get("?associations=companies,deals&associations=tickets").await;
    let expected = json!({"companies": {"results": [{"id": "9001", "type": "partner_client_to_company"}]}});
    assert_eq!(body["results"][0]["associations"], expected);
    assert_eq!(caller.get("").await.1["results"][0].get("associations"), None);
}

#[tokio::test]
async fn requested_properties_come_with_the_computed_ones_and_null_for_what_is_not_there() {
    let caller = Caller::of(Simulator::builder().null_property("512", "industry")).await;
    for path in ["/512?properties=name,phone", "/512?properties=name&properties=phone"] {
        let (_, body) = caller.get(path).await;
        let expected = json!({
            "name": "Example Partner Client", "phone": null, "hs_object_id": "512",
            "createdate": body["createdAt"], "hs_lastmodifieddate": body["updatedAt"],
        });
        assert_eq!(body["properties"], expected);
        let created = body["createdAt"].as_str().unwrap();
        assert_eq!((created.len(), &created[19..20], &created[23..]), (24, ".", "Z"));
    }
    let all = caller.get("/512").await.1["properties"].clone();
    let names: Vec<_> = all.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["createdate", "description", "domain", "hs_lastmodifieddate", "hs_object_id", "industry", "name"];
    assert_eq!(names, expected);
    assert_eq!(all["industry"], Value::Null);
}

#[tokio::test]
async fn a_partner_client_is_found_by_the_value_of_a_property() {
    let caller = Caller::of(Simulator::builder().unique_property("partner_clients", "domain")).await;
    let (status, body) = caller.get("/client.example?idProperty=domain").await;
    assert_eq!((status, &body["id"]), (200, &json!("512")));
    assert_eq!(caller.get("/512?idProperty=hs_object_id").await.0, 200);
    assert_eq!(caller.patch("/client.example?idProperty=domain", json!({"domain": "other.example"})).await.0, 200);
    for missing in ["/client.example?idProperty=domain", "/513"] {
        let (status, body) = caller.get(missing).await;
        assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    }
}

#[tokio::test]
async fn archived_partner_clients_are_answered_only_when_asked_for() {
    let builder = numbered(2).archived_partner_client("3", [("name", "Gone")]);
    let caller = Caller::of(builder).await;
    assert!(caller.simulator.archive("1"));
    assert!(!caller.simulator.archive("1") && !caller.simulator.archive("9"));
    assert_eq!(ids(&caller.get("").await.1), ["2"]);
    let (_, body) = caller.get("?archived=true").await;
    assert_eq!(ids(&body), ["1", "3"]);
    assert_eq!(body["results"][0]["archived"], true);
    assert!(body["results"][0]["archivedAt"].is_string());
    assert_eq!([caller.get("/1").await.0, caller.get("/1?archived=true").await.0], [404, 200]);
    assert_eq!([caller.get("/2").await.0, caller.get("/2?archived=true").await.0], [200, 404]);
    assert_eq!(caller.patch("/1", json!({"name": "x"})).await.0, 404);
    assert!(caller.simulator.partner_client("1").unwrap().archived);
}

#[tokio::test]
async fn an_update_sets_clears_and_ignores_nulls() {
    let caller = Caller::of(Simulator::builder()).await;
    let values = json!({"name": "New", "domain": "", "description": null, "employees": 12, "active": true});
    let (status, body) = caller.patch("/512", values).await;
    assert_eq!((status, body.get("associations")), (200, None));
    let properties = &body["properties"];
    assert_eq!([&properties["name"], &properties["employees"], &properties["active"]], ["New", "12", "true"]);
    let names: Vec<_> = properties.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["active", "createdate", "employees", "hs_lastmodifieddate", "hs_object_id", "name"];
    assert_eq!(names, expected, "what changed and was not cleared");
    let (_, all) = caller.get("/512").await;
    assert_eq!([&all["properties"]["domain"], &all["properties"]["description"]], [&Value::Null, &Value::Null]);

    let (status, same) = caller.patch("/512", json!({"name": null})).await;
    assert_eq!((status, &same["updatedAt"]), (200, &body["updatedAt"]), "nothing but a null changes nothing");
    assert_eq!(caller.get("/512").await.1, all);
}

#[tokio::test]
async fn no_two_changes_share_a_millisecond_and_the_history_keeps_them_newest_first() {
    let caller = Caller::of(numbered(2)).await;
    let mut times = vec![caller.get("/1").await.1["updatedAt"].as_str().unwrap().to_owned()];
    for value in 0..30 {
        let (_, body) = caller.patch(&format!("/{}", 1 + value % 2), json!({"name": value})).await;
        assert_eq!(body["properties"]["hs_lastmodifieddate"], body["updatedAt"]);
        times.push(body["updatedAt"].as_str().unwrap().to_owned());
    }
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");

    assert!(caller.simulator.set_property("1", "name", "by hand"));
    caller.patch("/1", json!({"name": ""})).await;
    let (_, body) = caller.get("/1?propertiesWithHistory=name,nothing").await;
    let history = body["propertiesWithHistory"]["name"].as_array().unwrap();
    let values: Vec<_> = history.iter().map(|version| version["value"].as_str().unwrap()).collect();
    assert_eq!((values.len(), &values[..3], values[17]), (18, &["", "by hand", "28"][..], "Client 1"));
    assert!(history.is_sorted_by(|a, b| a["timestamp"].as_str() > b["timestamp"].as_str()));
    let sources: Vec<_> = [0, 1, 17].iter().map(|place| history[*place]["sourceType"].as_str().unwrap()).collect();
    assert_eq!(sources, ["INTEGRATION", "CRM_UI", "IMPORT"]);
    assert!(history[0]["sourceId"].is_string() && history[17].get("sourceId").is_none());
    assert_eq!(body["propertiesWithHistory"]["nothing"], json!([]));
}

#[tokio::test]
async fn an_update_that_hubspot_refuses_changes_nothing() {
    let caller = Caller::of(Simulator::builder()).await;
    let before = caller.get("/512").await;
    for name in ["hs_object_id", "createdate", "hs_lastmodifieddate"] {
        let (status, body) = caller.patch("/512", json!({"name": "x", name: "1"})).await;
        let detail = &body["errors"][0];
        assert_eq!((&detail["code"], &detail["context"]["propertyName"]), (&"READ_ONLY_VALUE".into(), &json!([name])));
        assert_refused(&(status, body), "Property values were not valid: [{");
    }
    for (body, part) in [
        ("", "Invalid JSON input: a request body was expected, but none found"),
        ("{\"properties\": {", "Invalid input JSON on line 1, column 16"),
        ("[]", "Invalid input JSON"),
        ("{}", "Some required fields were not set: [properties]"),
        (r#"{"properties": {"name": ["x"]}}"#, "from Array value"),
        (r#"{"properties": {"name": {}}}"#, "from Object value"),
        (r#"{"properties": {}}"#, "No properties found to update"),
    ] {
        assert_refused(&caller.send(Method::PATCH, "/512", body).await, part);
    }
    assert_eq!(caller.get("/512").await, before);
}

#[tokio::test]
async fn each_operation_takes_its_scope_and_no_other_method() {
    let caller = Caller::of(Simulator::builder().token("reader", [READ_SCOPE]).token("nobody", ["other"])).await;
    for (method, path, writes) in [
        (Method::GET, "", false),
        (Method::GET, "/512", false),
        (Method::PATCH, "/512", true),
        (Method::POST, "/batch/read", false),
        (Method::POST, "/batch/update", true),
        (Method::POST, "/search", false),
    ] {
        let url = format!("{}{OBJECTS}{path}", caller.simulator.base_url());
        let send = async |token| {
            let request = caller.http.request(method.clone(), &url).bearer_auth(token);
            request.body("{}").send().await.unwrap().status().as_u16()
        };
        assert_eq!(send("nobody").await, 403, "{method} {path}");
        assert_eq!(send("reader").await == 403, writes, "{method} {path}");
        assert_ne!(send(caller.simulator.access_token()).await, 403, "{method} {path}");
        assert_eq!(caller.send(Method::DELETE, path, "").await, (405, json!({"detail": "Method Not Allowed"})));
    }
}

#[tokio::test]
async fn a_fault_strikes_each_operation_by_its_id() {
    for (operation, method, path) in [
        ("list", Method::GET, ""),
        ("update", Method::PATCH, "/512"),
        ("batch_read", Method::POST, "/batch/read"),
        ("batch_update", Method::POST, "/batch/update"),
        ("search", Method::POST, "/search"),
    ] {
        let caller = Caller::of(Simulator::builder().fault(Fault::status(503).on(operation))).await;
        assert_eq!(caller.send(method, path, "{}").await.0, 503, "{operation}");
        assert_eq!(caller.get("/512").await.0, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_seeded_or_set_is_refused() {
    for (builder, part) in [
        (without_seed().partner_client("1", [("hs_object_id", "2")]), "hs_object_id of partner client `1`"),
        (without_seed().partner_client("1", [("createdate", "soon")]), "createdate of partner client `1`"),
        (Simulator::builder().null_property("512", "createdate"), "is never null"),
        (Simulator::builder().null_property("513", "name"), "no partner client `513`"),
    ] {
        let error = builder.start().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(part), "{error}");
    }
    let simulator = numbered(1).archived_partner_client("2", [("name", "x")]).start().await.unwrap();
    assert!(!simulator.set_property("1", "createdate", "1") && !simulator.set_property("2", "name", "y"));
    assert_eq!(simulator.partner_client("3"), None);
}

#[tokio::test]
async fn a_hundred_thousand_partner_clients_are_seeded_and_listed_quickly() {
    let began = cpu();
    let caller = Caller::of(numbered(100_000)).await;
    let seeded = cpu() - began;
    assert!(seeded < Duration::from_secs(3), "{seeded:?}");

    let began = cpu();
    let mut query = String::from("?limit=100");
    for _ in 0..100 {
        let (_, body) = caller.get(&query).await;
        query = body["paging"]["next"]["link"].as_str().unwrap().split_once('?').map(|(_, q)| format!("?{q}")).unwrap();
    }
    let listed = cpu() - began;
    assert!(listed < Duration::from_secs(10), "{listed:?}");
}

#[tokio::test]
async fn a_url_past_8_kb_is_refused_by_a_gateway_before_anything_else() {
    let caller = Caller::of(Simulator::builder()).await;
    let path = "/crm/v3/objects/partner_clients/512?properties=";
    for (length, status) in [(8 * 1024, 200), (8 * 1024 + 1, 414)] {
        let path = format!("{path}{}", "x".repeat(length - path.len()));
        let request = reqwest::Client::new().get(format!("{}{path}", caller.simulator.base_url()));
        let request = if status == 200 { request.bearer_auth(caller.simulator.access_token()) } else { request };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().contains_key("x-hubspot-correlation-id"), status == 200);
    }
    let statuses: Vec<_> = caller.simulator.requests().iter().map(|request| request.status()).collect();
    assert_eq!(statuses, [Some(200), Some(414)]);
}
