//! What is told of a call whose earlier attempts may have been carried out.

use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::*;
use crate::support::{RawServer, http, tcp::read_request};

const EARLIER: &str = "An earlier request may have carried it out.";

fn client(base_url: &str) -> Client {
    let retry = RetryPolicy::default().max_attempts(3).base_delay(Duration::ZERO).max_delay(Duration::ZERO);
    let builder = Client::builder().base_url(base_url).access_token("t").rate_limit(RateLimit::unlimited());
    builder.retry(retry).build().unwrap()
}

fn answer(status: u16) -> String {
    let body = format!(r#"{{"status": "error", "message": "m{status}", "correlationId": "c"}}"#);
    http(status, "application/json", &body)
}

/// A server that answers the first request so, and is gone.
async fn gone_after(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        drop(listener);
        stream.write_all(answer(status).as_bytes()).await.unwrap();
    });
    base_url
}

/// A server that answers the first request with one status, and all others with another.
async fn first_then(first: u16, then: u16) -> RawServer {
    RawServer::start(move |mut stream, number| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(answer(if number == 0 { first } else { then }).as_bytes()).await;
        Some(stream)
    })
    .await
}

#[tokio::test]
async fn a_connection_that_is_refused_later_does_not_hide_what_may_have_been_done() {
    let error = associate(&client(&gone_after(502).await)).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Server, Some(502), 3), "{error:?}");
    assert!(error.remedy().contains("may have been carried out") && !error.remedy().contains(EARLIER));
    // Nothing was done by a refusal, or by a read.
    let error = associate(&client(&gone_after(423).await)).await.unwrap_err();
    assert!(error.is_connect() && !error.remedy().contains(EARLIER), "{error:?}");
    let error = client(&gone_after(502).await).get(512).await.unwrap_err();
    assert!(error.is_connect() && !error.remedy().contains(EARLIER), "{error:?}");
}

#[tokio::test]
async fn a_refusal_says_that_an_earlier_attempt_may_have_carried_it_out() {
    for (first, then) in [(502, 400), (502, 401), (503, 403), (504, 404), (502, 409), (500, 423), (502, 429)] {
        let server = first_then(first, then).await;
        let error = associate(&client(&server.base_url)).await.unwrap_err();
        let attempts = if matches!(then, 423 | 429) { 3 } else { 2 };
        assert_eq!((error.status(), error.attempts()), (Some(then), attempts), "{error:?}");
        assert!(error.remedy().ends_with(EARLIER), "{then}: {}", error.remedy());
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!((json["remedy"].as_str(), json.get("perhapsBefore")), (Some(&*error.remedy()), None));

        let server = first_then(first, then).await;
        let raw = client(&server.base_url);
        let sent = raw.raw().associate().partner_client_id("512").to_object_type("companies").to_object_id("9001");
        let raw = Error::from(sent.association_type("1001").send().await.unwrap_err());
        assert_eq!(raw.remedy(), error.remedy());

        let server = first_then(first, then).await;
        let error = client(&server.base_url).get(512).await.unwrap_err();
        assert!(error.status() == Some(then) && !error.remedy().contains(EARLIER), "{error:?}");
    }
    for (first, then) in [(423, 403), (429, 400), (477, 404)] {
        let server = first_then(first, then).await;
        let error = associate(&client(&server.base_url)).await.unwrap_err();
        assert!(error.status() == Some(then) && !error.remedy().contains(EARLIER), "{error:?}");
    }
}
