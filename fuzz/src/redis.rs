//! Whatever Redis replies to scripts: each call ends in time, a permit or a token is Redis's own, a job sends what Redis hands
//! out and nothing twice, and no error shows the password.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Client, Error, RateLimiter,
    oauth::TokenStore,
    redis::{Job, Redis},
    spec::RateBucket,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::spawn_local,
    time::{Instant, timeout},
};

use super::{
    check::{SECRET, check_error, hides, holds_secret},
    client, http,
    server::{Received, Server},
};

/// Ends a reply.
const END: u8 = 0x1e;
/// More than Redis may take for all that one call asks of it.
const LONG: Duration = Duration::from_secs(1_000);

/// What is done, and the replies to the scripts. After the last one, Redis refuses all.
pub fn redis(data: &[u8]) {
    let [action, replies @ ..] = data else { return };
    let replies: Vec<Vec<u8>> = replies.split(|byte| *byte == END).map(<[u8]>::to_vec).collect();
    // What Redis keeps may show; what it says of a command may not.
    if replies.iter().any(|reply| !reply.starts_with(b"-") && holds_secret(&String::from_utf8_lossy(reply))) {
        return;
    }
    thread_local! {
        static SERVER: (Server, Client) = {
            let server = Server::start(true);
            let client = server.run(async { client(&server) });
            (server, client)
        };
    }
    SERVER.with(|(server, client)| {
        let sent = Rc::new(RefCell::new(BTreeMap::new()));
        let told = Rc::clone(&sent);
        server.respond(move |request| carry_out(request, &mut told.borrow_mut()));
        server.run(async {
            let fake = Fake::start(replies).await;
            let redis = Redis::connect(&fake.url).await.unwrap();
            let started = Instant::now();
            match action % 5 {
                0 => limiter(&redis, &fake).await,
                1 => token_store(&redis).await,
                2 => enqueue(&redis.job("j"), &fake).await,
                3 => work(&redis.job("j"), client, &fake).await,
                _ => look(&redis, &redis.job("j")).await,
            }
            assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
            for (pair, count) in sent.borrow().iter() {
                assert!(*count <= fake.handed_out(pair), "{pair:?} was sent {count} times");
            }
        });
    });
}

fn check(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        check_error(&error);
    }
}

/// A HubSpot that carries out all that it is asked for.
fn carry_out(request: &Received, sent: &mut BTreeMap<(String, String), usize>) -> Vec<u8> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
    for input in &inputs {
        let id = |end: &str| input[end]["id"].as_str().unwrap().to_owned();
        *sent.entry((id("from"), id("to"))).or_default() += 1;
    }
    let answer = json!({"status": "COMPLETE", "results": inputs});
    http(if request.target().ends_with("/archive") { 204 } else { 201 }, "", answer.to_string().as_bytes())
}

/// A Redis that replies to scripts with what it is given, and well to all else.
struct Fake {
    url: String,
    replies: Rc<Vec<Vec<u8>>>,
    given: Rc<Cell<usize>>,
    /// The arguments of the scripts.
    asked: Rc<RefCell<Vec<Vec<String>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Fake {
    async fn start(replies: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://:{SECRET}@{}", listener.local_addr().unwrap());
        let (replies, given, asked) = (Rc::new(replies), Rc::default(), Rc::default());
        let shared = (Rc::clone(&replies), Rc::clone(&given), Rc::clone(&asked));
        let task = spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, given, asked) = shared.clone();
                spawn_local(serve(stream, replies, given, asked));
            }
        });
        Self { url, replies, given, asked, task }
    }

    /// In how many of its replies so far a pair of objects stands.
    fn handed_out(&self, (from, to): &(String, String)) -> usize {
        let given = self.replies.iter().take(self.given.get());
        given
            .filter(|reply| {
                let text = String::from_utf8_lossy(reply);
                text.contains(from.as_str()) && text.contains(to.as_str())
            })
            .count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    replies: Rc<Vec<Vec<u8>>>,
    given: Rc<Cell<usize>>,
    asked: Rc<RefCell<Vec<Vec<String>>>>,
) {
    let mut received = Vec::new();
    loop {
        while let Some((command, length)) = command(&received) {
            received.drain(..length);
            let reply = match command[0].to_uppercase().as_str() {
                "EVALSHA" | "EVAL" => {
                    asked.borrow_mut().push(command);
                    let place = given.replace(given.get() + 1);
                    replies.get(place).cloned().unwrap_or_else(|| b"-ERR no more\r\n".to_vec())
                }
                "PING" => b"+PONG\r\n".to_vec(),
                _ => b"+OK\r\n".to_vec(),
            };
            if stream.write_all(&reply).await.is_err() {
                return;
            }
        }
        if !stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
            return;
        }
    }
}

/// The first command, and how many bytes it takes, once it is whole.
fn command(received: &[u8]) -> Option<(Vec<String>, usize)> {
    // The number in a line, and where the next one begins.
    let line = |start: usize| {
        let length = received.get(start..)?.windows(2).position(|end| end == b"\r\n")?;
        let number = str::from_utf8(received.get(start + 1..start + length)?).ok()?;
        Some((number.parse::<usize>().ok()?, start + length + 2))
    };
    let (count, mut place) = line(0)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let (length, start) = line(place)?;
        parts.push(String::from_utf8_lossy(received.get(start..start.checked_add(length)?)?).into_owned());
        place = start + length + 2;
    }
    Some((parts, place)).filter(|_| place <= received.len())
}

