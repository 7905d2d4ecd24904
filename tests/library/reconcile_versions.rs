//! Plans, with the same promises on every version of HubSpot's API.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use hubspot_partner_clients::{Association, Client, bulk::Journal, reconcile::Plan};
use hubspot_simulator::{
    AssociationCategory, Fault, InvalidAssociations, Simulator, SimulatorBuilder, UnlabeledCompanions,
};
use serde_json::json;

use crate::support::{
    associations::{Companions, Truth, World},
    client_at_speaking, client_speaking, crm, sized,
};

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];
const DATED: [&str; 2] = ["2026-03", "2026-09"];
const UNLABELED: u64 = 7;

/// Partner client, company, type.
type Triple = (u64, u64, u64);

/// To companies the unlabelled type 7 with the labels 36 and 37.
fn labels(clients: usize, companies: usize) -> SimulatorBuilder {
    crm(clients, companies)
        .association_type("companies", UNLABELED, "partner_client_to_company_unlabeled")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer")
        .unlabeled_companions(UnlabeledCompanions::Always)
}

fn with(builder: SimulatorBuilder, there: &BTreeSet<Triple>) -> SimulatorBuilder {
    there.iter().fold(builder, |builder, (client, company, kind)| {
        builder.association(client.to_string(), "companies", company.to_string(), kind.to_string())
    })
}

async fn start(builder: SimulatorBuilder, version: &str) -> (Simulator, Client) {
    let simulator = builder.start().await.unwrap();
    let client = client_speaking(&simulator, version);
    (simulator, client)
}

fn to(client: u64, company: u64, kind: impl ToString) -> Association {
    Association::new(client, "companies", company, kind.to_string()).unwrap()
}

fn inputs(triples: &BTreeSet<Triple>) -> Vec<Association> {
    triples.iter().map(|(client, company, kind)| to(*client, *company, kind)).collect()
}

/// The associations of partner clients with companies.
fn there(simulator: &Simulator, clients: u64) -> BTreeSet<Triple> {
    let of = |client: u64| {
        let all = simulator.associations(&client.to_string()).into_iter();
        let companies = all.filter(|made| made.to_object_type == "companies");
        companies.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=clients).flat_map(of).collect()
}

fn labelled(all: &BTreeSet<Triple>) -> BTreeSet<Triple> {
    all.iter().copied().filter(|(_, _, kind)| *kind != UNLABELED).collect()
}

fn shown(changes: &[Association]) -> Vec<String> {
    let shown = |c: &Association| format!("{} {} {}", c.partner_client_id, c.to_object_id, c.association_type);
    changes.iter().map(shown).collect()
}

fn some(random: &mut fastrand::Rng, clients: u64, kinds: &[u64], most: usize) -> BTreeSet<Triple> {
    (0..random.usize(0..most))
        .map(|_| (random.u64(1..=clients), random.u64(1..=3), kinds[random.usize(0..kinds.len())]))
        .collect()
}

