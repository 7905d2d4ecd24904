//! One client in several runtimes, of which some have ended, or do not run any more, with what they had under way.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use hubspot_partner_clients::{
    Association, Client, ClientBuilder, Error, ErrorKind, PermitUsage, RateLimit, RateLimiter, Result, RollingWindow,
    TokenProvider, oauth, spec::RateBucket,
};
use hubspot_simulator as simulator;
use simulator::{Fault, OAuthApp, Simulator};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::timeout,
};

use crate::support::crm;

/// A simulator in a runtime that always runs.
fn hubspot() -> (Runtime, Simulator) {
    hubspot_with(OAuthApp::new("id", "secret", "refresh"))
}

fn hubspot_with(app: OAuthApp) -> (Runtime, Simulator) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = crm(10, 10).oauth_app(app);
    let simulator = runtime.block_on(simulator.start()).unwrap();
    (runtime, simulator)
}

fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A call in a runtime that runs for as long as it takes.
fn call(runtime: &Runtime, client: &Client) -> Result<()> {
    let call = client.get(1).send();
    runtime.block_on(async { timeout(Duration::from_secs(20), call).await.expect("it hangs") }).map(drop)
}

#[test]
fn a_client_whose_first_runtime_has_ended() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    for _ in 0..20 {
        call(&runtime(), &client).unwrap();
    }
}

#[test]
fn a_client_whose_first_runtime_does_not_run_any_more() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    let runtimes = [(); 20].map(|()| runtime());
    for runtime in &runtimes {
        call(runtime, &client).unwrap();
    }
    // Nor does it matter whether they run again, in whatever order.
    for runtime in runtimes.iter().rev() {
        call(runtime, &client).unwrap();
    }
}

/// Until a request is there.
async fn until_asked(simulator: &Simulator) {
    while simulator.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn calls_that_are_left_in_another_runtime_hold_up_nobody() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).rate_limit(RateLimit::per_ten_seconds(30)).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(1)).times(5));
    let (stopped, running) = (runtime(), runtime());
    let mut kept: Vec<_> = (0..10).map(|_| client.search().send().boxed()).collect();
    stopped.block_on(async {
        for call in &mut kept {
            assert!(call.now_or_never().is_none());
        }
        // Some have a permit, some are sent, the others wait in line.
        until_asked(&simulator).await;
    });
    let outcomes = running.block_on(async {
        let calls = join_all((0..10).map(|_| client.search().send()));
        timeout(Duration::from_secs(30), calls).await.expect("it hangs")
    });
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    // Where the runtime goes on, so do they.
    let outcomes =
        stopped.block_on(async { timeout(Duration::from_secs(30), join_all(kept)).await.expect("it hangs") });
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[test]
fn a_token_that_is_refreshed_in_a_runtime_that_does_not_run_any_more() {
    let (_server, simulator) = hubspot();
    simulator.inject(Fault::delay(Duration::from_millis(300)).on("oauth_token").times(1));
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let client = builder(&simulator).token_provider(app.token("refresh").unwrap()).build().unwrap();
    let (stopped, running) = (runtime(), runtime());
    let mut kept = client.get(1).send().boxed();
    stopped.block_on(async {
        assert!((&mut kept).now_or_never().is_none());
        until_asked(&simulator).await;
    });
    call(&running, &client).unwrap();
    call(&running, &client).unwrap();
    stopped.block_on(kept).unwrap();
}

/// After two seconds, a runtime may not run any more, or only be slow.
#[test]
fn a_refresh_token_that_another_runtime_has_replaced_is_not_told_as_revoked() {
    let late = Duration::from_secs(3);
    for (fault, requests) in [
        // It replaces the refresh token at once, and hears of it after another has tried the old one.
        (Fault::delay(late).after_operation(), 2),
        // It tries the old one again after another has replaced it.
        (Fault::status(503).delayed(late), 3),
    ] {
        let (_server, simulator) = hubspot_with(OAuthApp::new("id", "secret", "refresh").rotating_refresh_token());
        simulator.inject(fault.on("oauth_token").times(1));
        let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
        let client = builder(&simulator).token_provider(app.token("refresh").unwrap()).build().unwrap();
        let slow = client.clone();
        let slow = std::thread::spawn(move || call(&runtime(), &slow));
        runtime().block_on(until_asked(&simulator));
        call(&runtime(), &client).unwrap();
        slow.join().unwrap().unwrap();
        call(&runtime(), &client).unwrap();
        let asked = simulator.requests();
        let asked = asked.iter().filter(|request| request.path().starts_with("/oauth/")).count();
        assert_eq!(asked, requests, "nobody asks more often than it takes");
    }
}

