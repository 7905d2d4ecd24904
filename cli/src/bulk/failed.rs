//! The file of failed rows.

use std::{io, path::Path};

use hubspot_partner_clients::Error;

use super::{
    rows::Rows,
    spreadsheet::{neutral, plain},
};
use crate::{failure::Failure, output_file::OutputFile, printable::printable};

/// What is added to a row; where the input has them already, as such a file has, they are replaced.
const ADDED: [&str; 2] = ["error", "correlation_id"];

/// It holds more than most rows, so that a row is seldom written in two pieces.
const BUFFER: usize = 1 << 16;

pub(super) struct FailedRows {
    writer: csv::Writer<OutputFile>,
    /// Which of the input's columns are kept.
    kept: Vec<bool>,
}

impl FailedRows {
    /// Makes sure that the file can be written, and begins it. The old one stays until the [end](Self::end).
    pub(super) fn open(path: &Path, rows: &Rows, others: &[(&str, &Path)]) -> Result<Self, Failure> {
        let file = OutputFile::create("--failed", path, others)?;
        let added = |name: &[u8]| ADDED.iter().any(|added| added.as_bytes() == name.trim_ascii());
        let kept = rows.header().map(|name| !added(name)).collect();
        let writer = csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(file);
        let mut failed = Self { writer, kept };
        failed.write(rows.header(), ADDED)?;
        failed.flush()?;
        failed.writer.get_ref().check()?;
        Ok(failed)
    }

    pub(super) fn add(&mut self, rows: &Rows, error: &Error) -> Result<(), Failure> {
        let correlation_id = error.correlation_id().map(ToString::to_string).unwrap_or_default();
        self.write(rows.fields(), [&printable(&error.to_string()), &correlation_id])
    }

    /// Has the system know all rows so far.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| unwritten(&error))
    }

    /// Puts the file into its place.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.writer.into_inner().map_err(|error| unwritten(error.error()))?.commit()
    }

    fn write<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]>, added: [&str; 2]) -> Result<(), Failure> {
        let kept = fields.zip(&self.kept).filter(|(_, kept)| **kept).map(|(field, _)| neutral(plain(field)));
        let record = kept.chain(added.map(|text| neutral(text.as_bytes())));
        self.writer.write_record(record).map_err(|error| unwritten(&error.into()))
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::io("the rows that failed cannot be written", error)
}
