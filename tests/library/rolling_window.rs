//! The limiter by itself, against a model of HubSpot's window, on tokio's paused clock.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hubspot_partner_clients::{
    NotInTime, PermitUsage, RateLimit, RateLimitHeaders, RateLimiter, RollingWindow, spec::RateBucket,
};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

/// HubSpot as it counts: a request is accepted if fewer than the allowance arrived in the ten seconds before.
struct Model {
    limit: u32,
    accepted: Mutex<VecDeque<Instant>>,
    all: Mutex<Vec<Instant>>,
    refused: AtomicU32,
}

impl Model {
    fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self { limit, accepted: Mutex::default(), all: Mutex::default(), refused: AtomicU32::new(0) })
    }

    fn arrive(&self) -> (bool, RateLimitHeaders) {
        let now = Instant::now();
        let mut accepted = self.accepted.lock().unwrap();
        while accepted.front().is_some_and(|at| now - *at >= Duration::from_secs(10)) {
            accepted.pop_front();
        }
        let taken = accepted.len() < self.limit as usize;
        if taken {
            accepted.push_back(now);
            self.all.lock().unwrap().push(now);
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        let mut headers = RateLimitHeaders::default();
        headers.limit = Some(self.limit);
        headers.remaining = Some(self.limit - accepted.len() as u32);
        headers.interval = Some(Duration::from_secs(10));
        (taken, headers)
    }

    /// One request over a network whose two ways take some time each; again, if it was refused.
    async fn request(&self, limiter: &dyn RateLimiter, mut way: impl FnMut() -> Duration) {
        loop {
            let permit = limiter.acquire(RateBucket::General).await.unwrap();
            sleep(way()).await;
            let (taken, headers) = self.arrive();
            sleep(way()).await;
            limiter.release(permit, &PermitUsage::Response { headers, rate_limited: !taken });
            if taken {
                return;
            }
        }
    }

    /// The time that the allowance makes necessary for the accepted requests, in ratio to the time they took.
    fn used(&self) -> f64 {
        let all = self.all.lock().unwrap();
        let necessary = (all.len() - 1) / self.limit as usize * 10;
        necessary as f64 / (all[all.len() - 1] - all[0]).as_secs_f64()
    }

    /// The requests accepted in the first windows, in ratio to those that the allowance lets through.
    fn used_in(&self, windows: u32) -> f64 {
        let all = self.all.lock().unwrap();
        let end = all[0] + windows * Duration::from_secs(10);
        all.iter().filter(|at| **at < end).count() as f64 / f64::from(windows * self.limit)
    }
}

fn jitter(from_ms: u64, to_ms: u64) -> impl FnMut() -> Duration + Clone {
    move || Duration::from_millis(fastrand::u64(from_ms..=to_ms))
}

