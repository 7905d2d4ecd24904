//! Refresh tokens that change, are kept, or are refused.

use super::*;

#[tokio::test]
async fn a_refresh_token_that_changes_is_used_next_and_told_once() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    for _ in 0..3 {
        call(&client).await.unwrap();
        call(&client).await.unwrap();
        simulator.expire_tokens();
    }
    let told = told.lock().unwrap().clone();
    let used: Vec<String> = asked(&simulator).iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!((used.len(), told.len()), (3, 3));
    assert_eq!((used[0].as_str(), &used[1..]), (REFRESH, &told[..2]), "each one until the next");
}

#[tokio::test]
async fn a_refresh_token_that_stays_is_not_told() {
    let simulator = hubspot(installed()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let client = client_with(simulator.base_url(), telling(&simulator, &told));
    for _ in 0..3 {
        call(&client).await.unwrap();
        simulator.expire_tokens();
    }
    assert_eq!((times_asked(&simulator), told.lock().unwrap().len()), (3, 0));
}

/// As a database writes it, which takes its time.
#[tokio::test(start_paused = true)]
async fn a_new_refresh_token_is_kept_before_its_access_token_is_used() {
    let simulator = Arc::new(hubspot(installed().rotating_refresh_token()).await);
    let calls_before = Arc::new(Mutex::new(Vec::new()));
    let token = app(&simulator).token(REFRESH).unwrap().on_new_refresh_token({
        let (simulator, calls_before) = (Arc::clone(&simulator), Arc::clone(&calls_before));
        move |_| {
            let (simulator, calls_before) = (Arc::clone(&simulator), Arc::clone(&calls_before));
            async move {
                sleep(Duration::from_secs(2)).await;
                calls_before.lock().unwrap().push(answered(&simulator).len());
                Ok::<_, std::io::Error>(())
            }
        }
    });
    let client = client_with(simulator.base_url(), token);
    let started = Instant::now();
    for outcome in calls_at_once(&client, 20).await {
        outcome.unwrap();
    }
    assert_eq!(*calls_before.lock().unwrap(), [0], "once, and before any call");
    assert!(started.elapsed() >= Duration::from_secs(2));
}

/// Fails so many times, and says why as a database might, with what it was given.
fn failing_to_keep(token: OAuthToken, times: usize, asked: &Arc<Mutex<Vec<String>>>) -> OAuthToken {
    let asked = Arc::clone(asked);
    token.on_new_refresh_token(move |token| {
        let mut asked = asked.lock().unwrap();
        asked.push(token.clone());
        let kept = if asked.len() <= times { Err(format!("the disk is full: {token}")) } else { Ok(()) };
        ready(kept)
    })
}

#[tokio::test]
async fn a_refresh_token_that_was_not_kept_fails_the_call_and_is_kept_by_the_next() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let asked_to_keep = Arc::new(Mutex::new(Vec::new()));
    let token = failing_to_keep(app(&simulator).token(REFRESH).unwrap(), 2, &asked_to_keep);
    let client = client_with(simulator.base_url(), token);
    for _ in 0..2 {
        let error = call(&client).await.unwrap_err();
        assert!(error.is_token() && error.message().contains("the disk is full: [redacted]"), "{error}");
        assert!(!format!("{error:?}").contains(&asked_to_keep.lock().unwrap()[0]), "{error:?}");
    }
    assert!(answered(&simulator).is_empty(), "no call was sent");
    call(&client).await.unwrap();
    let kept = asked_to_keep.lock().unwrap().clone();
    assert_eq!((kept.len(), times_asked(&simulator)), (3, 1), "HubSpot was asked once");
    assert!(kept.iter().all(|token| *token == kept[0] && token != REFRESH));
    simulator.expire_tokens();
    call(&client).await.unwrap();
    assert_eq!(asked(&simulator)[1]["refresh_token"], kept[0], "it is the one in use");
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_with_the_old_access_token_while_the_new_refresh_token_is_not_kept() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let app = app(&simulator);
    let grant = connected(&simulator, &app).await;
    let asked_to_keep = Arc::new(Mutex::new(Vec::new()));
    let token = failing_to_keep(app.token_of(&grant).unwrap(), 1, &asked_to_keep);
    let client = client_with(simulator.base_url(), token);
    let kept = |times: usize| assert_eq!(asked_to_keep.lock().unwrap().len(), times);
    call(&client).await.unwrap();
    advance(LIFETIME * 5 / 6).await;
    for _ in 0..9 {
        call(&client).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    kept(1);
    sleep(Duration::from_secs(2)).await;
    call(&client).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    kept(2);
    call(&client).await.unwrap();
    let tokens: Vec<String> = answered(&simulator).into_iter().map(|(token, _)| token).collect();
    let (newest, old) = tokens.split_last().unwrap();
    assert!(old.iter().all(|token| *token == old[0] && token != newest), "{tokens:?}");
    assert_eq!(times_asked(&simulator), 2, "the code, and one refresh");
}

/// Which waits for the callback, were it not for its end.
#[tokio::test(start_paused = true)]
async fn a_callback_that_hangs_or_uses_the_token_itself_fails_in_time() {
    let simulator = hubspot(installed().rotating_refresh_token()).await;
    let itself = Arc::new(OnceLock::<Client>::new());
    let token = app(&simulator).token(REFRESH).unwrap().on_new_refresh_token({
        let itself = Arc::clone(&itself);
        move |_| {
            let client = itself.get().unwrap().clone();
            async move { call(&client).await }
        }
    });
    let client = client_with(simulator.base_url(), token);
    itself.set(client.clone()).unwrap();
    let started = Instant::now();
    let error = call(&client).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("longer than 30s"), "{error}");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_disconnected_account_do_not_all_ask() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let client = client_with(simulator.base_url(), app.token(REFRESH).unwrap());
    simulator.revoke_refresh_token();
    for second in 0..60 {
        // As a web service makes one for each request.
        let other = client.for_account(app.token(REFRESH).unwrap());
        for client in [&client, &other] {
            let error = call(client).await.unwrap_err();
            assert!(error.is_invalid_grant() && error.status() == Some(400), "{second}: {error:?}");
        }
        sleep(Duration::from_millis(990)).await;
    }
    assert_eq!(times_asked(&simulator), 1);
    sleep(Duration::from_secs(1)).await;
    assert!(call(&client).await.unwrap_err().is_invalid_grant());
    assert_eq!(times_asked(&simulator), 2);
}

/// HubSpot gives an account that is connected again the refresh token that it had.
#[tokio::test]
async fn connecting_an_account_again_ends_its_refusal() {
    let server = MockServer::start_async().await;
    let revoked = server
        .mock_async(|when, then| {
            when.body_includes("grant_type=refresh_token");
            then.status(400).body(r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#);
        })
        .await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).retry(RetryPolicy::never()).build().unwrap();
    let token = app.token(REFRESH).unwrap();
    for _ in 0..3 {
        token.access_token().await.unwrap_err();
    }
    revoked.assert_calls_async(1).await;
    revoked.delete_async().await;
    server
        .mock_async(|_, then| {
            let tokens = format!(r#"{{"access_token":"a","refresh_token":"{REFRESH}","expires_in":1800}}"#);
            then.status(200).header("content-type", "application/json").body(tokens);
        })
        .await;
    token.access_token().await.unwrap_err();
    app.exchange("code", REDIRECT, None).await.unwrap();
    token.access_token().await.unwrap();
}
