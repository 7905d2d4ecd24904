//! Bringing associations to a desired state.

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt;
use hubspot_partner_clients::{Association, RetryPolicy, bulk::Journal, reconcile::Plan};
use hubspot_simulator::{Fault, Simulator};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{
    RawServer,
    associations::{Companions, NAMES, TYPES, Triple, Truth, UNLABELED, World},
    client_at, client_at_speaking, client_of, client_speaking, crm, http,
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
            assert_eq!((applied.added, applied.removed, applied.already_done), (done, done, done_before));
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
async fn nothing_is_removed_from_a_partner_client_whose_additions_are_not_all_in() {
    for version in VERSIONS {
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (2, 1)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 99), (2, 3)])).plan().await.unwrap();
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.added, applied.removed, applied.is_complete()), (2, 1, false));
        assert_eq!(pairs(&applied.held_back), [("1", "1")]);
        assert_eq!(applied.failed_additions[0].association.to_object_id.as_str(), "99");
        assert_eq!(applied.failed_additions[0].error.status(), Some(400));
        assert_eq!(applied.failed_removals.len(), 0);
        assert_eq!(companies(&simulator, "1"), ["1", "2"]);
        assert_eq!(companies(&simulator, "2"), ["3"]);

        let forced = plan.apply(&client).remove_anyway().await.unwrap();
        assert_eq!((forced.added, forced.removed, forced.already_done, forced.held_back.len()), (0, 1, 3, 0));
        assert_eq!(companies(&simulator, "1"), ["2"]);

        // What became of it is not known: it is not in.
        associate(&simulator, &[(1, 1)]).await;
        let plan = client.reconcile([1], "companies", desired(&[(1, 4)])).plan().await.unwrap();
        simulator.inject(Fault::reset().after_operation().on("batch_associate").times(1));
        let unknown = plan.apply(&client).await.unwrap();
        assert_eq!((unknown.added, unknown.removed, unknown.held_back.len()), (0, 0, 2));
        assert_eq!(companies(&simulator, "1"), ["1", "2", "4"]);
        let rest = plan.apply(&client).await.unwrap();
        assert_eq!((rest.already_done, rest.removed), (1, 2));

        let plan = client.reconcile([1], "companies", desired(&[(1, 5)])).plan().await.unwrap();
        simulator.inject(Fault::status(403).on("batch_dissociate"));
        let refused = plan.apply(&client).await.unwrap();
        assert_eq!((refused.added, refused.failed_additions.len(), refused.failed_removals.len()), (1, 0, 1));
        assert_eq!(pairs(&[refused.failed_removals[0].association.clone()]), [("1", "4")]);
    }
}

#[tokio::test]
async fn a_plan_that_removes_too_many_is_refused_before_anything_is_sent() {
    for version in VERSIONS {
        let simulator = crm(1, 300).start().await.unwrap();
        let all: Vec<_> = (1..=250).map(|company| (1, company)).collect();
        associate(&simulator, &all).await;
        let client = client_speaking(&simulator, version);
        let plan = async |desired: Vec<_>| client.reconcile([1], "companies", desired).plan().await.unwrap();
        let nothing = plan(Vec::new()).await;
        let few = plan(desired(&[(1, 1), (1, 2)])).await;
        let hundred_and_one = plan(desired(&all[101..])).await;
        let before = simulator.requests().len();
        for plan in [&nothing, &few, &hundred_and_one] {
            let error = plan.apply(&client).await.unwrap_err();
            assert!(error.is_invalid_input() && plan.check_removals().is_err(), "{error}");
            let allowed = format!("removes {} of 250", plan.remove.len());
            assert!(error.message().contains(&allowed) && error.message().contains("max_removals"), "{error}");
            let error = plan.apply(&client).max_removals(100).await.unwrap_err();
            assert!(error.message().contains("at most 100"), "{error}");
        }
        assert_eq!(simulator.requests().len(), before, "nothing is sent");
        let hundred = plan(desired(&all[100..])).await;
        assert!(hundred.check_removals().is_ok());
        assert_eq!(few.apply(&client).max_removals(248).await.unwrap().removed, 248);
        // Others take their place.
        let others = plan(desired(&[(1, 3), (1, 4)])).await;
        assert_eq!(others.apply(&client).await.unwrap().removed, 2);
        let one = plan(Vec::new()).await;
        assert!(one.apply(&client).await.unwrap_err().message().contains("fewer than half"));
    }
}

