//! Https, with a certificate that only the test trusts.
#![cfg(feature = "rustls")]

#[cfg(feature = "cli")]
#[path = "support/cli.rs"]
mod cli;
mod support;

use std::sync::Arc;

use hubspot_partner_clients::{Client, ErrorKind, RetryPolicy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// A server on https, and its certificate as PEM.
async fn serve() -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = support::http(200, "application/json", r#"{"results":[]}"#);
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (base_url, own.cert.pem())
}

#[tokio::test]
async fn a_certificate_of_one_s_own_is_trusted_where_it_is_given_and_not_elsewhere() {
    let (base_url, pem) = serve().await;
    let builder = || Client::builder().base_url(&base_url).access_token("t").retry(RetryPolicy::never());
    let trusting = builder().root_certificates(pem).build().unwrap();
    trusting.association_types("companies").await.unwrap();

    let error = builder().build().unwrap().association_types("companies").await.unwrap_err();
    assert!(error.is_connect() && error.message().contains("certificate"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Tls);
    for help in ["root_certificates", "ca-certificates", "SSL_CERT_FILE"] {
        assert!(error.remedy().contains(help), "{}", error.remedy());
    }
}

#[cfg(feature = "cli")]
#[tokio::test(flavor = "multi_thread")]
async fn the_tool_says_where_a_certificate_of_one_s_own_goes() {
    let (base_url, _) = serve().await;
    let mut command = cli::tool(&["list", "--base-url", &base_url]);
    command.env("HUBSPOT_ACCESS_TOKEN", "t");
    let ran = cli::run(command);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains("certificate") && !ran.err.contains("root_certificates"), "{}", ran.err);
    assert!(ran.err.contains("those that the system trusts"), "{}", ran.err);
}
