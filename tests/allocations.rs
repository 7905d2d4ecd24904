//! What a call allocates, next to bare reqwest.

#[path = "../benches/support/mod.rs"]
mod support;

use std::time::Duration;

use allocation_counter::measure;
use futures_util::future::join_all;
use hubspot_partner_clients::{PermitUsage, RateLimit, RateLimitHeaders, RateLimiter, RollingWindow, spec::RateBucket};

/// Takes and settles the permits of a whole window, and tells how many allocations that took.
fn allocations(limiter: &RollingWindow, limit: u32) -> u64 {
    let counted = measure(|| {
        for used in 1..=limit {
            let permit = limiter.try_acquire(RateBucket::General).unwrap();
            let mut headers = RateLimitHeaders::default();
            headers.limit = Some(limit);
            headers.remaining = Some(limit - used);
            limiter.release(permit, &PermitUsage::Response { headers, rate_limited: false });
        }
    });
    counted.count_total
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_free_allocates_nothing() {
    let limiter = RollingWindow::new(RateLimit::ENTERPRISE);
    assert_eq!(allocations(&limiter, 190), 0);
    // Answers may still be on their way for a second after the window has passed, so two windows are remembered.
    tokio::time::advance(Duration::from_millis(10_500)).await;
    assert_eq!(allocations(&limiter, 190), 0);
    // The measure counts: a limiter that is made allocates.
    assert_ne!(measure(|| drop(RollingWindow::new(RateLimit::ENTERPRISE))).count_total, 0);
}

/// Allocations per call, once connections are open and buffers have grown.
fn per_call(calls: u64, call: impl AsyncFn()) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = |times: u32| {
        runtime.block_on(async {
            for _ in 0..times {
                call().await;
            }
        });
    };
    run(20);
    let counted = measure(|| run(100));
    counted.count_total as f64 / (100 * calls) as f64
}

/// Compares two sides and prints a row; a call with a place in a batch of 32 has that batch's allocations as well.
fn compare(name: &str, most: f64, calls: u64, ours: impl AsyncFn(), bare: impl AsyncFn()) {
    let (ours, bare) = (per_call(calls, ours), per_call(calls, bare));
    let more = ours - bare;
    println!("| {name} | {ours:.1} | {bare:.1} | {more:.1} |");
    assert!(more <= most, "{name} allocates {more:.1} times more than by hand");
}

/// `cargo test --test allocations -- --nocapture` prints them.
#[test]
fn a_call_allocates_little_more_than_by_hand() {
    println!("| allocations of a call | this crate | by hand | difference |\n|---|---|---|---|");
    let url = support::serve("associate");
    let (ours, bare) = (support::ours(&url), support::Bare::new(&url));
    compare(
        "`associate`",
        MOST,
        1,
        async || drop(support::associate(&ours).await),
        async || drop(bare.associate().await),
    );
    compare(
        "`associate`, 32 in flight",
        MOST,
        32,
        async || drop(join_all((0..32).map(|_| support::associate(&ours))).await),
        async || drop(join_all((0..32).map(|_| bare.associate())).await),
    );
    let url = support::serve("dated");
    let (ours, bare) = (support::ours_dated(&url), support::Bare::new(&url));
    compare(
        "`associate` on a dated version",
        MOST_DATED,
        1,
        async || drop(support::associate_dated(&ours).await),
        async || drop(bare.associate_dated().await),
    );
}

const MOST: f64 = 9.0;
const MOST_DATED: f64 = 22.0;