#[tokio::test]
async fn a_saved_plan_is_applied_as_it_is_or_refused_where_the_world_has_changed() {
    for version in VERSIONS {
        let simulator = crm(3, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (1, 2), (2, 3)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2, 3], "companies", desired(&[(1, 2), (1, 4), (3, 5)])).plan().await.unwrap();
        let saved = serde_json::to_string_pretty(&plan).unwrap();
        let plan: Plan = serde_json::from_str(&saved).unwrap();

        // Kept, and lost since; and one that nobody knew of.
        client.dissociate(1).with("companies", 2).as_type(7).await.unwrap();
        associate(&simulator, &[(3, 9)]).await;
        let error = plan.apply(&client).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        let owner = owner(version);
        let [lost, new] =
            [format!("client 1 has lost companies 2 ({owner})"), format!("client 3 now has companies 9 ({owner})")];
        for difference in [lost.as_str(), &new, "a new plan"] {
            assert!(error.message().contains(difference), "{error}");
        }
        assert_eq!(companies(&simulator, "2"), ["3"], "nothing is changed");

        // Done in part.
        associate(&simulator, &[(1, 2), (1, 4)]).await;
        for (client_id, company) in [(3, 9), (1, 1)] {
            client.dissociate(client_id).with("companies", company).as_type(7).await.unwrap();
        }
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.added, applied.removed, applied.already_done), (1, 1, 2));

        let elsewhere = crm(3, 9).start().await.unwrap();
        let error = plan.apply(&client_speaking(&elsewhere, version)).await.unwrap_err();
        assert!(
            error.message().contains(simulator.base_url()) && error.message().contains(elsewhere.base_url()),
            "{error}"
        );
        assert!(elsewhere.requests().is_empty());

        let of_account =
            client.reconcile([1], "companies", desired(&[(1, 2), (1, 5)])).account("11").plan().await.unwrap();
        let of_account: Plan = serde_json::from_str(&serde_json::to_string(&of_account).unwrap()).unwrap();
        let error = of_account.apply(&client).account("12").await.unwrap_err();
        assert!(error.message().contains("account \"11\", not for \"12\""), "{error}");
        assert!(of_account.apply(&client).account("11").await.unwrap().is_complete());
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_not_loaded() {
    let plan = |change: &dyn Fn(&mut Value)| {
        let mut plan = json!({
            "format": "hubspot-partner-clients plan 2", "server": "https://api.hubapi.com", "apiVersion": "v3", "toObjectType": "companies",
            "onlyTypes": ["owner"], "partnerClients": ["1"], "remove": [], "keep": [],
            "add": [{"partnerClientId": "1", "toObjectType": "companies", "toObjectId": "2", "associationType": "owner"}],
        });
        change(&mut plan);
        serde_json::from_value::<Plan>(plan).map_err(|error| error.to_string())
    };
    assert!(plan(&|_| {}).is_ok());
    assert_eq!(plan(&|plan| plan["add"][0]["associationType"] = json!("OWNER")), plan(&|_| {}), "case does not matter");
    let refusal = |change: &dyn Fn(&mut Value)| plan(change).unwrap_err();
    let upper = plan(&|plan| plan["onlyTypes"] = json!(["OWNER"]));
    assert_eq!(upper, plan(&|_| {}), "nor does that of the types looked at");
    assert!(refusal(&|plan| plan["format"] = json!("hubspot-partner-clients plan 3")).contains("plan 3"));
    assert!(refusal(&|plan| plan["keep"] = plan["add"].clone()).contains("twice"));
    assert!(refusal(&|plan| plan["partnerClients"] = json!(["2"])).contains("not among partnerClients"));
    assert!(refusal(&|plan| plan["onlyTypes"] = json!(["payer"])).contains("not among onlyTypes"));
    assert!(refusal(&|plan| plan["removed"] = json!([])).contains("removed"));
    assert!(refusal(&|plan| plan["add"][0]["partnerClientId"] = json!("..")).contains("partner client id"));
    assert!(refusal(&|plan| drop(plan.as_object_mut().unwrap().remove("keep"))).contains("keep"));
}

