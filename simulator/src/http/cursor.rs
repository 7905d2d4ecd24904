//! Paging cursors.
//!
//! HubSpot's cursors are opaque and may contain `%`, so a client must send one back verbatim, encoded exactly once. The
//! simulator's always contain `%` and `=`, and are refused when a client decodes, or encodes, once too often.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// The cursor for the page that begins behind `position`.
pub(crate) fn issue(position: &impl Serialize) -> String {
    let position = json!(position).to_string();
    format!("{}=", utf8_percent_encode(&position, NON_ALPHANUMERIC))
}

/// The position a cursor stands for; `None` when it is not exactly what [`issue`] makes.
pub(crate) fn read<P: Serialize + DeserializeOwned>(cursor: &str) -> Option<P> {
    let position = percent_decode_str(cursor.strip_suffix('=')?).decode_utf8().ok()?;
    let position = serde_json::from_str(&position).ok()?;
    (issue(&position) == cursor).then_some(position)
}
