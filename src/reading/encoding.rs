//! Bodies in UTF-16.

use bytes::Bytes;

/// A body as UTF-8, if it is JSON in UTF-16: with a byte order mark, or recognised by the zeros beside its first
/// characters.
/// Anything else is given back as it is.
pub(crate) fn utf8(body: Bytes) -> Bytes {
    let unit: fn([u8; 2]) -> u16 = match body.get(..4) {
        Some([0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0]) => u16::from_le_bytes,
        Some([0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255]) => u16::from_be_bytes,
        _ => return body,
    };
    let (pairs, _) = body.as_chunks();
    let text: String =
        char::decode_utf16(pairs.iter().copied().map(unit)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.into()
}
