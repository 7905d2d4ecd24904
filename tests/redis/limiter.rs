//! One allowance for several processes, each of which a limiter with a connection of its own stands for. Redis is real,
//! and so is its clock: windows are short.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use hubspot_partner_clients::{
    Client, NotInTime, PermitUsage, RateLimit, RateLimitHeaders, RateLimiter, redis::Redis, spec::RateBucket,
};
use hubspot_simulator::{RateLimits, Simulator};
use tokio::time::{Instant, sleep, timeout};

use crate::limiters::{
    Account, GENERAL, KEY, SLACK, WINDOW, answered, limiter, limiters, limiters_with, load, redis, refused, reported,
    round_trips, take,
};
use crate::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_use_the_allowance_and_none_is_refused() {
    let server = RedisServer::start();
    let processes = limiters_with(&server, 5 * SLACK, 4, 40).await;
    sleep(WINDOW + SLACK).await;
    let mut most = 0;
    // While a machine is busy with something else, places stay free through no fault of the limiter: one good time of three will do.
    for _ in 0..3 {
        let account = Account::new(40);
        let served = load(&processes, &account, 10 * WINDOW).await;
        let (accepted, refusals) = account.counts();
        println!("{accepted} of 400, {refusals} refused, by process {served:?}");
        assert_eq!(refusals, 0);
        assert!(served.iter().all(|&served| served >= accepted / 8), "{served:?}");
        most = most.max(accepted);
        // A place is taken again some milliseconds after it falls free, which is much of so short a window.
        if most >= 340 {
            return;
        }
    }
    panic!("{most} of 400");
}

#[tokio::test]
async fn the_window_is_shared_and_exact() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 10).await;
    sleep(WINDOW + SLACK).await;
    let started = Instant::now();
    let account = Account::new(10);
    for (process, count) in [(0, 6), (1, 4)] {
        for _ in 0..count {
            let permit = take(&processes[process], 1).await.remove(0);
            processes[process].release(permit, &account.request());
        }
        reported().await;
    }
    let (first, second) = (processes[0].acquire(GENERAL), processes[1].acquire(GENERAL));
    let (first, second) = tokio::join!(first, second);
    assert!(started.elapsed() >= WINDOW, "{:?}", started.elapsed());
    assert!(started.elapsed() < 2 * WINDOW, "{:?}", started.elapsed());
    for (process, permit) in [(0, first), (1, second)] {
        processes[process].release(permit.unwrap(), &account.request());
    }
    assert_eq!(account.counts(), (12, 0));
}

/// HubSpot may count a request as late as that.
#[tokio::test]
async fn a_request_frees_its_place_an_interval_after_its_answer() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 1).await;
    sleep(WINDOW).await;
    let permit = take(&processes[0], 1).await.remove(0);
    sleep(WINDOW / 2).await;
    processes[0].release(permit, &answered(1, None));
    let settled = Instant::now();
    take(&processes[1], 1).await;
    assert!(settled.elapsed() >= WINDOW && settled.elapsed() < 2 * WINDOW, "{:?}", settled.elapsed());
}

#[tokio::test]
async fn a_request_without_an_answer_counts_for_an_interval_and_a_second() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 1).await;
    sleep(WINDOW).await;
    let started = Instant::now();
    drop(take(&processes[0], 1).await);
    take(&processes[1], 1).await;
    assert!(started.elapsed() >= WINDOW + SLACK, "{:?}", started.elapsed());
    assert!(started.elapsed() < WINDOW + SLACK + WINDOW, "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_one_process_learns_all_know() {
    let server = RedisServer::start();
    let (first, second) = (limiter(&server, 100).await, limiter(&server, 50).await);
    let permit = take(&first, 1).await.remove(0);
    let mut headers = RateLimitHeaders::default();
    (headers.limit, headers.remaining, headers.daily_limit) = (Some(190), Some(180), Some(1_000));
    first.release(permit, &PermitUsage::Response { headers, rate_limited: false });
    reported().await;
    take(&second, 1).await;
    let status = second.status();
    assert_eq!((status.general.limit, status.general.interval), (Some(190), Duration::from_secs(10)));
    // Nine of the ten that are used are nobody's here.
    assert_eq!((status.general.used, status.general.used_by_others), (2, 9));
    assert_eq!((status.daily_limit, status.daily_remaining), (Some(1_000), None));
    let third = limiter(&server, 7).await;
    assert_eq!(third.status().general.limit, Some(190), "before its first request");
}

