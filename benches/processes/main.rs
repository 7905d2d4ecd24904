//! Many processes on one allowance and one token, or on one job: starts a simulated HubSpot and processes that share a Redis,
//! and tells how much of the allowance they use, and what they cost Redis.
//!
//! ```text
//! redis-server --port 6390 &
//! cargo run --release -p benches --bin processes -- redis://127.0.0.1:6390 [PROCESSES SECONDS ALLOWANCE]
//!
//! cargo build --release -p hubspot-partner-clients-cli --features redis
//! cargo run --release -p benches --bin processes -- \
//!     job redis://127.0.0.1:6390 target/release/hubspot-partner-clients [PROCESSES ROWS ALLOWANCE]
//! ```
//!
//! `ALLOWANCE` is per ten seconds; 0 measures the limiter alone, with no limit to speak of and no requests, or a job without
//! a limit to speak of.

mod measured;
mod process;
mod workers;

use std::{
    env,
    error::Error,
    process::{Command, Stdio},
    time::Instant,
};

use hubspot_partner_clients::simulator::{OAuthApp, RateLimits, Simulator};
use tokio::task::spawn_blocking;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["process", redis, hubspot, account, seconds, allowance] => {
            process::work(redis, hubspot, account, seconds.parse()?, allowance.parse()?).await
        }
        ["job", redis, tool] => workers::run(redis, tool, 100, 1_000_000, 0).await,
        ["job", redis, tool, processes, rows, allowance] => {
            workers::run(redis, tool, processes.parse()?, rows.parse()?, allowance.parse()?).await
        }
        [redis] => run(redis, 8, 60, 190).await,
        [redis, processes, seconds, allowance] => {
            run(redis, processes.parse()?, seconds.parse()?, allowance.parse()?).await
        }
        _ => Err("usage: processes REDIS_URL [PROCESSES SECONDS ALLOWANCE]\n       \
                  processes job REDIS_URL TOOL [PROCESSES ROWS ALLOWANCE]"
            .into()),
    }
}

async fn run(redis: &str, processes: u32, seconds: u64, allowance: u32) -> Result<(), Box<dyn Error>> {
    let hubspot = Simulator::builder()
        .rate_limits(RateLimits::default().per_ten_seconds(allowance.max(1)))
        .oauth_app(OAuthApp::new("client-id", "client-secret", "refresh-token"))
        .start()
        .await?;
    let account = uuid::Uuid::new_v4().simple().to_string();
    let cpu = measured::redis_cpu(redis)?;
    let started = Instant::now();
    let mut running = Vec::new();
    for _ in 0..processes {
        let (seconds, allowance) = (seconds.to_string(), allowance.to_string());
        let arguments = ["process", redis, hubspot.base_url(), &account, &seconds, &allowance];
        running.push(Command::new(env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?);
    }
    let mut ends = Vec::new();
    for process in running {
        ends.extend(measured::ends(spawn_blocking(|| process.wait_with_output()).await??)?);
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), measured::redis_cpu(redis)? - cpu);
    measured::report(processes, took, cpu, allowance, ends, &hubspot.requests());
    Ok(())
}