async fn run(model: &Arc<Model>, limiters: &[Arc<RollingWindow>], requests: usize, ways: (u64, u64)) {
    fastrand::seed(7);
    let tasks: Vec<_> = (0..requests)
        .flat_map(|_| limiters.iter().cloned())
        .map(|limiter| {
            let model = Arc::clone(model);
            tokio::spawn(async move { model.request(&*limiter, jitter(ways.0, ways.1)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_client_uses_the_allowance_and_is_never_refused() {
    for guess in [50, 190, 250] {
        let model = Model::new(190);
        let limiter = Arc::new(RollingWindow::new(RateLimit::per_ten_seconds(guess)));
        run(&model, &[limiter], 2_000, (10, 40)).await;
        println!("guess {guess}: used {:.4}, refused {}", model.used(), model.refused.load(Ordering::Relaxed));
        assert_eq!(model.refused.load(Ordering::Relaxed), 0);
        assert!(model.used() >= 0.99, "{}", model.used());
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_account_notice_each_other() {
    for ways in [(10, 40), (20, 80), (5, 10)] {
        let model = Model::new(190);
        let limiters = [(); 2].map(|()| Arc::new(RollingWindow::new(RateLimit::PROFESSIONAL)));
        run(&model, &limiters, 2_000, ways).await;
        // Both still have something to send.
        let used = model.used_in(18);
        let refused = f64::from(model.refused.load(Ordering::Relaxed)) / 4_000.0;
        println!("ways {ways:?}: used {used:.4}, refused {refused:.5}");
        assert!(used >= 0.95, "{used}");
        assert!(refused < 0.005, "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_later_gets_its_share_and_one_that_stays_behind_gets_all() {
    let model = Model::new(190);
    let [early, late] = [(); 2].map(|()| Arc::new(RollingWindow::new(RateLimit::PROFESSIONAL)));
    let (of_early, of_late) = (Arc::clone(&model), Arc::clone(&model));
    let run_early = tokio::spawn(async move { run(&of_early, &[early], 2_000, (10, 40)).await });
    sleep(Duration::from_secs(35)).await;
    let started = Instant::now();
    let run_late = tokio::spawn(async move { run(&of_late, &[late], 200, (10, 40)).await });
    run_late.await.unwrap();
    let took = started.elapsed();
    println!("200 late calls took {took:?}, refused {}", model.refused.load(Ordering::Relaxed));
    run_early.await.unwrap();
    println!("used {:.4}", model.used_in(10));
    assert!(took < Duration::from_secs(200), "the late one starves: {took:?}");
    assert!(model.used_in(10) >= 0.9, "{}", model.used_in(10));
}

#[tokio::test(start_paused = true)]
async fn the_whole_allowance_may_go_in_one_burst_where_no_answer_limits_it() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(50));
    let started = Instant::now();
    for sent in 0..50 {
        let permit = limiter.acquire(RateBucket::General).await.unwrap();
        limiter.release(permit, &answered(None, None));
        assert_eq!(started.elapsed(), Duration::ZERO, "{sent}");
    }
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    limiter.release(permit, &answered(None, None));
}

fn answered(limit: Option<u32>, remaining: Option<u32>) -> PermitUsage {
    let mut headers = RateLimitHeaders::default();
    headers.limit = limit;
    headers.remaining = remaining;
    PermitUsage::Response { headers, rate_limited: false }
}

/// Permits that are given at once, each released after a response.
fn at_once(limiter: &RollingWindow, bucket: RateBucket) -> usize {
    std::iter::from_fn(|| limiter.try_acquire(bucket))
        .map(|permit| limiter.release(permit, &answered(None, None)))
        .count()
}

#[tokio::test(start_paused = true)]
async fn search_has_five_a_second_of_its_own() {
    let limiter = RollingWindow::new(RateLimit::PROFESSIONAL);
    assert_eq!(at_once(&limiter, RateBucket::Search), 5);
    sleep(Duration::from_millis(999)).await;
    assert_eq!(at_once(&limiter, RateBucket::Search), 0);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(at_once(&limiter, RateBucket::Search), 5);
    assert_eq!(at_once(&limiter, RateBucket::General), 190);
}

/// Responses to searches may carry the headers of the general rate limit.
#[tokio::test(start_paused = true)]
async fn searches_keep_their_own_limit_whatever_headers_come_with_them() {
    let limiter = RollingWindow::new(RateLimit::PROFESSIONAL);
    let answer = |interval: Option<u64>, limit| {
        let PermitUsage::Response { mut headers, .. } = answered(Some(limit), Some(limit - 10)) else { unreachable!() };
        headers.interval = interval.map(Duration::from_millis);
        (headers.daily_limit, headers.daily_remaining) = (Some(1_000), Some(900));
        PermitUsage::Response { headers, rate_limited: false }
    };
    for interval in [Some(10_000), Some(1_001), None] {
        limiter.release(limiter.try_acquire(RateBucket::Search).unwrap(), &answer(interval, 190));
        let status = limiter.status();
        assert_eq!((status.search.limit, status.search.interval), (Some(5), Duration::from_secs(1)), "{interval:?}");
        assert_eq!(status.search.used_by_others, 0);
        assert_eq!((status.daily_limit, status.daily_remaining), (Some(1_000), Some(900)));
    }
    assert_eq!(at_once(&limiter, RateBucket::Search), 2);
    // One that is about searches is believed.
    sleep(Duration::from_secs(3)).await;
    limiter.release(limiter.try_acquire(RateBucket::Search).unwrap(), &answer(Some(1_000), 20));
    assert_eq!(limiter.status().search.limit, Some(20));
}

#[tokio::test]
async fn an_answer_that_allows_more_or_less_is_believed() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(10));
    for (limit, more) in [(250, 249), (20, 0)] {
        let permit = limiter.try_acquire(RateBucket::General);
        if let Some(permit) = permit {
            limiter.release(permit, &answered(Some(limit), Some(limit - 1)));
        }
        assert_eq!(at_once(&limiter, RateBucket::General), more);
    }
}

#[tokio::test]
async fn what_others_use_is_left_to_them() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(100));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &answered(Some(100), Some(39)));
    assert_eq!(limiter.status().general.used_by_others, 60);
    assert_eq!(at_once(&limiter, RateBucket::General), 39);
}

#[tokio::test(start_paused = true)]
async fn waiting_is_first_come_first_served_and_a_dropped_waiter_gives_up_its_place() {
    let limiter = Arc::new(RollingWindow::new(RateLimit::per_ten_seconds(1)));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &answered(None, None));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for number in 0..4 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        waiters.push(tokio::spawn(async move {
            let permit = limiter.acquire(RateBucket::General).await.unwrap();
            order.lock().unwrap().push(number);
            limiter.release(permit, &answered(None, None));
        }));
        tokio::task::yield_now().await;
    }
    assert_eq!(limiter.status().general.waiting, 4);
    waiters.remove(0).abort();
    waiters.remove(1).abort();
    let started = Instant::now();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [1, 3]);
    assert_eq!(limiter.status().general.waiting, 0);
    assert_eq!(started.elapsed().as_secs(), 20, "no place was lost");
    assert!(limiter.try_acquire(RateBucket::General).is_none());
}