#[tokio::test]
async fn a_refusal_pauses_all_processes() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 10).await;
    sleep(WINDOW + SLACK).await;
    let permit = take(&processes[0], 1).await.remove(0);
    processes[0].release(permit, &refused(Some(WINDOW)));
    let at = Instant::now();
    reported().await;
    take(&processes[1], 1).await;
    assert!(at.elapsed() >= WINDOW && at.elapsed() < 2 * WINDOW, "{:?}", at.elapsed());
}

#[tokio::test]
async fn a_permit_that_is_taken_up_too_late_is_given_back_for_a_new_one() {
    let server = RedisServer::start();
    // Two are granted at once.
    let limiter = Arc::new(limiter(&server, 40).await);
    let (first, second) = (Arc::clone(&limiter), Arc::clone(&limiter));
    let first = tokio::spawn(async move {
        let permit = first.acquire(GENERAL).await;
        // Nothing else happens in this process for so long.
        std::thread::sleep(SLACK + SLACK / 2);
        permit.map(drop)
    });
    let second = tokio::spawn(async move { second.acquire(GENERAL).await.map(drop) });
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    reported().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + SLACK / 2;
    assert_eq!(server.number(&["ZCOUNT", KEY, &now.as_micros().to_string(), "+inf"]), 1, "it is counted anew");
    assert_eq!(server.number(&["ZCARD", KEY]), 3, "both requests, and what is known");
}

#[tokio::test]
async fn a_permit_takes_one_round_trip_and_what_ends_together_one_more() {
    let server = RedisServer::start();
    let limiter = limiter(&server, 100).await;
    let before = round_trips(&server);
    let permits = take(&limiter, 5).await;
    reported().await;
    assert_eq!(round_trips(&server) - before, 5);
    for permit in permits {
        limiter.release(permit, &answered(100, None));
    }
    reported().await;
    assert_eq!(round_trips(&server) - before, 6);
}

#[tokio::test]
async fn calls_that_come_together_get_their_permits_in_blocks() {
    let server = RedisServer::start();
    for (limit, calls, block) in [(8_000, 500, 100), (400, 40, 20)] {
        let redis = redis(server.url()).await.limiter(limit.to_string());
        let limiter = redis.rate_limit(RateLimit::per_ten_seconds(limit)).connect().await.unwrap();
        let before = round_trips(&server);
        futures_util::future::join_all((0..calls).map(|_| limiter.acquire(GENERAL))).await;
        let blocks = calls / block;
        // The first may be asked for before all have come.
        let taken = round_trips(&server) - before;
        assert!((blocks..=blocks + 1).contains(&taken), "{taken} for {calls}");
    }
}

#[tokio::test]
async fn searches_have_an_allowance_of_their_own() {
    let server = RedisServer::start();
    let limiter = limiter(&server, 1).await;
    take(&limiter, 1).await;
    let started = Instant::now();
    // Responses to searches may carry the headers of the general rate limit.
    let mut headers = RateLimitHeaders::default();
    (headers.limit, headers.remaining, headers.interval) = (Some(190), Some(180), Some(Duration::from_secs(10)));
    for _ in 0..6 {
        let permit = limiter.acquire(RateBucket::Search).await.unwrap();
        limiter.release(permit, &PermitUsage::Response { headers, rate_limited: false });
    }
    assert!(started.elapsed() >= Duration::from_secs(1) && started.elapsed() < Duration::from_secs(2));
    let search = limiter.status().search;
    assert_eq!((search.limit, search.interval), (Some(5), Duration::from_secs(1)));
}

