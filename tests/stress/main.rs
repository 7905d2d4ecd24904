//! Calls of all kinds against a simulated HubSpot that fails in every way, and what must not grow meanwhile: memory,
//! connections, tasks. Linux only, because it reads `/proc`. All that the program tells meanwhile, at every level and of every
//! crate, is searched for secrets.
//!
//! The first half of the time they run on two threads. Then they run on one, where what is allocated can be counted: the third
//! quarter warms up, and the last must need nothing more.
//!
//! `tests/stress/run` says what it takes; without a word it runs over HTTP/1.1 for twenty seconds. It has no harness, as what
//! the harness keeps would count.

mod hubspot;
mod ids;
#[cfg(feature = "rustls")]
mod proxy;
mod secrets;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{
    Association, Client, Error, RateLimit, RetryPolicy, Update,
    bulk::Journal,
    filter,
    oauth::{OAuthApp, OAuthToken},
};
use tokio::{
    runtime::{self, Runtime},
    task::JoinSet,
    time,
};

use self::{
    hubspot::{OBJECTS, Transport},
    secrets::{CLIENT_SECRET, REFRESH_TOKEN, Told},
};

/// Calls under way at once.
const WORKERS: usize = 32;
/// How long connections are kept for the next call, and not left behind.
const IDLE: Duration = Duration::from_millis(500);
/// Calls that must get through, in each part of the time.
const LEAST: u64 = 100;
/// How much longer a busy machine may take for them.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that the last quarter may keep, however long it is: mostly it keeps none, and a leak of a kilobyte in each of the
/// least number of calls would be six times as much.
const SLACK: i64 = 16 * 1024;

type Trouble = Box<dyn std::error::Error + Send + Sync>;
type Outcomes = Arc<Mutex<BTreeMap<&'static str, u64>>>;

fn main() -> ExitCode {
    // `cargo test` passes options and the names of tests on.
    let words: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (transport, seconds) = match words.as_slice() {
        [] => (Some(Transport::Http1), Some(10)),
        ["serve", transport] => {
            let served = Transport::parse(transport).ok_or_else(|| "no such transport".into()).and_then(hubspot::serve);
            return ended(served);
        }
        ["ids", count] => return ended(count.parse().map_err(Trouble::from).and_then(ids::run)),
        [transport, seconds] => (Transport::parse(transport), seconds.parse().ok()),
        [seconds] => (Some(Transport::Http1), seconds.parse().ok()),
        _ => (None, None),
    };
    let (Some(transport), Some(seconds)) = (transport, seconds) else {
        println!("stress: skipped, as tests of a name are asked for and it has none");
        return ExitCode::SUCCESS;
    };
    if cfg!(not(target_os = "linux")) {
        println!("stress: skipped, as it reads /proc, which only Linux has");
        return ExitCode::SUCCESS;
    }
    // Whatever hangs, it ends.
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds) + 4 * PATIENCE);
        eprintln!("still running long after the end");
        std::process::exit(1);
    });
    ended(run(transport, Duration::from_secs(seconds)))
}

