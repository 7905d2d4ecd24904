//! What a run tells of each row, and at the end.

use std::{collections::BTreeSet, time::Duration};

use hubspot_partner_clients::{Client, Error, bulk::Progress};
use serde_json::json;

use super::{Change, failed::FailedRows, rows::Rows};
use crate::cli::{
    failure::{Code, Failure, to_json},
    output::{Output, Table, printable},
    suggest,
};

/// How many failures are shown to people.
const SHOWN: u64 = 10;
/// How many association types are looked up at the end.
const LOOKED_UP: usize = 5;

pub(super) struct Report {
    change: Change,
    rows: u64,
    succeeded: u64,
    failed: u64,
    /// The most telling of all failures.
    code: Code,
    shown: Vec<String>,
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
            shown: Vec::new(),
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
    pub(super) fn add(
        &mut self,
        rows: &Rows,
        result: Result<(), &Error>,
        failed: Option<&mut FailedRows>,
        output: &mut Output,
    ) -> Result<(), Failure> {
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
        if self.failed <= SHOWN {
            self.shown.push(format!("line {}: {}", rows.line(), printable(&error.to_string())));
        }
        if suggest::may_be_association_type(error) && self.suspects.len() < LOOKED_UP {
            let [_, to_type, _, association_type] = values;
            self.suspects.insert((to_type.to_owned(), association_type.to_owned()));
            self.suspicion.get_or_insert_with(|| error.clone());
        }
        failed.map_or(Ok(()), |failed| failed.add(rows, error))
    }

    /// Tells of the whole run.
    pub(super) async fn end(
        &self,
        client: &Client,
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
        for failure in &self.shown {
            output.line(format_args!("{failure}"))?;
        }
        if self.failed > SHOWN {
            output.line(format_args!("and {} more rows failed", self.failed - SHOWN))?;
        }
        if let Some(error) = &self.suspicion {
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

/// The one that says more of what to do, as `--help` has it.
pub(in crate::cli) fn first(a: Code, b: Code) -> Code {
    let order = [Code::Usage, Code::Token, Code::Network, Code::Refused];
    order.into_iter().find(|code| [a, b].contains(code)).unwrap_or(a)
}
