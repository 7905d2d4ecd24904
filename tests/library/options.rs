//! What can be set for one call and for a client, and what is known of a call afterwards.

use std::time::Duration;

use futures_util::StreamExt;
use hubspot_partner_clients::{Association, Client, CorrelationId, Error, RateLimit, RetryPolicy, Update};
use hubspot_simulator::{Fault, RateLimits, Simulator};
use tokio::time::Instant;

use crate::support::client_of;

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_call_is_told_beside_its_answer() {
    let limits = RateLimits::default().per_ten_seconds(2).per_day(50);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::per_ten_seconds(2))
        .build()
        .unwrap();
    simulator.inject(Fault::status(503).times(1));
    let (partner_client, meta) =
        client.associate(512).with("companies", 9001).as_type(1001).then_get().send_with_meta().await.unwrap();
    assert_eq!((partner_client.id.as_str(), meta.status, meta.attempts), ("512", Some(200), 2));
    assert!(matches!(meta.correlation_id, Some(CorrelationId::Uuid(_))));
    assert_eq!((meta.rate_limit.limit, meta.rate_limit.remaining), (Some(2), Some(0)));
    assert_eq!((meta.rate_limit.daily_limit, meta.rate_limit.interval), (Some(50), Some(Duration::from_secs(10))));
    assert_eq!(meta.rate_limit_wait, Duration::ZERO);

    let ((), meta) = client.dissociate(512).with("companies", 9001).as_type(1001).send_with_meta().await.unwrap();
    assert_eq!((meta.status, meta.attempts), (Some(204), 1));
    assert!(meta.rate_limit_wait > Duration::from_secs(8), "{:?}", meta.rate_limit_wait);
}

#[tokio::test(start_paused = true)]
async fn the_client_s_timeout_holds_whoever_made_the_http_client() {
    let simulator = Simulator::start().await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(100)));
    let builder = || {
        let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
        builder.timeout(Duration::from_secs(1)).retry(RetryPolicy::never())
    };
    // One has no timeout of its own, the other a longer one.
    let longer = reqwest::Client::builder().timeout(Duration::from_secs(50)).build().unwrap();
    for client in [builder(), builder().http_client(reqwest::Client::new()), builder().http_client(longer)] {
        let started = Instant::now();
        assert!(client.build().unwrap().association_types("deals").await.unwrap_err().is_timeout());
        assert_eq!(started.elapsed().as_secs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_takes_the_same_settings() {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    simulator.inject(Fault::delay(Duration::from_secs(100)));
    let second = Duration::from_secs(1);
    let started = Instant::now();
    assert!(client.associate(512).with("deals", 701).as_type(1003).timeout(second).await.unwrap_err().is_timeout());
    assert!(client.dissociate(512).with("deals", 701).as_type(1003).timeout(second).await.unwrap_err().is_timeout());
    assert!(client.associations(512, "deals").call_timeout(second).await.unwrap_err().is_timeout());
    assert!(client.association_types("deals").call_timeout(second).await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed().as_secs(), 4);
    // Those that make several requests have the settings for each of them.
    assert!(client.batch_read([512]).timeout(second).send().await[0].as_ref().unwrap_err().is_timeout());
    let update = Update::of(512).set("name", "x");
    assert!(client.batch_update([update]).timeout(second).send().await[0].as_ref().unwrap_err().is_timeout());
    assert!(client.list().timeout(second).items().next().await.unwrap().unwrap_err().is_timeout());
    assert!(client.search().timeout(second).items().next().await.unwrap().unwrap_err().is_timeout());
    let changed = client.changed_since(chrono::Utc::now()).timeout(second);
    assert!(changed.items().next().await.unwrap().unwrap_err().is_timeout());
    assert_eq!(started.elapsed().as_secs(), 9);
}

#[tokio::test]
async fn a_call_may_send_further_headers_but_not_those_the_client_answers_for() {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    let call = client.association_types("companies").header("X-Trace", "abc").header("Accept-Language", "de");
    assert!(!format!("{call:?}").contains("abc"), "it may be a secret");
    call.await.unwrap();
    let request = &simulator.requests()[0];
    assert_eq!((request.header("x-trace"), request.header("accept-language")), (Some("abc"), Some("de")));
    simulator.clear_requests();

    for (name, value, reason) in [
        ("Authorization", "Bearer x", "header \"Authorization\" is set by the client"),
        ("host", "x", "header \"host\" is set by the client"),
        ("a b", "x", "header \"a b\" is not a header name"),
        ("x-a", "line\nbreak", "header \"x-a\" has a value that cannot be sent"),
    ] {
        let error = client.association_types("companies").header(name, value).await.unwrap_err();
        assert!(error.is_invalid_input() && error.message().starts_with(reason), "{error}");
    }
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_timeout_that_makes_no_sense_is_refused_by_name() {
    let build =
        |setup: fn(hubspot_partner_clients::ClientBuilder, Duration) -> hubspot_partner_clients::ClientBuilder,
         time| { setup(Client::builder().access_token("t"), time).build().unwrap_err().message().to_owned() };
    for (time, reason) in [(Duration::ZERO, "\"0s\" leaves no time"), (Duration::MAX, "is too long")] {
        assert!(
            build(|b, t| b.timeout(t), time).starts_with("timeout ")
                && build(|b, t| b.timeout(t), time).contains(reason)
        );
        for (message, field) in [
            (build(|b, t| b.call_timeout(t), time), "call timeout "),
            (build(|b, t| b.connect_timeout(t), time), "connect timeout "),
            (build(|b, t| b.idle_timeout(t), time), "idle timeout "),
        ] {
            assert!(message.starts_with(field) && message.contains(reason), "{message}");
        }
    }
    let simulator = Simulator::start().await.unwrap();
    let error = client_of(&simulator).association_types("companies").timeout(Duration::ZERO).await.unwrap_err();
    assert!(error.is_invalid_input() && simulator.requests().is_empty());
}

#[tokio::test]
async fn a_concurrency_of_zero_is_refused_by_every_outcome_of_every_run() {
    let simulator = Simulator::start().await.unwrap();
    let client = client_of(&simulator);
    let good = |id: u64| Association::new(512, "companies", id, 1_001);
    let updates = [512, 513].map(|id| Update::of(id).set("name", "Acme"));
    let many = [
        client.associate_many([good(0), good(1)]).concurrency(0),
        client.dissociate_many([good(0), good(1)]).concurrency(0),
    ];
    let mut errors: Vec<Option<Error>> = Vec::new();
    for run in many {
        errors.extend(run.outcomes().map(|outcome| outcome.result.err()).collect::<Vec<_>>().await);
    }
    let read = client.batch_read([512, 513]).concurrency(0).send().await;
    let updated = client.batch_update(updates).concurrency(0).send().await;
    errors.extend(read.into_iter().chain(updated).map(Result::err));
    assert_eq!(errors.len(), 8);
    for error in errors {
        let error = error.expect("a concurrency of zero is refused");
        assert!(error.is_invalid_input() && error.message().starts_with("concurrency \"0\" "), "{error}");
    }
    assert!(simulator.requests().is_empty());
}
