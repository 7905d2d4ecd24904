//! One token for several processes, each of which an app with a connection of its own stands for. Redis is real.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hubspot_partner_clients::{
    AccessToken, Error, RetryPolicy, TokenProvider,
    oauth::{OAuthApp, OAuthToken, StoreFuture, StoredToken, TokenStore},
    redis::{Redis, RedisTokenStore},
};
use hubspot_simulator as simulator;
use hubspot_simulator::{Fault, Simulator};
use tokio::time::{Instant, sleep};

use crate::proxy::RedisProxy;
use crate::redis_server::RedisServer;

const REFRESH: &str = "refresh-token-1";
const KEY: [u8; 32] = [7; 32];
const AT: &str = "hubspot-partner-clients:token:app-1:account";

async fn hubspot(app: simulator::OAuthApp) -> Simulator {
    Simulator::builder().oauth_app(app).start().await.unwrap()
}

fn installed() -> simulator::OAuthApp {
    simulator::OAuthApp::new("app-1", "secret", REFRESH)
}

async fn store(server: &RedisServer) -> RedisTokenStore {
    store_at(server.url()).await
}

async fn store_at(url: String) -> RedisTokenStore {
    let redis = Redis::builder(url).timeout(Duration::from_millis(300)).connect().await.unwrap();
    redis.token_store("app-1", "account", KEY).await.unwrap()
}

fn app(simulator: &Simulator) -> OAuthApp {
    let builder = OAuthApp::builder("app-1", "secret").base_url(simulator.base_url());
    builder.retry(RetryPolicy::never()).build().unwrap()
}

async fn token(simulator: &Simulator, server: &RedisServer) -> OAuthToken {
    app(simulator).token(REFRESH).unwrap().store(store(server).await)
}

async fn got(token: &OAuthToken) -> AccessToken {
    token.access_token().await.unwrap()
}

async fn error(token: &OAuthToken) -> Error {
    *token.access_token().await.unwrap_err().downcast().unwrap()
}

fn refreshes(simulator: &Simulator) -> usize {
    simulator.requests().iter().filter(|request| request.path().starts_with("/oauth/")).count()
}

#[tokio::test]
async fn eight_processes_make_one_refresh_and_one_more_for_a_token_that_expired() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(token(&simulator, &server).await);
    }
    simulator.inject(Fault::delay(Duration::from_millis(200)).on("oauth_token"));
    let mut given = None;
    for round in 1..=2 {
        let got = futures_util::future::join_all(tokens.iter().map(got)).await;
        assert_eq!(refreshes(&simulator), round);
        given = got.first().cloned();
        simulator.expire_tokens();
        for (token, refused) in tokens.iter().zip(&got) {
            assert!(token.invalidate(refused));
        }
    }
    // A process that starts later asks nobody for it.
    let late = token(&simulator, &server).await;
    got(&late).await;
    late.invalidate(&given.unwrap());
    assert_eq!(refreshes(&simulator), 2);
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_kept_for_all() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed().rotating_refresh_token()).await);
    let (first, second) = (token(&simulator, &server).await, token(&simulator, &server).await);
    for token in [&first, &second, &first, &second] {
        let refused = got(token).await;
        simulator.expire_tokens();
        for token in [&first, &second] {
            token.invalidate(&refused);
        }
    }
    let late = token(&simulator, &server).await;
    late.invalidate(&got(&first).await);
    got(&late).await;
    assert_eq!(refreshes(&simulator), 6);
}

#[tokio::test]
async fn nothing_stands_in_redis_in_the_clear() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    let store = store(&server).await;
    let token = app(&simulator).token(REFRESH).unwrap().store(store);
    got(&token).await;
    let kept = server.command(&["HGETALL", AT]);
    assert!(kept.len() > 150, "{kept}");
    for secret in [REFRESH, "access-sim", "access_token", "secret"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert_eq!(server.number(&["TTL", AT]), -1, "a refresh token is not to be lost");
    let shown = format!("{token:?} {:?} {:?}", self::store(&server).await, StoredToken::new(REFRESH));
    assert!(!shown.contains(REFRESH) && !shown.contains("7, 7"), "{shown}");
}

