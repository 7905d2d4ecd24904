//! Requests of any kind: none breaks the simulator, and each answer is one that HubSpot could give.

use hubspot_simulator::Simulator;
use reqwest::Method;
use serde_json::{Value, json};

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

const FAMILIES: [&str; 9] = [
    "/crm/v3/objects",
    "/crm/v4/objects",
    "/crm/objects/2026-09",
    "/crm/v3/associations",
    "/crm/v4/associations",
    "/crm/associations/2026-03",
    "/crm/objects",
    "/oauth/v3",
    "/__simulator",
];
const SEGMENTS: [&str; 27] = [
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

#[tokio::test]
async fn garbage_is_refused_and_breaks_nothing() {
    let caller = Caller::of(Simulator::builder().keep_requests(10)).await;
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let mut random = Random(7);
    for number in 0..3_000 {
        let mut path = random.of(&FAMILIES).to_owned();
        for _ in 0..random.below(7) {
            path = format!("{path}/{}", random.of(&SEGMENTS));
        }
        path += random.of(&QUERIES);
        let method = methods[random.below(methods.len())].clone();
        let body = value(&mut random, 5);
        let (status, answer) = caller.send(method.clone(), &path, body.clone()).await;
        assert!(status < 500, "{number}: {method} {path} {body}: {status} {answer}");
        if status >= 400 && status != 405 {
            assert!(answer["message"].is_string(), "{number}: {method} {path} {body}: {status} {answer}");
        }
    }
    assert_eq!(caller.get("/crm/v3/objects/partner_clients/512").await.0, 200);
    assert_eq!(caller.simulator.requests().len(), 10);
}
