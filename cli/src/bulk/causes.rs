//! Rows that have something in common, told together.

use std::fmt;

use hubspot_partner_clients::Error;
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    failure::{Failure, for_tool},
    output::Output,
    printable::printable,
    words::counted,
};

/// How many causes are told, and how many lines of each.
const SHOWN: usize = 10;
const LINES: usize = 5;

#[derive(Default)]
pub(super) struct Causes {
    shown: Vec<Cause>,
    /// How many rows have other causes.
    others: u64,
}

/// Why rows failed, or what else is to be said of them.
#[derive(Serialize)]
struct Cause {
    #[serde(skip)]
    key: String,
    /// Of the first row.
    message: String,
    rows: u64,
    /// Of the first rows.
    lines: Vec<u64>,
}

impl Causes {
    /// Adds a row that failed.
    pub(super) fn add_error(&mut self, error: &Error, line: u64) {
        let text = for_tool(&error.to_string());
        // Each response has its own.
        let id = error.correlation_id().map(|id| format!(" (correlation id {id})")).unwrap_or_default();
        let key = text.strip_suffix(&*id).unwrap_or(&text).to_owned();
        self.add(&key, text, line);
    }

    /// Adds a row. Those with the same key are told together.
    pub(super) fn add(&mut self, key: &str, message: String, line: u64) {
        if let Some(cause) = self.shown.iter_mut().find(|cause| cause.key == key) {
            cause.rows += 1;
            if cause.lines.len() < LINES {
                cause.lines.push(line);
            }
        } else if self.shown.len() < SHOWN {
            self.shown.push(Cause { key: key.to_owned(), message, rows: 1, lines: vec![line] });
        } else {
            self.others += 1;
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        for cause in &self.shown {
            output.line(format_args!("{cause}"))?;
        }
        if self.others > 0 {
            output.line(format_args!("and {} failed for other reasons", counted(self.others, "more row")))?;
        }
        Ok(())
    }

    pub(super) fn json(&self) -> Value {
        json!(self.shown)
    }

    /// How many rows have causes that are not told.
    pub(super) fn others(&self) -> u64 {
        self.others
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let more = self.rows - self.lines.len() as u64;
        match (self.rows, more) {
            (1, _) => write!(f, "line {lines}")?,
            (rows, 0) => write!(f, "{} (lines {lines})", counted(rows, "row"))?,
            (rows, more) => write!(f, "{} (lines {lines} and {} more)", counted(rows, "row"), HumanCount(more))?,
        }
        write!(f, ": {}", printable(&self.message))
    }
}
