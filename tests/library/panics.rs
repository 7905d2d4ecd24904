//! Code of users that panics: the call fails and says whose it was, nothing is tried again, nothing hangs.

use std::{
    convert::Infallible,
    panic::panic_any,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use hubspot_partner_clients::{
    AccessToken, Association, Attempt, CallEnd, Client, ClientBuilder, Error, ErrorKind, Observer, Permit,
    PermitFuture, PermitUsage, RateLimit, RateLimitStatus, RateLimiter, RetryPolicy, TokenFuture, TokenProvider,
    bulk::Journal,
    oauth::{self, StoreFuture, StoredToken, TokenStore},
    spec::RateBucket,
};
use hubspot_simulator::{Fault, OAuthApp, Simulator};
use tokio::time::timeout;

use crate::support::{RawServer, crm};

async fn hubspot() -> Simulator {
    let app = OAuthApp::new("id", "secret", "refresh");
    crm(10, 10).oauth_app(app).start().await.unwrap()
}

fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::unlimited())
}

/// The error of a call, which has to come.
async fn failure(client: &Client) -> Error {
    let call = client.associate(1).with("companies", 2).as_type("owner");
    timeout(Duration::from_secs(60), call.send()).await.expect("it hangs").unwrap_err()
}

#[track_caller]
fn is_told(error: &Error, message: &str) {
    assert_eq!((error.kind(), error.message()), (ErrorKind::Panic, message), "{error}");
    assert!(!error.is_retryable() && error.operation().is_some());
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Attempt,
    Call,
}

impl Observer for At {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        assert!(*self != Self::Attempt, "no metric for attempt {}", attempt.number);
    }

    fn on_call(&self, _: &CallEnd<'_>) {
        if *self == Self::Call {
            panic_any(5);
        }
    }
}

#[tokio::test]
async fn an_observer() {
    for (at, message) in [
        (At::Attempt, "the observer panicked: no metric for attempt 1"),
        (At::Call, "the observer panicked: its message is not text"),
    ] {
        let simulator = hubspot().await;
        let client = builder(&simulator).observer(at).build().unwrap();
        let error = failure(&client).await;
        is_told(&error, message);
        assert_eq!((error.status(), error.attempts()), (Some(200), 1), "it was carried out");
        let raw = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
        is_told(&raw, message);
        assert_eq!(simulator.requests().len(), 2);
        // Nor is a fault of HubSpot's tried again.
        simulator.inject(Fault::status(503).times(1));
        let error = failure(&client).await;
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
    }
}

/// Whoever is told of a panic after a success takes the write for carried out.
#[tokio::test]
async fn a_panic_does_not_hide_that_a_success_proves_nothing() {
    let signed = "x-hubspot-correlation-id: c\r\n";
    let pending = r#"{"status":"PENDING","results":[]}"#;
    for (status, headers, body, kind) in [
        (202, signed, "{}", ErrorKind::NoOutcome),
        (200, signed, pending, ErrorKind::NoOutcome),
        (200, "", "<html>Sign in</html>", ErrorKind::Decode),
        (200, signed, r#"{"status":"error","message":"m","category":"OBJECT_NOT_FOUND"}"#, ErrorKind::NotFound),
        (200, signed, &" ".repeat(2_000), ErrorKind::TooLarge),
        (200, signed, crate::support::DOCUMENTED, ErrorKind::Panic),
        (503, signed, "{}", ErrorKind::Panic),
    ] {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let server = RawServer::answering(answer).await;
        let builder = || Client::builder().base_url(&server.base_url).access_token("t").max_response_bytes(1_000);
        for client in [
            builder().observer(At::Attempt).build(),
            builder().observer(At::Call).retry(RetryPolicy::never()).build(),
            builder().rate_limiter(Limiter("release")).build(),
        ] {
            let asked = server.received().len();
            let error = client.unwrap().associate(1).with("companies", 2).as_type("owner").await.unwrap_err();
            assert_eq!(
                (error.kind(), error.status(), error.attempts()),
                (kind, Some(status), 1),
                "{status} {body}: {error}"
            );
            assert_eq!(server.received().len() - asked, 1, "nothing is tried again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_of_a_call_that_is_dropped_or_out_of_time() {
    let simulator = hubspot().await;
    let client = builder(&simulator).observer(At::Attempt).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(100)).times(2));
    let call = || client.association_types("companies");
    timeout(Duration::from_secs(1), call().send()).await.unwrap_err();
    is_told(
        &call().call_timeout(Duration::from_secs(1)).await.unwrap_err(),
        "the observer panicked: no metric for attempt 1",
    );
}

/// What a panic carries may panic itself.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("again");
    }
}