/// No more permits than Redis has granted, and each within its time.
async fn limiter(redis: &Redis, fake: &Fake) {
    let limiter = match redis.limiter("account").connect().await {
        Ok(limiter) => limiter,
        Err(error) => return check_error(&error),
    };
    let mut permits = 0;
    for bucket in [RateBucket::General, RateBucket::Search, RateBucket::General] {
        let deadline = Instant::now() + Duration::from_secs(10);
        match limiter.acquire_by(bucket, deadline).await {
            Ok(_) => permits += 1,
            Err(error) => hides(&format!("{error} {error:?}")),
        }
        assert!(Instant::now() <= deadline + Duration::from_secs(1));
    }
    hides(&format!("{limiter:?} {:?}", limiter.status()));
    let longest = fake.asked.borrow().iter().map(Vec::len).max();
    assert!(longest < Some(64), "more is told than three permits");
    // The first two replies are to the limiter's own questions.
    assert!(permits <= fake.given.get().saturating_sub(2), "{permits} of {:?}", fake.replies);
}

/// Nothing is a token but what was encrypted with the key, and that is saved which Redis says is.
async fn token_store(redis: &Redis) {
    let store = match redis.token_store("client", "account", [7; 32]).await {
        Ok(store) => store,
        Err(error) => return check_error(&error),
    };
    hides(&format!("{store:?}"));
    let hide = |error: &dyn std::fmt::Display| hides(&error.to_string());
    match store.load().await {
        Ok(token) => assert!(token.is_none(), "nobody has encrypted it"),
        Err(error) => hide(&error),
    }
    match store.lock("owner", Duration::from_secs(5)).await {
        Ok(_) => {}
        Err(error) => hide(&error),
    }
    if let Err(error) = store.unlock(1).await {
        hide(&error);
    }
}

/// Batches are added in their order, each once.
async fn enqueue(job: &Job, fake: &Fake) {
    let inputs = (1..=3_000_u64).map(|id| (512, ("companies", id), "owner"));
    let outcome = timeout(LONG, job.enqueue_associate_many("rows", inputs)).await.expect("it ends");
    let asked = fake.asked.borrow();
    let mut added: Vec<u64> =
        asked.iter().filter(|command| action(command) == "add").map(|command| command[11].parse().unwrap()).collect();
    // A reply that is lost has its batch added again.
    added.dedup();
    assert!(added.windows(2).all(|two| two[0] + 1 == two[1]), "{added:?}");
    let is_complete = asked.iter().any(|command| action(command) == "complete");
    assert!(is_complete || outcome.is_err(), "it is not complete");
    drop(asked);
    check(outcome);
}

/// A job that has ended has every batch settled that was handed out.
async fn work(job: &Job, client: &Client, fake: &Fake) {
    let started = Instant::now();
    let stop = Duration::from_secs(60);
    let outcome = job.worker(client).run_until(tokio::time::sleep(stop)).await;
    let has_ended = outcome.is_ok() && started.elapsed() < stop;
    check(outcome.map(drop));
    // What is not whole may be lost, with what comes after it. It has the form of a command.
    let given = fake.replies.iter().take(fake.given.get());
    let whole = given.map(|reply| command(reply).filter(|(_, length)| *length == reply.len()).map(|(parts, _)| parts));
    let Some(given) = whole.collect::<Option<Vec<_>>>() else { return };
    if !has_ended || given.iter().flatten().any(|part| part == "lapsed") {
        return;
    }
    let asked = fake.asked.borrow();
    let claimed = asked.iter().zip(&given).filter(|(command, _)| action(command) == "claim");
    let handed_out = claimed.filter(|(_, reply)| reply.first().is_some_and(|kind| kind == "batch"));
    let handed_out: BTreeSet<_> = handed_out.filter_map(|(_, reply)| reply.get(2).cloned()).collect();
    let settled: BTreeSet<_> =
        asked.iter().filter(|command| action(command) == "settle").map(|command| command[12].clone()).collect();
    assert_eq!(settled, handed_out, "{given:?}");
}

/// The name of the script, how many keys there are and the keys stand before it.
fn action(command: &[String]) -> &str {
    command.get(9).map(String::as_str).unwrap_or_default()
}

/// All that can be read of jobs.
async fn look(redis: &Redis, job: &Job) {
    check(redis.jobs().await.map(drop));
    match job.status().await {
        Ok(status) => {
            assert!(status.settled() >= status.succeeded.max(status.failed));
            assert!(status.rate >= 0.0 && status.rate.is_finite());
        }
        Err(error) => check_error(&error),
    }
    let mut outcomes = job.outcomes();
    let mut next = 0;
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(outcome) => {
                assert_eq!(outcome.index, next);
                assert!(outcome.association.is_some() || outcome.result.is_err(), "{outcome:?}");
                next += 1;
                outcome.result.unwrap_or_else(|error| check_error(&error));
            }
            Err(error) => check_error(&error),
        }
    }
    match job.set_aside().await {
        Ok(aside) => {
            for batch in aside {
                assert!(batch.failed <= batch.inputs);
                check_error(&batch.error);
            }
        }
        Err(error) => check_error(&error),
    }
    check(job.retry().await.map(drop));
    check(job.remove().await);
}
