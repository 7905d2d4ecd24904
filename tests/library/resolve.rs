//! Objects by what people know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use hubspot_partner_clients::{Client, Error, ErrorKind, ObjectId, Resolved};
use hubspot_simulator::{Fault, Simulator, SimulatorBuilder};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at, client_of, client_speaking, http, tcp::read_request};

fn one(id: &str) -> Resolved {
    Resolved::One(ObjectId::new(id).unwrap())
}

fn several<'a>(ids: impl IntoIterator<Item = &'a str>) -> Resolved {
    Resolved::Several(ids.into_iter().map(|id| ObjectId::new(id).unwrap()).collect())
}

fn crm() -> SimulatorBuilder {
    Simulator::builder()
        .without_seed()
        .unique_property("partner_clients", "code")
        .partner_client("512", [("code", "c-512"), ("hs_client_domain_name", "client.example")])
        .partner_client("513", [("code", "c-513"), ("hs_client_domain_name", "other.example")])
        .object("companies", "9001", [("name", "Acme"), ("domain", "acme.example")])
        .object("companies", "9002", [("name", "ACME"), ("domain", "bücher.example")])
        .object("companies", "9003", [("name", "寿司"), ("domain", "globex.example")])
        .object("contacts", "301", [("email", "ada@acme.example")])
        .object("contacts", "302", [("email", "grace@acme.example")])
}

fn known(outcomes: Vec<Result<Resolved, Error>>) -> Vec<Resolved> {
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|error| panic!("{error:?}"))).collect()
}

fn paths(simulator: &Simulator) -> Vec<String> {
    simulator.requests().into_iter().map(|request| request.path().to_owned()).collect()
}

#[tokio::test]
async fn objects_are_found_by_any_property_in_the_order_asked_in_every_version() {
    for (version, objects) in [("v3", "/crm/v3/objects"), ("2026-09", "/crm/objects/2026-09")] {
        let simulator = crm().start().await.unwrap();
        let client = client_speaking(&simulator, version);
        let keys = [
            ("domain", "globex.example"),
            ("name", "寿司"),
            ("domain", "acme.example"),
            ("domain", "nobody.example"),
            ("name", "acme"),
            ("domain", " Acme.Example "),
            ("domain", "BÜCHER.example"),
            ("hs_object_id", "9002"),
        ];
        let expected = [
            one("9003"),
            one("9003"),
            one("9001"),
            Resolved::None,
            several(["9001", "9002"]),
            one("9001"),
            one("9002"),
            one("9002"),
        ];
        assert_eq!(known(client.resolve("companies", keys).send().await), expected, "{version}");
        let (read, search) = (format!("{objects}/companies/batch/read"), format!("{objects}/companies/search"));
        assert_eq!(paths(&simulator), [&read, &search, &read, &read, &search].map(String::clone), "{version}");
    }
}

#[tokio::test]
async fn a_unique_property_takes_a_batch_read_alone() {
    let simulator = crm().start().await.unwrap();
    let client = client_of(&simulator);
    let addresses = ["Grace@Acme.Example", "nobody@acme.example", "ada@acme.example"].map(|email| ("email", email));
    let expected = [one("302"), Resolved::None, one("301")];
    assert_eq!(known(client.resolve("contacts", addresses).send().await), expected);
    let codes = [("code", "c-513"), ("code", "c-1"), ("hs_client_domain_name", "CLIENT.example")];
    let expected = [one("513"), Resolved::None, one("512")];
    assert_eq!(known(client.resolve("partner_clients", codes).send().await), expected);
    assert_eq!(paths(&simulator).iter().filter(|path| path.ends_with("/search")).count(), 1);
}

