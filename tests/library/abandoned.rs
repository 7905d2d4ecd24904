//! Calls go on whatever becomes of the futures and streams of other calls: polled, left or dropped, at any of their awaits.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::join_all,
    stream::{self, FuturesUnordered},
};
use hubspot_partner_clients::{
    AccessToken, Client, ClientBuilder, Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter,
    Result, RollingWindow, TokenFuture, TokenProvider, oauth, spec::RateBucket,
};
use hubspot_simulator::{Fault, OAuthApp, RateLimits, Simulator};
use proptest::prelude::*;
use tokio::{
    net::TcpListener,
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::support::crm;

const LIMIT: u32 = 20;
/// Far beyond what the limit makes necessary in each of these tests.
const HANGS: Duration = Duration::from_secs(300);

async fn hubspot() -> Simulator {
    crm(100, 100).rate_limits(RateLimits::default().per_ten_seconds(LIMIT)).start().await.unwrap()
}

fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(LIMIT))
}

fn client(simulator: &Simulator) -> Client {
    builder(simulator).build().unwrap()
}

type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

fn get(client: &Client) -> Call {
    let client = client.clone();
    Box::pin(async move { client.get(1).await.map(drop) })
}

fn update(client: &Client) -> Call {
    let client = client.clone();
    Box::pin(async move { client.update(2).set("name", "y").await.map(drop) })
}

/// All items of a stream of small pages.
fn walk(client: &Client, read_ahead: bool) -> Call {
    let client = client.clone();
    Box::pin(async move {
        let mut items = client.list().page_size(20).items();
        if read_ahead {
            items = items.read_ahead();
        }
        while let Some(item) = items.next().await {
            item?;
        }
        Ok(())
    })
}

/// Polls once.
async fn touch<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_ready())).await
}

async fn ends<T>(future: impl Future<Output = T>) -> T {
    timeout(HANGS, future).await.expect("it hangs")
}