struct Twice;

impl Observer for Twice {
    fn on_call(&self, _: &CallEnd<'_>) {
        panic_any(Payload);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_panics() {
    let simulator = hubspot().await;
    let client = builder(&simulator).observer(Twice).build().unwrap();
    is_told(&failure(&client).await, "the observer panicked: its message is not text");
    let raw = Error::from(client.raw().get().partner_client_id("1").send().await.unwrap_err());
    is_told(&raw, "the observer panicked: its message is not text");
    // Nor where a call is dropped.
    simulator.inject(Fault::delay(Duration::from_secs(100)).times(1));
    timeout(Duration::from_secs(1), client.get(1).send()).await.unwrap_err();
}

struct Tokens(&'static str);

impl TokenProvider for Tokens {
    fn access_token(&self) -> TokenFuture<'_> {
        assert!(self.0 != "at once", "{}", self.0);
        Box::pin(async {
            tokio::task::yield_now().await;
            assert!(self.0 != "later", "{}", self.0);
            Ok(AccessToken::new("unknown")?)
        })
    }

    fn invalidate(&self, _: &AccessToken) -> bool {
        panic!("{}", self.0);
    }
}

#[tokio::test]
async fn a_token_provider() {
    let simulator = hubspot().await;
    for (when, requests) in [("at once", 0), ("later", 0), ("once it is refused", 1)] {
        let client = builder(&simulator).token_provider(Tokens(when)).build().unwrap();
        is_told(&failure(&client).await, &format!("the token provider panicked: {when}"));
        assert_eq!(simulator.requests().len(), requests);
    }
}

struct Limiter(&'static str);

impl RateLimiter for Limiter {
    fn try_acquire(&self, bucket: RateBucket) -> Option<Permit> {
        assert!(self.0 != "try_acquire", "{}", self.0);
        (self.0 == "release").then(|| Permit::new(bucket, 0))
    }

    fn acquire(&self, _: RateBucket) -> PermitFuture<'_> {
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("{}", self.0)
        })
    }

    fn release(&self, _: Permit, _: &PermitUsage) {
        panic!("{}", self.0);
    }

    fn status(&self) -> RateLimitStatus {
        RateLimitStatus::default()
    }
}

#[tokio::test]
async fn a_limiter() {
    for which in ["try_acquire", "acquire", "release"] {
        let simulator = hubspot().await;
        let client = builder(&simulator).rate_limiter(Limiter(which)).build().unwrap();
        is_told(&failure(&client).await, &format!("the rate limiter panicked: {which}"));
        let in_time = client.associations(1, "companies").call_timeout(Duration::from_secs(9));
        is_told(&in_time.await.unwrap_err(), &format!("the rate limiter panicked: {which}"));
        assert_eq!(simulator.requests().len(), if which == "release" { 2 } else { 0 });
    }
}

#[derive(Clone)]
struct Store(&'static str, Arc<AtomicU32>);

impl Store {
    fn or<T: Send + 'static>(&self, method: &str, value: T) -> StoreFuture<'_, T> {
        self.1.fetch_add(1, Ordering::Relaxed);
        assert!(self.0 != method, "{method}");
        Box::pin(async { Ok(value) })
    }
}

impl TokenStore for Store {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        self.or("load", None)
    }

    fn lock(&self, _: &str, _: Duration) -> StoreFuture<'_, Option<u64>> {
        self.or("lock", Some(1))
    }

    fn save(&self, _: u64, _: StoredToken) -> StoreFuture<'_, bool> {
        self.or("save", true)
    }

    fn unlock(&self, _: u64) -> StoreFuture<'_, ()> {
        self.or("unlock", ())
    }
}

