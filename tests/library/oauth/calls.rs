//! The calls of a client whose tokens renew themselves.

use super::*;

#[tokio::test]
async fn the_first_call_asks_for_a_token_and_the_next_ones_use_it() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    assert!(simulator.requests().is_empty(), "nothing is sent before");
    for _ in 0..3 {
        call(&client).await.unwrap();
    }
    let form: BTreeMap<String, String> =
        [("grant_type", "refresh_token"), ("client_id", ID), ("client_secret", SECRET), ("refresh_token", REFRESH)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    assert_eq!(asked(&simulator), [form]);
    let request = &simulator.requests()[0];
    assert_eq!((request.method(), request.path()), ("POST", "/oauth/2026-09/token"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn clones_of_a_token_and_of_its_client_share_it() {
    let simulator = hubspot(installed()).await;
    let token = app(&simulator).token(REFRESH).unwrap();
    for token in [token.clone(), token] {
        call(&client_with(simulator.base_url(), token).clone()).await.unwrap();
    }
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_calls_without_a_token_make_one_refresh() {
    let simulator = hubspot(installed()).await;
    let outcomes = calls_at_once(&client(&simulator), 200).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 200, "{outcomes:?}");
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(start_paused = true)]
async fn any_number_of_calls_refused_with_an_expired_token_make_one_refresh() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    call(&client).await.unwrap();
    simulator.expire_tokens();
    simulator.clear_requests();
    simulator.inject(Fault::delay(Duration::from_secs(1)).on("oauth_token"));
    let outcomes = calls_at_once(&client, 200).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 200, "{outcomes:?}");
    assert_eq!(times_asked(&simulator), 1);
    let refused = answered(&simulator).iter().filter(|(_, status)| *status == Some(401)).count();
    assert!(refused > 100, "or it shows nothing: {refused}");
}

#[tokio::test]
async fn a_late_refusal_of_the_old_token_does_not_cost_the_new_one() {
    let simulator = hubspot(installed()).await;
    let token = app(&simulator).token(REFRESH).unwrap();
    let client = client_with(simulator.base_url(), token.clone());
    let old = token.access_token().await.unwrap();
    simulator.expire_tokens();
    call(&client).await.unwrap();
    assert!(token.invalidate(&old), "there is another one");
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test(start_paused = true)]
async fn every_call_that_waited_for_a_refresh_gets_its_error() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.revoke_refresh_token();
    simulator.inject(Fault::delay(Duration::from_secs(1)).on("oauth_token"));
    for outcome in calls_at_once(&client, 50).await {
        let error = outcome.unwrap_err();
        assert!(error.is_token() && error.is_invalid_grant() && !error.is_retryable(), "{error:?}");
        assert_eq!((error.operation(), error.status()), (Some("association_types"), Some(400)));
        assert!(error.remedy().starts_with("Connect the account again"), "{}", error.remedy());
    }
    assert_eq!(times_asked(&simulator), 1);
    assert!(answered(&simulator).is_empty(), "no call was sent");
}

#[tokio::test]
async fn a_failed_refresh_is_told_in_one_sentence() {
    let simulator = hubspot(installed()).await;
    simulator.revoke_refresh_token();
    let error = call(&client(&simulator)).await.unwrap_err();
    let told = "association_types: HubSpot answered 400: no access token: missing or invalid refresh token";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[tokio::test]
async fn the_call_after_a_failed_refresh_tries_again() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.inject(Fault::status(500).on("oauth_token").times(1));
    let error = call(&client).await.unwrap_err();
    assert!(error.is_token() && !error.is_invalid_grant(), "{error:?}");
    assert_eq!(error.status(), Some(500));
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 2);
}

#[tokio::test]
async fn an_account_that_was_connected_again_works_again() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let first = client_with(simulator.base_url(), app.token(REFRESH).unwrap());
    call(&first).await.unwrap();
    simulator.expire_tokens();
    simulator.revoke_refresh_token();
    assert!(call(&first).await.unwrap_err().is_invalid_grant());

    let grant = connected(&simulator, &app).await;
    assert_ne!(grant.refresh_token(), Some(REFRESH));
    let again = first.for_account(app.token_of(&grant).unwrap());
    for _ in 0..2 {
        call(&again).await.unwrap();
        simulator.expire_tokens();
    }
    assert!(call(&first).await.unwrap_err().is_invalid_grant(), "the token revoked stays revoked");
}

#[tokio::test]
async fn a_call_refused_once_is_sent_again_with_another_token_but_not_twice() {
    let simulator = hubspot(installed()).await;
    let client = client(&simulator);
    simulator.inject(Fault::status(401).on("association_types"));
    let error = call(&client).await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_token(), "{error:?}");
    assert_eq!((error.attempts(), times_asked(&simulator)), (2, 2));
    let sent = answered(&simulator);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0].0, sent[1].0);
}

#[tokio::test]
async fn a_static_token_that_is_refused_is_not_tried_again() {
    let simulator = Simulator::start().await.unwrap();
    let error = call(&client_at(simulator.base_url(), "unknown")).await.unwrap_err();
    assert!(error.is_unauthorized());
    assert_eq!((error.attempts(), simulator.requests().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_cancel_the_refresh() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    simulator.inject(Fault::delay(Duration::from_secs(5)).on("oauth_token").times(1));
    timeout(Duration::from_secs(1), call(&client)).await.unwrap_err();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(told.lock().unwrap().len(), 1, "the only refresh token that is still good");
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 1);
}

/// A program that is not asynchronous itself makes a runtime for a call now and then.
#[test]
fn a_refresh_that_ended_with_its_runtime_is_made_anew() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let at_hubspot = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = at_hubspot.block_on(hubspot(installed()));
    let client = client(&simulator);
    let first = runtime();
    first.block_on(async { assert!(call(&client).now_or_never().is_none(), "it waits for the refresh") });
    drop(first);
    runtime().block_on(call(&client)).unwrap();
}
