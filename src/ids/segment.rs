//! Encoding of a checked value as a segment of a path.

use std::borrow::Cow;

/// A checked value as a segment of a path, for the generated code. All but what nobody encodes is encoded (RFC 3986,
/// section 2.3): servers and proxies read more into a `;` or a `:` than a URL parser does (section 3.3).
pub(crate) fn segment(value: &impl AsRef<str>) -> Cow<'_, str> {
    let value = value.as_ref();
    let unreserved = |b: u8| UNRESERVED.get(usize::from(b)).is_some_and(|&is| is);
    if value.bytes().all(unreserved) {
        return value.into();
    }
    let mut encoded = String::with_capacity(3 * value.len());
    for byte in value.bytes() {
        if unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded.into()
}

/// By byte, since these are looked up for every byte of every path.
#[allow(clippy::indexing_slicing, reason = "the compiler itself indexes")]
static UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = (b as u8).is_ascii_alphanumeric() || matches!(b as u8, b'-' | b'.' | b'_' | b'~');
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests;
