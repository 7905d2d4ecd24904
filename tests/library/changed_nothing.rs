//! An error that says that nothing was changed is right.

use std::time::Duration;

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, CallEnd, Client, ClientBuilder, Observer, RateLimit, RetryPolicy, bulk::Strategy,
};
use hubspot_simulator::{AssociationCategory, Fault, Simulator, UnlabeledCompanions};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::support::{RawServer, client_at_speaking, client_speaking, crm, http, tcp::read_request};

const FOR_EVER: Duration = Duration::from_secs(600);

/// Of a client that tries again at once.
fn builder(hubspot: &Simulator) -> ClientBuilder {
    let retry = RetryPolicy::default().base_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(5));
    let client = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    client.rate_limit(RateLimit::unlimited()).retry(retry)
}

#[tokio::test]
async fn every_attempt_counts() {
    let at_once = |status| Some(Fault::status(status).retry_after(Duration::ZERO));
    let cases = [
        (vec![Some(Fault::status(400))], true),
        (vec![Some(Fault::status(403))], true),
        (vec![at_once(477), Some(Fault::status(400))], true),
        (vec![at_once(429), Some(Fault::status(404))], true),
        (vec![Some(Fault::status(502).after_operation()), Some(Fault::status(400))], false),
        (vec![Some(Fault::reset()), Some(Fault::status(403))], false),
        (vec![Some(Fault::reset()), at_once(429), Some(Fault::status(400))], false),
        (vec![Some(Fault::truncated_body()); 9], false),
    ];
    for (place, (answers, expected)) in cases.into_iter().enumerate() {
        let hubspot = crm(1, 1).start().await.unwrap();
        let client = builder(&hubspot).build().unwrap();
        hubspot.inject(Fault::script(answers).on("associate"));
        let error = client.associate(1).with("companies", 1).as_type("owner").await.unwrap_err();
        assert_eq!(error.changed_nothing(), expected, "{place}: {error:?}");
        assert!(!expected || hubspot.association_count() == 0, "{place}");
    }
    let hubspot = crm(1, 1).start().await.unwrap();
    let client = builder(&hubspot).build().unwrap();
    assert!(client.associate("x").with("companies", 1).as_type("owner").await.unwrap_err().changed_nothing());
    hubspot.inject(Fault::reset().on("get"));
    assert!(client.get(1).await.unwrap_err().changed_nothing(), "it only reads");
}

#[tokio::test]
async fn what_is_read_after_a_change_does_not_unmake_it() {
    let unlabeled = "partner_client_to_company_unlabeled";
    let hubspot = crm(1, 1).association_type("companies", 7, unlabeled).start().await.unwrap();
    hubspot.inject(Fault::status(403).on("get"));
    let associate = client_speaking(&hubspot, "2026-09").associate(1).with("companies", 1).as_type("7");
    let error = associate.then_get().await.unwrap_err();
    assert_eq!((hubspot.association_count(), error.operation()), (1, Some("get")));
    assert!(!error.changed_nothing(), "{error:?}");
}

#[tokio::test]
async fn what_a_call_removed_before_a_refusal_counts() {
    for removed in [0, 1] {
        let hubspot = crm(1, 1)
            .association_type("companies", 7, "partner_client_to_company_unlabeled")
            .association_label("companies", AssociationCategory::UserDefined, 36, "Payer")
            .unlabeled_companions(UnlabeledCompanions::Never)
            .association("1", "companies", "1", "36")
            .association("1", "companies", "1", "7");
        let hubspot = hubspot.start().await.unwrap();
        let answers = (0..removed).map(|_| None).chain([Some(Fault::status(403))]);
        hubspot.inject(Fault::script(answers).on("dissociate"));
        let error = client_speaking(&hubspot, "v3").dissociate_all(1, "companies", 1).await.unwrap_err();
        assert_eq!((hubspot.association_count(), error.changed_nothing()), (2 - removed, removed == 0), "{error:?}");
    }
}

/// Panics at the end of each call that associates.
struct Panics;

impl Observer for Panics {
    fn on_call(&self, end: &CallEnd<'_>) {
        assert!(!end.operation.id.ends_with("associate"), "no metric");
    }
}

