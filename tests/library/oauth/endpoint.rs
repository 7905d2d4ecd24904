//! The token endpoint: its failures, its versions and its settings.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_refresh_is_tried_again_where_the_endpoint_fails() {
    for fault in [Fault::status(503), Fault::reset(), Fault::html(502), Fault::truncated_body(), Fault::status(429)] {
        let simulator = hubspot(installed()).await;
        let token = persistent_app(&simulator).token(REFRESH).unwrap();
        simulator.inject(fault.clone().on("oauth_token").times(2));
        let client = client_with(simulator.base_url(), token);
        call(&client).await.unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        assert_eq!((times_asked(&simulator), answered(&simulator).len()), (3, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_given_up_after_the_policy_s_attempts() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(503).on("oauth_token"));
    let token = builder(&simulator).retry(RetryPolicy::default().max_attempts(3)).build().unwrap().token(REFRESH);
    let error = call(&client_with(simulator.base_url(), token.unwrap())).await.unwrap_err();
    assert!(error.is_token());
    assert_eq!((error.status(), times_asked(&simulator)), (Some(503), 3));
}

#[tokio::test]
async fn a_refresh_that_is_refused_for_good_is_not_tried_again() {
    let simulator = hubspot(installed()).await;
    simulator.revoke_refresh_token();
    let token = persistent_app(&simulator).token(REFRESH).unwrap();
    assert!(call(&client_with(simulator.base_url(), token)).await.unwrap_err().is_invalid_grant());
    assert_eq!(times_asked(&simulator), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_tried_again_with_backoff() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(503).on("oauth_token"));
    let policy =
        RetryPolicy::default().max_attempts(30).base_delay(Duration::from_secs(10)).max_delay(Duration::from_secs(10));
    let token = builder(&simulator).retry(policy).build().unwrap().token(REFRESH).unwrap();
    let started = Instant::now();
    call(&client_with(simulator.base_url(), token)).await.unwrap_err();
    // 29 random delays of 5 s on average; all of them below 1 s has a probability of 10^-29.
    assert!(started.elapsed() > Duration::from_secs(29), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_s_retry_after_is_honoured() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::status(429).retry_after(Duration::from_secs(40)).on("oauth_token").times(1));
    let token = persistent_app(&simulator).token(REFRESH).unwrap();
    let started = Instant::now();
    call(&client_with(simulator.base_url(), token)).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_does_not_answer_is_given_up_after_the_timeout() {
    let simulator = hubspot(installed()).await;
    simulator.inject(Fault::delay(Duration::from_secs(3600)).on("oauth_token"));
    let app = builder(&simulator).retry(RetryPolicy::never()).timeout(Duration::from_secs(7)).build().unwrap();
    let started = Instant::now();
    let error = call(&client_with(simulator.base_url(), app.token(REFRESH).unwrap())).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("did not respond in time"), "{error:?}");
    assert_eq!(started.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn another_version_of_the_endpoint_is_used_where_it_is_set() {
    let simulator = hubspot(installed()).await;
    let app = builder(&simulator).api_version(ApiVersion::V3).build().unwrap();
    call(&client_with(simulator.base_url(), app.token(REFRESH).unwrap())).await.unwrap();
    assert_eq!(simulator.requests()[0].path(), "/oauth/v3/token");
}

#[tokio::test]
async fn a_base_url_with_a_path_keeps_it() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            when.path("/hubspot/oauth/2026-09/token");
            then.status(200).body(r#"{"access_token":"a-1"}"#);
        })
        .await;
    for slash in ["", "/"] {
        let app = OAuthApp::builder(ID, SECRET).base_url(format!("{}/hubspot{slash}", server.base_url()));
        app.build().unwrap().exchange("code", REDIRECT, None).await.unwrap();
    }
    assert_eq!(mock.calls_async().await, 2);
}

#[tokio::test]
async fn a_redirect_does_not_take_the_secrets_elsewhere() {
    let elsewhere = RawServer::json(200, r#"{"access_token":"a-1"}"#).await;
    for status in [301, 302, 303, 307, 308] {
        let simulator = hubspot(installed()).await;
        simulator.inject(Fault::redirect(status, &elsewhere.base_url).on("oauth_token"));
        let error = call(&client(&simulator)).await.unwrap_err();
        assert!(error.is_token(), "{error:?}");
        assert_eq!(error.status(), Some(status));
    }
    assert!(elsewhere.received().is_empty());
}

// Settings.

#[test]
fn a_setting_that_cannot_be_used_is_refused_by_name() {
    let builder = |id: &str, secret: &str| OAuthApp::builder(id, secret);
    let app = || builder(ID, SECRET);
    for (refused, told) in [
        (builder("", SECRET), "client id is empty"),
        (builder(ID, ""), "client secret is empty"),
        (
            app().base_url("http://api.hubapi.com"),
            "base URL \"http://api.hubapi.com\" would send the token in the clear",
        ),
        (app().base_url("api.hubapi.com"), "base URL \"api.hubapi.com\" is not a URL"),
        (app().token_path(""), "token path is not a path"),
        (app().token_path("oauth/v1/token"), "token path is not a path"),
        (app().token_path("/oauth/v1/token?x=1"), "token path is not a path"),
        (app().token_path("/oauth/v1/token#x"), "token path is not a path"),
        (app().timeout(Duration::ZERO), "timeout \"0s\" leaves no time"),
        (app().retry(RetryPolicy::default().max_attempts(0)), "retry policy's max_attempts is 0"),
    ] {
        let error = refused.build().unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        assert!(error.message().starts_with(told), "{error}");
    }
}

#[test]
fn a_refresh_token_that_is_empty_is_refused_by_name() {
    let error = OAuthApp::new(ID, SECRET).unwrap().token("").unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("refresh token is empty"), "{error}");
}

#[test]
fn an_app_at_loopback_may_use_plain_http() {
    for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://api.hubapi.com"] {
        OAuthApp::builder(ID, SECRET).base_url(url).build().unwrap();
    }
}
