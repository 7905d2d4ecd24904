//! The one value of an association, wherever it goes.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, HashSet},
};

use futures_util::StreamExt;
use hubspot_partner_clients::{Association, bulk::Journal, reconcile::Plan};
use hubspot_simulator::InvalidAssociations;
use proptest::{
    prelude::{ProptestConfig, any, prop, proptest},
    strategy::Strategy as _,
};
use serde_json::json;

use crate::support::{client_of, crm};

fn owner(client: u64, company: u64) -> Association {
    Association::new(client, "companies", company, "owner").unwrap()
}

#[test]
fn an_association_is_the_same_value_however_its_ids_are_spelt() {
    let plain = owner(512, 9001);
    let zeros = Association::new("0512", "companies", "009001", "owner").unwrap();
    assert_eq!(plain, zeros);
    assert_eq!(HashSet::from([plain.clone(), zeros]).len(), 1);
    assert_eq!(Association::try_from((512, ("companies", "9001"), "owner")).unwrap(), plain);
    assert_eq!(plain.to_string(), "partner client 512 to companies 9001 (owner)");

    let ordered = BTreeSet::from([owner(10, 1), owner(9, 20), owner(9, 3)]);
    assert_eq!(ordered.into_iter().collect::<Vec<_>>(), [owner(9, 3), owner(9, 20), owner(10, 1)]);
}

#[test]
fn an_association_is_read_as_plans_and_files_write_it() {
    let association = owner(512, 9001);
    let written = json!({
        "partnerClientId": "512", "toObjectType": "companies", "toObjectId": "9001", "associationType": "owner",
    });
    assert_eq!(serde_json::to_value(&association).unwrap(), written);
    let read = |json: serde_json::Value| serde_json::from_value::<Association>(json).map_err(|error| error.to_string());
    assert_eq!(read(written).unwrap(), association);
    let row = json!({
        "partner_client_id": 512, "to_object_type": "companies", "to_object_id": "09001", "association_type": "owner",
        "note": "a column that nobody needs",
    });
    assert_eq!(read(row).unwrap(), association);
    assert_eq!(read(json!(["512", "companies", "9001", "owner"])).unwrap(), association);

    let damaged = read(json!(["512", "companies", "9.0E+3", "owner"])).unwrap_err();
    assert!(damaged.contains("object id \"9.0E+3\""), "{damaged}");
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_part_and_the_value() {
    let new = |values: [&str; 4]| {
        let [client, to_type, to_id, kind] = values;
        Association::new(client, to_type, to_id, kind).unwrap_err()
    };
    for (values, named) in [
        (["x", "companies", "1", "owner"], "partner client id \"x\""),
        (["1", "9001", "1", "owner"], "object type \"9001\""),
        (["1", "companies", "..", "owner"], "object id \"..\""),
        (["1", "companies", "1", "a\nb"], "association type"),
    ] {
        let error = new(values);
        assert!(error.is_invalid_input() && error.message().contains(named), "{error}");
    }
}

#[tokio::test]
async fn an_association_is_made_and_removed_as_the_value_it_is() {
    let simulator = crm(1, 1).start().await.unwrap();
    let (client, association) = (client_of(&simulator), owner(1, 1));
    let partner_client = client.add_association(&association).await.unwrap();
    assert_eq!((partner_client.partner_client_id.as_str(), simulator.association_count()), ("1", 1));
    let outcome = client.associate_many([association.clone()]).outcomes().next().await.unwrap();
    assert_eq!(outcome.association.as_ref(), Some(&association));
    client.remove_association(association).await.unwrap();
    assert_eq!(simulator.association_count(), 0);
}

#[tokio::test]
async fn what_is_desired_of_another_object_type_is_refused_before_anything_is_sent() {
    let simulator = crm(1, 1).start().await.unwrap();
    let reconcile = |to: &str| client_of(&simulator).reconcile([1], "companies", [(1, (to, 1), "owner")]).plan();
    let error = reconcile("deals").await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("object type \"deals\""), "{error}");
    assert!(simulator.requests().is_empty());
    assert_eq!(reconcile("Companies").await.unwrap().add, [owner(1, 1)]);
}

#[test]
fn a_plan_of_an_earlier_format_is_refused_in_one_clear_line() {
    // As the format before wrote it.
    let earlier = json!({
        "add": [{"partnerClientId": "1", "toObjectId": "2", "associationType": "owner"}],
        "format": "hubspot-partner-clients plan 1", "keep": [], "onlyTypes": [], "partnerClients": ["1"], "remove": [],
        "server": "https://api.hubapi.com", "toObjectType": "companies", "unchanged": 0,
    });
    let error = serde_json::from_value::<Plan>(earlier).unwrap_err().to_string();
    assert!(error.contains("plan 1\"") && error.contains("plan 2\"") && error.contains("make a new plan"), "{error}");
}

/// What becomes of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Made,
    Refused,
    /// By this crate, since its id is none.
    Unsendable,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    // The values are of a type that is neither `Clone` nor `Sync`.
    #[test]
    fn each_value_comes_back_with_the_outcome_of_its_own_input(
        fates in prop::collection::vec((0..3_u8).prop_map(|n| [Fate::Made, Fate::Refused, Fate::Unsendable][usize::from(n)]), 1..40),
        in_order in any::<bool>(),
        single in any::<bool>(),
        concurrency in 1..4_usize,
        answer in prop::sample::select(vec![InvalidAssociations::RefuseNaming, InvalidAssociations::Partial]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let simulator = crm(40, 1).invalid_associations(answer).start().await.unwrap();
            let client = client_of(&simulator);
            let directory = tempfile::TempDir::new().unwrap();
            // The second run has what lasts from the journal of the first.
            for run in 0..2 {
                let inputs = fates.clone().into_iter().enumerate().map(|(place, fate)| {
                    let company = match fate {
                        Fate::Made => "1",
                        Fate::Refused => "77",
                        Fate::Unsendable => "seventy-seven",
                    };
                    ((place + 1, ("companies", company), "owner"), Cell::new(Box::new((place, fate))))
                });
                let journal = Journal::open(directory.path().join("journal"), "values").unwrap();
                let mut bulk = client.associate_many(inputs).concurrency(concurrency).journal(journal);
                if !in_order {
                    bulk = bulk.as_they_come();
                }
                if single {
                    bulk = bulk.strategy(hubspot_partner_clients::bulk::Strategy::Single);
                }
                let mut outcomes = bulk.outcomes();
                let mut seen = BTreeMap::new();
                while let Some(outcome) = outcomes.next().await {
                    let (place, fate) = *outcome.value.into_inner();
                    assert_eq!(outcome.index, place as u64);
                    assert_eq!(outcome.result.is_ok(), fate == Fate::Made, "{fate:?}: {:?}", outcome.result);
                    assert_eq!(outcome.replayed, run == 1 && fate != Fate::Unsendable);
                    let partner_client = outcome.association.map(|association| association.partner_client_id.to_string());
                    let sent = (fate != Fate::Unsendable).then(|| (place + 1).to_string());
                    assert_eq!(partner_client, sent);
                    assert!(seen.insert(place, fate).is_none());
                }
                assert_eq!(seen.into_values().collect::<Vec<_>>(), fates);
            }
        });
    }
}