/// The status that a panic is told with is that of the last attempt.
#[tokio::test]
async fn a_panic_says_nothing_of_an_attempt_without_a_response() {
    for status in [477, 429, 423] {
        let hubspot = crm(1, 1).start().await.unwrap();
        let client = builder(&hubspot).observer(Panics).call_timeout(Duration::from_secs(4)).build().unwrap();
        let first = Fault::status(status).retry_after(Duration::ZERO);
        let answers = [Some(first), Some(Fault::delay(FOR_EVER).after_operation())];
        hubspot.inject(Fault::script(answers).on("associate"));
        let inputs = [(1_u64, ("companies", 1_u64), "owner")];
        let mut outcomes = client.associate_many(inputs).strategy(Strategy::Single).outcomes();
        let error = outcomes.next().await.unwrap().result.unwrap_err();
        assert_eq!((hubspot.association_count(), error.changed_nothing()), (1, false), "{error:?}");
    }
}

/// Its first attempt made it, and its second was refused. Once a removal has made room it is sent again.
#[tokio::test]
async fn an_addition_that_a_plan_sends_again_may_have_been_made_before() {
    for is_stopped in [true, false] {
        let hubspot = crm(2, 2).association("2", "companies", "2", "7").start().await.unwrap();
        let client = builder(&hubspot).build().unwrap();
        let desired = Association::new(1_u64, "companies", 2_u64, "owner");
        let plan = client.reconcile([1_u64, 2], "companies", [desired]).plan().await.unwrap();
        assert_eq!((plan.add.len(), plan.remove.len()), (1, 1), "{plan}");
        let last =
            if is_stopped { Fault::status(429).retry_after(Duration::from_secs(30)) } else { Fault::status(400) };
        let answers = [Fault::status(502).after_operation(), Fault::status(400), last];
        hubspot.inject(Fault::script(answers.map(Some)).on("batch_associate"));
        let is_there = async {
            while hubspot.requests().iter().filter(|request| request.path().ends_with("/create")).count() < 3 {
                sleep(Duration::from_millis(1)).await;
            }
            sleep(if is_stopped { Duration::from_millis(100) } else { FOR_EVER }).await;
        };
        let applied = plan.apply(&client).run_until(is_there).await.unwrap();
        assert_eq!((applied.unsettled.len(), applied.failed_additions.len()), if is_stopped { (1, 0) } else { (0, 1) });
        assert_eq!(hubspot.associations("1").len(), 1);
        assert_eq!(applied.changed(&plan).add.len(), 1, "it was made: {applied:?}");
    }
}

#[tokio::test]
async fn a_pair_that_a_response_lists_and_refuses_may_have_one_of_its_labels() {
    let server = RawServer::start(|mut stream, _| async move {
        let request = read_request(&mut stream).await;
        let held = |client: &str| {
            let label = json!({"category": "USER_DEFINED", "typeId": 36, "label": "owner"});
            json!({"from": {"id": client}, "to": [{"toObjectId": 5, "associationTypes": [label]}]})
        };
        let made = |client: u32| json!({"fromObjectId": client, "toObjectId": 1, "labels": ["owner"]});
        let error = json!({"category": "VALIDATION_ERROR", "message": "label 37 cannot be set",
            "context": {"fromObjectId": ["2"], "toObjectId": ["1"]}});
        let (status, body) = if request.starts_with("GET") {
            (
                200,
                json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "owner"},
                {"category": "USER_DEFINED", "typeId": 37, "label": "payer"}]}),
            )
        } else if request.contains("batch/read") {
            (200, json!({"status": "COMPLETE", "results": [held("1"), held("2")]}))
        } else {
            (207, json!({"status": "COMPLETE", "results": [made(1), made(2)], "numErrors": 1, "errors": [error]}))
        };
        let _ = stream.write_all(http(status, "application/json", &body.to_string()).as_bytes()).await;
        Some(stream)
    })
    .await;
    let client = client_at_speaking(&server.base_url, "t", "2026-09");
    let inputs = [(1_u64, "36"), (2, "36"), (2, "37")];
    let inputs = inputs.map(|(client, kind)| Association::new(client, "companies", 1_u64, kind));
    let outcomes: Vec<_> = client.associate_many(inputs).outcomes().collect().await;
    assert_eq!(outcomes[0].result, Ok(()));
    for outcome in &outcomes[1..] {
        assert!(!outcome.result.as_ref().unwrap_err().changed_nothing(), "{outcome:?}");
    }
}
