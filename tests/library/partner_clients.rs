//! Reading and updating partner clients against the simulator.

use std::time::Duration;

use futures_util::TryStreamExt;
use hubspot_partner_clients::Client;
use hubspot_simulator::{Fault, Simulator};

use crate::support::{RawServer, client_at, client_of};

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
async fn a_partner_client_is_read_with_what_is_asked_for() {
    let simulator = Simulator::builder().association("512", "companies", "9001", "1001").start().await.unwrap();
    let client = client_of(&simulator);
    let read = client
        .get(512)
        .properties(["name", "domain", "description"])
        .properties_with_history(["name"])
        .associations(["companies"])
        .await
        .unwrap();
    assert_eq!(read.property("domain"), Some("client.example"));
    assert_eq!(read.properties.get("description"), Some(&None));
    assert_eq!(read.properties_with_history["name"][0].value.as_deref(), read.property("name"));
    assert_eq!(read.associated("company")[0].types, ["partner_client_to_company"]);
    let query = simulator.requests()[0].query().unwrap().to_owned();
    assert!(query.contains("properties=name%2Cdomain%2Cdescription"), "one comma-separated value: {query}");
}

#[tokio::test]
async fn a_partner_client_is_found_by_another_property() {
    let (_simulator, client) = hubspot(3).await;
    assert_eq!(client.get("c2").id_property("code").await.unwrap().id, "2");
    assert!(client.get("c9").id_property("code").await.unwrap_err().is_not_found());
    let updated = client.update("c3").id_property("code").set("name", "New").await.unwrap();
    assert_eq!((updated.id.as_str(), updated.property("name")), ("3", Some("New")));
}

#[tokio::test]
async fn archived_partner_clients_are_read_and_listed_apart() {
    let (simulator, client) = hubspot(3).await;
    simulator.archive("2");
    assert!(client.get(2).await.unwrap_err().is_not_found());
    assert!(client.get(2).archived().await.unwrap().archived);
    let ids = |items: Vec<hubspot_partner_clients::PartnerClient>| items.into_iter().map(|c| c.id).collect::<Vec<_>>();
    assert_eq!(ids(client.list().items().try_collect().await.unwrap()), ["1", "3"]);
    assert_eq!(ids(client.list().archived().items().try_collect().await.unwrap()), ["2"]);
}

#[tokio::test]
async fn all_partner_clients_are_listed_by_the_largest_pages() {
    let (simulator, client) = hubspot(250).await;
    let all: Vec<_> = client.list().properties(["name"]).items().try_collect().await.unwrap();
    assert_eq!(all.len(), 250);
    assert_eq!(all.iter().map(|c| c.id.parse::<u32>().unwrap()).collect::<Vec<_>>(), (1..=250).collect::<Vec<_>>());
    assert_eq!(simulator.requests().len(), 3, "100 a page");
    simulator.clear_requests();
    let all: Vec<_> = client.list().properties_with_history(["name"]).items().try_collect().await.unwrap();
    assert_eq!((all.len(), simulator.requests().len()), (250, 5), "50 a page with history");
    let error = client.list().properties_with_history(["name"]).page_size(51).await.unwrap_err();
    assert_eq!(error.message(), "page size \"51\" is out of range: give 1 to 50");
}

#[tokio::test]
async fn names_that_cannot_be_asked_for_are_refused_before_anything_is_sent() {
    let (simulator, client) = hubspot(1).await;
    for (call, message) in [
        (client.get(1).properties([""]), "property name \"\" is empty"),
        (client.get(1).properties(["a,b"]), "property name \"a,b\" contains a comma"),
        (client.get(1).associations(["9001"]), "object type \"9001\" looks like an object id"),
        (client.get(1).id_property("a\nb"), "property name \"a\\nb\" contains a control character"),
        (client.get(1).properties(vec!["a_long_name"; 700]), "properties take 8399 bytes of the URL"),
    ] {
        let error = call.await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with(message), "{error}");
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn properties_are_set_and_cleared() {
    let (_simulator, client) = hubspot(1).await;
    let updated = client.update(1).set("name", "Acme").set("employees", 250).clear("code").await.unwrap();
    assert_eq!((updated.property("name"), updated.property("employees")), (Some("Acme"), Some("250")));
    let read = client.get(1).properties(["name", "code", "employees"]).await.unwrap();
    assert_eq!((read.property("name"), read.property("employees")), (Some("Acme"), Some("250")));
    assert_eq!(read.property("code").unwrap_or_default(), "");
    assert!(read.updated_at > read.created_at);
    assert!(client.update(9).set("name", "x").await.unwrap_err().is_not_found());
    let error = client.update(1).set("hs_object_id", "7").await.unwrap_err();
    assert_eq!((error.status(), error.category()), (Some(400), Some("VALIDATION_ERROR")));
}

#[tokio::test(start_paused = true)]
async fn an_update_is_not_repeated_where_it_may_have_been_carried_out() {
    let simulator = Simulator::start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = builder.build().unwrap();
    simulator.inject(Fault::status(503).on("update").times(1));
    assert_eq!(client.update(512).set("name", "x").await.unwrap_err().attempts(), 1);
    simulator.inject(Fault::status(423).on("update").times(1));
    client.update(512).set("name", "x").await.unwrap();
}

#[tokio::test]
async fn whether_an_association_exists_is_told_by_name_and_by_id() {
    let (_simulator, client) = {
        let simulator = Simulator::builder().association("512", "companies", "9001", "1001").start().await.unwrap();
        let client = client_of(&simulator);
        (simulator, client)
    };
    for (object, association_type, exists) in [
        ("9001", "partner_client_to_company", true),
        ("9001", "PARTNER_CLIENT_TO_COMPANY", true),
        ("9001", "1001", true),
        ("9001", "1002", false),
        ("9001", "another", false),
        ("9002", "1001", false),
    ] {
        assert_eq!(client.is_associated(512, "companies", object, association_type).await.unwrap(), exists);
    }
    assert!(client.is_associated(999, "companies", 9001, "a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn asking_for_one_association_ends_where_the_cursors_go_in_a_circle() {
    let page = r#"{"results":[{"id":"1","type":"t"}],"paging":{"next":{"after":"again"}}}"#;
    let server = RawServer::json(200, page).await;
    let client = client_at(&server.base_url, "t");
    let asked = client.is_associated(512, "companies", 9001, "owner");
    let error = tokio::time::timeout(Duration::from_secs(30), asked).await.expect("it goes on for ever").unwrap_err();
    assert!(error.is_decode() && error.message().contains("the same paging cursor twice"), "{error}");
    assert_eq!(server.received().len(), 2);
}
