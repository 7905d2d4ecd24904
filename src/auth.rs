//! Access tokens and where they come from.

use std::{env, fmt, future::Future, pin::Pin, sync::Arc};

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{Error, Result};

/// A bearer token: an OAuth access token, a private-app token or a service key.
///
/// It never shows: `Debug` prints a placeholder, there is no `Display`, and the memory is wiped when the last copy is
/// dropped.
#[derive(Clone)]
pub struct AccessToken(Arc<SecretString>);

impl AccessToken {
    /// Takes the token without the white space around it, such as the line break at the end of a file.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] when it is empty, has quotation marks around it, or holds anything but visible ASCII
    /// characters. The error does not show the token.
    pub fn new(token: impl Into<String>) -> Result<Self> {
        Self::named("access token", &SecretString::from(token.into()))
    }

    /// Takes the token that this variable of the environment holds, as [`new`](Self::new) does.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where the variable is not set. The error names the variable.
    pub fn from_env(variable: &str) -> Result<Self> {
        match env::var(variable) {
            Ok(token) => Self::named(variable, &SecretString::from(token)),
            Err(env::VarError::NotPresent) => Err(Error::credentials(variable, "is not set", SET_TOKEN)),
            Err(env::VarError::NotUnicode(_)) => Err(Error::credentials(variable, "is not UTF-8", SET_TOKEN)),
        }
    }

    fn named(name: &str, token: &SecretString) -> Result<Self> {
        Ok(Self(Arc::new(secret(name, token.expose_secret(), SET_TOKEN)?)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text without the token.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact(text, self.expose())
    }

    /// An answer's body as text without the token.
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
    if text.starts_with(quote) && text.ends_with(quote) {
        return refuse("has quotation marks around it");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("holds a space, a line break or a character outside ASCII");
    }
    Ok(SecretString::from(text))
}

/// Whether the bytes repeat the secret, as it is or with the escapes of JSON. One that is too short to be a real one may
/// stand there by chance.
fn is_in(bytes: &[u8], secret: &str) -> bool {
    // Most headers are too short, and preparing a search is most of its cost.
    if secret.len() < SHORT || bytes.len() < secret.len() {
        return false;
    }
    let contains = |bytes: &[u8], text: &str| memmem::find(bytes, text.as_bytes()).is_some();
    let escaped = || {
        let other_forms = || secret.contains(['"', '\\']) || ["\\u00", "\\/"].iter().any(|form| contains(bytes, form));
        memchr::memchr(b'\\', bytes).is_some() && other_forms()
    };
    // Preparing a search for more than 32 bytes costs ten times as much, and the end of a secret is no other's.
    let end = secret.get(secret.len() - SHORT..).unwrap_or(secret);
    let repeats = |bytes: &[u8]| contains(bytes, end) && contains(bytes, secret);
    repeats(bytes) || (escaped() && repeats(&unescaped(bytes)))
}

/// As JSON means its strings, where the characters are ASCII; the bytes may be no JSON.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((before, after)) = memchr::memchr(b'\\', rest).and_then(|place| rest.split_at_checked(place)) {
        plain.extend_from_slice(before);
        let hex = after.get(2..6).and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        let (byte, width) = match (after.get(1), hex) {
            (Some(b'u'), Some(ascii)) if ascii.is_ascii() => (ascii, 6),
            (Some(&byte @ (b'"' | b'\\' | b'/')), _) => (byte, 2),
            _ => (b'\\', 1),
        };
        plain.push(byte);
        rest = after.get(width..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

/// An answer's body as text without the secrets. JSON may write them with escapes (RFC 8259, section 7), so its strings
/// are looked at by themselves; nothing is left of a body that has one in something like JSON.
pub(crate) fn redact_body(body: &[u8], secrets: &[&str]) -> String {
    let redact_all = |text: &str| secrets.iter().fold(text.to_owned(), |text, secret| redact(&text, secret));
    let text = redact_all(&String::from_utf8_lossy(body));
    if let Ok(json) = serde_json::from_str::<Value>(&text) {
        let redacted = redact_strings(&json, &redact_all);
        return if redacted == json { text } else { redacted.to_string() };
    }
    let hidden = secrets.iter().any(|secret| is_in(text.as_bytes(), secret));
    if hidden { REDACTED.to_owned() } else { text }
}

fn redact_strings(json: &Value, redact: &impl Fn(&str) -> String) -> Value {
    match json {
        Value::String(text) => redact(text).into(),
        Value::Array(items) => items.iter().map(|item| redact_strings(item, redact)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (redact(name), redact_strings(value, redact))).collect()
        }
        other => other.clone(),
    }
}

/// Shorter secrets are those of tests; HubSpot's are much longer.
const SHORT: usize = 8;
const REDACTED: &str = "[redacted]";

/// The text without the secret. One so short that it may be part of a word, as tests use, counts as a whole word only.
pub(crate) fn redact(text: &str, secret: &str) -> String {
    if text.len() < secret.len() {
        return text.to_owned();
    }
    let is_word = |c: char| c.is_alphanumeric();
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(secret).filter(|_| !secret.is_empty()) {
        let inside_a_word = before.ends_with(is_word) || after.starts_with(is_word);
        redacted += before;
        redacted += if inside_a_word && secret.len() < SHORT { secret } else { REDACTED };
        rest = after;
    }
    redacted + rest
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

/// What [`TokenProvider::access_token`] returns.
pub type TokenFuture<'a> = Pin<
    Box<dyn Future<Output = std::result::Result<AccessToken, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>,
>;

/// A source of access tokens, asked before every request.
///
/// ```
/// use hubspot_partner_clients::{AccessToken, Client, TokenFuture, TokenProvider};
///
/// /// Reads the token from a file that something else keeps fresh.
/// struct TokenFile(std::path::PathBuf);
///
/// impl TokenProvider for TokenFile {
///     fn access_token(&self) -> TokenFuture<'_> {
///         Box::pin(async {
///             let text = std::fs::read_to_string(&self.0)?;
///             Ok(AccessToken::new(text)?)
///         })
///     }
/// }
///
/// let client = Client::builder().token_provider(TokenFile("/run/secrets/hubspot".into())).build()?;
/// # Ok::<(), hubspot_partner_clients::Error>(())
/// ```
///
/// It is asked in the call's own task, so task-local values of whoever makes the call are not there.
pub trait TokenProvider: Send + Sync {
    /// The token to send with the next request. An error fails the call with [`Error::is_token`], before anything is
    /// sent.
    fn access_token(&self) -> TokenFuture<'_>;

    /// HubSpot has refused this token (401). Whether the next [`access_token`](Self::access_token) may give another one;
    /// if so, the request is sent once more with it.
    fn invalidate(&self, token: &AccessToken) -> bool {
        let _ = token;
        false
    }
}

impl<P: TokenProvider + ?Sized> TokenProvider for Arc<P> {
    fn access_token(&self) -> TokenFuture<'_> {
        (**self).access_token()
    }

    fn invalidate(&self, token: &AccessToken) -> bool {
        (**self).invalidate(token)
    }
}

/// A token that stays the same is its own provider.
impl TokenProvider for AccessToken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}
