//! Calls of all kinds against a simulated HubSpot that fails in every way, and what must not grow meanwhile: memory,
//! connections, tasks. Linux only, because it reads `/proc`.
//!
//! The first half of the time they run on two threads. Then they run on one, where what is allocated can be counted: the third
//! quarter warms up, and the last must need nothing more.
//!
//! Stops by itself after twenty seconds, or as many as are given: `tests/stress/run` gives it ten minutes. It has no harness, as
//! what the harness keeps would count.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{Association, Client, Error, RateLimit, RetryPolicy, Update, filter};
use hubspot_simulator::{Fault, Simulator};
use tokio::{
    runtime::{self, Runtime},
    task::JoinSet,
    time,
};

/// Calls under way at once.
const WORKERS: usize = 32;
/// Partner clients and companies.
const OBJECTS: u64 = 300;
/// Calls that must get through, in each part of the time.
const LEAST: u64 = 100;
/// Bytes that the last quarter may keep, however long it is: mostly it keeps none, and a leak of a kilobyte in each of the
/// least number of calls would be six times as much.
const SLACK: i64 = 16 * 1024;

type Trouble = Box<dyn std::error::Error>;
type Outcomes = Arc<Mutex<BTreeMap<&'static str, u64>>>;

fn main() -> ExitCode {
    // `cargo test` passes options and the names of tests on.
    let argument = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let seconds = match argument.as_deref().map(str::parse) {
        None => 20,
        Some(Ok(seconds)) => seconds,
        Some(Err(_)) if argument.as_deref() == Some("serve") => {
            return if serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Some(Err(_)) => {
            println!("stress: skipped, as tests of a name are asked for and it has none");
            return ExitCode::SUCCESS;
        }
    };
    if cfg!(not(target_os = "linux")) {
        println!("stress: skipped, as it reads /proc, which only Linux has");
        return ExitCode::SUCCESS;
    }
    // Whatever hangs, it ends.
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds + 60));
        eprintln!("still running a minute after the end");
        std::process::exit(1);
    });
    match run(Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("stress: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(duration: Duration) -> Result<(), Trouble> {
    // In a process of its own, so that the memory and the sockets of this one are the client's.
    let mut hubspot =
        Command::new(std::env::current_exe()?).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(hubspot.stdout.take().ok_or("no output")?).lines();
    let mut line = || lines.next().ok_or("the simulator did not start");
    let (base_url, token) = (line()??, line()??);
    let outcome =
        on_two_threads(&base_url, &token, duration / 2).and_then(|()| on_one_thread(&base_url, &token, duration / 4));
    // It ends with its standard input.
    drop(hubspot.stdin.take());
    hubspot.wait()?;
    outcome
}

fn on_two_threads(base_url: &str, token: &str, duration: Duration) -> Result<(), Trouble> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let client = client(base_url, token)?;
    calls(&runtime, &client, duration).map(drop)
}

fn on_one_thread(base_url: &str, token: &str, duration: Duration) -> Result<(), Trouble> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let client = client(base_url, token)?;
    calls(&runtime, &client, duration)?;
    let mut made = Ok(0);
    // It counts what this thread allocates.
    let memory = allocation_counter::measure(|| made = calls(&runtime, &client, duration));
    let (made, kept) = (made?, memory.bytes_current);
    println!("memory: {made} calls keep {kept} bytes");
    if kept > SLACK {
        return Err(format!("{made} calls keep {kept} bytes").into());
    }
    Ok(())
}

/// Serves until standard input ends, as it does with the process that started this one.
fn serve() -> Result<(), Trouble> {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let simulator = failing().start().await?;
        println!("{}\n{}", simulator.base_url(), simulator.access_token());
        loop {
            time::sleep(Duration::from_millis(200)).await;
            simulator.clear_requests();
        }
    })
}

/// A HubSpot that fails a fifth of all requests.
fn failing() -> hubspot_simulator::SimulatorBuilder {
    let builder = Simulator::builder()
        .without_seed()
        .partner_clients((1..=OBJECTS).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner");
    let builder =
        (1..=OBJECTS).fold(builder, |builder, id| builder.object("companies", id.to_string(), [("name", "x")]));
    let faults = [
        Fault::status(500),
        Fault::status(503).after_operation(),
        Fault::status(429),
        Fault::status(400),
        Fault::html(502).as_json(),
        Fault::empty(504),
        Fault::reset(),
        Fault::reset().after_operation(),
        Fault::truncated_body(),
        Fault::invalid_json(),
        Fault::endless_body(),
        Fault::slow_body(1, Duration::from_millis(20)),
        Fault::delay(Duration::from_secs(5)),
    ];
    faults
        .into_iter()
        .zip(0..)
        .fold(builder, |builder, (fault, seed)| builder.fault(fault.with_probability(0.016, seed)))
}

fn client(base_url: &str, token: &str) -> Result<Client, Error> {
    let retry = RetryPolicy::default().base_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10));
    Client::builder()
        .base_url(base_url)
        .access_token(token)
        .rate_limit(RateLimit::unlimited())
        .timeout(Duration::from_millis(500))
        .call_timeout(Duration::from_secs(10))
        // Connections kept for the next call are not left behind.
        .idle_timeout(Duration::from_millis(500))
        .max_response_bytes(1 << 20)
        .retry(retry)
        .retry_budget(1_000_000)
        .build()
}

