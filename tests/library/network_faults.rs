//! What a network and a server can do to a connection, and what the caller is told: a typed error within the timeout, tried
//! again only where that does no harm, and nothing left open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hubspot_partner_clients::{Client, Error, RetryPolicy};
use tokio::io::AsyncWriteExt;

use crate::support::{
    DOCUMENTED, RawServer,
    faults::{ATTEMPTS, LATE, LONG, LOST, SHORT, check, client, ok},
    tcp::{read_request, reset, say_nothing, write_for_ever},
};

async fn associate(client: &Client) -> Result<String, Error> {
    client.associate(512).with("companies", 9001).as_type(1).then_get().await.map(|made| made.id)
}

/// The error of an association, which may be made twice, and of an update, which may not.
async fn face(server: &RawServer, timeout: Duration, message: &str, status: Option<u16>, tried_again: bool) -> Error {
    let client = client(server, timeout);
    let error = associate(&client).await.unwrap_err();
    check(&error, message, status, if tried_again { ATTEMPTS } else { 1 });
    check(&client.update(512).set("name", "x").await.unwrap_err(), message, status, 1);
    drop(client);
    server.all_closed().await;
    error
}

const NOT_HTTP: &str = "the response of HOST is not HTTP: ";
const UNREADABLE: &str = "the response does not match the API description: ";
const COMPRESSION: &str = "the response cannot be decompressed: ";

/// The first half of an answer's head, of the head and the body, and the rest of it.
fn answer_in_pieces() -> [String; 2] {
    let whole = ok(&format!("content-length: {}\r\n", DOCUMENTED.len()), DOCUMENTED);
    let (half, rest) = whole.split_at(whole.len() - DOCUMENTED.len() / 2);
    [half.to_owned(), rest.to_owned()]
}