fn ended(outcome: Result<(), Trouble>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("stress: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(transport: Transport, duration: Duration) -> Result<(), Trouble> {
    let told = Told::listen()?;
    // In a process of its own, so that the memory and the sockets of this one are the client's.
    let mut hubspot = Command::new(std::env::current_exe()?)
        .args(["serve", transport.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(hubspot.stdout.take().ok_or("no output")?).lines();
    let mut line = || lines.next().ok_or("the simulator did not start");
    let server = Server { base_url: line()??, certificate: line()??.replace(',', "\n") };
    let outcome = on_two_threads(&server, told, duration / 2).and_then(|()| on_one_thread(&server, told, duration / 4));
    // It ends with its standard input.
    drop(hubspot.stdin.take());
    hubspot.wait()?;
    outcome?;
    told.check(transport != Transport::Http1)
}

/// The server, as a client has to know it.
struct Server {
    base_url: String,
    /// As PEM; empty without TLS.
    certificate: String,
}

fn on_two_threads(server: &Server, told: &'static Told, duration: Duration) -> Result<(), Trouble> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let client = client(server, told)?;
    calls(&runtime, &client, told, duration).map(drop)
}

fn on_one_thread(server: &Server, told: &'static Told, duration: Duration) -> Result<(), Trouble> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let client = client(server, told)?;
    calls(&runtime, &client, told, duration)?;
    let mut made = Ok(0);
    // It counts what this thread allocates.
    let memory = allocation_counter::measure(|| made = calls(&runtime, &client, told, duration));
    let (made, kept) = (made?, memory.bytes_current);
    println!("memory: {made} calls keep {kept} bytes");
    if kept > SLACK {
        return Err(format!("{made} calls keep {kept} bytes").into());
    }
    Ok(())
}

fn client(server: &Server, told: &'static Told) -> Result<Client, Trouble> {
    let retry = RetryPolicy::default().base_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10));
    let app = OAuthApp::builder(hubspot::CLIENT_ID, CLIENT_SECRET)
        .base_url(&server.base_url)
        .http_client(http_client(server)?)
        .timeout(Duration::from_secs(5))
        .retry(retry)
        .build()?;
    let token: OAuthToken = app.token(REFRESH_TOKEN)?;
    told.debug(&app);
    told.debug(&token);
    let builder = Client::builder();
    let builder = match server.certificate.as_str() {
        "" => builder.idle_timeout(IDLE),
        // The platform's TLS library does not agree on HTTP/2.
        _ if cfg!(feature = "native-tls") => builder.http_client(http_client(server)?),
        certificate => builder.idle_timeout(IDLE).root_certificates(certificate),
    };
    let client = builder
        .base_url(&server.base_url)
        .token_provider(token)
        .rate_limit(RateLimit::unlimited())
        .timeout(Duration::from_millis(500))
        .call_timeout(Duration::from_secs(10))
        .max_response_bytes(1 << 20)
        .retry(retry)
        .retry_budget(1_000_000)
        .observer(told)
        .build()?;
    told.debug(&client);
    Ok(client)
}

/// An HTTP client like the library's, whose connections are not left behind either.
fn http_client(server: &Server) -> Result<reqwest::Client, Trouble> {
    let builder = reqwest::Client::builder().no_proxy().pool_idle_timeout(IDLE);
    #[cfg(feature = "rustls")]
    let builder = proxy::trusting(builder, &server.certificate)?;
    let _ = server;
    Ok(builder.build()?)
}

/// Makes calls for so long, and tells how many once all that they took is given back.
fn calls(runtime: &Runtime, client: &Client, told: &'static Told, duration: Duration) -> Result<u64, Trouble> {
    runtime.block_on(async {
        let before = Left::now()?;
        let outcomes = Outcomes::default();
        let end = Instant::now() + duration;
        let mut workers = JoinSet::new();
        for seed in 0..WORKERS as u64 {
            workers.spawn(work(client.clone(), told, seed, end, Arc::clone(&outcomes)));
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

async fn work(client: Client, told: &'static Told, seed: u64, end: Instant, outcomes: Outcomes) {
    let mut random = fastrand::Rng::with_seed(seed);
    let got_through = || outcomes.lock().map_or(LEAST, |outcomes| outcomes.get("ok").copied().unwrap_or_default());
    let is_over = |now| now >= end && (got_through() >= LEAST || now >= end + PATIENCE);
    while !is_over(Instant::now()) {
        let patience = Duration::from_millis(random.u64(1..20));
        let given_up = random.u8(..) < 25;
        let call = call(&client, told, &mut random);
        let outcome = match given_up {
            true => time::timeout(patience, call).await.unwrap_or(Ok("given up")),
            false => call.await,
        };
        let name = outcome.unwrap_or_else(|error| {
            told.error(&error);
            kind(&error)
        });
        if let Ok(mut outcomes) = outcomes.lock() {
            *outcomes.entry(name).or_default() += 1;
        }
    }
}

async fn call(client: &Client, told: &'static Told, random: &mut fastrand::Rng) -> Result<&'static str, Error> {
    let (id, company) = (random.u64(1..=OBJECTS), random.u64(1..=OBJECTS));
    match random.u8(..13) {
        0..=2 => drop(client.associate(id).with("companies", company).as_type("owner").await?),
        3 => client.dissociate(id).with("companies", company).as_type("owner").await?,
        4 => told.debug(&client.get(id).associations(["companies"]).await?),
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
        11 => with_journal(client, told).await?,
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

/// Some associations, with a journal, which is read in the end.
async fn with_journal(client: &Client, told: &'static Told) -> Result<(), Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("stress-{}-{}.journal", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let file = Removed(std::env::temp_dir().join(name));
    let inputs = (1..=20).map(|company| Association::new(7, "companies", company, "owner"));
    let run = client.associate_many(inputs).journal(Journal::open(&file.0, "stress")?);
    let outcomes: Vec<_> = run.outcomes().collect().await;
    told.text(&fs::read_to_string(&file.0).unwrap_or_default());
    for outcome in outcomes {
        outcome.result?;
    }
    Ok(())
}

/// A file that is removed in the end, also of a call that is given up.
struct Removed(std::path::PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const UNEXPECTED: &str = "UNEXPECTED";

fn kind(error: &Error) -> &'static str {
    let kinds = [
        (error.is_too_large(), "too large"),
        (error.is_timeout(), "timeout"),
        (error.is_connect(), "no connection"),
        (error.is_token(), "no token"),
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
