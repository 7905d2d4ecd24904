//! Paging cursors.
//!
//! HubSpot's cursors are opaque and may contain `%`, so a client must send one back verbatim, encoded exactly once. The
//! simulator's always contain `%` and `=`, and are refused when a client decodes, or encodes, once too often.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;

use super::state::Position;

/// The cursor for the page that begins behind `position`.
pub(super) fn issue((to_object_id, type_id): &Position) -> String {
    let position = json!([to_object_id, type_id]).to_string();
    format!("{}=", utf8_percent_encode(&position, NON_ALPHANUMERIC))
}

/// The position a cursor stands for; `None` when it is not exactly what [`issue`] makes.
pub(super) fn read(cursor: &str) -> Option<Position> {
    let position = percent_decode_str(cursor.strip_suffix('=')?).decode_utf8().ok()?;
    let position = serde_json::from_str(&position).ok()?;
    (issue(&position) == cursor).then_some(position)
}