// Random associations there, random ones desired. Partner client 5 and its companies are never looked at.
#[tokio::test]
async fn what_is_there_becomes_what_is_desired_and_nothing_else_is_touched_on_every_version() {
    for seed in 0..sized(120, 40) as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = VERSIONS[random.usize(0..3)];
        let kinds = [UNLABELED, 36, 37];
        let mut before = some(&mut random, 5, &kinds, 24);
        if version != "v3" || random.bool() {
            // As dated versions leave it.
            before.extend(labelled(&before.clone()).iter().map(|(client, company, _)| (*client, *company, UNLABELED)));
        }
        let answer = [InvalidAssociations::Refuse, InvalidAssociations::Partial][random.usize(0..2)];
        let builder = with(labels(5, 3), &before).invalid_associations(answer);
        let (simulator, client) =
            start(builder.association("1", "deals", "1", "8").object("deals", "1", [("name", "x")]), version).await;
        let before = there(&simulator, 5);
        let only = [&kinds[..], &kinds[1..], &kinds[1..2]][random.usize(0..3)];
        let wanted = some(&mut random, 4, only, 24);
        let plan = async || {
            let reconcile = client.reconcile(1..=4_u64, "companies", inputs(&wanted));
            let only = if only.len() == kinds.len() { &[] } else { only };
            only.iter().fold(reconcile, |reconcile, only| reconcile.only_type(*only)).plan().await.unwrap()
        };
        let case = format!("seed {seed}, {version}, only {only:?}: {before:?} to {wanted:?}");

        let first = plan().await;
        let saved: Plan = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
        let undo = serde_json::to_string(&first.undo()).unwrap();
        let applied = saved.apply(&client).max_removals(99).await.unwrap();
        assert!(applied.is_complete(), "{case}\n{first}: {applied:?}");
        let after = there(&simulator, 5);
        let is_left = |(client, _, kind): &Triple| *client == 5 || !only.contains(kind);
        let mut expected: BTreeSet<_> = wanted.iter().copied().chain(before.iter().copied().filter(is_left)).collect();
        let of_labels: Vec<_> =
            labelled(&expected).into_iter().map(|(client, company, _)| (client, company, UNLABELED)).collect();
        // It may stand beside a label, as it did or as it came with the label.
        expected.extend(of_labels.into_iter().filter(|beside| after.contains(beside)));
        assert_eq!(after, expected, "{case}\n{first}");
        assert_eq!(simulator.associations("1").iter().filter(|made| made.to_object_type == "deals").count(), 1);
        let second = plan().await;
        assert!(second.is_empty(), "{case}\n{first}\nthen {second}");

        let undo: Plan = serde_json::from_str(&undo).unwrap();
        let undone = undo.apply(&client).await.unwrap_or_else(|error| panic!("{case}\n{first}\nundo {undo}: {error}"));
        assert!(undone.is_complete(), "{case}\n{first}\nundo {undo}: {undone:?}");
        assert_eq!(labelled(&there(&simulator, 5)), labelled(&before), "{case}\n{first}\nundo {undo}");
        if version != "v3" && only.len() == kinds.len() {
            assert_eq!(there(&simulator, 5), before, "{case}\n{first}\nundo {undo}");
        }
    }
}

// With several types, what pairs have is read before each batch.
#[tokio::test]
async fn associations_are_planned_and_made_by_few_requests() {
    for (version, companies, several) in [("v3", 10, true), ("2026-09", sized(40, 20), false), ("2026-09", 10, true)] {
        let crm = if several { labels(1_000, companies) } else { crm(1_000, companies) };
        let (simulator, client) = start(crm, version).await;
        let count = 1_000 * companies as u64;
        let desired = || (0..count).map(|place| to(place % 1_000 + 1, place / 1_000 + 1, 7));
        let requests = || {
            let count = simulator.requests().len();
            simulator.clear_requests();
            count as u64
        };
        let plan = client.reconcile(1..=1_000_u64, "companies", desired()).plan().await.unwrap();
        assert_eq!((plan.add.len() as u64, requests()), (count, 2), "{version}: the types, and what is there");
        let applied = plan.apply(&client).await.unwrap();
        assert_eq!((applied.added, applied.failures().count()), (count, 0), "{version}");
        let batches = count / 2_000;
        let read = if several && version != "v3" { batches } else { 0 };
        assert_eq!(requests(), 2 + read + batches, "{version}, several types: {several}");
        let plan = client.reconcile(1..=1_000_u64, "companies", desired()).plan().await.unwrap();
        assert_eq!((plan.is_empty(), plan.unchanged, requests()), (true, count, 2), "{version}");
    }
}

