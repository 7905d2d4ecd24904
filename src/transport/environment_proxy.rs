//! The proxy that environment variables name for a base URL.

use std::env;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::error::{Error, Result};

/// Checks the proxy of the environment, if one applies to this URL. reqwest goes without one that it cannot read.
///
/// # Errors
/// For a proxy that cannot be read. The error names the variable and not its value, which may hold a password.
pub(crate) fn check(base_url: &Url) -> Result<()> {
    let Ok(uri) = base_url.as_str().parse::<http::Uri>() else { return Ok(()) };
    let no_proxy = first(["NO_PROXY", "no_proxy"]).and_then(|name| env::var(name).ok()).unwrap_or_default();
    let matcher = |proxy: &str| Matcher::builder().all(proxy).no(&no_proxy).build();
    // A header of a request may have set HTTP_PROXY there.
    let is_cgi = env::var_os("REQUEST_METHOD").is_some();
    if is_cgi || matcher("http://proxy").intercept(&uri).is_none() {
        return Ok(());
    }
    let of_scheme =
        if base_url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    for names in [of_scheme, ["ALL_PROXY", "all_proxy"]] {
        let Some(name) = first(names) else { continue };
        let is_read = match env::var(name) {
            // An empty one is none.
            Ok(value) if value.is_empty() => continue,
            Ok(value) => is_url(&value) && matcher(&value).intercept(&uri).is_some(),
            Err(_) => false,
        };
        if is_read {
            return Ok(());
        }
        let remedy = "set it to one such as \"http://proxy:3128\", with what is not a letter or a digit in a password \
                      percent-encoded, or unset it";
        return Err(Error::invalid_input(name, None, "is not the URL of a proxy", remedy));
    }
    Ok(())
}

/// Whether the proxy is named as a URL, with a scheme or without. reqwest takes a password for the host where a character in
/// it ends the host.
fn is_url(proxy: &str) -> bool {
    let whole = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    // It takes the host to begin at the first, and URLs at the last.
    if whole.matches('@').count() > 1 {
        return false;
    }
    Url::parse(&whole).is_ok_and(|url| {
        url.has_host() && url.fragment().is_none() && url.query().is_none() && !url.path().contains('@')
    })
}

/// The first of these variables that is set, even to nothing.
fn first(names: [&'static str; 2]) -> Option<&'static str> {
    names.into_iter().find(|name| env::var_os(name).is_some())
}
