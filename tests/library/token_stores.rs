//! One token for several processes by a store of one's own, whose locks end by Tokio's clock.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hubspot_partner_clients::{
    TokenProvider,
    oauth::{OAuthApp, OAuthToken, StoreFuture, StoredToken, TokenStore},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, Simulator};
use tokio::time::{Instant, sleep};

const REFRESH: &str = "refresh-token-1";

/// What the processes share.
#[derive(Default)]
struct Shared {
    token: Option<StoredToken>,
    saved_by: u64,
    fence: u64,
    lock: Option<(String, Instant)>,
    /// How long ago the token was saved, where the store says so.
    age: Option<Duration>,
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Shared>>);

impl TokenStore for Memory {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        let shared = self.0.lock().unwrap();
        let token = shared.token.clone().map(|token| match shared.age {
            Some(age) => token.with_age(age),
            None => token,
        });
        Box::pin(std::future::ready(Ok(token)))
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(async move {
            let mut shared = self.0.lock().unwrap();
            let until = Instant::now() + lifetime;
            match &mut shared.lock {
                Some((holder, ends)) if *ends > Instant::now() && holder != owner => return Ok(None),
                Some((_, ends)) if *ends > Instant::now() => *ends = until,
                lock => {
                    *lock = Some((owner.to_owned(), until));
                    shared.fence += 1;
                }
            }
            Ok(Some(shared.fence))
        })
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut shared = self.0.lock().unwrap();
            let is_newest = fencing_token >= shared.saved_by;
            if is_newest {
                (shared.token, shared.saved_by, shared.lock) = (Some(token), fencing_token, None);
            }
            Ok(is_newest)
        })
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut shared = self.0.lock().unwrap();
            if shared.fence == fencing_token {
                shared.lock = None;
            }
            Ok(())
        })
    }
}

async fn got(token: &OAuthToken) {
    token.access_token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_takes_longer_than_a_lock_is_still_the_only_one() {
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH).rotating_refresh_token();
    let simulator = Simulator::builder().oauth_app(installed).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(75)).on("oauth_token"));
    let store = Memory::default();
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).timeout(Duration::from_secs(80));
    let app = app.build().unwrap();
    let process = || app.token(REFRESH).unwrap().store(store.clone());
    let tokens = [process(), process(), process()];
    futures_util::future::join_all(tokens.iter().map(got)).await;
    assert_eq!(simulator.requests().len(), 1);
    assert!(store.0.lock().unwrap().lock.is_none(), "the lock is given up");
}

#[tokio::test(start_paused = true)]
async fn the_retries_of_a_refresh_are_as_much_its_own() {
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH);
    let simulator = Simulator::builder().oauth_app(installed).start().await.unwrap();
    // Longer than the timeout of an attempt.
    simulator.inject(Fault::delay(Duration::from_secs(40)).on("oauth_token").times(2));
    let store = Memory::default();
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).build().unwrap();
    let process = || app.token(REFRESH).unwrap().store(store.clone());
    let (first, second) = (process(), process());
    let later = async {
        sleep(Duration::from_millis(1)).await;
        got(&second).await;
    };
    tokio::join!(got(&first), later);
    assert_eq!(simulator.requests().len(), 3);
}

/// A process whose clock differs by so many seconds from that of all others, as far as what it saves shows.
struct OffBy(i64, Memory);

impl TokenStore for OffBy {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.1.load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        self.1.lock(owner, lifetime)
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(token.expose()).unwrap();
        let times = document.iter_mut().filter(|(name, _)| name.ends_with("_at"));
        let changed = times.map(|(_, time)| *time = (time.as_i64().unwrap() + 1_000 * self.0).into()).count();
        assert_eq!(changed, 3);
        self.1.save(fencing_token, StoredToken::new(serde_json::to_string(&document).unwrap()))
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        self.1.unlock(fencing_token)
    }
}

#[tokio::test]
async fn a_token_lasts_as_long_as_it_does_whatever_the_clocks_of_the_processes_say() {
    // It lasts for half an hour, and is replaced five minutes before its end.
    for (age, refreshes) in [(0, 1), (24 * 60, 1), (26 * 60, 2)] {
        for off in [-300, 0, 300, -7_200, 7_200] {
            let app = simulator::OAuthApp::new("app-1", "secret", REFRESH);
            let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
            let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).build().unwrap();
            let store = Memory::default();
            store.0.lock().unwrap().age = Some(Duration::ZERO);
            got(&app.token(REFRESH).unwrap().store(OffBy(off, store.clone()))).await;
            store.0.lock().unwrap().age = Some(Duration::from_secs(age));
            got(&app.token(REFRESH).unwrap().store(store.clone())).await;
            assert_eq!(simulator.requests().len(), refreshes, "{age} s old, the other's clock off by {off} s");
        }
    }
}

