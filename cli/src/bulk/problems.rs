//! The problems of a file, by line and column.

use std::fmt;

use indicatif::HumanCount;
use serde::Serialize;
use serde_json::json;

use crate::{failure::Failure, printable::printable, words::counted};

/// How many are listed; the rest is counted.
const MAX_LISTED: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct Problem {
    /// From 1, as editors count.
    pub(super) line: u64,
    #[serde(flatten)]
    pub(super) column: Option<Column>,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    /// From 1.
    #[serde(rename = "column")]
    pub(super) number: usize,
    #[serde(rename = "columnName")]
    pub(super) name: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(Column { number, name }) = &self.column {
            write!(f, ", column {number} ({})", printable(name))?;
        }
        write!(f, ": {}", printable(&self.message))
    }
}

#[derive(Default)]
pub(super) struct Problems {
    listed: Vec<Problem>,
    count: u64,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(problem);
        }
    }

    /// A failure if there are any.
    pub(super) fn check(self, input: &str) -> Result<(), Failure> {
        if self.count == 0 {
            return Ok(());
        }
        let more = self.count - self.listed.len() as u64;
        let mut message = format!("{input} has {}:", counted(self.count, "problem"));
        for problem in &self.listed {
            message.push_str(&format!("\n  {problem}"));
        }
        if more > 0 {
            message.push_str(&format!("\n  and {} more", HumanCount(more)));
        }
        Err(Failure::file(message, "Correct the file and run the command again; nothing was sent.")
            .with_detail("problems", json!(self.listed))
            .with_detail("moreProblems", json!(more)))
    }
}
