//! The parts of the tool that read CSV files, and their target.

#[path = "../../cli/src/bulk/annotated.rs"]
mod annotated;
#[path = "../../cli/src/bulk/any_file.rs"]
pub mod any_file;
#[path = "../../cli/src/bulk/check.rs"]
mod check;
#[path = "../../cli/src/bulk/columns.rs"]
mod columns;
#[path = "../../cli/src/bulk/form.rs"]
mod form;
#[path = "../../cli/src/bulk/input.rs"]
mod input;
#[path = "../../cli/src/bulk/layout.rs"]
mod layout;
#[path = "../../cli/src/bulk/problems.rs"]
mod problems;
#[path = "../../cli/src/bulk/quotes.rs"]
mod quotes;
#[path = "../../cli/src/bulk/rows.rs"]
mod rows;
#[path = "../../cli/src/bulk/source.rs"]
mod source;
