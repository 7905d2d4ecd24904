//! How many requests bulk runs take, and that each input is settled by them.

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, Client, RateLimit, Result,
    bulk::{Bulk, Outcome, Strategy},
};
use hubspot_simulator::{InvalidAssociations, RateLimits, Simulator, SimulatorBuilder};
use proptest::{
    prelude::{ProptestConfig, prop, proptest},
    strategy::Strategy as Draw,
};
use tokio::time::Instant;

use crate::support::{client_of, crm, sized};

const INPUTS: usize = sized(100_000, 20_000);
const CLIENTS: usize = 1_000;

/// A simulator that allows 190 requests in ten seconds, and a client that does not know yet that it is so many.
async fn professional(builder: SimulatorBuilder) -> (Simulator, Client) {
    let simulator = builder.rate_limits(RateLimits::default().per_ten_seconds(190)).start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = builder.rate_limit(RateLimit::PROFESSIONAL).build().unwrap();
    (simulator, client)
}

/// Different associations; those that are bad are with a company that does not exist.
fn inputs(bad: BTreeSet<usize>) -> impl Iterator<Item = Result<Association>> + Send + 'static {
    (0..INPUTS).map(move |place| {
        let company = if bad.contains(&place) { 1_000_000 + place } else { place / CLIENTS + 1 };
        Association::new(place % CLIENTS + 1, "companies", company, "owner")
    })
}

/// One in a hundred, at random.
fn one_percent() -> BTreeSet<usize> {
    fastrand::seed(11);
    let mut bad = BTreeSet::new();
    while bad.len() < INPUTS / 100 {
        bad.insert(fastrand::usize(..INPUTS));
    }
    bad
}

async fn all(bulk: Bulk) -> Vec<Outcome> {
    bulk.outcomes().collect().await
}

#[tokio::test(start_paused = true)]
async fn two_thousand_associations_take_one_request() {
    let (simulator, client) = professional(crm(CLIENTS, INPUTS / CLIENTS)).await;
    let (began, real) = (Instant::now(), std::time::Instant::now());
    let outcomes = all(client.associate_many(inputs(BTreeSet::new()))).await;
    let requests = simulator.requests().len();
    println!("{requests} requests, {:?}, really {:?}", began.elapsed(), real.elapsed());
    assert!(requests <= INPUTS / 2_000 + 10, "{requests}");
    assert_eq!(simulator.association_count(), INPUTS);
    assert_eq!(outcomes.len(), INPUTS);
    assert!(outcomes.iter().zip(0..).all(|(outcome, index)| outcome.index == index && outcome.result.is_ok()));
}

/// Runs so many inputs of which one percent are bad, and returns how many requests it took.
async fn with_one_percent_bad(answer: InvalidAssociations, total: usize) -> usize {
    let bad: BTreeSet<_> = one_percent().into_iter().filter(|place| *place < total).collect();
    let builder = crm(CLIENTS, INPUTS / CLIENTS).invalid_associations(answer);
    let (simulator, client) = professional(builder).await;
    let (began, real) = (Instant::now(), std::time::Instant::now());
    let outcomes = all(client.associate_many(inputs(bad.clone()).take(total))).await;
    let requests = simulator.requests().len();
    println!("{answer:?}: {requests} requests, {:?}, really {:?}", began.elapsed(), real.elapsed());

    assert_eq!(simulator.association_count(), total - bad.len(), "every good one is made");
    assert_eq!(outcomes.len(), total);
    for (place, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.index, place as u64);
        let Err(error) = outcome.result else {
            assert!(!bad.contains(&place), "{place} is bad");
            continue;
        };
        assert!(bad.contains(&place), "{place} is good: {error}");
        let id = outcome.association.unwrap().to_object_id;
        if answer != InvalidAssociations::Refuse {
            assert!(error.message().contains(&format!("COMPANY={id} is not valid")), "{error}");
            assert_eq!(error.context()["INVALID_OBJECT_IDS"].len(), 1, "only its own");
        }
        assert!(error.correlation_id().is_some());
        let expected = if answer == InvalidAssociations::Partial {
            (None, "OBJECT_NOT_FOUND")
        } else {
            (Some(400), "VALIDATION_ERROR")
        };
        assert_eq!((error.status(), error.category()), (expected.0, Some(expected.1)), "{error}");
    }
    requests
}

