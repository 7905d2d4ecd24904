//! What a bulk run with a journal does when it is interrupted, and begun again.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, Result,
    bulk::{Bulk, Journal, Outcome, Progress},
};
use hubspot_simulator::{Fault, InvalidAssociations, Simulator};
use tempfile::TempDir;

use crate::support::{client_of, crm};

const INPUTS: usize = 9_000;

/// Every hundredth is of a company that there is none of.
fn inputs() -> impl Iterator<Item = Result<Association>> {
    (0..INPUTS).map(|place| {
        let company = if place % 100 == 50 { 1_000_000 + place } else { place / 100 + 1 };
        Association::new(place % 100 + 1, "companies", company, "owner")
    })
}

fn run(simulator: &Simulator, journal: &Path) -> Bulk {
    client_of(simulator).associate_many(inputs()).concurrency(1).journal(Journal::open(journal, "test").unwrap())
}

/// One outcome for each input, in order, each right.
fn check(simulator: &Simulator, outcomes: &[Outcome]) {
    assert!(outcomes.iter().map(|outcome| outcome.index).eq(0..INPUTS as u64));
    for outcome in outcomes {
        let company = &outcome.association.as_ref().unwrap().to_object_id;
        match &outcome.result {
            Ok(()) => assert!(company.as_str().len() < 7, "{outcome:?}"),
            Err(error) => {
                assert_eq!((error.status(), error.category()), (Some(400), Some("VALIDATION_ERROR")));
                let entry = format!("COMPANY={company} is not valid");
                assert_eq!(error.context()["INVALID_OBJECT_IDS"], [entry], "{error}");
                assert!(error.correlation_id().is_some());
            }
        }
    }
    assert_eq!(simulator.association_count(), INPUTS - INPUTS / 100);
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_dropped() {
    let simulator = crm(100, 100).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let journal = directory.path().join("run.journal");

    let mut outcomes = run(&simulator, &journal).outcomes();
    let first: Vec<_> = outcomes.by_ref().take(2_500).collect().await;
    drop(outcomes);
    let sent = simulator.requests().len();
    assert!(sent < 10, "not all of it: {sent}");

    let second: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
    check(&simulator, &second);
    for (before, after) in first.iter().zip(&second) {
        assert_eq!(
            before.result.as_ref().map_err(ToString::to_string),
            after.result.as_ref().map_err(ToString::to_string)
        );
    }

    let before = simulator.requests().len();
    let third: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
    check(&simulator, &third);
    assert_eq!(simulator.requests().len(), before, "everything is settled");
}

#[tokio::test]
async fn what_may_succeed_another_time_is_tried_another_time() {
    let simulator = crm(100, 100).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let journal = directory.path().join("run.journal");
    simulator.inject(Fault::status(503).on("batch_associate").times(2));

    let first: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
    assert_eq!(first.iter().filter(|outcome| outcome.result.is_err()).count(), 4_000 + 50);
    let second: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
    check(&simulator, &second);
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_sent_again() {
    let simulator = crm(1, 1).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    simulator.inject(Fault::status(409).times(1));
    for is_made in [false, true] {
        let journal = Journal::open(directory.path().join("run.journal"), "test").unwrap();
        let run = client_of(&simulator).associate_many([("1", ("companies", "1"), "owner")]).journal(journal);
        let outcomes: Vec<_> = run.outcomes().collect().await;
        assert_eq!((outcomes[0].result.is_ok(), outcomes[0].replayed), (is_made, false), "{outcomes:?}");
    }
}

#[tokio::test]
async fn what_a_gateway_refused_is_sent_again() {
    let simulator = crm(100, 100).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let journal = directory.path().join("run.journal");
    for fault in [Fault::html(400), Fault::html(404), Fault::empty(409), Fault::empty(410), Fault::html(422)] {
        simulator.inject(fault.on("batch_associate").times(1));
    }
    for _ in 0..5 {
        let outcomes: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
        assert!(outcomes.iter().any(|outcome| outcome.result.is_err()));
    }
    let last: Vec<_> = run(&simulator, &journal).outcomes().collect().await;
    check(&simulator, &last);
}

#[tokio::test]
async fn inputs_are_compared_where_the_journal_has_recorded_one_and_nowhere_else() {
    let simulator = crm(10, 10).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let run = async |ids: Vec<u64>| -> Vec<bool> {
        let journal = Journal::open(directory.path().join("run.journal"), "test").unwrap();
        let inputs = ids.into_iter().map(|id| Association::new(id, "companies", id, "owner"));
        let run = client_of(&simulator).associate_many(inputs).journal(journal).outcomes();
        run.map(|outcome| outcome.result.is_ok()).collect().await
    };
    assert_eq!(run(vec![1]).await, [true]);
    assert_eq!(run(vec![1, 3, 4]).await, [true; 3], "others come after what is recorded");
    assert_eq!(run(vec![1]).await, [true], "and so may fewer");
    let sent = simulator.requests().len();
    assert_eq!(run(vec![2, 3, 4]).await, [false; 3]);
    assert_eq!(simulator.requests().len(), sent);
}

#[tokio::test]
async fn a_journal_of_another_input_or_operation_is_refused_and_nothing_is_sent() {
    let simulator = crm(100, 100).invalid_associations(InvalidAssociations::Partial).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("run.journal");
    let journal = || Journal::open(&path, "test").unwrap();
    let three = |company| (1..=3).map(move |id| Association::new(id, "companies", company, "owner"));
    let client = client_of(&simulator);
    assert!(client.associate_many(three(1)).journal(journal()).outcomes().all(async |o| o.result.is_ok()).await);

    let before = simulator.requests().len();
    for bulk in [client.associate_many(three(2)), client.dissociate_many(three(1))] {
        let outcomes: Vec<_> = bulk.journal(journal()).outcomes().collect().await;
        assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            assert!(outcome.result.unwrap_err().is_journal());
        }
    }
    assert_eq!(simulator.requests().len(), before);
    assert_eq!(simulator.association_count(), 3);
}

#[tokio::test]
async fn a_journal_of_another_server_or_account_is_refused_and_nothing_is_sent() {
    let (one, other) = (crm(9, 9).start().await.unwrap(), crm(9, 9).start().await.unwrap());
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("run.journal");
    let run = async |simulator: &Simulator, account: Option<&str>| -> Vec<Outcome> {
        let journal = Journal::open(&path, "test").unwrap();
        let journal = account.into_iter().fold(journal, Journal::account);
        let inputs = (1..=3).map(|id| Association::new(id, "companies", 1, "owner"));
        client_of(simulator).associate_many(inputs).journal(journal).outcomes().collect().await
    };
    assert!(run(&one, Some("1")).await.iter().all(|outcome| outcome.result.is_ok() && !outcome.replayed));
    let before = one.requests().len();
    for (simulator, account, named) in [
        (&other, Some("1"), [one.base_url(), other.base_url()]),
        (&one, Some("2"), ["account \"1\"", "\"2\""]),
        (&one, None, ["account \"1\"", "names no account"]),
    ] {
        for outcome in run(simulator, account).await {
            let error = outcome.result.unwrap_err();
            assert!(error.is_journal() && !outcome.replayed, "{error}");
            assert!(named.iter().all(|named| error.message().contains(named)), "{error}");
            assert!(error.message().contains("another path"), "{error}");
        }
    }
    assert!(run(&one, Some("1")).await.iter().all(|outcome| outcome.result.is_ok() && outcome.replayed));
    assert_eq!((one.requests().len(), other.requests().len()), (before, 0));
}

#[tokio::test]
async fn what_comes_from_the_journal_is_told_apart() {
    let simulator = crm(100, 100).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let journal = directory.path().join("run.journal");
    let first: Vec<_> = run(&simulator, &journal).outcomes().take(2_000).collect().await;
    assert!(first.iter().all(|outcome| !outcome.replayed));
    let told = Arc::new(Mutex::new(Progress::default()));
    let last = Arc::clone(&told);
    let bulk = run(&simulator, &journal).on_progress(move |progress| *last.lock().unwrap() = progress.clone());
    let second: Vec<_> = bulk.outcomes().collect().await;
    let replayed = second.iter().filter(|outcome| outcome.replayed).count() as u64;
    let progress = told.lock().unwrap().clone();
    assert!((2_000..INPUTS as u64).contains(&replayed), "{replayed}");
    assert_eq!((progress.replayed, progress.succeeded + progress.failed), (replayed, INPUTS as u64));
}

#[tokio::test]
async fn inputs_that_cannot_be_sent_have_their_error_each_time() {
    let simulator = crm(1, 1).start().await.unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("run.journal");
    for _ in 0..2 {
        let inputs = [("1", ("companies", "1"), "owner"), ("1", ("companies", ".."), "owner")];
        let bulk = client_of(&simulator).associate_many(inputs).journal(Journal::open(&path, "test").unwrap());
        let outcomes: Vec<_> = bulk.outcomes().collect().await;
        assert!(outcomes[0].result.is_ok());
        assert!(outcomes[1].result.as_ref().unwrap_err().is_invalid_input());
    }
    assert_eq!(simulator.requests().len(), 1);
}