#[tokio::test]
async fn another_key_or_another_account_s_ciphertext_is_refused() {
    let server = RedisServer::start();
    let store = store(&server).await;
    let fence = store.lock("one", Duration::from_secs(1)).await.unwrap().unwrap();
    assert!(store.save(fence, StoredToken::new(REFRESH)).await.unwrap());
    assert_eq!(store.load().await.unwrap().unwrap().expose(), REFRESH);

    let redis = Redis::connect(server.url()).await.unwrap();
    let error = redis.token_store("app-1", "account", [8; 32]).await.unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("token key the token kept"), "{error}");
    server.command(&["COPY", AT, "hubspot-partner-clients:token:app-1:second"]);
    let error = redis.token_store("app-1", "second", KEY).await.unwrap_err();
    assert!(error.message().contains("cannot be decrypted"), "{error}");
    server.command(&["HSET", AT, "token", "garbage"]);
    let error = store.load().await.unwrap_err();
    assert!(error.to_string().contains("cannot be decrypted"), "{error}");
}

#[tokio::test]
async fn the_same_token_is_never_encrypted_twice_the_same() {
    let server = RedisServer::start();
    let store = store(&server).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let fence = store.lock("one", Duration::from_secs(1)).await.unwrap().unwrap();
        store.save(fence, StoredToken::new(REFRESH)).await.unwrap();
        seen.push(server.command(&["HGET", AT, "token"]));
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_holder_that_was_stopped_cannot_replace_a_newer_token() {
    let server = RedisServer::start();
    let (stopped, other) = (store(&server).await, store(&server).await);
    let old = stopped.lock("stopped", Duration::from_millis(100)).await.unwrap().unwrap();
    assert_eq!(other.lock("other", Duration::from_secs(1)).await.unwrap(), None, "it has the lock");
    sleep(Duration::from_millis(150)).await;
    let new = other.lock("other", Duration::from_secs(9)).await.unwrap().unwrap();
    assert!(new > old);
    // Nobody has replaced the token yet: what it got may be all there is. The lock is not its own any more.
    assert!(stopped.save(old, StoredToken::new("late")).await.unwrap());
    assert_eq!(stopped.lock("stopped", Duration::from_secs(1)).await.unwrap(), None);
    assert!(other.save(new, StoredToken::new("newest")).await.unwrap());
    assert!(!stopped.save(old, StoredToken::new("late")).await.unwrap());
    assert_eq!(stopped.load().await.unwrap().unwrap().expose(), "newest");
    assert!(stopped.lock("stopped", Duration::from_secs(1)).await.unwrap().is_some(), "saving gave up the lock");
}

/// It is evicted, flushed, or deleted as the documentation advises.
#[tokio::test]
async fn the_holder_of_the_lock_saves_and_later_ones_too_whatever_redis_loses_meanwhile() {
    let server = RedisServer::start();
    let store = store(&server).await;
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let lock = async |owner| store.lock(owner, Duration::from_secs(9)).await.unwrap();
    for round in 0..60 {
        for _ in 0..random.usize(0..5) {
            store.unlock(lock("before").await.unwrap()).await.unwrap();
        }
        let held = lock("one").await.unwrap();
        if random.bool() {
            server.number(&["DEL", AT]);
        }
        // Free again where Redis has lost it.
        let other = if random.bool() { lock("other").await } else { None };
        let case = format!("seed {seed}, round {round}, {held}, {other:?}");
        assert!(store.save(held, StoredToken::new(&case)).await.unwrap(), "{case}");
        assert_eq!(store.load().await.unwrap().unwrap().expose(), case);
        if let Some(other) = other {
            store.unlock(other).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_changes_is_kept_though_redis_loses_the_key_during_the_refresh() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed().rotating_refresh_token()).await);
    let (first, second) = (token(&simulator, &server).await, token(&simulator, &server).await);
    let refused = got(&first).await;
    got(&second).await;
    let expire = |refused| {
        simulator.expire_tokens();
        [&first, &second].into_iter().for_each(|token| assert!(token.invalidate(refused)));
    };
    // So often have they had the lock.
    server.number(&["HSET", AT, "fence", "1700"]);
    expire(&refused);
    simulator.inject(Fault::delay(Duration::from_millis(200)).on("oauth_token").times(1));
    let loss = async {
        while refreshes(&simulator) < 2 {
            sleep(Duration::from_millis(2)).await;
        }
        server.number(&["DEL", AT]);
    };
    let (refused, ()) = tokio::join!(got(&first), loss);
    expire(&refused);
    let refused = got(&second).await;
    expire(&refused);
    let late = token(&simulator, &server).await;
    late.invalidate(&refused);
    got(&late).await;
    assert_eq!(refreshes(&simulator), 4);
}

#[tokio::test]
async fn a_lock_ends_in_time_though_redis_s_clock_is_set_back() {
    let server = RedisServer::start();
    let store = store(&server).await;
    for by in [200, 600_000] {
        let lock = async |owner| store.lock(owner, Duration::from_millis(400)).await.unwrap();
        let killed = lock("killed").await.unwrap();
        // As if it had been so much later.
        for field in ["locked_at", "locked_until"] {
            server.number(&["HINCRBY", AT, field, &by.to_string()]);
        }
        assert_eq!(lock("other").await, None, "{by} ms: who locked it may be alive");
        let started = Instant::now();
        let other = loop {
            match lock("other").await {
                Some(other) => break other,
                None => sleep(Duration::from_millis(20)).await,
            }
            assert!(started.elapsed() < Duration::from_secs(10), "{by} ms");
        };
        assert!(other > killed, "{by} ms");
        server.number(&["DEL", AT]);
    }
}

#[tokio::test]
async fn an_account_connected_again_reaches_all_processes() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    let other = token(&simulator, &server).await;
    let refused = got(&other).await;
    simulator.expire_tokens();
    simulator.revoke_refresh_token();
    other.invalidate(&refused);
    assert!(error(&other).await.is_invalid_grant());

    let code = simulator.authorize("https://app.example", None).unwrap();
    let app = app(&simulator);
    let grant = app.exchange(&code, "https://app.example", None).await.unwrap();
    let again = app.token_of(&grant).unwrap().store(store(&server).await);
    got(&again).await;
    let started = Instant::now();
    while other.access_token().await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(2));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn without_redis_a_good_token_serves_to_its_end_and_then_calls_fail() {
    let (mut server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    let token = token(&simulator, &server).await;
    let given = got(&token).await;
    server.stop();
    got(&token).await;
    token.invalidate(&given);
    let error = error(&token).await;
    assert!(error.is_token() && !error.is_invalid_grant(), "{error:?}");
    assert!(error.message().starts_with("no access token: Redis at 127.0.0.1:"), "{error}");
    server.restart();
    got(&token).await;
}

/// A store that fails when it has to keep what cannot be had again.
struct FailsToSave(RedisTokenStore, Arc<Mutex<u32>>);

impl TokenStore for FailsToSave {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.0.load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        self.0.lock(owner, lifetime)
    }

    fn save(&self, fence: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        if std::mem::take(&mut *self.1.lock().unwrap()) > 0 {
            return Box::pin(async { Err("it is gone".into()) });
        }
        self.0.save(fence, token)
    }

    fn unlock(&self, fence: u64) -> StoreFuture<'_, ()> {
        self.0.unlock(fence)
    }
}

