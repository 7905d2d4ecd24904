//! No answer is read further than was allowed, however it is sent and whoever reads it.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, TryStreamExt};
use hubspot_partner_clients::{Association, Client, ClientBuilder, Error, RateLimit, RetryPolicy, oauth::OAuthApp};
use tokio::io::AsyncWriteExt;

use crate::support::{
    DOCUMENTED, RawServer,
    tcp::{read_request, say_nothing, write_for_ever},
};

const LIMIT: usize = 100_000;
/// What the kernel keeps for a reader, and the HTTP library reads ahead.
const BUFFERS: usize = 16 << 20;

fn builder(base_url: &str) -> ClientBuilder {
    // By default five attempts: an answer that is too large is not asked for again.
    Client::builder().base_url(base_url).access_token("t").rate_limit(RateLimit::unlimited())
}

fn client(base_url: &str) -> Client {
    builder(base_url).max_response_bytes(LIMIT).build().unwrap()
}

async fn get(client: &Client) -> Result<String, Error> {
    client.get(512).await.map(|found| found.id)
}

fn assert_too_large(error: &Error, status: u16) {
    assert!(error.is_too_large() && !error.is_decode() && !error.is_retryable(), "{error:?}");
    assert_eq!((error.status(), error.attempts()), (Some(status), 1), "{error:?}");
    assert_eq!(error.message(), format!("the response is larger than {LIMIT} bytes and was not read to its end"));
    assert!(error.remedy().contains("max_response_bytes"));
}

/// A server whose answers have this head and never end, and how much it could write. Without a piece it says no more.
async fn endless(head: &str, piece: Vec<u8>) -> (RawServer, Arc<AtomicUsize>) {
    let written = Arc::new(AtomicUsize::new(0));
    let (head, piece, counter) = (Arc::new(format!("HTTP/1.1 {head}\r\n\r\n")), Arc::new(piece), Arc::clone(&written));
    let server = RawServer::start(move |mut stream, _| {
        let (head, piece, counter) = (Arc::clone(&head), Arc::clone(&piece), Arc::clone(&counter));
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            if piece.is_empty() {
                return say_nothing(stream).await;
            }
            write_for_ever(stream, &piece, &counter).await
        }
    })
    .await;
    (server, written)
}

