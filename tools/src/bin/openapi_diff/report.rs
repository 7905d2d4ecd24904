//! The report, for people and for programs.

use crate::compare::Change;

/// One line for each change, those that break first.
pub fn table(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no difference\n".into();
    }
    let row = |change: &Change| {
        let breaking = if change.breaking { "breaking" } else { "" };
        let operations = match change.operations.len() {
            0..=3 => change.operations.join(", "),
            many => format!("{many} operations"),
        };
        [breaking.into(), change.what.into(), change.place.clone(), change.detail.clone(), operations]
    };
    let heads = ["", "change", "where", "detail", "operations"].map(String::from);
    let rows: Vec<_> = std::iter::once(heads).chain(changes.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..4).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        text += &format!("{cells}{}\n", row[4]);
    }
    let breaking = changes.iter().filter(|change| change.breaking).count();
    text + &format!("\n{} changes, {breaking} breaking\n", changes.len())
}

/// The changes as a JSON array.
pub fn json(changes: &[Change]) -> String {
    serde_json::to_string_pretty(changes).unwrap_or_default() + "\n"
}
