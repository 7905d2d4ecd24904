//! Removal of secrets from text that is shown.

use memchr::memmem;
use serde_json::Value;

/// Whether the bytes repeat the secret, as it is or with the escapes of JSON. One that is too short to be a real one may
/// stand there by chance.
pub(crate) fn is_in(bytes: &[u8], secret: &str) -> bool {
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
    let repeats = |bytes: &[u8]| ends_in(bytes, end) && contains(bytes, secret);
    repeats(bytes) || (escaped() && repeats(&unescaped(bytes)))
}

/// Whether the bytes contain the end of a secret. Preparing a search costs more than a short body, as most are.
fn ends_in(bytes: &[u8], end: &str) -> bool {
    let Some((&last, _)) = end.as_bytes().split_last().filter(|_| bytes.len() <= SHORT_BODY) else {
        return memmem::find(bytes, end.as_bytes()).is_some();
    };
    memchr::memchr_iter(last, bytes).any(|at| bytes.get(..=at).is_some_and(|bytes| bytes.ends_with(end.as_bytes())))
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

/// A response's body as text without the secrets. JSON may write them with escapes (RFC 8259, section 7), so its strings
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

/// Bytes of a body of one object.
const SHORT_BODY: usize = 1024;

/// Shorter secrets are those of tests; HubSpot's are much longer.
const SHORT: usize = 8;

pub(crate) const REDACTED: &str = "[redacted]";

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
