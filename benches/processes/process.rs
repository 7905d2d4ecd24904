//! A process among many: calls as fast as the shared allowance lets it.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hubspot_partner_clients::{
    Client, PermitUsage, RateLimit, RateLimiter, oauth::OAuthApp, redis::Redis, spec::RateBucket,
};
use tokio::{task::JoinSet, time::Instant};

/// Calls that a process has under way at once.
const CALLS: usize = 40;
/// Of an example only: 32 bytes from a generator that nobody can guess.
const KEY: [u8; 32] = [7; 32];

/// Prints when each of its calls ended, in milliseconds since 1970.
pub async fn work(
    redis: &str,
    hubspot: &str,
    account: &str,
    seconds: u64,
    allowance: u32,
) -> Result<(), Box<dyn Error>> {
    let redis = Redis::connect(redis).await?;
    let limit = RateLimit::per_ten_seconds(if allowance == 0 { 10_000_000 } else { allowance });
    let limiter = Arc::new(redis.limiter(account).rate_limit(limit).connect().await?);
    let store = redis.token_store("client-id", account, KEY).await?;
    let app = OAuthApp::builder("client-id", "client-secret").base_url(hubspot).build()?;
    let token = app.token("refresh-token")?.store(store);
    let client =
        Client::builder().base_url(hubspot).token_provider(token).rate_limiter(Arc::clone(&limiter)).build()?;

    let until = Instant::now() + Duration::from_secs(seconds) + Duration::from_millis(300);
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (client, limiter) = (client.clone(), Arc::clone(&limiter));
        calls.spawn(async move {
            let mut ends = Vec::new();
            let call = async {
                loop {
                    if allowance == 0 {
                        let Ok(permit) = limiter.acquire(RateBucket::General).await else { return };
                        limiter.release(permit, &PermitUsage::NotSent);
                    } else if client.association_types("companies").await.is_err() {
                        continue;
                    }
                    ends.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis());
                }
            };
            let _ = tokio::time::timeout_at(until, call).await;
            ends
        });
    }
    let ends: Vec<String> = calls.join_all().await.concat().iter().map(u128::to_string).collect();
    println!("{}", ends.join(" "));
    Ok(())
}
