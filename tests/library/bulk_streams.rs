//! What bulk runs take of their inputs and when, and how they give outcomes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::poll_immediate, stream};
use hubspot_partner_clients::{
    Association, Client, RateLimit, Result,
    bulk::{Outcome, Progress, Strategy},
};
use hubspot_simulator::{Fault, InvalidAssociations, RateLimits};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{client_of, crm};

fn good(place: usize) -> Result<Association> {
    Association::new(place % 100 + 1, "companies", place / 100 % 100 + 1, "owner")
}

/// Endless inputs, and how many of them were taken.
fn endless() -> (impl Iterator<Item = Result<Association>> + Send + 'static, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let inputs = (0..).map(move |place| {
        count.fetch_add(1, Ordering::Relaxed);
        good(place)
    });
    (inputs, taken)
}

fn indexes(outcomes: &[Outcome]) -> Vec<u64> {
    outcomes.iter().map(|outcome| outcome.index).collect()
}

#[tokio::test]
async fn no_input_gives_no_outcome_and_no_request() {
    let simulator = crm(1, 1).start().await.unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let bulk = client_of(&simulator).associate_many(Vec::<Result<Association>>::new());
    let outcomes = bulk.on_progress(move |_| _ = count.fetch_add(1, Ordering::Relaxed)).outcomes();
    assert_eq!(outcomes.count().await, 0);
    assert!(simulator.requests().is_empty() && told.load(Ordering::Relaxed) == 0);
}

#[tokio::test]
async fn nothing_is_taken_or_sent_until_the_first_outcome_is_asked_for() {
    let simulator = crm(100, 100).start().await.unwrap();
    let (inputs, taken) = endless();
    let outcomes = client_of(&simulator).associate_many(inputs).outcomes();
    tokio::task::yield_now().await;
    assert_eq!((taken.load(Ordering::Relaxed), simulator.requests().len()), (0, 0));
    drop(outcomes);
}

#[tokio::test]
async fn an_invalid_id_is_the_outcome_of_its_input_and_not_sent() {
    let simulator = crm(3, 1).start().await.unwrap();
    let inputs = vec![
        Association::new("", "companies", 1, "owner"),
        Association::new(1, "companies", 1, "owner"),
        Association::new(2, "9001", 1, "owner"),
        Association::new(2, "companies", "..", "owner"),
        Association::new(3, "companies", 1, "a\nb"),
        Association::new(3, "companies", 1, "owner"),
    ];
    let outcomes: Vec<_> = client_of(&simulator).associate_many(inputs).outcomes().collect().await;
    assert_eq!(indexes(&outcomes), [0, 1, 2, 3, 4, 5]);
    let reasons: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err()).collect();
    assert_eq!(reasons.len(), 4);
    for (error, field) in reasons.iter().zip(["partner client id", "object type", "object id", "association type"]) {
        assert!(error.is_invalid_input() && error.message().starts_with(field), "{error}");
    }
    let sent = outcomes.iter().map(|outcome| outcome.association.is_some());
    assert_eq!(sent.collect::<Vec<_>>(), [false, true, false, false, false, true]);
    assert_eq!((simulator.association_count(), simulator.requests().len()), (2, 1));
}

#[tokio::test]
async fn an_endless_input_is_taken_only_as_far_as_promised() {
    let simulator = crm(100, 100).start().await.unwrap();
    for (concurrency, bound) in [(None, 16_000), (Some(1), 4_000)] {
        let (inputs, taken) = endless();
        let bulk = client_of(&simulator).associate_many(inputs);
        let mut outcomes = concurrency.into_iter().fold(bulk, |bulk, n| bulk.concurrency(n)).outcomes();
        for index in 0..5_000 {
            let outcome = outcomes.next().await.unwrap();
            assert!(outcome.index == index && outcome.result.is_ok());
            let ahead = taken.load(Ordering::Relaxed) as u64 - index;
            assert!(ahead <= bound, "{ahead}");
        }
    }
    // Without full batches there would be more of them.
    assert!(simulator.requests().len() <= 22, "{}", simulator.requests().len());
}