#[tokio::test]
async fn a_new_refresh_token_that_could_not_be_saved_is_used_and_told_all_the_same() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed().rotating_refresh_token()).await);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let store = FailsToSave(store(&server).await, Arc::new(Mutex::new(1)));
    let token = app(&simulator).token(REFRESH).unwrap().store(store);
    let token = token.on_new_refresh_token(move |token| {
        tell.lock().unwrap().push(token);
        std::future::ready(Ok::<_, std::convert::Infallible>(()))
    });
    let refused = got(&token).await;
    assert_eq!(told.lock().unwrap().len(), 1);
    simulator.expire_tokens();
    token.invalidate(&refused);
    got(&token).await;
    let late = self::token(&simulator, &server).await;
    got(&late).await;
    assert_eq!(refreshes(&simulator), 2);
}

/// Another process refreshes while this one is about to take the lock.
struct Overtaken(RedisTokenStore, OAuthToken);

impl TokenStore for Overtaken {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.0.load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        Box::pin(async move {
            got(&self.1).await;
            self.0.lock(owner, lifetime).await
        })
    }

    fn save(&self, fence: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        self.0.save(fence, token)
    }

    fn unlock(&self, fence: u64) -> StoreFuture<'_, ()> {
        self.0.unlock(fence)
    }
}

