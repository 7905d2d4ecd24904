//! Promises that hold whichever way HubSpot answers where that is uncertain: each runs on both sides of each of the
//! simulator's switches, on every version.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{
    Association, Client, RateLimit, RetryPolicy,
    bulk::{Bulk, Outcome, Strategy},
};
use hubspot_simulator::{
    AssociationCategory, InvalidAssociations, RateLimits, Simulator, SimulatorBuilder, UnlabeledCompanions,
};

use crate::support::{client_speaking, crm};

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];

/// A switch by its name, and how it is thrown.
type Switch = (&'static str, fn(SimulatorBuilder) -> SimulatorBuilder);

/// The switches, each on its other side, and several of them together.
const SWITCHES: [Switch; 15] = [
    ("as it is", |builder| builder),
    ("ids as text", SimulatorBuilder::text_ids),
    ("duplicates refused", SimulatorBuilder::refuse_duplicate_associations),
    ("invalid refused without names", |builder| builder.invalid_associations(InvalidAssociations::Refuse)),
    ("invalid told beside the others", |builder| builder.invalid_associations(InvalidAssociations::Partial)),
    ("companions always", |builder| builder.unlabeled_companions(UnlabeledCompanions::Always)),
    ("companions never", |builder| builder.unlabeled_companions(UnlabeledCompanions::Never)),
    ("inverse associations among the results", SimulatorBuilder::inverse_results),
    ("no property by default", |builder| builder.default_properties("partner_clients", [""; 0])),
    ("short pages of searches", SimulatorBuilder::short_search_pages),
    ("cursors of searches as numbers", SimulatorBuilder::numeric_search_cursors),
    ("opposite order", SimulatorBuilder::reversed_results),
    ("missing as HTML", SimulatorBuilder::html_not_found),
    (
        "opposite order, duplicates refused, invalid without names, ids as text, short pages, cursors as numbers",
        |builder| {
            let builder = builder
                .short_search_pages()
                .numeric_search_cursors()
                .reversed_results()
                .refuse_duplicate_associations()
                .text_ids();
            builder.invalid_associations(InvalidAssociations::Refuse)
        },
    ),
    (
        "opposite order, inverse among the results, invalid beside the others, companions always, missing as HTML",
        |builder| {
            let builder = builder.reversed_results().inverse_results().html_not_found();
            let builder = builder.unlabeled_companions(UnlabeledCompanions::Always);
            builder.invalid_associations(InvalidAssociations::Partial)
        },
    ),
];

/// To companies the unlabelled type 7, by a name such as HubSpot gives it, with the labels 36 and 37.
fn labels() -> SimulatorBuilder {
    crm(4, 4)
        .association_type("companies", 7, "partner_client_to_company_unlabeled")
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer")
}

/// A simulator and a client for each side of each switch, in each version.
async fn sides(builder: fn() -> SimulatorBuilder) -> Vec<(String, Simulator, Client)> {
    let mut sides = Vec::new();
    for version in VERSIONS {
        for (name, throw) in SWITCHES {
            let simulator = throw(builder()).start().await.unwrap();
            let client = client_speaking(&simulator, version);
            sides.push((format!("{version}, {name}"), simulator, client));
        }
    }
    sides
}

/// Partner client, company, type.
type Triple = (u64, u64, u64);

fn to((client, company, kind): Triple) -> Association {
    Association::new(client, "companies", company, kind.to_string()).unwrap()
}

async fn all(bulk: Bulk) -> Vec<Outcome> {
    bulk.outcomes().collect().await
}

fn labelled(simulator: &Simulator) -> BTreeSet<Triple> {
    let of = |client: u64| {
        let made = simulator.associations(&client.to_string()).into_iter().filter(|made| made.label.is_some());
        made.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=4).flat_map(of).collect()
}

#[tokio::test]
async fn a_bulk_run_makes_what_can_be_made_and_tells_the_rest_on_both_sides_of_each_switch() {
    for strategy in [Strategy::Automatic, Strategy::Batch] {
        for (case, simulator, client) in sides(labels).await {
            // The second and the fourth name a pair twice, and the fifth a company that does not exist.
            let asked = [(1, 1, 36), (2, 1, 36), (1, 2, 37), (2, 1, 36), (3, 99, 36), (1, 1, 37)];
            let outcomes = all(client.associate_many(asked.map(to)).strategy(strategy)).await;
            for (place, outcome) in outcomes.iter().enumerate() {
                assert_eq!(outcome.result.is_ok(), place != 4, "{case}, {strategy:?}: {outcome:?}");
            }
            let made = [(1, 1, 36), (1, 1, 37), (1, 2, 37), (2, 1, 36)].into();
            assert_eq!(labelled(&simulator), made, "{case}, {strategy:?}");

            let outcomes = all(client.dissociate_many([(1, 1, 36), (2, 1, 36)].map(to))).await;
            assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{case}: {outcomes:?}");
            assert_eq!(labelled(&simulator), [(1, 1, 37), (1, 2, 37)].into(), "{case}, {strategy:?}");
        }
    }
}

#[tokio::test]
async fn one_association_is_made_listed_found_and_removed_on_both_sides_of_each_switch() {
    for (case, simulator, client) in sides(labels).await {
        for kind in [36, 37] {
            client.associate(1).with("companies", 2).as_type(kind).await.unwrap();
        }
        client.associate(1).with("companies", 3).as_type(36).await.unwrap();
        let listed: Vec<_> = client.associations(1, "companies").page_size(1).items().try_collect().await.unwrap();
        let companies: BTreeSet<_> = listed.iter().map(|one| one.id.to_string()).collect();
        assert_eq!(companies, ["2", "3"].map(str::to_owned).into(), "{case}");
        for (company, expected) in [(2, true), (3, true), (4, false)] {
            let found = client.is_associated(1, "companies", company, 36).await.unwrap();
            assert_eq!(found, expected, "{case}: {company}");
        }
        client.dissociate(1).with("companies", 2).as_type(36).await.unwrap();
        assert_eq!(labelled(&simulator), [(1, 2, 37), (1, 3, 36)].into(), "{case}");
    }
}

#[tokio::test]
async fn a_plan_leads_to_what_is_desired_on_both_sides_of_each_switch() {
    fn some() -> SimulatorBuilder {
        labels().association("1", "companies", "1", "36").association("1", "companies", "2", "37").association(
            "2",
            "companies",
            "3",
            "36",
        )
    }
    for (case, simulator, client) in sides(some).await {
        let desired = [(1, 1, 36), (1, 4, 36), (2, 3, 37), (3, 1, 36)];
        let plan = || client.reconcile([1, 2, 3], "companies", desired.map(to)).plan();
        let applied = plan().await.unwrap().apply(&client).await.unwrap();
        assert!(applied.is_complete(), "{case}: {applied:?}");
        assert_eq!(labelled(&simulator), desired.into(), "{case}");
        let again = plan().await.unwrap();
        assert!(again.is_empty(), "{case}: {again:?}");
    }
}

#[tokio::test]
async fn partner_clients_are_read_and_updated_on_both_sides_of_each_switch() {
    for (case, _simulator, client) in sides(|| crm(4, 0)).await {
        let missing = client.get(99).await.unwrap_err();
        assert!(missing.is_not_found(), "{case}: {missing:?}");
        let read = client.batch_read([3, 99, 1]).send().await;
        let ids: Vec<_> = read.iter().map(|one| one.as_ref().map_or("none", |one| one.id.as_str())).collect();
        assert_eq!(ids, ["3", "none", "1"], "{case}");
        let listed: Vec<_> = client.list().page_size(3).items().try_collect().await.unwrap();
        let ids: BTreeSet<_> = listed.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((ids, listed.len()), (["1", "2", "3", "4"].into(), 4), "{case}");
    }
}

#[tokio::test]
async fn a_search_finds_each_partner_client_once_on_both_sides_of_each_switch() {
    for (case, _simulator, client) in sides(|| crm(7, 0)).await {
        let all: Vec<_> = (1..=7).map(|id| id.to_string()).collect();
        for size in [1, 3, 7] {
            let search = || client.search().page_size(size);
            let walked: Vec<_> = search().items().try_collect().await.unwrap();
            let sorted: Vec<_> =
                search().sort_ascending("hs_object_id").limit(100).items().try_collect().await.unwrap();
            let changed = client.changed_since(chrono::DateTime::UNIX_EPOCH);
            let changed: Vec<_> = changed.items().try_collect().await.unwrap();
            for (way, found) in [("walked", walked), ("sorted", sorted), ("changed", changed)] {
                let mut ids: Vec<_> = found.iter().map(|one| one.id.to_string()).collect();
                ids.sort();
                assert_eq!(ids, all, "{case}: {way} by {size}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_that_ends_late_loses_no_call() {
    for edge in [0, 50, 900] {
        let builder = crm(4, 0).rate_limits(RateLimits::default().per_ten_seconds(10));
        let simulator = builder.window_edge(Duration::from_millis(edge)).start().await.unwrap();
        let client = Client::builder()
            .base_url(simulator.base_url())
            .access_token(simulator.access_token())
            .rate_limit(RateLimit::per_ten_seconds(10))
            .retry(RetryPolicy::default())
            .build()
            .unwrap();
        for _ in 0..45 {
            client.get(1).await.unwrap();
        }
        let refused = simulator.requests().iter().filter(|request| request.status() == Some(429)).count();
        assert!(if edge == 0 { refused == 0 } else { refused <= 8 }, "{edge} ms: {refused} refused");
    }
}
