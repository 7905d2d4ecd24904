//! Streams over a pager that keeps HubSpot's promises and no more: a page may be short or empty where there is more, and its
//! cursor or its total may be missing or wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use chrono::DateTime;
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{Client, Cursor, Error, Items, PartnerClient};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{RawServer, client_at, http, tcp::read_request};

/// Runs of each model, every one with a seed of its own.
const RUNS: u64 = 15;

/// A server whose answers a function makes of the requests' paths and bodies.
pub async fn serve(answer: impl FnMut(&str, &Value) -> Value + Send + 'static) -> (RawServer, Client) {
    let answer = Arc::new(Mutex::new(answer));
    let server = RawServer::start(move |mut stream, _| {
        let answer = Arc::clone(&answer);
        async move {
            let request = read_request(&mut stream).await;
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let path = head.split(' ').nth(1).unwrap();
            let body = serde_json::from_str(body).unwrap_or_default();
            let answer = (answer.lock().unwrap())(path, &body).to_string();
            let _ = stream.write_all(http(200, "application/json", &answer).as_bytes()).await;
            Some(stream)
        }
    })
    .await;
    let client = client_at(&server.base_url, "t");
    (server, client)
}

#[derive(Clone)]
struct Record {
    id: u64,
    changed: i64,
    /// HubSpot counts it, and never shows it.
    hidden: bool,
    /// It was there from the start, and stays.
    lasting: bool,
}

/// Partner clients and a pager over them.
struct Crm {
    rng: Rng,
    records: Vec<Record>,
    clock: i64,
    /// How many more times something changes.
    changes: u32,
}

impl Crm {
    fn new(seed: u64, changes: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let records = (1..=rng.u64(1..60)).map(|n| Record {
            id: n * 10,
            changed: rng.i64(1_000..1_010),
            hidden: rng.u8(..) < 60,
            lasting: true,
        });
        let records = records.collect();
        Self { rng, records, clock: 2_000, changes }
    }

    fn lasting(&self) -> Vec<u64> {
        self.records.iter().filter(|r| r.lasting && !r.hidden).map(|r| r.id).collect()
    }

    fn change(&mut self) {
        if self.changes == 0 || self.rng.bool() {
            return;
        }
        self.changes -= 1;
        self.clock += if self.rng.u8(..) < 50 { 40_000 } else { self.rng.i64(0..2) };
        let at = self.rng.usize(..self.records.len());
        self.records[at].changed = self.clock;
        let id = self.rng.u64(1..70) * 10 + self.rng.u64(1..10);
        match self.rng.u8(..4) {
            0 if self.records.iter().all(|r| r.id != id) => {
                self.records.push(Record { id, changed: self.clock, hidden: false, lasting: false });
            }
            1 => self.records.retain(|r| r.lasting || r.id < id),
            _ => {}
        }
    }

