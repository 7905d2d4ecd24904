//! The report of a run: the outcome of each row, and the summary.

use std::{collections::BTreeSet, time::Duration};

use hubspot_partner_clients::{Client, Error, bulk::Progress};
use indicatif::HumanCount;
use serde_json::json;

use super::{annotated::Annotated, causes::Causes, change::Change, rows::Rows};
use crate::{
    exit::Code,
    failure::{Failure, cells, to_json},
    output::{Output, Table},
    printable::printable,
    suggest,
    words::counted,
};

/// How many association types are looked up at the end.
const LOOKED_UP: usize = 5;

pub(super) struct Report {
    change: Change,
    /// Those of CSV.
    columns: Annotated<3>,
    rows: u64,
    succeeded: u64,
    failed: u64,
    /// How many of both an earlier run has settled.
    from_journal: [u64; 2],
    /// The exit code that takes precedence among all failures.
    code: Code,
    causes: Causes,
    /// What HubSpot may have refused because of the association type, with the object type.
    suspects: BTreeSet<(String, String)>,
    suspicion: Option<Error>,
}

impl Report {
    pub(super) fn begin(change: Change, count: u64, rows: &Rows, output: &mut Output) -> Result<Self, Failure> {
        let columns = Annotated::new(rows, ["result", "error", "correlation_id"]);
        if output.csv {
            output.record(columns.header(rows))?;
        }
        Ok(Self {
            change,
            columns,
            rows: count,
            succeeded: 0,
            failed: 0,
            from_journal: [0; 2],
            code: Code::Success,
            causes: Causes::default(),
            suspects: BTreeSet::new(),
            suspicion: None,
        })
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
        is_from_journal: bool,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let [succeeded, failed] = &mut self.from_journal;
        *(if result.is_ok() { succeeded } else { failed }) += u64::from(is_from_journal);
        let word = if result.is_ok() { self.change.done() } else { "failed" };
        self.record(rows, word, result.err(), is_from_journal, output)?;
        let Err(error) = result else {
            self.succeeded += 1;
            return Ok(());
        };
        self.failed += 1;
        self.code = self.code.first(Code::from(error));
        self.causes.add_error(error, rows.line());
        if suggest::may_be_association_type(error) && self.suspects.len() < LOOKED_UP {
            let [_, to_type, _, association_type] = rows.values();
            self.suspects.insert((to_type.to_owned(), association_type.to_owned()));
            self.suspicion.get_or_insert_with(|| error.clone());
        }
        Ok(())
    }

    /// Tells that the row that `rows` stands at is not sent because of an error. It counts as not settled.
    pub(super) fn leave(&mut self, rows: &Rows, error: &Error, output: &mut Output) -> Result<(), Failure> {
        self.record(rows, "not sent", Some(error), false, output)
    }

    fn record(
        &self,
        rows: &Rows,
        word: &str,
        error: Option<&Error>,
        is_from_journal: bool,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if output.json {
            let [partner_client, to_type, to_id, association_type] = rows.values();
            let mut outcome = json!({
                "line": rows.line(),
                "partnerClientId": partner_client,
                "toObjectType": to_type,
                "toObjectId": to_id,
                "associationType": association_type,
                "result": word,
            });
            if let Some(outcome) = outcome.as_object_mut() {
                if is_from_journal {
                    outcome.insert("fromJournal".to_owned(), true.into());
                }
                if let Some(error) = error {
                    outcome.insert("error".to_owned(), to_json(error));
                }
            }
            output.json(&outcome)?;
        } else if output.csv {
            let [message, correlation_id] = cells(error);
            output.record(self.columns.row(rows, [word, &message, &correlation_id]))?;
        }
        Ok(())
    }

    /// Reports on the whole run. With a client, association types that HubSpot does not know are looked up.
    pub(super) async fn end(
        &self,
        client: Option<&Client>,
        progress: &Progress,
        took: Duration,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut hints = Vec::new();
        if let (Some(error), Some(client)) = (&self.suspicion, client) {
            for (to_type, association_type) in &self.suspects {
                hints.extend(suggest::association_type(client, to_type, association_type, error).await);
            }
        }
        let open = self.rows - self.settled();
        let from_journal = self.from_journal.iter().sum::<u64>();
        if output.json {
            return output.json(&json!({"summary": {
                "rows": self.rows,
                (self.change.done()): self.succeeded,
                "failed": self.failed,
                "fromJournal": from_journal,
                "unsettled": open,
                "requests": progress.requests,
                "retries": progress.retries,
                "seconds": took.as_secs_f64(),
                "causes": self.causes.json(),
                "otherCauses": self.causes.others(),
                "hints": hints,
            }}));
        }
        self.causes.print(output)?;
        for hint in hints {
            output.line(format_args!("{}", printable(&hint)))?;
        }
        let [succeeded, failed] = self.from_journal;
        // With a journal, what this run did stands apart.
        let mut columns = vec![
            ("rows", number(self.rows)),
            (self.change.heading(), number(self.succeeded - succeeded)),
            ("failed", number(self.failed - failed)),
            ("not settled", number(open)),
            ("requests", number(progress.requests)),
            ("retries", number(progress.retries)),
            ("time", format!("{:.1} s", took.as_secs_f64())),
        ];
        if from_journal > 0 {
            let (all, succeeded, failed) = (counted(from_journal, "row"), HumanCount(succeeded), HumanCount(failed));
            let heading = self.change.heading();
            output.line(format_args!(
                "{all} from the journal, settled by an earlier run: {succeeded} {heading}, {failed} failed."
            ))?;
            columns.insert(1, ("from journal", number(from_journal)));
        }
        let mut table = Table::summary(columns.iter().map(|(heading, _)| *heading));
        table.row(columns.iter().map(|(_, cell)| cell), output)?;
        table.end(output)
    }
}

fn number(count: u64) -> String {
    HumanCount(count).to_string()
}
