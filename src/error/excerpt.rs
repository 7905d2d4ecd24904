//! Excerpts of texts, which keep an error small whatever a server sends.

pub(super) const MAX_EXCERPT: usize = 1024;
/// HubSpot lists every bad value of a request in its message.
const MAX_MESSAGE: usize = 8 * 1024;

pub(super) fn bounded(message: String) -> String {
    if message.len() > MAX_MESSAGE { excerpt(&message, MAX_MESSAGE) } else { message }
}

/// The beginning of a text that is longer than `max` bytes.
#[allow(clippy::expect_used, reason = "a text that is silently empty would hide the error")]
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let longest = max.saturating_sub('…'.len_utf8());
    let beginning = (0..=longest).rev().find_map(|end| text.get(..end)).expect("each text begins with the empty one");
    format!("{beginning}…")
}
