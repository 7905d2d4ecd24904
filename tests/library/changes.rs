//! Streams of changes that a search finds late, and of results that cannot be read.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{Client, Cursor};
use serde_json::{Value, json};

use crate::{hostile_pages::serve, support::RawServer};

const MINUTE: i64 = 60_000;
const NOON: i64 = 1_700_000_000_000;

/// Ids and times of change of what a search finds; an id of 0 cannot be read.
type Index = Arc<Mutex<Vec<(u64, i64)>>>;

/// A search that gives so many results a page, without a cursor.
async fn crm(most: usize, found: &[(u64, i64)]) -> (Index, RawServer, Client) {
    let index = Arc::new(Mutex::new(found.to_vec()));
    let shared = Arc::clone(&index);
    let (server, client) = serve(move |_, body| search(&shared.lock().unwrap(), most, body)).await;
    (index, server, client)
}

fn search(index: &[(u64, i64)], most: usize, body: &Value) -> Value {
    let filters: Vec<_> = body["filterGroups"][0]["filters"].as_array().unwrap().iter().collect();
    let matches = |&&(id, changed): &&(u64, i64)| {
        filters.iter().all(|filter| {
            let value = if filter["propertyName"] == "hs_object_id" { id as i64 } else { changed };
            let wanted: i64 = filter["value"].as_str().unwrap().parse().unwrap();
            match filter["operator"].as_str().unwrap() {
                "GTE" => value >= wanted,
                "EQ" => value == wanted,
                // It has an id, which does not show.
                _ => id == 0 || value > wanted,
            }
        })
    };
    let mut found: Vec<_> = index.iter().filter(matches).copied().collect();
    found.sort_by_key(|&(id, changed)| (changed, id));
    let object = |&(id, changed): &(u64, i64)| {
        let id = (id > 0).then(|| id.to_string());
        json!({"id": id, "updatedAt": DateTime::from_timestamp_millis(changed).unwrap()})
    };
    let results: Vec<_> = found.iter().take(most).map(object).collect();
    json!({"total": found.len(), "results": results})
}

fn at(time: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time).unwrap()
}

/// What a stream gives to its end, and its cursor then, as it is kept.
async fn rest(client: &Client, since: i64, cursor: &Cursor) -> (Vec<u64>, Cursor) {
    let mut items = client.changed_since(at(since)).after(cursor).items();
    let given: Vec<_> = items.by_ref().map_ok(|item| item.id.parse::<u64>().unwrap()).try_collect().await.unwrap();
    (given, serde_json::from_str(&serde_json::to_string(&items.cursor()).unwrap()).unwrap())
}

#[tokio::test]
async fn what_a_search_finds_late_is_not_missed_by_a_stream_that_was_resumed() {
    let early: Vec<_> = (1..=5).map(|id| (id, NOON - 1_000 * (6 - id as i64))).collect();
    let same: Vec<_> = (1..=5).map(|id| (id, NOON)).collect();
    // The time that a stream is built with says nothing of its cursor.
    for since in [0, NOON - MINUTE, NOON + MINUTE] {
        for found in [&early, &same] {
            for taken in 1..=3 {
                for are_gone in [false, true] {
                    let case = format!("since {since}, {found:?}, {taken} pages, gone: {are_gone}");
                    let (index, _server, client) = crm(2, found).await;
                    let mut pages = client.changed_since(at(0)).pages();
                    for _ in 0..taken {
                        pages.try_next().await.unwrap();
                    }
                    let cursor = pages.cursor();
                    if are_gone {
                        index.lock().unwrap().clear();
                    }
                    let (_, end) = rest(&client, since, &cursor).await;
                    index.lock().unwrap().push((9, NOON - 30_000));
                    let (given, _) = rest(&client, since, &end).await;
                    assert!(given.contains(&9), "{case}: {given:?}, {cursor:?}, {end:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_end_of_a_stream_stays_where_nothing_changes_and_comes_before_no_time_it_was_built_with() {
    let (index, _server, client) = crm(2, &[(1, NOON), (2, NOON + 5), (3, NOON + MINUTE)]).await;
    let (given, end) = rest(&client, NOON + 2, &Cursor::Start).await;
    assert_eq!(given, [2, 3]);
    for is_empty in [false, false, true, true] {
        if is_empty {
            index.lock().unwrap().clear();
        }
        let (given, again) = rest(&client, NOON + 2, &end).await;
        assert_eq!((given.len(), &again), (if is_empty { 0 } else { 2 }, &end));
    }
    // Nothing was there from the start.
    let (_, none) = rest(&client, NOON, &Cursor::Start).await;
    let (_, again) = rest(&client, NOON, &none).await;
    assert_eq!(again, none);
    index.lock().unwrap().push((4, NOON));
    assert_eq!(rest(&client, NOON, &again).await.0, [4]);
}

#[tokio::test]
async fn results_that_cannot_be_read_at_the_end_of_a_search_end_no_stream() {
    let (_index, server, client) = crm(200, &[(1, NOON), (2, NOON + 1), (0, NOON + 2)]).await;
    let sorted = client
        .search()
        .sort_ascending("hs_lastmodifieddate")
        .limit(10)
        .filter(hubspot_partner_clients::filter("hs_object_id").gt(0));
    for mut items in [client.search().items(), sorted.items(), client.changed_since(at(0)).items()] {
        let before = server.accepted();
        let given: Vec<_> = items.by_ref().map_ok(|item| item.id).try_collect().await.unwrap();
        assert_eq!((given.len(), items.left_out(), server.accepted() - before), (2, 1, 1), "{given:?}");
    }

    // A millisecond of more than a page, and only what cannot be read behind it.
    let mut found: Vec<_> = (1..=3).map(|id| (id, NOON)).collect();
    found.push((0, NOON + 1));
    let (index, _server, client) = crm(2, &found).await;
    let (given, end) = rest(&client, 0, &Cursor::Start).await;
    assert_eq!(given, [1, 2, 3]);
    index.lock().unwrap().push((4, NOON + 2));
    assert_eq!(rest(&client, 0, &end).await.0, [1, 2, 3, 4]);
    // But where nothing at all can be read, that is told.
    let (_index, _server, client) = crm(2, &[(0, NOON)]).await;
    let error = client.changed_since(at(0)).items().try_next().await.unwrap_err();
    assert!(error.is_decode(), "{error}");
}