#[tokio::test]
async fn a_hundred_keys_share_a_request_and_a_key_is_asked_for_once() {
    let objects = (1..=50).fold(Simulator::builder().without_seed(), |builder, id| {
        let (id, domain, email) = (id.to_string(), format!("c{id}.example"), format!("p{id}@c.example"));
        builder.object("companies", id.clone(), [("domain", domain)]).object("contacts", id, [("email", email)])
    });
    let simulator = objects.start().await.unwrap();
    let client = client_of(&simulator);
    for (object_type, property, value) in [
        ("companies", "domain", (|id| format!("c{id}.example")) as fn(u32) -> String),
        ("contacts", "email", |id| format!("p{id}@c.example")),
    ] {
        simulator.clear_requests();
        // Each of them twice.
        let keys = (1..=10_000).chain(1..=10_000).map(|id| (property, value(id)));
        let outcomes = known(client.resolve(object_type, keys).send().await);
        let expected = |id: usize| if id <= 50 { one(&id.to_string()) } else { Resolved::None };
        assert!(outcomes.iter().enumerate().all(|(at, outcome)| *outcome == expected(at % 10_000 + 1)));
        let requests = simulator.requests().len();
        assert!((100..=102).contains(&requests), "{requests} requests for {property}");
    }
    simulator.clear_requests();
    assert!(client.resolve("companies", [("domain", ""); 0]).send().await.is_empty());
    assert_eq!(simulator.requests().len(), 0);
}

#[tokio::test]
async fn values_of_any_length_keep_within_the_limits_of_a_search() {
    let long = |id: usize| format!("{id}-{}", "ä".repeat(300));
    let objects = (1..=40).fold(Simulator::builder().without_seed(), |builder, id| {
        builder.object("companies", id.to_string(), [("name", long(id))])
    });
    let simulator = objects.start().await.unwrap();
    let client = client_of(&simulator);
    let outcomes = client.resolve("companies", (1..=40).map(|id| ("name", long(id)))).send().await;
    assert_eq!(known(outcomes), (1..=40).map(|id| one(&id.to_string())).collect::<Vec<_>>());
    let too_long = client.resolve("companies", [("name", "x".repeat(3_000)), ("name", long(1))]).send().await;
    assert!(too_long[0].as_ref().is_err_and(Error::is_invalid_input), "{too_long:?}");
    assert_eq!(too_long[1].as_ref().unwrap(), &one("1"));
}

#[tokio::test]
async fn a_value_that_cannot_be_sent_is_refused_and_the_others_are_asked_for() {
    let simulator = crm().start().await.unwrap();
    let client = client_of(&simulator);
    let flag = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
    let keys = [
        ("domain", ""),
        ("", "x"),
        ("domain", "a\u{200b}b"),
        ("domain", "a\nb"),
        ("domain", "acme.example"),
        ("name", &format!("Fan {flag}")),
    ];
    let outcomes = client.resolve("companies", keys).send().await;
    for refused in &outcomes[..4] {
        assert!(refused.as_ref().is_err_and(Error::is_invalid_input), "{refused:?}");
    }
    let message = outcomes[2].as_ref().unwrap_err().message().to_owned();
    assert!(message.contains("\"domain\"") && message.contains("invisible character"), "{message}");
    assert_eq!(outcomes[4].as_ref().unwrap(), &one("9001"));
    outcomes[5].as_ref().unwrap();
    simulator.clear_requests();
    for outcomes in [
        client.resolve("12345", [("domain", "acme.example")]).send().await,
        client.resolve("companies", [("domain", "acme.example")]).concurrency(0).send().await,
    ] {
        assert!(outcomes[0].as_ref().is_err_and(Error::is_invalid_input), "{outcomes:?}");
    }
    assert_eq!(simulator.requests().len(), 0);
}

#[tokio::test]
async fn a_name_with_what_its_script_or_an_emoji_needs_is_looked_up() {
    let names = ["می\u{200c}خواهم", "Café 👩\u{200d}💻", "Herz ❤\u{fe0f}"];
    let builder = (1..)
        .zip(names)
        .fold(crm(), |crm, (id, name): (u32, _)| crm.object("companies", id.to_string(), [("name", name)]));
    let simulator = builder.start().await.unwrap();
    let found = client_of(&simulator).resolve("companies", names.map(|name| ("name", name))).send().await;
    assert_eq!(known(found), [one("1"), one("2"), one("3")]);
}

