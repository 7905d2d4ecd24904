//! The file of the rows that failed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use hubspot_partner_clients::Error;

use super::rows::Rows;
use crate::cli::failure::Failure;

/// What is added to a row; where the input has them already, as such a file has, they are replaced.
const ADDED: [&str; 2] = ["error", "correlation_id"];

pub(super) struct FailedRows {
    path: PathBuf,
    writer: csv::Writer<File>,
    /// Which of the input's columns are kept; `None` before there is a header.
    kept: Option<Vec<bool>>,
}

impl FailedRows {
    /// Makes sure that the file can be written. What it holds stays until [`begin`](Self::begin).
    pub(super) fn open(path: &Path, others: &[Option<&Path>]) -> Result<Self, Failure> {
        let canonical = |path: &Path| fs::canonicalize(path).ok();
        let same = |other: &Path| path == other || (canonical(path).is_some() && canonical(path) == canonical(other));
        if others.iter().flatten().any(|other| same(other)) {
            let message = format!("{} would be overwritten by the rows that failed", path.display());
            return Err(Failure::file(message, "Give --failed another path."));
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| unwritten(path, error.into()))?;
        Ok(Self { path: path.to_owned(), writer: csv::Writer::from_writer(file), kept: None })
    }

    /// Empties the file and writes the header, the first time that it is called.
    pub(super) fn begin(&mut self, rows: &Rows) -> Result<(), Failure> {
        if self.kept.is_some() {
            return Ok(());
        }
        self.writer.get_ref().set_len(0).map_err(|error| unwritten(&self.path, error.into()))?;
        let added = |name: &[u8]| ADDED.iter().any(|added| added.as_bytes() == name.trim_ascii());
        self.kept = Some(rows.header().map(|name| !added(name)).collect());
        self.write(rows.header(), ADDED)
    }

    pub(super) fn add(&mut self, rows: &Rows, error: &Error) -> Result<(), Failure> {
        let correlation_id = error.correlation_id().map(ToString::to_string).unwrap_or_default();
        self.write(rows.fields(), [&error.to_string(), &correlation_id])
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| unwritten(&self.path, error.into()))
    }

    fn write<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]>, added: [&str; 2]) -> Result<(), Failure> {
        let kept = fields.zip(self.kept.iter().flatten()).filter_map(|(field, kept)| kept.then_some(field));
        let record = kept.chain(added.map(str::as_bytes));
        self.writer.write_record(record).map_err(|error| unwritten(&self.path, error))
    }
}

fn unwritten(path: &Path, error: csv::Error) -> Failure {
    Failure::io(format_args!("{} cannot be written", path.display()), &error.into())
}
