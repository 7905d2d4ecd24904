//! What a server can do while a large request is on its way to it.

use std::time::Duration;

use hubspot_partner_clients::{Client, Error, PartnerClient, Update};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    DOCUMENTED, RawServer,
    faults::{LATE, LONG, LOST, SHORT, check, client, ok},
    tcp::{drain, read_head, reset, say_nothing},
};

/// More than the kernel keeps for a server that does not read.
const LARGE: usize = 20_000_000;

/// As much in one request.
async fn upload(client: &Client) -> Vec<Result<PartnerClient, Error>> {
    let updates = (0..100).map(|id| Update::of(id).set("name", "x".repeat(LARGE / 100)));
    let outcomes = client.batch_update(updates).send().await;
    assert_eq!(outcomes.len(), 100);
    outcomes
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_the_request() {
    let server = RawServer::start(|mut stream, _| async {
        read_head(&mut stream).await;
        reset(stream)
    })
    .await;
    let client = client(&server, LONG);
    let outcomes = upload(&client).await;
    for outcome in outcomes {
        check(&outcome.unwrap_err(), LOST, None, 1);
    }
    drop(client);
    server.all_closed().await;
}

#[tokio::test]
async fn a_server_that_does_not_read_the_request() {
    let server = RawServer::start(|stream, _| async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        say_nothing(stream).await
    })
    .await;
    let client = client(&server, SHORT);
    let outcomes = upload(&client).await;
    for outcome in outcomes {
        check(&outcome.unwrap_err(), LATE, None, 1);
    }
    drop(client);
    server.all_closed().await;
}

#[tokio::test]
async fn a_server_that_reads_the_request_a_few_bytes_at_a_time() {
    let server = RawServer::start(|mut stream, _| async move {
        while stream.read(&mut [0; 16]).await.is_ok_and(|read| read > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    })
    .await;
    let client = client(&server, SHORT);
    let started = tokio::time::Instant::now();
    for outcome in upload(&client).await {
        check(&outcome.unwrap_err(), LATE, None, 1);
    }
    assert!((SHORT..LONG).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_reads_the_request_slowly_to_its_end() {
    let server = RawServer::start(|mut stream, _| async {
        let head = read_head(&mut stream).await;
        let mut left = LARGE - head.len();
        while left > 0 {
            left = left.saturating_sub(stream.read(&mut vec![0; LARGE / 200]).await.unwrap());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer = ok(&format!("content-length: {}\r\n", DOCUMENTED.len()), DOCUMENTED);
        stream.write_all(answer.as_bytes()).await.unwrap();
        Some(stream)
    })
    .await;
    let client = client(&server, LONG);
    let (_, meta) = client.update(512).set("name", "x".repeat(LARGE)).send_with_meta().await.unwrap();
    assert_eq!(meta.attempts, 1);
    drop(client);
    server.all_closed().await;
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_request_is_read() {
    let server = RawServer::start(|mut stream, _| async move {
        read_head(&mut stream).await;
        let refusal = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(refusal.as_bytes()).await.unwrap();
        drain(&mut stream).await;
        Some(stream)
    })
    .await;
    let client = client(&server, LONG);
    let outcomes = upload(&client).await;
    for outcome in outcomes {
        check(&outcome.unwrap_err(), "the response gives no reason", Some(413), 1);
    }
}