#[tokio::test]
async fn a_missing_scope_and_an_unknown_type_are_told_for_every_key_after_few_requests() {
    let simulator = crm().token("narrow", ["crm.objects.partner-clients.read"]).start().await.unwrap();
    let keys = || (0..500).map(|id| ("domain", format!("c{id}.example")));
    let narrow = client_at(simulator.base_url(), "narrow");
    let outcomes = narrow.resolve("companies", keys()).send().await;
    let is_scope = |outcome: &Result<_, Error>| {
        let error = outcome.as_ref().unwrap_err();
        error.is_missing_scope() && error.required_scopes().iter().any(|scope| *scope == "crm.objects.companies.read")
    };
    assert_eq!(outcomes.iter().filter(|outcome| is_scope(outcome)).count(), 500, "{:?}", outcomes[0]);
    assert_eq!(simulator.requests().len(), 1);
    simulator.clear_requests();
    let outcomes = client_of(&simulator).resolve("widgets", keys()).send().await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.status() == Some(400))));
    assert_eq!(simulator.requests().len(), 3, "a read, a search, and one for the property alone");
}

#[tokio::test]
async fn a_request_that_fails_leaves_its_own_keys_unknown() {
    let simulator = crm().start().await.unwrap();
    simulator.inject(Fault::script([None, None, Some(Fault::status(503)), None]));
    let keys = (0..300).map(|id| ("domain", format!("c{id}.example")));
    let outcomes = client_of(&simulator).resolve("companies", keys).concurrency(1).send().await;
    let failed = outcomes.iter().filter(|o| o.as_ref().is_err_and(|error| error.status() == Some(503))).count();
    let absent = outcomes.iter().filter(|o| o.as_ref().is_ok_and(|outcome| *outcome == Resolved::None)).count();
    assert_eq!((failed, absent), (100, 200));
}

/// Whichever of the requests it is, the first one or the one that shows how the property is looked up included.
#[tokio::test]
async fn what_one_request_fails_by_is_told_of_no_key_in_another() {
    let simulator = crm().start().await.unwrap();
    let client = client_of(&simulator);
    let long_first = [("name", "A".repeat(3_000)), ("name", "寿司".to_owned())];
    let outcomes = client.resolve("companies", long_first).send().await;
    assert!(outcomes[0].as_ref().is_err_and(Error::is_invalid_input), "{outcomes:?}");
    assert_eq!(outcomes[1].as_ref().unwrap(), &one("9003"));

    // By search, and by batch read.
    let keys = |object_type| match object_type {
        "companies" => ("domain", "globex.example", "9003"),
        _ => ("email", "grace@acme.example", "302"),
    };
    for (object_type, fault) in [
        ("companies", Fault::status(503)),
        ("contacts", Fault::status(503)),
        ("companies", Fault::reset()),
        ("contacts", Fault::status(429)),
        ("contacts", Fault::status(404).as_json()),
    ] {
        let (property, there, id) = keys(object_type);
        for failing in 0..3 {
            simulator.clear_faults();
            simulator.clear_requests();
            let before = (0..failing).map(|_| None);
            simulator.inject(Fault::script(before.chain([Some(fault.clone())])));
            // Its key stands last in their order, and so in the last request.
            let keys = (0..1_000).map(|id| (property, format!("a{id}@c.example")));
            let outcomes =
                client.resolve(object_type, keys.chain([(property, there.to_owned())])).concurrency(2).send().await;
            let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            assert!(failed <= 100, "{object_type} {failing}: {failed}, such as {:?}", outcomes[0]);
            assert_eq!(outcomes[1_000].as_ref().unwrap(), &one(id), "{object_type} {failing}");
            let requests = simulator.requests().len();
            assert!(requests <= 16, "{object_type} {failing}: {requests} requests");
        }
    }
}