/// Ten megabytes of spaces as a gzip member, of which a body may have any number.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..10 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up_whatever_it_is_an_answer_to() {
    for (head, status) in [
        ("200 OK\r\ntransfer-encoding: chunked", 200),
        ("207 Multi-Status\r\ntransfer-encoding: chunked", 207),
        ("401 Unauthorized\r\ntransfer-encoding: chunked", 401),
        ("429 Too Many Requests\r\ntransfer-encoding: chunked", 429),
        ("503 Service Unavailable\r\ntransfer-encoding: chunked", 503),
        // A chunk is no more than the stream of bytes that the next ones are.
        ("200 OK\r\nx: as HTTP/1.0", 200),
    ] {
        let piece = if head.contains("chunked") { chunk(&[b' '; 1000]) } else { vec![b' '; 1000] };
        let (server, written) = endless(head, piece).await;
        let client = client(&server.base_url);
        assert_too_large(&get(&client).await.unwrap_err(), status);
        assert_too_large(&Error::from(client.raw().get().partner_client_id(512).send().await.unwrap_err()), status);
        drop(client);
        server.all_closed().await;
        assert!(written.load(Ordering::SeqCst) < 2 * (LIMIT + BUFFERS), "{written:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_stream_that_never_ends_is_given_up() {
    let (server, _) = endless("200 OK\r\ntransfer-encoding: chunked", chunk(&[b' '; 1000])).await;
    let client = client(&server.base_url);
    assert_too_large(&client.list().items().try_next().await.unwrap_err(), 200);
    assert_too_large(&client.list().pages().read_ahead().try_next().await.unwrap_err(), 200);
    assert_too_large(&client.search().items().try_next().await.unwrap_err(), 200);
    drop(client);
    server.all_closed().await;
}

#[tokio::test]
async fn a_compressed_bomb_is_given_up_by_its_decompressed_size() {
    let bomb = bomb();
    for status in ["200 OK", "500 Internal Server Error"] {
        let head = format!("{status}\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked");
        let (server, written) = endless(&head, chunk(&bomb)).await;
        let client = client(&server.base_url);
        assert_too_large(&get(&client).await.unwrap_err(), status[..3].parse().unwrap());
        drop(client);
        server.all_closed().await;
        assert!(written.load(Ordering::SeqCst) < LIMIT + BUFFERS, "{written:?}");
    }
    // One that ends, and is small on the wire.
    assert!(bomb.len() < LIMIT);
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes();
    answer.extend(bomb);
    let server = RawServer::answering(answer).await;
    assert_too_large(&get(&client(&server.base_url)).await.unwrap_err(), 200);
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_not_waited_for() {
    // Nothing of it ever comes.
    let head = format!("200 OK\r\ncontent-length: {}", LIMIT + 1);
    let (server, _) = endless(&head, Vec::new()).await;
    let client = client(&server.base_url);
    assert_too_large(&get(&client).await.unwrap_err(), 200);
}

#[tokio::test]
async fn the_largest_body_allowed_is_read_and_one_byte_more_is_not() {
    let body = |bytes: usize| DOCUMENTED.to_owned() + &" ".repeat(bytes - DOCUMENTED.len());
    let plain = |bytes| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", body(bytes)).into_bytes();
    let unannounced = |bytes| format!("HTTP/1.1 200 OK\r\n\r\n{}", body(bytes)).into_bytes();
    let compressed = |bytes| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body(bytes).as_bytes()).unwrap();
        [b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", &encoder.finish().unwrap()[..]].concat()
    };
    for answer in [&plain as &dyn Fn(usize) -> Vec<u8>, &unannounced, &compressed] {
        let server = RawServer::answering(answer(LIMIT)).await;
        assert_eq!(get(&client(&server.base_url)).await.unwrap(), "<string>");
        let server = RawServer::answering(answer(LIMIT + 1)).await;
        assert_too_large(&get(&client(&server.base_url)).await.unwrap_err(), 200);
    }
}

#[tokio::test]
async fn a_second_account_has_the_same_limit_and_without_one_64_mib_are_allowed() {
    let (server, _) = endless(&format!("200 OK\r\ncontent-length: {}", LIMIT + 1), Vec::new()).await;
    let second = client(&server.base_url).for_account(hubspot_partner_clients::AccessToken::new("u").unwrap());
    assert_too_large(&get(&second).await.unwrap_err(), 200);

    let (server, _) = endless(&format!("200 OK\r\ncontent-length: {}", (64 << 20) + 1), Vec::new()).await;
    let error = get(&builder(&server.base_url).build().unwrap()).await.unwrap_err();
    assert!(error.message().starts_with("the response is larger than 67108864 bytes"), "{error}");
}

#[tokio::test]
async fn an_answer_of_the_token_endpoint_has_a_limit_too() {
    for status in ["200 OK", "400 Bad Request"] {
        for compressed in [false, true] {
            let encoding = if compressed { "content-encoding: gzip\r\n" } else { "" };
            let piece = if compressed { bomb() } else { vec![b' '; 1000] };
            let head = format!("{status}\r\n{encoding}transfer-encoding: chunked");
            let (server, written) = endless(&head, chunk(&piece)).await;
            let app = OAuthApp::builder("id", "secret").base_url(&server.base_url).build().unwrap();
            let error = app.exchange("code", "https://app.example", None).await.unwrap_err();
            assert!(error.is_token() && error.attempts() == 1, "{error:?}");
            assert!(error.message().contains("larger than 1048576 bytes"), "{error}");
            drop(app);
            server.all_closed().await;
            assert!(written.load(Ordering::SeqCst) < BUFFERS, "{written:?}");
        }
    }
}

/// A removal that HubSpot has carried out is told as carried out, whatever it says of it and at what length.
#[tokio::test]
async fn a_large_answer_to_a_removal() {
    let signed = "x-hubspot-correlation-id: c\r\n";
    for (batch, alone, made) in [
        (format!("200 OK\r\n{signed}"), format!("200 OK\r\n{signed}"), true),
        (format!("207 Multi-Status\r\n{signed}"), format!("204 No Content\r\n{signed}"), true),
        ("200 OK\r\n".to_owned(), "200 OK\r\n".to_owned(), false),
        (format!("200 OK\r\n{signed}"), format!("207 Multi-Status\r\n{signed}"), false),
    ] {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (told, log) = (format!("{batch}, {alone}"), Arc::clone(&requests));
        let server = RawServer::start(move |mut stream, _| {
            let (batch, alone, log) = (batch.clone(), alone.clone(), Arc::clone(&log));
            async move {
                let request = read_request(&mut stream).await;
                let is_batch = request.starts_with("POST");
                log.lock().unwrap().push(is_batch);
                let head = if is_batch { batch } else { alone };
                let body = if head.starts_with("204") { String::new() } else { " ".repeat(2 * LIMIT) };
                let length =
                    if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let answer = format!("HTTP/1.1 {head}{length}connection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
                Some(stream)
            }
        })
        .await;
        let rows = (1..=3).map(|id| Association::new(id, "companies", id, "owner"));
        let outcomes: Vec<_> = client(&server.base_url).dissociate_many(rows).outcomes().collect().await;
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.result.is_ok()).count(),
            if made { 3 } else { 0 },
            "{told}"
        );
        for error in outcomes.into_iter().filter_map(|outcome| outcome.result.err()) {
            assert!(error.is_too_large() && error.status().is_some(), "{told}: {error:?}");
        }
        let requests = requests.lock().unwrap();
        assert!(requests[0] && requests[1..].iter().all(|is_batch| !is_batch) && requests.len() <= 4, "{requests:?}");
    }
    // By itself, the error says that it was carried out, and gives no advice that is for reads.
    let (server, _) = endless(&format!("200 OK\r\n{signed}content-length: {}", LIMIT + 1), Vec::new()).await;
    let error = client(&server.base_url).dissociate(1).with("companies", 2).as_type("owner").await.unwrap_err();
    assert_too_large(&error, 200);
    assert!(
        error.remedy().contains("HubSpot carried it out") && !error.remedy().contains("pages"),
        "{}",
        error.remedy()
    );
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let error = builder("http://127.0.0.1:1").max_response_bytes(0).retry(RetryPolicy::never()).build().unwrap_err();
    assert!(
        error.is_invalid_input() && error.message().starts_with("max response bytes \"0\" allows no response"),
        "{error}"
    );
}
