//! JSON out of text that is not quite JSON.

use std::fmt::Write;

use serde_json::{Number, Value};

/// What stands around a body without being a part of it: byte order marks, and the zeros of a buffer.
const AROUND: [char; 2] = ['\u{feff}', '\0'];

/// Deeper than any response of HubSpot's, and less than serde_json reads.
const MAX_DEPTH: usize = 100;

/// A body as JSON. Where its text is broken, U+FFFD takes the place of what is broken, in that value alone.
pub(crate) fn json(body: &[u8]) -> Option<Value> {
    let text = repaired(body);
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let rest = text.get(values.byte_offset()..)?.trim_start();
    // An object is whole, whatever a proxy appends; but a second one would be lost.
    let is_alone = rest.is_empty() || (value.is_object() && !rest.starts_with(['{', '[']));
    is_alone.then_some(value)
}

/// - Byte order marks and zeros around it go, and what is no UTF-8 becomes U+FFFD.
/// - In a string, half a surrogate pair becomes U+FFFD; control characters and backslashes that escape nothing stay.
/// - What is nested too deep becomes `null`.
/// - A number that would lose a digit becomes a string; what is no value, such as `NaN`, becomes `null`.
fn repaired(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut depth) = (text.trim_matches(AROUND), 0_usize);
    while let Some((c, after)) = first(rest) {
        if matches!(c, '[' | '{') && depth == MAX_DEPTH {
            out.push_str("null");
            rest = after_nested(rest);
        } else if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            word(token, &mut out);
            rest = after;
        } else {
            out.push(c);
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            rest = if c == '"' { string(after, &mut out) } else { after };
        }
    }
    out
}

/// What follows the list or object that a text begins with.
fn after_nested(text: &str) -> &str {
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some((c, after)) = first(rest) {
        rest = after;
        match c {
            '"' => rest = string(rest, &mut String::new()),
            '[' | '{' => depth += 1,
            ']' | '}' if depth == 1 => return rest,
            ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    rest
}

fn first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    Some((chars.next()?, chars.as_str()))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

/// A number or a literal.
fn word(token: &str, out: &mut String) {
    let exact = |number: Number| number.to_string() == token;
    if matches!(token, "true" | "false" | "null") || token.parse::<Number>().is_ok_and(exact) {
        out.push_str(token);
    } else if token.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        out.push('"');
        out.push_str(token);
        out.push('"');
    } else {
        out.push_str("null");
    }
}

/// Copies the rest of a string with its closing quotation mark, and returns what follows it.
fn string<'a>(mut rest: &'a str, out: &mut String) -> &'a str {
    while let Some((c, after)) = first(rest) {
        rest = after;
        match c {
            '"' => {
                out.push(c);
                return rest;
            }
            '\\' => rest = escape(rest, out),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    rest
}

/// Copies an escape whose backslash was taken, and returns what follows it.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    match rest.as_bytes().first() {
        Some(b'u') => {
            let unit = rest.get(1..).and_then(unit);
            let low = || rest.get(5..)?.strip_prefix("\\u").and_then(self::unit);
            let taken = match unit {
                None => {
                    out.push_str("\\\\");
                    return rest;
                }
                Some(0xd800..=0xdbff) if matches!(low(), Some(0xdc00..=0xdfff)) => 11,
                Some(0xd800..=0xdfff) => {
                    out.push(char::REPLACEMENT_CHARACTER);
                    return rest.get(5..).unwrap_or_default();
                }
                Some(_) => 5,
            };
            out.push('\\');
            out.push_str(rest.get(..taken).unwrap_or_default());
            rest.get(taken..).unwrap_or_default()
        }
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            out.push('\\');
            out.push_str(rest.get(..1).unwrap_or_default());
            rest.get(1..).unwrap_or_default()
        }
        _ => {
            out.push_str("\\\\");
            rest
        }
    }
}

/// The UTF-16 code unit that four hexadecimal digits stand for.
fn unit(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
