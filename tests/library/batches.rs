//! Any number of partner clients, a hundred to a request.

use std::sync::{Arc, Mutex};

use httpmock::MockServer;
use hubspot_partner_clients::{Client, ErrorKind, Update};
use hubspot_simulator::{Fault, Simulator};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at, client_of, http, tcp::read_request};

async fn hubspot(clients: u32) -> (Simulator, Client) {
    let seed = (1..=clients).map(|id| (id.to_string(), [("name", format!("Client {id}")), ("code", format!("c{id}"))]));
    let simulator = Simulator::builder()
        .without_seed()
        .unique_property("partner_clients", "code")
        .partner_clients(seed)
        .start()
        .await
        .unwrap();
    let client = client_of(&simulator);
    (simulator, client)
}

#[tokio::test]
async fn a_batch_of_any_size_is_read_in_order_with_an_outcome_for_each() {
    let (simulator, client) = hubspot(1_000).await;
    let wanted: Vec<u32> = (1..=950).rev().collect();
    let outcomes = client.batch_read(wanted.clone()).properties(["name"]).send().await;
    for (id, outcome) in wanted.iter().zip(&outcomes) {
        let object = outcome.as_ref().unwrap();
        assert_eq!(
            (object.id.as_str(), object.property("name")),
            (id.to_string().as_str(), Some(format!("Client {id}").as_str()))
        );
    }
    assert_eq!((outcomes.len(), simulator.requests().len()), (950, 10));
    simulator.clear_requests();
    client.batch_read(1_u32..=100).properties_with_history(["name"]).send().await;
    assert_eq!(simulator.requests().len(), 2, "50 to a request with history");
    assert!(client.batch_read([0_u32; 0]).send().await.is_empty());
}

#[tokio::test]
async fn what_is_not_there_what_is_no_id_and_what_stands_twice() {
    let (simulator, client) = hubspot(3).await;
    let outcomes = client.batch_read(["1", "99", "..", "1", "3", "98"]).send().await;
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|object| object.id.as_str())).collect();
    assert_eq!(ids, [Some("1"), None, None, Some("1"), Some("3"), None]);
    for missing in [1, 5] {
        let error = outcomes[missing].as_ref().unwrap_err();
        assert!(error.is_not_found() && !error.is_retryable(), "{error:?}");
        assert_eq!(error.operation(), Some("batch_read"));
    }
    assert!(outcomes[2].as_ref().unwrap_err().is_invalid_input());
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn partner_clients_are_read_by_another_property() {
    let (_simulator, client) = hubspot(3).await;
    let outcomes = client.batch_read(["c2", "c9"]).id_property("code").properties(["name"]).send().await;
    assert_eq!(outcomes[0].as_ref().unwrap().id, "2");
    assert!(outcomes[1].as_ref().unwrap_err().is_not_found());
}

/// HubSpot answers a request without properties with a default set, which may lack that property.
#[tokio::test]
async fn whoever_is_read_by_another_property_is_found_whatever_the_default_set_has() {
    for (defaults, requests) in [(vec!["name"], 2), (vec!["name", "code"], 1)] {
        let seed = (1..=3).map(|id| (id.to_string(), [("name", format!("Client {id}")), ("code", format!("c{id}"))]));
        let simulator = Simulator::builder()
            .without_seed()
            .unique_property("partner_clients", "code")
            .default_properties("partner_clients", defaults.clone())
            .partner_clients(seed)
            .start()
            .await
            .unwrap();
        let client = client_of(&simulator);
        let read = || client.batch_read(["c2", "c9", "c3", "c2"]).id_property("code").send();
        let outcomes = read().await;
        let found: Vec<_> = [0, 2, 3].map(|at| outcomes[at].as_ref().unwrap()).to_vec();
        assert_eq!(found.iter().map(|object| object.id.as_str()).collect::<Vec<_>>(), ["2", "3", "2"]);
        assert_eq!(found[0].property("name"), Some("Client 2"));
        assert_eq!(found[0].property("code").is_some(), defaults.contains(&"code"), "what HubSpot answered");
        assert!(outcomes[1].as_ref().unwrap_err().is_not_found(), "{:?}", outcomes[1]);
        assert_eq!(simulator.requests().len(), requests);
        // Nobody is missing for a request that failed.
        simulator.inject(Fault::script([None, Some(Fault::status(503))]));
        let outcomes = read().await;
        let status = if requests == 2 { Some(503) } else { None };
        assert_eq!(outcomes[0].as_ref().err().and_then(hubspot_partner_clients::Error::status), status);
        assert!(outcomes[1].as_ref().unwrap_err().is_not_found(), "{:?}", outcomes[1]);
    }
}

/// HubSpot may find a value in any case, and answers with the one that it keeps.
#[tokio::test]
async fn whoever_is_read_by_a_property_is_found_by_a_value_in_another_case() {
    let object = |id: &str, code: &str| {
        json!({"id": id, "properties": {"code": code}, "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z", "archived": false})
    };
    let missing =
        json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["gone@x"]}});
    let server = MockServer::start_async().await;
    let answer = json!({"status": "COMPLETE", "startedAt": "2026-01-01T00:00:00Z", "completedAt": "2026-01-01T00:00:00Z",
        "results": [object("1", "ada@x"), object("2", "Bob@x"), object("3", "bob@X")], "numErrors": 1, "errors": [missing]});
    server.mock_async(|_, then| drop(then.status(207).json_body(answer))).await;
    let client = client_at(&server.base_url(), "t");
    let asked = ["Ada@X", "Bob@x", "BOB@X", "Gone@x"];
    let outcomes = client.batch_read(asked).id_property("code").send().await;
    let found: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|object| object.id.as_str())).collect();
    assert_eq!(found, [Some("1"), Some("2"), None, None]);
    assert_eq!(outcomes[2].as_ref().unwrap_err().kind(), ErrorKind::NoOutcome, "either may be meant");
    assert!(outcomes[3].as_ref().unwrap_err().is_not_found(), "{:?}", outcomes[3]);
}