#[tokio::test]
async fn what_stops_every_request_is_told_of_the_keys_that_are_left_and_nothing_more_is_sent() {
    let simulator = crm().start().await.unwrap();
    simulator.inject(Fault::script([None, None, Some(Fault::status(401)), Some(Fault::status(401))]));
    let keys = (0..1_000).map(|id| ("domain", format!("c{id:03}.example")));
    let outcomes = client_of(&simulator).resolve("companies", keys).concurrency(1).send().await;
    let refused = outcomes.iter().filter(|outcome| outcome.as_ref().is_err_and(Error::is_unauthorized)).count();
    let absent = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(|found| *found == Resolved::None)).count();
    assert_eq!((absent, refused, simulator.requests().len()), (100, 900, 3));
}

/// A HubSpot whose answers a function makes of paths and bodies, each with a status, and the number of its requests.
async fn serve(
    answer: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static,
) -> (RawServer, Client, Arc<Mutex<usize>>) {
    let (answer, count) = (Arc::new(answer), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&count);
    let server = RawServer::start(move |mut stream, _| {
        let (answer, count) = (Arc::clone(&answer), Arc::clone(&counted));
        async move {
            let request = read_request(&mut stream).await;
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let path = head.split(' ').nth(1).unwrap();
            *count.lock().unwrap() += 1;
            let (status, body) = answer(path, &serde_json::from_str(body).unwrap());
            let _ = stream.write_all(http(status, "application/json", &body.to_string()).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url, "t");
    (server, client, count)
}

fn refusal() -> (u16, Value) {
    (400, json!({"status": "error", "category": "VALIDATION_ERROR", "message": "no"}))
}

/// What a search asks for.
fn asked(search: &Value) -> Vec<String> {
    let values = search["filterGroups"][0]["filters"][0]["values"].as_array().into_iter().flatten();
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// The id behind which a search begins.
fn after(search: &Value) -> u32 {
    search["filterGroups"][0]["filters"][1]["value"].as_str().unwrap_or("0").parse().unwrap()
}

fn company(id: u32, domain: &str) -> Value {
    json!({"id": id.to_string(), "properties": {"domain": domain}, "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z", "archived": false})
}

/// Searches alone are answered, with these companies.
async fn searched(results: Value) -> (RawServer, Client, Arc<Mutex<usize>>) {
    serve(move |path, search| match path.ends_with("/search") {
        true => {
            let behind =
                |company: &&Value| company["id"].as_str().is_none_or(|id| id.parse::<u32>().unwrap() > after(search));
            let results: Vec<_> = results.as_array().unwrap().iter().filter(behind).collect();
            (200, json!({"total": results.len(), "results": results}))
        }
        false => refusal(),
    })
    .await
}

#[tokio::test]
async fn an_answer_with_foreign_objects_or_without_the_property_is_no_answer() {
    let mut silent = company(7, "");
    silent["properties"] = json!({});
    for strange in [company(7, "other.example"), silent, json!({"id": [], "properties": {"domain": "a.example"}})] {
        let (_server, client, requests) = searched(json!([strange.clone(), company(8, "c.example")])).await;
        let keys = ["a.example", "b.example"].map(|domain| ("domain", domain));
        let outcomes = client.resolve("companies", keys).send().await;
        let is_unknown = |outcome: &Result<_, Error>| outcome.as_ref().is_err_and(Error::is_decode);
        assert!(outcomes.iter().all(is_unknown), "{strange}: {outcomes:?}");
        assert!(
            *requests.lock().unwrap() <= 7,
            "a read, a search for both, and one for each, with a page more at most"
        );
    }
}

#[tokio::test]
async fn what_is_sure_in_an_answer_with_foreign_objects_counts() {
    let results = json!([company(3, "A.example"), company(4, "b.example"), company(5, "b.example"), company(7, "z")]);
    let (_server, client, requests) = searched(results).await;
    let keys = ["a.example", "b.example"].map(|domain| ("domain", domain));
    assert_eq!(known(client.resolve("companies", keys).send().await), [one("3"), several(["4", "5"])]);
    assert_eq!(*requests.lock().unwrap(), 2);
}

#[tokio::test]
async fn objects_on_later_pages_are_seen() {
    let (_server, client, _) = serve(|path, search| {
        let behind = after(search);
        let page: Vec<_> =
            (behind + 1..=450).take(200).map(|id| company(id, if id == 449 { "a" } else { "b" })).collect();
        match path.ends_with("/search") {
            true => (200, json!({"total": 450 - behind, "results": page})),
            false => refusal(),
        }
    })
    .await;
    let outcomes = known(client.resolve("companies", [("domain", "a"), ("domain", "b")]).send().await);
    assert_eq!(outcomes[0], one("449"));
    assert!(matches!(&outcomes[1], Resolved::Several(ids) if ids.len() == 449));
}

#[tokio::test]
async fn all_objects_with_a_value_are_told_where_many_values_have_many() {
    // More than five pages hold; the first five have some with each value.
    let builder = (0..1_500).fold(Simulator::builder().without_seed(), |builder, id| {
        builder.object("companies", (id + 1).to_string(), [("domain", format!("c{}.example", id % 10))])
    });
    let simulator = builder.start().await.unwrap();
    let keys = (0..10).map(|domain| ("domain", format!("c{domain}.example")));
    for (domain, outcome) in known(client_of(&simulator).resolve("companies", keys).send().await).iter().enumerate() {
        let ids: Vec<_> = (0..1_500).filter(|id| id % 10 == domain).map(|id| (id + 1).to_string()).collect();
        assert_eq!(*outcome, several(ids.iter().map(String::as_str)), "{domain}");
    }
    assert!(simulator.requests().len() < 20, "{}", simulator.requests().len());
}

#[tokio::test]
async fn a_value_that_hubspot_refuses_spoils_no_other() {
    let (_server, client, _) = serve(|path, search| match path.ends_with("/search") {
        true if asked(search).iter().any(|value| value == "bad") => refusal(),
        true => {
            let found: Vec<_> = asked(search).iter().filter(|value| *value == "a3").map(|a3| company(3, a3)).collect();
            (200, json!({"total": found.len(), "results": found}))
        }
        false => refusal(),
    })
    .await;
    let mut keys: Vec<_> = (0..90).map(|id| ("domain", format!("a{id}"))).collect();
    keys.push(("domain", "bad".to_owned()));
    let outcomes = client.resolve("companies", keys).send().await;
    assert_eq!(outcomes[90].as_ref().unwrap_err().status(), Some(400));
    assert_eq!(outcomes[3].as_ref().unwrap(), &one("3"));
    assert_eq!(outcomes[4].as_ref().unwrap(), &Resolved::None);
}

#[tokio::test]
async fn a_property_that_hubspot_does_not_know_costs_three_requests() {
    let (_server, client, requests) = serve(|_, _| refusal()).await;
    let outcomes = client.resolve("companies", (0..500).map(|id| ("nonsense", id.to_string()))).send().await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.status() == Some(400))));
    assert_eq!(*requests.lock().unwrap(), 3);
}

#[tokio::test]
async fn the_inputs_of_a_batch_read_are_told_apart_by_what_is_said_of_each() {
    let contact = |id: &str, email: &str, further: &str| {
        json!({"id": id, "properties": {"email": email, "hs_additional_emails": further}, "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z", "archived": false})
    };
    let (_server, client, requests) = serve(move |_, body| {
        let inputs: Vec<_> =
            body["inputs"].as_array().unwrap().iter().map(|input| input["id"].as_str().unwrap()).collect();
        let errors = json!([
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["gone@x"]}},
            {"status": "error", "category": "VALIDATION_ERROR", "message": "bad", "context": {"ids": ["bad@x"]}}]);
        let results = match inputs.as_slice() {
            ["foreign@x"] => json!([contact("6", "stranger@x", "")]),
            ["late@x"] => json!([contact("4", "late@x", "")]),
            ["silent@x"] => json!([]),
            _ => json!([
                contact("1", "ada@x", ""),
                contact("2", "new@x", "old@x;older@x"),
                contact("5", "stranger@x", "")
            ]),
        };
        let errors = if inputs.len() > 1 { errors } else { json!([]) };
        (
            207,
            json!({"status": "COMPLETE", "results": results, "numErrors": 2, "errors": errors,
            "startedAt": "2026-01-01T00:00:00Z", "completedAt": "2026-01-01T00:00:00Z"}),
        )
    })
    .await;
    let emails = ["older@x", "gone@x", "bad@x", "ada@x", "foreign@x", "late@x", "silent@x"];
    let outcomes = client.resolve("contacts", emails.map(|email| ("email", email))).send().await;
    assert_eq!(outcomes[0].as_ref().unwrap(), &one("2"), "by an additional address");
    assert_eq!(outcomes[1].as_ref().unwrap(), &Resolved::None);
    let refused = outcomes[2].as_ref().unwrap_err();
    assert_eq!((refused.category(), refused.operation()), (Some("VALIDATION_ERROR"), Some("batch_read_objects")));
    assert_eq!(outcomes[3].as_ref().unwrap(), &one("1"));
    for unknown in [4, 6] {
        assert_eq!(outcomes[unknown].as_ref().unwrap_err().kind(), ErrorKind::NoOutcome, "{unknown}");
    }
    assert_eq!(outcomes[5].as_ref().unwrap(), &one("4"), "once it was asked for alone");
    assert!(*requests.lock().unwrap() <= 6);
}