#[tokio::test]
async fn settings_of_a_reconcile_hold_for_applying_its_plan() {
    for version in VERSIONS {
        let truth = Truth::start(World { associations: [(1, 1, "owner")].into(), ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let reconcile = client.reconcile([1], "companies", desired(&[(1, 2)])).header("x-mine", "yes");
        let plan =
            reconcile.retry(RetryPolicy::default().max_attempts(3).base_delay(Duration::ZERO)).plan().await.unwrap();
        truth.world().lost = [((1, 2, "owner"), true)].into();
        let failed = plan.apply(&client).await.unwrap();
        assert_eq!(failed.failed_additions[0].error.attempts(), 3);
        assert!(truth.world().requests.iter().all(|head| head.contains("x-mine: yes")));

        truth.world().requests.clear();
        let applied = plan.apply(&client).header("x-other", "no").retry(RetryPolicy::never()).await.unwrap();
        assert_eq!((applied.already_done, applied.removed), (1, 1));
        assert!(truth.world().requests.iter().all(|head| head.contains("x-mine: yes") && head.contains("x-other: no")));
        let refused = plan.apply(&client).header("authorization", "x").await.unwrap_err();
        assert!(refused.is_invalid_input());
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_tells_what_is_settled_and_a_journal_goes_on() {
    for version in VERSIONS {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("run.journal");
        let simulator = crm(2, 9).start().await.unwrap();
        associate(&simulator, &[(1, 1), (2, 1)]).await;
        let client = client_speaking(&simulator, version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 99), (2, 3)])).plan().await.unwrap();
        let never_begun = plan.apply(&client).run_until(async {}).await.unwrap();
        assert_eq!((never_begun.unsettled, never_begun.added), (5, 0));

        let journal = || Journal::open(&path, "the plan").unwrap();
        let mut told = Vec::new();
        let first =
            plan.apply(&client).journal(journal()).on_progress(|so_far| told.push(so_far.added + so_far.removed));
        let first = first.await.unwrap();
        assert_eq!((first.added, first.removed, first.failed_additions.len(), first.held_back.len()), (2, 1, 1, 1));
        assert_eq!(told, [2, 3]);
        let before = simulator.requests().len();
        let again = plan.apply(&client).journal(journal()).await.unwrap();
        assert_eq!((again.added, again.removed, again.failed_additions.len(), again.held_back.len()), (2, 1, 1, 1));
        assert_eq!(simulator.requests().len() - before, 2, "what is there is read, and nothing is sent again");

        let other = client.reconcile([1, 2], "companies", desired(&[(1, 2), (1, 1), (2, 4)])).plan().await.unwrap();
        assert!(other.apply(&client).journal(journal()).await.unwrap_err().is_journal());
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

/// Some of the pairs of three partner clients and four companies, by each type.
fn some(random: &mut fastrand::Rng, names: &[&'static str]) -> BTreeSet<Triple> {
    let mut some = BTreeSet::new();
    for _ in 0..random.usize(0..10) {
        some.insert((random.u64(1..=3), random.u64(1..=4), names[random.usize(0..names.len())]));
    }
    some
}

// Random states there, random ones desired, on each kind of server.
#[tokio::test]
async fn a_reconcile_comes_to_rest_and_its_undo_restores_what_was_there() {
    for version in VERSIONS {
        let truth = Truth::start(World::default()).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        for seed in 0..60 {
            let mut random = fastrand::Rng::with_seed(seed);
            let companions = [Companions::None, Companions::Listed, Companions::Base][random.usize(0..3)];
            let companions = if version == "v3" { companions } else { Companions::Base };
            *truth.world() = World { companions, types_as_numbers: random.bool(), ..World::default() };
            some(&mut random, &NAMES).into_iter().for_each(|triple| truth.world().add(triple));
            let before = truth.world().all_listed();
            let only = [&NAMES[..], &NAMES[..1], &NAMES[1..], &NAMES[..3], &NAMES[3..]][random.usize(0..5)];
            let wanted = some(&mut random, only);
            let plan = async || {
                let reconcile = client.reconcile(1..=3_u64, "companies", inputs(version, &wanted));
                let only = if only.len() == NAMES.len() { &[] } else { only };
                only.iter()
                    .fold(reconcile, |reconcile, only| reconcile.only_type(given(version, only)))
                    .plan()
                    .await
                    .unwrap()
            };
            let case = format!("{version}, seed {seed}, {companions:?}, only {only:?}, {before:?} to {wanted:?}");

            let first = plan().await;
            let saved = serde_json::to_string(&first.undo()).unwrap();
            let applied = first.apply(&client).max_removals(99).await.unwrap();
            assert!(applied.is_complete(), "{case}: {applied:?}");
            let after = truth.world().all_listed();
            assert!(wanted.is_subset(&after), "{case}\n{first}");
            for more in after.difference(&wanted).filter(|(_, _, name)| only.contains(name)) {
                let (client, company, name) = *more;
                let labels = NAMES[..3].iter().filter(|label| after.contains(&(client, company, **label)));
                assert!(name == UNLABELED && labels.count() > 0, "{case}\n{first}: {more:?}");
            }
            let labels = |all: &BTreeSet<Triple>, names: &[&str]| -> Vec<Triple> {
                all.iter().filter(|(_, _, name)| *name != UNLABELED && names.contains(name)).copied().collect()
            };
            let others: Vec<_> = NAMES.into_iter().filter(|name| !only.contains(name)).collect();
            assert_eq!(labels(&after, &others), labels(&before, &others), "{case}\n{first}");
            let second = plan().await;
            assert!(second.is_empty(), "{case}\n{first}\nthen {second}");

            let undo: Plan = serde_json::from_str(&saved).unwrap();
            for undo in [&undo, &applied.undo(&first)] {
                undo.apply(&client).await.unwrap_or_else(|error| panic!("{case}\n{first}\nundo {undo}: {error}"));
                let undone = truth.world().all_listed();
                assert_eq!(labels(&undone, &NAMES), labels(&before, &NAMES), "{case}\n{first}\nundo {undo}");
                if only.len() == NAMES.len() {
                    assert_eq!(undone, before, "{case}\n{first}\nundo {undo}");
                }
            }
        }
    }
}

// Random additions and removals that fail, or end without an answer.
#[tokio::test]
async fn whatever_fails_no_partner_client_loses_anything_before_it_has_all_it_should() {
    for version in VERSIONS {
        let truth = Truth::start(World::default()).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        for seed in 0..60 {
            let mut random = fastrand::Rng::with_seed(seed);
            let companions = if version == "v3" { Companions::None } else { Companions::Base };
            let mut world = World { companions, ..World::default() };
            let before = some(&mut random, &NAMES[..2]);
            before.iter().for_each(|triple| world.add(*triple));
            *truth.world() = world;
            let wanted = some(&mut random, &NAMES[..2]);
            let plan = client.reconcile(1..=3_u64, "companies", inputs(version, &wanted)).plan().await.unwrap();
            truth.world().refused = some(&mut random, &NAMES[..2]);
            if random.bool() {
                let lost = some(&mut random, &NAMES[..2]);
                truth.world().lost = lost.into_iter().map(|triple| (triple, random.bool())).collect();
            }
            let case = format!("{version}, seed {seed}: {before:?} to {wanted:?}\n{plan}");
            let applied = plan.apply(&client).max_removals(99).await.unwrap();

            let after = labels(&truth.world().associations);
            for (from, ..) in &truth.world().removals {
                let missing = wanted.iter().find(|triple| triple.0 == *from && !after.contains(*triple));
                assert_eq!(missing, None, "{case}{applied:?}");
            }
            let told = |changes: &[Association]| changes.len();
            let counted = applied.added + applied.removed + applied.failures().count() as u64;
            assert_eq!(counted as usize + told(&applied.held_back), plan.add.len() + plan.remove.len(), "{case}");
            if applied.is_complete() {
                assert_eq!(after, wanted, "{case}");
            }

            // Nothing fails any more.
            (truth.world().refused, truth.world().lost) = Default::default();
            if random.bool() {
                let rest = plan.apply(&client).max_removals(99).await.unwrap();
                assert!(rest.is_complete() && labels(&truth.world().associations) == wanted, "{case}{rest:?}");
            }
            let undo = if random.bool() { plan.undo() } else { applied.undo(&plan) };
            let state = labels(&truth.world().associations);
            match undo.apply(&client).await {
                Ok(_) => assert_eq!(labels(&truth.world().associations), before, "{case}{undo}"),
                // The rest was applied since.
                Err(error) => assert_eq!((state, error.is_invalid_input()), (wanted, true), "{case}{undo}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn what_a_limit_kept_out_is_added_once_a_removal_has_made_room() {
    for version in VERSIONS {
        // On dated versions each loses the unlabelled type as well.
        let removed = if version == "v3" { 3 } else { 6 };
        let moved = [(1, 2), (2, 3), (3, 4)];
        for (there, remove_anyway, rest) in [
            // The last of the chain is free at once, the others only after it.
            ([(1, 1), (2, 2), (9, 3)], false, false),
            // Nobody can begin.
            ([(1, 1), (2, 2), (3, 3)], true, true),
        ] {
            for journal in [false, true] {
                let directory = tempfile::TempDir::new().unwrap();
                let companions = if version == "v3" { Companions::None } else { Companions::Base };
                let truth = Truth::start(World { one_client_each: true, companions, ..World::default() }).await;
                there.iter().for_each(|&(client, company)| truth.world().add((client, company, "owner")));
                let client = client_at_speaking(&truth.server.base_url, "t", version);
                let wanted: Vec<_> = if rest { vec![(1, 2), (2, 3), (3, 1)] } else { moved.to_vec() };
                let plan = client.reconcile([1, 2, 3, 9], "companies", desired(&wanted)).plan().await.unwrap();
                let apply = |anyway: bool| {
                    let mut apply = plan.apply(&client).max_removals(9);
                    if journal {
                        apply = apply.journal(Journal::open(directory.path().join("journal"), "plan").unwrap());
                    }
                    if anyway { apply.remove_anyway() } else { apply }
                };
                let mut applied = apply(false).await.unwrap();
                if remove_anyway {
                    assert_eq!((applied.failed_additions.len(), applied.held_back.len()), (3, removed));
                    applied = apply(true).await.unwrap();
                }
                assert!(applied.is_complete(), "{applied:?}");
                assert_eq!((applied.added, applied.removed), (3, removed as u64));
                let wanted: BTreeSet<_> = wanted.iter().map(|&(client, company)| (client, company, "owner")).collect();
                assert_eq!(labels(&truth.world().associations), wanted);
            }
        }
    }
}

#[tokio::test]
async fn a_refused_addition_is_tried_again_only_where_something_was_removed() {
    for version in VERSIONS {
        let world = World {
            associations: [(1, 1, "owner"), (2, 1, "owner")].into(),
            refused: [(1, 5, "owner"), (2, 6, "owner")].into(),
            ..World::default()
        };
        let truth = Truth::start(world).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile([1, 2], "companies", desired(&[(1, 5), (2, 1), (2, 6)])).plan().await.unwrap();
        let puts = || truth.world().requests.iter().filter(|head| head.starts_with("PUT ")).count();
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.failed_additions.len(), applied.held_back.len(), puts()), (2, 1, 2));
        let applied = plan.apply(&client).remove_anyway().await.unwrap();
        assert_eq!((applied.failed_additions.len(), applied.removed), (2, 1));
        assert_eq!(applied.undo(&plan).remove, []);
    }
}

#[tokio::test]
async fn a_plan_that_names_a_type_by_its_id_is_refused_with_the_name() {
    for version in VERSIONS {
        let truth = Truth::start(World { associations: [(1, 1, "owner")].into(), ..World::default() }).await;
        let client = client_at_speaking(&truth.server.base_url, "t", version);
        let plan = client.reconcile([1], "companies", desired(&[(1, 2)])).plan().await.unwrap();
        for changes in ["add", "remove"] {
            let mut edited = serde_json::to_value(&plan).unwrap();
            edited[changes][0]["associationType"] = json!("7");
            let edited: Plan = serde_json::from_value(edited).unwrap();
            let error = edited.apply(&client).await.unwrap_err();
            assert!(
                error.is_invalid_input()
                    && error.message().contains(&format!("\"7\" is called {} in plans", shown(version, "owner"))),
                "{error}"
            );
            assert_eq!(truth.world().associations, [(1, 1, "owner")].into());
        }
    }
}

/// A plan where batches of partner clients are read so; 1 has company 1, 2 has none, 9 does not exist.
async fn planned(version: &str, answer: Value) -> Plan {
    let truth = Truth::start(World {
        associations: [(1, 1, "owner")].into(),
        unknown: [9].into(),
        read: Some(answer),
        ..World::default()
    })
    .await;
    let client = client_at_speaking(&truth.server.base_url, "t", version);
    client.reconcile([1, 2, 9], "companies", desired(&[(1, 1)])).skip_unknown().plan().await.unwrap()
}

/// Company 1 as a version lists it, by its id and its association type, of which either may be missing.
fn listed(version: &str, id: impl Into<Option<Value>>, of_type: impl Into<Option<Value>>) -> Value {
    let (id_name, type_name) = if version == "v3" { ("id", "type") } else { ("toObjectId", "associationTypes") };
    let members = [(id_name, id.into()), (type_name, of_type.into())];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The type of what is there.
fn of_owner(version: &str) -> Value {
    if version == "v3" { json!("owner") } else { json!([{"category": "USER_DEFINED", "typeId": 7, "label": "Owner"}]) }
}

#[tokio::test]
async fn a_partner_client_is_unknown_only_where_it_is_so_by_itself() {
    for version in VERSIONS {
        let of = |to: Value| json!({"from": {"id": "1"}, "to": to});
        let not_found = |id: &str, sub_category: &str| {
            json!({"category": "OBJECT_NOT_FOUND", "subCategory": sub_category, "message": "-",
                "context": {"fromObjectId": [id]}})
        };
        let there = of(json!([listed(version, json!("1"), of_owner(version))]));
        let answers = [
            json!({"status": "COMPLETE", "results": [there], "errors": [not_found("1", ""), not_found("9", "")]}),
            json!({"status": "COMPLETE", "results": [there], "errors": [not_found("2", "crm.associations.NONE")]}),
            // Under way, so it proves nothing.
            json!({"status": "PENDING", "results": [of(json!([]))]}),
            json!({"status": "CANCELED", "results": [], "errors": [not_found("1", "NO_ASSOCIATIONS_FOUND")]}),
        ];
        for answer in answers {
            let plan = planned(version, answer.clone()).await;
            let unknown: Vec<_> = plan.unknown.iter().map(|id| id.as_str()).collect();
            assert_eq!((plan.is_empty(), plan.unchanged, unknown), (true, 1, vec!["9"]), "{version}: {answer}");
        }
    }
}

/// What cannot be read may be what is desired, or what is not.
#[tokio::test]
async fn what_an_answer_does_not_say_of_a_partner_client_is_not_taken_for_nothing() {
    for version in VERSIONS {
        let from = |id: Value| json!({"id": id});
        let (is_owner, one) = (of_owner(version), json!("1"));
        let owner = listed(version, one.clone(), is_owner.clone());
        let mut answers = vec![
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1"))}, {"from": from(json!("2")), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": null}, {"from": from(json!(2)), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": "none"}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, json!(""), is_owner.clone())]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, None, is_owner.clone()), "odd"]}]}),
            json!({"status": "COMPLETE", "results": [{"to": [owner]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, one.clone(), None)]}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("odd")), "to": []}, {"from": from(json!("512.0")), "to": []}]}),
            json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [owner],
                "paging": {"next": {"after": null, "link": null}}}]}),
            // What can be read, unusual as it is.
            json!({"status": "COMPLETE", "results": [{"from": from(json!(1)), "to": [listed(version, json!(1), is_owner.clone())]}]}),
            json!({"results": null}),
        ];
        if version != "v3" {
            let types = [
                json!([]),
                json!(null),
                json!([{"typeId": 7}]),
                json!([{"typeId": 7, "category": null}]),
                json!([{"category": "USER_DEFINED"}]),
                json!(["USER_DEFINED:7"]),
                json!([{"category": "USER_DEFINED", "typeId": "7"}]),
                json!([{"category": "USER_DEFINED", "typeId": 7, "label": null}]),
                json!([{"category": "USER_DEFINED", "typeId": 7, "label": " "}, {"category": "USER_DEFINED", "typeId": 7}]),
            ];
            answers.extend(types.map(|types| {
                json!({"status": "COMPLETE", "results": [{"from": from(json!("1")), "to": [listed(version, one.clone(), types)]}]})
            }));
        }
        for answer in answers {
            let plan = planned(version, answer.clone()).await;
            assert_eq!((plan.is_empty(), plan.unchanged), (true, 1), "{version}: {answer}\n{plan}");
        }
    }
}