#[tokio::test]
async fn what_a_response_to_a_search_says_of_the_day_all_know() {
    let server = RedisServer::start();
    let (first, second) = (limiter(&server, 10).await, limiter(&server, 10).await);
    for left in [7, 6] {
        let permit = first.acquire(RateBucket::Search).await.unwrap();
        let mut headers = RateLimitHeaders::default();
        (headers.daily_limit, headers.daily_remaining) = (Some(1_000), Some(left));
        first.release(permit, &PermitUsage::Response { headers, rate_limited: false });
        reported().await;
        take(&second, 1).await;
        for status in [first.status(), second.status()] {
            assert_eq!((status.daily_limit, status.daily_remaining), (Some(1_000), Some(left)));
        }
    }
}

#[tokio::test]
async fn accounts_and_prefixes_are_apart_and_every_key_expires() {
    let server = RedisServer::start();
    let redis = redis(server.url()).await;
    let other = Redis::builder(server.url()).prefix("other").connect().await.unwrap();
    for builder in [redis.limiter("account"), redis.limiter("second"), other.limiter("account")] {
        let limiter = builder.rate_limit(RateLimit::per_ten_seconds(1)).connect().await.unwrap();
        take(&limiter, 1).await;
    }
    for key in [KEY, "hubspot-partner-clients:limit:second:general", "other:limit:account:general"] {
        assert_eq!(server.number(&["ZCARD", key]), 2, "one request, and what is known");
        let expiry = server.number(&["TTL", key]);
        assert!((7_100..=7_200).contains(&expiry), "{key} {expiry}");
    }
    assert_eq!(server.number(&["DBSIZE"]), 6, "with those of searches");
}

#[tokio::test]
async fn a_clock_that_is_set_back_stops_nobody_for_long() {
    let server = RedisServer::start();
    let processes = limiters(&server, 1, 1).await;
    // As if it had been an hour later.
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() + 3_600_000_000;
    server.command(&["ZADD", KEY, &later.to_string(), "somebody:1"]);
    let started = Instant::now();
    take(&processes[0], 1).await;
    assert!(started.elapsed() < 3 * WINDOW, "{:?}", started.elapsed());
}

/// It was told to Redis by its clock of an hour later, as if the clock had been set back since; so was a place in the queue.
#[tokio::test]
async fn a_pause_ends_in_time_though_the_clock_is_set_back() {
    let server = RedisServer::start();
    let limiters = limiters(&server, 1, 1).await;
    sleep(WINDOW).await;
    let later = "
        local known = redis.call('ZRANGEBYSCORE', KEYS[1], 0, 0)[1]
        local s, later = cmsgpack.unpack(known), (redis.call('TIME')[1] + 3600) * 1000000
        s.paused, s.queue = later, { { 'somebody', 1, later } }
        redis.call('ZREM', KEYS[1], known)
        return redis.call('ZADD', KEYS[1], 0, cmsgpack.pack(s))";
    assert_eq!(server.number(&["EVAL", later, "1", KEY]), 1);
    let started = Instant::now();
    take(&limiters[0], 1).await;
    assert!(started.elapsed() < 3 * WINDOW, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_limiter_whose_runtime_has_ended_fails_instead_of_waiting_for_ever() {
    let server = RedisServer::start();
    let url = server.url();
    let connect = move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { Redis::connect(url).await.unwrap().limiter("account").connect().await.unwrap() })
    };
    let limiter = std::thread::spawn(connect).join().unwrap();
    let outcome = timeout(Duration::from_secs(2), limiter.acquire(GENERAL)).await.unwrap();
    assert!(outcome.unwrap_err().to_string().contains("has ended"));
}

#[tokio::test]
async fn a_call_that_waits_while_its_limiter_s_runtime_ends_fails() {
    let server = RedisServer::start();
    let url = server.url();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let limiter = runtime.block_on(async {
            let redis = Redis::connect(url).await.unwrap();
            redis.limiter("account").rate_limit(RateLimit::per_ten_seconds(1)).connect().await.unwrap()
        });
        sender.send(limiter).unwrap();
        let _ = ended.recv();
    });
    let limiter = receiver.await.unwrap();
    take(&limiter, 1).await;
    let waiting = async {
        reported().await;
        drop(end);
    };
    let (outcome, ()) = tokio::join!(timeout(Duration::from_secs(2), limiter.acquire(GENERAL)), waiting);
    assert!(outcome.unwrap().unwrap_err().to_string().contains("has ended"));
}

