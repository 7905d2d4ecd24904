//! Bulk runs, with the same promises on every version of HubSpot's API.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use httpmock::MockServer;
use hubspot_partner_clients::{
    ApiVersion, Association, Client, ErrorKind, RetryPolicy,
    bulk::{Bulk, Journal, Outcome, Strategy},
};
use hubspot_simulator::{AssociationCategory, Fault, InvalidAssociations, Simulator, SimulatorBuilder};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at_speaking, client_speaking, crm, http, sized, tcp::read_request};

const VERSIONS: [&str; 3] = ["v3", "2026-03", "2026-09"];
const DATED: [&str; 2] = ["2026-03", "2026-09"];

/// To companies the unlabelled type 7 with the labels 36 and 37.
fn labels(clients: usize, companies: usize) -> SimulatorBuilder {
    crm(clients, companies)
        .association_label("companies", AssociationCategory::UserDefined, 36, "Referred by")
        .association_label("companies", AssociationCategory::UserDefined, 37, "Payer")
}

async fn start(builder: SimulatorBuilder, version: &str) -> (Simulator, Client) {
    let simulator = builder.start().await.unwrap();
    let client = client_speaking(&simulator, version);
    (simulator, client)
}

async fn all(bulk: Bulk) -> Vec<Outcome> {
    bulk.outcomes().collect().await
}

fn to(client: u64, company: u64, kind: impl ToString) -> Association {
    Association::new(client, "companies", company, kind.to_string()).unwrap()
}

/// Partner client, company, type.
type Triple = (u64, u64, u64);

fn associations((client, company, kind): Triple) -> Association {
    to(client, company, kind)
}

/// The labelled associations of all partner clients.
fn labelled(simulator: &Simulator, clients: u64) -> BTreeSet<Triple> {
    let of = |client: u64| {
        let all = simulator.associations(&client.to_string()).into_iter().filter(|made| made.label.is_some());
        all.map(move |made| (client, made.to_object_id.parse().unwrap(), made.type_id))
    };
    (1..=clients).flat_map(of).collect()
}

#[tokio::test]
async fn associations_take_as_few_requests_on_every_version() {
    // As many on v3 are tried in `bulk_requests`.
    for (version, total) in [("v3", 10_000), ("2026-03", 10_000), ("2026-09", sized(40_000, 20_000) as u64)] {
        let (simulator, client) = start(crm(1_000, 100), version).await;
        let inputs = (0..total).map(|place| to(place % 1_000 + 1, place / 1_000 + 1, 7));
        let mut made = client.associate_many(inputs).outcomes();
        while let Some(outcome) = made.next().await {
            outcome.result.unwrap();
        }
        let requests = simulator.requests().len();
        assert!(requests as u64 <= total / 2_000 + 1, "{version}: {requests}");
        assert_eq!(simulator.association_count() as u64, total);
    }
}

#[tokio::test]
async fn a_hundred_are_removed_by_a_request_on_every_version() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(5, 50), version).await;
        let inputs = || (0..250).map(|place| to(place % 5 + 1, place / 5 + 1, 36));
        assert!(all(client.associate_many(inputs())).await.iter().all(|outcome| outcome.result.is_ok()));
        simulator.clear_requests();
        let outcomes = all(client.dissociate_many(inputs())).await;
        assert!(outcomes.len() == 250 && outcomes.iter().all(|outcome| outcome.result.is_ok()), "{version}");
        assert_eq!((labelled(&simulator, 5).len(), simulator.requests().len()), (0, 3), "{version}");
    }
}

