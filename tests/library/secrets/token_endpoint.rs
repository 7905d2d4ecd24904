//! Requests to the token endpoint show none of their secrets.

use super::*;

#[tokio::test]
async fn a_refresh_whose_request_is_repeated_in_the_answer_shows_neither_secret_nor_refresh_token() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let simulator = hubspot().await;
        simulator.inject(Fault::echo_credentials(status).on("oauth_token"));
        let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
        let error = call(&client_with(&simulator, token)).await.unwrap_err();
        assert!(error.is_token() && error.message().contains("refresh_token="), "the request is repeated: {error}");
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn an_exchange_whose_request_is_repeated_in_the_answer_shows_neither_secret_nor_code_nor_verifier() {
    let simulator = hubspot().await;
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let error = app_at(simulator.base_url()).exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    assert!(error.message().contains("code_verifier="), "the request is repeated: {error}");
    assert_hidden(&all_of(&error));
}

/// A form changes some characters, which base64 uses.
#[tokio::test]
async fn a_secret_does_not_show_in_the_form_that_it_is_sent_in() {
    let (secret, refresh) = ("s/5ecre7+x==", "r/5ecre7+x==");
    let app = simulator::OAuthApp::new(ID, secret, refresh);
    let simulator = Simulator::builder().oauth_app(app).start().await.unwrap();
    simulator.inject(Fault::echo_credentials(400).on("oauth_token"));
    let app = OAuthApp::builder(ID, secret).base_url(simulator.base_url()).build().unwrap();
    assert_hidden(&all_of(&call(&client_with(&simulator, app.token(refresh).unwrap())).await.unwrap_err()));
    assert_hidden(&all_of(&app.exchange("c/5ecre7+x", REDIRECT, Some("v/5ecre7+x")).await.unwrap_err()));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_does_not_show_the_tokens_in_it() {
    for body in [
        format!(r#"{{"access_token":"{ACCESS}"#),
        format!(r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","#),
        format!(r#"{{"access_token":{{"{ACCESS}":1}}}}"#),
        format!(r#"{{"access_token":"Bearer {ACCESS}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","expires_in":"{REFRESH}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","refresh_token":["{REFRESH}"]}}"#),
        format!(r#"{{"access_token":"{ACCESS}","scopes":"{REFRESH}"}}"#),
        format!(r#"{{"access_token":"{ACCESS}","hub_id":"{REFRESH}"}}"#),
        format!(r#"{{"accessToken":"{ACCESS}"}}"#),
        format!(r#""{ACCESS}""#),
        format!("access_token={ACCESS}&refresh_token={REFRESH}"),
        format!("<p>{ACCESS}</p>"),
    ] {
        let server = answering(200, &[], &body).await;
        let app = app_at(&server.base_url());
        // What is odd beside the access token does not lose it.
        let error = match app.exchange(CODE, REDIRECT, None).await {
            Ok(grant) => {
                assert_hidden(&debug(&grant));
                continue;
            }
            Err(error) => error,
        };
        assert!(error.is_token(), "{body}: {error:?}");
        assert_hidden(&all_of(&error));
        let client = Client::builder().base_url(server.base_url()).token_provider(app.token(REFRESH).unwrap());
        let error = call(&client.build().unwrap()).await.unwrap_err();
        assert!(error.is_token(), "{body}: {error:?}");
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_show_the_tokens_in_it() {
    let simulator = hubspot().await;
    simulator.inject(Fault::truncated_body().on("oauth_token"));
    let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
    let error = call(&client_with(&simulator, token)).await.unwrap_err();
    let shown = all_of(&error);
    assert!(error.is_token() && !shown.contains("access-sim"), "{shown}");
    assert_hidden(&shown);
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_does_not_show_the_secret_in_its_location() {
    let query = format!("https://elsewhere.example/?client_secret={SECRET}&refresh_token={REFRESH}");
    let host = format!("https://{}.{REFRESH}.example/", SECRET.to_uppercase());
    for (status, location) in [(302, &query), (307, &query), (302, &host), (307, &host)] {
        let simulator = hubspot().await;
        simulator.inject(Fault::redirect(status, location).on("oauth_token"));
        let token = app_at(simulator.base_url()).token(REFRESH).unwrap();
        let error = call(&client_with(&simulator, token)).await.unwrap_err();
        assert_eq!((error.is_token(), error.status()), (true, Some(status)));
        assert_hidden(&all_of(&error));
    }
}

#[tokio::test]
async fn a_token_endpoint_that_cannot_be_reached_shows_nothing_of_the_request() {
    let error = app_at("http://127.0.0.1:1").exchange(CODE, REDIRECT, Some(VERIFIER)).await.unwrap_err();
    assert!(error.is_token() && error.message().contains("no connection"), "{error}");
    assert_hidden(&all_of(&error));
}
