//! Many processes on one allowance and one token: starts a simulated HubSpot and worker processes that share a Redis, and
//! tells how much of the allowance they use.
//!
//! ```text
//! redis-server --port 6390 &
//! cargo run --release --example processes --features redis,simulator -- redis://127.0.0.1:6390 [WORKERS SECONDS ALLOWANCE]
//! ```
//!
//! `ALLOWANCE` is per ten seconds; 0 measures the limiter alone, with no limit to speak of and no requests.

use std::{
    env,
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hubspot_partner_clients::{
    Client, PermitOutcome, RateLimit, RateLimiter,
    oauth::OAuthApp,
    redis::Redis,
    simulator::{self, RateLimits, Simulator},
    spec::RateBucket,
};
use tokio::task::JoinSet;

/// Calls that a worker has under way at once.
const CALLS: usize = 40;
/// Of an example only: 32 bytes from a generator that nobody can guess.
const KEY: [u8; 32] = [7; 32];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", redis, hubspot, account, seconds, allowance] => {
            work(redis, hubspot, account, Duration::from_secs(seconds.parse()?), allowance.parse()?).await
        }
        [redis] => run(redis, 8, 60, 190).await,
        [redis, workers, seconds, allowance] => {
            run(redis, workers.parse()?, seconds.parse()?, allowance.parse()?).await
        }
        _ => Err("usage: processes REDIS_URL [WORKERS SECONDS ALLOWANCE]".into()),
    }
}

async fn run(redis: &str, workers: u32, seconds: u64, allowance: u32) -> Result<(), Box<dyn Error>> {
    let hubspot = Simulator::builder()
        .rate_limits(RateLimits::default().per_ten_seconds(allowance.max(1)))
        .oauth_app(simulator::OAuthApp::new("client-id", "client-secret", "refresh-token"))
        .start()
        .await?;
    let account = uuid::Uuid::new_v4().simple().to_string();
    let cpu = redis_cpu(redis)?;
    let started = Instant::now();
    let mut running = Vec::new();
    for _ in 0..workers {
        let (seconds, allowance) = (seconds.to_string(), allowance.to_string());
        let child = Command::new(env::current_exe()?)
            .args(["worker", redis, hubspot.base_url(), &account, &seconds, &allowance])
            .stdout(Stdio::piped())
            .spawn()?;
        running.push(child);
    }
    let mut ends = Vec::new();
    for child in running {
        let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await??;
        if !output.status.success() {
            return Err(format!("a worker ended with {}", output.status).into());
        }
        for end in String::from_utf8(output.stdout)?.split_whitespace() {
            ends.push(end.parse::<u64>()?);
        }
    }
    ends.sort_unstable();
    let permits = ends.len();
    let took = started.elapsed().as_secs_f64();
    println!("{workers} workers, {took:.1} s: {permits} permits, {:.0} a second", permits as f64 / took);
    println!("Redis: {:.1} % of a core", 100.0 * (redis_cpu(redis)? - cpu) / took);
    if allowance > 0 {
        let requests = hubspot.requests();
        let (tokens, calls): (Vec<_>, Vec<_>) = requests.iter().partition(|r| r.path().starts_with("/oauth/"));
        let refused = calls.iter().filter(|request| request.status() == Some(429)).count();
        // A place is free again after ten seconds: what passes until it is taken is lost.
        let again = ends.iter().skip(allowance as usize).zip(&ends);
        let cycles: Vec<u64> = again.map(|(later, earlier)| later - earlier).collect();
        let cycle = cycles.iter().sum::<u64>() as f64 / cycles.len().max(1) as f64;
        println!("allowance: {:.2} % used, as a place is taken again after {cycle:.0} ms", 1_000_000.0 / cycle);
        println!("429s: {refused} of {}, {:.3} %", calls.len(), 100.0 * refused as f64 / calls.len() as f64);
        println!("refreshes of the token: {}", tokens.len());
    }
    Ok(())
}

/// Prints when each of its calls ended, in milliseconds since 1970.
async fn work(redis: &str, hubspot: &str, account: &str, time: Duration, allowance: u32) -> Result<(), Box<dyn Error>> {
    let redis = Redis::connect(redis).await?;
    let limit = RateLimit::per_ten_seconds(if allowance == 0 { 10_000_000 } else { allowance });
    let limiter = std::sync::Arc::new(redis.limiter(account).rate_limit(limit).connect().await?);
    let store = redis.token_store("client-id", account, KEY).await?;
    let app = OAuthApp::builder("client-id", "client-secret").base_url(hubspot).build()?;
    let token = app.token("refresh-token")?.store(store);
    let client = Client::builder()
        .base_url(hubspot)
        .token_provider(token)
        .rate_limiter(std::sync::Arc::clone(&limiter))
        .build()?;
    let until = tokio::time::Instant::now() + time + Duration::from_millis(300);
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (client, limiter) = (client.clone(), std::sync::Arc::clone(&limiter));
        calls.spawn(async move {
            let mut ends = Vec::new();
            let call = async {
                loop {
                    if allowance == 0 {
                        let Ok(permit) = limiter.acquire(RateBucket::General).await else { return };
                        limiter.settle(permit, &PermitOutcome::NotSent);
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

/// The seconds of CPU that Redis has used, for a URL without a password.
fn redis_cpu(url: &str) -> Result<f64, Box<dyn Error>> {
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"INFO cpu\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let used = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)?.parse::<f64>().ok());
    Ok(used("used_cpu_sys:").unwrap_or_default() + used("used_cpu_user:").unwrap_or_default())
}