#[tokio::test]
async fn bad_inputs_that_are_named_cost_one_more_request_for_a_batch() {
    let requests = with_one_percent_bad(InvalidAssociations::RefuseNaming, 20_000).await;
    assert!(requests <= 22, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn bad_inputs_that_are_not_named_are_found_by_halving() {
    let requests = with_one_percent_bad(InvalidAssociations::Refuse, 10_000).await;
    assert!(requests <= 2_000, "{requests}");
}

#[tokio::test]
async fn bad_inputs_beside_results_cost_no_more_requests() {
    let requests = with_one_percent_bad(InvalidAssociations::Partial, 20_000).await;
    assert!(requests <= 12, "{requests}");
}

/// What is wrong with an input.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Flaw {
    None,
    Company,
    PartnerClient,
    Type,
}

fn flawed(flaws: &[Flaw]) -> Vec<Result<Association>> {
    let association = |(place, flaw): (usize, &Flaw)| {
        let partner_client = if *flaw == Flaw::PartnerClient { 900 + place } else { place % 20 + 1 };
        let company = if *flaw == Flaw::Company { 900 + place % 3 } else { place / 20 + 1 };
        let association_type = if *flaw == Flaw::Type { "unheard_of" } else { "owner" };
        Association::new(partner_client, "companies", company, association_type)
    };
    flaws.iter().enumerate().map(association).collect()
}

fn flaws() -> impl Draw<Value = Vec<Flaw>> {
    let kinds = [vec![Flaw::Company], vec![Flaw::Type], vec![Flaw::Company, Flaw::PartnerClient, Flaw::Type]];
    (1_usize..150, 0.0..1.0_f64, prop::sample::select(kinds.to_vec())).prop_flat_map(|(number, share, kinds)| {
        let flaw = (0.0..1.0_f64, prop::sample::select(kinds))
            .prop_map(move |(draw, kind)| if draw < share { kind } else { Flaw::None });
        prop::collection::vec(flaw, number)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_batch_takes_more_requests_than_promised_and_every_input_is_settled_rightly(
        flaws in flaws(),
        answer in prop::sample::select(vec![
            InvalidAssociations::RefuseNaming, InvalidAssociations::Refuse, InvalidAssociations::Partial,
        ]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let simulator = crm(20, 10).invalid_associations(answer).start().await.unwrap();
            let outcomes = all(client_of(&simulator).associate_many(flawed(&flaws))).await;
            assert_eq!(outcomes.len(), flaws.len());
            for (outcome, flaw) in outcomes.iter().zip(&flaws) {
                assert_eq!(outcome.result.is_ok(), *flaw == Flaw::None, "{flaw:?}: {outcome:?}");
            }
            let good = flaws.iter().filter(|flaw| **flaw == Flaw::None).count();
            assert_eq!(simulator.association_count(), good);
            let bound = flaws.len() + (flaws.len() as f64).log2().ceil() as usize;
            assert!(simulator.requests().len() <= bound, "{} > {bound}", simulator.requests().len());
        });
    }
}

#[tokio::test]
async fn where_all_are_bad_and_none_is_named_they_go_one_by_one() {
    let simulator = crm(1, 0).invalid_associations(InvalidAssociations::Refuse).start().await.unwrap();
    let inputs: Vec<_> = (0..500).map(|id| Association::new(1, "companies", id, "owner")).collect();
    let outcomes = all(client_of(&simulator).associate_many(inputs)).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().operation() == Some("associate")));
    let requests = simulator.requests().len();
    println!("{requests} requests for 500 bad inputs");
    assert!(requests <= 509, "{requests}");
}

#[tokio::test]
async fn an_object_that_is_named_once_is_the_error_of_every_input_that_has_it() {
    // Partner client 30 and company 15 do not exist; company 30 and partner client 15 do.
    let simulator = crm(20, 5).object("companies", "30", [("name", "x")]).start().await.unwrap();
    let ends = [(1, 30), (1, 15), (30, 1), (2, 15), (30, 15), (15, 1)];
    let outcomes = all(client_of(&simulator).associate_many(ends.map(|(p, c)| (p, ("companies", c), "owner")))).await;
    let named: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.result.as_ref().err().map(|error| error.context()["INVALID_OBJECT_IDS"].join(", ")))
        .collect();
    let [company, partner_client] = ["COMPANY=15 is not valid", "PARTNER_CLIENT=30 is not valid"];
    let both = format!("{partner_client}, {company}");
    let expected = [None, Some(company), Some(partner_client), Some(company), Some(&*both), None];
    assert_eq!(named, expected.map(|entry| entry.map(str::to_owned)));
    assert_eq!(simulator.requests().len(), 2);
    assert_eq!(simulator.association_count(), 2);
}

