//! One token for several processes by a store of one's own, whose locks end by Tokio's clock.

use std::{
    sync::{Arc, Mutex},
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
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Shared>>);

impl TokenStore for Memory {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        Box::pin(async { Ok(self.0.lock().unwrap().token.clone()) })
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
