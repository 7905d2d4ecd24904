//! Which failures are tried again, when, and how often.

mod budget;
mod earlier;

use std::{sync::Arc, time::Duration};

use hubspot_partner_clients::{Client, ClientBuilder, Error, ErrorKind, RateLimit, RetryPolicy};
use hubspot_simulator::{Fault, RateLimits, Simulator};
use tokio::time::Instant;

use crate::support::sized;

async fn hubspot(setup: impl FnOnce(ClientBuilder) -> ClientBuilder) -> (Simulator, Client) {
    let simulator = Simulator::start().await.unwrap();
    let builder = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::unlimited());
    let client = setup(builder).build().unwrap();
    (simulator, client)
}

async fn associate(client: &Client) -> Result<(), Error> {
    client.associate(512).with("companies", 9001).as_type(1001).await.map(|_| ())
}

/// An operation that may not be repeated.
async fn update(client: &Client) -> Result<(), Error> {
    client.update(512).set("name", "x").await.map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn which_status_is_tried_again_for_which_operation() {
    let (simulator, client) = hubspot(|builder| builder).await;
    for (status, associated_again, updated_again) in [
        (400, false, false),
        (403, false, false),
        (404, false, false),
        (409, false, false),
        (414, false, false),
        (423, true, true),
        (429, true, true),
        (477, true, true),
        (500, true, false),
        (501, false, false),
        (502, true, false),
        (503, true, false),
        (504, true, false),
        (521, true, false),
        (522, false, false),
        (523, true, false),
        (524, true, false),
        (525, false, false),
        (526, false, false),
    ] {
        for (operation, again) in [("associate", associated_again), ("update", updated_again)] {
            simulator.clear_requests();
            simulator.inject(Fault::status(status).times(1));
            match operation {
                "associate" => assert_eq!(associate(&client).await.is_ok(), again, "{status}"),
                _ => assert_eq!(update(&client).await.is_ok(), again, "{status}"),
            }
            assert_eq!(simulator.requests().len(), 1 + usize::from(again), "{status} {operation}");
            simulator.clear_faults();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_tried_again_where_repeating_does_no_harm() {
    let (simulator, client) = hubspot(|builder| builder).await;
    for fault in [Fault::reset(), Fault::truncated_body(), Fault::html(502), Fault::empty(503)] {
        for fault in [fault.clone(), fault.after_operation()] {
            simulator.inject(fault.times(2));
            associate(&client).await.unwrap();
            simulator.clear_faults();
        }
    }
    simulator.clear_requests();
    simulator.inject(Fault::reset().times(1));
    update(&client).await.unwrap_err();
    assert_eq!(simulator.requests().len(), 1, "an update may have been carried out");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_is_tried_again() {
    let (simulator, client) = hubspot(|builder| builder.timeout(Duration::from_secs(3))).await;
    simulator.inject(Fault::delay(Duration::from_secs(60)).times(2));
    associate(&client).await.unwrap();
    assert_eq!(simulator.requests().len(), 3);

    simulator.inject(Fault::delay(Duration::from_secs(60)));
    let error = associate(&client).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!((error.attempts(), error.status(), error.last_status()), (5, None, None));
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_tried_again_for_every_operation() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let client = Client::builder().base_url(closed).access_token("t").build().unwrap();
    let error = Error::from(client.raw().get().partner_client_id(512).send().await.unwrap_err());
    assert!(error.is_connect());
    assert_eq!(error.attempts(), 5);
    assert_eq!(client.rate_limit_status().general.used, 0, "HubSpot counted none of them");
}

#[tokio::test]
async fn a_daily_limit_is_not_retried() {
    let (simulator, client) = hubspot(|builder| builder).await;
    simulator.inject(Fault::daily_limit().times(1));
    let error = associate(&client).await.unwrap_err();
    assert!(error.is_rate_limited() && !error.is_retryable());
    assert_eq!((error.attempts(), error.retry_after()), (1, None));

    simulator.inject(Fault::daily_limit().retry_after(Duration::from_secs(3_600)).times(1));
    let error = associate(&client).await.unwrap_err();
    assert_eq!((error.attempts(), error.retry_after()), (1, Some(Duration::from_secs(3_600))));
}

#[tokio::test(start_paused = true)]
async fn retry_after_takes_the_place_of_the_backoff_up_to_the_patience() {
    let (simulator, client) = hubspot(|builder| builder).await;
    for status in [429, 477, 503] {
        let started = Instant::now();
        simulator.inject(Fault::status(status).retry_after(Duration::from_secs(42)).times(1));
        associate(&client).await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 42, "{status}");
    }
    let started = Instant::now();
    simulator.inject(Fault::status(477).retry_after_date(Duration::from_secs(30)).times(1));
    associate(&client).await.unwrap();
    // Both the date and the one it counts from are whole seconds.
    assert!((29..=31).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());

    let started = Instant::now();
    simulator.inject(Fault::status(477).retry_after(Duration::from_secs(86_400)).times(1));
    let error = associate(&client).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 0);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
    assert_eq!((error.status(), error.attempts()), (Some(477), 1));

    simulator.inject(Fault::status(477).retry_after(Duration::from_secs(86_400)).times(1));
    let patient = RetryPolicy::default().patience(Duration::from_secs(100_000));
    client.associate(512).with("companies", 9001).as_type(1001).retry(patient).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_locked_object_is_given_two_seconds() {
    let (simulator, client) = hubspot(|builder| builder).await;
    let started = Instant::now();
    simulator.inject(Fault::status(423).times(1));
    associate(&client).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_backoff_doubles_up_to_its_maximum_with_full_jitter() {
    let policy =
        RetryPolicy::default().max_attempts(8).base_delay(Duration::from_secs(1)).max_delay(Duration::from_secs(5));
    let (simulator, client) = hubspot(|builder| builder.retry(policy).retry_budget(10_000)).await;
    simulator.inject(Fault::status(503));
    let mut waits = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        assert_eq!(associate(&client).await.unwrap_err().attempts(), 8);
        waits.push(started.elapsed().as_secs_f64());
    }
    // Up to 1 + 2 + 4 + 5 + 5 + 5 + 5 s, half of it on average.
    let (longest, mean) = (waits.iter().copied().fold(0.0, f64::max), waits.iter().sum::<f64>() / 200.0);
    assert!(longest <= 27.0, "{longest}");
    assert!((12.5..14.5).contains(&mean), "{mean}");
}

#[tokio::test(start_paused = true)]
async fn the_final_error_tells_the_attempts_and_the_last_status() {
    let (simulator, client) = hubspot(|builder| builder.retry(RetryPolicy::default().max_attempts(3))).await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::status(502)), Some(Fault::reset())]));
    let error = associate(&client).await.unwrap_err();
    assert_eq!((error.attempts(), error.status(), error.last_status()), (3, None, Some(502)));
    assert!(!error.is_rate_limited() && error.is_retryable());

    simulator.inject(Fault::status(504));
    let error = associate(&client).await.unwrap_err();
    assert_eq!((error.attempts(), error.status(), error.last_status()), (3, Some(504), Some(504)));

    let raw = Error::from(client.raw().get().partner_client_id(512).send().await.unwrap_err());
    assert_eq!(raw.status(), Some(504));
}