/// Nobody waits for another who waits for the same.
#[test]
fn a_refresh_token_that_is_revoked_is_told_so_in_both_of_two_runtimes() {
    let (_server, simulator) = hubspot();
    simulator.inject(Fault::status(503).delayed(Duration::from_secs(3)).on("oauth_token").times(1));
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let client = builder(&simulator).token_provider(app.token("revoked").unwrap()).build().unwrap();
    let slow = client.clone();
    let slow = std::thread::spawn(move || call(&runtime(), &slow));
    runtime().block_on(until_asked(&simulator));
    assert!(call(&runtime(), &client).unwrap_err().is_invalid_grant());
    assert!(slow.join().unwrap().unwrap_err().is_invalid_grant());
}

#[test]
fn a_call_outside_a_runtime_is_refused() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    let error = client.get(1).send().now_or_never().expect("it fails at once").unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    assert_eq!(error.message(), "Tokio runtime is missing: make the call inside one, for example with #[tokio::main]");
    assert!(simulator.requests().is_empty());
}

/// The rest of what takes a runtime: nothing of it may panic.
#[test]
fn whatever_needs_a_runtime_is_refused_outside_one() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    let is_told = |error: &Error| {
        assert!(format!("{error} {:?}", error.message()).contains("Tokio runtime is missing"), "{error}");
    };
    let inputs = || (1..=3).map(|id| Association::new(id, "companies", id, "owner"));
    for lines in [stream::iter(inputs()).boxed(), stream::iter(inputs()).chain(stream::pending()).boxed()] {
        let outcomes = client.associate_many_from(lines).outcomes().take(3).collect::<Vec<_>>();
        let outcomes = outcomes.now_or_never().expect("it fails at once");
        assert_eq!(outcomes.len(), 3);
        outcomes.into_iter().for_each(|outcome| is_told(&outcome.result.unwrap_err()));
    }
    for mut items in [client.list().items(), client.list().items().read_ahead()] {
        is_told(&items.next().now_or_never().expect("it fails at once").unwrap().unwrap_err());
    }
    let raw = client.raw().get().partner_client_id("1").send().now_or_never().expect("it fails at once");
    is_told(&Error::from(raw.unwrap_err()));

    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let exchange = app.exchange("code", "https://my.app", None).now_or_never().expect("it fails at once");
    let error = exchange.unwrap_err();
    assert!(error.is_token(), "{error}");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(format!("{error} {cause}").contains("Tokio runtime is missing"), "{error} {cause}");
    let token = app.token("refresh").unwrap();
    let error = token.access_token().now_or_never().expect("it fails at once").unwrap_err();
    assert!(error.to_string().contains("Tokio runtime is missing"), "{error}");

    #[cfg(feature = "redis")]
    {
        use hubspot_partner_clients::redis::Redis;

        let connect = Redis::connect("redis://127.0.0.1:1").now_or_never().expect("it fails at once");
        is_told(&connect.unwrap_err());
    }
    assert!(simulator.requests().is_empty());
}

/// A limiter that is used by itself.
#[test]
fn a_limiter_outside_a_runtime_does_not_panic() {
    let limiter = RollingWindow::new(RateLimit::per_ten_seconds(1));
    let acquire = |limiter: &RollingWindow| {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
        limiter.acquire_by(RateBucket::General, deadline).now_or_never().expect("it fails at once").map(drop)
    };
    assert!(acquire(&limiter).unwrap_err().to_string().contains("Tokio"));
    let permit = limiter.acquire(RateBucket::General).now_or_never().unwrap().unwrap();
    assert!(limiter.acquire(RateBucket::General).now_or_never().is_none());
    limiter.release(permit, &PermitUsage::NotSent);
    assert_eq!(limiter.status().general.waiting, 0);
}

