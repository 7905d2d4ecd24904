//! Outcomes of bulk runs as HubSpot's answers say them, against a server that keeps the truth and answers as it likes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, Client, ErrorKind, Result, Update,
    bulk::{Bulk, Outcome},
};
use proptest::{
    prelude::{ProptestConfig, any, prop, proptest},
    strategy::Strategy as _,
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::support::{
    RawServer, client_at, http,
    tcp::{read_request, say_nothing},
};

/// Association types to companies: id, name, and the same in the other direction.
const TYPES: [[&str; 4]; 2] = [["7", "owner", "107", "owned_by"], ["8", "referred_by", "108", "referral_of"]];
/// A company that no partner client can have.
const NO_COMPANY: u64 = 4;

/// A partner client, a company, and which type.
type Link = (u64, u64, usize);

/// A server that keeps which associations there are, and answers batches in any shape that is not a lie: what it lists is
/// done, and what an error names is not.
struct Hub {
    rng: Rng,
    links: BTreeSet<Link>,
    /// What cannot be made, or removed.
    bad: BTreeSet<Link>,
    requests: usize,
}

impl Hub {
    fn answer(&mut self, request: &str) -> String {
        self.requests += 1;
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut line = head.split(' ');
        let (method, path) = (line.next().unwrap(), line.next().unwrap());
        if method == "POST" { self.batch(path.ends_with("create"), body) } else { self.single(method == "PUT", path) }
    }

    fn single(&mut self, make: bool, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').collect();
        let [_, _, _, _, _, partner_client, _, _, company, kind] = parts[..] else { unreachable!("{path}") };
        let link = (partner_client.parse().unwrap(), company.parse().unwrap(), type_of(kind));
        if self.bad.contains(&link) {
            let error = json!({"message": "no", "category": "VALIDATION_ERROR", "correlationId": "c"});
            return reply(400, &error.to_string());
        }
        self.set(make, link);
        let object = json!({"id": partner_client, "properties": {}, "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z"});
        match (make, self.rng.u8(..4)) {
            (_, 0) => reply(200, ""),
            (_, 1) => reply(200, r#"{"odd":[1],"correlationId":"c"}"#),
            (true, _) => reply(200, &object.to_string()),
            (false, _) => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(),
        }
    }

    fn set(&mut self, make: bool, link: Link) {
        if make {
            self.links.insert(link);
        } else {
            self.links.remove(&link);
        }
    }

    fn batch(&mut self, make: bool, body: &str) -> String {
        let body: Value = serde_json::from_str(body).unwrap();
        let inputs: Vec<(Link, &str)> = body["inputs"].as_array().unwrap().iter().map(link_of).collect();
        let spelt: BTreeSet<_> = inputs.iter().map(|((from, to, _), kind)| (from, to, kind.to_lowercase())).collect();
        assert_eq!(spelt.len(), inputs.len(), "an association twice in one batch");

        let bad: Vec<Link> = inputs.iter().map(|(link, _)| *link).filter(|link| self.bad.contains(link)).collect();
        if !bad.is_empty() && self.rng.bool() {
            return self.refusal(&bad);
        }
        let shape = self.rng.u8(..12);
        let done = |hub: &mut Self| {
            inputs.iter().for_each(|(link, _)| {
                if !hub.bad.contains(link) && hub.rng.u8(..8) > 0 {
                    hub.set(make, *link);
                }
            })
        };
        match shape {
            0 => {
                done(self);
                return reply(
                    *self.rng.choice(&[200, 201]).unwrap(),
                    self.rng.choice(&["", "<html>", "{}", "null"]).unwrap(),
                );
            }
            1 if !make && bad.is_empty() => {
                inputs.iter().for_each(|(link, _)| self.set(make, *link));
                return "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned();
            }
            // Only taken note of, or given up.
            2 | 3 => {
                let results: Vec<_> = inputs.iter().map(|(link, kind)| result(*link, kind)).collect();
                let (status, state) = if shape == 2 {
                    (202, "COMPLETE")
                } else {
                    (201, *self.rng.choice(&["PENDING", "PROCESSING", "CANCELED"]).unwrap())
                };
                return reply(status, &answer(state, &results, 0, &[]));
            }
            _ => {}
        }
        let (mut results, mut errors, mut spelling) = (Vec::new(), Vec::new(), BTreeMap::new());
        let how = self.rng.u8(..4);
        for (link, kind) in &inputs {
            if self.bad.contains(link) {
                errors.extend(self.error(*link));
                continue;
            }
            // One in eight is lost.
            if self.rng.u8(..8) == 0 {
                continue;
            }
            self.set(make, *link);
            if self.rng.u8(..8) == 0 {
                continue;
            }
            let [id, name, other_id, other_name] = TYPES[link.2];
            let mixed = *spelling.entry(*kind).or_insert_with(|| self.rng.bool());
            let (forward, backward) = match how {
                0 => (*kind, other_name),
                1 => (id, other_id),
                2 => (name, other_name),
                _ if mixed => (id, other_id),
                _ => (name, other_name),
            };
            results.push(result(*link, forward));
            if self.rng.bool() {
                results.push(result((link.1, link.0, link.2), backward));
            }
            if self.rng.u8(..6) == 0 {
                results.push(result(*link, forward));
                results.push(result((self.rng.u64(90..99), link.1, link.2), forward));
            }
        }
        self.rng.shuffle(&mut results);
        if self.rng.u8(..4) == 0 {
            errors.push(json!({"status": "error", "message": "something"}));
        }
        if let Some(error) = errors.first().filter(|_| self.rng.u8(..4) == 0).cloned() {
            errors.push(error);
        }
        let count = if self.rng.bool() { errors.len() } else { self.rng.usize(..5) };
        let status = *self.rng.choice(&[200, 201, 207]).unwrap();
        reply(status, &answer("COMPLETE", &results, count, &errors))
    }

    fn refusal(&mut self, bad: &[Link]) -> String {
        let companies: Vec<_> = bad.iter().filter(|link| link.1 == NO_COMPANY).map(|_| invalid()).collect();
        let context = if self.rng.bool() { json!({"INVALID_OBJECT_IDS": companies}) } else { json!({}) };
        let error = json!({"message": "no", "category": "VALIDATION_ERROR", "correlationId": "c", "context": context});
        reply(*self.rng.choice(&[400, 404, 409]).unwrap(), &error.to_string())
    }

    /// Not each input that fails is told of.
    fn error(&mut self, (from, to, _): Link) -> Option<Value> {
        let number = self.rng.bool();
        let id = |id: u64| if number { json!([id]) } else { json!([id.to_string()]) };
        let context = match self.rng.u8(..4) {
            0 => return None,
            1 if to == NO_COMPANY => json!({"INVALID_OBJECT_IDS": [invalid()]}),
            2 => json!({}),
            _ => json!({"fromObjectId": id(from), "toObjectId": id(to)}),
        };
        Some(json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": context}))
    }
}

fn invalid() -> String {
    format!("COMPANY={NO_COMPANY} is not valid")
}

fn type_of(kind: &str) -> usize {
    TYPES.iter().position(|[id, name, ..]| *id == kind || name.eq_ignore_ascii_case(kind)).unwrap()
}

fn link_of(input: &Value) -> (Link, &str) {
    let id = |end: &str| input[end]["id"].as_str().unwrap().parse().unwrap();
    let kind = input["type"].as_str().unwrap();
    ((id("from"), id("to"), type_of(kind)), kind)
}

fn result((from, to, _): Link, kind: &str) -> Value {
    // Ids as numbers are as good.
    let id = |id: u64| if id.is_multiple_of(2) { json!(id) } else { json!(id.to_string()) };
    json!({"from": {"id": id(from)}, "to": {"id": id(to)}, "type": kind})
}

fn answer(status: &str, results: &[Value], count: usize, errors: &[Value]) -> String {
    let times = "2026-01-01T00:00:00Z";
    json!({"status": status, "startedAt": times, "completedAt": times, "results": results, "numErrors": count,
        "errors": errors})
    .to_string()
}

fn reply(status: u16, body: &str) -> String {
    http(status, "application/json", body)
}

async fn serve(hub: Hub) -> (RawServer, Arc<Mutex<Hub>>) {
    let hub = Arc::new(Mutex::new(hub));
    let shared = Arc::clone(&hub);
    let server = RawServer::start(move |mut stream, _| {
        let hub = Arc::clone(&shared);
        async move {
            let request = read_request(&mut stream).await;
            let answer = hub.lock().unwrap().answer(&request);
            let _ = stream.write_all(answer.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    (server, hub)
}

async fn all(bulk: Bulk) -> Vec<Outcome> {
    bulk.outcomes().collect().await
}

/// An input: its association, whether its type is given by name, and whether in an odd spelling.
type Drawn = (Link, bool, bool);

fn association(&((from, to, kind), named, odd): &Drawn) -> Result<Association> {
    let [id, name, ..] = TYPES[kind];
    let (kind, name) = (if named { name } else { id }, name.to_uppercase());
    if odd {
        Association::new(format!("00{from}"), "companies", format!("0{to}"), if named { &name } else { kind })
    } else {
        Association::new(from, "companies", to, kind)
    }
}

async fn check(inputs: &[Drawn], bad: &[Link], make: bool, seed: u64) {
    let bad = bad.iter().copied().chain((1..=4).flat_map(|from| [0, 1].map(|kind| (from, NO_COMPANY, kind))));
    let links = if make { BTreeSet::new() } else { inputs.iter().map(|(link, ..)| *link).collect() };
    let (server, hub) = serve(Hub { rng: Rng::with_seed(seed), links, bad: bad.collect(), requests: 0 }).await;
    let (client, rows) = (client_at(&server.base_url, "token"), inputs.iter().map(association).collect::<Vec<_>>());
    let bulk = if make { client.associate_many(rows) } else { client.dissociate_many(rows) };
    let outcomes = all(bulk).await;

    let hub = hub.lock().unwrap();
    let distinct = inputs.iter().map(|(link, named, _)| (link, named)).collect::<BTreeSet<_>>().len();
    let bound = distinct + distinct.next_power_of_two().ilog2() as usize;
    assert!(hub.requests <= bound, "{} requests for {distinct}", hub.requests);
    assert!(outcomes.iter().map(|outcome| outcome.index).eq(0..inputs.len() as u64));
    for ((link, ..), outcome) in inputs.iter().zip(&outcomes) {
        let is_done = hub.links.contains(link) == make;
        match &outcome.result {
            Ok(()) => assert!(is_done, "{link:?} is told as done"),
            // Only a batch of one is not asked for again.
            Err(error) if error.is_decode() => assert_eq!(distinct, 1, "{error}"),
            Err(error) => assert!(!is_done, "{link:?} is done, and told as failed: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_hubspot_answers_each_input_has_one_outcome_and_a_true_one(
        inputs in prop::collection::vec(((1..=4_u64, 1..=4_u64, 0..2_usize), any::<bool>(), any::<bool>()), 1..24),
        one_spelling in any::<bool>(),
        bad in prop::collection::vec((1..=4_u64, 1..=4_u64, 0..2_usize), 0..6),
        make in any::<bool>(),
        seed in any::<u64>().no_shrink(),
    ) {
        let spelt = |(link, named, odd)| (link, named && !one_spelling, odd);
        let inputs: Vec<Drawn> = inputs.into_iter().map(spelt).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&inputs, &bad, make, seed));
    }
}

/// Answers the first request so, and the others as a server that knows and refuses nothing.
async fn first(status: u16, body: &str) -> (RawServer, Arc<Mutex<Vec<String>>>) {
    let (first, lines) = (reply(status, body), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&lines);
    let server = RawServer::start(move |mut stream, number| {
        let (first, log) = (first.clone(), Arc::clone(&log));
        async move {
            let request = read_request(&mut stream).await;
            log.lock().unwrap().push(request.lines().next().unwrap().to_owned());
            let again = reply(
                200,
                r#"{"id":"1","properties":{},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}"#,
            );
            let _ = stream.write_all(if number == 0 { first } else { again }.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    (server, lines)
}

fn link(from: u64, to: u64, kind: &str) -> Result<Association> {
    Association::new(from, "companies", to, kind)
}

fn made(from: u64, to: u64, kind: &str) -> Value {
    result((from, to, 0), kind)
}

fn named(from: u64, to: u64) -> Value {
    json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no",
        "context": {"fromObjectId": [from.to_string()], "toObjectId": [to.to_string()]}})
}

/// The results, and how many requests they took.
async fn outcomes(client: &Client, lines: &Mutex<Vec<String>>, inputs: Vec<Result<Association>>) -> (Vec<bool>, usize) {
    let outcomes = all(client.associate_many(inputs)).await;
    (outcomes.iter().map(|outcome| outcome.result.is_ok()).collect(), lines.lock().unwrap().len())
}

#[tokio::test]
async fn an_inverse_association_is_no_result_of_the_other_direction() {
    let results = [made(512, 9001, "owner"), made(9001, 512, "company_to_partner_client")];
    let (server, lines) = first(207, &answer("COMPLETE", &results, 1, &[named(9001, 512)])).await;
    let inputs = vec![link(512, 9001, "owner"), link(9001, 512, "owner")];
    assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![true, false], 1));
}

#[tokio::test]
async fn an_error_that_names_an_input_wins_over_a_result() {
    let results = [made(1, 1, "owner"), made(2, 1, "owner")];
    let (server, lines) = first(207, &answer("COMPLETE", &results, 1, &[named(2, 1)])).await;
    let inputs = vec![link(1, 1, "owner"), link(2, 1, "owner")];
    assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![true, false], 1));
}

#[tokio::test]
async fn a_result_of_a_third_type_proves_none_of_two() {
    let results = [made(1, 1, "202"), made(1, 1, "third")];
    let (server, lines) = first(207, &answer("COMPLETE", &results, 1, &[named(1, 1)])).await;
    let inputs = vec![link(1, 1, "101"), link(1, 1, "202")];
    assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![false, true], 1));
}

#[tokio::test]
async fn an_answer_that_lists_every_input_costs_one_request_whatever_its_spelling_and_inverses() {
    for (asked, listed, inverse) in [("owner", "OWNER", "owned_by"), ("7", "owner", "owned_by"), ("owner", "7", "107")]
    {
        // Both directions of one pair, which the others tell apart.
        let ends = [(1, 5), (5, 1), (2, 6), (3, 6)];
        let results: Vec<_> =
            ends.iter().flat_map(|&(from, to)| [made(to, from, inverse), made(from, to, listed)]).collect();
        let (server, lines) = first(201, &answer("COMPLETE", &results, 0, &[])).await;
        let inputs = ends.map(|(from, to)| link(from, to, asked)).to_vec();
        assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![true; 4], 1), "{listed}");
    }
}

#[tokio::test]
async fn a_success_that_says_nothing_of_an_input_has_it_asked_for_again_alone() {
    let (one, two) = ([made(1, 1, "owner")], [made(1, 1, "owner"), made(2, 1, "owner")]);
    let stranger = [made(8, 8, "owner")];
    // As many results as inputs, of which the second is of another.
    let others = [made(9, 1, "owner"), made(2, 9, "owner"), made(2, 1, "other"), made(1, 1, "owner")];
    let [client, object, kind, again] = others.map(|other| [made(1, 1, "owner"), other]);
    let other_order = [made(2, 1, "owner"), made(1, 1, "owner")];
    for (status, body, requests) in [
        (201, answer("COMPLETE", &[], 0, &[]), 3),
        (201, answer("COMPLETE", &one, 0, &[]), 2),
        (201, answer("COMPLETE", &one, 2, &[]), 2),
        (201, answer("COMPLETE", &stranger, 0, &[]), 3),
        (201, answer("COMPLETE", &client, 0, &[]), 2),
        (201, answer("COMPLETE", &object, 0, &[]), 2),
        (201, answer("COMPLETE", &kind, 0, &[]), 2),
        (201, answer("COMPLETE", &again, 0, &[]), 2),
        (201, answer("COMPLETE", &other_order, 0, &[]), 1),
        (201, answer("PENDING", &two, 0, &[]), 3),
        (201, answer("PROCESSING", &two, 0, &[]), 3),
        (200, answer("CANCELED", &two, 0, &[]), 3),
        (202, answer("COMPLETE", &two, 0, &[]), 3),
        (201, String::new(), 3),
        (200, "<html>".to_owned(), 3),
        (201, answer("COMPLETE", &two, 0, &[]), 1),
    ] {
        let (server, lines) = first(status, &body).await;
        let inputs = vec![link(1, 1, "owner"), link(2, 1, "owner")];
        let told = outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await;
        assert_eq!(told, (vec![true, true], requests), "{status} {body}");
    }
}

#[tokio::test]
async fn a_batch_of_removals_is_done_by_an_empty_204_and_otherwise_by_what_its_answer_says() {
    let inputs = || (1..=3).map(|from| link(from, 1, "owner"));
    let (server, lines) = first(200, &answer("COMPLETE", &[made(1, 1, "owner")], 1, &[named(2, 1)])).await;
    let outcomes = all(client_at(&server.base_url, "t").dissociate_many(inputs())).await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.result.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(outcomes[1].result.as_ref().unwrap_err().message(), "no");
    assert!(lines.lock().unwrap()[1].starts_with("DELETE") && lines.lock().unwrap().len() == 2);

    for (status, body, requests) in [(204, "", 1), (200, "", 4), (200, "{}", 4), (202, "", 4)] {
        let (server, lines) = first(status, body).await;
        let outcomes = all(client_at(&server.base_url, "t").dissociate_many(inputs())).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{status} {body}");
        assert_eq!(lines.lock().unwrap().len(), requests, "{status} {body}");
    }
}

#[tokio::test]
async fn a_server_that_answers_everything_with_a_page_is_asked_twice() {
    let server = RawServer::answering(http(200, "text/html", "<html>welcome</html>")).await;
    let client = client_at(&server.base_url, "t");
    let inputs = || (1..=100).map(|from| link(from, 1, "owner"));
    for (bulk, requests) in [(client.associate_many(inputs()), 2), (client.dissociate_many(inputs()), 4)] {
        for outcome in all(bulk).await {
            let error = outcome.result.unwrap_err();
            assert!(error.is_decode() && error.status() == Some(200), "{error}");
        }
        assert_eq!(server.received().len(), requests);
    }
}

#[tokio::test]
async fn a_page_that_refuses_a_batch_is_not_asked_about_its_inputs() {
    for status in [400, 404, 409] {
        let server = RawServer::answering(http(status, "text/html", "<html>no</html>")).await;
        let inputs = (1..=100).map(|from| link(from, 1, "owner"));
        let outcomes = all(client_at(&server.base_url, "t").associate_many(inputs)).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.as_ref().unwrap_err().status() == Some(status)));
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn the_same_association_is_sent_once_however_it_is_spelt() {
    let (server, lines) = first(201, &answer("COMPLETE", &[made(512, 9001, "owner")], 0, &[])).await;
    let spelt = [("512", "9001", "owner"), ("0512", "009001", "OWNER"), ("512", "9001", "Owner")];
    let inputs = spelt.map(|(from, to, kind)| Association::new(from, "companies", to, kind)).to_vec();
    assert!(inputs.iter().all(|input| input.as_ref().unwrap().to_object_id.as_str() == "9001"));
    assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![true; 3], 1));
}