#[tokio::test]
async fn a_connection_that_is_reset_or_closed_at_once() {
    face(&RawServer::start(|stream, _| async { reset(stream) }).await, LONG, LOST, None, true).await;
    face(
        &RawServer::start(|stream, _| async {
            drop(stream);
            None
        })
        .await,
        LONG,
        LOST,
        None,
        true,
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_is_reset_or_closed_after_the_request() {
    let resetting = RawServer::start(|mut stream, _| async {
        read_request(&mut stream).await;
        reset(stream)
    });
    face(&resetting.await, LONG, LOST, None, true).await;
    face(&RawServer::answering("").await, LONG, LOST, None, true).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_or_closed_in_the_head_of_the_answer() {
    let head = "HTTP/1.1 200 OK\r\ncontent-le";
    let resetting = RawServer::start(move |mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        reset(stream)
    });
    face(&resetting.await, LONG, LOST, None, true).await;
    face(&RawServer::answering(head).await, LONG, LOST, None, true).await;
}

#[tokio::test]
async fn a_connection_that_is_closed_in_the_body_of_the_answer() {
    let [half, _] = answer_in_pieces();
    face(&RawServer::answering(half).await, LONG, LOST, Some(200), true).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_body_of_the_answer() {
    let (reading, read) = tokio::sync::watch::channel(());
    let server = RawServer::start(move |mut stream, _| {
        let mut read = read.clone();
        async move {
            read_request(&mut stream).await;
            let [half, _] = answer_in_pieces();
            stream.write_all(half.as_bytes()).await.unwrap();
            // A reset throws away what was not read before it, which may be the head as well.
            let _ = read.changed().await;
            reset(stream)
        }
    })
    .await;
    let client = client(&server, LONG);
    let call = client.associate(512).with("companies", 9001).as_type(1).retry(RetryPolicy::never());
    let call = tokio::spawn(call.send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    reading.send(()).unwrap();
    let error = call.await.unwrap().unwrap_err();
    check(&error, LOST, error.status(), 1);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_lost_connection_is_made_good_by_the_next_attempt() {
    let server = RawServer::start(|mut stream, number| async move {
        read_request(&mut stream).await;
        let [half, rest] = answer_in_pieces();
        stream.write_all(half.as_bytes()).await.unwrap();
        if number == 1 {
            stream.write_all(rest.as_bytes()).await.unwrap();
        }
        Some(stream)
    })
    .await;
    assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "<string>");
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let error = face(&RawServer::start(|stream, _| say_nothing(stream)).await, SHORT, LATE, None, true).await;
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_server_that_goes_silent_in_its_answer() {
    let server = RawServer::start(|mut stream, _| async {
        read_request(&mut stream).await;
        let [half, _] = answer_in_pieces();
        stream.write_all(half.as_bytes()).await.unwrap();
        say_nothing(stream).await
    });
    assert!(face(&server.await, SHORT, LATE, Some(200), true).await.is_timeout());
}

#[tokio::test]
async fn a_server_that_writes_a_byte_at_a_time() {
    let server = RawServer::start(|mut stream, _| async {
        read_request(&mut stream).await;
        stream.write_all(ok("content-length: 1000000\r\n", "").as_bytes()).await.unwrap();
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(stream)
    });
    assert!(face(&server.await, SHORT, LATE, Some(200), true).await.is_timeout());
}

#[tokio::test]
async fn a_length_that_is_too_long_too_short_or_none() {
    let body = |length: &str| ok(&format!("content-length: {length}\r\n"), DOCUMENTED);
    let longer = (DOCUMENTED.len() + 1).to_string();
    face(&RawServer::answering(body(&longer)).await, LONG, LOST, Some(200), true).await;
    let error = face(&RawServer::answering(body("17")).await, LONG, UNREADABLE, Some(200), false).await;
    assert!(error.is_decode() && error.body_excerpt() == DOCUMENTED.get(..17), "{error:?}");
    for length in ["-1", "x", "99999999999999999999", "5\r\ncontent-length: 6", ""] {
        face(&RawServer::answering(body(length)).await, LONG, NOT_HTTP, None, true).await;
    }
}

#[tokio::test]
async fn an_answer_of_http_1_0_that_ends_with_the_connection() {
    let answer = |body: &str| format!("HTTP/1.0 200 OK\r\n\r\n{body}");
    let server = RawServer::answering(answer(DOCUMENTED)).await;
    assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "<string>");
    server.all_closed().await;
    // Nothing tells that it was cut short but its not being JSON.
    let error = face(&RawServer::answering(answer("{\"id\":")).await, LONG, UNREADABLE, Some(200), false).await;
    assert!(error.is_decode());
}

#[tokio::test]
async fn chunks_that_are_broken() {
    let chunked = |body: &str| ok("transfer-encoding: chunked\r\n", body);
    for body in ["zz\r\n", "5\r\nhello", "5\r\nhelloX", "ffffffffffffffffff\r\n", "2\r\n{}\r\n", "\r\n\r\n", "-1\r\n"] {
        let server = RawServer::answering(chunked(body)).await;
        face(&server, LONG, LOST, Some(200), true).await;
    }
    let endless_extension = RawServer::start(move |mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(ok("transfer-encoding: chunked\r\n", "1;").as_bytes()).await.unwrap();
        write_for_ever(stream, &[b'x'; 1024], &AtomicUsize::default()).await
    });
    face(&endless_extension.await, LONG, LOST, Some(200), true).await;
    let endless_trailers = RawServer::start(move |mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(ok("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n").as_bytes()).await.unwrap();
        write_for_ever(stream, b"a: b\r\n", &AtomicUsize::default()).await
    });
    face(&endless_trailers.await, LONG, LOST, Some(200), true).await;
}

#[tokio::test]
async fn what_is_not_http() {
    let answers: [&[u8]; 7] = [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/3.7 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n",
        b"{\"id\":\"512\"}\r\n\r\n",
    ];
    for answer in answers {
        face(&RawServer::answering(answer).await, LONG, NOT_HTTP, None, true).await;
    }
}

#[tokio::test]
async fn a_head_that_never_ends_or_has_too_many_headers() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let server = RawServer::start(move |mut stream, _| {
        let counter = Arc::clone(&counter);
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\na: ").await.unwrap();
            write_for_ever(stream, &[b'x'; 1024], &counter).await
        }
    })
    .await;
    face(&server, LONG, NOT_HTTP, None, true).await;
    assert!(written.load(Ordering::SeqCst) < 64 << 20, "four attempts read {written:?} bytes");
    let many = ok(&"a: b\r\n".repeat(1000), "");
    face(&RawServer::answering(many).await, LONG, NOT_HTTP, None, true).await;
}

