//! What a run tells of each row, and at the end.

use std::{collections::BTreeSet, fmt, time::Duration};

use hubspot_partner_clients::{Client, Error, bulk::Progress};
use serde_json::json;

use super::{Change, rows::Rows};
use crate::cli::{
    failure::{Code, Failure, to_json},
    output::{Output, Table, printable},
    suggest,
};

/// How many causes are shown to people, and how many lines of each.
const SHOWN: usize = 10;
const LINES: usize = 5;
/// How many association types are looked up at the end.
const LOOKED_UP: usize = 5;

pub(super) struct Report {
    change: Change,
    rows: u64,
    succeeded: u64,
    failed: u64,
    /// The most telling of all failures.
    code: Code,
    causes: Vec<Cause>,
    /// How many rows failed of causes that are not shown.
    others: u64,
    /// What HubSpot may have refused because of the association type, with the object type.
    suspects: BTreeSet<(String, String)>,
    suspicion: Option<Error>,
}

impl Report {
    pub(super) fn new(change: Change, rows: u64) -> Self {
        Self {
            change,
            rows,
            succeeded: 0,
            failed: 0,
            code: Code::Success,
            causes: Vec::new(),
            others: 0,
            suspects: BTreeSet::new(),
            suspicion: None,
        }
    }

    /// How many rows have an outcome.
    pub(super) fn settled(&self) -> u64 {
        self.succeeded + self.failed
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Takes the outcome of the row that `rows` stands at.
    pub(super) fn add(&mut self, rows: &Rows, result: Result<(), &Error>, output: &mut Output) -> Result<(), Failure> {
        let values = rows.values();
        if output.json {
            let [partner_client, to_type, to_id, association_type] = values;
            let mut outcome = json!({
                "line": rows.line(),
                "partner_client_id": partner_client,
                "to_object_type": to_type,
                "to_object_id": to_id,
                "association_type": association_type,
                "result": if result.is_ok() { self.change.done() } else { "failed" },
            });
            if let (Err(error), Some(outcome)) = (result, outcome.as_object_mut()) {
                outcome.insert("error".to_owned(), to_json(error));
            }
            output.json(&outcome)?;
        }
        let Err(error) = result else {
            self.succeeded += 1;
            return Ok(());
        };
        self.failed += 1;
        self.code = first(self.code, Code::from(error));
        self.count(error, rows.line());
        if suggest::may_be_association_type(error) && self.suspects.len() < LOOKED_UP {
            let [_, to_type, _, association_type] = values;
            self.suspects.insert((to_type.to_owned(), association_type.to_owned()));
            self.suspicion.get_or_insert_with(|| error.clone());
        }
        Ok(())
    }

    /// Rows that failed alike are told together.
    fn count(&mut self, error: &Error, line: u64) {
        let text = error.to_string();
        // Each answer has its own.
        let id = error.correlation_id().map(|id| format!(" (correlation id {id})")).unwrap_or_default();
        let key = text.strip_suffix(&*id).unwrap_or(&text);
        if let Some(cause) = self.causes.iter_mut().find(|cause| cause.key == key) {
            cause.rows += 1;
            if cause.lines.len() < LINES {
                cause.lines.push(line);
            }
        } else if self.causes.len() < SHOWN {
            self.causes.push(Cause { key: key.to_owned(), text, rows: 1, lines: vec![line] });
        } else {
            self.others += 1;
        }
    }

    /// Tells of the whole run. With a client, association types that HubSpot does not know are looked up.
    pub(super) async fn end(
        &self,
        client: Option<&Client>,
        progress: &Progress,
        took: Duration,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let open = self.rows - self.settled();
        if output.json {
            return output.json(&json!({"summary": {
                "rows": self.rows,
                (self.change.done()): self.succeeded,
                "failed": self.failed,
                "not_settled": open,
                "requests": progress.requests,
                "retries": progress.retries,
                "seconds": took.as_secs_f64(),
            }}));
        }
        for cause in &self.causes {
            output.line(format_args!("{cause}"))?;
        }
        if self.others > 0 {
            output.line(format_args!("and {} more rows failed for other reasons", self.others))?;
        }
        if let (Some(error), Some(client)) = (&self.suspicion, client) {
            for (to_type, association_type) in &self.suspects {
                if let Some(hint) = suggest::association_type(client, to_type, association_type, error).await {
                    output.line(format_args!("{hint}"))?;
                }
            }
        }
        let mut table =
            Table::new(["rows", self.change.done(), "failed", "not settled", "requests", "retries", "time"]);
        let counts = [self.rows, self.succeeded, self.failed, open, progress.requests, progress.retries];
        let cells = counts.iter().map(ToString::to_string).chain([format!("{:.1} s", took.as_secs_f64())]);
        table.row(cells, output)?;
        table.end(output)
    }
}

/// Why rows failed.
struct Cause {
    key: String,
    /// Of the first row.
    text: String,
    rows: u64,
    /// Of the first rows.
    lines: Vec<u64>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let more = self.rows - self.lines.len() as u64;
        match (self.rows, more) {
            (1, _) => write!(f, "line {lines}")?,
            (rows, 0) => write!(f, "{rows} rows, lines {lines}")?,
            (rows, more) => write!(f, "{rows} rows, lines {lines} and {more} more")?,
        }
        write!(f, ": {}", printable(&self.text))
    }
}

/// The one that says more of what to do, as `--help` has it.
pub(in crate::cli) fn first(a: Code, b: Code) -> Code {
    let order = [Code::Usage, Code::Token, Code::Network, Code::Refused];
    order.into_iter().find(|code| [a, b].contains(code)).unwrap_or(a)
}
