//! The file of failed rows.

use std::{
    io::{self, Write},
    path::Path,
};

use hubspot_partner_clients::Error;

use super::{annotated::Annotated, form::MARK, rows::Rows};
use crate::{
    failure::{Failure, cells},
    output_file::OutputFile,
};

const ADDED: [&str; 2] = ["error", "correlation_id"];

/// It holds more than most rows, so that a row is seldom written in two pieces.
const BUFFER: usize = 1 << 16;

pub(super) struct FailedRows {
    writer: csv::Writer<OutputFile>,
    columns: Annotated<2>,
}

impl FailedRows {
    /// Makes sure that the file can be written, and begins it in the form of the input, so that the same programs read it. The
    /// old one stays until the [end](Self::end).
    pub(super) fn open(path: &Path, rows: &Rows, others: &[(&str, &Path)]) -> Result<Self, Failure> {
        let mut file = OutputFile::create("--failed", path, others)?;
        let form = rows.form();
        if form.has_mark {
            file.write_all(MARK).map_err(|error| unwritten(&error))?;
        }
        let mut writer = csv::WriterBuilder::new().delimiter(form.delimiter).buffer_capacity(BUFFER).from_writer(file);
        let columns = Annotated::new(rows, ADDED);
        writer.write_record(columns.header(rows)).map_err(|error| unwritten(&error.into()))?;
        let mut failed = Self { writer, columns };
        failed.flush()?;
        failed.writer.get_ref().check()?;
        Ok(failed)
    }

    pub(super) fn add(&mut self, rows: &Rows, error: &Error) -> Result<(), Failure> {
        let [message, correlation_id] = cells(Some(error));
        let record = self.columns.row(rows, [&message, &correlation_id]);
        self.writer.write_record(record).map_err(|error| unwritten(&error.into()))
    }

    /// Has the system know all rows so far.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| unwritten(&error))
    }

    /// Puts the file into its place.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.writer.into_inner().map_err(|error| unwritten(error.error()))?.commit()
    }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::io("the rows that failed cannot be written", error)
}
