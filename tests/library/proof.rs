//! What proves that a write was carried out, on every version and by every way to send one.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, CallEnd, Client, Error, ErrorKind, Observer, Result,
    bulk::{Bulk, Journal, Strategy},
};
use proptest::{
    prelude::{ProptestConfig, any, proptest},
    sample::{select, subsequence},
    strategy::Strategy as _,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at_speaking, http, tcp::read_request};

const VERSIONS: [&str; 2] = ["v3", "2026-09"];
const SIGNATURE: &str = "x-hubspot-correlation-id: c033cdaa\r\n";

/// A server that answers every write so, for now, and reads as HubSpot does: it has one association type, and one
/// association.
struct Answering {
    now: Arc<Mutex<String>>,
    server: RawServer,
}

impl Answering {
    async fn new() -> Self {
        let now = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&now);
        let server = RawServer::start(move |mut stream, _| {
            let shared = Arc::clone(&shared);
            async move {
                let request = read_request(&mut stream).await;
                let line = request.lines().next().unwrap_or_default();
                let read = |results: Value| http(200, "application/json", &json!({"results": results}).to_string());
                let answer = match line {
                    line if !line.starts_with("GET") => shared.lock().unwrap().clone(),
                    line if line.contains("/labels") => {
                        read(json!([{"category": "USER_DEFINED", "typeId": 7, "label": "owner"}]))
                    }
                    line if line.contains("/types") => read(json!([{"id": "7", "name": "owner"}])),
                    _ => read(json!([{"id": "1", "type": "owner"}])),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                Some(stream)
            }
        })
        .await;
        Self { now, server }
    }

    /// From now on.
    fn answer(&self, status: u16, headers: &str, body: &str) {
        let answer = http(status, "application/json", body);
        *self.now.lock().unwrap() = answer.replacen("content-length", &format!("{headers}content-length"), 1);
    }

    fn client(&self, version: &str) -> Client {
        client_at_speaking(&self.server.base_url, "t", version)
    }
}

/// The outcome of each write of one thing.
async fn single(client: &Client) -> Vec<(&'static str, Result<()>)> {
    let pair = || client.associate(1).with("companies", 1);
    vec![
        ("associate", pair().as_type("owner").await.map(drop)),
        ("associate by default", pair().as_default().await.map(drop)),
        ("dissociate", client.dissociate(1).with("companies", 1).as_type("owner").await),
        ("dissociate all", client.dissociate_all(1, "companies", 1).await),
        ("update", client.update(1).set("name", "x").await.map(drop)),
    ]
}

fn bulk(client: &Client, makes: bool, count: usize) -> Bulk {
    let inputs = (1..=count).map(|company| Association::new(1, "companies", company, "owner"));
    if makes { client.associate_many(inputs) } else { client.dissociate_many(inputs) }
}

/// The outcome of each way to send writes of many, and how many outcomes the journal of each keeps.
async fn many(client: &Client) -> Vec<(String, Vec<Result<()>>, u64)> {
    let mut all = Vec::new();
    for (makes, count) in [(true, 1), (true, 2), (false, 1), (false, 2)] {
        for strategy in [Strategy::Automatic, Strategy::Single, Strategy::Batch] {
            let directory = TempDir::new().unwrap();
            let open = || Journal::open(directory.path().join("run.journal"), "rows").unwrap();
            let outcomes = bulk(client, makes, count).strategy(strategy).journal(open()).outcomes();
            let outcomes: Vec<_> = outcomes.map(|outcome| outcome.result).collect().await;
            all.push((format!("{makes} {count} {strategy:?}"), outcomes, open().recorded()));
        }
    }
    all
}

