//! What may stand between a program and its Redis: a network that is slow, loses an answer, or leads elsewhere.
#![allow(dead_code)]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// Forwards connections to a port of this machine.
#[derive(Clone)]
pub struct RedisProxy {
    port: u16,
    way: Arc<Mutex<Way>>,
}

struct Way {
    target: u16,
    delay: Duration,
    upon: Option<Upon>,
}

/// What happens when these bytes pass; whether their answer is lost, and the connection with it.
type Upon = (Vec<u8>, Box<dyn FnOnce() -> bool + Send>);

impl RedisProxy {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, way: Arc::new(Mutex::new(Way { target, delay: Duration::ZERO, upon: None })) };
        let forwarding = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let target = forwarding.way().target;
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                    forwarding.forward(client, server);
                }
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where connections lead that are made from now on.
    pub fn lead_to(&self, target: u16) {
        self.way().target = target;
    }

    /// How long a question takes, and an answer.
    pub fn delay(&self, delay: Duration) {
        self.way().delay = delay;
    }

    /// Ends the connection in place of the next answer.
    pub fn lose_an_answer(&self) {
        self.way().upon = Some((Vec::new(), Box::new(|| true)));
    }

    /// Before Redis gets the next call with this word as an argument. Its answer is lost, and the connection with it,
    /// where that gives true.
    pub fn upon(&self, word: &str, happens: impl FnOnce() -> bool + Send + 'static) {
        self.upon_bytes(format!("${}\r\n{word}\r\n", word.len()), happens);
    }

    /// The same, before these bytes get to where they are sent, which need not be Redis.
    pub fn upon_bytes(&self, bytes: impl Into<Vec<u8>>, happens: impl FnOnce() -> bool + Send + 'static) {
        self.way().upon = Some((bytes.into(), Box::new(happens)));
    }

    /// Whether that has happened.
    pub fn has_happened(&self) -> bool {
        self.way().upon.is_none()
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap()
    }

    fn forward(&self, client: TcpStream, server: TcpStream) {
        let lost = Arc::new(Mutex::new(false));
        let (there, lost_there) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), Arc::clone(&lost));
        let (proxy, back) = (self.clone(), self.clone());
        thread::spawn(move || {
            proxy.pass(there.0, there.1, |bytes| {
                let passes = |word: &[u8]| word.is_empty() || bytes.windows(word.len()).any(|w| w == word);
                let found = proxy.way().upon.take_if(|(word, _)| passes(word));
                *lost_there.lock().unwrap() |= found.is_some_and(|(_, happens)| happens());
                true
            });
        });
        thread::spawn(move || back.pass(server, client, |_| !*lost.lock().unwrap()));
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, mut let_pass: impl FnMut(&[u8]) -> bool) {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(read @ 1..) = from.read(&mut bytes)
            && let_pass(&bytes[..read])
        {
            let delay = self.way().delay;
            thread::sleep(delay);
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
