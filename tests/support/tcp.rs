//! Servers below HTTP, which do to a connection whatever a test wants.
#![allow(dead_code)]

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::http;

/// A server that hands every connection, with its number from 0 on, to a function. A connection whose function has ended is
/// read until the client closes it as well, so that no data left unread makes a reset of the end.
pub struct RawServer {
    pub base_url: String,
    accepted: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<String>>>,
    open: watch::Sender<usize>,
}

impl RawServer {
    pub async fn start<F, Fut>(handle: F) -> Self
    where
        F: Fn(TcpStream, usize) -> Fut + Send + 'static,
        Fut: Future<Output = Option<TcpStream>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let (open, _) = watch::channel(0);
        let server = Self { base_url, accepted: Arc::clone(&accepted), received: Arc::default(), open: open.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                open.send_modify(|open| *open += 1);
                let handled = handle(stream, accepted.fetch_add(1, Ordering::SeqCst));
                let open = open.clone();
                tokio::spawn(async move {
                    if let Some(mut stream) = handled.await {
                        let _ = stream.shutdown().await;
                        drain(&mut stream).await;
                    }
                    open.send_modify(|open| *open -= 1);
                });
            }
        });
        server
    }

    /// Answers every request with these bytes, keeps the request, and closes.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let (answer, received) = (Arc::new(answer.into()), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&received);
        let server = Self::start(move |mut stream, _| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move {
                let request = read_request(&mut stream).await;
                log.lock().unwrap().push(request);
                let _ = stream.write_all(&answer).await;
                Some(stream)
            }
        })
        .await;
        Self { received, ..server }
    }

    /// Answers every request with a status and a body.
    pub async fn json(status: u16, body: &str) -> Self {
        Self::answering(http(status, "application/json", body)).await
    }

    /// What a server that answers received.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Ends once no connection is open: a client that leaks one makes the test fail.
    pub async fn all_closed(&self) {
        let mut open = self.open.subscribe();
        let closed = open.wait_for(|open| *open == 0);
        tokio::time::timeout(Duration::from_secs(30), closed).await.expect("a connection stays open").unwrap();
    }
}

/// Reads until the client closes.
pub async fn drain(stream: &mut TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

/// Reads until the end of a request's head, and all that came with it.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            continue;
        }
        break;
    }
    String::from_utf8_lossy(&request).into_owned()
}

/// Reads a whole request, whose body has a length that is told.
pub async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = read_head(stream).await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((&request, ""));
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut rest = vec![0; length.unwrap_or(body.len()) - body.len()];
    let _ = stream.read_exact(&mut rest).await;
    request += &String::from_utf8_lossy(&rest);
    request
}

/// Ends the connection by an RST: without lingering, a socket sends nothing else when it is closed.
pub fn reset(stream: TcpStream) -> Option<TcpStream> {
    stream.set_zero_linger().unwrap();
    None
}

/// Holds the connection, and says nothing, until the client closes it.
pub async fn say_nothing(mut stream: TcpStream) -> Option<TcpStream> {
    drain(&mut stream).await;
    Some(stream)
}

/// Writes the same bytes again and again until the client closes, and counts them.
pub async fn write_for_ever(mut stream: TcpStream, bytes: &[u8], written: &AtomicUsize) -> Option<TcpStream> {
    while stream.write_all(bytes).await.is_ok() {
        written.fetch_add(bytes.len(), Ordering::SeqCst);
    }
    Some(stream)
}