#[tokio::test]
async fn whoever_takes_the_lock_looks_first_what_the_holder_before_has_saved() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    let overtaken = Overtaken(store(&server).await, token(&simulator, &server).await);
    let token = app(&simulator).token(REFRESH).unwrap().store(overtaken);
    got(&token).await;
    assert_eq!(refreshes(&simulator), 1);
}

#[tokio::test]
async fn an_owner_knows_its_lock_again_and_keeps_it() {
    let server = RedisServer::start();
    let store = store(&server).await;
    let lock = async |owner, milliseconds| store.lock(owner, Duration::from_millis(milliseconds)).await.unwrap();
    let first = lock("one", 300).await.unwrap();
    assert_eq!((lock("one", 9_000).await, lock("other", 9_000).await), (Some(first), None));
    sleep(Duration::from_millis(400)).await;
    assert_eq!(lock("other", 9_000).await, None, "it lasts longer now");
    store.unlock(first).await.unwrap();
    assert!(lock("other", 9_000).await.unwrap() > first);
    assert_eq!(lock("one", 9_000).await, None);
}

#[tokio::test]
async fn a_lost_answer_keeps_nobody_from_a_token() {
    for action in ["load", "lock", "save", "unlock"] {
        let (server, simulator) = (RedisServer::start(), hubspot(installed().rotating_refresh_token()).await);
        let proxy = RedisProxy::to(server.port());
        let token = app(&simulator).token(REFRESH).unwrap().store(store_at(proxy.url()).await);
        let other = self::token(&simulator, &server).await;
        proxy.upon(action, || true);
        let started = Instant::now();
        got(&token).await;
        assert!(proxy.has_happened(), "{action}");
        got(&other).await;
        assert!(started.elapsed() < Duration::from_secs(10), "{action}: {:?}", started.elapsed());
        assert_eq!(refreshes(&simulator), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_that_was_killed_had_begun_another_does_once_its_lock_has_ended() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    simulator.inject(Fault::delay(Duration::from_secs(600)).on("oauth_token").times(1));
    let killed = token(&simulator, &server).await;
    let process = std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.spawn(async move { killed.access_token().await.is_ok() });
        runtime
    });
    let others = [token(&simulator, &server).await, token(&simulator, &server).await];
    while refreshes(&simulator) == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    process.join().unwrap().shutdown_background();
    let started = Instant::now();
    futures_util::future::join_all(others.iter().map(got)).await;
    assert!((20..60).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(refreshes(&simulator), 2);
}

#[tokio::test]
async fn how_old_a_token_is_is_by_redis_s_clock() {
    let (server, simulator) = (RedisServer::start(), hubspot(installed()).await);
    got(&token(&simulator, &server).await).await;
    for (minutes, count) in [(0, 1), (24, 1), (26, 2)] {
        // As if it had been saved so long ago.
        let time: i64 = 1_000 * server.number(&["EVAL", "return tonumber(redis.call('TIME')[1])", "0"]);
        server.number(&["HSET", AT, "saved_at", &(time - minutes * 60_000).to_string()]);
        got(&token(&simulator, &server).await).await;
        assert_eq!(refreshes(&simulator), count, "after {minutes} minutes");
    }
}
