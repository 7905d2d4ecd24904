//! Cells that a spreadsheet would take for a formula.

use std::borrow::Cow;

/// What formulas begin with, also after white space that some programs ignore.
fn is_formula(cell: &[u8]) -> bool {
    // In East Asian spreadsheets the wide forms count as well.
    let wide = ["＝", "＋", "－", "＠"];
    matches!(cell.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n'))
        || wide.iter().any(|wide| cell.starts_with(wide.as_bytes()))
}

/// The cell with the mark by which spreadsheets know a text, where they would take it for a formula.
pub(crate) fn neutral(cell: &[u8]) -> Cow<'_, [u8]> {
    if is_formula(cell) { [b"'", cell].concat().into() } else { cell.into() }
}

/// The cell without the mark.
pub(crate) fn plain(cell: &[u8]) -> &[u8] {
    match cell.strip_prefix(b"'") {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}