#[tokio::test]
async fn a_batch_that_is_still_under_way_says_of_nobody_that_it_is_not_there() {
    let (_server, client, _) = serve(|_, _| {
        let error = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "not yet"});
        (
            200,
            json!({"status": "PROCESSING", "results": [], "numErrors": 1, "errors": [error],
            "startedAt": "2026-01-01T00:00:00Z", "completedAt": "2026-01-01T00:00:00Z"}),
        )
    })
    .await;
    let outcomes = client.resolve("contacts", [("email", "a@x")]).send().await;
    assert_eq!(outcomes[0].as_ref().unwrap_err().kind(), ErrorKind::NoOutcome);
}

/// Against a plain model: the objects whose value is the same in any case.
#[tokio::test]
async fn any_objects_are_found_as_a_look_through_all_of_them_would() {
    for seed in 0..8 {
        let mut rng = Rng::with_seed(seed);
        let any_case = |rng: &mut Rng, text: String| -> String {
            text.chars().map(|c| if rng.bool() { c.to_uppercase().next().unwrap() } else { c }).collect()
        };
        let mut model = BTreeMap::<String, BTreeSet<u64>>::new();
        let mut builder = Simulator::builder().without_seed();
        for id in 1..=rng.u64(0..300) {
            let name = format!("firma {} gmbh", rng.u32(0..150));
            model.entry(name.clone()).or_default().insert(id);
            builder = builder.object("companies", id.to_string(), [("name", any_case(&mut rng, name))]);
        }
        let simulator = builder.start().await.unwrap();
        let keys: Vec<_> = (0..rng.usize(1..400))
            .map(|_| {
                let name = format!("firma {} gmbh", rng.u32(0..200));
                ("name", any_case(&mut rng, name))
            })
            .collect();
        let outcomes = known(client_of(&simulator).resolve("company", keys.clone()).send().await);
        for ((_, name), outcome) in keys.iter().zip(outcomes) {
            let ids: Vec<_> = model.get(&name.to_lowercase()).into_iter().flatten().map(u64::to_string).collect();
            let expected = match ids.as_slice() {
                [] => Resolved::None,
                [id] => one(id),
                ids => several(ids.iter().map(String::as_str)),
            };
            assert_eq!(outcome, expected, "seed {seed}: {name}");
        }
    }
}
