//! Whose turn it is where several processes share an allowance: first come, first served.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hubspot_partner_clients::{PermitUsage, RateLimiter, redis::Redis};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::limiters::{Account, GENERAL, SLACK, WINDOW, answered, limiters, load, none_for, reported, take};
use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;

#[tokio::test]
async fn a_process_that_waits_is_not_passed_by_those_who_came_later() {
    let server = RedisServer::start();
    let processes = limiters(&server, 3, 1).await;
    sleep(WINDOW).await;
    let held = take(&processes[0], 1).await.remove(0);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = JoinSet::new();
    for index in [1, 2, 0] {
        let (process, order) = (Arc::clone(&processes[index]), Arc::clone(&order));
        calls.spawn(async move {
            let permit = process.acquire(GENERAL).await.unwrap();
            order.lock().unwrap().push(index);
            process.release(permit, &answered(1, None));
        });
        reported().await;
    }
    processes[0].release(held, &answered(1, None));
    calls.join_all().await;
    assert_eq!(*order.lock().unwrap(), [1, 2, 0]);
}

#[tokio::test]
async fn one_call_among_hundreds_of_another_process_has_its_turn_at_once() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 20).await;
    let account = Account::new(20);
    let (busy, quiet) = (&processes[..1], Arc::clone(&processes[1]));
    let alone = async {
        sleep(2 * WINDOW).await;
        let asked = Instant::now();
        let permit = quiet.acquire(GENERAL).await.unwrap();
        quiet.release(permit, &account.request());
        asked.elapsed()
    };
    let (waited, _) = tokio::join!(alone, load(busy, &account, 5 * WINDOW));
    assert!(waited < WINDOW + WINDOW / 2, "{waited:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_gives_its_place_back() {
    let server = RedisServer::start();
    let processes = limiters(&server, 2, 1).await;
    sleep(WINDOW).await;
    let held = take(&processes[0], 1).await.remove(0);
    assert!(none_for(&processes[0], WINDOW / 4).await);
    assert_eq!(processes[0].status().general.waiting, 0);
    processes[0].release(held, &PermitUsage::NotSent);
    let started = Instant::now();
    take(&processes[1], 1).await;
    assert!(started.elapsed() < WINDOW / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_place_of_a_process_that_was_stopped_is_kept_for_half_a_second_beyond_the_timeout() {
    let server = RedisServer::start();
    let mut processes = limiters(&server, 2, 1).await;
    sleep(WINDOW).await;
    let last = processes.pop().unwrap();
    let held = take(&last, 1).await.remove(0);
    // It takes its place in the queue, and never comes back.
    let gone = Arc::clone(&processes[0]);
    let waiting = tokio::spawn(async move { gone.acquire(GENERAL).await.map(drop) });
    reported().await;
    waiting.abort();
    let _ = waiting.await;
    processes.clear();
    last.release(held, &PermitUsage::NotSent);
    let started = Instant::now();
    take(&last, 1).await;
    let waited = started.elapsed();
    assert!((500..1_200).contains(&waited.as_millis()), "{waited:?}");
}

/// Of the timeout it leaves as much as a busy machine needs.
#[tokio::test]
async fn a_process_far_from_redis_keeps_its_place_among_those_nearby() {
    let server = RedisServer::start();
    let near = limiters(&server, 1, 1).await.remove(0);
    let proxy = RedisProxy::to(server.port());
    proxy.delay(Duration::from_millis(300));
    let far = Redis::builder(proxy.url()).timeout(SLACK).connect().await.unwrap();
    let far = far.limiter("account").connect().await.unwrap();
    let busy = tokio::spawn(async move {
        loop {
            let permit = near.acquire(GENERAL).await.unwrap();
            near.release(permit, &answered(1, None));
        }
    });
    for _ in 0..2 {
        let started = Instant::now();
        take(&far, 1).await;
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
    busy.abort();
}