#[tokio::test(start_paused = true)]
async fn calls_through_the_generated_client_are_retried_too() {
    let (simulator, client) = hubspot(|builder| builder).await;
    simulator.inject(Fault::status(503).times(2));
    let object = client.raw().get().partner_client_id(512).send().await.unwrap();
    assert_eq!((object.id.as_str(), simulator.requests().len()), ("512", 3));
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_that_would_end_after_the_call_timeout() {
    let (simulator, client) = hubspot(|builder| builder.call_timeout(Duration::from_secs(10))).await;
    simulator.inject(Fault::status(503).retry_after(Duration::from_secs(11)).times(1));
    let started = Instant::now();
    let error = associate(&client).await.unwrap_err();
    assert_eq!((error.status(), started.elapsed().as_secs()), (Some(503), 0));

    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::delay(Duration::from_secs(60)))]));
    let started = Instant::now();
    let error = associate(&client).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!((error.attempts(), error.status(), error.last_status()), (2, None, Some(503)));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_call_timeout_covers_the_wait_for_the_rate_limiter() {
    let (simulator, client) =
        hubspot(|builder| builder.rate_limit(RateLimit::per_ten_seconds(1)).call_timeout(Duration::from_secs(3))).await;
    associate(&client).await.unwrap();
    let error = associate(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::QueueTimeout, 0), "{error}");
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn associations_through_mixed_faults_end_made_or_with_a_typed_error() {
    const CALLS: usize = sized(5_000, 2_000);
    // Each answer has all associations of a partner client, so that few of each make answers that are quickly read.
    const COMPANIES: usize = 10;
    let mut builder = Simulator::builder();
    for id in 0..COMPANIES {
        builder = builder.object("companies", id.to_string(), [("name", "x")]);
    }
    for id in 0..CALLS / COMPANIES {
        builder = builder.partner_client((10_000 + id).to_string(), [("name", "x")]);
    }
    let builder = [
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
        Fault::html(502).as_json(),
        Fault::reset(),
        Fault::reset().after_operation(),
        Fault::status(504).after_operation(),
        Fault::truncated_body(),
        Fault::delay(Duration::from_secs(500)),
        Fault::empty(500),
    ]
    .into_iter()
    .zip(0..)
    .fold(builder, |builder, (fault, seed)| builder.fault(fault.with_probability(0.022, seed)));
    let simulator = builder.start().await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        .rate_limit(RateLimit::unlimited())
        .build()
        .unwrap();

    let turns = Arc::new(tokio::sync::Semaphore::new(50));
    let calls: Vec<_> = (0..CALLS)
        .map(|n| {
            let (client, turns) = (client.clone(), Arc::clone(&turns));
            // Each pair once.
            let (from, to) = (10_000 + n / COMPANIES, n % COMPANIES);
            tokio::spawn(async move {
                let _turn = turns.acquire_owned().await.unwrap();
                let outcome = client.associate(from as u64).with("companies", to as u64).as_type(1001).send().await;
                (from, to, outcome)
            })
        })
        .collect();
    let (mut made, mut failed) = (0, 0);
    for call in calls {
        let (from, to, outcome) = call.await.unwrap();
        let exists = simulator.associations(&from.to_string()).iter().any(|a| a.to_object_id == to.to_string());
        match outcome {
            Ok(partner_client) => {
                made += 1;
                assert_eq!(partner_client.partner_client_id.to_string(), from.to_string());
                assert!(exists, "reported made, but {from} is not associated with {to}");
            }
            Err(error) => {
                failed += 1;
                assert!(error.is_retryable() && error.attempts() > 1, "{error:?}");
            }
        }
    }
    let requests = simulator.requests();
    let struck = requests.iter().filter(|request| request.status() != Some(200)).count();
    println!("{made} made, {failed} failed, {} requests, {struck} of them struck", requests.len());
    assert_eq!(made + failed, CALLS);
    assert!(struck * 100 > requests.len() * 17, "a fifth of the requests is to fail");
    assert!(failed * 200 < CALLS, "{failed}");
    // What the budget lets through: what it holds, what calls give back, and a tenth for every call that needed none.
    assert!(requests.len() <= CALLS + 100 + CALLS / 10 + struck, "{}", requests.len());
}