#[tokio::test]
async fn a_request_that_was_not_sent_gives_its_place_back() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    for _ in 0..3 {
        let permit = limiter.try_acquire(RateBucket::General).unwrap();
        limiter.release(permit, &PermitUsage::NotSent);
    }
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &PermitUsage::NoResponse);
    assert!(limiter.try_acquire(RateBucket::General).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_empties_the_bucket_until_room_is_sure() {
    let refusal = |retry_after| {
        let mut headers = RateLimitHeaders::default();
        headers.retry_after = retry_after;
        PermitUsage::Response { headers, rate_limited: true }
    };
    // Of its own requests none is in the window: others use it all, and only asking tells.
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(100));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &refusal(None));
    assert!(limiter.try_acquire(RateBucket::General).is_none());
    let started = Instant::now();
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_millis(2_500));
    // HubSpot's own word goes first.
    limiter.release(permit, &refusal(Some(Duration::from_secs(7))));
    let started = Instant::now();
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    limiter.release(permit, &answered(None, Some(0)));
    // One of its own is: room comes when it leaves.
    let started = Instant::now();
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    limiter.release(permit, &PermitUsage::NoResponse);
}

/// What the window held then is not known any more.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_slow_to_come_pauses_as_well() {
    let limiter = Arc::new(RollingWindow::new(RateLimit::per_ten_seconds(100)));
    let (started, sent) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let callers = (0..100).map(|_| {
        let (limiter, sent) = (Arc::clone(&limiter), Arc::clone(&sent));
        tokio::spawn(async move {
            while started.elapsed() < Duration::from_secs(60) {
                let permit = limiter.acquire(RateBucket::General).await.unwrap();
                sent.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(1_200)).await;
                let PermitUsage::Response { headers, .. } = answered(Some(100), Some(0)) else { unreachable!() };
                limiter.release(permit, &PermitUsage::Response { headers, rate_limited: true });
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let sent = sent.load(Ordering::Relaxed);
    assert!((10..200).contains(&sent), "{sent}");
}

#[tokio::test]
async fn without_a_limit_nothing_waits() {
    let limiter = RollingWindow::new(RateLimit::unlimited());
    for _ in 0..10_000 {
        let permit = limiter.try_acquire(RateBucket::General).unwrap();
        limiter.release(permit, &answered(Some(1), Some(0)));
    }
    assert_eq!(limiter.status().general.limit, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_pauses_for_a_minute_at_most() {
    for asked in [Duration::from_secs(61), Duration::from_secs(24 * 3600), Duration::MAX] {
        let limiter = RollingWindow::new(RateLimit::per_ten_seconds(100));
        let permit = limiter.try_acquire(RateBucket::General).unwrap();
        let mut headers = RateLimitHeaders::default();
        headers.retry_after = Some(asked);
        limiter.release(permit, &PermitUsage::Response { headers, rate_limited: true });
        let started = Instant::now();
        let permit = limiter.acquire(RateBucket::General).await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_secs(60), "{asked:?}");
        limiter.release(permit, &PermitUsage::NoResponse);
    }
}

/// Requests in flight at the same time may be refused for different times, or for none that is told.
#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_shorten_the_pause_that_another_asked_for() {
    for asked in [[Some(30), Some(1), None], [Some(1), Some(30), None], [None, Some(30), Some(29)]] {
        let limiter = RollingWindow::new(RateLimit::per_ten_seconds(100));
        let permits = asked.map(|_| limiter.try_acquire(RateBucket::General).unwrap());
        for (permit, asked) in permits.into_iter().zip(asked) {
            let mut headers = RateLimitHeaders::default();
            headers.retry_after = asked.map(Duration::from_secs);
            limiter.release(permit, &PermitUsage::Response { headers, rate_limited: true });
        }
        let started = Instant::now();
        let permit = limiter.acquire(RateBucket::General).await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_secs(30), "{asked:?}");
        limiter.release(permit, &PermitUsage::NoResponse);
    }
}

#[tokio::test(start_paused = true)]
async fn an_allowance_as_large_as_a_number_can_be() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(100));
    // Slower than the window, so that they are in flight and count no more.
    let slow: Vec<_> = (0..10).filter_map(|_| limiter.try_acquire(RateBucket::General)).collect();
    tokio::time::advance(Duration::from_secs(20)).await;
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &answered(Some(u32::MAX), Some(u32::MAX - 5)));
    assert!(limiter.status().general.used_by_others > 0);
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &answered(Some(u32::MAX), Some(0)));
    assert!(limiter.try_acquire(RateBucket::General).is_none());
    slow.into_iter().for_each(|permit| limiter.release(permit, &PermitUsage::NoResponse));
}

