//! Clients against the simulator's rolling windows, on tokio's paused clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use hubspot_partner_clients::{
    AccessToken, Client, Error, ErrorKind, Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter,
    RollingWindow, TokenFuture, TokenProvider, spec::RateBucket,
};
use hubspot_simulator::{Fault, RateLimits, Simulator, SimulatorBuilder};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

/// A simulator of an allowance, whose answers take 10 to 40 ms to come back.
async fn hubspot(limits: RateLimits) -> Simulator {
    let ways = [10, 20, 30].into_iter().zip([0.25, 0.33, 0.5]).zip(0..);
    let builder = ways.fold(Simulator::builder().rate_limits(limits), |builder, ((ms, probability), seed)| {
        builder.fault(Fault::delay(Duration::from_millis(ms)).with_probability(probability, seed))
    });
    builder.fault(Fault::delay(Duration::from_millis(40))).start().await.unwrap()
}

/// A limiter whose permits take 10 to 40 ms to become a request at HubSpot, as the way there does.
struct WayThere<L>(L);

impl<L: RateLimiter> RateLimiter for WayThere<L> {
    fn try_acquire(&self, _: RateBucket) -> Option<Permit> {
        None
    }

    fn acquire(&self, bucket: RateBucket) -> PermitFuture<'_> {
        Box::pin(async move {
            let permit = self.0.acquire(bucket).await?;
            sleep(Duration::from_millis(fastrand::u64(10..=40))).await;
            Ok(permit)
        })
    }

    fn release(&self, permit: Permit, usage: &PermitUsage) {
        self.0.release(permit, usage);
    }

    fn status(&self) -> RateLimitStatus {
        self.0.status()
    }
}

fn client(simulator: &Simulator, limit: RateLimit) -> Client {
    fastrand::seed(7);
    Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limiter(WayThere(RollingWindow::new(limit)))
        .build()
        .unwrap()
}

async fn call(client: &Client) -> Result<(), Error> {
    client.associate(512).with("companies", 9001).as_type(1001).await.map(|_| ())
}

