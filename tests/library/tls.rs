//! Https, with a certificate that only the test trusts.
#![cfg(feature = "rustls")]

use hubspot_partner_clients::{Client, ErrorKind, RetryPolicy};

use crate::support::https::serve;

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
