//! Idioms of streams and futures in which some of them are left where they are: whatever else is called goes on in time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt, TryStreamExt,
    future::{join_all, select},
    stream::{self, FuturesUnordered},
};
use hubspot_partner_clients::{Association, Client, RateLimit};
use hubspot_simulator::{RateLimits, Simulator};
use tokio::{
    net::TcpListener,
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::{
    frames::{Body, serve_bodies},
    support::{DOCUMENTED, crm},
};

const LIMIT: usize = 20;

async fn hubspot() -> (Simulator, Client) {
    let limits = RateLimits::default().per_ten_seconds(LIMIT as u32);
    let associations = (1..=30).fold(crm(60, 30), |crm, id| crm.association(id.to_string(), "companies", "1", "owner"));
    let simulator = associations.rate_limits(limits).start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = builder.rate_limit(RateLimit::per_ten_seconds(LIMIT as u32)).build().unwrap();
    (simulator, client)
}

/// As many calls as a window takes, which end within the window that is used up, another, and what is left to do for those
/// that were left.
async fn others_go_on(client: &Client, left: usize) {
    let started = Instant::now();
    let calls = join_all((0..LIMIT).map(|id| client.get(id + 1).send()));
    for outcome in timeout(Duration::from_secs(300), calls).await.expect("it hangs") {
        outcome.unwrap();
    }
    let windows = 2 + left.div_ceil(LIMIT) as u64;
    assert!(started.elapsed() < Duration::from_secs(12 * windows), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_calls_at_once_that_is_left_after_a_few() {
    let (_simulator, client) = hubspot().await;
    let mut calls = stream::iter((1..=60).map(|id| client.get(id).send())).buffer_unordered(30);
    for _ in 0..5 {
        calls.next().await.unwrap().unwrap();
    }
    others_go_on(&client, 30).await;
    let mut ordered = stream::iter((1..=60).map(|id| client.get(id).send())).buffered(30);
    ordered.next().await.unwrap().unwrap();
    others_go_on(&client, 60).await;
    drop((calls, ordered));
    others_go_on(&client, 0).await;
}

#[tokio::test(start_paused = true)]
async fn unordered_futures_and_streams_of_streams_that_are_left() {
    let (_simulator, client) = hubspot().await;
    let mut calls: FuturesUnordered<_> = (1..=40).map(|id| client.update(id).set("name", "y").send()).collect();
    calls.next().await.unwrap().unwrap();
    // For each partner client a walk over its companies, several at once; it is left in the middle of all.
    let within = |client: Client| {
        let outer = client.list().page_size(7).items();
        outer.map_ok(move |found| client.associations(found.id.as_str(), "companies").page_size(1).items())
    };
    let mut flat = Box::pin(within(client.clone()).try_flatten_unordered(8));
    assert!(timeout(Duration::from_secs(60), flat.try_next()).await.expect("it hangs").unwrap().is_some());
    others_go_on(&client, 60).await;
    // And to its end while another is somewhere on its way.
    let whole = within(client.clone()).try_flatten().try_collect::<Vec<_>>();
    assert_eq!(timeout(Duration::from_secs(600), whole).await.expect("it hangs").unwrap().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn walks_that_are_peeked_at_zipped_or_merged() {
    let (_simulator, client) = hubspot().await;
    let walk = || client.list().page_size(9).items();
    let mut peeked = Box::pin(walk().peekable());
    peeked.as_mut().peek().await.unwrap().as_ref().unwrap();
    let mut chunks = walk().read_ahead().ready_chunks(4);
    chunks.next().await.unwrap();
    let mut zipped = walk().zip(stream::iter(0..3));
    while zipped.next().await.is_some() {}
    let mut merged = stream::select(walk(), client.list().page_size(5).items().read_ahead());
    for _ in 0..70 {
        timeout(Duration::from_secs(60), merged.next()).await.expect("it hangs").unwrap().unwrap();
    }
    others_go_on(&client, 20).await;
    let ids: BTreeSet<String> = peeked.map_ok(|found| found.id).try_collect().await.unwrap();
    assert_eq!(ids.len(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_is_kept_in_a_loop_that_selects() {
    let (_simulator, client) = hubspot().await;
    let (mut items, mut ids, mut calls) = (client.list().page_size(2).items(), BTreeSet::new(), 0);
    loop {
        // The call is made anew each time, and mostly dropped on its way.
        match select(items.next(), Box::pin(client.get(1).send())).await {
            futures_util::future::Either::Left((None, _)) => break,
            futures_util::future::Either::Left((Some(item), _)) => assert!(ids.insert(item.unwrap().id)),
            futures_util::future::Either::Right((outcome, _)) => {
                outcome.unwrap();
                calls += 1;
            }
        }
        assert!(calls < 1_000, "the walk comes no further");
    }
    assert_eq!(ids.len(), 60);
    for _ in 0..200 {
        let _ = timeout(Duration::from_millis(1), client.get(1).send()).await;
    }
    others_go_on(&client, LIMIT).await;
}

#[tokio::test(start_paused = true)]
async fn calls_under_locks_in_shares_and_in_bulk_runs_that_are_left() {
    let (_simulator, client) = hubspot().await;
    let mutex = Arc::new(Mutex::new(()));
    let mut locked: Vec<_> = (1..=5)
        .map(|id| {
            let (client, mutex) = (client.clone(), Arc::clone(&mutex));
            Box::pin(async move {
                let _guard = mutex.lock().await;
                client.get(id).await
            })
        })
        .collect();
    for call in &mut locked {
        assert!(call.now_or_never().is_none());
    }
    let shared = client.get(2).send().map(|outcome| outcome.map(drop)).boxed().shared();
    assert!(shared.clone().now_or_never().is_none());
    let rows = (1..=20).map(|id| Association::new(id, "companies", id, "owner"));
    let run = client.associate_many(rows).strategy(hubspot_partner_clients::bulk::Strategy::Single);
    let mut outcomes = run.concurrency(20).outcomes();
    outcomes.next().await.unwrap().result.unwrap();
    others_go_on(&client, 30).await;
    shared.await.unwrap();
    assert!(outcomes.all(async |outcome| outcome.result.is_ok()).await);
    assert!(join_all(locked).await.into_iter().all(|outcome| outcome.is_ok()));
}

/// All calls share one connection, and with it the window of what may be under way on it (RFC 9113, section 5.2.1).
#[tokio::test]
async fn calls_beside_bodies_that_are_left_on_an_http_2_connection() {
    const LEFT: usize = 200;
    const LARGE: usize = 50 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, accepted) = (Arc::clone(&requests), Arc::clone(&connections));
    let bodies = |number: usize| match number {
        0..LEFT => Body { text: DOCUMENTED, bytes: 100_000, ends: false },
        LEFT => Body { text: DOCUMENTED, bytes: LARGE, ends: true },
        _ => Body { text: DOCUMENTED, bytes: DOCUMENTED.len(), ends: true },
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            let counter = Arc::clone(&counter);
            tokio::spawn(async move { serve_bodies(stream, bodies, &counter).await });
        }
    });
    let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let builder = Client::builder().base_url(&base_url).access_token("t").http_client(http);
    let client = builder.rate_limit(RateLimit::unlimited()).build().unwrap();
    let arrived = async |count: usize| {
        let arriving = async {
            while requests.load(Ordering::SeqCst) < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), arriving).await.expect("requests do not arrive");
    };
    let mut kept: Vec<_> = (0..LEFT).map(|_| client.get(1).send().boxed()).collect();
    for call in &mut kept {
        assert!(call.now_or_never().is_none());
    }
    arrived(LEFT).await;
    // Half of them are dropped in the middle of their answers.
    kept.truncate(LEFT / 2);
    let mut large = client.get(1).send().boxed();
    assert!((&mut large).now_or_never().is_none());
    arrived(LEFT + 1).await;
    let others = join_all((0..50).map(|_| client.update(1).set("name", "x").send()));
    for outcome in timeout(Duration::from_secs(60), others).await.expect("it hangs") {
        outcome.unwrap();
    }
    assert_eq!(timeout(Duration::from_secs(100), large).await.expect("it hangs").unwrap().id, "<string>");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
