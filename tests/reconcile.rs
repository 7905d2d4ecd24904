//! Bringing associations to a desired state.

mod support;

use futures_util::StreamExt;
use hubspot_partner_clients::{
    bulk::Association,
    reconcile::{Plan, PlannedChange},
    simulator::{Fault, Simulator},
};
use serde_json::json;
use support::{client_of, crm};

async fn associate(simulator: &Simulator, associations: &[(u64, u64)]) {
    let inputs: Vec<_> = associations
        .iter()
        .map(|(client, company)| Association::new(*client, "companies", *company, "owner"))
        .collect();
    assert!(client_of(simulator).associate_many(inputs).outcomes().all(async |outcome| outcome.result.is_ok()).await);
}

fn desired(associations: &[(u64, u64)]) -> Vec<(u64, u64, &'static str)> {
    associations.iter().map(|(client, company)| (*client, *company, "OWNER")).collect()
}

fn pairs(changes: &[PlannedChange]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change.partner_client_id.as_str(), change.to_object_id.as_str())).collect()
}

fn companies(simulator: &Simulator, client: &str) -> Vec<String> {
    simulator.associations(client).into_iter().map(|association| association.to_object_id).collect()
}

#[tokio::test]
async fn a_plan_tells_what_to_add_and_remove_and_applying_it_twice_changes_nothing() {
    let simulator = crm(3, 9).start().await.unwrap();
    associate(&simulator, &[(1, 1), (1, 2), (2, 3)]).await;
    let client = client_of(&simulator);
    let plan = || client.reconcile([1, 2, 3], "companies", desired(&[(1, 2), (1, 4), (3, 5)])).plan();

    let before = plan().await.unwrap();
    assert_eq!(pairs(&before.add), [("1", "4"), ("3", "5")]);
    assert_eq!(pairs(&before.remove), [("1", "1"), ("2", "3")]);
    assert_eq!((before.unchanged, before.is_empty()), (1, false));
    assert_eq!(simulator.association_count(), 3, "a plan changes nothing");

    for _ in 0..2 {
        let applied = before.apply(&client).await;
        assert_eq!((applied.added, applied.removed, applied.failed.len()), (2, 2, 0));
        assert_eq!(companies(&simulator, "1"), ["2", "4"]);
        assert_eq!(companies(&simulator, "2"), [""; 0]);
        assert_eq!(companies(&simulator, "3"), ["5"]);
    }
    let after = plan().await.unwrap();
    assert!(after.is_empty());
    assert_eq!(after.to_string(), "0 to add, 0 to remove, 3 unchanged");
    let requests = simulator.requests().len();
    after.apply(&client).await;
    assert_eq!(simulator.requests().len(), requests, "an empty plan sends nothing");
}

#[tokio::test]
async fn a_plan_prints_as_a_table_and_serialises() {
    let simulator = crm(2, 9).start().await.unwrap();
    associate(&simulator, &[(1, 1), (1, 2)]).await;
    let plan: Plan =
        client_of(&simulator).reconcile([1, 2], "companies", desired(&[(1, 2), (2, 9)])).plan().await.unwrap();
    let table = "  partner client  companies  association type
+ 2               9          owner
- 1               1          owner
1 to add, 1 to remove, 1 unchanged";
    assert_eq!(plan.to_string(), table);
    let expected = json!({
        "toObjectType": "companies",
        "add": [{"partnerClientId": "2", "toObjectId": "9", "associationType": "owner"}],
        "remove": [{"partnerClientId": "1", "toObjectId": "1", "associationType": "owner"}],
        "unchanged": 1,
    });
    assert_eq!(serde_json::to_value(&plan).unwrap(), expected);
}

#[tokio::test]
async fn one_type_may_be_looked_at_alone() {
    let simulator = crm(1, 9).association_type("companies", 9, "payer").start().await.unwrap();
    associate(&simulator, &[(1, 1)]).await;
    let client = client_of(&simulator);
    let payers = [(1, 2, "payer")];
    let all = client.reconcile([1], "companies", payers).plan().await.unwrap();
    assert_eq!((pairs(&all.add), pairs(&all.remove)), (vec![("1", "2")], vec![("1", "1")]));
    let payers_alone = client.reconcile([1], "companies", payers).only_type("9").plan().await.unwrap();
    assert_eq!((pairs(&payers_alone.add), pairs(&payers_alone.remove)), (vec![("1", "2")], vec![]));
}

#[tokio::test]
async fn many_partner_clients_and_many_associations_are_read_whole() {
    let simulator = crm(1_500, 700).start().await.unwrap();
    let many: Vec<_> = (1..=700).map(|company| (7, company)).chain((1..=1_500).map(|client| (client, 1))).collect();
    associate(&simulator, &many).await;
    let client = client_of(&simulator);
    let before = simulator.requests().len();
    let plan = client.reconcile(1..=1_500_u64, "companies", desired(&many)).plan().await.unwrap();
    assert_eq!((plan.is_empty(), plan.unchanged), (true, 2_199));
    assert_eq!(simulator.requests().len() - before, 4, "the types, two batches, one page of the rest");
}

#[tokio::test]
async fn bad_input_is_told_before_anything_is_read_or_changed() {
    let simulator = crm(1, 9).start().await.unwrap();
    let client = client_of(&simulator);
    let stray = client.reconcile([1], "companies", desired(&[(2, 1)])).plan().await.unwrap_err();
    assert!(stray.is_invalid_input() && stray.message().contains("partner client \"2\""), "{stray}");
    let id = client.reconcile([".."], "companies", desired(&[])).plan().await.unwrap_err();
    assert!(id.is_invalid_input(), "{id}");
    assert!(simulator.requests().is_empty());

    let unknown = client.reconcile([1], "companies", [(1, 1, "owns")]).plan().await.unwrap_err();
    assert!(unknown.is_invalid_input() && unknown.message().contains("use one of owner (7)"), "{unknown}");
    let outside = client.reconcile([1], "companies", desired(&[(1, 1)])).only_type("7").plan().await;
    assert!(outside.is_ok());
}

#[tokio::test]
async fn a_partner_client_that_hubspot_does_not_know_ends_the_plan() {
    let simulator = crm(1, 9).start().await.unwrap();
    let error = client_of(&simulator).reconcile([1, 77], "companies", desired(&[])).plan().await.unwrap_err();
    assert_eq!(error.category(), Some("OBJECT_NOT_FOUND"));
    assert_eq!(error.context()["ids"], ["77"]);
}

#[tokio::test]
async fn what_fails_is_told_and_the_rest_is_carried_out() {
    let simulator = crm(1, 9).start().await.unwrap();
    associate(&simulator, &[(1, 1)]).await;
    let client = client_of(&simulator);
    let plan = client.reconcile([1], "companies", desired(&[(1, 2), (1, 99)])).plan().await.unwrap();
    let applied = plan.apply(&client).await;
    assert_eq!((applied.added, applied.removed), (1, 1));
    assert_eq!(applied.failed[0].association.to_object_id().unwrap().as_str(), "99");
    assert_eq!(applied.failed[0].result.as_ref().unwrap_err().status(), Some(400));

    simulator.inject(Fault::status(403).on("batch_read_associations"));
    let error = client.reconcile([1], "companies", desired(&[])).plan().await.unwrap_err();
    assert_eq!(error.status(), Some(403));
}