#[tokio::test]
async fn the_same_association_twice_is_answered_twice() {
    for answer in [InvalidAssociations::RefuseNaming, InvalidAssociations::Refuse, InvalidAssociations::Partial] {
        let simulator = crm(1, 1).invalid_associations(answer).start().await.unwrap();
        let inputs = [1, 1, 9, 9, 1].map(|company| Association::new(1, "companies", company, "owner"));
        let outcomes = all(client_of(&simulator).associate_many(inputs)).await;
        let made: Vec<_> = outcomes.iter().map(|outcome| outcome.result.is_ok()).collect();
        assert_eq!(made, [true, true, false, false, true], "{answer:?}");
        assert_eq!(simulator.association_count(), 1);
    }
}

#[tokio::test]
async fn each_object_type_has_batches_of_its_own_and_association_types_share_one() {
    let simulator = crm(2, 2).object("deals", "1", [("name", "x")]).start().await.unwrap();
    let inputs = [
        Association::new(1, "companies", 1, "owner"),
        Association::new(1, "deals", 1, "owner"),
        Association::new(2, "companies", 2, 7),
        Association::new(2, "deals", 1, 8),
    ];
    let outcomes = all(client_of(&simulator).associate_many(inputs)).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(simulator.association_count(), 4);
    let paths: BTreeSet<_> = simulator.requests().iter().map(|request| request.path().to_owned()).collect();
    let expected = ["companies", "deals"].map(|to| format!("/crm/v3/associations/partner_clients/{to}/batch/create"));
    assert_eq!(paths, expected.into());
}

#[tokio::test]
async fn a_hundred_are_removed_by_a_request() {
    let simulator = crm(5, 50).start().await.unwrap();
    let client = client_of(&simulator);
    let inputs = |bad: Option<usize>| {
        let ends = (0..250).map(move |place| (place % 5 + 1, place / 5 + 1));
        let ends = ends.chain(bad.map(|partner_client| (partner_client, 1)));
        ends.map(|(partner_client, company)| Association::new(partner_client, "companies", company, 7))
    };
    assert!(all(client.associate_many(inputs(None))).await.iter().all(|outcome| outcome.result.is_ok()));
    simulator.clear_requests();
    let outcomes = all(client.dissociate_many(inputs(None))).await;
    assert!(outcomes.len() == 250 && outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!((simulator.association_count(), simulator.requests().len()), (0, 3));

    // HubSpot does not name the partner client that it does not find.
    simulator.clear_requests();
    all(client.associate_many(inputs(None))).await;
    let outcomes = all(client.dissociate_many(inputs(Some(77)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_err()).count(), 1);
    assert!(outcomes[250].result.as_ref().unwrap_err().is_not_found());
    assert_eq!(simulator.association_count(), 0);
}

#[tokio::test]
async fn the_strategy_chooses_the_requests() {
    let simulator = crm(3, 1).start().await.unwrap();
    for (strategy, number, requests) in [
        (Strategy::Batch, 1, vec!["POST"]),
        (Strategy::Batch, 3, vec!["POST"]),
        (Strategy::Single, 3, vec!["PUT"; 3]),
        (Strategy::Automatic, 1, vec!["PUT"]),
        (Strategy::Automatic, 3, vec!["POST"]),
    ] {
        simulator.clear_requests();
        let inputs = (1..=number).map(|id| Association::new(id, "companies", 1, "owner"));
        let outcomes = all(client_of(&simulator).associate_many(inputs).strategy(strategy)).await;
        assert!(outcomes.len() == number && outcomes.iter().all(|outcome| outcome.result.is_ok()));
        let methods: Vec<_> = simulator.requests().iter().map(|request| request.method().to_owned()).collect();
        assert_eq!(methods, requests, "{strategy:?}");
    }
}

#[tokio::test]
async fn a_batch_of_one_bad_input_is_not_sent_again() {
    for answer in [InvalidAssociations::RefuseNaming, InvalidAssociations::Refuse, InvalidAssociations::Partial] {
        let simulator = crm(1, 1).invalid_associations(answer).start().await.unwrap();
        let outcomes = all(client_of(&simulator).associate_many([(1, ("companies", 9), "owner")])).await;
        assert_eq!(outcomes[0].result.as_ref().unwrap_err().operation(), Some("batch_associate"));
        assert_eq!((outcomes.len(), simulator.requests().len()), (1, 1), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn single_requests_keep_to_the_limit() {
    let (simulator, client) = professional(crm(400, 1)).await;
    let began = Instant::now();
    let inputs = (1..=400).map(|id| Association::new(id, "companies", 1, "owner"));
    let outcomes = all(client.associate_many(inputs).strategy(Strategy::Single)).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(simulator.requests().iter().all(|request| request.status() == Some(200)));
    assert!(began.elapsed() >= Duration::from_secs(20));
}
