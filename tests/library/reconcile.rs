//! Bringing associations to a desired state.

mod applying;
mod random;
mod reading;

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt;
use hubspot_partner_clients::{Association, RetryPolicy, bulk::Journal, reconcile::Plan};
use hubspot_simulator::{Fault, Simulator};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{
    RawServer,
    associations::{Companions, NAMES, TYPES, Triple, Truth, UNLABELED, World},
    client_at, client_at_speaking, client_of, client_speaking, crm, http, sized,
    tcp::read_request,
};

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];

async fn associate(simulator: &Simulator, associations: &[(u64, u64)]) {
    let inputs: Vec<_> = associations
        .iter()
        .map(|(client, company)| Association::new(*client, "companies", *company, "owner"))
        .collect();
    assert!(client_of(simulator).associate_many(inputs).outcomes().all(async |outcome| outcome.result.is_ok()).await);
}

fn desired(associations: &[(u64, u64)]) -> Vec<(u64, (&'static str, u64), &'static str)> {
    associations.iter().map(|(client, company)| (*client, ("companies", *company), "7")).collect()
}

/// Each by its name on v3, by its number on dated versions, which do not know all names.
fn inputs<'a>(version: &str, triples: impl IntoIterator<Item = &'a Triple>) -> Vec<Association> {
    let association = |(client, company, name): &Triple| {
        Association::new(*client, "companies", *company, given(version, name)).unwrap()
    };
    triples.into_iter().map(association).collect()
}

fn given(version: &str, name: &'static str) -> &'static str {
    let number = || TYPES.iter().find(|(id, known)| known.eq_ignore_ascii_case(name) || *id == name).unwrap().0;
    if version == "v3" { name } else { number() }
}

/// How plans show a type of [`Truth`].
fn shown(version: &str, name: &'static str) -> String {
    let category = if name == UNLABELED { "HUBSPOT_DEFINED" } else { "USER_DEFINED" };
    if version == "v3" { name.to_owned() } else { format!("{category}:{}", given(version, name)) }
}

/// How plans show the type of the simulator.
fn owner(version: &str) -> &'static str {
    if version == "v3" { "owner" } else { "HUBSPOT_DEFINED:7" }
}

fn labels(all: &BTreeSet<Triple>) -> BTreeSet<Triple> {
    all.iter().filter(|(_, _, name)| *name != UNLABELED).copied().collect()
}

fn pairs(changes: &[Association]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change.partner_client_id.as_str(), change.to_object_id.as_str())).collect()
}

fn companies(simulator: &Simulator, client: &str) -> Vec<String> {
    simulator.associations(client).into_iter().map(|association| association.to_object_id).collect()
}

#[tokio::test]
async fn a_plan_tells_what_to_add_and_remove_and_applying_it_twice_changes_nothing() {
    for version in VERSIONS {
        let simulator = crm(3, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (1, 2), (2, 3)]).await;
        let client = client_speaking(&simulator, version);
        let plan = || client.reconcile([1, 2, 3], "companies", desired(&[(1, 2), (1, 4), (3, 5)])).plan();

        let before = plan().await.unwrap();
        assert_eq!(pairs(&before.add), [("1", "4"), ("3", "5")]);
        assert_eq!(pairs(&before.remove), [("1", "1"), ("2", "3")]);
        assert_eq!((before.unchanged, before.is_empty()), (1, false));
        assert_eq!(simulator.association_count(), 3, "a plan changes nothing");

        for done_before in [0, 4] {
            let applied = before.apply(&client).await.unwrap();
            let done = 2 - done_before / 2;
            assert_eq!((applied.added, applied.removed, applied.already_done.len() as u64), (done, done, done_before));
            assert!(applied.is_complete());
            assert_eq!(companies(&simulator, "1"), ["2", "4"]);
            assert_eq!(companies(&simulator, "2"), [""; 0]);
            assert_eq!(companies(&simulator, "3"), ["5"]);
        }
        let after = plan().await.unwrap();
        assert!(after.is_empty());
        assert_eq!(after.to_string(), "0 to add, 0 to remove, 3 unchanged");
        let requests = simulator.requests().len();
        after.apply(&client).await.unwrap();
        assert_eq!(simulator.requests().len(), requests, "an empty plan sends nothing");
    }
}