#[test]
fn what_needs_timers_or_sockets_says_so_where_there_are_none() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    let bare = || Builder::new_current_thread().build().unwrap();
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let is_told = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
        assert!(error.message().contains("enable_"), "{error}");
    };
    is_told(&bare().block_on(app.exchange("code", "https://my.app", None)).unwrap_err());
    let with_token = builder(&simulator).token_provider(app.token("refresh").unwrap()).build().unwrap();
    is_told(&bare().block_on(with_token.get(1).send()).unwrap_err());
    // A group that is not full waits for more.
    let inputs = stream::iter([Association::new(1, "companies", 1, "owner")]).chain(stream::pending()).boxed();
    let mut outcomes = client.associate_many_from(inputs).outcomes();
    is_told(&bare().block_on(outcomes.next()).unwrap().result.unwrap_err());
    #[cfg(feature = "redis")]
    is_told(&bare().block_on(hubspot_partner_clients::redis::Redis::connect("redis://127.0.0.1:1")).unwrap_err());
}

/// A group of a stream waits for more by a timer of the runtime that it was polled in.
#[test]
fn a_bulk_run_goes_on_in_another_runtime() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    for ended in [true, false] {
        let inputs = stream::iter([Association::new(1, "companies", 1, "owner")]).chain(stream::pending()).boxed();
        let mut outcomes = client.associate_many_from(inputs).outcomes();
        let first = runtime();
        first.block_on(async { assert!(outcomes.next().now_or_never().is_none()) });
        let kept = if ended { None } else { Some(first) };
        let outcome =
            runtime().block_on(async { timeout(Duration::from_secs(20), outcomes.next()).await.expect("it hangs") });
        outcome.unwrap().result.unwrap();
        drop(kept);
    }
}

/// Where code is not asynchronous, in the ways that Tokio has for it.
#[test]
fn calls_from_blocking_code() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    /// Something that tells HubSpot of its end.
    struct Farewell(Client);
    impl Drop for Farewell {
        fn drop(&mut self) {
            let call = self.0.update(1).set("name", "gone").send();
            tokio::task::block_in_place(|| Handle::current().block_on(call)).unwrap();
        }
    }
    let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ends = |run: &Runtime, client: Client| {
        let blocking = run.block_on(async {
            let here = Handle::current();
            let call = tokio::task::spawn_blocking(move || here.block_on(client.get(1).send()));
            timeout(Duration::from_secs(20), call).await.expect("it hangs")
        });
        blocking.unwrap().unwrap();
    };
    ends(&threads, client.clone());
    ends(&runtime(), client.clone());
    threads.block_on(async {
        let farewell = Farewell(client.clone());
        let dropped = tokio::spawn(async move { drop(farewell) });
        timeout(Duration::from_secs(20), dropped).await.expect("it hangs").unwrap();
    });
    // And where nothing may leave its thread.
    let local = tokio::task::LocalSet::new();
    let run = local.run_until(async {
        let name = std::rc::Rc::new("Acme".to_owned());
        let call = tokio::task::spawn_local(async move { client.update(1).set("name", &*name).await });
        timeout(Duration::from_secs(20), call).await.expect("it hangs").unwrap().unwrap();
    });
    runtime().block_on(run);
}

/// Tokio itself says what is missing.
#[test]
fn a_runtime_without_timers_or_sockets_is_told() {
    let (_server, simulator) = hubspot();
    let client = builder(&simulator).build().unwrap();
    for (runtime, missing) in [
        (Builder::new_current_thread().enable_io().build().unwrap(), "enable_time"),
        (Builder::new_current_thread().enable_time().build().unwrap(), "enable_io"),
        (Builder::new_current_thread().build().unwrap(), "enable_"),
    ] {
        let error = runtime.block_on(client.get(1).send()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert!(error.message().contains(missing), "{error}");
    }
    call(&runtime(), &client).unwrap();
}

#[test]
fn association_types_asked_for_in_a_runtime_that_does_not_run_hold_up_nobody() {
    let (_server, simulator) = hubspot();
    let version = hubspot_partner_clients::ApiVersion::V2026_09;
    let client = builder(&simulator).api_version(version).build().unwrap();
    let (stopped, running) = (runtime(), runtime());
    let associate = || client.associate(1).with("companies", 1).as_type("7").send();
    let mut kept = associate().boxed();
    stopped.block_on(async { assert!((&mut kept).now_or_never().is_none()) });
    for _ in 0..2 {
        running.block_on(async { timeout(Duration::from_secs(20), associate()).await.expect("it hangs") }).unwrap();
    }
}

/// The outcome of something in a runtime that has ended, which may not go on for ever.
fn in_ended_runtime<T: Send + 'static>(what: impl Future<Output = T> + Send + 'static) -> T {
    let ended = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let handle = ended.handle().clone();
    drop(ended);
    let (sender, outcome) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(handle.block_on(what)));
    outcome.recv_timeout(Duration::from_secs(20)).expect("it hangs or panics")
}

