//! Making, removing and reading the simulator's associations in batches.

use std::{ops::RangeInclusive, time::Duration};

use hubspot_simulator::{Fault, InvalidAssociations, READ_SCOPE, RateLimits, Simulator, SimulatorBuilder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{assert_refused, cpu};

struct Caller {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Caller {
    async fn of(builder: SimulatorBuilder) -> Self {
        Self { simulator: builder.start().await.unwrap(), http: reqwest::Client::new() }
    }

    /// Calls `partner_clients/companies/batch/{operation}` with these inputs.
    async fn batch(&self, operation: &str, inputs: Value) -> (u16, Value) {
        self.post(&format!("partner_clients/companies/batch/{operation}"), json!({"inputs": inputs})).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.post_as(self.simulator.access_token(), path, body).await
    }

    /// An empty body is answered as `null`.
    async fn post_as(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/crm/v3/associations/{path}", self.simulator.base_url());
        let response = self.http.post(url).bearer_auth(token).body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    /// Reads an address that an answer gave.
    async fn follow(&self, link: &Value) -> Value {
        let request = self.http.get(link.as_str().unwrap()).bearer_auth(self.simulator.access_token());
        request.send().await.unwrap().json().await.unwrap()
    }
}

/// Partner clients 1 to 10, companies c1 to c10, and the association type 7 or `referred_by`.
fn ten() -> SimulatorBuilder {
    (1..=10).fold(without_seed(10), |builder, id| builder.object("companies", format!("c{id}"), [("name", "x")]))
}

fn without_seed(partner_clients: usize) -> SimulatorBuilder {
    Simulator::builder()
        .without_seed()
        .partner_clients((1..=partner_clients).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "referred_by")
}

fn input(from: &str, to: &str) -> Value {
    typed(from, to, "7")
}

fn typed(from: &str, to: &str, association_type: &str) -> Value {
    json!({"from": {"id": from}, "to": {"id": to}, "type": association_type})
}

/// An input that every operation takes.
fn any_input() -> Value {
    json!({"id": "1", "from": {"id": "1"}, "to": {"id": "c1"}, "type": "7"})
}

/// Partner client 1 with each of the companies.
fn inputs(companies: RangeInclusive<usize>) -> Value {
    companies.map(|id| input("1", &format!("c{id}"))).collect()
}

#[tokio::test]
async fn a_batch_makes_all_its_associations_and_answers_with_them() {
    let caller = Caller::of(ten()).await;
    let inputs =
        json!([input("2", "c1"), typed("1", "c2", "REFERRED_BY"), {"from": {"id": 1}, "to": {"id": "c1"}, "type": 7}]);
    let (status, body) = caller.batch("create", inputs).await;
    assert_eq!((status, &body["status"], body.get("errors")), (201, &json!("COMPLETE"), None));
    assert_eq!(body["results"], json!([input("2", "c1"), typed("1", "c2", "REFERRED_BY"), input("1", "c1")]));
    assert!(body["startedAt"].as_str().unwrap() <= body["completedAt"].as_str().unwrap());
    assert_eq!(caller.simulator.association_count(), 3);
    let made = caller.simulator.associations("1");
    let made: Vec<_> = made.iter().map(|made| (made.to_object_id.as_str(), made.type_name.as_str())).collect();
    assert_eq!(made, [("c1", "referred_by"), ("c2", "referred_by")]);
}

#[tokio::test]
async fn object_types_go_by_singular_plural_or_id() {
    let caller = Caller::of(ten()).await;
    for types in ["partner_clients/companies", "partner_client/company", "0-145/0-2", "PARTNER_CLIENTS/COMPANIES"] {
        let body = json!({"inputs": [input("1", "c1")]});
        assert_eq!(caller.post(&format!("{types}/batch/create"), body).await.0, 201, "{types}");
        let (status, read) = caller.post(&format!("{types}/batch/read"), json!({"inputs": [{"id": "1"}]})).await;
        assert_eq!((status, &read["results"][0]["to"][0]["id"]), (200, &json!("c1")), "{types}");
        let body = json!({"inputs": [input("1", "c1")]});
        assert_eq!(caller.post(&format!("{types}/batch/archive"), body).await.0, 204, "{types}");
        assert_eq!(caller.simulator.association_count(), 0, "{types}");
    }
}

#[tokio::test]
async fn an_association_that_exists_is_made_again_without_harm() {
    let caller = Caller::of(ten().association("1", "companies", "c1", "7")).await;
    for _ in 0..2 {
        let (status, body) =
            caller.batch("create", json!([input("1", "c1"), input("1", "c1"), input("1", "c2")])).await;
        assert_eq!((status, body["results"].as_array().unwrap().len()), (201, 3));
        assert_eq!(caller.simulator.association_count(), 2);
    }
}

#[tokio::test]
async fn one_unknown_object_refuses_the_batch_and_every_unknown_object_is_named() {
    let caller = Caller::of(ten().archived_partner_client("11", [("name", "x")])).await;
    let inputs = json!([
        input("1", "c1"),
        input("2", "c99"),
        input("77", "c1"),
        input("3", "c99"),
        input("78", "c98"),
        input("11", "c1"),
        typed("4", "c1", "unheard_of"),
    ]);
    let refused = caller.batch("create", inputs).await;
    assert_refused(&refused, "One or more associations are invalid");
    let expected = json!({
        "INVALID_OBJECT_IDS": [
            "COMPANY=c99 is not valid", "PARTNER_CLIENT=77 is not valid", "PARTNER_CLIENT=78 is not valid",
            "COMPANY=c98 is not valid", "PARTNER_CLIENT=11 is not valid",
        ],
        "objectId": ["c99", "77", "78", "c98", "11"],
        "objectType": ["COMPANY", "PARTNER_CLIENT", "PARTNER_CLIENT", "COMPANY", "PARTNER_CLIENT"],
    });
    assert_eq!(refused.1["context"], expected);
    assert_eq!(caller.simulator.association_count(), 0, "nothing is made");
}

#[tokio::test]
async fn an_unknown_association_type_refuses_the_batch_and_only_the_message_names_it() {
    let caller = Caller::of(ten()).await;
    let refused = caller.batch("create", json!([input("1", "c1"), typed("2", "c2", "unheard_of")])).await;
    assert_refused(&refused, "unheard_of");
    assert_eq!(refused.1.get("context"), None);
    assert_eq!(caller.simulator.association_count(), 0, "nothing is made");
}

#[tokio::test]
async fn a_refusal_can_name_nothing() {
    let caller = Caller::of(ten().invalid_associations(InvalidAssociations::Refuse)).await;
    for bad in [input("1", "c99"), input("77", "c1"), typed("1", "c1", "unheard_of")] {
        let (status, mut body) = caller.batch("create", json!([input("2", "c2"), bad])).await;
        assert!(body["correlationId"].take().is_string());
        let message = "One or more associations are invalid";
        let expected =
            json!({"status": "error", "message": message, "category": "VALIDATION_ERROR", "correlationId": null});
        assert_eq!((status, body), (400, expected));
        assert_eq!(caller.simulator.association_count(), 0, "nothing is made");
    }
    assert_eq!(caller.batch("create", json!([input("2", "c2")])).await.0, 201);
}

#[tokio::test]
async fn a_partial_batch_makes_what_it_can_and_has_an_error_for_each_of_the_others() {
    let caller = Caller::of(ten().invalid_associations(InvalidAssociations::Partial)).await;
    let bad = [input("2", "c99"), input("77", "c99"), typed("3", "c3", "unheard_of")];
    let inputs = json!([input("1", "c1"), bad[0], bad[1], input("10", "c10"), bad[2]]);
    let (status, body) = caller.batch("create", inputs).await;
    assert_eq!((status, &body["status"], &body["numErrors"]), (207, &json!("COMPLETE"), &json!(3)));
    assert_eq!(body["results"], json!([input("1", "c1"), input("10", "c10")]));
    assert_eq!(caller.simulator.association_count(), 2);

    let errors = body["errors"].as_array().unwrap();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error["status"].as_str(), error["category"].as_str().unwrap(), &error["context"]))
        .collect();
    let missing = ["COMPANY=c99 is not valid"];
    let both = ["PARTNER_CLIENT=77 is not valid", "COMPANY=c99 is not valid"];
    assert_eq!(
        told,
        [
            (
                Some("error"),
                "OBJECT_NOT_FOUND",
                &json!({"fromObjectId": ["2"], "toObjectId": ["c99"], "INVALID_OBJECT_IDS": missing})
            ),
            (
                Some("error"),
                "OBJECT_NOT_FOUND",
                &json!({"fromObjectId": ["77"], "toObjectId": ["c99"], "INVALID_OBJECT_IDS": both})
            ),
            (Some("error"), "VALIDATION_ERROR", &json!({"fromObjectId": ["3"], "toObjectId": ["c3"]})),
        ]
    );
    assert!(errors[2]["message"].as_str().unwrap().contains("unheard_of"));

    let (status, body) = caller.batch("create", json!([input("1", "c2")])).await;
    assert_eq!((status, body.get("errors"), body.get("numErrors")), (201, None, None));
    let (status, body) = caller.batch("create", json!(bad)).await;
    assert_eq!((status, &body["results"], &body["numErrors"]), (207, &json!([]), &json!(3)));
}

#[tokio::test]
async fn each_batch_has_a_limit_and_takes_at_least_one_input() {
    let caller = Caller::of(ten()).await;
    for (operation, limit, status) in [("create", 2_000, 201), ("archive", 100, 204), ("read", 1_000, 200)] {
        let inputs = |count| (0..count).map(|_| any_input()).collect::<Value>();
        let refused = caller.batch(operation, inputs(limit + 1)).await;
        assert_refused(&refused, &format!("at most {limit} inputs"));
        assert_refused(&caller.batch(operation, json!([])).await, "at least one input");
        let path = format!("partner_clients/companies/batch/{operation}");
        assert_refused(&caller.post(&path, json!({})).await, "not set: [inputs]");
        caller.batch("create", json!([input("1", "c1")])).await;
        assert_eq!(caller.batch(operation, inputs(limit)).await.0, status, "{operation}");
    }
}

#[tokio::test]
async fn a_batch_archive_removes_and_can_be_repeated() {
    let caller = Caller::of(ten()).await;
    caller.batch("create", inputs(1..=3)).await;
    for _ in 0..2 {
        let body = caller.batch("archive", json!([input("1", "c1"), typed("1", "c3", "referred_by")])).await;
        assert_eq!(body, (204, Value::Null));
        assert_eq!(caller.simulator.associations("1").len(), 1);
    }
    assert_eq!(caller.simulator.associations("1")[0].to_object_id, "c2");
    assert_eq!(caller.batch("archive", json!([input("1", "c99")])).await.0, 204, "no such company, no association");
}

#[tokio::test]
async fn a_batch_archive_is_refused_as_removing_one_is_and_then_removes_none() {
    let caller = Caller::of(ten().association("1", "companies", "c1", "7")).await;
    let unknown_type = caller.batch("archive", json!([input("1", "c1"), typed("1", "c2", "unheard_of")])).await;
    assert_refused(&unknown_type, "unheard_of");
    let (status, body) = caller.batch("archive", json!([input("1", "c1"), input("77", "c1")])).await;
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    assert_eq!(caller.simulator.association_count(), 1);
}

#[tokio::test]
async fn a_batch_read_tells_the_associations_of_each_and_which_have_none_or_do_not_exist() {
    let caller = Caller::of(ten().association_type("companies", 8, "managed_by")).await;
    let made = json!([input("2", "c2"), typed("2", "c2", "8"), input("2", "c1"), input("1", "c9")]);
    assert_eq!(caller.batch("create", made).await.0, 201);
    let of = |ids: &[&str]| ids.iter().map(|id| json!({"id": id})).collect::<Value>();

    let (status, body) = caller.batch("read", of(&["2", "1", "2"])).await;
    let associated = |id, type_name| json!({"id": id, "type": type_name});
    let of_two = [associated("c1", "referred_by"), associated("c2", "referred_by"), associated("c2", "managed_by")];
    let expected = json!([
        {"from": {"id": "2"}, "to": of_two},
        {"from": {"id": "1"}, "to": [associated("c9", "referred_by")]},
    ]);
    assert_eq!((status, &body["results"], body.get("errors")), (200, &expected, None));
    assert_eq!(body["status"], "COMPLETE");
    assert!(body["startedAt"].as_str().unwrap() <= body["completedAt"].as_str().unwrap());

    let (status, body) = caller.batch("read", of(&["77", "1", "78"])).await;
    assert_eq!((status, &body["numErrors"], &body["results"][0]["from"]["id"]), (207, &json!(1), &json!("1")));
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    assert_eq!(body["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(body["errors"][0]["context"], json!({"ids": ["77", "78"]}));

    let (status, body) = caller.batch("read", of(&["3", "1"])).await;
    assert_eq!((status, &body["numErrors"], body["results"].as_array().unwrap().len()), (207, &json!(1), 1));
    assert_eq!(body["errors"][0]["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
    assert_eq!(body["errors"][0]["context"]["fromObjectId"], json!(["3"]));
}

#[tokio::test]
async fn a_long_result_of_a_batch_read_is_read_on_by_listing() {
    let builder =
        (1..=1_201).fold(without_seed(2), |builder, id| builder.object("companies", format!("c{id}"), [("name", "x")]));
    let caller = Caller::of(builder).await;
    caller.batch("create", inputs(1..=1_201)).await;
    let exactly: Value = (1..=500).map(|id| input("2", &format!("c{id}"))).collect();
    caller.batch("create", exactly).await;

    let (status, body) = caller.batch("read", json!([{"id": "1"}, {"id": "2"}])).await;
    let (long, full) = (&body["results"][0], &body["results"][1]);
    assert_eq!((status, long["to"].as_array().unwrap().len()), (200, 500));
    assert_eq!((full["to"].as_array().unwrap().len(), full.get("paging")), (500, None));

    // By the cursor alone, then by the address.
    let after = long["paging"]["next"]["after"].as_str().unwrap();
    let after = utf8_percent_encode(after, NON_ALPHANUMERIC);
    let list = format!("{}/crm/v3/objects/partner_clients/1/associations/companies", caller.simulator.base_url());
    let second = caller.follow(&json!(format!("{list}?after={after}"))).await;
    assert_eq!(caller.follow(&long["paging"]["next"]["link"]).await["results"], second["results"]);
    let third = caller.follow(&second["paging"]["next"]["link"]).await;
    assert_eq!(third.get("paging"), None);

    let pages = [&long["to"], &second["results"], &third["results"]];
    let mut ids: Vec<_> =
        pages.iter().flat_map(|page| page.as_array().unwrap()).map(|to| to["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1_201);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_201, "each once");
}

#[tokio::test]
async fn two_types_without_an_association_type_are_refused() {
    let caller = Caller::of(ten()).await;
    for operation in ["create", "archive", "read"] {
        let body = json!({"inputs": [any_input()]});
        let refused = caller.post(&format!("tickets/deals/batch/{operation}"), body.clone()).await;
        assert_refused(&refused, "no association types from tickets to deals");
        for types in ["widgets/companies", "partner_clients/widgets"] {
            let (status, answer) = caller.post(&format!("{types}/batch/{operation}"), body.clone()).await;
            assert_eq!((status, answer.get("category")), (400, None));
            assert_eq!(answer["message"], "Unable to infer object type from: widgets");
        }
    }
}

#[tokio::test]
async fn each_operation_takes_its_scope_and_no_other_method() {
    let caller = Caller::of(ten().token("reader", [READ_SCOPE]).token("nobody", ["other"])).await;
    for (operation, writes) in [("create", true), ("archive", true), ("read", false)] {
        let path = format!("partner_clients/companies/batch/{operation}");
        let body = json!({"inputs": [any_input()]});
        let status = async |token| caller.post_as(token, &path, body.clone()).await.0;
        assert_eq!(status("stranger").await, 401, "{operation}");
        assert_eq!(status("nobody").await, 403, "{operation}");
        assert_eq!(status("reader").await == 403, writes, "{operation}");
        assert!(status(caller.simulator.access_token()).await < 300, "{operation}");
        let url = format!("{}/crm/v3/associations/{path}", caller.simulator.base_url());
        let response = caller.http.get(url).bearer_auth("reader").send().await.unwrap();
        assert_eq!(response.status(), 405);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_as_one_request_and_not_as_a_search() {
    let limits = RateLimits::default().per_ten_seconds(2).searches_per_second(0);
    let caller = Caller::of(ten().rate_limits(limits)).await;
    assert_eq!(caller.batch("create", inputs(1..=10)).await.0, 201);
    assert_eq!(caller.batch("read", json!([{"id": "1"}])).await.0, 200);
    assert_eq!(caller.batch("archive", inputs(1..=10)).await.0, 429);
    assert_eq!(caller.simulator.association_count(), 10);
    let statuses: Vec<_> = caller.simulator.requests().iter().map(|request| request.status()).collect();
    assert_eq!(statuses, [Some(201), Some(200), Some(429)]);
}

#[tokio::test]
async fn a_fault_strikes_each_operation_by_its_id() {
    let operations =
        [("batch_associate", "create"), ("batch_dissociate", "archive"), ("batch_read_associations", "read")];
    for (id, struck) in operations {
        let caller = Caller::of(ten().fault(Fault::status(503).on(id))).await;
        for (_, operation) in operations {
            assert_eq!(caller.batch(operation, json!([])).await.0 == 503, operation == struck, "{id} {operation}");
        }
    }
}

#[tokio::test]
async fn a_fault_loses_a_batch_before_or_after_it_is_carried_out() {
    let before = Fault::status(502).on("batch_associate").times(1);
    let after = Fault::status(502).on("batch_associate").times(1).after_operation();
    let caller = Caller::of(ten().fault(before).fault(after)).await;
    for (status, made) in [(502, 0), (502, 3), (201, 3)] {
        assert_eq!(caller.batch("create", inputs(1..=3)).await.0, status);
        assert_eq!(caller.simulator.association_count(), made);
    }
}

#[tokio::test]
async fn associations_end_with_their_partner_client_and_are_no_longer_counted() {
    let caller = Caller::of(ten()).await;
    caller.batch("create", json!([input("1", "c1"), input("1", "c2"), input("2", "c1")])).await;
    assert!(caller.simulator.archive("1"));
    assert_eq!(caller.simulator.association_count(), 1);
}

#[tokio::test]
async fn full_batches_are_quick_among_a_hundred_thousand_partner_clients() {
    let objects = 100_000;
    let builder = without_seed(objects).object("companies", "c1", [("name", "x")]);
    let caller = Caller::of(builder).await;
    let began = cpu();
    for batch in 0..10 {
        // Scattered over all of them.
        let inputs: Value = (0..2_000).map(|place| input(&(place * 50 + batch + 1).to_string(), "c1")).collect();
        assert_eq!(caller.batch("create", inputs).await.0, 201);
    }
    assert_eq!(caller.simulator.association_count(), 20_000);
    let took = cpu() - began;
    assert!(took < Duration::from_secs(10), "{took:?}");
}
