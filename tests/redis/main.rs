//! What processes share in Redis. Each test starts a `redis-server` of its own.

#[path = "../support/limiters.rs"]
mod limiters;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/redis.rs"]
mod redis_server;
#[path = "../support/mod.rs"]
mod support;

/// Runs tests on two versions of HubSpot's API: each is a function of the version.
macro_rules! on_each_version {
    ($($test:ident),* $(,)?) => {
        mod v3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test("v3").await;
            })*
        }
        mod v2026_09 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test("2026-09").await;
            })*
        }
    };
}

mod clock;
mod connection;
mod deadly_batches;
mod fairness;
mod job_bindings;
mod job_failures;
mod job_recovery;
mod job_refusals;
mod jobs;
mod limiter;
mod lost_replies;
mod many_workers;
mod outages;
mod panics;
mod set_aside;
mod shared_pairs;
mod token_outages;
mod tokens;
