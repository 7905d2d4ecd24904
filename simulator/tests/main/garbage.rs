//! Requests of any kind: none breaks the simulator, and each answer is one that HubSpot could give.

use hubspot_simulator::Simulator;
use reqwest::Method;
use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::program::Served;
use crate::support::Caller;

/// Steele, Lea and Flood's generator, so that a failure repeats itself.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const FAMILIES: [&str; 11] = [
    "/crm/v3/objects",
    "/crm/v4/objects",
    "/crm/objects/2026-09",
    "/crm/v3/associations",
    "/crm/v4/associations",
    "/crm/associations/2026-03",
    "/crm/objects",
    "/oauth/v3",
    "/oauth/v1",
    "/account-info/v3",
    "/__simulator",
];
const SEGMENTS: [&str; 30] = [
    "partner_clients",
    "companies",
    "contacts",
    "0-2",
    "0-9999",
    "2-1",
    "512",
    "9001",
    "%00",
    "%F0%9F%98%80",
    "%2e%2e",
    "batch",
    "read",
    "create",
    "update",
    "upsert",
    "archive",
    "labels",
    "associate",
    "default",
    "associations",
    "types",
    "search",
    "1001",
    "18446744073709551615",
    "token",
    "requests",
    "access-tokens",
    "introspect",
    "details",
];
const QUERIES: [&str; 8] = [
    "",
    "?limit=0",
    "?limit=99999999999999999999",
    "?after=%25",
    "?archived=maybe",
    "?idProperty=x&properties=,,",
    "?associations=companies,deals",
    "?propertiesWithHistory=name&limit=50",
];

fn value(random: &mut Random, depth: usize) -> Value {
    let scalars = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!("512"),
        json!("9001"),
        json!("\u{0}é"),
        json!({}),
        json!([]),
    ];
    if depth == 0 || random.below(3) == 0 {
        return scalars[random.below(scalars.len())].clone();
    }
    let names = [
        "inputs",
        "id",
        "from",
        "to",
        "type",
        "types",
        "properties",
        "associationCategory",
        "associationTypeId",
        "filterGroups",
        "filters",
        "operator",
        "propertyName",
        "value",
        "values",
        "highValue",
        "sorts",
        "after",
        "limit",
        "query",
        "idProperty",
        "associations",
        "name",
    ];
    if random.below(3) == 0 {
        return (0..random.below(4)).map(|_| value(random, depth - 1)).collect();
    }
    let members = (0..random.below(6)).map(|_| (random.of(&names).to_owned(), value(random, depth - 1)));
    Value::Object(members.collect())
}

/// A method, path and body of any kind.
fn request(random: &mut Random) -> (Method, String, Value) {
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let mut path = random.of(&FAMILIES).to_owned();
    for _ in 0..random.below(7) {
        path = format!("{path}/{}", random.of(&SEGMENTS));
    }
    path += random.of(&QUERIES);
    (methods[random.below(methods.len())].clone(), path, value(random, 5))
}

/// Whether an answer is one that HubSpot could give.
fn is_possible(status: u16, answer: &Value) -> bool {
    status < 500 && (status < 400 || status == 405 || answer["message"].is_string())
}

#[tokio::test]
async fn garbage_is_refused_and_breaks_nothing() {
    let caller = Caller::of(Simulator::builder().keep_requests(10)).await;
    let mut random = Random(7);
    for number in 0..3_000 {
        let (method, path, body) = request(&mut random);
        let (status, answer) = caller.send(method.clone(), &path, body.clone()).await;
        assert!(is_possible(status, &answer), "{number}: {method} {path} {body}: {status} {answer}");
    }
    assert_eq!(caller.get("/crm/v3/objects/partner_clients/512").await.0, 200);
    assert_eq!(caller.simulator.requests().len(), 10);
}

/// The memory that a process holds, in MiB.
#[cfg(target_os = "linux")]
fn memory(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn thirty_thousand_requests_of_garbage_leave_the_program_alive_and_no_larger() {
    let served = Served::by(&["--quiet"]);
    let http = reqwest::Client::new();
    let mut held = Vec::new();
    for round in 0..6 {
        let tasks = (0..4).map(|task| {
            let (http, url, token) = (http.clone(), served.base_url.clone(), served.token.clone());
            tokio::spawn(async move {
                let mut random = Random(100 * round + task);
                for _ in 0..1_250 {
                    let (method, path, body) = request(&mut random);
                    let answer = http.request(method.clone(), format!("{url}{path}")).bearer_auth(&token).json(&body);
                    let answer = answer.send().await.unwrap();
                    let (status, text) = (answer.status().as_u16(), answer.bytes().await.unwrap());
                    let json = serde_json::from_slice(&text).unwrap_or_default();
                    assert!(is_possible(status, &json), "{method} {path} {body}: {status} {json}");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        held.push(memory(served.process()));
    }
    assert_eq!(served.get("/crm/v3/objects/contacts/301").await.0, 200);
    assert!(held[5] <= held[1] + 4, "MiB after each 5,000: {held:?}");
}
