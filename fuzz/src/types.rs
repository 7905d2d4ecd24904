//! The association types of a dated version, and a text that is to name one of them: the type that is meant is set, with the
//! labels that the two objects have, or nothing is changed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use hubspot_partner_clients::{
    ApiVersion, AssociationDefinition, AssociationType, Client, Error, RateLimit, RetryPolicy,
};
use serde_json::{Value, json};

use super::{
    builder,
    check::{check_error, holds_secret},
    http,
    server::{Received, Server},
};

const CATEGORIES: [&str; 4] = ["HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK"];

/// How many of the types that are listed are set one by one.
const MOST_SET: usize = 3;

/// An association type as HubSpot lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    category: String,
    /// None where it is no number of a type.
    number: Option<i64>,
    label: String,
    /// Whether the two objects have it.
    is_held: bool,
}

type Key = (String, i64);

impl Listed {
    /// A line such as `USER_DEFINED,37,Owner`. The objects have a type whose line begins with a plus sign.
    fn parse(line: &str) -> Self {
        let (is_held, line) = line.strip_prefix('+').map_or((false, line), |line| (true, line));
        let mut parts = line.splitn(3, ',');
        let mut part = || parts.next().unwrap_or_default();
        let category = part();
        let category = CATEGORIES.into_iter().find(|known| !category.is_empty() && known.starts_with(category));
        let category = category.map_or_else(|| line.split(',').next().unwrap_or_default().to_owned(), str::to_owned);
        let number = part().parse().ok().filter(|number| *number > 0);
        Self { category, number, label: part().to_owned(), is_held }
    }

    fn json(&self) -> Value {
        // One that cannot be read is left out.
        let number = self.number.map_or_else(|| json!("?"), Value::from);
        let label = if self.label.is_empty() { Value::Null } else { json!(self.label) };
        json!({"category": self.category, "typeId": number, "label": label})
    }

    fn key(&self) -> Option<Key> {
        self.number.filter(|_| !self.category.trim().is_empty()).map(|number| (self.category.clone(), number))
    }

    fn is_label(&self) -> bool {
        self.category != CATEGORIES[0] || !self.label.trim().is_empty()
    }
}

/// What the documentation of `as_type` says that a text means.
fn meant<'a>(types: &'a [Listed], asked: &str) -> Vec<&'a Listed> {
    let all = |is_meant: &dyn Fn(&Listed) -> bool| -> Vec<&'a Listed> {
        types.iter().filter(|listed| listed.key().is_some() && is_meant(listed)).collect()
    };
    if let Ok(number) = asked.parse::<i64>() {
        return all(&|listed| listed.number == Some(number));
    }
    if let Some((category, number)) = asked.split_once(':')
        && let (Ok(number), Some(category)) =
            (number.parse::<i64>(), CATEGORIES.into_iter().find(|known| known.eq_ignore_ascii_case(category)))
    {
        return all(&|listed| listed.category == category && listed.number == Some(number));
    }
    let text = asked.trim().to_lowercase();
    let label = |listed: &Listed| listed.label.trim().to_lowercase();
    let by_label = all(&|listed| !label(listed).is_empty() && label(listed) == text);
    if !by_label.is_empty() {
        return by_label;
    }
    all(&|listed| !label(listed).is_empty() && label(listed).replace(' ', "_") == text)
}

/// The version, the text that is to name a type, and the types, in lines.
pub fn types(data: &[u8]) {
    let [version, text @ ..] = data else { return };
    let text = String::from_utf8_lossy(text);
    // A user's own values may show.
    if holds_secret(&text) {
        return;
    }
    let mut lines = text.lines();
    let asked = lines.next().unwrap_or_default();
    let types: Vec<Listed> = lines.take(12).map(Listed::parse).collect();
    thread_local! {
        static SERVER: Server = Server::start(false);
    }
    SERVER.with(|server| {
        let sets = Rc::new(RefCell::new(Vec::new()));
        let (listed, told) = (types.clone(), Rc::clone(&sets));
        server.respond(move |request| respond(&listed, request, &mut told.borrow_mut()));
        let version = [ApiVersion::V2026_03, ApiVersion::V2026_09][usize::from(version % 2)];
        // A client keeps the list.
        let client = server.run(async {
            let builder = builder(server).api_version(version).rate_limit(RateLimit::unlimited());
            builder.retry(RetryPolicy::never()).build().unwrap()
        });
        let outcome = set(server, &client, asked);
        check(&types, asked, outcome, &sets.take());
        check_listed(server, &client, &sets);
    });
}

