//! The generated client on every kind of answer to a batch of associations.

use hubspot_partner_clients::generated::types;
use hubspot_simulator::InvalidAssociations;
use serde_json::{Value, json};

use crate::support::client_of;
use crate::support::crm;

fn input(from: &str, to: &str) -> Value {
    json!({"from": {"id": from}, "to": {"id": to}, "type": "7"})
}

#[tokio::test]
async fn the_generated_client_understands_every_answer() {
    let simulator = crm(10, 11).invalid_associations(InvalidAssociations::Partial).start().await.unwrap();
    let client = client_of(&simulator);
    let inputs = json!({"inputs": [input("1", "11"), input("2", "99")]});

    let batch: types::BatchInputPublicAssociation = serde_json::from_value(inputs).unwrap();
    let create = client.raw().batch_associate().from_object_type("partner_clients").to_object_type("companies");
    let made = create.body(batch.clone()).send().await.unwrap();
    assert_eq!((made.status().as_u16(), made.results.len(), made.num_errors), (207, 1, Some(1)));
    assert_eq!(made.errors[0].context["toObjectId"], ["99"]);

    let ids = serde_json::from_value::<types::BatchInputPublicObjectId>(json!({"inputs": [{"id": "1"}, {"id": "3"}]}));
    let read = client.raw().batch_read_associations().from_object_type("partner_clients").to_object_type("companies");
    let read = read.body(ids.unwrap()).send().await.unwrap();
    assert_eq!((read.results[0].to[0].id.as_str(), read.errors.len()), ("11", 1));

    let archive = client.raw().batch_dissociate().from_object_type("partner_clients").to_object_type("companies");
    archive.body(batch).send().await.unwrap();
    assert_eq!(simulator.association_count(), 0);
}