const HANGS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn whoever_waits_and_is_not_polled_holds_up_nobody() {
    let server = RedisServer::start();
    let process = limiters(&server, 1, 10).await.remove(0);
    let mut kept: Vec<_> = (0..25).map(|_| process.acquire(GENERAL)).collect();
    for waiting in &mut kept {
        assert!(waiting.now_or_never().is_none());
    }
    for _ in 0..25 {
        let permit = timeout(HANGS, process.acquire(GENERAL)).await.expect("it hangs").unwrap();
        process.release(permit, &answered(10, None));
    }
}

#[tokio::test]
async fn a_call_in_the_loop_over_calls_at_once() {
    let server = RedisServer::start();
    let hubspot = Simulator::builder().rate_limits(RateLimits::default().per_ten_seconds(30)).start().await.unwrap();
    let builder = Client::builder().base_url(hubspot.base_url()).access_token(hubspot.access_token());
    let client = builder.rate_limiter(limiter(&server, 30).await).build().unwrap();
    let get = || {
        let client = client.clone();
        async move { client.get(512).await.map(drop) }
    };
    let mut calls = stream::iter((0..35).map(|_| get())).buffer_unordered(20);
    let mut kept: Vec<_> = (0..3).map(|_| Box::pin(get())).collect();
    while let Some(outcome) = timeout(HANGS, calls.next()).await.expect("it hangs") {
        outcome.unwrap();
        if let Some(mut call) = kept.pop() {
            assert!((&mut call).now_or_never().is_none());
            timeout(HANGS, client.update(512).set("name", "x").send()).await.expect("it hangs").unwrap();
            timeout(HANGS, call).await.expect("it hangs").unwrap();
        }
    }
}

#[tokio::test]
async fn a_turn_that_comes_too_late_is_told_at_once_as_far_as_redis_has_told() {
    let server = RedisServer::start();
    let process = limiter(&server, 2).await;
    for permit in take(&process, 2).await {
        process.release(permit, &PermitUsage::NoResponse);
    }
    // Redis is asked once, and says when to come back: in ten seconds.
    let started = Instant::now();
    let refusals = join_all((0..4).map(|_| process.acquire_by(GENERAL, started + Duration::from_secs(5)))).await;
    for refusal in refusals {
        let refusal: NotInTime = *refusal.unwrap_err().downcast().unwrap();
        let room = refusal.retry_after().unwrap();
        assert!((5..=12).contains(&room.as_secs()), "{room:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "only when its time was over");
}

#[test]
fn a_limiter_in_another_runtime_serves_as_long_as_that_runs_and_then_says_so() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = RedisServer::start();
    let (home, other) = (runtime(), runtime());
    let process = home.block_on(limiter(&server, 100));
    let refusal = other.block_on(async { timeout(HANGS, process.acquire(GENERAL)).await.expect("it hangs") });
    let message = "the runtime that the limiter was connected in does not run any more";
    assert_eq!(refusal.unwrap_err().to_string(), message);

    std::thread::scope(|scope| {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        scope.spawn(|| home.block_on(stopped));
        let permit = other.block_on(async { timeout(HANGS, process.acquire(GENERAL)).await.expect("it hangs") });
        process.release(permit.unwrap(), &PermitUsage::NotSent);
        stop.send(()).unwrap();
    });
    drop(home);
    let refusal = other.block_on(async { timeout(HANGS, process.acquire(GENERAL)).await.expect("it hangs") });
    assert!(refusal.unwrap_err().to_string().contains("has ended"));
}

#[test]
fn a_connection_is_made_anew_in_each_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = RedisServer::start();
    let (first, second) = (runtime(), runtime());
    let redis = first.block_on(redis(server.url()));
    second.block_on(async { redis.limiter("account").connect().await.unwrap() });
    first.block_on(async { redis.limiter("account").connect().await.unwrap() });
}