#[tokio::test]
async fn a_type_is_meant_by_whatever_names_it_and_shown_by_category_and_number() {
    for version in DATED {
        let before = [(1, 1, 36), (1, 2, UNLABELED)].into();
        let (simulator, client) = start(with(labels(2, 3), &before), version).await;
        for referred_by in ["36", "USER_DEFINED:36", "Referred by", "REFERRED BY", "referred_by"] {
            let desired = [to(1, 1, referred_by), to(1, 2, "HUBSPOT_DEFINED:7"), to(2, 3, "payer")];
            let plan = client.reconcile([1, 2], "companies", desired).only_type(referred_by).only_type(7);
            let plan = plan.only_type("Payer").plan().await.unwrap();
            assert_eq!((shown(&plan.add), shown(&plan.remove)), (vec!["2 3 USER_DEFINED:37".to_owned()], vec![]));
            assert_eq!(shown(&plan.keep), ["1 1 USER_DEFINED:36", "1 2 HUBSPOT_DEFINED:7"], "{version}, {referred_by}");
            assert_eq!(plan.unlabeled_types, ["HUBSPOT_DEFINED:7".parse().unwrap()]);
        }
        let on_v3 = client_speaking(&simulator, "v3");
        let plan = on_v3.reconcile([1], "companies", [to(1, 1, "USER_DEFINED:36"), to(1, 2, 7)]).plan().await.unwrap();
        assert_eq!(shown(&plan.keep)[0], "1 1 referred_by", "as dated versions name it");
        simulator.clear_requests();
        for (unknown, choice) in [
            ("owner", "USER_DEFINED:37 (Payer)"),
            ("USER_DEFINED:99", "USER_DEFINED:36 (Referred by)"),
            ("NEW:36", "WORK"),
        ] {
            let error = client.reconcile([1], "companies", [to(1, 1, unknown)]).plan().await.unwrap_err();
            assert!(error.is_invalid_input() && error.message().contains(choice), "{error}");
            let error =
                client.reconcile([1], "companies", [] as [Association; 0]).only_type(unknown).plan().await.unwrap_err();
            assert!(error.is_invalid_input() && error.message().contains(choice), "{error}");
        }
        assert!(simulator.requests().iter().all(|request| request.path().ends_with("/labels")), "nothing else is sent");
    }
}

#[tokio::test]
async fn a_number_that_two_categories_have_is_no_type_until_the_category_is_told() {
    let builder = crm(1, 3)
        .association_label("companies", AssociationCategory::UserDefined, 279, "Ours")
        .association_label("companies", AssociationCategory::HubspotDefined, 279, "Theirs");
    let (simulator, client) = start(builder, "2026-09").await;
    let error = client.reconcile([1], "companies", [to(1, 1, 279)]).plan().await.unwrap_err();
    let both = ["USER_DEFINED:279 (Ours)", "HUBSPOT_DEFINED:279 (Theirs)"];
    assert!(error.is_invalid_input() && both.iter().all(|both| error.message().contains(both)), "{error}");
    let apply = async |desired: &[&str]| {
        let desired: Vec<_> = desired.iter().map(|kind| to(1, 1, kind)).collect();
        let plan = client.reconcile([1], "companies", desired).plan().await.unwrap();
        assert!(plan.apply(&client).max_removals(1).await.unwrap().is_complete(), "{plan}");
        let all = simulator.associations("1").into_iter().filter_map(|made| made.label);
        all.collect::<BTreeSet<_>>()
    };
    assert_eq!(apply(&["USER_DEFINED:279", "theirs"]).await, ["Ours".to_owned(), "Theirs".to_owned()].into());
    assert_eq!(apply(&["HUBSPOT_DEFINED:279"]).await, ["Theirs".to_owned()].into());
    assert_eq!(apply(&["ours"]).await, ["Ours".to_owned()].into());
}

// The removals of a pair may stand in two batches.
#[tokio::test]
async fn the_unlabelled_type_is_removed_after_the_labels_of_its_pair_whatever_the_batches_are() {
    for version in VERSIONS {
        for companies in [67_usize, 100, 101] {
            let all: BTreeSet<Triple> = (1..=companies as u64)
                .flat_map(|company| [UNLABELED, 36, 37].map(|kind| (1, company, kind)))
                .chain([(2, 1, 36), (2, 1, UNLABELED)])
                .collect();
            let (simulator, client) = start(with(labels(2, companies), &all), version).await;
            let plan = client.reconcile([1], "companies", [] as [Association; 0]).plan().await.unwrap();
            assert_eq!(plan.remove.len(), 3 * companies);
            let applied = plan.apply(&client).max_removals(999).await.unwrap();
            assert!(applied.is_complete(), "{version}: {:?}", applied.failed_removals.first());
            assert_eq!(there(&simulator, 2), [(2, 1, 36), (2, 1, UNLABELED)].into(), "{version}");
        }
    }
}