#[tokio::test]
async fn a_success_that_does_not_say_it_is_done_is_told_as_unknown_and_not_recorded() {
    let hub = Answering::new().await;
    for (status, headers, body) in [
        (200, "", "<html>Sign in</html>"),
        (200, "", "[]"),
        (200, "", r#"{"detail":"welcome"}"#),
        (201, "", r#"{"ok":true}"#),
        (200, "", r#"{"error":"blocked"}"#),
        (200, SIGNATURE, r#"{"error":"blocked"}"#),
        (200, "", r#"{"error":"blocked","id":"1","labels":[],"results":[]}"#),
        (200, "x-hubspot-correlation-id:  \r\n", r#"{"detail":"welcome","correlationId":" "}"#),
        (200, "", r#"{"status":"PENDING"}"#),
        (200, SIGNATURE, r#"{"status":"PENDING"}"#),
        (200, SIGNATURE, r#"{"status":"Processing","results":[]}"#),
        (200, "", r#"{"status":"CANCELED","results":[]}"#),
        (200, SIGNATURE, r#"{"status":"CANCELED","results":[]}"#),
        (200, SIGNATURE, r#"{"status":"PENDING","results":7,"properties":{},"labels":[]}"#),
        (200, SIGNATURE, r#"{"numErrors":2,"status":"COMPLETE","results":[]}"#),
        (200, SIGNATURE, r#"{"status":"Error"}"#),
        (200, "", r#"{"status":"ERROR","message":"no","results":[],"labels":[],"properties":{}}"#),
        (202, "", ""),
        (202, SIGNATURE, "{}"),
        (202, SIGNATURE, r#"{"status":"COMPLETE","results":[],"properties":{}}"#),
        (207, SIGNATURE, r#"{"status":"COMPLETE","results":[]}"#),
    ] {
        hub.answer(status, headers, body);
        for version in VERSIONS {
            let client = hub.client(version);
            let told = |what: &str, outcome: &Result<()>| match outcome {
                Err(error) => assert!(
                    error.is_decode() && error.status() == Some(status),
                    "{version} {what} {status} {headers}{body}: {error:?}"
                ),
                Ok(()) => panic!("{version} {what} is told as done: {status} {headers}{body}"),
            };
            single(&client).await.iter().for_each(|(what, outcome)| told(what, outcome));
            for (what, outcomes, recorded) in many(&client).await {
                outcomes.iter().for_each(|outcome| told(&what, outcome));
                assert_eq!(recorded, 0, "{version} {what} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_is_done_by_a_success_that_says_nothing_else() {
    let hub = Answering::new().await;
    for (status, headers, body) in
        [(204, "", ""), (200, "", ""), (201, "", " \r\n"), (200, "", "{}"), (200, "", "null"), (200, SIGNATURE, "{}")]
    {
        hub.answer(status, headers, body);
        for version in VERSIONS {
            let client = hub.client(version);
            for (what, outcome) in single(&client).await {
                assert_eq!(outcome, Ok(()), "{version} {what} {status} {body:?}");
            }
            for (what, outcomes, recorded) in many(&client).await {
                // Only a batch of one is not asked for again.
                if !what.ends_with("1 Batch") {
                    assert!(outcomes.iter().all(Result::is_ok), "{version} {what} {status} {body:?}: {outcomes:?}");
                    assert_eq!(recorded, outcomes.len() as u64);
                }
            }
        }
    }
}

/// HubSpot may add any field to what it sends.
#[tokio::test]
async fn a_field_of_tomorrow_takes_nothing_away_from_a_proof() {
    let hub = Answering::new().await;
    hub.answer(200, SIGNATURE, r#"{"id":"1","properties":{},"status":"ACTIVE","results":[],"labels":[],"errors":{}}"#);
    let client = hub.client("v3");
    client.associate(1).with("companies", 1).as_type("owner").await.unwrap();
    client.update(1).set("name", "x").await.unwrap();
    client.dissociate(1).with("companies", 1).as_type("owner").await.unwrap();
    hub.client("2026-09").associate(1).with("companies", 1).as_type("owner").await.unwrap();
}

#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<Option<ErrorKind>>>>);

impl Observer for Ends {
    fn on_call(&self, end: &CallEnd<'_>) {
        self.0.lock().unwrap().push(end.error.map(Error::kind));
    }
}

#[tokio::test]
async fn an_observer_hears_the_same_as_the_caller() {
    let (hub, ends) = (Answering::new().await, Ends::default());
    let client = Client::builder().base_url(&hub.server.base_url).access_token("t").observer(ends.clone());
    let client = client.build().unwrap();
    for (status, kind) in [(202, Some(ErrorKind::NoOutcome)), (200, None)] {
        hub.answer(status, SIGNATURE, "{}");
        let told = client.dissociate(1).with("companies", 1).as_type("owner").await;
        assert_eq!((told.err().map(|error| error.kind()), ends.0.lock().unwrap().pop()), (kind, Some(kind)));
    }
}

fn refusal() -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no such label", "context": {}})
}

/// By any of the ways in which HubSpot says it, and on every version.
#[tokio::test]
async fn a_refusal_in_a_success_is_the_lasting_outcome_of_what_was_sent_alone() {
    let hub = Answering::new().await;
    let mut whole = refusal();
    whole["correlationId"] = json!("c");
    let listed = json!({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [refusal()]});
    for (version, makes, body) in [
        ("v3", true, &whole),
        ("v3", false, &whole),
        ("2026-09", true, &whole),
        ("2026-09", false, &whole),
        ("2026-09", false, &listed),
    ] {
        hub.answer(200, "", &body.to_string());
        let client = hub.client(version);
        let directory = TempDir::new().unwrap();
        let open = || Journal::open(directory.path().join("run.journal"), "rows").unwrap();
        let run = || bulk(&client, makes, 1).strategy(Strategy::Single).journal(open()).outcomes().collect::<Vec<_>>();
        for replayed in [false, true] {
            let outcomes = run().await;
            let error = outcomes[0].result.clone().unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Refused, "no such label"), "{version} {body}");
            assert_eq!(outcomes[0].replayed, replayed, "{version} {makes} {body}: {error:?}");
        }
    }
}

/// The body need not say whose it is where a header does.
#[tokio::test]
async fn a_refusal_that_a_header_signs_is_hubspots() {
    let hub = Answering::new().await;
    hub.answer(200, SIGNATURE, r#"{"status":"error","message":"no such label"}"#);
    for version in VERSIONS {
        for makes in [true, false] {
            let outcomes = bulk(&hub.client(version), makes, 1).strategy(Strategy::Single).outcomes();
            let error = outcomes.collect::<Vec<_>>().await.remove(0).result.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Refused, "no such label"), "{version} {makes}");
        }
    }
}

/// It is about that input, whatever else it names, and a journal does not keep it.
#[tokio::test]
async fn what_hubspot_failed_at_in_a_batch_of_one_is_told_with_its_error() {
    let hub = Answering::new().await;
    for (category, message, kind, may_pass) in [
        ("INTERNAL_ERROR", "not now", ErrorKind::Server, true),
        ("SERVICE_UNAVAILABLE", "not now", ErrorKind::Server, true),
        ("RATE_LIMITS", "not now", ErrorKind::RateLimited, true),
        ("RATE_LIMITS", "You have reached your daily limit", ErrorKind::DailyLimit, false),
        ("MISSING_SCOPES", "a scope is missing", ErrorKind::MissingScope, false),
    ] {
        for context in [
            json!({"fromObjectId": ["1"], "toObjectId": ["1"]}),
            json!({"INVALID_OBJECT_IDS": ["COMPANY=1 is not valid"]}),
            json!({"ids": ["1"]}),
            json!({}),
        ] {
            let error = json!({"status": "error", "category": category, "message": message, "context": context});
            let remark = json!({"status": "error", "message": "something"});
            let body = json!({"status": "COMPLETE", "results": [], "numErrors": 2, "errors": [remark, error]});
            hub.answer(207, "", &body.to_string());
            for version in VERSIONS {
                for makes in [true, false] {
                    let directory = TempDir::new().unwrap();
                    let open = || Journal::open(directory.path().join("run.journal"), "rows").unwrap();
                    let outcomes = bulk(&hub.client(version), makes, 1).journal(open()).outcomes();
                    let error = outcomes.collect::<Vec<_>>().await.remove(0).result.unwrap_err();
                    let told = (error.kind(), error.category(), error.is_retryable());
                    assert_eq!(told, (kind, Some(category), may_pass), "{version} {makes} {body}: {error:?}");
                    assert!(error.message().starts_with(message), "{version} {makes} {body}: {error}");
                    assert_eq!(open().recorded(), 0, "{version} {makes} {body}");
                }
            }
        }
    }
}

/// As a list, and as what some languages write in place of an empty one.
#[tokio::test]
async fn no_errors_are_none_however_they_are_written() {
    let hub = Answering::new().await;
    for errors in [json!([]), json!({}), json!(""), json!(" "), json!(false), json!(0), json!(null)] {
        let results = json!([
            {"from": {"id": "1"}, "to": {"id": "1"}, "type": "owner", "fromObjectId": "1", "toObjectId": "1"},
            {"from": {"id": "1"}, "to": {"id": "2"}, "type": "owner", "fromObjectId": "1", "toObjectId": "2"}]);
        let body = json!({"status": "COMPLETE", "numErrors": 0, "errors": errors, "error": errors,
            "correlationId": "c", "results": results});
        hub.answer(201, "", &body.to_string());
        for version in VERSIONS {
            let before = hub.server.accepted();
            let client = hub.client(version);
            for makes in [true, false] {
                for outcome in bulk(&client, makes, 2).outcomes().collect::<Vec<_>>().await {
                    assert_eq!(outcome.result, Ok(()), "{version} {errors}");
                }
            }
            // The batches, and on dated versions the list of types.
            assert_eq!(hub.server.accepted() - before, 2 + usize::from(version != "v3"), "{version} {errors}");
        }
        let one = json!({"id": "1", "properties": {}, "labels": [], "errors": errors, "error": errors});
        hub.answer(200, SIGNATURE, &one.to_string());
        for version in VERSIONS {
            for (what, outcome) in single(&hub.client(version)).await {
                assert_eq!(outcome, Ok(()), "{version} {what} {errors}");
            }
        }
    }
}

/// A member of an answer.
type Member = (&'static str, Value);

fn members() -> impl proptest::strategy::Strategy<Value = Vec<Member>> {
    let one_of = |name: &'static str, values: Vec<Value>| select(values).prop_map(move |value| (name, value));
    let all = (
        one_of("status", ["COMPLETE", "complete ", "", "PENDING", "CANCELED", "eRRor"].map(Value::from).into()),
        one_of("errors", vec![json!([]), json!({}), json!(""), json!(false), json!(null), json!([{"message": "m"}])]),
        one_of("numErrors", vec![json!(0), json!("0"), json!(2), json!(null)]),
        one_of("correlationId", vec![json!("c"), json!(" "), json!(null), json!(7)]),
        one_of("error", vec![json!(null), json!(false), json!([]), json!([null]), json!("blocked")]),
        one_of("results", vec![json!([]), json!(null)]),
        one_of("labels", vec![json!([]), json!(null)]),
        one_of("properties", vec![json!({})]),
        one_of("detail", vec![json!("welcome")]),
    );
    let all = all.prop_map(|(a, b, c, d, e, f, g, h, i)| vec![a, b, c, d, e, f, g, h, i]);
    all.prop_flat_map(|all| subsequence(all, 0..=9))
}

/// What each operation is documented to answer, as far as it is drawn.
fn documented(version: &str, makes: bool) -> &'static [&'static str] {
    match (version, makes) {
        ("v3", _) => &["properties"],
        (_, true) => &["labels"],
        (_, false) => &["status", "errors", "numErrors", "results"],
    }
}

/// Whether an answer says that it is done, and is HubSpot's.
fn proves(version: &str, makes: bool, status: u16, is_signed: bool, members: &[Member]) -> bool {
    let member = |name: &str| members.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    let text = |name: &str| member(name).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
    let is_over = status < 202 && ["", "complete"].contains(&&*text("status"));
    let errors = [
        member("errors").is_some_and(|errors| errors.as_array().is_some_and(|errors| !errors.is_empty())),
        member("numErrors") == Some(&json!(2)),
        member("error") == Some(&json!("blocked")),
    ];
    let is_hubspots = is_signed
        || !text("correlationId").is_empty()
        || member("correlationId") == Some(&json!(7))
        || members.is_empty()
        || documented(version, makes).iter().any(|name| member(name).is_some());
    is_over && !errors.contains(&true) && is_hubspots
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_proves_a_write_only_if_it_is_hubspots_and_says_nothing_to_the_contrary(
        version in select(&VERSIONS[..]),
        makes in any::<bool>(),
        status in select(&[200, 201, 202, 207][..]),
        is_signed in any::<bool>(),
        members in members(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hub = Answering::new().await;
            let body: Map<String, Value> = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let body = Value::from(body).to_string();
            hub.answer(status, if is_signed { SIGNATURE } else { "" }, &body);
            let outcomes = bulk(&hub.client(version), makes, 1).strategy(Strategy::Single).outcomes();
            let outcomes: Vec<_> = outcomes.collect().await;
            let told: Option<&Error> = outcomes[0].result.as_ref().err();
            let case = format!("{version} {makes} {status} {is_signed} {body}: {told:?}");
            assert_eq!(told.is_none(), proves(version, makes, status, is_signed, &members), "{case}");
        });
    }
}
