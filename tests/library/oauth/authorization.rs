//! The page where a user connects an account, and the exchange of its code.

use super::*;

#[test]
fn the_authorisation_page_gets_every_parameter_that_hubspot_documents() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let authorization = app
        .authorize(REDIRECT)
        .scopes([READ_SCOPE, WRITE_SCOPE])
        .scopes(["oauth"])
        .optional_scopes(["tickets", "crm.objects.deals.read"])
        .build()
        .unwrap();
    let url = Url::parse(authorization.url()).unwrap();
    assert_eq!((url.scheme(), url.host_str(), url.path()), ("https", Some("app.hubspot.com"), "/oauth/authorize"));
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, authorization.code_verifier().as_bytes()));
    let expected: BTreeMap<&str, String> = [
        ("client_id", ID.to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("scope", format!("{READ_SCOPE} {WRITE_SCOPE} oauth")),
        ("optional_scope", "tickets crm.objects.deals.read".to_owned()),
        ("state", authorization.state().to_owned()),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".to_owned()),
    ]
    .into();
    assert_eq!(parameters.len(), expected.len(), "none twice: {parameters:?}");
    for (name, value) in &parameters {
        assert_eq!(expected.get(name.as_str()), Some(value), "{name}");
    }
}

#[test]
fn an_authorisation_page_without_optional_scopes_has_no_parameter_for_them() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let authorization = app.authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    assert!(!authorization.url().contains("optional_scope"), "{}", authorization.url());
}

/// RFC 7636, section 4.1: 43 to 128 unreserved characters.
#[test]
fn the_code_verifier_is_one_that_the_rfc_allows() {
    let authorization = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let verifier = authorization.code_verifier();
    assert!((43..=128).contains(&verifier.len()), "{}", verifier.len());
    assert!(verifier.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{verifier}");
}

#[test]
fn every_authorisation_has_a_state_and_a_verifier_of_its_own() {
    let builder = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]);
    let (first, second) = (builder.clone().build().unwrap(), builder.build().unwrap());
    assert_ne!(first.state(), second.state());
    assert_ne!(first.code_verifier(), second.code_verifier());
    assert_ne!(first.state(), first.code_verifier());
}

#[test]
fn an_authorisation_without_a_scope_or_a_redirect_uri_is_refused_by_name() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    let error = app.authorize(REDIRECT).optional_scopes([READ_SCOPE]).build().unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("scopes are missing"), "{error}");
    for redirect in ["", "connected", "/connected", "https://"] {
        let error = app.authorize(redirect).scopes([READ_SCOPE]).build().unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        assert!(error.message().starts_with(&format!("redirect URI {redirect:?} is not a URL")), "{error}");
    }
}

// The code.

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_by_the_verifier_of_its_challenge() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let authorization = app.authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let url = Url::parse(authorization.url()).unwrap();
    let challenge = url.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1.into_owned();
    let code = simulator.authorize(REDIRECT, Some(&challenge)).unwrap();

    let error = app.exchange(&code, REDIRECT, Some("another verifier")).await.unwrap_err();
    assert!(error.is_token() && error.is_invalid_grant(), "{error:?}");
    assert_eq!((error.status(), error.message()), (Some(400), "no access token: missing or invalid code verifier"));

    let grant = app.exchange(&code, REDIRECT, Some(authorization.code_verifier())).await.unwrap();
    assert_eq!(grant.refresh_token(), Some(REFRESH));
    let client = Client::builder().base_url(simulator.base_url()).token_provider(grant.access_token().clone());
    call(&client.build().unwrap()).await.unwrap();

    let error = app.exchange(&code, REDIRECT, Some(authorization.code_verifier())).await.unwrap_err();
    assert!(error.is_token() && error.is_invalid_grant(), "used up: {error:?}");
}

#[tokio::test]
async fn a_grant_tells_account_scopes_and_lifetime() {
    let short = installed().scopes([READ_SCOPE]).access_token_lifetime(Duration::from_secs(600));
    let simulator = hubspot(short).await;
    let grant = connected(&simulator, &app(&simulator)).await;
    assert_eq!(grant.account_id().as_deref(), Some("1234567"));
    assert_eq!(grant.scopes(), [READ_SCOPE]);
    assert_eq!(grant.expires_in(), Duration::from_secs(600));
}