#[tokio::test]
async fn a_label_that_came_since_the_plan_is_not_lost() {
    for version in DATED {
        let before = [(1, 1, 36), (1, 1, UNLABELED), (1, 2, UNLABELED)].into();
        let (simulator, client) = start(with(labels(1, 3), &before), version).await;
        let plan = client.reconcile([1], "companies", [to(1, 1, 37), to(1, 3, 37)]).plan().await.unwrap();
        let stale = client.reconcile([1], "companies", [to(1, 3, 37)]).plan().await.unwrap();
        client.add_association(to(1, 2, 37)).await.unwrap();
        let error = stale.apply(&client).max_removals(9).await.unwrap_err();
        assert!(error.message().contains("now has companies 2 (USER_DEFINED:37)"), "{error}");
        assert_eq!(there(&simulator, 1).len(), 4, "nothing is changed");
        client.remove_association(to(1, 2, 37)).await.unwrap();

        // In the last moment.
        simulator.inject(Fault::status(503).on("batch_read_associations").times(1));
        assert_eq!(plan.apply(&client).max_removals(9).await.unwrap_err().status(), Some(503));
        let applied = plan.apply(&client).max_removals(9).await.unwrap();
        assert!(applied.is_complete(), "{applied:?}");
        let after = [(1, 1, 37), (1, 1, UNLABELED), (1, 3, 37), (1, 3, UNLABELED)].into();
        assert_eq!(there(&simulator, 1), after, "{version}");
    }
}

#[tokio::test]
async fn a_plan_of_one_version_is_refused_under_another() {
    let (simulator, _) = start(labels(1, 3), "v3").await;
    for made_in in VERSIONS {
        let client = client_speaking(&simulator, made_in);
        let plan = client.reconcile([1], "companies", [to(1, 1, 36)]).plan().await.unwrap();
        let plan: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        simulator.clear_requests();
        for other in VERSIONS.into_iter().filter(|other| *other != made_in) {
            let error = plan.apply(&client_speaking(&simulator, other)).await.unwrap_err();
            let reason = format!("made in API version {made_in}, not in {other}");
            assert!(error.is_invalid_input() && error.message().contains(&reason), "{error}");
        }
        assert!(simulator.requests().is_empty(), "nothing is sent");
    }
}

#[tokio::test]
async fn a_persisted_plan_names_types_by_category_and_number() {
    let before = [(1, 1, 36), (1, 1, UNLABELED)].into();
    let (simulator, client) = start(with(labels(1, 3), &before), "2026-09").await;
    let plan = client.reconcile([1], "companies", [to(1, 1, "referred by"), to(1, 2, 37)]).only_type(36).only_type(37);
    let plan = plan.plan().await.unwrap();
    let change = |company: &str, kind: &str| json!({"partnerClientId": "1", "toObjectType": "companies", "toObjectId": company, "associationType": kind});
    let expected = json!({
        "format": "hubspot-partner-clients plan 2",
        "server": simulator.base_url(),
        "apiVersion": "2026-09",
        "toObjectType": "companies",
        "onlyTypes": ["USER_DEFINED:36", "USER_DEFINED:37"],
        "unlabeledTypes": ["HUBSPOT_DEFINED:7"],
        "partnerClients": ["1"],
        "add": [change("2", "USER_DEFINED:37")],
        "remove": [],
        "keep": [change("1", "USER_DEFINED:36")],
        "unchanged": 1,
    });
    assert_eq!(serde_json::to_value(&plan).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Plan>(expected.clone()).unwrap(), plan);
    let mut lower = expected.clone();
    lower["add"][0]["associationType"] = json!("user_defined:37");
    assert_eq!(serde_json::from_value::<Plan>(lower).unwrap(), plan, "case does not matter");
    for (by_hand, reason) in [
        ("37", "\"37\" is called USER_DEFINED:37 in plans"),
        ("Payer", "is called USER_DEFINED:37"),
        ("Owner", "does not exist"),
    ] {
        let mut edited = expected.clone();
        edited["onlyTypes"] = json!([]);
        edited["add"][0]["associationType"] = json!(by_hand);
        let edited: Plan = serde_json::from_value(edited).unwrap();
        let error = edited.apply(&client).await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().contains(reason), "{error}");
    }
    // Gone since: HubSpot has the last word on each change.
    let mut gone = expected;
    gone["onlyTypes"] = json!([]);
    gone["add"][0]["associationType"] = json!("USER_DEFINED:99");
    let gone: Plan = serde_json::from_value(gone).unwrap();
    let applied = gone.apply(&client).await.unwrap();
    assert!(applied.failed_additions[0].error.is_invalid_input(), "{applied:?}");
    assert_eq!(there(&simulator, 1), before);
}

