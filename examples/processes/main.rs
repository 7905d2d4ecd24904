//! Many processes on one allowance and one token: starts a simulated HubSpot and worker processes that share a Redis, and
//! tells how much of the allowance they use.
//!
//! ```text
//! redis-server --port 6390 &
//! cargo run --release --example processes --features redis,simulator -- redis://127.0.0.1:6390 [WORKERS SECONDS ALLOWANCE]
//! ```
//!
//! `ALLOWANCE` is per ten seconds; 0 measures the limiter alone, with no limit to speak of and no requests.

mod measured;
mod worker;

use std::{env, error::Error, process, time::Instant};

use hubspot_partner_clients::simulator::{OAuthApp, RateLimits, Simulator};
use tokio::task::spawn_blocking;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", redis, hubspot, account, seconds, allowance] => {
            worker::work(redis, hubspot, account, seconds.parse()?, allowance.parse()?).await
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
        .oauth_app(OAuthApp::new("client-id", "client-secret", "refresh-token"))
        .start()
        .await?;
    let account = uuid::Uuid::new_v4().simple().to_string();
    let cpu = measured::redis_cpu(redis)?;
    let started = Instant::now();
    let mut running = Vec::new();
    for _ in 0..workers {
        let (seconds, allowance) = (seconds.to_string(), allowance.to_string());
        let worker = ["worker", redis, hubspot.base_url(), &account, &seconds, &allowance];
        running.push(process::Command::new(env::current_exe()?).args(worker).stdout(process::Stdio::piped()).spawn()?);
    }
    let mut ends = Vec::new();
    for worker in running {
        ends.extend(measured::ends(spawn_blocking(|| worker.wait_with_output()).await??)?);
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), measured::redis_cpu(redis)? - cpu);
    measured::report(workers, took, cpu, allowance, ends, &hubspot.requests());
    Ok(())
}