#[tokio::test]
async fn a_batch_that_is_refused_costs_no_more_for_its_duplicates() {
    let refusal = r#"{"message":"bad","category":"VALIDATION_ERROR","correlationId":"c"}"#;
    let server = RawServer::json(400, refusal).await;
    let inputs = (0..2_000).map(|place| link(place % 4 + 1, 1, "owner"));
    let outcomes = all(client_at(&server.base_url, "t").associate_many(inputs)).await;
    assert!(outcomes.len() == 2_000 && outcomes.iter().all(|outcome| outcome.result.is_err()));
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn an_input_that_hubspot_did_not_get_to_in_a_batch_is_sent_again() {
    for category in ["RATE_LIMITS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"] {
        let error = json!({"status": "error", "category": category, "message": "not now",
            "context": {"fromObjectId": ["2"], "toObjectId": ["1"]}});
        let (server, lines) = first(207, &answer("COMPLETE", &[made(1, 1, "owner")], 1, &[error])).await;
        let inputs = vec![link(1, 1, "owner"), link(2, 1, "owner")];
        assert_eq!(outcomes(&client_at(&server.base_url, "t"), &lines, inputs).await, (vec![true, true], 2));
    }
}

/// Of a batch whose last input is under way alone when the run is stopped.
#[tokio::test]
async fn what_a_batch_was_told_of_its_inputs_counts_before_all_have_an_outcome() {
    let told = reply(207, &answer("COMPLETE", &[made(1, 1, "owner")], 1, &[named(2, 1)]));
    let server = RawServer::start(move |mut stream, number| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            if number > 0 {
                return say_nothing(stream).await;
            }
            let _ = stream.write_all(told.as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let inputs = (1..=3).map(|client| link(client, 1, "owner"));
    let mut outcomes = client_at(&server.base_url, "t").associate_many(inputs).outcomes();
    let alone = async {
        while server.accepted() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        outcome = outcomes.next() => panic!("{outcome:?}"),
        () = alone => {}
    }
    let is_unchanged = outcomes.stop();
    assert_eq!([0, 1, 2].map(is_unchanged), [false, true, false], "made, refused, and unknown");
}

/// As a failure of HubSpot's own that has a status.
#[tokio::test]
async fn a_fault_of_hubspots_inside_a_batch_is_told_as_one() {
    let error = json!({"status": "error", "category": "INTERNAL_ERROR", "message": "an internal error occurred",
        "context": {"ids": ["1"]}});
    let server = RawServer::json(207, &answer("COMPLETE", &[], 1, &[error])).await;
    let client = client_at(&server.base_url, "t");
    let updated = client.batch_update([Update::of(1).set("name", "x")]).send().await.remove(0).unwrap_err();
    let read = client.batch_read([1]).send().await.remove(0).unwrap_err();
    for error in [updated, read] {
        assert_eq!((error.kind(), error.status(), error.is_retryable()), (ErrorKind::Server, None, true), "{error}");
        assert!(!error.remedy().contains("Correct the request"), "{}", error.remedy());
    }
}
