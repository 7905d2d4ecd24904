//! An access token, which is never printed or logged.

use std::{env, fmt, sync::Arc};

use bytes::Bytes;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    auth::redact::{is_in, redact, redact_body},
    error::{Error, Result},
};

/// A bearer token: an OAuth access token, a private-app token or a service key.
///
/// It is never printed: `Debug` shows a placeholder, there is no `Display`, and the memory is overwritten when the last copy
/// is dropped.
///
/// ```
/// use hubspot_partner_clients::AccessToken;
///
/// let token = AccessToken::new("pat-eu1-0000\n")?;
/// assert!(!format!("{token:?}").contains("0000"));
/// # Ok::<(), hubspot_partner_clients::Error>(())
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<Secret>);

struct Secret {
    text: SecretString,
    /// The token as requests send it, made once.
    header: HeaderValue,
}

/// The bytes of a header, overwritten when its last copy is dropped.
struct Bearer(SecretString);

impl AsRef<[u8]> for Bearer {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl AccessToken {
    /// Creates a token from text. White space around it is ignored, such as the line break at the end of a file.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] if it is empty, begins or ends with a quotation mark, or contains anything but visible ASCII characters.
    /// The error does not show the token.
    pub fn new(token: impl Into<String>) -> Result<Self> {
        Self::named("access token", &SecretString::from(token.into()))
    }

    /// Creates a token from this environment variable, like [`new`](Self::new).
    ///
    /// # Errors
    /// The same as for [`new`](Self::new), and if the variable is not set. The error names the variable.
    pub fn from_env(variable: &str) -> Result<Self> {
        match env::var(variable) {
            Ok(token) => Self::named(variable, &SecretString::from(token)),
            Err(env::VarError::NotPresent) => Err(Error::credentials(variable, "is not set", SET_TOKEN)),
            Err(env::VarError::NotUnicode(_)) => Err(Error::credentials(variable, "is not UTF-8", SET_TOKEN)),
        }
    }

    fn named(name: &str, token: &SecretString) -> Result<Self> {
        let text = secret(name, token.expose_secret(), SET_TOKEN)?;
        let bearer = Bearer(SecretString::from(format!("Bearer {}", text.expose_secret())));
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(bearer))
            .map_err(|_| Error::credentials(name, "cannot be sent in a header", "check it"))?;
        header.set_sensitive(true);
        Ok(Self(Arc::new(Secret { text, header })))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    /// The text without the token.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact(text, self.expose())
    }

    /// A response's body as text without the token.
    pub(crate) fn redact_body(&self, body: &[u8]) -> String {
        redact_body(body, &[self.expose()])
    }

    /// Whether the bytes repeat the token.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        is_in(bytes, self.expose())
    }
}

const SET_TOKEN: &str = "set it to the token HubSpot shows for your private app or service key, without \"Bearer\"";

/// A secret without the white space around it; the rest of what cannot be one is refused by name. The one rule for each
/// secret, wherever it comes from.
pub(crate) fn secret(name: &str, text: &str, remedy: &str) -> Result<SecretString> {
    let text = text.trim();
    let refuse = |reason| Err(Error::credentials(name, reason, remedy));
    let quote = ['"', '\'', '`'];
    if text.is_empty() {
        return refuse("is empty");
    }
    if text.starts_with(quote) || text.ends_with(quote) {
        return refuse("begins or ends with a quotation mark");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("contains a space, a line break or a character outside ASCII");
    }
    Ok(SecretString::from(text))
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}
