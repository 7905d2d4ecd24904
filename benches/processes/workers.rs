//! Many processes of the tool on one job.

use std::{
    collections::VecDeque,
    env,
    error::Error,
    fs,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hubspot_partner_clients::simulator::{RateLimits, Simulator};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::measured::{redis_cpu, redis_scripts};

const PARTNER_CLIENTS: usize = 1_000;
const JOB: &str = "bench";

/// The most requests in any ten seconds.
#[derive(Default)]
struct Pace(VecDeque<Instant>, usize);

impl Pace {
    fn request(&mut self) {
        let now = Instant::now();
        self.0.push_back(now);
        while self.0.front().is_some_and(|first| now - *first >= Duration::from_secs(10)) {
            self.0.pop_front();
        }
        self.1 = self.1.max(self.0.len());
    }
}

/// An allowance of 0 is none to speak of.
pub async fn run(redis: &str, tool: &str, workers: usize, rows: usize, allowance: u32) -> Result<(), Box<dyn Error>> {
    let pace = Arc::new(Mutex::new(Pace::default()));
    let seen = Arc::clone(&pace);
    let allowance = if allowance == 0 { 10_000_000 } else { allowance };
    let companies = rows.div_ceil(PARTNER_CLIENTS);
    let mut builder = Simulator::builder()
        .without_seed()
        .rate_limits(RateLimits::default().per_ten_seconds(allowance))
        .partner_clients((1..=PARTNER_CLIENTS).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner")
        .log(move |_| {
            if let Ok(mut pace) = seen.lock() {
                pace.request();
            }
        });
    for id in 1..=companies {
        builder = builder.object("companies", id.to_string(), [("name", "x")]);
    }
    let hubspot = builder.start().await?;
    let file = env::temp_dir().join(format!("{}.csv", uuid::Uuid::new_v4().simple()));
    let line = |row: usize| format!("{},companies,{},7\n", row % PARTNER_CLIENTS + 1, row / PARTNER_CLIENTS + 1);
    let csv: String = (0..rows).map(line).collect();
    fs::write(&file, "partner_client_id,to_object_type,to_object_id,association_type\n".to_owned() + &csv)?;

    let prefix = uuid::Uuid::new_v4().simple().to_string();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(tool);
        command.arg("job").args(arguments).args(["--json", "--redis-prefix", &prefix]);
        command.env("REDIS_URL", redis).env("HUBSPOT_BASE_URL", hubspot.base_url());
        command.env("HUBSPOT_ACCESS_TOKEN", hubspot.access_token());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let ran = async |mut command: Command| json(&spawn_blocking(move || command.output()).await??);
    let path = file.to_str().ok_or("the folder for temporary files has a name that is no text")?;
    ran(command(&["enqueue", JOB, path])).await?;
    fs::remove_file(&file)?;

    let (cpu, scripts, began) = (redis_cpu(redis)?, redis_scripts(redis)?, Instant::now());
    let limit = allowance.to_string();
    let mut running = Vec::new();
    for _ in 0..workers {
        running.push(command(&["worker", JOB, "--concurrency", "1", "--rate-limit", &limit]).spawn()?);
    }
    let mut made = Vec::new();
    let mut requests = 0;
    for worker in running {
        let part = json(&spawn_blocking(|| worker.wait_with_output()).await??)?["worker"].take();
        made.push(part["made"].as_u64().ok_or("a worker does not say what it has made")?);
        requests += part["requests"].as_u64().unwrap_or_default();
    }
    let took = began.elapsed().as_secs_f64();
    let (cpu, scripts) = (redis_cpu(redis)? - cpu, redis_scripts(redis)? - scripts);
    made.sort_unstable();
    let had_part = made.iter().filter(|&&rows| rows > 0).count();
    println!("{workers} processes, {rows} rows: {took:.1} s, {:.0} rows a second", rows as f64 / took);
    println!("rows settled: {}; associations in HubSpot: {}", made.iter().sum::<u64>(), hubspot.association_count());
    let (least, most) = (made.first().copied().unwrap_or_default(), made.last().copied().unwrap_or_default());
    println!("rows of a worker: {least} to {most}, median {}; {had_part} had a part", made[made.len() / 2]);
    let refused = hubspot.requests().iter().filter(|request| request.status() == Some(429)).count();
    let most = pace.lock().map(|pace| pace.1).unwrap_or_default();
    println!("requests: {requests}; in any ten seconds at most {most}; 429s: {refused}");
    println!("Redis: {:.0} scripts a second, {:.1} % of a core", scripts as f64 / took, 100.0 * cpu / took);
    println!("status: {}", ran(command(&["status", JOB])).await?);
    let removed = command(&["remove", JOB]).status()?;
    if removed.success() { Ok(()) } else { Err("the job cannot be removed".into()) }
}

fn json(output: &Output) -> Result<Value, Box<dyn Error>> {
    if !output.status.success() {
        return Err(
            format!("the tool ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