#[tokio::test]
async fn a_token_store_is_not_asked_again_and_again() {
    for method in ["load", "lock", "save", "unlock"] {
        let simulator = hubspot().await;
        let asked = Arc::new(AtomicU32::new(0));
        let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
        let token = app.token("refresh").unwrap().store(Store(method, Arc::clone(&asked)));
        let client = builder(&simulator).token_provider(token).build().unwrap();
        if matches!(method, "load" | "lock") {
            is_told(&failure(&client).await, &format!("the token store panicked: {method}"));
        } else {
            // As where it fails: the token is good.
            client.get(1).await.unwrap();
        }
        assert!(asked.load(Ordering::Relaxed) < 10, "{method}: {asked:?}");
    }
}

#[tokio::test]
async fn a_callback_for_refresh_tokens_fails_one_call() {
    let app = OAuthApp::new("id", "secret", "refresh").rotating_refresh_token();
    let simulator = crm(10, 10).oauth_app(app).start().await.unwrap();
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let first = AtomicBool::new(true);
    let token = app.token("refresh").unwrap().on_new_refresh_token(move |_| {
        let first = first.swap(false, Ordering::Relaxed);
        async move {
            assert!(!first, "the disk is full");
            Ok::<_, Infallible>(())
        }
    });
    let client = builder(&simulator).token_provider(token).build().unwrap();
    is_told(&failure(&client).await, "on_new_refresh_token's callback panicked: the disk is full");
    client.get(1).await.unwrap();
}

#[tokio::test]
async fn in_a_bulk_run_each_input_is_told_and_asked_again_by_the_next() {
    let simulator = hubspot().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("journal");
    let inputs = || (1..=10).map(|id| Association::new(id, "companies", id, "owner"));
    let client = builder(&simulator).observer(At::Attempt).build().unwrap();
    let run = client.associate_many(inputs()).journal(Journal::open(&file, "account").unwrap()).outcomes();
    let outcomes: Vec<_> = timeout(Duration::from_secs(60), run.collect()).await.expect("it hangs");
    assert_eq!(outcomes.len(), 10);
    for outcome in outcomes {
        assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Panic);
    }
    let sent = simulator.requests().len();
    assert!(sent <= 2, "{sent}");
    let client = builder(&simulator).build().unwrap();
    let run = client.associate_many(inputs()).journal(Journal::open(&file, "account").unwrap()).outcomes();
    assert!(run.all(async |outcome| outcome.result.is_ok()).await, "HubSpot was asked again");
}

/// They run where the caller polls, so the panic is the caller's.
#[tokio::test]
async fn progress_and_inputs_of_a_bulk_run_panic_where_they_are_polled() {
    let simulator = hubspot().await;
    let client = builder(&simulator).build().unwrap();
    let inputs = || (1..=10).map(|id| Association::new(id, "companies", id, "owner"));
    let mut run = client.associate_many(inputs()).on_progress(|_| panic!("no terminal")).outcomes();
    let next = std::panic::AssertUnwindSafe(run.next()).catch_unwind();
    let panic = timeout(Duration::from_secs(60), next).await.expect("it hangs").unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"no terminal"));
    // What was settled is not lost.
    assert!(run.next().await.unwrap().result.is_ok());

    let mut run = client.associate_many(inputs().inspect(|_| panic!("line 1 is damaged"))).outcomes();
    let next = std::panic::AssertUnwindSafe(run.next()).catch_unwind();
    let panic = timeout(Duration::from_secs(60), next).await.expect("it hangs").unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"line 1 is damaged"));
}

/// A subscriber that fails in the span of the request that several calls wait for.
struct NoSpan;

impl tracing::Subscriber for NoSpan {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        assert!(attributes.metadata().name() != "hubspot.call", "no span");
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_tracing_subscriber_where_calls_wait_for_one_request() {
    let simulator = hubspot().await;
    let client = builder(&simulator).api_version(hubspot_partner_clients::ApiVersion::V2026_09).build().unwrap();
    let subscriber = tracing::subscriber::set_default(NoSpan);
    let (first, second) = tokio::join!(failure(&client), failure(&client));
    for error in [first, second] {
        is_told(&error, "a task of this crate panicked: no span");
    }
    drop(subscriber);
    client.associate(1).with("companies", 2).as_type("7").await.unwrap();
}