#[tokio::test]
async fn a_run_that_is_stopped_goes_on_with_its_journal_on_every_version() {
    for version in VERSIONS {
        let directory = tempfile::TempDir::new().unwrap();
        let journal = || Journal::open(directory.path().join("run.journal"), "the plan").unwrap();
        let before = [(1, 1, 36), (1, 1, UNLABELED), (2, 1, 36), (2, 1, UNLABELED)].into();
        let (simulator, client) = start(with(labels(2, 9), &before), version).await;
        let desired = [to(1, 1, 37), to(1, 99, 37), to(2, 3, 37)];
        let plan = client.reconcile([1, 2], "companies", desired).plan().await.unwrap();
        let first = plan.apply(&client).journal(journal()).await.unwrap();
        assert_eq!((first.added, first.removed), (2, 2), "{version}: {first:?}");
        assert_eq!((first.failed_additions.len(), first.held_back.len()), (1, 1), "{version}: {first:?}");
        simulator.clear_requests();
        let again = plan.apply(&client).journal(journal()).await.unwrap();
        assert_eq!((again.added, again.removed, again.already_done.len()), (0, 0, 4), "that was the first run");
        assert_eq!((again.failed_additions.len(), again.held_back.len()), (1, 1));
        assert_eq!(simulator.requests().len(), 2, "{version}: what is there is read, and nothing is sent again");
        for other in VERSIONS.into_iter().filter(|other| *other != version) {
            let client = client_speaking(&simulator, other);
            let plan = client.reconcile([1, 2], "companies", [to(1, 2, 37)]).plan().await.unwrap();
            let refused = plan.apply(&client).max_removals(9).journal(journal()).await.unwrap_err();
            assert!(refused.is_journal() && refused.message().contains(version), "{refused}");
        }
    }
}

/// A world of dated versions in which 1 owns company 1, as `read` tells.
async fn owned(read: impl FnOnce(&World) -> Option<serde_json::Value>) -> (Truth, Client) {
    let mut world = World { companions: Companions::Base, ..World::default() };
    world.add((1, 1, "owner"));
    world.read = read(&world);
    let truth = Truth::start(world).await;
    let client = client_at_speaking(&truth.server.base_url, "t", "2026-09");
    (truth, client)
}

/// A world that tells no labels of what partner clients have.
async fn without_labels() -> (Truth, Client) {
    owned(|world| {
        let mut to = world.labelled(1);
        for held in to[0]["associationTypes"].as_array_mut().unwrap() {
            held["label"] = json!(null);
        }
        Some(json!({"status": "COMPLETE", "results": [{"from": {"id": 1}, "to": to}]}))
    })
    .await
}

#[tokio::test]
async fn a_label_that_an_answer_leaves_out_is_kept_all_the_same() {
    let (truth, client) = without_labels().await;
    let desired = [to(1, 1, "owner"), to(1, 1, "payer")];
    let plan = client.reconcile([1], "companies", desired).plan().await.unwrap();
    assert_eq!((shown(&plan.add), plan.unchanged), (vec!["1 1 USER_DEFINED:8".to_owned()], 1));
    assert_eq!(plan.unlabeled_types, ["HUBSPOT_DEFINED:10".parse().unwrap()]);
    assert!(plan.apply(&client).await.unwrap().is_complete());
    let names: Vec<_> = truth.world().associations.iter().map(|(_, _, name)| *name).collect();
    assert_eq!(names, ["client_to_company_unlabeled", "owner", "payer"]);

    let (truth, client) = without_labels().await;
    let mut refused = client.dissociate_many([to(1, 1, 10)]).outcomes();
    let error = refused.next().await.unwrap().result.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("(Owner)"), "{error}");
    let alone =
        json!({"results": [{"toObjectId": 1, "associationTypes": [{"category": "USER_DEFINED", "typeId": 7}]}]});
    truth.world().alone = Some(alone);
    let error = client.remove_association(to(1, 1, 10)).await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("(Owner)"), "{error}");
    assert_eq!(truth.world().associations.len(), 2, "nothing is removed");
}

