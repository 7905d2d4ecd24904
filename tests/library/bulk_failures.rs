//! Failures of bulk runs that are not about single inputs.

use std::time::Duration;

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, Client, RateLimit, Result, RetryPolicy,
    bulk::{Bulk, Journal, Outcome},
};
use hubspot_simulator::{Fault, READ_SCOPE, RateLimits, Simulator};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{RawServer, client_at, client_of, crm};

fn inputs(number: usize) -> Vec<Result<Association>> {
    (0..number).map(|place| Association::new(place % 100 + 1, "companies", place / 100 + 1, "owner")).collect()
}

async fn all(bulk: Bulk) -> Vec<Outcome> {
    bulk.outcomes().collect().await
}

fn retrying(simulator: &Simulator) -> Client {
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    builder.rate_limit(RateLimit::per_ten_seconds(190)).build().unwrap()
}

#[tokio::test]
async fn a_missing_scope_is_the_outcome_of_every_input_and_nothing_is_halved() {
    let simulator = crm(100, 40).token("reader", [READ_SCOPE]).start().await.unwrap();
    let outcomes = all(client_at(simulator.base_url(), "reader").associate_many(inputs(4_000))).await;
    assert_eq!(outcomes.len(), 4_000);
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().is_missing_scope()));
    assert_eq!((simulator.requests().len(), simulator.association_count()), (2, 0));
}

#[tokio::test]
async fn an_unknown_token_is_the_outcome_of_every_input() {
    let simulator = crm(100, 40).start().await.unwrap();
    let outcomes = all(client_at(simulator.base_url(), "unknown").dissociate_many(inputs(250))).await;
    assert!(outcomes.len() == 250 && outcomes.iter().all(|o| o.result.as_ref().unwrap_err().is_unauthorized()));
    assert_eq!(simulator.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_batch_leaves_the_others_alone() {
    let simulator = crm(100, 60).start().await.unwrap();
    simulator.inject(Fault::script([None, Some(Fault::status(500)), None]));
    let outcomes = all(client_of(&simulator).associate_many(inputs(6_000)).concurrency(1)).await;
    for (place, outcome) in outcomes.iter().enumerate() {
        let status = outcome.result.as_ref().err().and_then(|error| error.status());
        assert_eq!(status, (2_000..4_000).contains(&place).then_some(500), "{place}");
    }
    assert_eq!((simulator.requests().len(), simulator.association_count()), (3, 4_000));
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_every_call_hold_for_each_request() {
    let simulator = crm(100, 60).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(10)));
    let bulk = retrying(&simulator).associate_many(inputs(2_500)).header("X-Run", "7");
    let policy = RetryPolicy::default().max_attempts(2);
    let outcomes = all(bulk.timeout(Duration::from_secs(1)).retry(policy)).await;
    assert!(outcomes.len() == 2_500 && outcomes.iter().all(|o| o.result.as_ref().unwrap_err().is_timeout()));
    let requests = simulator.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.header("x-run") == Some("7")));
}

#[tokio::test]
async fn no_connection_is_the_outcome_of_every_input() {
    let outcomes = all(client_at("http://127.0.0.1:1", "token").associate_many(inputs(10))).await;
    assert!(outcomes.len() == 10 && outcomes.iter().all(|o| o.result.as_ref().unwrap_err().is_connect()));
}

#[tokio::test(start_paused = true)]
async fn what_every_call_tries_again_is_tried_again() {
    for fault in [Fault::status(429), Fault::status(503), Fault::reset().after_operation()] {
        let simulator = crm(100, 60).start().await.unwrap();
        simulator.inject(fault.times(1));
        let outcomes = all(retrying(&simulator).associate_many(inputs(6_000))).await;
        assert!(outcomes.len() == 6_000 && outcomes.iter().all(|outcome| outcome.result.is_ok()));
        assert_eq!((simulator.requests().len(), simulator.association_count()), (4, 6_000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_daily_limit_is_the_outcome_of_what_is_left() {
    let limits = RateLimits::default().per_day(2);
    let simulator = crm(100, 60).rate_limits(limits).start().await.unwrap();
    let outcomes = all(retrying(&simulator).associate_many(inputs(6_000)).concurrency(1)).await;
    let made = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    assert_eq!((made, simulator.association_count(), simulator.requests().len()), (4_000, 4_000, 3));
    assert!(outcomes[4_000].result.as_ref().unwrap_err().is_rate_limited());
}

#[tokio::test]
async fn a_failure_among_the_halves_is_the_outcome_of_its_own_inputs() {
    let simulator = crm(100, 10).start().await.unwrap();
    // The batch and its second half are refused by name of nothing.
    simulator.inject(Fault::script([Some(Fault::status(400)), Some(Fault::status(500)), None]));
    let outcomes = all(client_of(&simulator).associate_many(inputs(10))).await;
    let made: Vec<_> = outcomes.iter().map(|outcome| outcome.result.is_ok()).collect();
    assert_eq!(made, [[false; 5], [true; 5]].concat());
    assert!(outcomes[..5].iter().all(|o| o.result.as_ref().unwrap_err().status() == Some(500)));
}

fn answer(results: &str, errors: &str) -> String {
    let times = r#""startedAt":"2026-01-01T00:00:00Z","completedAt":"2026-01-01T00:00:00Z""#;
    format!(r#"{{"status":"COMPLETE",{times},"results":[{results}],"numErrors":1,"errors":[{errors}]}}"#)
}

/// It would be the same for each of them.
#[tokio::test]
async fn a_refusal_that_is_not_about_the_inputs_takes_nothing_apart_and_is_not_recorded() {
    for (status, message) in [
        (404, "No route for POST /crm/associations/2027-03/partner_clients/companies/batch/create"),
        (400, "Missing 'Edit Associations' permission."),
    ] {
        let body = json!({"status": "error", "message": message, "category": "VALIDATION_ERROR", "correlationId": "c"});
        let server = RawServer::json(status, &body.to_string()).await;
        let directory = TempDir::new().unwrap();
        let open = || Journal::open(directory.path().join("run.journal"), "rows").unwrap();
        let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(2_000)).journal(open())).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().message() == message));
        assert_eq!((server.received().len(), open().recorded()), (1, 0), "{message}");
    }
}

#[tokio::test]
async fn an_error_that_names_nobody_leaves_its_inputs_to_be_sent_alone() {
    // This server answers everything so, single requests as well.
    let made = r#"{"from":{"id":"1"},"to":{"id":"1"},"type":"owner"}"#;
    let server = RawServer::json(207, &answer(made, r#"{"status":"error","message":"something"}"#)).await;
    let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(3))).await;
    assert!(outcomes[0].result.is_ok());
    for outcome in &outcomes[1..] {
        assert_eq!(outcome.result.as_ref().unwrap_err().operation(), Some("associate"));
    }
    assert_eq!((outcomes.len(), server.received().len()), (3, 3));
}

#[tokio::test]
async fn a_207_to_a_batch_of_one_that_says_nothing_of_it_is_an_error() {
    let server = RawServer::json(207, &answer("", "")).await;
    let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(1))).await;
    assert!(outcomes[0].result.as_ref().unwrap_err().is_decode());
    assert_eq!((outcomes.len(), server.received().len()), (1, 1));
}