// Random labels there, random ones added, many to one pair, in any number of batches at once.
#[tokio::test]
async fn making_associations_adds_to_what_is_there_on_every_version() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = VERSIONS[random.usize(0..3)];
        let mut some = |most| -> Vec<Triple> {
            let kinds = [7, 36, 37];
            (0..random.usize(1..most))
                .map(|_| (random.u64(1..=4), random.u64(1..=3), kinds[random.usize(0..3)]))
                .collect()
        };
        let (there, asked) = (some(8), some(40));
        let strategy = [Strategy::Batch, Strategy::Single, Strategy::Automatic][random.usize(0..3)];
        let answer = [InvalidAssociations::Refuse, InvalidAssociations::Partial][random.usize(0..2)];
        let builder = there.iter().fold(labels(4, 3), |builder, (client, company, kind)| {
            builder.association(client.to_string(), "companies", company.to_string(), kind.to_string())
        });
        let (simulator, client) = start(builder.invalid_associations(answer), version).await;
        let wanted: BTreeSet<_> = labelled(&simulator, 4)
            .into_iter()
            .chain(asked.iter().copied().filter(|(_, _, kind)| *kind != 7))
            .collect();
        // One in ten is of a company that does not exist.
        let bad = random.usize(0..10);
        let inputs: Vec<_> = asked
            .iter()
            .enumerate()
            .map(|(place, triple)| if place % 10 == bad { to(triple.0, 99, triple.2) } else { associations(*triple) })
            .collect();
        let good: BTreeSet<_> =
            asked.iter().enumerate().filter(|(place, _)| place % 10 != bad).map(|(_, t)| *t).collect();
        let lost: BTreeSet<_> = asked.iter().copied().filter(|triple| !good.contains(triple)).collect();
        let wanted: BTreeSet<_> =
            wanted.into_iter().filter(|triple| !lost.contains(triple) || there.contains(triple)).collect();
        let outcomes = all(client.associate_many(inputs).strategy(strategy).concurrency(random.usize(1..5))).await;
        let case = format!("seed {seed}, {version}, {strategy:?}, {answer:?}: {there:?} and {asked:?}");
        for (place, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.result.is_ok(), place % 10 != bad, "{case}: {outcome:?}");
        }
        assert_eq!(labelled(&simulator, 4), wanted, "{case}");
    }
}

// Random labels there, random ones removed.
#[tokio::test]
async fn removing_labels_leaves_the_others_on_every_version() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let version = VERSIONS[random.usize(0..3)];
        let mut some = || -> BTreeSet<Triple> {
            (0..random.usize(1..20)).map(|_| (random.u64(1..=4), random.u64(1..=3), random.u64(36..=37))).collect()
        };
        let (there, removed) = (some(), some());
        let builder = there.iter().fold(labels(4, 3), |builder, (client, company, kind)| {
            builder.association(client.to_string(), "companies", company.to_string(), kind.to_string())
        });
        let (simulator, client) = start(builder, version).await;
        let outcomes = all(client.dissociate_many(removed.clone().into_iter().map(associations))).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "seed {seed}, {version}: {outcomes:?}");
        let left: BTreeSet<_> = there.difference(&removed).copied().collect();
        assert_eq!(labelled(&simulator, 4), left, "seed {seed}, {version}: {there:?} less {removed:?}");
    }
}

#[tokio::test]
async fn a_type_that_does_not_exist_is_the_outcome_of_its_inputs_alone() {
    for version in DATED {
        let (simulator, client) = start(labels(3, 3), version).await;
        let inputs = [to(1, 1, "payer"), to(2, 1, "unheard of"), to(3, 1, "USER_DEFINED:36")];
        let outcomes = all(client.associate_many(inputs)).await;
        let error = outcomes[1].result.as_ref().unwrap_err();
        assert!(error.is_invalid_input() && error.message().contains("USER_DEFINED:37 (Payer)"), "{error}");
        assert!(outcomes[0].result.is_ok() && outcomes[2].result.is_ok());
        assert_eq!(labelled(&simulator, 3), [(1, 1, 37), (3, 1, 36)].into());
    }
}