/// Makes calls for so long, and tells how many once all that they took is given back.
fn calls(runtime: &Runtime, client: &Client, duration: Duration) -> Result<u64, Trouble> {
    runtime.block_on(async {
        let before = Left::now()?;
        let outcomes = Outcomes::default();
        let end = Instant::now() + duration;
        let mut workers = JoinSet::new();
        for seed in 0..WORKERS as u64 {
            workers.spawn(work(client.clone(), seed, end, Arc::clone(&outcomes)));
        }
        workers.join_all().await;
        let outcomes = outcomes.lock().map_err(|_| "a worker panicked")?.clone();
        println!("{outcomes:?}");
        if outcomes.contains_key(UNEXPECTED) {
            return Err("a call failed as none can".into());
        }
        if outcomes.get("ok").is_none_or(|ok| *ok < LEAST) {
            return Err("hardly anything got through".into());
        }
        check_left(before).await?;
        Ok(outcomes.values().sum())
    })
}

async fn work(client: Client, seed: u64, end: Instant, outcomes: Outcomes) {
    let mut random = fastrand::Rng::with_seed(seed);
    while Instant::now() < end {
        let patience = Duration::from_millis(random.u64(1..20));
        let given_up = random.u8(..) < 25;
        let call = call(&client, &mut random);
        let outcome = match given_up {
            true => time::timeout(patience, call).await.unwrap_or(Ok("given up")),
            false => call.await,
        };
        let name = outcome.unwrap_or_else(|error| kind(&error));
        if let Ok(mut outcomes) = outcomes.lock() {
            *outcomes.entry(name).or_default() += 1;
        }
    }
}

async fn call(client: &Client, random: &mut fastrand::Rng) -> Result<&'static str, Error> {
    let (id, company) = (random.u64(1..=OBJECTS), random.u64(1..=OBJECTS));
    match random.u8(..12) {
        0..=2 => drop(client.associate(id).with("companies", company).as_type("owner").await?),
        3 => client.dissociate(id).with("companies", company).as_type("owner").await?,
        4 => drop(client.get(id).associations(["companies"]).await?),
        5 => drop(client.update(id).set("name", company).await?),
        6 => drop(client.list().items().take(150).try_collect::<Vec<_>>().await?),
        // Given up while the next page is asked for.
        7 => drop(client.list().pages().read_ahead().take(1).try_collect::<Vec<_>>().await?),
        8 => drop(client.search().filter(filter("name").eq("x")).items().take(50).try_collect::<Vec<_>>().await?),
        9 => drop(client.associations(id, "companies").items().try_collect::<Vec<_>>().await?),
        10 => {
            let updates = (1..=OBJECTS).map(|id| Update::of(id).set("name", company));
            for outcome in client.batch_update(updates).send().await {
                outcome?;
            }
        }
        _ => {
            let inputs = (1..=OBJECTS).map(move |company| Association::new(id, "companies", company, "owner"));
            let outcomes: Vec<_> = client.associate_many(inputs).outcomes().collect().await;
            for outcome in outcomes {
                outcome.result?;
            }
        }
    }
    Ok("ok")
}

const UNEXPECTED: &str = "UNEXPECTED";

fn kind(error: &Error) -> &'static str {
    let kinds = [
        (error.is_too_large(), "too large"),
        (error.is_timeout(), "timeout"),
        (error.is_connect(), "no connection"),
        (error.is_decode(), "not decoded"),
        (error.status().is_some_and(|status| status >= 400), "refused"),
        (error.is_retryable(), "connection lost"),
    ];
    kinds.into_iter().find_map(|(holds, kind)| holds.then_some(kind)).unwrap_or(UNEXPECTED)
}

/// What must be gone in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    sockets: usize,
    tasks: usize,
}

impl Left {
    fn now() -> io::Result<Self> {
        let links = fs::read_dir("/proc/self/fd")?.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let sockets = links.filter(|link| link.to_string_lossy().starts_with("socket:")).count();
        Ok(Self { sockets, tasks: runtime::Handle::current().metrics().num_alive_tasks() })
    }
}

/// Connections close when they have been idle for a while, and their tasks end with them.
async fn check_left(before: Left) -> Result<(), Trouble> {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let now = Left::now()?;
        if now.sockets <= before.sockets && now.tasks <= before.tasks {
            return Ok(());
        }
        if Instant::now() > patience {
            return Err(format!("left behind: {now:?}, {before:?} before").into());
        }
        time::sleep(Duration::from_millis(50)).await;
    }
}