#[tokio::test]
async fn a_result_under_another_spelling_of_its_type_counts() {
    let made = r#"{"from":{"id":"1"},"to":{"id":"1"},"type":"7"}"#;
    let named = r#"{"status":"error","message":"no","context":{"fromObjectId":["2"],"toObjectId":["1"]}}"#;
    let server = RawServer::json(207, &answer(made, named)).await;
    let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(2))).await;
    assert!(outcomes[0].result.is_ok());
    assert_eq!(outcomes[1].result.as_ref().unwrap_err().message(), "no");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn what_is_made_is_made_whoever_else_is_named() {
    let made = r#"{"from":{"id":"1"},"to":{"id":"1"},"type":"owner"}"#;
    let named = r#"{"status":"error","message":"no","context":{"INVALID_OBJECT_IDS":["COMPANY=1 is not valid"]}}"#;
    let server = RawServer::json(207, &answer(made, named)).await;
    let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(2))).await;
    assert!(outcomes[0].result.is_ok());
    assert_eq!(outcomes[1].result.as_ref().unwrap_err().message(), "no: COMPANY=1 is not valid");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn names_that_no_input_has_lead_to_halving() {
    let body = r#"{"message":"bad","category":"VALIDATION_ERROR",
        "context":{"INVALID_OBJECT_IDS":["COMPANY=77 is not valid","nonsense"]}}"#;
    let server = RawServer::json(400, body).await;
    let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs(4))).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().message() == "bad"));
    assert_eq!(server.received().len(), 6, "four, two, and each alone");
}

#[tokio::test]
async fn an_input_that_is_named_among_many_has_what_is_about_itself() {
    let names = |id: usize| format!("COMPANY={id} is not valid");
    let many = |text: fn(usize) -> String| (1..=2_000).map(text).collect::<Vec<_>>().join(",");
    let entries = many(|id| format!("\"COMPANY={id} is not valid\""));
    let details =
        many(|id| format!(r#"{{"message":"because of {id}","context":{{"who":["COMPANY={id} is not valid"]}}}}"#));
    let said = "so many are wrong ".repeat(400);
    let context = format!(r#""context":{{"INVALID_OBJECT_IDS":[{entries}]}}"#);
    let error =
        format!(r#"{{"status":"error","category":"CONFLICT","message":"{said}",{context},"errors":[{details}]}}"#);
    for (status, body) in [(400, error.clone()), (207, answer("", &error))] {
        let server = RawServer::json(status, &body).await;
        let inputs = (1..=10).map(|company| Association::new(1, "companies", company, "owner"));
        let outcomes = all(client_at(&server.base_url, "token").associate_many(inputs)).await;
        for (row, outcome) in outcomes.iter().enumerate() {
            let (error, own) = (outcome.result.as_ref().unwrap_err(), names(row + 1));
            assert!(error.message().starts_with("so many") && error.message().ends_with(&own), "{error}");
            assert!(error.message().len() < 300, "{error}");
            assert_eq!(error.context().values().flatten().collect::<Vec<_>>(), [&own]);
            let details: Vec<_> = error.details().iter().map(|detail| detail.message.as_deref().unwrap()).collect();
            assert_eq!(details, [format!("because of {}", row + 1)]);
            assert_eq!(error.category(), Some("CONFLICT"));
        }
        assert_eq!((outcomes.len(), server.received().len()), (10, 1));
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_by_any_status_of_a_refusal_is_taken_apart() {
    for status in [400, 404, 409, 410, 413, 422] {
        let simulator = crm(100, 40).start().await.unwrap();
        simulator.inject(Fault::status(status).on("batch_associate").times(2));
        let outcomes = all(client_of(&simulator).associate_many(inputs(100))).await;
        let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
        assert_eq!((failed, simulator.association_count()), (0, 100), "{status}");
        assert!(simulator.requests().len() < 10, "{status}");
    }
}