#[tokio::test]
async fn the_unlabelled_type_takes_no_label_along_that_was_not_to_be_removed() {
    for version in DATED {
        let builder = labels(3, 3).association("1", "companies", "1", "7").association("1", "companies", "1", "36");
        let builder = builder.association("2", "companies", "1", "7").association("3", "companies", "1", "7");
        let (simulator, client) = start(builder.association("3", "companies", "1", "37"), version).await;
        let outcomes = all(client.dissociate_many([to(1, 1, 7), to(2, 1, 7), to(3, 1, 7), to(3, 1, 37)])).await;
        let error = outcomes[0].result.as_ref().unwrap_err();
        assert!(error.is_invalid_input() && error.message().contains("Referred by"), "{error}");
        assert!(outcomes[1..].iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
        let alone = client.remove_association(to(1, 1, 7)).await.unwrap_err();
        assert_eq!(error.message(), alone.message());
        assert_eq!(simulator.association_count(), 2, "{version}: those of the first pair");
    }
}

#[tokio::test]
async fn labels_go_with_the_unlabelled_type_where_they_may() {
    for version in DATED {
        let there = [("1", "7"), ("1", "36"), ("2", "7"), ("3", "7"), ("3", "37")];
        let builder = there
            .iter()
            .fold(labels(3, 3), |builder, (client, kind)| builder.association(*client, "companies", "1", *kind));
        let (simulator, client) = start(builder, version).await;
        let removed = client.dissociate_many([to(1, 1, 7), to(2, 1, 7), to(3, 1, 37)]).including_labels();
        let outcomes = all(removed).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
        assert_eq!(simulator.association_count(), 1, "{version}: the unlabelled type of the third pair");
        assert_eq!(simulator.requests().len(), 2, "{version}: the list of types and the removal");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_overwritten() {
    let (simulator, client) = start(labels(2, 2).association("1", "companies", "1", "36"), "2026-09").await;
    simulator.inject(Fault::status(503).on("batch_read_associations"));
    let outcomes = all(client.associate_many([to(1, 1, 37), to(2, 1, 37)])).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().status() == Some(503)), "{outcomes:?}");
    assert_eq!(labelled(&simulator, 2), [(1, 1, 36)].into());
}

#[tokio::test]
async fn a_journal_resumes_a_run_on_every_version() {
    for version in VERSIONS {
        let directory = tempfile::TempDir::new().unwrap();
        let (simulator, client) = start(labels(9, 1), version).await;
        let run = async |count| {
            let journal = Journal::open(directory.path().join("run.journal"), "rows").unwrap();
            all(client.associate_many((1..=count).map(|client| to(client, 1, 37))).journal(journal)).await
        };
        assert!(run(4).await.iter().all(|outcome| outcome.result.is_ok() && !outcome.replayed));
        let outcomes = run(9).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.replayed).count(), 4, "{version}");
        assert_eq!(labelled(&simulator, 9).len(), 9);
    }
}

#[tokio::test]
async fn labels_are_kept_whatever_an_odd_answer_says_of_them() {
    let label = |id| json!({"typeId": id, "category": "USER_DEFINED", "label": format!("Label {id}")});
    let held = |company: u64, labels: &[Value]| json!({"toObjectId": company, "associationTypes": labels});
    let read = |id: Value, to: &[Value]| json!({"from": {"id": id}, "to": to});
    let paged = json!({"from": {"id": "1"}, "to": [], "paging": {"next": {"after": "2"}}});
    for (odd, results) in [
        ("an id that is none", json!([read(json!("x1"), &[])])),
        ("another partner client", json!([read(json!("2"), &[])])),
        ("two parts", json!([read(json!("1"), &[held(2, &[])]), read(json!(1), &[held(1, &[label(36)])])])),
        ("a further page", json!([paged])),
        ("a page and the rest", json!([paged, read(json!("1"), &[])])),
        ("nothing", json!([])),
        ("null", Value::Null),
    ] {
        let server = MockServer::start_async().await;
        let answer = |results: Value| json!({"status": "COMPLETE", "results": results});
        server.mock(|when, then| {
            when.method("GET").path_includes("/labels");
            then.status(200).json_body(answer(json!([label(36), label(37)])));
        });
        server.mock(|when, then| {
            when.method("GET").path("/crm/objects/2026-09/partner_clients/1/associations/companies");
            // Such an answer has the same object twice as well.
            then.status(200).json_body(answer(json!([held(1, &[]), held(1, &[label(36)])])));
        });
        server.mock(|when, then| {
            when.method("POST").path_includes("/batch/read");
            then.status(200).json_body(answer(results));
        });
        let made = json!({"fromObjectId": 1, "toObjectId": 1, "fromObjectTypeId": "0-1", "toObjectTypeId": "0-2",
            "labels": ["Label 36", "Label 37"]});
        let set = server.mock(|when, then| {
            when.method("POST").path_includes("/batch/create").body_includes("36").body_includes("37");
            then.status(201).json_body(answer(json!([made.clone()])));
        });
        let alone = server.mock(|when, then| {
            let when = when.method("PUT").path("/crm/objects/2026-09/partner_clients/1/associations/companies/1");
            when.body_includes("36").body_includes("37");
            then.status(201).json_body(made);
        });
        let client = Client::builder().base_url(server.base_url()).access_token("t").retry(RetryPolicy::never());
        let client = client.api_version(ApiVersion::V2026_09).build().unwrap();
        let outcomes = all(client.associate_many([to(1, 1, 37)])).await;
        assert_eq!((&outcomes[0].result, set.calls()), (&Ok(()), 1), "{odd}");
        client.add_association(to(1, 1, 37)).await.unwrap();
        assert_eq!(alone.calls(), 1, "{odd}");
    }
}