#[tokio::test]
async fn a_plan_prints_as_a_table_and_serialises() {
    for version in VERSIONS {
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (1, 2)]).await;
        let plan: Plan = client_speaking(&simulator, version)
            .reconcile([1, 2], "companies", desired(&[(1, 2), (2, 9)]))
            .plan()
            .await
            .unwrap();
        let owner = owner(version);
        let table = format!(
            "  partner client  companies  association type
+ 2               9          {owner}
- 1               1          {owner}
1 to add, 1 to remove, 1 unchanged"
        );
        assert_eq!(plan.to_string(), table);
        let mut expected = json!({
            "format": "hubspot-partner-clients plan 2",
            "server": simulator.base_url(),
            "apiVersion": version,
            "toObjectType": "companies",
            "onlyTypes": [],
            "partnerClients": ["1", "2"],
            "add": [{"partnerClientId": "2", "toObjectType": "companies", "toObjectId": "9", "associationType": owner}],
            "remove": [{"partnerClientId": "1", "toObjectType": "companies", "toObjectId": "1", "associationType": owner}],
            "keep": [{"partnerClientId": "1", "toObjectType": "companies", "toObjectId": "2", "associationType": owner}],
            "unchanged": 1,
        });
        if version != "v3" {
            expected["unlabeledTypes"] = json!([owner]);
        }
        assert_eq!(serde_json::to_value(&plan).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Plan>(expected).unwrap(), plan);
    }
}

#[tokio::test]
async fn one_type_may_be_looked_at_alone() {
    for version in VERSIONS {
        let simulator = crm(1, 9).association_type("companies", 9, "payer").start().await.unwrap();
        associate(&simulator, &[(1, 1)]).await;
        let client = client_speaking(&simulator, version);
        let payers = [(1, ("companies", 2), "9")];
        let all = client.reconcile([1], "companies", payers).plan().await.unwrap();
        assert_eq!((pairs(&all.add), pairs(&all.remove)), (vec![("1", "2")], vec![("1", "1")]));
        let payers_alone = client.reconcile([1], "companies", payers).only_type("9").plan().await.unwrap();
        assert_eq!((pairs(&payers_alone.add), pairs(&payers_alone.remove)), (vec![("1", "2")], vec![]));
    }
}

#[tokio::test]
async fn many_partner_clients_and_many_associations_are_read_whole() {
    for version in VERSIONS {
        let simulator = crm(1_500, 700).start().await.unwrap();
        let many: Vec<_> = (1..=700).map(|company| (7, company)).chain((1..=1_500).map(|client| (client, 1))).collect();
        associate(&simulator, &many).await;
        let client = client_speaking(&simulator, version);
        let before = simulator.requests().len();
        let plan = client.reconcile(1..=1_500_u64, "companies", desired(&many)).plan().await.unwrap();
        assert_eq!((plan.is_empty(), plan.unchanged), (true, 2_199));
        // Dated versions list what is paged from its beginning.
        let pages = if version == "v3" { 1 } else { 2 };
        assert_eq!(simulator.requests().len() - before, 3 + pages, "the types, two batches, and pages");
    }
}

#[tokio::test]
async fn bad_input_is_told_before_anything_is_read_or_changed() {
    for version in VERSIONS {
        let simulator = crm(1, 9).start().await.unwrap();
        let client = client_speaking(&simulator, version);
        let stray = client.reconcile([1], "companies", desired(&[(2, 1)])).plan().await.unwrap_err();
        assert!(stray.is_invalid_input() && stray.message().contains("partner client \"2\""), "{stray}");
        let id = client.reconcile([".."], "companies", desired(&[])).plan().await.unwrap_err();
        assert!(id.is_invalid_input(), "{id}");
        assert!(simulator.requests().is_empty());

        let unknown = client.reconcile([1], "companies", [(1, ("companies", 1), "owns")]).plan().await.unwrap_err();
        assert!(
            unknown.is_invalid_input()
                && unknown.message().contains(if version == "v3" {
                    "use one of owner (7)"
                } else {
                    "give one of HUBSPOT_DEFINED:7 (unlabelled)"
                }),
            "{unknown}"
        );
        let outside = client.reconcile([1], "companies", desired(&[(1, 1)])).only_type("7").plan().await;
        assert!(outside.is_ok());
    }
}