#[tokio::test]
async fn an_association_that_cannot_be_read_is_not_taken_for_missing() {
    let page = json!({"results": [{"id": "1", "type": "owner"}, {"id": "", "type": "owner"}]});
    let server = RawServer::start(move |mut stream, _| {
        let page = page.to_string();
        async move {
            let request = read_request(&mut stream).await;
            let answer = match request.lines().next() {
                Some(line) if line.contains("/types") => r#"{"results": [{"id": "7", "name": "owner"}]}"#,
                Some(line) if line.contains("/batch/read") => r#"{"status": "COMPLETE", "results": []}"#,
                _ => &page,
            };
            let _ = stream.write_all(http(200, "application/json", answer).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url, "t");
    assert!(client.is_associated(512, "companies", 1, "owner").await.unwrap());
    assert!(client.is_associated(512, "companies", 1, 7).await.unwrap());
    let unknown = [
        client.is_associated(512, "companies", 2, "owner").await.map(drop).unwrap_err(),
        client.reconcile([512], "companies", [(512, ("companies", 1), "owner")]).plan().await.map(drop).unwrap_err(),
    ];
    for error in unknown {
        assert!(error.is_decode() && error.message().contains("partner client 512 cannot be read"), "{error}");
    }
}

#[tokio::test]
async fn an_association_is_found_by_whichever_of_its_type_s_names_it_is_listed() {
    for listed in ["owner", "OWNER", "7"] {
        let server = RawServer::start(move |mut stream, _| async move {
            let request = read_request(&mut stream).await;
            let is_of_types = request.lines().next().is_some_and(|line| line.contains("/types"));
            let answer = match is_of_types {
                true => json!({"results": [{"id": "7", "name": "owner"}, {"id": "8", "name": "payer"}]}),
                false => json!({"results": [{"id": "1", "type": listed}]}),
            };
            let _ = stream.write_all(http(200, "application/json", &answer.to_string()).as_bytes()).await;
            Some(stream)
        })
        .await;
        let client = client_at(&server.base_url, "t");
        for (asked, is) in [("Owner", true), ("7", true), ("payer", false), ("8", false), ("9", false)] {
            assert_eq!(
                client.is_associated(512, "companies", 1, asked).await.unwrap(),
                is,
                "{asked}, listed as {listed}"
            );
        }
    }
}