#[tokio::test]
async fn a_request_that_fails_fails_its_own_inputs_only() {
    let (simulator, client) = hubspot(300).await;
    simulator.inject(Fault::script([None, Some(Fault::status(503)), None]));
    let outcomes = client.batch_read(100_u32..400).concurrency(1).send().await;
    let failed = outcomes.iter().filter(|o| o.as_ref().is_err_and(|e| e.status() == Some(503))).count();
    let missing = outcomes.iter().filter(|o| o.as_ref().is_err_and(|e| e.is_not_found())).count();
    assert_eq!(failed, 100);
    assert!(missing <= 99 && outcomes.len() == 300);
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 300 - failed - missing);
}

#[tokio::test]
async fn updates_have_an_outcome_for_each_in_order() {
    let (simulator, client) = hubspot(250).await;
    let update = |id: u32| match id {
        7 => Update::of(id).set("hs_object_id", "1"),
        8 => Update::of(id),
        9 => Update::of("a\\b").set("name", "x"),
        id => Update::of(id).set("name", format!("New {id}")),
    };
    let outcomes = client.batch_update((1..=300).map(update)).send().await;
    assert_eq!(outcomes.len(), 300);
    for (id, outcome) in (1..=300_u32).zip(&outcomes) {
        match (id, outcome) {
            (7, Err(error)) => assert_eq!(error.category(), Some("VALIDATION_ERROR")),
            (8, Err(error)) => assert!(error.message().starts_with("update changes nothing")),
            (9, Err(error)) => assert!(error.message().starts_with("partner client id \"a\\\\b\"")),
            (251.., Err(error)) => assert!(error.is_not_found(), "{error:?}"),
            (_, outcome) => {
                assert_eq!(outcome.as_ref().unwrap().property("name"), Some(format!("New {id}").as_str()));
            }
        }
    }
    assert_eq!(simulator.requests().len(), 3);
    assert_eq!(client.get(250).properties(["name"]).await.unwrap().property("name"), Some("New 250"));
}

#[tokio::test]
async fn updates_of_one_partner_client_are_carried_out_one_after_the_other() {
    let (simulator, client) = hubspot(2).await;
    let updates = ["a", "b", "c"].map(|name| Update::of(1).set("name", name));
    let outcomes = client.batch_update(updates.into_iter().chain([Update::of(2).clear("name")])).send().await;
    let names: Vec<_> = outcomes.iter().map(|o| o.as_ref().unwrap().property("name").unwrap_or_default()).collect();
    assert_eq!(names, ["a", "b", "c", ""]);
    assert_eq!(client.get(1).properties(["name"]).await.unwrap().property("name"), Some("c"));
    assert_eq!(simulator.requests().len(), 4, "three rounds, and the reading");
}

/// HubSpot may keep a value in another case than it is given in.
#[tokio::test]
async fn updates_by_a_property_are_of_one_partner_client_in_whatever_case_its_value_is_given() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let server = RawServer::start(move |mut stream, _| {
        let seen = Arc::clone(&seen);
        async move {
            let request = read_request(&mut stream).await;
            let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
            let inputs = body["inputs"].as_array().unwrap();
            let result = |input: &Value| {
                let domain = input["id"].as_str().unwrap().to_lowercase();
                json!({"id": "1", "properties": {"domain": domain, "name": input["properties"]["name"]}})
            };
            let (gone, found): (Vec<_>, Vec<_>) = inputs.iter().partition(|input| input["id"] == "Gone.example");
            let missing = |_| {
                json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "no such partner client",
                "context": {"ids": ["gone.example"]}})
            };
            let answer = json!({"status": "COMPLETE", "results": found.into_iter().map(result).collect::<Vec<_>>(),
                "errors": gone.into_iter().map(missing).collect::<Vec<_>>()});
            seen.lock().unwrap().push(inputs.len());
            let _ = stream.write_all(http(207, "application/json", &answer.to_string()).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url, "t");
    let update = |domain: &str, name: &str| Update::of(domain).set("name", name);
    let updates = [update("Acme.example", "a"), update("Gone.example", "b"), update("acme.example", "c")];
    let outcomes = client.batch_update(updates).id_property("domain").send().await;
    assert_eq!(outcomes[0].as_ref().unwrap().property("name"), Some("a"));
    assert!(outcomes[1].as_ref().unwrap_err().is_not_found(), "{:?}", outcomes[1]);
    assert_eq!(outcomes[2].as_ref().unwrap().property("name"), Some("c"));
    assert_eq!(*requests.lock().unwrap(), [2, 1], "one after the other");
}

#[tokio::test]
async fn batches_can_be_sent_to_another_task() {
    let (_simulator, client) = hubspot(2).await;
    let read = tokio::spawn(client.batch_read([1, 2]).send());
    let updated = tokio::spawn(client.batch_update([Update::of(1).set("name", "x")]).send());
    assert_eq!((read.await.unwrap().len(), updated.await.unwrap().len()), (2, 1));
}