#[tokio::test]
async fn a_user_s_type_that_has_no_label_anywhere_is_kept_as_a_label_is() {
    let (truth, client) = without_labels().await;
    let labels = {
        let world = truth.world();
        let unlabelled = json!({"category": "USER_DEFINED", "typeId": 7, "label": null});
        json!([world.label("client_to_company_unlabeled"), world.label("payer"), unlabelled])
    };
    truth.world().labels = Some(labels);
    let plan = client.reconcile([1], "companies", [to(1, 1, "payer")]).only_type("payer").plan().await.unwrap();
    assert!(plan.apply(&client).await.unwrap().is_complete());
    assert!(truth.world().associations.contains(&(1, 1, "owner")));
    let mut refused = client.dissociate_many([to(1, 1, 10)]).outcomes();
    let error = refused.next().await.unwrap().result.unwrap_err();
    assert!(error.is_invalid_input() && error.message().contains("USER_DEFINED:7"), "{error}");
    assert!(truth.world().associations.contains(&(1, 1, "owner")));
}

#[tokio::test]
async fn a_label_is_kept_whose_entry_in_the_list_of_types_cannot_be_read() {
    let (truth, client) = owned(|_| None).await;
    let labels = {
        let world = truth.world();
        json!([world.label("client_to_company_unlabeled"), world.label("payer"), {"typeId": 7}])
    };
    truth.world().labels = Some(labels);
    let plan = client.reconcile([1], "companies", [to(1, 1, "payer")]).only_type("payer").plan().await.unwrap();
    assert!(plan.apply(&client).await.unwrap().is_complete());
    assert!(truth.world().associations.contains(&(1, 1, "owner")));
    truth.world().associations.remove(&(1, 1, "payer"));
    client.add_association(to(1, 1, "payer")).await.unwrap();
    assert!(truth.world().associations.contains(&(1, 1, "owner")));
}

/// Were they told apart, a plan would make what it removes.
#[tokio::test]
async fn categories_are_the_same_in_any_case() {
    let (truth, client) = owned(|_| None).await;
    let labels = {
        let world = truth.world();
        let mut labels =
            json!([world.label("client_to_company_unlabeled"), world.label("payer"), world.label("owner")]);
        for label in labels.as_array_mut().unwrap() {
            label["category"] = label["category"].as_str().unwrap().to_lowercase().into();
        }
        labels
    };
    truth.world().labels = Some(labels);
    for known in client.association_types("companies").await.unwrap() {
        assert!(matches!(known.category.as_deref(), Some("USER_DEFINED" | "HUBSPOT_DEFINED")), "{known:?}");
    }
    let plan = client.reconcile([1], "companies", [to(1, 1, "owner")]).plan().await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    let written = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&written).unwrap(), plan);
    client.add_association(to(1, 1, "USER_DEFINED:8")).await.unwrap();
    assert_eq!(truth.world().associations.len(), 3, "{:?}", truth.world().associations);
    let plan = client.reconcile([1], "companies", [to(1, 1, "payer")]).plan().await.unwrap();
    assert_eq!((plan.add.len(), plan.remove.len()), (0, 1), "{plan}");
}

#[tokio::test]
async fn a_label_is_kept_that_is_newer_than_what_the_client_knows_of() {
    let (truth, client) = owned(|_| None).await;
    let labels = {
        let world = truth.world();
        json!([world.label("client_to_company_unlabeled"), world.label("payer")])
    };
    truth.world().labels = Some(labels);
    client.add_association(to(1, 2, "payer")).await.unwrap();
    truth.world().labels = None;
    let desired = [to(1, 1, "payer"), to(1, 2, "payer")];
    let plan = client.reconcile([1], "companies", desired).only_type("payer").plan().await.unwrap();
    assert_eq!(plan.apply(&client).await.unwrap().added, 1);
    assert!(truth.world().associations.contains(&(1, 1, "owner")));
}

