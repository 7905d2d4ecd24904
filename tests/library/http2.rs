//! HTTP/2, on which all calls share one connection: one that is dead must not take them all with it.
//!
//! Of the TLS libraries only rustls agrees on HTTP/2 with the server, and it is used where native-tls is not enabled.
#![cfg(all(feature = "rustls", not(feature = "native-tls")))]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hubspot_partner_clients::Client;
use tokio::{net::TcpListener, time::Instant};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::frames::serve;

/// A server that answers each request with 204, on the first connection the first one alone; then nothing comes back.
struct Server {
    base_url: String,
    pem: String,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("https://{}", listener.local_addr().unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answers = if counter.fetch_add(1, Ordering::SeqCst) == 0 { 1 } else { usize::MAX };
                let acceptor = acceptor.clone();
                tokio::spawn(async move { serve(acceptor.accept(stream).await?, &[], answers).await });
            }
        });
        Self { base_url, pem: own.cert.pem(), accepted }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_gone_dark_between_two_calls_is_replaced() {
    let server = Server::start().await;
    let builder = Client::builder().base_url(&server.base_url).access_token("t");
    // It is found without them, however long the machine takes: a paused clock goes on while sockets are waited for.
    let hour = Duration::from_secs(3_600);
    let client = builder.root_certificates(server.pem).timeout(hour).connect_timeout(hour).build().unwrap();
    let call = || client.dissociate(512).with("companies", 9001).as_type(1).send_with_meta();
    assert_eq!(call().await.unwrap().1.attempts, 1);
    let started = Instant::now();
    assert_eq!(call().await.unwrap().1.attempts, 2);
    assert!(started.elapsed() < hour, "{:?}", started.elapsed());
    assert_eq!(call().await.unwrap().1.attempts, 1);
    assert_eq!(server.accepted.load(Ordering::SeqCst), 2);
}