#[tokio::test]
async fn nothing_more_is_taken_while_nobody_asks_for_outcomes() {
    let simulator = crm(100, 100).start().await.unwrap();
    let (inputs, taken) = endless();
    let mut outcomes = client_of(&simulator).associate_many(inputs).concurrency(1).outcomes();
    outcomes.next().await.unwrap();
    let (taken_then, requests) = (taken.load(Ordering::Relaxed), simulator.requests().len());
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(taken.load(Ordering::Relaxed), taken_then);
    assert_eq!(simulator.requests().len(), requests, "a batch is not begun by itself");
}

#[tokio::test(start_paused = true)]
async fn a_rare_object_type_at_the_front_holds_an_endless_input_up_no_longer_than_the_bound() {
    let simulator = crm(100, 100).object("deals", "1", [("name", "x")]).start().await.unwrap();
    let inputs = stream::iter([Association::new(1, "deals", 1, "owner")]).chain(stream::iter(endless().0));
    let outcomes = client_of(&simulator).associate_many_from(inputs).outcomes().take(5_000).collect();
    let outcomes: Vec<_> = timeout(Duration::from_secs(600), outcomes).await.expect("nothing waits for ever");
    assert_eq!(indexes(&outcomes), (0..5_000).collect::<Vec<_>>());
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_stream_gets_its_answers_a_second_later() {
    let simulator = crm(100, 100).object("deals", "1", [("name", "x")]).start().await.unwrap();
    let deal = stream::iter([Association::new(1, "deals", 1, "owner"), good(0)]);
    // It never ends, and has nothing more.
    let inputs = deal.chain(stream::pending());
    let mut outcomes = client_of(&simulator).associate_many_from(inputs).outcomes();
    let began = Instant::now();
    for index in 0..2 {
        let outcome =
            timeout(Duration::from_secs(600), outcomes.next()).await.expect("nothing waits for ever").unwrap();
        assert!(outcome.index == index && outcome.result.is_ok());
    }
    assert!((1..2).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_trickles_is_answered_every_second() {
    let simulator = crm(100, 100).start().await.unwrap();
    let inputs = Box::pin(stream::iter(0..100).then(async |place| {
        sleep(Duration::from_millis(100)).await;
        good(place)
    }));
    let began = Instant::now();
    let mut outcomes = client_of(&simulator).associate_many_from(inputs).outcomes();
    let mut latest = Duration::ZERO;
    while let Some(outcome) = outcomes.next().await {
        let arrived = Duration::from_millis((outcome.index + 1) * 100);
        latest = latest.max(began.elapsed().saturating_sub(arrived));
    }
    assert!(latest <= Duration::from_millis(1_200), "{latest:?}");
    assert!(simulator.requests().len() <= 11, "{}", simulator.requests().len());
}

#[tokio::test(start_paused = true)]
async fn outcomes_come_in_order_or_as_they_are_known() {
    let simulator = crm(100, 100).object("deals", "1", [("name", "x")]).start().await.unwrap();
    let inputs = || [Association::new(1, "deals", 1, "owner"), good(0), good(1)];
    for (in_order, expected) in [(true, [0, 1, 2]), (false, [1, 2, 0])] {
        // The first request is that of the deal.
        simulator.inject(Fault::delay(Duration::from_secs(5)).times(1));
        let bulk = client_of(&simulator).associate_many(inputs());
        let bulk = if in_order { bulk } else { bulk.as_they_come() };
        let outcomes: Vec<_> = bulk.outcomes().collect().await;
        assert_eq!(indexes(&outcomes), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_requests_are_under_way_at_once() {
    let simulator = crm(100, 100).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(1)));
    for (concurrency, seconds) in [(1, 8), (4, 2), (100, 1)] {
        let inputs: Vec<_> = (0..8).map(good).collect();
        let bulk = client_of(&simulator).associate_many(inputs).strategy(Strategy::Single);
        let began = Instant::now();
        assert_eq!(bulk.concurrency(concurrency).outcomes().count().await, 8);
        assert_eq!(began.elapsed().as_secs(), seconds, "{concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_outcomes_stops_the_requests() {
    let simulator = crm(100, 100).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(1)));
    let bulk = client_of(&simulator).associate_many(endless().0).strategy(Strategy::Single).concurrency(2);
    let mut outcomes = bulk.outcomes();
    outcomes.next().await.unwrap();
    // Two requests are answered, and two more may be under way.
    assert!(poll_immediate(outcomes.next()).await.flatten().is_some());
    assert!(poll_immediate(outcomes.next()).await.is_none());
    drop(outcomes);
    sleep(Duration::from_secs(60)).await;
    assert!(simulator.requests().len() <= 4, "{}", simulator.requests().len());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_outcomes_stops_the_halving_of_a_batch() {
    let simulator = crm(1, 0).invalid_associations(InvalidAssociations::Refuse).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(1)));
    let inputs = (0..100).map(|id| Association::new(1, "companies", id, "owner"));
    let mut outcomes = client_of(&simulator).associate_many(inputs).outcomes();
    let half_way = timeout(Duration::from_millis(2_500), outcomes.next()).await;
    assert!(half_way.is_err());
    drop(outcomes);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(simulator.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_client_can_be_used_between_outcomes_while_requests_wait_for_the_limit() {
    let simulator = crm(100, 100).rate_limits(RateLimits::default().per_ten_seconds(2)).start().await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(2))
        .build()
        .unwrap();
    let inputs: Vec<_> = (0..6).map(good).collect();
    let mut outcomes = client.associate_many(inputs).strategy(Strategy::Single).outcomes();
    let run = async {
        while let Some(outcome) = outcomes.next().await {
            outcome.result.unwrap();
            client.association_types("companies").await.unwrap();
        }
    };
    timeout(Duration::from_secs(600), run).await.expect("it does not wait for itself");
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_after_each_batch_and_adds_up() {
    let limits = RateLimits::default().per_ten_seconds(2);
    let simulator = crm(100, 100).rate_limits(limits).start().await.unwrap();
    simulator.inject(Fault::status(503).times(1));
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(2))
        .build()
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let keep = Arc::clone(&told);
    // The last one is invalid, and the one before it bad.
    let inputs: Vec<_> = (0..8_998)
        .map(good)
        .chain([Association::new(1, "companies", 999, "owner"), Association::new(1, "companies", "", "owner")])
        .collect();
    let bulk = client.associate_many(inputs).on_progress(move |progress| keep.lock().unwrap().push(progress.clone()));
    let failed = bulk.concurrency(1).outcomes().filter(|outcome| std::future::ready(outcome.result.is_err())).count();
    assert_eq!(failed.await, 2);

    let told = told.lock().unwrap();
    let sums: Vec<_> = told.iter().map(|p| (p.inputs_seen, p.succeeded, p.failed, p.requests, p.retries)).collect();
    assert_eq!(sums[0], (4_000, 2_000, 0, 2, 1), "the first batch took two attempts");
    assert_eq!(*sums.last().unwrap(), (9_000, 8_998, 2, 7, 1));
    assert_eq!(sums.last().unwrap().3 as usize, simulator.requests().len());
    assert!(told.iter().all(|progress| progress.total == Some(9_000)));
    // Two requests for 2,000 inputs, 7,000 to go, two requests in ten seconds.
    assert_eq!(told[0].time_left, Some(Duration::from_secs(35)));
    let last = told.last().unwrap();
    assert_eq!((last.time_left, last.in_flight), (Some(Duration::ZERO), 0));
    assert!(last.waiting_for_limit >= Duration::from_secs(20), "{:?}", last.waiting_for_limit);
}

#[tokio::test]
async fn without_a_known_total_or_limit_no_time_is_told() {
    let simulator = crm(100, 100).invalid_associations(InvalidAssociations::Refuse).start().await.unwrap();
    let told = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let client = client_of(&simulator);
    let keep = Arc::clone(&told);
    let inputs = (0..3).map(good).filter(|_| true);
    let bulk = client.associate_many(inputs).on_progress(move |progress| keep.lock().unwrap().push(progress.clone()));
    bulk.outcomes().count().await;
    let told = told.lock().unwrap();
    assert_eq!(told.iter().map(|progress| (progress.total, progress.time_left)).collect::<Vec<_>>(), [(None, None)]);
}
