//! Observers.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_observer_hears_of_every_attempt_and_once_of_the_call() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::reset())]));
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    let (_, meta) = call.send_with_meta().await.unwrap();
    assert_eq!(
        heard.in_short(),
        [
            "associate attempt 1: 503 failed",
            "associate attempt 2: - failed",
            "associate attempt 3: 200 ok",
            "associate call of 3: 200 ok",
        ]
    );
    let Some(Item::Call { meta: told, .. }) = heard.items().pop() else { unreachable!() };
    assert_eq!(told, meta, "the same as the caller");
}

#[tokio::test(start_paused = true)]
async fn an_observer_hears_why_attempt_and_call_failed() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::status(503).times(5));
    let error = associate(&client).await.unwrap_err();
    let items = heard.items();
    assert_eq!(items.len(), 6);
    for (n, item) in items.iter().enumerate() {
        let (Item::Attempt { error: told, .. } | Item::Call { error: told, .. }) = item;
        let told = told.as_ref().unwrap();
        assert_eq!((told.status(), told.operation()), (Some(503), Some("associate")), "{n}");
    }
    let Some(Item::Call { error: Some(told), meta, .. }) = items.last() else { unreachable!() };
    assert_eq!(told.correlation_id(), error.correlation_id());
    assert_eq!((told.attempts(), meta.attempts, meta.status), (5, 5, Some(503)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_s_duration_is_its_own_and_a_call_s_holds_the_waits() {
    let heard = Heard::default();
    let limits = RateLimits::default().per_ten_seconds(1);
    let simulator = Simulator::builder().rate_limits(limits).start().await.unwrap();
    let client = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    let client = client.rate_limit(RateLimit::per_ten_seconds(1)).observer(heard.clone()).build().unwrap();
    association_types(&client).await.unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(2)));
    association_types(&client).await.unwrap();
    let items = heard.items();
    let [_, _, Item::Attempt { duration: own, .. }, Item::Call { duration, meta, .. }] = &items[..] else {
        panic!("{items:?}")
    };
    assert_eq!(own.as_secs(), 2);
    assert!(meta.rate_limit_wait > Duration::from_secs(8), "{meta:?}");
    assert!(*duration >= *own + meta.rate_limit_wait, "{duration:?}");
}

#[tokio::test]
async fn an_observer_hears_of_the_attempt_that_was_refused_for_its_token() {
    let app = simulator::OAuthApp::new("id", "secret", "refresh");
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    let app = OAuthApp::builder("id", "secret").base_url(simulator.base_url()).build().unwrap();
    let heard = Heard::default();
    let client = Client::builder().base_url(simulator.base_url()).token_provider(app.token("refresh").unwrap());
    let client = client.observer(heard.clone()).build().unwrap();
    association_types(&client).await.unwrap();
    simulator.expire_tokens();
    association_types(&client).await.unwrap();
    assert_eq!(
        heard.in_short()[2..],
        [
            "association_types attempt 1: 401 failed",
            "association_types attempt 2: 200 ok",
            "association_types call of 2: 200 ok"
        ]
    );
}