#[tokio::test(start_paused = true)]
async fn a_429_is_waited_out_and_nothing_is_lost() {
    let limits = RateLimits::default().per_ten_seconds(20);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = Client::builder()
        .base_url(simulator.base_url())
        .access_token(simulator.access_token())
        // Wrong, and put right by the answers.
        .rate_limit(RateLimit::per_ten_seconds(400))
        .build()
        .unwrap();
    let started = Instant::now();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { associate(&client).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!((40..60).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// Zero is said by gateways that mean nothing by it, and a date has passed when it comes late.
#[tokio::test(start_paused = true)]
async fn a_retry_after_of_no_time_leaves_the_backoff_as_it_is() {
    let past = (chrono::Utc::now() - chrono::TimeDelta::hours(1)).to_rfc2822().replace("+0000", "GMT");
    for retry_after in ["0", &past] {
        let answer = format!("HTTP/1.1 423 X\r\nretry-after: {retry_after}\r\ncontent-length: 0\r\n\r\n");
        let server = crate::support::RawServer::answering(answer).await;
        let client = Client::builder().base_url(&server.base_url).access_token("t");
        let client = client.retry(RetryPolicy::default().max_attempts(4)).build().unwrap();
        let started = Instant::now();
        let error = associate(&client).await.unwrap_err();
        assert_eq!((error.attempts(), error.retry_after()), (4, None));
        assert!(started.elapsed() >= Duration::from_secs(6), "{retry_after}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused_by_name() {
    let build = |policy| Client::builder().access_token("t").retry(policy).build().unwrap_err();
    assert!(build(RetryPolicy::default().max_attempts(0)).message().contains("max_attempts is 0"));
    let error = build(RetryPolicy::default().base_delay(Duration::from_secs(60)));
    assert!(error.message().contains("base_delay is longer than max_delay"), "{error}");

    let error = build(RetryPolicy::default().max_delay(Duration::MAX));
    assert!(error.message().contains("max_delay is too long"), "{error}");

    let (simulator, client) = hubspot(|builder| builder).await;
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    let error = call.retry(RetryPolicy::default().max_attempts(0)).await.unwrap_err();
    assert!(error.is_invalid_input() && simulator.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_no_clock_holds_counts_as_a_day() {
    for retry_after in ["18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let answer = format!("HTTP/1.1 429 X\r\nretry-after: {retry_after}\r\ncontent-length: 0\r\n\r\n");
        let server = crate::support::RawServer::answering(answer).await;
        let builder = Client::builder().base_url(&server.base_url).access_token("t");
        let patient = RetryPolicy::default().max_attempts(2).patience(Duration::MAX);
        let client = builder.call_timeout(Duration::from_secs(24 * 3600)).retry(patient).build().unwrap();
        let error = associate(&client).await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(429), 1), "{error:?}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(24 * 3600)), "{retry_after}");
    }
}

/// By a clock that differs from this machine's by so many seconds.
fn at(offset: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::seconds(offset)).to_rfc2822().replace("+0000", "GMT")
}

#[tokio::test]
async fn a_date_to_wait_for_is_by_the_clock_of_the_server_that_names_it() {
    for off in [-300, 0, 300] {
        let headers = format!("date: {}\r\nretry-after: {}\r\n", at(off), at(off + 40));
        let answer = format!("HTTP/1.1 429 X\r\n{headers}content-length: 0\r\n\r\n");
        let server = crate::support::RawServer::answering(answer).await;
        let error = associate(&crate::support::client_at(&server.base_url, "t")).await.unwrap_err();
        let told = error.retry_after().unwrap();
        // The two dates may be of different seconds.
        assert!((40..=41).contains(&told.as_secs()), "{off}: {told:?}");
    }
}
