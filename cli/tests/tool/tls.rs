//! The tool on https, with a certificate that the system does not trust.

use crate::support::https::serve;

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_says_where_a_certificate_of_one_s_own_goes() {
    let (base_url, _) = serve().await;
    let mut command = crate::cli::tool(&["list", "--base-url", &base_url]);
    command.env("HUBSPOT_ACCESS_TOKEN", "t");
    let ran = crate::cli::run(command);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains("certificate") && !ran.err.contains("root_certificates"), "{}", ran.err);
    assert!(ran.err.contains("those that the system trusts"), "{}", ran.err);
}