#[tokio::test]
async fn informational_answers_without_end_and_with_one() {
    for informational in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"] {
        let flood = RawServer::start(move |mut stream, _| async move {
            read_request(&mut stream).await;
            write_for_ever(stream, informational.as_bytes(), &AtomicUsize::default()).await
        });
        assert!(face(&flood.await, SHORT, LATE, None, true).await.is_timeout());
        let some = informational.repeat(1000) + &ok(&format!("content-length: {}\r\n", DOCUMENTED.len()), DOCUMENTED);
        let server = RawServer::answering(some).await;
        assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "<string>");
    }
}

#[tokio::test]
async fn redirects_that_never_end() {
    for (status, requests) in [(307, 4), (308, 4), (301, 1), (302, 1), (303, 1), (300, 1), (304, 1)] {
        let location = "location: /crm/v3/objects/partner_clients/512/associations/companies/9001/1\r\n";
        let answer = format!("HTTP/1.1 {status} Elsewhere\r\n{location}content-length: 0\r\nconnection: close\r\n\r\n");
        let server = RawServer::answering(answer).await;
        let error = associate(&client(&server, LONG)).await.unwrap_err();
        check(&error, "a redirect that is not followed", Some(status), 1);
        assert!(error.remedy().contains("redirect"));
        assert_eq!(server.accepted(), requests, "{status}");
        server.all_closed().await;
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_not_taken_for_the_next_one() {
    let poison = ok("content-length: 25\r\n", r#"{"id":"poison","results":[}"#);
    let right = ok(&format!("content-length: {}\r\n", DOCUMENTED.len()), DOCUMENTED);
    for garbage in [poison, "garbage".to_owned(), "\r\n".to_owned(), "HTTP/1.1 ".to_owned()] {
        let answer = Arc::new(format!("{right}{garbage}"));
        let server = RawServer::start(move |mut stream, _| {
            let answer = Arc::clone(&answer);
            async move {
                // As long as the client keeps the connection.
                while !read_request(&mut stream).await.is_empty() && stream.write_all(answer.as_bytes()).await.is_ok() {
                }
                Some(stream)
            }
        })
        .await;
        let client = client(&server, LONG);
        for _ in 0..20 {
            assert_eq!(associate(&client).await.unwrap(), "<string>");
        }
        drop(client);
        server.all_closed().await;
    }
}

#[tokio::test]
async fn a_success_without_content_may_have_some() {
    for answer in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\ngarbage",
        "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let server = RawServer::answering(answer).await;
        let client = client(&server, LONG);
        client.dissociate(512).with("companies", 9001).as_type(1).await.unwrap();
        drop(client);
        server.all_closed().await;
    }
}

#[tokio::test]
async fn text_that_is_no_utf_8_costs_no_more_than_itself() {
    let mut body = DOCUMENTED.replace("<string>", "?").into_bytes();
    let place = body.iter().position(|byte| *byte == b'?').unwrap();
    body[place] = 0xff;
    let mut answer = ok(&format!("content-length: {}\r\n", body.len()), "").into_bytes();
    answer.extend(body);
    let server = RawServer::answering(answer).await;
    // It was carried out, whatever the id is.
    assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "\u{fffd}");
}

#[tokio::test]
async fn compression_that_is_broken() {
    let compressed = gzip(DOCUMENTED.as_bytes());
    let answer = |body: &[u8]| {
        let mut answer = ok(&format!("content-encoding: gzip\r\ncontent-length: {}\r\n", body.len()), "").into_bytes();
        answer.extend(body);
        answer
    };
    let server = RawServer::answering(answer(&compressed)).await;
    assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "<string>");
    let middle = compressed.len() / 2;
    let mut damaged = compressed.clone();
    damaged[middle..middle + 8].fill(0xff);
    for body in [DOCUMENTED.as_bytes(), &compressed[..middle], &damaged] {
        let error = face(&RawServer::answering(answer(body)).await, LONG, COMPRESSION, Some(200), false).await;
        assert!(error.is_decode(), "it came whole, so the same will come again: {error:?}");
    }
    // What follows the compressed body is no part of it.
    let server = RawServer::answering(answer(&[&compressed[..], b"garbage"].concat())).await;
    assert_eq!(associate(&client(&server, LONG)).await.unwrap(), "<string>");
    // Here it did not come whole.
    let mut cut = answer(&compressed);
    cut.truncate(cut.len() - middle);
    face(&RawServer::answering(cut).await, LONG, LOST, Some(200), true).await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
