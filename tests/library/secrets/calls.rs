//! Calls do not show the token.

use super::*;

/// Everything that a failed call shows, by the facade and by the generated client.
async fn all_of_a_failed_call(client: &Client) -> String {
    let error = call(client).await.unwrap_err();
    let raw = client.raw().get().partner_client_id("512").send().await.unwrap_err();
    let raw_shown = format!("{raw} {raw:#} {raw:?} {raw:#?}");
    format!("{} {raw_shown} {}", all_of(&error), all_of(&Error::from(raw)))
}

#[tokio::test]
async fn a_password_of_the_proxy_does_not_show() {
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    let builder =
        || Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).proxy(&proxy).allow_insecure_http();
    assert_hidden(&debug(&builder()));
    for base_url in ["http://127.0.0.1:2", "https://api.hubapi.com"] {
        let client = builder().base_url(base_url).build().unwrap();
        let error = call(&client).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_hidden(&all_of_a_failed_call(&client).await);
        assert_hidden(&debug(&client));
    }
}

#[tokio::test]
async fn a_password_does_not_show_where_the_proxy_refuses_it() {
    let server = RawServer::answering(http(407, "text/plain", "who are you?")).await;
    let proxy = server.base_url.replace("http://", &format!("http://user:{SECRET}@"));
    for base_url in ["http://127.0.0.1:2", "https://api.hubapi.com"] {
        let builder = Client::builder().access_token(ACCESS).retry(RetryPolicy::never()).base_url(base_url);
        let builder = builder.proxy(&proxy).allow_insecure_http();
        assert_hidden(&all_of_a_failed_call(&builder.build().unwrap()).await);
    }
    assert!(server.received().iter().all(|request| request.to_lowercase().contains("proxy-authorization: basic")));
}

#[tokio::test]
async fn a_redirect_does_not_show_the_token_in_its_location() {
    for location in [
        format!("https://elsewhere.example/?token={ACCESS}"),
        format!("/{ACCESS}"),
        format!("https://user:{ACCESS}@elsewhere.example/"),
        // A host has no case, and may be written with escapes.
        format!("https://{ACCESS}.example/"),
        format!("https://{}.example/", ACCESS.to_uppercase()),
        format!("https://%61{}.example/", &ACCESS[1..]),
    ] {
        let server = answering(307, &[("location", location.as_str())], "").await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
    }
}

#[tokio::test]
async fn a_token_repeated_in_a_header_of_the_answer_does_not_show() {
    let bearer = format!("Bearer {ACCESS}");
    let headers = [("x-hubspot-correlation-id", ACCESS), ("www-authenticate", &bearer), ("x-authorization", &bearer)];
    for (status, body) in [(401, r#"{"message":"no"}"#), (500, "no"), (200, "no")] {
        let server = answering(status, &headers, body).await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
    }
}

#[tokio::test]
async fn what_is_told_beside_an_answer_does_not_show_a_token_repeated_in_it() {
    let server = answering(200, &[("x-hubspot-correlation-id", ACCESS)], r#"{"results":[]}"#).await;
    let client = client_at(&server.base_url(), ACCESS);
    let (_, meta) = client.association_types("companies").send_with_meta().await.unwrap();
    let id = meta.correlation_id.as_ref().unwrap();
    assert_hidden(&format!("{} {id}", debug(&meta)));
}

#[tokio::test]
async fn a_token_repeated_in_an_answer_that_cannot_be_decoded_does_not_show() {
    let server = answering(200, &[], &format!(r#"{{"id": "512", "{ACCESS}": {ACCESS}"#)).await;
    assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
}

/// JSON may write a character in more than one way: RFC 8259, section 7.
#[tokio::test]
async fn a_token_repeated_with_escapes_does_not_show() {
    let token = "pat/5ecre7\"x";
    for written in [r#"pat\/5ecre7\"x"#, r#"pat/5\u0065cre7\"x"#, r#"\u0070at/5ecre7\"x"#] {
        let body = format!(
            r#"{{"message":"bad {written}","category":"{written}","correlationId":"{written}",
                "errors":[{{"message":"{written}"}}],"context":{{"token":["{written}"]}}}}"#
        );
        let server = answering(400, &[], &body).await;
        assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), token)).await);
    }
}

#[tokio::test]
async fn a_token_does_not_show_where_it_is_repeated_in_details_and_context() {
    let body = format!(
        r#"{{"message":"{ACCESS}","category":"{ACCESS}","subCategory":"{ACCESS}","correlationId":"{ACCESS}",
            "errors":[{{"message":"{ACCESS}","in":"{ACCESS}","code":"{ACCESS}","context":{{"{ACCESS}":["{ACCESS}"]}}}}],
            "context":{{"{ACCESS}":["{ACCESS}"]}},"links":{{"{ACCESS}":"{ACCESS}"}}}}"#
    );
    let server = answering(400, &[], &body).await;
    assert_hidden(&all_of_a_failed_call(&client_at(&server.base_url(), ACCESS)).await);
}
