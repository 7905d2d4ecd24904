//! One allowance for many processes, kept in Redis.
//!
//! HubSpot's rate limit belongs to the account, not to the process. Processes that connect to the same [`Redis`] with the
//! same prefix share it:
//!
//! ```no_run
//! # async fn run(redis_url: String, token: String) -> hubspot_partner_clients::Result<()> {
//! use hubspot_partner_clients::{Client, RateLimit, redis::Redis};
//!
//! let redis = Redis::connect(redis_url).await?;                   // redis://user:password@host, or rediss:// with TLS
//! let limiter = redis.limiter("1234567").rate_limit(RateLimit::OAUTH_APP).local_share(0.1).connect().await?;
//! let client = Client::builder().access_token(token).rate_limiter(limiter).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Give a client that has a limiter of one account to no other: [`Client::for_account`](crate::Client::for_account) makes
//! one with an in-process limiter, so build a client for each account instead.

mod bucket;
mod connection;
mod limiter;
mod window;

pub use self::{
    connection::{Redis, RedisBuilder},
    limiter::{RedisLimiter, RedisLimiterBuilder},
};