fn set(
    server: &Server,
    client: &Client,
    asked: impl TryInto<AssociationType, Error: Into<Error>>,
) -> Result<(), Error> {
    server.run(async { client.associate(512).with("companies", 9001).as_type(asked).await.map(drop) })
}

fn respond(types: &[Listed], request: &Received, sets: &mut Vec<Vec<Key>>) -> Vec<u8> {
    let held = types.iter().filter(|listed| listed.is_held);
    let answer = match request.method() {
        "GET" if request.target().ends_with("/labels") => {
            json!({"results": Value::from_iter(types.iter().map(Listed::json))})
        }
        "GET" => {
            let held: Vec<_> = held.map(Listed::json).collect();
            let results =
                if held.is_empty() { json!([]) } else { json!([{"toObjectId": 9001, "associationTypes": held}]) };
            json!({"results": results})
        }
        _ => {
            let body: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
            let key = |spec: &Value| {
                (spec["associationCategory"].as_str().unwrap().to_owned(), spec["associationTypeId"].as_i64().unwrap())
            };
            sets.push(body.iter().map(key).collect());
            json!({"fromObjectId": 512, "toObjectId": 9001, "labels": []})
        }
    };
    http(200, "content-type: application/json\r\n", answer.to_string().as_bytes())
}

fn check(types: &[Listed], asked: &str, outcome: Result<(), Error>, sets: &[Vec<Key>]) {
    let Ok(given) = AssociationType::new(asked) else {
        assert!(outcome.unwrap_err().is_invalid_input() && sets.is_empty());
        return;
    };
    let meant = meant(types, given.as_str());
    let Err(error) = outcome else {
        let [set] = sets else { panic!("{sets:?}") };
        let [only] = meant.as_slice() else { panic!("{given} is {meant:?}") };
        let key = only.key().unwrap();
        let distinct: BTreeSet<_> = set.iter().collect();
        assert_eq!((distinct.len(), set.contains(&key)), (set.len(), true), "{set:?}");
        // A type has the label that it has anywhere.
        let labelled: BTreeSet<Key> = types.iter().filter(|listed| listed.is_label()).filter_map(Listed::key).collect();
        let held: BTreeSet<Key> = types.iter().filter(|listed| listed.is_held).filter_map(Listed::key).collect();
        let expected: BTreeSet<&Key> = held.intersection(&labelled).chain([&key]).collect();
        assert_eq!(distinct, expected, "labels are neither lost nor made");
        return;
    };
    check_error(&error);
    assert!(sets.is_empty(), "nothing is changed: {error}");
    // What the two objects have may not be readable.
    let is_unread = types.iter().any(|listed| listed.is_held && listed.key().is_none());
    assert!(error.is_invalid_input() && meant.len() != 1 || is_unread, "{given} is {meant:?}: {error}");
}

/// Each type that is listed is found by what it is listed as.
fn check_listed(server: &Server, client: &Client, sets: &RefCell<Vec<Vec<Key>>>) {
    let listed = server.run(client.association_types("companies").send()).unwrap();
    let mut count = BTreeMap::new();
    for definition in &listed {
        *count.entry((definition.category.clone(), definition.id.clone())).or_insert(0) += 1;
    }
    let is_exact = |definition: &&AssociationDefinition| {
        // One that is there twice, or that no version of HubSpot's API has, cannot be told.
        let category = definition.category.as_deref().unwrap_or_default();
        count[&(definition.category.clone(), definition.id.clone())] == 1 && CATEGORIES.contains(&category)
    };
    for definition in listed.iter().filter(is_exact).take(MOST_SET) {
        let outcome = set(server, client, AssociationType::from(definition));
        let key = (definition.category.clone().unwrap(), definition.id.as_str().parse().unwrap());
        match (outcome, sets.take().as_slice()) {
            (Ok(()), [set]) => assert!(set.contains(&key), "{set:?}"),
            (Err(error), []) => assert!(!error.is_invalid_input(), "{definition:?}: {error}"),
            other => panic!("{definition:?}: {other:?}"),
        }
    }
}
