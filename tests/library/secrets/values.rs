//! Values made in code do not show their secrets.

use super::*;

#[test]
fn an_app_does_not_show_its_client_secret() {
    let builder = OAuthApp::builder(ID, SECRET);
    assert_hidden(&debug(&builder));
    assert_hidden(&debug(&builder.build().unwrap()));
}

#[test]
fn a_base_url_with_a_password_does_not_show_before_it_is_refused() {
    let url = format!("https://user:{SECRET}@api.hubapi.com");
    assert_hidden(&debug(&OAuthApp::builder(ID, SECRET).base_url(&url)));
    assert_hidden(&debug(&Client::builder().base_url(&url)));
}

#[test]
fn a_base_url_that_is_refused_does_not_show_a_password_or_a_key() {
    for url in [
        format!("https://user:{SECRET}@api.hubapi.com"),
        format!("https://user:{SECRET}@api.hubapi.com:port"),
        format!("user:{SECRET}@api.hubapi.com"),
        format!("https://api.hubapi.com?hapikey={SECRET}"),
        format!("https://api.hubapi.com#{SECRET}"),
    ] {
        assert_hidden(&all_of(&Client::builder().access_token("t").base_url(&url).build().unwrap_err()));
        assert_hidden(&all_of(&OAuthApp::builder(ID, SECRET).base_url(&url).build().unwrap_err()));
    }
}

#[test]
fn an_authorisation_does_not_show_its_code_verifier() {
    let authorization = OAuthApp::new(ID, SECRET).unwrap().authorize(REDIRECT).scopes([READ_SCOPE]).build().unwrap();
    let shown = format!("{} {} {}", debug(&authorization), authorization.url(), authorization.state());
    assert!(!shown.contains(authorization.code_verifier()), "{shown}");
}

#[tokio::test]
async fn a_grant_does_not_show_its_tokens() {
    let grant = grant().await;
    assert_eq!(grant.refresh_token(), Some(REFRESH));
    assert_hidden(&format!("{} {}", debug(&grant), debug(grant.access_token())));
}

#[tokio::test]
async fn a_token_that_renews_itself_does_not_show_what_it_holds() {
    let app = OAuthApp::new(ID, SECRET).unwrap();
    assert_hidden(&debug(&app.token(REFRESH).unwrap()));
    assert_hidden(&debug(&app.token_of(&grant().await).unwrap()));
}

#[tokio::test]
async fn a_client_does_not_show_what_its_token_provider_holds() {
    let builder = || {
        let token = OAuthApp::new(ID, SECRET).unwrap().token(REFRESH).unwrap();
        Client::builder().token_provider(token)
    };
    assert_hidden(&debug(&builder()));
    let client = builder().build().unwrap();
    assert_hidden(&format!("{} {}", debug(&client), debug(client.raw())));
    let account = client.for_account(OAuthApp::new(ID, SECRET).unwrap().token_of(&grant().await).unwrap());
    assert_hidden(&format!("{} {}", debug(&account), debug(account.raw())));
}

#[test]
fn a_header_of_a_call_does_not_show_its_value() {
    let client = Client::builder().access_token(ACCESS).build().unwrap();
    let call = client.association_types("companies").header("x-proxy-key", SECRET);
    assert_hidden(&debug(&call));
    assert_hidden(&debug(&client.association_types("companies").header("x-proxy-key", &format!("{SECRET}\n"))));
}
