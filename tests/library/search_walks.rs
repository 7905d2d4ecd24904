//! Streams of search results against the simulator.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{Client, Cursor, PartnerClient, filter};
use hubspot_simulator::Simulator;

use crate::support::{client_of, sized};

async fn hubspot(clients: usize) -> (Simulator, Client) {
    let seed = (1..=clients).map(|id| {
        let group = if id % 2 == 0 { "even" } else { "odd" };
        (id.to_string(), [("name", format!("Client {id}")), ("group", group.to_owned())])
    });
    let simulator = Simulator::builder().without_seed().partner_clients(seed).start().await.unwrap();
    let client = client_of(&simulator);
    (simulator, client)
}

fn ids(found: &[PartnerClient]) -> Vec<usize> {
    found.iter().map(|object| object.id.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_search_finds_by_filters_and_text_and_tells_how_many() {
    let (_simulator, client) = hubspot(300).await;
    let page = client.search().filter(filter("group").eq("odd")).page_size(10).await.unwrap();
    assert_eq!((page.total, page.results.len()), (Some(150), 10));
    let found: Vec<_> = client
        .search()
        .filter(filter("hs_object_id").between(10, 20))
        .filter(filter("group").eq("even"))
        .or(filter("name").eq("Client 7"))
        .items()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(ids(&found), [7, 10, 12, 14, 16, 18, 20]);
    let found: Vec<_> = client.search().query("client 299").items().try_collect().await.unwrap();
    assert_eq!(ids(&found), [299]);
}

#[tokio::test]
async fn a_sorted_stream_ends_where_it_is_told_to() {
    let (simulator, client) = hubspot(500).await;
    let sorted = client.search().sort_descending("hs_object_id").limit(450);
    let found: Vec<_> = sorted.items().try_collect().await.unwrap();
    assert_eq!(ids(&found), (51..=500).rev().collect::<Vec<_>>());
    assert_eq!(simulator.requests().len(), 3);
}

#[tokio::test]
async fn a_walk_can_be_cut_short_and_resumed() {
    let (_simulator, client) = hubspot(1_000).await;
    let found: Vec<_> = client.search().limit(450).items().try_collect().await.unwrap();
    assert_eq!(ids(&found), (1..=450).collect::<Vec<_>>());
    let mut items = client.search().items();
    for _ in 0..400 {
        items.next().await.unwrap().unwrap();
    }
    let resumed = client.search().after(items.cursor()).items();
    assert_eq!(ids(&resumed.try_collect::<Vec<_>>().await.unwrap()), (401..=1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_walk_past_10_000_returns_each_once_while_objects_are_being_changed() {
    let found = sized(25_000, 11_000);
    let (simulator, client) = hubspot(2 * found).await;
    let mut walk = client.search().filter(filter("group").eq("even")).properties(["group"]).items();
    let mut seen = Vec::new();
    while let Some(object) = walk.try_next().await.unwrap() {
        seen.push(object.id.parse::<usize>().unwrap());
        if seen.len() % 100 == 0 {
            // One already given and one to come stop to match; others change otherwise, one begins to match behind us.
            let n = seen.len() * 2;
            simulator.set_property(&(n - 100).to_string(), "group", "gone");
            simulator.set_property(&(n + 1_001).to_string(), "name", "changed");
            simulator.set_property(&(n - 51).to_string(), "group", "even");
        }
    }
    assert_eq!(seen, (1..=found).map(|n| n * 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn changes_come_oldest_first_and_all_of_them() {
    let (simulator, client) = hubspot(1_000).await;
    let before = client.changed_since(DateTime::<Utc>::UNIX_EPOCH).items().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(before.len(), 1_000, "seeded in few milliseconds, so that more than a page shares one");
    let since =
        before.iter().filter_map(|object| object.updated_at).max().unwrap() + chrono::TimeDelta::milliseconds(1);
    let none = client.changed_since(since).items().try_collect::<Vec<_>>().await.unwrap();
    assert!(none.is_empty());
    let order: Vec<usize> = (0..500).map(|n| (n * 7) % 1_000 + 1).collect();
    for id in &order {
        simulator.set_property(&id.to_string(), "name", "changed");
    }
    let changed: Vec<_> = client.changed_since(since).properties(["name"]).items().try_collect().await.unwrap();
    assert_eq!(ids(&changed), order);
    assert!(changed.iter().all(|object| object.property("name") == Some("changed")));
}

#[tokio::test]
async fn a_stream_of_changes_is_resumed_after_a_crash_without_a_loss() {
    let (simulator, client) = hubspot(700).await;
    let all = || client.changed_since(DateTime::<Utc>::UNIX_EPOCH).properties(["name"]);
    let mut mirror: BTreeMap<usize, Option<String>> = BTreeMap::new();
    let mut cursor = Cursor::Start;
    for run in 0.. {
        let mut items = all().after(&cursor).items();
        let mut taken = 0;
        loop {
            match items.try_next().await.unwrap() {
                // The crash: what was taken since the cursor was kept is forgotten.
                _ if taken == 230 => break,
                Some(object) => {
                    taken += 1;
                    mirror.insert(object.id.parse().unwrap(), object.property("name").map(str::to_owned));
                    if taken % 50 == 0 {
                        cursor = items.cursor();
                    }
                }
                None => {
                    let names: Vec<_> = mirror.values().map(|name| name.as_deref().unwrap()).collect();
                    assert_eq!(names.len(), 700, "after {run} runs");
                    assert!((1..=3).all(|id| mirror[&id].as_deref() == Some("changed")));
                    return;
                }
            }
        }
        assert!(run < 200, "it makes progress");
        simulator.set_property(&(run % 3 + 1).to_string(), "name", "changed");
    }
}