#[tokio::test]
async fn a_call_that_sends_nothing_is_heard_of_without_an_attempt() {
    let (simulator, client, heard) = observed().await;
    client.association_types("companies").header("host", "x").await.unwrap_err();
    association_types(&client.for_account(NoToken)).await.unwrap_err();
    let words = heard.in_short();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words.iter().all(|words| words.starts_with("association_types call") && words.ends_with(": - failed")));
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_value_that_is_refused_at_once_makes_no_call() {
    let (tracing, _guards) = Tracing::start();
    let (_simulator, client, heard) = observed().await;
    client.associate("..").with("companies", 9001).as_type(1001).await.unwrap_err();
    assert!(heard.items().is_empty() && tracing.spans().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_heard_of_once_as_dropped() {
    let (tracing, _guards) = Tracing::start();
    let heard = Heard::default();
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).observer(heard.clone()).build().unwrap();
    simulator.inject(Fault::delay(Duration::from_secs(60)).times(1));
    timeout(Duration::from_secs(1), associate(&client)).await.unwrap_err();
    let at_once = heard.in_short();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(heard.in_short(), ["associate attempt 1: - failed", "associate call of 1: - failed"]);
    assert_eq!(heard.in_short(), at_once);
    let Some(Item::Call { duration, error: Some(error), .. }) = heard.items().pop() else { unreachable!() };
    assert_eq!((error.kind(), error.attempts(), duration.as_secs()), (ErrorKind::Dropped, 1, 1));
    assert_eq!(tracing.span()["error.type"], "dropped");
    assert_eq!(tracing.of_events("error.type"), ["dropped"]);
    assert_eq!(tracing.events()[0].span, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_before_it_is_sent_has_no_attempt() {
    let (_simulator, client, heard) = observed().await;
    let never = client.for_account(NeverAToken);
    timeout(Duration::from_secs(1), associate(&never)).await.unwrap_err();
    assert_eq!(heard.in_short(), ["associate call of 0: - failed"]);
    // One that is never polled is no call.
    drop(client.associate(512).with("companies", 9001).as_type(1001).send());
    assert_eq!(heard.items().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_by_the_generated_client_that_are_dropped_are_heard_of() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::delay(Duration::from_secs(60)))]));
    timeout(Duration::from_secs(30), client.raw().get().partner_client_id("512").send()).await.unwrap_err();
    assert_eq!(heard.in_short(), ["get attempt 1: 503 failed", "get attempt 2: - failed", "get call of 2: 503 failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_out_of_its_total_time_is_heard_of() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::delay(Duration::from_secs(60)));
    let call = client.association_types("companies").call_timeout(Duration::from_secs(5));
    call.await.unwrap_err();
    assert_eq!(heard.in_short(), ["association_types attempt 1: - failed", "association_types call of 1: - failed"]);
    let Some(Item::Call { duration, error: Some(error), .. }) = heard.items().pop() else { unreachable!() };
    assert!(error.is_timeout());
    assert_eq!(duration.as_secs(), 5);
}

#[tokio::test]
async fn an_observer_hears_of_calls_by_the_generated_client_and_for_other_accounts() {
    let (simulator, client, heard) = observed().await;
    client.raw().get().partner_client_id("512").send().await.unwrap();
    let account = client.for_account(AccessToken::new(simulator.access_token()).unwrap());
    association_types(&account).await.unwrap();
    assert_eq!(
        heard.in_short(),
        ["get attempt 1: 200 ok", "get call of 1: 200 ok"]
            .into_iter()
            .chain(["association_types attempt 1: 200 ok", "association_types call of 1: 200 ok"])
            .collect::<Vec<_>>()
    );
}

/// The status of the attempt before must not pass for its own.
#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_has_no_status() {
    let (simulator, client, heard) = observed().await;
    simulator.inject(Fault::script([Some(Fault::status(503)), Some(Fault::reset())]));
    let call = client.associate(512).with("companies", 9001).as_type(1001);
    call.retry(RetryPolicy::default().max_attempts(2)).await.unwrap_err();
    assert_eq!(heard.in_short()[..2], ["associate attempt 1: 503 failed", "associate attempt 2: - failed"]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_heard_of_as_a_failure() {
    let (tracing, _guards) = Tracing::start();
    let heard = Heard::default();
    let simulator = Simulator::start().await.unwrap();
    let client = builder(simulator.base_url(), simulator.access_token()).observer(heard.clone()).build().unwrap();
    simulator.inject(Fault::invalid_json());
    assert!(associate(&client).await.unwrap_err().is_decode());
    assert_eq!(heard.in_short(), ["associate attempt 1: 200 ok", "associate call of 1: 200 failed"]);
    assert_eq!(tracing.span()["error.type"], "decode");
}

#[tokio::test]
async fn an_observer_may_be_shared() {
    #[derive(Default)]
    struct Calls(Mutex<u32>);
    impl Observer for Calls {
        fn on_attempt(&self, _: &Attempt<'_>) {
            *self.0.lock().unwrap() += 1;
        }

        fn on_call(&self, _: &CallEnd<'_>) {
            *self.0.lock().unwrap() += 10;
        }
    }
    let simulator = Simulator::start().await.unwrap();
    let calls = Arc::new(Calls::default());
    let chosen_at_run_time: Arc<dyn Observer> = calls.clone();
    let builder = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token());
    builder.clone().observer(Arc::clone(&calls)).build().unwrap().list().await.unwrap();
    builder.observer(chosen_at_run_time).build().unwrap().list().await.unwrap();
    assert_eq!(*calls.0.lock().unwrap(), 22);
}
