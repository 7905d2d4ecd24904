//! What the way of every request does not allocate.

use std::time::Duration;

use allocation_counter::measure;
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
