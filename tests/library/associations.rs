//! The facade against the simulator, as an application uses it.

use hubspot_partner_clients::Client;
use hubspot_simulator::Simulator;

use crate::support::{client_at, client_of};

async fn hubspot() -> (Simulator, Client) {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    (simulator, client)
}

#[tokio::test]
async fn associating_answers_with_the_partner_client_and_can_be_repeated() {
    let (simulator, client) = hubspot().await;
    for association_type in ["partner_client_to_company", "PARTNER_CLIENT_TO_COMPANY", "1001"] {
        let associated = client.associate("512").with("companies", "9001").as_type(association_type).await.unwrap();
        assert_eq!((associated.partner_client_id.as_str(), associated.to_object_id.as_str()), ("512", "9001"));
        assert_eq!(associated.association_type.unwrap().as_str(), association_type);
        let partner_client = associated.partner_client.unwrap();
        assert_eq!(partner_client.id, "512");
        assert_eq!(partner_client.associations["companies"].results[0].id.as_str(), "9001");
    }
    assert_eq!(simulator.associations("512").len(), 1);
}

#[tokio::test]
async fn every_object_type_of_the_seed_can_be_associated() {
    let (simulator, client) = hubspot().await;
    for (to_type, id, association_type) in [
        ("company", "9001", "partner_client_to_company"),
        ("contacts", "301", "partner_client_to_contact"),
        ("0-3", "701", "partner_client_to_deal"),
        ("tickets", "801", "partner_client_to_ticket"),
    ] {
        client.associate(512).with(to_type, id).as_type(association_type).await.unwrap();
    }
    assert_eq!(simulator.associations("512").len(), 4);
}

#[tokio::test]
async fn dissociating_removes_and_can_be_repeated() {
    let (simulator, client) = hubspot().await;
    client.associate(512).with("companies", 9001).as_type(1001).await.unwrap();
    for _ in 0..2 {
        client.dissociate(512).with("companies", 9001).as_type(1001).await.unwrap();
        assert!(simulator.associations("512").is_empty());
    }
}

#[tokio::test]
async fn associations_come_in_pages() {
    let mut builder = Simulator::builder();
    for id in 1..=7 {
        let id = format!("90{id}");
        builder = builder.object("companies", &id, [("name", "x")]).association("512", "companies", &id, "1001");
    }
    let simulator = builder.start().await.unwrap();
    let client = client_of(&simulator);

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let mut call = client.associations("512", "companies").page_size(3);
        if let Some(after) = after.take() {
            call = call.after(after);
        }
        let page = call.await.unwrap();
        seen.extend(page.results.iter().map(|associated| associated.id.to_string()));
        match page.paging.and_then(|paging| paging.next) {
            Some(next) => after = Some(next.after),
            None => break,
        }
    }
    assert_eq!(seen, ["901", "902", "903", "904", "905", "906", "907"]);
    assert_eq!(simulator.requests().len(), 3);
}

#[tokio::test]
async fn a_listed_object_can_be_dissociated_as_it_is() {
    let (simulator, client) = hubspot().await;
    client.associate(512).with("deals", 701).as_type(1003).await.unwrap();
    for deal in client.associations(512, "deals").await.unwrap().results {
        client.dissociate(512).with("deals", &deal.id).as_type(&deal.type_).await.unwrap();
    }
    assert!(simulator.associations("512").is_empty());
}

#[tokio::test]
async fn association_types_are_listed_and_usable() {
    let (simulator, client) = hubspot().await;
    let types = client.association_types("companies").await.unwrap();
    assert_eq!(types.len(), 1);
    assert_eq!((types[0].id.as_str(), types[0].name.as_deref()), ("1001", Some("partner_client_to_company")));
    client.associate(512).with("companies", 9001).as_type(&types[0].id).send().await.unwrap();
    assert_eq!(simulator.associations("512").len(), 1);
}

#[tokio::test]
async fn what_hubspot_does_not_know_is_told_apart() {
    let (_simulator, client) = hubspot().await;
    let error = client.associate(999).with("companies", 9001).as_type(1001).await.unwrap_err();
    assert!(error.is_not_found());
    let error = client.associate(512).with("widgets", 9001).as_type(1001).await.unwrap_err();
    assert_eq!(error.message(), "Unable to infer object type from: widgets");
    let error = client.associate(512).with("companies", 9002).as_type(1001).await.unwrap_err();
    assert_eq!(error.context()["INVALID_OBJECT_IDS"], ["COMPANY=9002 is not valid"]);
    let error = client.associate(512).with("companies", 9001).as_type("nope").await.unwrap_err();
    assert_eq!(error.category(), Some("VALIDATION_ERROR"));
    assert!(error.message().contains("nope"));
}

#[tokio::test]
async fn tokens_that_do_not_suffice_are_told_apart() {
    let simulator = Simulator::builder().token("reader", ["crm.objects.partner-clients.read"]).start().await.unwrap();
    let client = client_at(simulator.base_url(), "stranger");
    assert!(client.association_types("companies").await.unwrap_err().is_unauthorized());

    let client = client_at(simulator.base_url(), "reader");
    client.association_types("companies").await.unwrap();
    let error = client.associate(512).with("companies", 9001).as_type(1001).await.unwrap_err();
    assert!(error.is_missing_scope());
    assert_eq!(error.required_scopes(), ["crm.objects.partner-clients.write"]);
}

#[tokio::test]
async fn a_page_size_out_of_range_is_refused_before_anything_is_sent() {
    let (simulator, client) = hubspot().await;
    for page_size in [0, 501] {
        let error = client.associations(512, "companies").page_size(page_size).await.unwrap_err();
        assert!(error.is_invalid_input());
        assert_eq!(error.message(), format!("page size \"{page_size}\" is out of range: give 1 to 500"));
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn calls_can_be_spawned_and_run_together() {
    let (simulator, client) = hubspot().await;
    let calls: Vec<_> = ["companies/9001/1001", "contacts/301/1002", "deals/701/1003", "tickets/801/1004"]
        .into_iter()
        .map(|path| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut parts = path.split('/');
                let mut next = || parts.next().unwrap();
                client.associate(512).with(next(), next()).as_type(next()).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(simulator.associations("512").len(), 4);
}