#[tokio::test]
async fn what_cannot_be_read_by_itself_either_is_an_error_and_nothing_is_changed() {
    let (truth, client) = owned(|_| None).await;
    for types in [json!([]), json!(null), json!([{"typeId": 7}]), json!([{"category": "USER_DEFINED"}]), json!(["odd"])]
    {
        let odd = json!({"toObjectId": 1, "associationTypes": types});
        truth.world().read = Some(json!({"status": "COMPLETE", "results": [{"from": {"id": 1}, "to": [odd]}]}));
        truth.world().alone = Some(json!({"results": [odd]}));
        let error = client.reconcile([1], "companies", [to(1, 1, "payer")]).plan().await.unwrap_err();
        assert!(error.is_decode() && error.message().contains("be read"), "{error}");
        let mut outcomes = client.associate_many([to(1, 1, "payer")]).outcomes();
        let error = outcomes.next().await.unwrap().result.unwrap_err();
        assert!(error.is_decode(), "{error}");
        for kind in ["payer", "10"] {
            let error = client.add_association(to(1, 1, kind)).await.map(drop);
            let error = if kind == "10" { client.remove_association(to(1, 1, kind)).await } else { error };
            assert!(error.as_ref().is_err_and(|error| error.is_decode()), "{types} {kind}: {error:?}");
        }
        assert_eq!(truth.world().associations.len(), 2);
    }
}

/// The read may have been tried several times, and have failed in a way that leaves a write in doubt.
#[tokio::test]
async fn a_change_whose_labels_could_not_be_read_was_not_made() {
    let (simulator, client) = start(labels(1, 2).association("1", "companies", "1", "36"), "2026-09").await;
    let desired = [to(1, 1, 36), to(1, 1, 37)];
    let plan = client.reconcile([1], "companies", desired).plan().await.unwrap();
    // Applying reads what is there first.
    let fault = Fault::script([None, Some(Fault::status(503))]);
    simulator.inject(fault.on("batch_read_associations"));
    let applied = plan.apply(&client).await.unwrap();
    assert_eq!(applied.failed_additions[0].error.status(), Some(503), "{applied:?}");
    assert!(applied.undo(&plan).is_empty());
}

#[tokio::test]
async fn an_error_within_a_success_is_that_of_its_change() {
    let about = |client: u64, company: u64| {
        json!({"status": "error", "category": "VALIDATION_ERROR", "message": "not this one",
            "context": {"fromObjectId": [client.to_string()], "toObjectId": [company.to_string()]}})
    };
    let (truth, client) = owned(|_| None).await;
    let plan = client.reconcile([1], "companies", [to(1, 2, "owner"), to(1, 3, "owner")]).plan().await.unwrap();
    let made = json!({"fromObjectId": 1, "toObjectId": 3, "fromObjectTypeId": "0-145", "toObjectTypeId": "0-2", "labels": null});
    truth.world().set = Some(json!({"status": "COMPLETE", "results": [made], "errors": [about(1, 2)]}));
    let applied = plan.apply(&client).max_removals(9).await.unwrap();
    assert_eq!((applied.added, applied.removed, applied.held_back.len()), (1, 0, 2), "{applied:?}");
    assert_eq!(applied.failed_additions[0].association.to_object_id.as_str(), "2");
    assert!(truth.world().associations.contains(&(1, 1, "owner")));

    for archived in [
        json!({"status": "COMPLETE", "results": [], "errors": [about(1, 1)]}),
        json!({"status": "PENDING", "results": []}),
        json!({"status": "COMPLETE", "numErrors": 1, "results": [], "errors": [{"message": "some of it"}]}),
    ] {
        let (truth, client) = owned(|_| None).await;
        let desired = [to(1, 2, "owner"), to(1, 3, "owner")];
        let plan = client.reconcile([1], "companies", desired).plan().await.unwrap();
        // An answer that names no result is no outcome: each is asked for by itself.
        truth.world().set = Some(json!({"status": "COMPLETE", "results": null}));
        truth.world().archived = Some(archived.clone());
        let applied = plan.apply(&client).max_removals(9).await.unwrap();
        assert_eq!(
            (applied.added, applied.removed, applied.failed_removals.len()),
            (2, 0, 2),
            "{archived}: {applied:?}"
        );
        truth.world().archived = None;
        assert!(plan.apply(&client).max_removals(9).await.unwrap().is_complete());
        let companies: BTreeSet<_> = truth.world().associations.iter().map(|(_, company, _)| *company).collect();
        assert_eq!(companies, [2, 3].into());
    }
}