#[tokio::test(start_paused = true)]
async fn a_call_in_the_loop_over_calls_at_once() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    let mut calls = stream::iter((0..60).map(|_| get(&client))).buffer_unordered(20);
    let started = Instant::now();
    let mut done = 0;
    while let Some(outcome) = ends(calls.next()).await {
        outcome.unwrap();
        if done % 10 == 0 {
            ends(update(&client)).await.unwrap();
        }
        done += 1;
    }
    assert_eq!(done, 60);
    // 66 calls at 20 in ten seconds.
    assert!(started.elapsed() < Duration::from_secs(32), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_beside_a_stream_that_was_polled_in_vain_at_the_limit() {
    for read_ahead in [false, true] {
        let simulator = hubspot().await;
        let client = client(&simulator);
        join_all((0..LIMIT).map(|_| get(&client))).await;
        let mut items = client.list().page_size(20).items();
        if read_ahead {
            items = items.read_ahead();
        }
        timeout(Duration::from_millis(200), items.next()).await.expect_err("there is no room");
        ends(update(&client)).await.unwrap();
        assert_eq!(ends(items.count()).await, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_beside_those_that_were_polled_once_and_kept() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    let mut kept: Vec<_> = (0..15).map(|_| get(&client)).collect();
    for call in &mut kept {
        assert!(!touch(call).await);
    }
    let started = Instant::now();
    for outcome in ends(join_all((0..15).map(|_| update(&client)))).await {
        outcome.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    // Those that were kept have gone on.
    for outcome in ends(join_all(kept)).await {
        outcome.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_select_loop_whose_other_arm_makes_calls() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    let (mut items, mut got) = (client.list().page_size(10).items(), 0);
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    loop {
        tokio::select! {
            item = items.next() => match item {
                Some(item) => { item.unwrap(); got += 1; }
                None => break,
            },
            _ = tick.tick() => ends(update(&client)).await.unwrap(),
        }
    }
    assert_eq!(got, 100);
}

#[tokio::test(start_paused = true)]
async fn streams_of_which_only_some_are_polled() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    let mut walks: FuturesUnordered<_> = (0..8).map(|n| walk(&client, n % 2 == 0)).collect();
    ends(walks.next()).await.unwrap().unwrap();
    // The other seven are somewhere on their way.
    for outcome in ends(join_all([update(&client), walk(&client, false), walk(&client, true)])).await {
        outcome.unwrap();
    }
    assert_eq!(ends(walks.count()).await, 7);
}

#[tokio::test(start_paused = true)]
async fn calls_beside_one_that_is_left_while_it_backs_off() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    simulator.inject(Fault::status(503).times(1));
    let mut kept = get(&client);
    while simulator.requests().is_empty() {
        assert!(!touch(&mut kept).await);
        sleep(Duration::from_millis(1)).await;
    }
    for outcome in ends(join_all((0..50).map(|_| update(&client)))).await {
        outcome.unwrap();
    }
    kept.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_beside_those_that_are_left_before_the_head_or_in_the_body_of_an_answer() {
    let simulator = hubspot().await;
    let client = client(&simulator);
    let second = Duration::from_secs(1);
    for fault in [Fault::delay(second), Fault::slow_body(16, second / 4)] {
        simulator.inject(fault.times(10));
        let mut kept: Vec<_> = (0..10).map(|_| get(&client)).collect();
        for call in &mut kept {
            touch(call).await;
        }
        sleep(Duration::from_millis(500)).await;
        for outcome in ends(join_all((0..30).map(|_| update(&client)))).await {
            outcome.unwrap();
        }
        for outcome in ends(join_all(kept)).await {
            outcome.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_beside_one_that_is_left_while_its_token_is_refreshed() {
    let app = OAuthApp::new("id", "secret", "refresh");
    let simulator = crm(5, 5).oauth_app(app).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(1)).on("oauth_token").times(1));
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let client = builder(&simulator).token_provider(app.token("refresh").unwrap()).build().unwrap();
    let mut kept = get(&client);
    touch(&mut kept).await;
    for outcome in ends(join_all((0..10).map(|_| update(&client)))).await {
        outcome.unwrap();
    }
}

/// A provider as it is often written: what it does not have yet it gets under a lock.
struct Locked(Mutex<Option<AccessToken>>, String);

impl TokenProvider for Locked {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let mut token = self.0.lock().await;
            if token.is_none() {
                sleep(Duration::from_millis(100)).await;
                *token = Some(AccessToken::new(self.1.as_str())?);
            }
            Ok(token.clone().unwrap())
        })
    }
}

/// A limiter as it is often written: so many at once.
struct AtOnce(tokio::sync::Semaphore);

impl RateLimiter for AtOnce {
    fn try_acquire(&self, _: RateBucket) -> Option<Permit> {
        None
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        Box::pin(async move {
            self.0.acquire().await?.forget();
            sleep(Duration::from_millis(10)).await;
            Ok(Permit::new(bucket, 0))
        })
    }

    fn release(&self, _: Permit, _: &PermitUsage) {
        self.0.add_permits(1);
    }

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

#[tokio::test(start_paused = true)]
async fn calls_beside_one_that_is_left_in_a_provider_or_a_limiter_that_locks() {
    let simulator = crm(5, 5).start().await.unwrap();
    let locked = Locked(Mutex::default(), simulator.access_token().to_owned());
    let clients = [
        builder(&simulator).token_provider(locked).build().unwrap(),
        builder(&simulator).rate_limiter(AtOnce(tokio::sync::Semaphore::new(1))).build().unwrap(),
    ];
    for client in clients {
        let mut kept: Vec<_> = (0..3).map(|_| get(&client)).collect();
        for call in &mut kept {
            touch(call).await;
        }
        sleep(Duration::from_millis(5)).await;
        for outcome in ends(join_all((0..10).map(|_| update(&client)))).await {
            outcome.unwrap();
        }
    }
}

/// By itself, the limiter does not wait for whoever does not take a permit either.
#[tokio::test(start_paused = true)]
async fn a_permit_that_nobody_takes_goes_to_the_next_in_line() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &PermitUsage::NoResponse);
    let mut kept: Vec<_> = (0..5).map(|_| limiter.acquire(RateBucket::General)).collect();
    for waiting in &mut kept {
        assert!(!touch(waiting).await);
    }
    let started = Instant::now();
    let next = ends(limiter.acquire(RateBucket::General)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    limiter.release(next, &PermitUsage::NoResponse);
    // Whoever missed it has its old place again, before one who comes now.
    let (first, new) = (kept.remove(0), limiter.acquire(RateBucket::General));
    let order = Arc::new(AtomicU32::new(0));
    let served = async |waiting: PermitFuture<'_>| {
        limiter.release(waiting.await.unwrap(), &PermitUsage::NoResponse);
        order.fetch_add(1, Ordering::Relaxed)
    };
    let (mut first, mut new) = (pin!(served(first)), pin!(served(new)));
    assert!((&mut new).now_or_never().is_none());
    assert!((&mut first).now_or_never().is_none());
    assert_eq!(ends(async { tokio::join!(new, first) }).await, (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_take_no_permit_delay_the_next_in_line_by_little() {
    for limit in [1, 10] {
        let limiter = RollingWindow::new(RateLimit::per_ten_seconds(limit));
        while let Some(permit) = limiter.try_acquire(RateBucket::General) {
            limiter.release(permit, &PermitUsage::NoResponse);
        }
        let mut kept: Vec<_> = (0..1_000).map(|_| limiter.acquire(RateBucket::General)).collect();
        for waiting in &mut kept {
            assert!(!touch(waiting).await);
        }
        let started = Instant::now();
        let next = ends(limiter.acquire(RateBucket::General)).await.unwrap();
        limiter.release(next, &PermitUsage::NoResponse);
        // A window and its slack, and a few tenths of a second.
        assert!(started.elapsed() < Duration::from_secs(13), "{limit}: {:?}", started.elapsed());
        assert_eq!(limiter.status().general.waiting, 1_000);
        // Those who were passed over have not lost their places, and get no permit that is not there.
        let served = join_all(kept.drain(..5).map(async |waiting| {
            limiter.release(waiting.await.unwrap(), &PermitUsage::NoResponse);
            let used = limiter.status().general.used;
            assert!(used <= limit, "{used} of {limit}");
        }));
        ends(served).await;
        drop(kept);
        assert_eq!(limiter.status().general.waiting, 0);
    }
}

/// An executor that is busy gets to whoever was woken long after a permit was offered.
#[tokio::test(start_paused = true)]
async fn waiters_that_are_polled_late_get_their_permits_in_time() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    limiter.release(limiter.try_acquire(RateBucket::General).unwrap(), &PermitUsage::NoResponse);
    let mut waiting: Vec<_> = (0..6).map(|_| limiter.acquire(RateBucket::General)).collect();
    let started = Instant::now();
    while !waiting.is_empty() {
        for place in (0..waiting.len()).rev() {
            tokio::time::advance(Duration::from_millis(300)).await;
            if let Poll::Ready(permit) = poll_fn(|cx| Poll::Ready(waiting[place].as_mut().poll(cx))).await {
                limiter.release(permit.unwrap(), &PermitUsage::NoResponse);
                drop(waiting.remove(place));
            }
        }
        assert!(started.elapsed() < Duration::from_secs(90), "{} of them wait", waiting.len());
    }
}

/// One stream at once (RFC 9113, section 6.5.2).
const ONE_STREAM: &[u8] = &[0, 3, 0, 0, 0, 1];

#[tokio::test]
async fn calls_beside_those_that_are_left_on_an_http_2_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(crate::frames::serve(stream, ONE_STREAM, usize::MAX));
        }
    });
    let dissociate = |client: &Client| Box::pin(client.dissociate(1).with("companies", 2).as_type(3).send());
    // Each time they are left a little later: while the connection is made, and while another has the stream.
    for polls in [1, 2, 3, 5, 8, 13] {
        let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
        let builder = Client::builder().base_url(&base_url).access_token("t").http_client(http);
        let client = builder.rate_limit(RateLimit::unlimited()).build().unwrap();
        let mut kept: Vec<_> = (0..5).map(|_| dissociate(&client)).collect();
        for _ in 0..polls {
            poll_fn(|cx| {
                kept.retain_mut(|call| call.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            tokio::task::yield_now().await;
        }
        let others = join_all((0..5).map(|_| dissociate(&client)));
        let outcomes = timeout(Duration::from_secs(60), others).await.expect("it hangs");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    Get,
    Update,
    Walk,
    WalkAhead,
}

fn plan() -> impl Strategy<Value = Vec<(What, Option<u8>)>> {
    let what = prop_oneof![Just(What::Get), Just(What::Update), Just(What::Walk), Just(What::WalkAhead)];
    // Half of them are left after so many polls.
    prop::collection::vec((what, prop::option::of(0..6_u8)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_whichever_others_are_left(plan in plan(), pauses in prop::collection::vec(0..400_u64, 40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let simulator = hubspot().await;
            let client = client(&simulator);
            let (mut left, mut others) = (Vec::new(), Vec::new());
            for (what, polls) in &plan {
                let call = match what {
                    What::Get => get(&client),
                    What::Update => update(&client),
                    What::Walk => walk(&client, false),
                    What::WalkAhead => walk(&client, true),
                };
                match polls {
                    Some(polls) => left.push((call, *polls)),
                    None => others.push(call),
                }
            }
            let leaving = async {
                for ((call, polls), pause) in left.iter_mut().zip(pauses) {
                    for _ in 0..*polls {
                        if touch(call).await {
                            break;
                        }
                        sleep(Duration::from_millis(pause)).await;
                    }
                }
            };
            let (outcomes, ()) = ends(async { tokio::join!(join_all(others), leaving) }).await;
            outcomes.into_iter().for_each(|outcome| outcome.unwrap());
            // And one that comes when all the rest is left.
            ends(update(&client)).await.unwrap();
        });
    }
}