    fn search(&mut self, body: &Value) -> Value {
        self.change();
        let groups = body["filterGroups"].as_array().into_iter().flatten();
        let filters: Vec<&Value> = groups.flat_map(|group| group["filters"].as_array().unwrap()).collect();
        let property =
            |record: &Record, name: &str| if name == "hs_object_id" { record.id as i64 } else { record.changed };
        let matches = |record: &&Record| {
            filters.iter().all(|filter| {
                let (value, wanted) =
                    (property(record, filter["propertyName"].as_str().unwrap()), filter["value"].as_str().unwrap());
                let wanted: i64 = wanted.parse().unwrap();
                match filter["operator"].as_str().unwrap() {
                    "GT" => value > wanted,
                    "GTE" => value >= wanted,
                    "EQ" => value == wanted,
                    other => panic!("{other}"),
                }
            })
        };
        let sort = body["sorts"][0]["propertyName"].as_str().unwrap();
        let mut found: Vec<Record> = self.records.iter().filter(matches).cloned().collect();
        found.sort_by_key(|record| (property(record, sort), record.id));
        let start: usize = body["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let limit = body["limit"].as_u64().unwrap() as usize;
        // Now and then more than was asked for.
        let taken = self.rng.usize(1..=limit.min(6)) + if self.rng.u8(..) < 30 { limit } else { 0 };
        let end = (start + taken).min(found.len());
        let page = found.get(start..end).unwrap_or_default();
        let results: Vec<Value> = page.iter().filter(|record| !record.hidden).map(object).collect();
        let more = end < found.len();
        let mut answer = json!({"results": results});
        // Where there is more, an empty page says so by a cursor; any other one may leave it open.
        if more && (results.is_empty() || self.rng.bool()) || !more && self.rng.u8(..) < 30 {
            let after = start + taken;
            let after = if self.rng.bool() { json!(after) } else { json!(after.to_string()) };
            answer["paging"] = json!({"next": {"after": after}});
        }
        match self.rng.u8(..5) {
            0 => {}
            1 if answer.get("paging").is_some() => answer["total"] = json!(0),
            2 => answer["total"] = json!(found.len() + 7),
            _ => answer["total"] = json!(found.len()),
        }
        answer
    }
}

fn object(record: &Record) -> Value {
    let changed = DateTime::from_timestamp_millis(record.changed).unwrap();
    json!({"id": record.id.to_string(), "createdAt": changed, "updatedAt": changed,
        "properties": {"hs_lastmodifieddate": changed}})
}

async fn crm(seed: u64, changes: u32) -> (Arc<Mutex<Crm>>, RawServer, Client) {
    let crm = Arc::new(Mutex::new(Crm::new(seed, changes)));
    let shared = Arc::clone(&crm);
    let (server, client) = serve(move |_, body| shared.lock().unwrap().search(body)).await;
    (crm, server, client)
}

fn id(found: &PartnerClient) -> u64 {
    found.id.parse().unwrap()
}

/// The items of a stream that is given up now and then, and started again from its cursor as a file would keep it.
async fn interrupted(rng: &mut Rng, start: impl Fn(Cursor) -> Items<PartnerClient>) -> Vec<PartnerClient> {
    let (mut all, mut items) = (Vec::new(), start(Cursor::Start));
    while let Some(item) = items.try_next().await.unwrap() {
        all.push(item);
        if rng.u8(..) < 30 {
            let kept = serde_json::to_string(&items.cursor()).unwrap();
            items = start(serde_json::from_str(&kept).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn a_walk_gives_each_partner_client_that_stays_exactly_once() {
    for seed in 0..RUNS {
        let (crm, _server, client) = crm(seed, 20).await;
        let lasting = crm.lock().unwrap().lasting();
        let found: Vec<_> = client.search().page_size(5).items().try_collect().await.unwrap();
        let found: Vec<u64> = found.iter().map(id).collect();
        assert!(found.is_sorted_by(|a, b| a < b), "seed {seed}: {found:?}");
        let found: BTreeSet<u64> = found.into_iter().collect();
        assert!(lasting.iter().all(|id| found.contains(id)), "seed {seed}: {lasting:?} in {found:?}");

        let again =
            interrupted(&mut Rng::with_seed(seed), |cursor| client.search().page_size(5).after(cursor).items()).await;
        let again: BTreeSet<u64> = again.iter().map(id).collect();
        assert!(lasting.iter().all(|id| again.contains(id)), "seed {seed}: {lasting:?} in {again:?}");
    }
}

#[tokio::test]
async fn a_sorted_stream_gives_each_exactly_once_and_no_more_than_its_limit() {
    for seed in 0..RUNS {
        let (crm, _server, client) = crm(seed, 0).await;
        let mut lasting = crm.lock().unwrap().records.clone();
        lasting.retain(|record| !record.hidden);
        lasting.sort_by_key(|record| (record.changed, record.id));
        let lasting: Vec<u64> = lasting.iter().map(|record| record.id).collect();
        let sorted = client.search().sort_ascending("hs_lastmodifieddate").page_size(5);
        for limit in [1, 7, 10_000] {
            let found: Vec<_> = sorted.clone().limit(limit).items().try_collect().await.unwrap();
            let found: Vec<u64> = found.iter().map(id).collect();
            assert_eq!(found[..], lasting[..lasting.len().min(limit as usize)], "seed {seed}, limit {limit}");
        }
    }
}

#[tokio::test]
async fn a_mirror_of_changes_ends_as_the_crm_is() {
    for seed in 0..RUNS {
        let (crm, _server, client) = crm(seed, 30).await;
        let mut mirror = BTreeMap::new();
        let mut changed = client.changed_since(DateTime::UNIX_EPOCH).items();
        let mut versions = BTreeSet::new();
        while let Some(found) = changed.try_next().await.unwrap() {
            assert!(versions.insert((id(&found), found.updated_at)), "seed {seed}: {} twice", found.id);
            mirror.insert(id(&found), found.updated_at);
        }
        // Later runs, and runs that are given up, go on from the cursor.
        let cursor = changed.cursor();
        crm.lock().unwrap().changes = 10;
        let since = client.changed_since(DateTime::UNIX_EPOCH);
        let mut rng = Rng::with_seed(seed);
        let later = interrupted(&mut rng, |at| {
            let at = if at.is_start() { cursor.clone() } else { at };
            since.clone().after(at).items()
        });
        mirror.extend(later.await.iter().map(|found| (id(found), found.updated_at)));
        crm.lock().unwrap().changes = 0;
        let rest: Vec<_> = since.clone().after(cursor).items().try_collect().await.unwrap();
        mirror.extend(rest.iter().map(|found| (id(found), found.updated_at)));
        for record in crm.lock().unwrap().records.iter().filter(|record| !record.hidden) {
            let changed = DateTime::from_timestamp_millis(record.changed);
            assert_eq!(mirror.get(&record.id), Some(&changed), "seed {seed}: {}", record.id);
        }
    }
}

#[tokio::test]
async fn a_short_or_empty_page_with_a_cursor_is_not_the_last() {
    let all: Vec<Record> = (1..=450)
        .map(|id| Record { id, changed: 1_000, hidden: id == 77 || id > 200 && id <= 400, lasting: true })
        .collect();
    let visible: Vec<u64> = all.iter().filter(|record| !record.hidden).map(|record| record.id).collect();
    let (_server, client) = serve(move |path, body| {
        let start: usize = match body["after"].as_str() {
            Some(after) => after.parse().unwrap(),
            None => {
                path.split(['?', '&']).find_map(|pair| pair.strip_prefix("after=")).map_or(0, |n| n.parse().unwrap())
            }
        };
        let after = body["filterGroups"][0]["filters"][0]["value"].as_str().map_or(0, |id| id.parse().unwrap());
        let found: Vec<_> = all.iter().filter(|record| record.id > after).collect();
        let page = &found[start.min(found.len())..(start + 200).min(found.len())];
        let results: Vec<_> = page
            .iter()
            .filter(|r| !r.hidden)
            .map(|r| if path.contains("associations") { json!({"id": r.id, "type": "t"}) } else { object(r) })
            .collect();
        let mut answer = json!({"results": results, "total": found.len()});
        if start + 200 < found.len() {
            answer["paging"] = json!({"next": {"after": (start + 200).to_string()}});
        }
        answer
    })
    .await;
    let searched: Vec<_> = client.search().items().map_ok(|found| id(&found)).try_collect().await.unwrap();
    assert_eq!(searched, visible);
    let sorted = client.search().sort_ascending("name").limit(10_000);
    assert_eq!(sorted.items().map_ok(|found| id(&found)).try_collect::<Vec<_>>().await.unwrap(), visible);
    let listed: Vec<_> = client.list().items().map_ok(|found| id(&found)).try_collect().await.unwrap();
    assert_eq!(listed, visible);
    let associated = client.associations(512, "companies").items();
    let associated: Vec<u64> =
        associated.map_ok(|found| found.id.as_str().parse::<u64>().unwrap()).try_collect().await.unwrap();
    assert_eq!(associated, visible);
}

#[tokio::test]
async fn pages_that_never_end_end_in_an_error_and_the_stream_can_be_resumed() {
    let mut page = 0;
    let (_server, client) = serve(move |_, _| {
        page += 1;
        json!({"results": [], "total": 450, "paging": {"next": {"after": page.to_string()}}})
    })
    .await;
    let endless = |error: &Error| error.is_decode() && error.message().contains("100 empty pages in a row");
    let mut listed = client.list().items();
    let error = listed.try_next().await.unwrap_err();
    assert!(endless(&error), "{error}");
    assert_eq!(listed.cursor().place(), Some("100"));
    assert!(listed.next().await.is_none());
    for search in [client.search().items(), client.changed_since(DateTime::UNIX_EPOCH).items()] {
        let error = search.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(endless(&error), "{error}");
    }
    let sorted = client.search().sort_descending("name").limit(10_000).items();
    let error = sorted.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(endless(&error) || error.message().contains("cursor"), "{error}");
}

#[tokio::test]
async fn an_order_that_was_not_asked_for_is_told_before_anything_is_missed() {
    let shuffled = |records: &mut Vec<Record>| Rng::with_seed(7).shuffle(records);
    for order in [|records: &mut Vec<Record>| records.reverse(), shuffled] {
        for (count, is_whole) in [(450, false), (150, true)] {
            let mut all: Vec<Record> =
                (1..=count).map(|id| Record { id, changed: 1_000 + id as i64, hidden: false, lasting: true }).collect();
            order(&mut all);
            let (_server, client) = serve(move |_, body| {
                let filter = &body["filterGroups"][0]["filters"][0];
                let least: i64 = filter["value"].as_str().unwrap().parse().unwrap();
                let matches = |record: &&Record| match filter["operator"].as_str().unwrap() {
                    "GT" => record.id as i64 > least,
                    _ => record.changed >= least,
                };
                let found: Vec<Value> = all.iter().filter(matches).map(object).collect();
                json!({"results": found[..found.len().min(200)], "total": found.len()})
            })
            .await;
            for mut items in [client.search().items(), client.changed_since(DateTime::UNIX_EPOCH).items()] {
                let mut found = BTreeSet::new();
                let end = loop {
                    match items.try_next().await {
                        Ok(Some(item)) => assert!(found.insert(id(&item))),
                        end => break end,
                    }
                };
                match end {
                    Ok(_) => assert!(is_whole && found.len() == 150),
                    Err(error) => assert!(!is_whole && error.message().contains("not in the order of"), "{error}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_which_nothing_can_be_read_ends_no_walk() {
    let odd = |after: &str| json!({"results": [{"name": "no id"}], "total": 3, "paging": {"next": {"after": after}}});
    let (_server, client) = serve(move |_, body| match body["after"].as_str() {
        None if body["filterGroups"][0]["filters"][0]["value"] == "0" => odd("1"),
        Some("1") => json!({"results": [{"id": "7"}], "total": 3, "paging": {"next": {"after": "2"}}}),
        _ => json!({"results": [{"name": "no id"}, {"name": "neither"}], "total": 2}),
    })
    .await;
    let mut items = client.search().items();
    assert_eq!(items.try_next().await.unwrap().unwrap().id, "7");
    assert_eq!(items.left_out(), 1);
    let error = items.try_next().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("none of the 2 entries of the response can be read"),
        "{error}"
    );
    assert_eq!((error.operation(), items.cursor().place()), (Some("search"), Some("7")));
}

#[tokio::test]
async fn a_total_that_lies_keeps_no_stream_going() {
    let (_server, client) = serve(|_, body| {
        let first = body["filterGroups"][0]["filters"][0]["value"] == "0" && body["after"].is_null();
        let record = Record { id: 7, changed: 1_000, hidden: false, lasting: true };
        json!({"results": if first { vec![object(&record)] } else { vec![] }, "total": 450})
    })
    .await;
    let found: Vec<_> = client.search().items().try_collect().await.unwrap();
    assert_eq!(found.len(), 1);
}
