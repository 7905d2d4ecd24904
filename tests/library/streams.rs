//! Pages and items as streams.

use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use httpmock::MockServer;
use hubspot_partner_clients::{Client, Cursor, Items};
use hubspot_simulator::{Fault, Simulator};
use serde_json::json;

use crate::support::{client_at, client_of};

/// Partner client 512 with companies 1001 to 1000 + n, which sort as text as they do as numbers.
async fn companies(n: usize) -> (Simulator, Client) {
    let simulator = (1001..=1000 + n).fold(Simulator::builder(), |builder, id| {
        let id = id.to_string();
        builder.object("companies", &id, [("name", "x")]).association("512", "companies", &id, "1001")
    });
    let simulator = simulator.start().await.unwrap();
    let client = client_of(&simulator);
    (simulator, client)
}

async fn rest<T: Unpin + ToString, I>(items: Items<I>, id: impl Fn(I) -> T) -> Vec<T>
where
    I: Unpin,
{
    items.map_ok(id).try_collect().await.unwrap()
}

fn ids(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

#[tokio::test]
async fn items_come_in_order_over_all_pages_and_each_page_is_the_largest_allowed() {
    let (simulator, client) = companies(1_200).await;
    let items = client.associations(512, "companies").items();
    assert!(simulator.requests().is_empty(), "nothing is asked for before the first poll");
    assert_eq!(rest(items, |c| c.id.to_string()).await, ids(1001..=2200));
    assert_eq!(simulator.requests().len(), 3);
    assert!(simulator.requests()[0].query().unwrap().contains("limit=500"));
}

#[tokio::test]
async fn pages_carry_the_cursor_of_the_next_one() {
    let (_simulator, client) = companies(5).await;
    let pages: Vec<_> = client.associations(512, "companies").page_size(2).pages().try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.items.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(pages[1].next.place().unwrap().contains('%'));
    assert!(pages[2].next.is_end());
    let after = &pages[0].next;
    let from = client.associations(512, "companies").after(after).items();
    assert_eq!(rest(from, |c| c.id.to_string()).await, ids(1003..=1005));
}

#[tokio::test]
async fn a_stream_of_items_can_be_resumed_from_its_cursor() {
    let (_simulator, client) = companies(7).await;
    let call = || client.associations(512, "companies").page_size(3);
    for taken in 0..=7 {
        let mut items = call().items();
        for _ in 0..taken {
            items.next().await.unwrap().unwrap();
        }
        let resumed = call().after(items.cursor()).items();
        let again = rest(resumed, |c| c.id.to_string()).await;
        let whole_pages = if taken == 7 { 7 } else { taken / 3 * 3 };
        assert_eq!(again, ids(1001 + whole_pages..=1007), "after {taken}: nothing is missed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let (simulator, client) = companies(4).await;
    simulator.inject(Fault::delay(Duration::from_secs(5)));
    let mut items = client.associations(512, "companies").page_size(2).items();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        // Three of four waits are too short.
        if let Ok(item) = tokio::time::timeout(Duration::from_secs(2), items.next()).await {
            seen.push(item.unwrap().unwrap().id.to_string());
        }
    }
    assert_eq!(seen, ids(1001..=1004));
    assert_eq!(simulator.requests().len(), 2, "no page was asked for twice");
}

#[tokio::test]
async fn a_page_is_read_ahead_only_where_that_is_asked_for_and_only_one() {
    let (simulator, client) = companies(10).await;
    let call = || client.associations(512, "companies").page_size(2);
    let settle = || tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>());

    let mut plain = call().items();
    plain.next().await.unwrap().unwrap();
    let _ = settle().await;
    assert_eq!(simulator.requests().len(), 1);

    simulator.clear_requests();
    let mut ahead = call().items().read_ahead();
    ahead.next().await.unwrap().unwrap();
    let _ = settle().await;
    assert_eq!(simulator.requests().len(), 2);
    assert_eq!(rest(ahead, |c| c.id.to_string()).await.len(), 9);
}

#[tokio::test]
async fn a_server_that_repeats_a_cursor_ends_the_stream_in_an_error() {
    for circle in [1, 2, 5] {
        let server = MockServer::start_async().await;
        for n in 0..=circle {
            let next = format!("c{}", if n == circle { 1 } else { n + 1 });
            let page = json!({"results": [{"id": "1", "type": "t"}], "paging": {"next": {"after": next}}});
            server
                .mock_async(|when, then| {
                    match n {
                        0 => when.query_param_missing("after"),
                        n => when.query_param("after", format!("c{n}")),
                    };
                    then.status(200).json_body(page);
                })
                .await;
        }
        let client = client_at(&server.base_url(), "t");
        let mut pages = pin!(client.associations(512, "companies").pages());
        let mut good = 0;
        let error = loop {
            match pages.next().await.unwrap() {
                Ok(_) => {
                    good += 1;
                    assert!(good <= 4 * circle, "a circle of {circle} is not noticed after {good} pages");
                }
                Err(error) => break error,
            }
        };
        assert!(error.is_decode() && error.message().contains("the same paging cursor twice"), "{error}");
        assert!(pages.next().await.is_none(), "the stream is over");
    }
}

#[tokio::test]
async fn a_stream_ends_after_an_error() {
    let (simulator, client) = companies(4).await;
    simulator.inject(Fault::script([None, Some(Fault::status(503))]));
    let outcomes: Vec<_> = client.associations(512, "companies").page_size(2).items().collect().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!((outcomes.len(), outcomes[2].as_ref().unwrap_err().status()), (3, Some(503)));
    let refused: Vec<_> = client.associations("..", "companies").items().collect().await;
    assert!(refused.len() == 1 && refused[0].as_ref().unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn streams_can_be_sent_to_another_task() {
    let (_simulator, client) = companies(3).await;
    let items = client.associations(512, "companies").items();
    let count = tokio::spawn(async move { items.try_fold(0, |n, _| async move { Ok(n + 1) }).await });
    assert_eq!(count.await.unwrap().unwrap(), 3);
    assert!(client.list().pages().next().now_or_never().is_none());
}

#[tokio::test]
async fn a_cursor_tells_start_place_and_end_apart() {
    let (simulator, client) = companies(7).await;
    let call = || client.associations(512, "companies").page_size(3);
    let mut items = call().items();
    assert!(items.cursor().is_start() && call().pages().cursor().is_start());
    for _ in 0..4 {
        items.next().await.unwrap().unwrap();
    }
    let place = items.cursor();
    assert!(place.place().is_some());
    let mut resumed = call().after(&place).items();
    assert_eq!(resumed.cursor(), place, "before the first page");
    resumed.next().await.unwrap().unwrap();
    assert_eq!(resumed.cursor(), place, "in the first page");
    assert_eq!(rest(resumed, |c| c.id.to_string()).await, ids(1005..=1007));
    while items.next().await.is_some() {}
    assert!(items.cursor().is_end());

    simulator.clear_requests();
    assert!(rest(call().after(items.cursor()).items(), |c| c.id.to_string()).await.is_empty());
    assert!(call().after(Cursor::End).await.unwrap().results.is_empty());
    assert!(client.list().after(Cursor::End).await.unwrap().results.is_empty());
    assert!(client.search().after(Cursor::End).await.unwrap().results.is_empty());
    assert!(client.changed_since(chrono::Utc::now()).after(Cursor::End).items().next().await.is_none());
    assert!(simulator.requests().is_empty(), "nothing lies behind the end");
}

#[tokio::test]
async fn a_cursor_is_kept_as_readable_json() {
    for (cursor, json) in
        [(Cursor::Start, r#""start""#), ("NTEy%3D".into(), r#"{"at":"NTEy%3D"}"#), (Cursor::End, r#""end""#)]
    {
        assert_eq!(serde_json::to_string(&cursor).unwrap(), json);
        assert_eq!(serde_json::from_str::<Cursor>(json).unwrap(), cursor);
    }
}

#[tokio::test]
async fn a_stream_that_failed_is_resumed_from_its_cursor() {
    let (simulator, client) = companies(7).await;
    let call = || client.associations(512, "companies").page_size(3);
    for fails in 0..3 {
        simulator.inject(Fault::script((0..=fails).map(|n| (n == fails).then(|| Fault::status(503)))));
        let mut items = call().items();
        let (mut seen, mut failed) = (Vec::new(), false);
        while let Some(item) = items.next().await {
            match item {
                Ok(item) => seen.push(item.id.to_string()),
                Err(error) => failed = error.status() == Some(503),
            }
        }
        assert!(failed);
        seen.extend(rest(call().after(items.cursor()).items(), |c| c.id.to_string()).await);
        assert_eq!(seen, ids(1001..=1007), "each once, after a failure of page {fails}");
    }
}
