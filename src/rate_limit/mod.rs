//! Rate limits: the trait that a limiter implements, HubSpot's rate-limit headers, and the limiter of a client, a
//! rolling window.
#![cfg(feature = "client")]

pub(crate) mod headers;
pub(crate) mod limiter;
pub(crate) mod not_in_time;
pub(crate) mod rolling_window;

pub use self::{
    headers::RateLimitHeaders,
    limiter::{BucketStatus, Permit, PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter},
    rolling_window::RollingWindow,
};
pub use crate::rate_limit::not_in_time::NotInTime;
