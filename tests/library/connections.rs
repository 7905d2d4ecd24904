//! What can go wrong with a connection before a request is sent, or while it waits for the next one: the caller is told in
//! time, and what was not sent is tried again, an update as well.

use std::{sync::Arc, time::Duration};

use hubspot_partner_clients::{Client, ClientBuilder, Error, RateLimit, RetryPolicy};
use reqwest::dns::{Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
#[cfg(target_os = "linux")]
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};

use crate::support::{
    DOCUMENTED, RawServer, http,
    tcp::{drain, read_request, reset, say_nothing},
};

const ATTEMPTS: u32 = 3;
/// For what ends by itself; long enough for a busy machine.
const LONG: Duration = Duration::from_secs(30);
/// For what does not.
const SHORT: Duration = Duration::from_millis(300);
const NO_CONNECTION: &str = "no connection to 127.0.0.1:";

fn client(base_url: &str) -> ClientBuilder {
    let retry = RetryPolicy::default().max_attempts(ATTEMPTS).base_delay(Duration::ZERO).max_delay(Duration::ZERO);
    let builder = Client::builder().base_url(base_url).access_token("t").retry(retry);
    builder.rate_limit(RateLimit::unlimited()).timeout(LONG)
}

async fn associate(client: &Client) -> Result<u32, Error> {
    client.associate(512).with("companies", 9001).as_type(1).send_with_meta().await.map(|(_, meta)| meta.attempts)
}

async fn update(client: &Client) -> Result<u32, Error> {
    client.update(512).set("name", "x").send_with_meta().await.map(|(_, meta)| meta.attempts)
}

/// Nothing was sent, so an update is tried again as well as an association.
#[track_caller]
fn check(outcome: Result<u32, Error>, message: &str, part: &str) {
    let error = outcome.unwrap_err();
    assert!(error.is_connect() && error.is_retryable() && !error.is_timeout(), "{error:?}");
    assert!(error.message().starts_with(message) && error.message().contains(part), "{error}");
    assert_eq!((error.status(), error.attempts()), (None, ATTEMPTS), "{error:?}");
    assert!(error.operation().is_some() && error.remedy().starts_with("Check the network"), "{}", error.remedy());
}

/// There is no network, as far as names tell.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("failed to look up address".into()) })
    }
}

#[tokio::test]
async fn a_name_that_is_not_found() {
    let http = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(NoNames)).build().unwrap();
    let client = client("http://api.hubapi.test").allow_insecure_http().http_client(http).build().unwrap();
    for outcome in [associate(&client).await, update(&client).await] {
        check(outcome, "no connection to api.hubapi.test: ", "failed to look up address");
    }
}

/// Linux drops what asks for a connection while as many wait as may. Elsewhere it may be refused.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up_after_the_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 100, "the backlog has no end");
    }
    let client = client(&format!("http://{address}")).connect_timeout(SHORT).build().unwrap();
    let started = Instant::now();
    check(associate(&client).await, NO_CONNECTION, " in time: ");
    assert!((SHORT * ATTEMPTS..LONG).contains(&started.elapsed()), "{:?}", started.elapsed());
    check(update(&client).await, NO_CONNECTION, " in time: ");
}

#[tokio::test]
async fn a_connection_that_was_closed_between_two_calls_is_replaced() {
    for resetting in [true, false] {
        let server = RawServer::start(move |mut stream, _| async move {
            read_request(&mut stream).await;
            stream.write_all(kept(DOCUMENTED).as_bytes()).await.unwrap();
            if resetting { reset(stream) } else { Some(stream) }
        })
        .await;
        let client = client(&server.base_url).build().unwrap();
        for number in 1..=5 {
            assert_eq!(update(&client).await.unwrap(), 1, "nothing is sent on what was closed");
            assert_eq!(server.accepted(), number);
            server.all_closed().await;
        }
    }
}

/// As behind a router that has forgotten it: nothing comes back, and nothing says so.
#[tokio::test]
async fn a_connection_that_has_gone_dark_between_two_calls_is_not_used_a_second_time() {
    let server = RawServer::start(|mut stream, number| async move {
        read_request(&mut stream).await;
        stream.write_all(kept(DOCUMENTED).as_bytes()).await.unwrap();
        if number < 2 {
            return say_nothing(stream).await;
        }
        while !read_request(&mut stream).await.is_empty() {
            stream.write_all(kept(DOCUMENTED).as_bytes()).await.unwrap();
        }
        Some(stream)
    })
    .await;
    let client = client(&server.base_url).timeout(SHORT).build().unwrap();
    assert_eq!(associate(&client).await.unwrap(), 1);
    assert_eq!(associate(&client).await.unwrap(), 2, "the second attempt has a connection of its own");
    let late = update(&client).await.unwrap_err();
    assert!(late.is_timeout() && late.attempts() == 1, "it may have been carried out: {late:?}");
    assert_eq!(update(&client).await.unwrap(), 1);
    assert_eq!(server.accepted(), 3);
    drop(client);
    server.all_closed().await;
}

/// An answer after which the connection is kept.
fn kept(body: &str) -> String {
    http(200, "application/json", body).replace("connection: close\r\n", "")
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls {
    use super::*;

    async fn face(server: RawServer, parts: &str) {
        let client = client(&server.base_url.replace("http", "https")).connect_timeout(SHORT * 3).build().unwrap();
        check(associate(&client).await, NO_CONNECTION, parts);
        check(update(&client).await, NO_CONNECTION, parts);
        assert_eq!(server.accepted(), 2 * ATTEMPTS as usize);
        drop(client);
        server.all_closed().await;
    }

    #[tokio::test]
    async fn a_handshake_that_is_reset_or_closed() {
        face(RawServer::start(|stream, _| async { reset(stream) }).await, "").await;
        let in_the_middle = RawServer::start(|mut stream, _| async {
            stream.read_exact(&mut [0; 64]).await.unwrap();
            reset(stream)
        });
        face(in_the_middle.await, "reset").await;
        let closed = RawServer::start(|mut stream, _| async {
            stream.read_exact(&mut [0; 64]).await.unwrap();
            // The beginning of a ServerHello.
            stream.write_all(b"\x16\x03\x03\x00\x7a\x02\x00").await.unwrap();
            Some(stream)
        });
        face(closed.await, "").await;
    }

    #[tokio::test]
    async fn a_handshake_that_is_not_answered() {
        face(RawServer::start(|stream, _| say_nothing(stream)).await, " in time: ").await;
    }

    #[tokio::test]
    async fn an_answer_without_tls_where_the_url_says_https() {
        for answer in ["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n"] {
            let server = RawServer::start(move |mut stream, _| async move {
                stream.read_exact(&mut [0; 64]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                drain(&mut stream).await;
                Some(stream)
            });
            // What the TLS library makes of it is its own.
            face(server.await, "").await;
        }
    }
}