#[tokio::test]
async fn all_partner_clients_that_hubspot_does_not_know_are_named_or_left_out() {
    for version in VERSIONS {
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1)]).await;
        let client = client_speaking(&simulator, version);
        let reconcile = || client.reconcile([1, 77, 2, 9999], "companies", desired(&[(1, 1), (77, 2), (2, 3)]));
        let error = reconcile().plan().await.unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
        assert!(error.message().contains("77, 9999"), "{error}");
        assert_eq!(error.context()["ids"], ["77", "9999"]);

        let plan = reconcile().skip_unknown().plan().await.unwrap();
        assert_eq!(plan.unknown.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["77", "9999"]);
        assert_eq!((pairs(&plan.add), plan.unchanged), (vec![("2", "3")], 1));
        assert!(plan.to_string().contains("HubSpot does not know them: 77, 9999\n1 to add"), "{plan}");
        assert!(plan.apply(&client).await.unwrap().is_complete());

        // An answer that names none.
        simulator.inject(Fault::status(404).on("batch_read_associations").times(1));
        assert_eq!(reconcile().plan().await.unwrap_err().context()["ids"], ["77", "9999"]);
        simulator.inject(Fault::status(403).on("batch_read_associations"));
        assert_eq!(reconcile().plan().await.unwrap_err().status(), Some(403));
    }
}

#[tokio::test]
async fn a_partner_client_that_an_answer_does_not_mention_is_asked_for_by_itself() {
    for version in VERSIONS {
        let world =
            World { silent: true, unknown: [4].into(), associations: [(1, 1, "owner")].into(), ..World::default() };
        let truth = Truth::start(world).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile(1..=3_u64, "companies", desired(&[(1, 1), (2, 2)]));
        let plan = plan.plan().await.unwrap();
        assert_eq!((pairs(&plan.add), plan.unchanged), (vec![("2", "2")], 1));
        assert_eq!(truth.world().requests.len(), 4, "the types, the batch, 2 and 3");
    }
}

#[tokio::test]
async fn what_is_listed_beside_a_label_is_no_association_of_its_own() {
    for version in VERSIONS {
        let there = [(1, 1, "client_to_company"), (1, 1, UNLABELED), (2, 2, UNLABELED)];
        let truth = Truth::start(World { associations: there.into(), ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = async |desired: &[Triple], only: Option<&str>| {
            let reconcile = client.reconcile([1, 2], "companies", inputs(version, desired));
            let reconcile = only.into_iter().fold(reconcile, |reconcile, only| reconcile.only_type(only));
            let plan = reconcile.plan().await.unwrap();
            let changes = |changes: &[Association]| -> BTreeSet<String> {
                changes.iter().map(|c| format!("{} {}", c.partner_client_id, c.association_type)).collect()
            };
            (changes(&plan.add), changes(&plan.remove), plan.unchanged)
        };
        let [label, beside, unlabelled] = [(1, "client_to_company"), (1, UNLABELED), (2, UNLABELED)]
            .map(|(client, name)| format!("{client} {}", shown(version, name)));
        let both = BTreeSet::from([unlabelled]);
        let label_stays = plan(&[(1, 1, "client_to_company"), (2, 2, UNLABELED)], None).await;
        assert_eq!(label_stays, ([].into(), [].into(), 2));
        assert_eq!(
            plan(&[(1, 1, "9"), (1, 1, "10")], None).await,
            ([].into(), both.clone(), 2),
            "asked for, and by id"
        );
        let all_goes = ([].into(), [label.clone(), beside].into_iter().chain(both.clone()).collect(), 0);
        assert_eq!(plan(&[], None).await, all_goes, "it goes with the last label");
        assert_eq!(
            plan(&[(1, 1, "owner")], None).await.1,
            [label].into_iter().chain(both.clone()).collect(),
            "another label stays"
        );
        assert_eq!(plan(&[], Some("10")).await, ([].into(), both.clone(), 0), "a label that is not looked at stays");
    }
}