/// What cannot be read of one partner client, or of another object of it, fails no other input.
#[tokio::test]
async fn an_odd_record_fails_only_the_inputs_that_need_it() {
    let types = json!([
        {"category": "USER_DEFINED", "typeId": 36, "label": "Owner"},
        {"category": "USER_DEFINED", "typeId": 37, "label": "Payer"},
    ]);
    let server = RawServer::start(move |mut stream, _| {
        let types = types.clone();
        async move {
            let request = read_request(&mut stream).await;
            let line = request.lines().next().unwrap_or_default().to_owned();
            let odd =
                json!([{"toObjectId": 9, "associationTypes": []}, {"toObjectId": 1, "associationTypes": [types[1]]}]);
            let (status, body) = if line.contains("/labels ") && line.starts_with("GET") {
                (200, json!({"results": types}))
            } else if line.contains("batch/read") {
                let result = |id: u32| json!({"from": {"id": id.to_string()}, "to": odd});
                let results: Vec<_> = [1, 2, 3].map(result).into();
                (207, json!({"status": "COMPLETE", "results": results}))
            } else if line.contains("/partner_clients/2/") {
                (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no"}))
            } else if line.starts_with("GET") {
                (200, json!({"results": odd}))
            } else {
                (201, set_beside_37(&request))
            };
            let _ = stream.write_all(http(status, "application/json", &body.to_string()).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at_speaking(&server.base_url, "t", "2026-09");
    let inputs = [to(1, 1, 36), to(2, 1, 36), to(3, 1, 36), to(3, 9, 36)];
    let outcomes = all(client.associate_many(inputs)).await;
    let failed: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().err().map(|e| e.kind())).collect();
    assert_eq!(failed, [None, Some(ErrorKind::Refused), None, Some(ErrorKind::Decode)], "{outcomes:?}");
}

/// The response to labels that are set, each of which has to be sent with label 37.
fn set_beside_37(request: &str) -> Value {
    let sent: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let done = |input: &Value| {
        assert!(input["types"].as_array().unwrap().iter().any(|kept| kept["associationTypeId"] == 37));
        json!({"fromObjectId": input["from"]["id"], "toObjectId": input["to"]["id"], "labels": []})
    };
    let results: Vec<_> = sent["inputs"].as_array().unwrap().iter().map(done).collect();
    json!({"status": "COMPLETE", "results": results})
}

/// A server with labels 36 and 37, whose partner clients 1 to 3 have label 37 with company 1. It answers the batch of reads
/// so, and lists partner client 2 by itself only if it may.
async fn reading_labels(status: u16, batch: Value, lists: bool) -> RawServer {
    let types = json!([
        {"category": "USER_DEFINED", "typeId": 36, "label": "Owner"},
        {"category": "USER_DEFINED", "typeId": 37, "label": "Payer"},
    ]);
    RawServer::start(move |mut stream, _| {
        let (types, batch) = (types.clone(), batch.clone());
        async move {
            let request = read_request(&mut stream).await;
            let line = request.lines().next().unwrap_or_default();
            let (status, body) = if line.contains("/labels ") && line.starts_with("GET") {
                (200, json!({"results": types}))
            } else if line.contains("batch/read") {
                (status, batch)
            } else if line.contains("/partner_clients/2/") && !lists {
                (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": "c"}))
            } else if line.starts_with("GET") {
                (200, json!({"results": [{"toObjectId": 1, "associationTypes": [types[1]]}]}))
            } else {
                (201, set_beside_37(&request))
            };
            let _ = stream.write_all(http(status, "application/json", &body.to_string()).as_bytes()).await;
            Some(stream)
        }
    })
    .await
}

#[tokio::test]
async fn what_is_said_of_one_partner_client_whose_labels_are_read_is_no_outcome_of_others_and_does_not_last() {
    let types = json!([{"category": "USER_DEFINED", "typeId": 37, "label": "Payer"}]);
    let read = |id: u32| json!({"from": {"id": id.to_string()}, "to": [{"toObjectId": 1, "associationTypes": types}]});
    let named =
        [json!({"fromObjectId": ["2"]}), json!({"INVALID_OBJECT_IDS": ["PARTNER_CLIENT=2 is not valid"]}), json!({})];
    let mut answers = Vec::new();
    for category in ["VALIDATION_ERROR", "RATE_LIMITS", "INTERNAL_ERROR", "NEW"] {
        for context in &named {
            let error = json!({"category": category, "message": "bad", "context": context});
            let results = [read(1), read(3)];
            answers.push((207, json!({"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]})));
        }
    }
    answers.push((400, json!({"message": "bad", "category": "VALIDATION_ERROR", "correlationId": "c"})));
    for (status, answer) in answers {
        for lists in [true, false] {
            let server = reading_labels(status, answer.clone(), lists).await;
            let client = client_at_speaking(&server.base_url, "t", "2026-09");
            let directory = tempfile::TempDir::new().unwrap();
            let open = || Journal::open(directory.path().join("run.journal"), "rows").unwrap();
            let inputs = [to(1, 1, 36), to(2, 1, 36), to(3, 1, 36)];
            let outcomes = all(client.associate_many(inputs).journal(open())).await;
            let failed: Vec<_> =
                outcomes.iter().map(|outcome| outcome.result.as_ref().err().map(|e| e.kind())).collect();
            let second = (!lists).then_some(ErrorKind::Refused);
            assert_eq!(failed, [None, second, None], "{status} {answer}: {outcomes:?}");
            assert_eq!(open().recorded(), if lists { 3 } else { 2 }, "{answer}");
        }
    }
    // What would be the same of everybody.
    let error = json!({"category": "MISSING_SCOPES", "message": "bad", "context": {"fromObjectId": ["2"]}});
    let server = reading_labels(207, json!({"status": "COMPLETE", "results": [], "errors": [error]}), true).await;
    let client = client_at_speaking(&server.base_url, "t", "2026-09");
    let outcomes = all(client.associate_many([to(1, 1, 36), to(2, 1, 36)])).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().is_missing_scope()), "{outcomes:?}");
}

/// HubSpot failed at the pair, and says nothing of whether it can be made.
#[tokio::test]
async fn a_pair_that_hubspot_fails_at_in_a_batch_is_sent_again_by_itself() {
    let server = RawServer::start(|mut stream, _| async move {
        let request = read_request(&mut stream).await;
        let made = |client: u32| json!({"fromObjectId": client, "toObjectId": 1, "labels": ["owner"]});
        let error = json!({"category": "INTERNAL_ERROR", "message": "bad",
            "context": {"fromObjectId": ["2"], "toObjectId": ["1"]}});
        let (status, body) = if request.starts_with("GET") {
            (200, json!({"results": [{"category": "USER_DEFINED", "typeId": 36, "label": "owner"}]}))
        } else if request.starts_with("PUT") {
            (201, made(2))
        } else {
            (207, json!({"status": "COMPLETE", "results": [made(1)], "numErrors": 1, "errors": [error]}))
        };
        let _ = stream.write_all(http(status, "application/json", &body.to_string()).as_bytes()).await;
        Some(stream)
    })
    .await;
    let client = client_at_speaking(&server.base_url, "t", "2026-09");
    let outcomes = all(client.associate_many([to(1, 1, 36), to(2, 1, 36)])).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn each_of_several_unlabelled_types_leaves_labels_alone() {
    let builder = labels(2, 2).association_label("companies", AssociationCategory::HubspotDefined, 9, " ");
    let builder = ["7", "9", "36"].iter().fold(builder, |builder, kind| {
        ["1", "2"].iter().fold(builder, |builder, company| builder.association("1", "companies", *company, *kind))
    });
    let (simulator, client) = start(builder, "2026-09").await;
    let outcomes = all(client.dissociate_many([to(1, 1, 7), to(1, 2, 9)])).await;
    for outcome in outcomes {
        assert!(outcome.result.as_ref().is_err_and(|error| error.is_invalid_input()), "{outcome:?}");
    }
    assert_eq!(labelled(&simulator, 1).iter().filter(|(_, _, kind)| *kind == 36).count(), 2);
}

#[tokio::test]
async fn one_association_is_sent_once_however_its_type_is_written() {
    for version in VERSIONS {
        let (simulator, client) = start(labels(2, 2).refuse_duplicate_associations(), version).await;
        let inputs = ["36", "USER_DEFINED:36", "user_defined:36"].map(|text| to(1, 1, text));
        let inputs = inputs.into_iter().chain([to(2, 1, "36")]);
        let outcomes = all(client.associate_many(inputs).strategy(Strategy::Batch)).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{version}: {outcomes:?}");
        let writes = simulator.requests().iter().filter(|request| request.path().contains("batch/")).count();
        assert!(writes <= 2, "{version}: {writes}");
    }
}
