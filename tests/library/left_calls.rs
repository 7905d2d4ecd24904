//! A call that its caller polls no more, drops elsewhere or forgets: it goes on by itself, and gives back what it holds.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt;
use hubspot_partner_clients::{
    Attempt, Client, ClientBuilder, Observer, Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus,
    RateLimiter, spec::RateBucket,
};
use hubspot_simulator::{Fault, Simulator};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use crate::support::crm;

fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::unlimited())
}

/// Counts the attempts that have ended.
#[derive(Clone, Default)]
struct Ended(Arc<AtomicUsize>);

impl Ended {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Observer for Ended {
    fn on_attempt(&self, _: &Attempt<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

fn get(client: &Client) -> Call {
    let client = client.clone();
    Box::pin(async move { drop(client.get(1).await.unwrap()) })
}

/// Polls a call until its request has arrived.
async fn send(call: &mut Call, simulator: &Simulator) {
    let before = simulator.requests().len();
    while simulator.requests().len() == before {
        assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
        // Not yielded, where a paused clock would stand still.
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_without_being_polled() {
    let simulator = crm(5, 5).start().await.unwrap();
    let ended = Ended::default();
    let client = builder(&simulator).observer(ended.clone()).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_millis(300)));
    let mut left = get(&client);
    send(&mut left, &simulator).await;
    assert_eq!(ended.count(), 0);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ended.count(), 1);
    left.await;
    assert_eq!((ended.count(), simulator.requests().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_again_without_being_polled() {
    let simulator = crm(5, 5).start().await.unwrap();
    let ended = Ended::default();
    let client = builder(&simulator).observer(ended.clone()).build().unwrap();
    simulator.inject(Fault::status(503).times(2));
    let mut left = get(&client);
    send(&mut left, &simulator).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!((ended.count(), simulator.requests().len()), (3, 3));
    left.await;
}

/// One request at once; what is given back is given back in a task, as a limiter of somebody's may do it.
#[derive(Clone)]
struct OneAtOnce(Arc<Semaphore>);

impl OneAtOnce {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl RateLimiter for OneAtOnce {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        self.0.try_acquire().ok()?.forget();
        Some(Permit::new(bucket, 0))
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        Box::pin(async move {
            self.0.acquire().await?.forget();
            Ok(Permit::new(bucket, 0))
        })
    }

    fn release(&self, _: Permit, _: &PermitUsage) {
        let permits = Arc::clone(&self.0);
        tokio::spawn(async move { permits.add_permits(1) });
    }

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

#[tokio::test(start_paused = true)]
async fn its_permit_is_given_back_though_it_is_forgotten() {
    let simulator = crm(5, 5).start().await.unwrap();
    let client = builder(&simulator).rate_limiter(OneAtOnce::new()).build().unwrap();
    for _ in 0..3 {
        let mut left = get(&client);
        send(&mut left, &simulator).await;
        std::mem::forget(left);
    }
    timeout(Duration::from_secs(60), get(&client)).await.expect("it hangs");
}

/// A simulator and calls in a runtime that runs by itself.
fn running() -> (Runtime, Simulator) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = runtime.block_on(crm(5, 5).start()).unwrap();
    (runtime, simulator)
}

#[test]
fn its_permit_is_given_back_where_it_is_dropped_outside_a_runtime() {
    let (runtime, simulator) = running();
    let limiter = OneAtOnce::new();
    let client = builder(&simulator).rate_limiter(limiter.clone()).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(100)).times(1));
    let mut left = get(&client);
    runtime.block_on(send(&mut left, &simulator));
    drop(left);
    runtime.block_on(async {
        timeout(Duration::from_secs(60), get(&client)).await.expect("it hangs");
    });
}

#[test]
fn it_ends_in_the_runtime_that_it_was_begun_in() {
    let (runtime, simulator) = running();
    let client = builder(&simulator).build().unwrap();
    simulator.inject(Fault::status(503).times(1));
    let mut left = get(&client);
    runtime.block_on(send(&mut left, &simulator));
    // Without timers and sockets of its own.
    let elsewhere = Builder::new_current_thread().build().unwrap();
    elsewhere.block_on(left);
}

/// One stream at once (RFC 9113, section 6.5.2).
const ONE_STREAM: &[u8] = &[0, 3, 0, 0, 0, 1];

/// Each of them has what the next one waits for. Found one after another, a hundred would take ten seconds.
#[tokio::test(start_paused = true)]
async fn many_in_line_for_one_another_end_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(crate::frames::serve(stream, ONE_STREAM, usize::MAX));
        }
    });
    let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let builder = Client::builder().base_url(&base_url).access_token("t").http_client(http);
    let client = builder.rate_limit(RateLimit::unlimited()).build().unwrap();
    let dissociate = |client: &Client| Box::pin(client.dissociate(1).with("companies", 2).as_type(3).send());
    dissociate(&client).await.unwrap();
    let mut left: Vec<_> = (0..100).map(|_| dissociate(&client)).collect();
    for call in &mut left {
        assert!(call.now_or_never().is_none());
    }
    let started = Instant::now();
    timeout(Duration::from_secs(60), dissociate(&client)).await.expect("it hangs").unwrap();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
