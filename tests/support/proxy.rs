//! What may stand between a program and its Redis: a network that is slow, loses an answer, or leads elsewhere.
#![allow(dead_code)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::sleep,
};

/// Forwards connections to a port of this machine.
#[derive(Clone)]
pub struct Proxy {
    port: u16,
    way: Arc<Mutex<Way>>,
}

struct Way {
    target: u16,
    delay: Duration,
    lose: bool,
}

impl Proxy {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, way: Arc::new(Mutex::new(Way { target, delay: Duration::ZERO, lose: false })) };
        let forwarding = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = forwarding.way.lock().unwrap().target;
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
                tokio::spawn(forwarding.clone().forward(client, server));
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where connections lead that are made from now on.
    pub fn lead_to(&self, target: u16) {
        self.way.lock().unwrap().target = target;
    }

    /// How long a question takes, and an answer.
    pub fn delay(&self, delay: Duration) {
        self.way.lock().unwrap().delay = delay;
    }

    /// Ends the connection in place of the next answer.
    pub fn lose_an_answer(&self) {
        self.way.lock().unwrap().lose = true;
    }

    async fn forward(self, client: TcpStream, server: TcpStream) {
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = self.pass(from_client, to_server, false) => {}
            () = self.pass(from_server, to_client, true) => {}
        }
    }

    async fn pass(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, answers: bool) {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let delay = {
                let mut way = self.way.lock().unwrap();
                if answers && std::mem::take(&mut way.lose) {
                    return;
                }
                way.delay
            };
            sleep(delay).await;
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }
}