/// A store that never answers one of the questions.
struct Hanging(Memory, &'static str);

impl Hanging {
    fn or<'a, T: Send + 'a>(&self, method: &str, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.1 == method { Box::pin(std::future::pending()) } else { answer }
    }
}

impl TokenStore for Hanging {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.or("load", self.0.load())
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        self.or("lock", self.0.lock(owner, lifetime))
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        self.or("save", self.0.save(fencing_token, token))
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        self.or("unlock", self.0.unlock(fencing_token))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_up_a_call_for_half_a_minute_at_a_time() {
    for method in ["load", "lock", "save", "unlock"] {
        let hubspot =
            Simulator::builder().oauth_app(simulator::OAuthApp::new("id", "secret", REFRESH)).start().await.unwrap();
        let app = OAuthApp::builder("id", "secret").base_url(hubspot.base_url()).build().unwrap();
        let token = app.token(REFRESH).unwrap().store(Hanging(Memory::default(), method));
        let outcome = tokio::time::timeout(Duration::from_secs(200), token.access_token()).await.expect("it hangs");
        match outcome {
            // The token is good, though nobody else has it.
            Ok(_) => assert!(matches!(method, "save" | "unlock"), "{method}"),
            Err(error) => assert!(error.to_string().contains("the token store took longer than 30s"), "{error}"),
        }
    }
}

/// Whose fencing tokens have begun anew, and are smaller than that of the last save for a while.
#[tokio::test(start_paused = true)]
async fn a_token_that_a_store_did_not_take_is_offered_again() {
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH).rotating_refresh_token();
    let simulator = Simulator::builder().oauth_app(installed).start().await.unwrap();
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).build().unwrap();
    let store = Memory::default();
    store.0.lock().unwrap().saved_by = 1_700;
    let process = || app.token(REFRESH).unwrap().store(store.clone());
    let (first, second) = (process(), process());
    got(&first).await;
    assert!(store.0.lock().unwrap().token.is_none());
    store.0.lock().unwrap().fence = 1_700;
    let until_kept = async {
        while store.0.lock().unwrap().token.is_none() {
            sleep(Duration::from_secs(1)).await;
            got(&first).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until_kept).await.expect("nobody else has the refresh token");
    got(&second).await;
    assert_eq!(simulator.requests().len(), 1);
}

/// A store that cannot be read any more once another process has saved, during the refresh.
struct Overtaken(Memory);

impl TokenStore for Overtaken {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        if self.0.0.lock().unwrap().token.is_some() {
            return Box::pin(std::future::ready(Err("it is away".into())));
        }
        self.0.load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        self.0.lock(owner, lifetime)
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        {
            let mut shared = self.0.0.lock().unwrap();
            if shared.token.is_none() {
                (shared.token, shared.saved_by, shared.fence) = (Some(StoredToken::new("newer")), 9, 9);
            }
        }
        self.0.save(fencing_token, token)
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        self.0.unlock(fencing_token)
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_that_cannot_be_seen_is_not_replaced_by_an_older_one() {
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH).rotating_refresh_token();
    let simulator = Simulator::builder().oauth_app(installed).start().await.unwrap();
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).build().unwrap();
    let store = Memory::default();
    let token = app.token(REFRESH).unwrap().store(Overtaken(store.clone()));
    for _ in 0..60 {
        got(&token).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(store.0.lock().unwrap().token.as_ref().unwrap().expose(), "newer");
}

/// A store that takes its time to renew a lock.
struct SlowToRenew(Memory, AtomicBool);

impl TokenStore for SlowToRenew {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.0.load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(async move {
            if self.1.swap(true, Ordering::Relaxed) {
                sleep(Duration::from_secs(25)).await;
            }
            self.0.lock(owner, lifetime).await
        })
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        self.0.save(fencing_token, token)
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        self.0.unlock(fencing_token)
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_not_lost_while_a_slow_store_renews_its_lock() {
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH).rotating_refresh_token();
    let simulator = Simulator::builder().oauth_app(installed).start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(12)).on("oauth_token"));
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).timeout(Duration::from_secs(20));
    let store = Memory::default();
    let token = app.build().unwrap().token(REFRESH).unwrap().store(SlowToRenew(store.clone(), AtomicBool::new(false)));
    got(&token).await;
    assert_eq!(simulator.requests().len(), 1);
    assert!(store.0.lock().unwrap().lock.is_none(), "the lock is given up");
}

/// After two seconds, a runtime may not run any more, or only be slow.
#[test]
fn a_refresh_that_another_runtime_has_not_heard_of_for_a_while_is_still_the_only_one() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let installed = simulator::OAuthApp::new("app-1", "secret", REFRESH).rotating_refresh_token();
    let simulator = server.block_on(Simulator::builder().oauth_app(installed).start()).unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(3)).after_operation().on("oauth_token").times(1));
    let app = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url()).build().unwrap();
    let store = Memory::default();
    let token = app.token(REFRESH).unwrap().store(store.clone());
    let slow = token.clone();
    let slow = std::thread::spawn(move || runtime().block_on(got(&slow)));
    while simulator.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    runtime().block_on(got(&token));
    slow.join().unwrap();
    assert_eq!(simulator.requests().len(), 1);
    assert!(store.0.lock().unwrap().lock.is_none(), "the lock is given up");
}
