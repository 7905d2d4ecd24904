//! What several test files need.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};

use hubspot_partner_clients::{
    Client, RateLimit, RetryPolicy,
    simulator::{Simulator, SimulatorBuilder},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The documented answer of the main operation.
pub const DOCUMENTED: &str = r#"{"archived": true, "createdAt": "2023-11-07T05:31:56Z", "id": "<string>", "properties": {},
 "updatedAt": "2023-11-07T05:31:56Z", "archivedAt": "2023-11-07T05:31:56Z", "associations": {},
 "objectWriteTraceId": "<string>", "propertiesWithHistory": {}}"#;

/// A client of a simulator, with all scopes.
pub fn client_of(simulator: &Simulator) -> Client {
    client_at(simulator.base_url(), simulator.access_token())
}

/// A client that sends every request at once and once.
pub fn client_at(base_url: &str, token: &str) -> Client {
    Client::builder()
        .base_url(base_url)
        .access_token(token)
        .rate_limit(RateLimit::unlimited())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// A simulator of so many partner clients and companies, with ids from 1 on, and the association type `owner` to companies
/// and deals, of which there is none.
pub fn crm(partner_clients: usize, companies: usize) -> SimulatorBuilder {
    let builder = Simulator::builder()
        .without_seed()
        .partner_clients((1..=partner_clients).map(|id| (id.to_string(), [("name", "x")])))
        .association_type("companies", 7, "owner")
        .association_type("deals", 8, "owner");
    (1..=companies).fold(builder, |builder, id| builder.object("companies", id.to_string(), [("name", "x")]))
}

/// A server that answers every request with the same bytes and keeps what it received.
pub struct RawServer {
    pub base_url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl RawServer {
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (answer.into(), Arc::clone(&received));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                    let mut bytes = [0; 4096];
                    match stream.read(&mut bytes).await {
                        Ok(n) if n > 0 => request.extend_from_slice(&bytes[..n]),
                        _ => break,
                    }
                }
                log.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { base_url, received }
    }

    /// Answers with a status, a content type and a body.
    pub async fn json(status: u16, body: &str) -> Self {
        Self::answering(http(status, "application/json", body)).await
    }

    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

pub fn http(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
