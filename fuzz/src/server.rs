//! A server in the same thread as the client, which answers with the bytes it is given.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::LocalSet,
};

type Respond = Box<dyn FnMut(&Received) -> Vec<u8>>;

/// What the server says, and what it has heard.
pub struct Exchange {
    respond: RefCell<Respond>,
    /// Whether the answer ends with the connection.
    close: Cell<bool>,
    pub requests: RefCell<Vec<Received>>,
}

/// The first line of a request, and its body.
pub struct Received {
    pub line: String,
    pub body: Vec<u8>,
}

impl Received {
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap()
    }

    /// The path and the query.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
}

pub struct Server {
    runtime: Runtime,
    tasks: LocalSet,
    pub exchange: Rc<Exchange>,
    pub base_url: String,
}

impl Server {
    /// With a clock that stands still, time passes as soon as there is nothing else to do.
    pub fn start(paused: bool) -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap();
        let tasks = LocalSet::new();
        let exchange = Rc::new(Exchange {
            respond: RefCell::new(Box::new(|_| Vec::new())),
            close: Cell::default(),
            requests: RefCell::default(),
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Rc::clone(&exchange);
        tasks.spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(stream, Rc::clone(&shared)));
            }
        });
        Self { runtime, tasks, exchange, base_url }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let _inside = self.runtime.enter();
        self.tasks.block_on(&self.runtime, future)
    }

    /// Answers each request the same from now on.
    pub fn answer(&self, answer: Vec<u8>, close: bool) {
        self.respond(move |_| answer.clone());
        self.exchange.close.set(close);
    }

    /// Answers each request by itself from now on.
    pub fn respond(&self, respond: impl FnMut(&Received) -> Vec<u8> + 'static) {
        *self.exchange.respond.borrow_mut() = Box::new(respond);
        self.exchange.close.set(false);
        self.exchange.requests.borrow_mut().clear();
    }
}

async fn serve(mut stream: TcpStream, exchange: Rc<Exchange>) {
    let mut received = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = received.windows(4).position(|end| end == b"\r\n\r\n") {
                break end + 4;
            }
            if !stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
                return;
            }
        };
        let text = String::from_utf8_lossy(&received[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let end = head + length.unwrap_or(0_usize);
        while received.len() < end {
            if !stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
                return;
            }
        }
        let line = String::from_utf8_lossy(received[..head].split(|byte| *byte == b'\r').next().unwrap()).into_owned();
        let request = Received { line, body: received[head..end].to_vec() };
        let answer = exchange.respond.borrow_mut()(&request);
        exchange.requests.borrow_mut().push(request);
        received.drain(..end);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
        if exchange.close.get() {
            let _ = stream.shutdown().await;
            while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {}
            return;
        }
    }
}