async fn many(clients: &[&Client], calls: usize) {
    let calls: Vec<_> = (0..calls)
        .flat_map(|_| clients.iter().copied().cloned())
        .map(|client| tokio::spawn(async move { call(&client).await }))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

fn refused(simulator: &Simulator) -> usize {
    simulator.requests().iter().filter(|request| request.status() == Some(429)).count()
}

#[tokio::test(start_paused = true)]
async fn two_thousand_calls_use_the_allowance_and_none_is_refused() {
    for limit in [RateLimit::PROFESSIONAL, RateLimit::STARTER] {
        let simulator = hubspot(RateLimits::default().per_ten_seconds(190)).await;
        let client = client(&simulator, limit);
        let started = Instant::now();
        many(&[&client], 2_000).await;
        // 190 at once, and 190 more each ten seconds: the 2,000th goes after 100 s.
        let used = 100.0 / started.elapsed().as_secs_f64();
        println!("used {used:.4}, {} refused", refused(&simulator));
        assert_eq!((simulator.requests().len(), refused(&simulator)), (2_000, 0));
        assert!(used >= 0.99, "{used}");
    }
}

/// A provider whose token does not come while it is closed.
struct Closing(watch::Receiver<bool>, AccessToken);

impl TokenProvider for Closing {
    fn access_token(&self) -> TokenFuture<'_> {
        let (mut is_open, token) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            is_open.wait_for(|is_open| *is_open).await?;
            Ok(token)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_token_with_their_permits_are_not_sent_all_at_once() {
    let simulator = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(20)).start().await.unwrap();
    let (open, is_open) = watch::channel(true);
    let tokens = Closing(is_open, AccessToken::new(simulator.access_token()).unwrap());
    let client = Client::builder().base_url(simulator.base_url()).token_provider(tokens);
    let client = client.rate_limit(RateLimit::per_ten_seconds(20)).build().unwrap();
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    sleep(Duration::from_secs(5)).await;
    open.send(false).unwrap();
    sleep(Duration::from_secs(1)).await;
    let sent = simulator.requests().len();
    // All others get a permit in this time.
    sleep(Duration::from_secs(200)).await;
    assert_eq!((simulator.requests().len(), client.rate_limit_status().general.waiting), (sent, 0));
    open.send(true).unwrap();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((simulator.requests().len(), refused(&simulator)), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_account_learn_from_headers_alone() {
    let simulator = hubspot(RateLimits::default().per_ten_seconds(190)).await;
    let clients = [client(&simulator, RateLimit::PROFESSIONAL), client(&simulator, RateLimit::PROFESSIONAL)];
    let window = async {
        // Both have something to send for longer than this.
        sleep(Duration::from_secs(100)).await;
        simulator.requests().iter().filter(|request| request.status() == Some(200)).count()
    };
    let both = [&clients[0], &clients[1]];
    let ((), accepted) = tokio::join!(many(&both, 1_100), window);
    let used = accepted as f64 / 1_900.0;
    let share = refused(&simulator) as f64 / simulator.requests().len() as f64;
    println!("used {used:.4}, {share:.5} refused");
    assert!(used >= 0.95, "{used}");
    assert!(share < 0.005, "{share}");
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_limiter_and_two_clients_share_one_that_both_are_given() {
    let simulator = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(50)).start().await.unwrap();
    let limiter = Arc::new(RollingWindow::new(RateLimit::per_ten_seconds(50)));
    let [first, second] = [(); 2].map(|()| {
        let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
        builder.rate_limiter(Arc::clone(&limiter)).build().unwrap()
    });
    many(&[&first, &first.clone(), &second], 50).await;
    assert_eq!((simulator.requests().len(), refused(&simulator)), (150, 0));
    assert_eq!(first.rate_limit_status(), second.rate_limit_status());
}

#[tokio::test(start_paused = true)]
async fn another_account_has_a_limiter_and_a_token_of_its_own() {
    let builder = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(5));
    let builder: SimulatorBuilder = builder.token("second-account", ["crm.objects.partner-clients.write"]);
    let simulator = builder.start().await.unwrap();
    let first = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(5))
        .build()
        .unwrap();
    let second = first.for_account(AccessToken::new("second-account").unwrap());
    let started = Instant::now();
    many(&[&first, &second], 5).await;
    assert_eq!(started.elapsed().as_secs(), 0);
    let mut tokens = BTreeMap::new();
    for request in simulator.requests() {
        *tokens.entry(request.header("authorization").unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(tokens.into_values().collect::<Vec<_>>(), [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn an_allowance_that_changes_is_followed() {
    let simulator = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(100)).start().await.unwrap();
    let client = client(&simulator, RateLimit::per_ten_seconds(20));
    many(&[&client], 100).await;
    assert_eq!(client.rate_limit_status().general.limit, Some(100), "a larger allowance is used");
    simulator.set_rate_limits(RateLimits::default().per_ten_seconds(10));
    sleep(Duration::from_secs(20)).await;
    let started = Instant::now();
    many(&[&client], 40).await;
    assert_eq!(client.rate_limit_status().general.limit, Some(10));
    assert!(started.elapsed() >= Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_status_tells_what_is_known_the_daily_figures_included() {
    let limits = RateLimits::default().per_ten_seconds(190).per_day(1_000);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = client(&simulator, RateLimit::STARTER);
    let before = client.rate_limit_status();
    assert_eq!((before.general.limit, before.daily_limit), (Some(100), None));
    many(&[&client], 3).await;
    let after = client.rate_limit_status();
    assert_eq!((after.general.limit, after.general.used, after.general.used_by_others), (Some(190), 3, 0));
    assert_eq!((after.general.interval, after.general.waiting), (Duration::from_secs(10), 0));
    assert_eq!((after.daily_limit, after.daily_remaining), (Some(1_000), Some(997)));
    assert_eq!((after.search.limit, after.search.interval), (Some(5), Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_daily_limit_fails_the_call_and_the_next_one_asks_again() {
    let simulator = Simulator::builder().rate_limits(RateLimits::default().per_day(2)).start().await.unwrap();
    let client = client(&simulator, RateLimit::STARTER);
    many(&[&client], 2).await;
    for _ in 0..2 {
        let error = call(&client).await.unwrap_err();
        assert!(error.is_rate_limited() && !error.is_retryable());
    }
    sleep(Duration::from_secs(24 * 3_600)).await;
    call(&client).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn searches_wait_in_a_bucket_of_their_own() {
    let limits = RateLimits::default().searches_per_second(5);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = client(&simulator, RateLimit::PROFESSIONAL);
    let started = Instant::now();
    let searches: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.search().send_with_meta().await.unwrap().1.status })
        })
        .collect();
    for search in searches {
        assert_eq!(search.await.unwrap(), Some(200));
    }
    assert_eq!(refused(&simulator), 0);
    assert!((3..5).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(client.rate_limit_status().general.used, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_gives_its_place_back() {
    let simulator = Simulator::start().await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(1))
        .build()
        .unwrap();
    call(&client).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { call(&client).await }
    });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(client.rate_limit_status().general.waiting, 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(client.rate_limit_status().general.waiting, 0);
    let started = Instant::now();
    call(&client).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 9);
}

/// A client with the limiter that clients have by default.
fn plain(simulator: &Simulator, limit: RateLimit) -> Client {
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    builder.rate_limit(limit).build().unwrap()
}

/// A call that has to be over after so many seconds.
async fn in_time(client: &Client, seconds: u64) -> Result<(), Error> {
    client.association_types("companies").call_timeout(Duration::from_secs(seconds)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_cannot_come_in_time_fails_at_once_and_says_when_there_is_room() {
    let simulator = hubspot(RateLimits::default().per_ten_seconds(60)).await;
    let client = plain(&simulator, RateLimit::per_ten_seconds(60));
    let started = Instant::now();
    let calls = (0..200).map(|_| async { (in_time(&client, 2).await, started.elapsed()) });
    let (made, failed): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().partition(|(outcome, _)| outcome.is_ok());
    assert_eq!((made.len(), failed.len(), simulator.requests().len(), refused(&simulator)), (60, 140, 60, 0));
    for (outcome, at) in failed {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::QueueTimeout, 0));
        assert!(error.is_retryable() && !error.is_timeout(), "nothing was sent: {error}");
        assert!(error.message().starts_with("nothing was sent: the rate limit leaves no room"), "{error}");
        // Behind all who wait and will be served; none of the others waits any more.
        let room = at + error.retry_after().unwrap();
        assert!((10.0..12.5).contains(&room.as_secs_f64()), "{room:?}");
        assert!(at < Duration::from_secs(2), "only when its time was over: {at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_ahead_counts_until_it_gives_up_its_place() {
    let simulator = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(1)).start().await.unwrap();
    let client = plain(&simulator, RateLimit::per_ten_seconds(1));
    call(&client).await.unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    let started = Instant::now();
    let error = in_time(&client, 35).await.unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_secs()), (ErrorKind::QueueTimeout, 0));
    assert_eq!(error.retry_after().unwrap().as_secs_f64().round(), 40.0);
    waiting.into_iter().for_each(|call| call.abort());
    sleep(Duration::from_millis(10)).await;
    in_time(&client, 35).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 9, "the room that there is in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_tried_again_and_finds_no_room_fails_as_it_did_before() {
    let limits = RateLimits::default().per_ten_seconds(10);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = plain(&simulator, RateLimit::per_ten_seconds(10));
    many(&[&client], 9).await;
    simulator.inject(Fault::status(503));
    let error = in_time(&client, 5).await.unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(503), 1));
}

#[tokio::test(start_paused = true)]
async fn a_limiter_of_one_s_own_need_not_know_of_deadlines() {
    let simulator = Simulator::start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = builder.rate_limiter(WayThere(WayThere(RollingWindow::new(RateLimit::per_ten_seconds(1))))).build();
    let client = client.unwrap();
    call(&client).await.unwrap();
    let started = Instant::now();
    let error = in_time(&client, 5).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), error.retry_after()), (ErrorKind::QueueTimeout, 0, None));
    assert_eq!(started.elapsed().as_secs(), 5);
}

struct Broken;

impl RateLimiter for Broken {
    fn try_acquire(&self, _: RateBucket) -> Option<Permit> {
        None
    }

    fn acquire(&self, _: RateBucket) -> PermitFuture<'_> {
        Box::pin(async { Err("the shared store is gone".into()) })
    }

    fn release(&self, _: Permit, _: &PermitUsage) {}

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

#[tokio::test]
async fn a_limiter_that_fails_fails_the_call_before_anything_is_sent() {
    let simulator = Simulator::start().await.unwrap();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let error = call(&builder.rate_limiter(Broken).build().unwrap()).await.unwrap_err();
    assert!(error.is_limiter() && !error.is_retryable());
    assert_eq!(error.to_string(), "associate: the rate limiter failed: the shared store is gone");
    assert!(simulator.requests().is_empty());
}

#[test]
fn a_limit_of_zero_is_refused_by_name() {
    let error = Client::builder().access_token("t").rate_limit(RateLimit::per_ten_seconds(0)).build().unwrap_err();
    assert_eq!(error.message(), "rate limit \"0\" allows no request: give 1 or more, or unlimited");
}