#[tokio::test]
async fn an_answer_may_hold_nothing_but_the_access_token() {
    let server = answering(r#"{"access_token":"a-1","refresh_token":""}"#).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    assert_eq!((grant.account_id(), grant.refresh_token(), grant.expires_in()), (None, None, LIFETIME));
    assert!(grant.scopes().is_empty());
    let error = app.token_of(&grant).unwrap_err();
    assert!(error.is_invalid_input() && error.message().starts_with("grant has no refresh token: "), "{error}");
}

#[tokio::test]
async fn an_odd_field_of_an_answer_does_not_cost_its_tokens() {
    for odd in
        [r#""expires_in":"600","hub_id":"7","scopes":null"#, r#""expires_in":600.0,"hub_id":7,"scopes":[],"new":[{}]"#]
    {
        let server = answering(&format!("\u{feff}{{{odd},\"access_token\":\"a-1\",\"refresh_token\":\"r-1\"}}")).await;
        let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
        let grant = app.exchange("code", REDIRECT, None).await.unwrap();
        assert_eq!((grant.account_id().as_deref(), grant.expires_in()), (Some("7"), Duration::from_secs(600)), "{odd}");
        assert!(grant.scopes().is_empty() && grant.refresh_token().is_some());
    }
    let server = answering(r#"{"access_token":"a-1","expires_in":-1,"hub_id":{}}"#).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    assert_eq!((grant.account_id(), grant.expires_in()), (None, LIFETIME));
}

/// Its answer to every request for a token.
async fn answering(body: &str) -> MockServer {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.path_includes("/oauth/");
            then.status(200).header("content-type", "application/json").body(body);
        })
        .await;
    server
}

#[tokio::test(start_paused = true)]
async fn an_exchange_whose_answer_is_lost_is_not_repeated_but_one_that_was_refused_is() {
    let simulator = hubspot(installed()).await;
    let app = persistent_app(&simulator);
    let code = simulator.authorize(REDIRECT, None).unwrap();
    simulator.inject(Fault::status(429).on("oauth_token").times(2));
    app.exchange(&code, REDIRECT, None).await.unwrap();
    assert_eq!(times_asked(&simulator), 3);

    for fault in [Fault::reset().after_operation(), Fault::status(503)] {
        simulator.clear_requests();
        let code = simulator.authorize(REDIRECT, None).unwrap();
        simulator.inject(fault.on("oauth_token").times(1));
        let error = app.exchange(&code, REDIRECT, None).await.unwrap_err();
        assert!(error.is_token() && !error.is_invalid_grant(), "{error:?}");
        assert_eq!(times_asked(&simulator), 1);
    }
}

#[tokio::test]
async fn the_token_of_a_grant_starts_with_the_grant_s_own() {
    let simulator = hubspot(installed()).await;
    let app = app(&simulator);
    let grant = connected(&simulator, &app).await;
    let client = client_with(simulator.base_url(), app.token_of(&grant).unwrap());
    call(&client).await.unwrap();
    assert_eq!(times_asked(&simulator), 1, "for the exchange");
    simulator.expire_tokens();
    call(&client).await.unwrap();
    let last = asked(&simulator).pop().unwrap();
    assert_eq!((last["grant_type"].as_str(), last["refresh_token"].as_str()), ("refresh_token", REFRESH));
}

/// The longest time that seconds in 64 bits can say is more than the clock can.
#[tokio::test]
async fn a_refusal_with_the_status_of_a_success_is_told_as_a_refusal() {
    let body = r#"{"error":"invalid_grant","error_description":"the code has expired"}"#;
    let utf_16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [body.as_bytes(), &[b"\xef\xbb\xbf", body.as_bytes()].concat(), &utf_16] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let server = RawServer::answering([head.as_bytes(), body].concat()).await;
        let app = OAuthApp::builder("id", "secret").base_url(&server.base_url).build().unwrap();
        let error = app.exchange("c-7", "https://my.app", None).await.unwrap_err();
        assert!(error.is_invalid_grant() && error.message().contains("the code has expired"), "{error:?}");
        assert!(error.remedy().contains("Connect the account again") && error.attempts() == 1, "{error:?}");
    }
}

#[tokio::test]
async fn an_absurd_lifetime_does_no_harm() {
    let lifetime = u64::MAX;
    let server = answering(&format!(r#"{{"access_token":"a-1","refresh_token":"r","expires_in":{lifetime}}}"#)).await;
    let app = OAuthApp::builder(ID, SECRET).base_url(server.base_url()).build().unwrap();
    let grant = app.exchange("code", REDIRECT, None).await.unwrap();
    for token in [app.token_of(&grant).unwrap(), app.token(REFRESH).unwrap()] {
        token.access_token().await.unwrap();
    }
}
