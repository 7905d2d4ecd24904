//! What processes share in Redis. Each test starts a `redis-server` of its own.

#[path = "../support/limiters.rs"]
mod limiters;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/redis.rs"]
mod redis_server;
#[path = "../support/mod.rs"]
mod support;

mod connection;
mod fairness;
mod job_failures;
mod jobs;
mod limiter;
mod outages;
mod panics;
mod tokens;