/// What happens to a limiter: time passes, or somebody comes who holds a permit for some time.
#[derive(Clone, Debug)]
enum Event {
    Pause(u64),
    Comes(u64),
}

/// When whoever comes last gets a permit, if those before have got or lost theirs; `None` where its deadline is too early.
async fn served(limit: u32, events: &[Event], deadline: Option<u64>) -> Option<Duration> {
    let limiter = Arc::new(RollingWindow::new(RateLimit::per_ten_seconds(limit)));
    // With a limit that is known.
    let permit = limiter.acquire(RateBucket::General).await.unwrap();
    limiter.release(permit, &answered(Some(limit), Some(limit - 1)));
    for event in events {
        match *event {
            Event::Pause(ms) => sleep(Duration::from_millis(ms)).await,
            Event::Comes(ms) => {
                let limiter = Arc::clone(&limiter);
                tokio::spawn(async move {
                    let permit = limiter.acquire(RateBucket::General).await.unwrap();
                    sleep(Duration::from_millis(ms)).await;
                    limiter.release(permit, &answered(Some(limit), None));
                });
                tokio::task::yield_now().await;
            }
        }
    }
    let started = Instant::now();
    let permit = match deadline {
        None => limiter.acquire(RateBucket::General).await,
        Some(ms) => limiter.acquire_by(RateBucket::General, started + Duration::from_millis(ms)).await,
    };
    let permit = permit.map_err(|refusal| assert!(refusal.is::<NotInTime>())).ok()?;
    let waited = started.elapsed();
    limiter.release(permit, &PermitUsage::NotSent);
    Some(waited)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deadline_refuses_nobody_whose_turn_comes_before(
        limit in 1..12_u32,
        events in prop::collection::vec(
            prop_oneof![(0..6_000_u64).prop_map(Event::Pause), (0..1_500_u64).prop_map(Event::Comes)],
            0..30,
        ),
        deadline in 1..40_000_u64,
    ) {
        let run = |deadline| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(served(limit, &events, deadline))
        };
        let waits = run(None).unwrap();
        let in_time = run(Some(deadline));
        prop_assert_eq!(in_time, Some(waits).filter(|waits| waits.as_millis() < u128::from(deadline)));
    }
}

/// Requests in flight may leave the window any time from now on, so that what they make full refuses nobody yet.
#[tokio::test(start_paused = true)]
async fn a_window_full_of_requests_in_flight_is_no_certainty() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    let deadline = Instant::now() + Duration::from_millis(10_500);
    let waits = limiter.acquire_by(RateBucket::General, deadline);
    let answer = async {
        sleep(Duration::from_millis(50)).await;
        limiter.release(permit, &answered(Some(1), Some(0)));
    };
    let (next, ()) = tokio::join!(waits, answer);
    limiter.release(next.unwrap(), &PermitUsage::NoResponse);
}

#[tokio::test(start_paused = true)]
async fn the_certainty_that_a_turn_comes_too_late_is_told_at_once() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    let permit = limiter.try_acquire(RateBucket::General).unwrap();
    limiter.release(permit, &answered(Some(1), Some(0)));
    let started = Instant::now();
    let refusal = limiter.acquire_by(RateBucket::General, started + Duration::from_secs(9)).await.unwrap_err();
    let refusal: NotInTime = *refusal.downcast().unwrap();
    assert_eq!((started.elapsed(), refusal.retry_after()), (Duration::ZERO, Some(Duration::from_secs(10))));
    let permit = limiter.acquire_by(RateBucket::General, started + Duration::from_secs(11)).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    limiter.release(permit, &PermitUsage::NoResponse);
}

/// `cargo test --release --test rolling_window -- --ignored --nocapture cost` prints what a permit costs in windows of several
/// sizes.
#[tokio::test(start_paused = true)]
#[ignore = "a measurement"]
async fn the_cost_of_a_permit_in_windows_of_several_sizes() {
    for limit in [100, 1_000, 10_000, 100_000] {
        let limiter = RollingWindow::new(RateLimit::per_ten_seconds(limit));
        let take = |used: u32| {
            let permit = limiter.try_acquire(RateBucket::General).unwrap();
            limiter.release(permit, &answered(Some(limit), Some(limit - used - 1)));
        };
        (0..limit - 50).for_each(take);
        let started = std::time::Instant::now();
        (limit - 50..limit).for_each(take);
        println!("{limit}: {:?}", started.elapsed() / 50);
    }
}