#[test]
fn whatever_is_asked_in_a_runtime_that_has_ended_fails() {
    let (_server, simulator) = hubspot();
    let is_told = |name: &str, error: &Error| {
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Transport, "the runtime stopped during a request"),
            "{name}: {error}"
        );
        assert!(error.operation().is_some() || name.contains("_many"), "{name}: {error}");
    };
    for version in ["v3", "2026-09"] {
        for timeout in [None, Some(Duration::from_secs(5))] {
            let builder = builder(&simulator).api_version(version.parse().unwrap());
            let client = timeout.into_iter().fold(builder, ClientBuilder::call_timeout).build().unwrap();
            let asked = client.clone();
            let outcomes = in_ended_runtime(async move {
                let (object_type, id) = ("companies", 1);
                let row = Association::new(1, object_type, id, "7");
                let many = asked.associate_many([row.clone()]).outcomes().collect::<Vec<_>>().await;
                let away = asked.dissociate_many([row.clone()]).outcomes().collect::<Vec<_>>().await;
                [
                    ("associate", asked.associate(1).with(object_type, id).as_type("7").await.err()),
                    ("as_default", asked.associate(1).with(object_type, id).as_default().await.err()),
                    ("dissociate", asked.dissociate(1).with(object_type, id).as_type("7").await.err()),
                    ("dissociate_all", asked.dissociate_all(1, object_type, id).await.err()),
                    ("is_associated", asked.is_associated(1, object_type, id, "7").await.err()),
                    ("association_types", asked.association_types(object_type).await.err()),
                    ("reconcile", asked.reconcile([1], object_type, [row]).plan().await.err()),
                    ("associate_many", many.into_iter().find_map(|outcome| outcome.result.err())),
                    ("dissociate_many", away.into_iter().find_map(|outcome| outcome.result.err())),
                    ("resolve", asked.resolve(object_type, [("name", "x")]).send().await.remove(0).err()),
                    ("batch_read", asked.batch_read([1]).send().await.remove(0).err()),
                    ("items", asked.list().items().next().await.and_then(Result::err)),
                ]
            });
            for (name, error) in outcomes {
                is_told(&format!("{name} on {version}"), &error.unwrap());
            }
            // It does so in another one.
            call(&runtime(), &client).unwrap();
        }
    }
    let app = oauth::OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let token = app.token("refresh").unwrap();
    for _ in 0..2 {
        let asked = token.clone();
        let error = in_ended_runtime(async move { asked.access_token().await }).unwrap_err();
        assert_eq!(error.downcast::<Error>().unwrap().message(), "the runtime stopped during a request");
    }
    let client = builder(&simulator).token_provider(token).build().unwrap();
    call(&runtime(), &client).unwrap();
}

/// On dated versions several calls may wait for one list of association types, each for its own time.
#[test]
fn a_dated_call_in_a_runtime_without_timers_does_not_panic() {
    let (_server, simulator) = hubspot();
    let version = hubspot_partner_clients::ApiVersion::V2026_09;
    let client = builder(&simulator).api_version(version).call_timeout(Duration::from_secs(5)).build().unwrap();
    let bare = Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        let error = bare.block_on(client.associate(1).with("companies", 1).as_type("7").send()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
        assert!(error.message().contains("enable_") && error.operation().is_some(), "{error}");
    }
}
