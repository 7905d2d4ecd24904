//! Rate limits, OAuth tokens and bulk work that several processes share in Redis.
//!
//! HubSpot's rate limit and an app's refresh token belong to the account, not to the process. Processes that connect to
//! the same [`Redis`] with the same prefix share both:
//!
//! ```no_run
//! # async fn run(redis_url: String, key: [u8; 32], refresh_token: String) -> hubspot_partner_clients::Result<()> {
//! use hubspot_partner_clients::{
//!     Client, RateLimit, oauth::OAuthApp,
//!     redis::Redis,
//! };
//!
//! // redis://user:password@host, or rediss: for TLS.
//! let redis = Redis::connect(redis_url).await?;
//! let limiter = redis
//!     .limiter("1234567")
//!     .rate_limit(RateLimit::OAUTH_APP)
//!     .local_share(0.1)
//!     .connect()
//!     .await?;
//! let store = redis
//!     .token_store("client-id", "1234567", key)
//!     .await?;
//!
//! let token =
//!     OAuthApp::new("client-id", "client-secret")?
//!         .token(refresh_token)?
//!         .store(store);
//! let client = Client::builder()
//!     .token_provider(token)
//!     .rate_limiter(limiter)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! If bulk work is too much for one process, use a [`Job`].
//!
//! A [`RedisLimiter`] belongs to one account, so build a client for each account.
//! [`Client::for_account`](crate::Client::for_account) creates a client with an in-process limiter instead.
#![cfg(feature = "redis")]

mod bucket;
mod connection;
mod job;
mod limiter;
mod script;
mod server;
mod token_cipher;
mod token_store;
mod trouble;
mod window;

pub use self::{
    connection::{Redis, RedisBuilder},
    job::{Job, JobStatus, JobWorker, SetAside},
    limiter::{RedisLimiter, RedisLimiterBuilder},
    token_store::RedisTokenStore,
};
