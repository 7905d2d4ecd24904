//! What the tool promises, run as a user runs it.

#[cfg(feature = "redis")]
#[path = "../../../tests/support/proxy.rs"]
mod proxy;
#[cfg(feature = "redis")]
#[path = "../../../tests/support/redis.rs"]
mod redis_server;
#[path = "../../../tests/support/mod.rs"]
mod support;

mod bulk;
mod cli;
mod commands;
mod endings;
mod first_minute;
mod jobs;
mod kill;
mod reconcile;
mod rows;
mod tls;
