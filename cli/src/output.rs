//! Standard output: aligned tables for people, JSON and CSV for programs. No colours.

use std::{
    fmt,
    io::{self, BufWriter, Stdout, Write},
};

use clap::ValueEnum;
use futures_util::FutureExt;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::failure::{Failure, write_to_stderr};
use crate::{
    printable::{printable, printable_lines, to_line},
    spreadsheet::neutral,
};

/// After so many rows a table's widths are settled, so that it takes no more memory however long it is.
const ROWS_MEASURED: usize = 200;

/// The form of standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns, and sentences
    #[default]
    Table,
    /// JSON, or JSON Lines for lists and outcomes; errors are JSON on standard error
    Json,
    /// CSV for lists and outcomes; sentences and summaries go to standard error
    Csv,
}

pub(super) struct Output {
    pub(super) json: bool,
    pub(super) csv: bool,
    out: BufWriter<Stdout>,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self { json: format == Format::Json, csv: format == Format::Csv, out: BufWriter::new(io::stdout()) }
    }

    /// A JSON document in a line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.bytes(to_line(value).as_bytes())
    }

    /// Text for people, in which nothing is a command to their terminal. Beside CSV, it goes to standard error.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) -> Result<(), Failure> {
        let line = printable_lines(&line.to_string()) + "\n";
        if self.csv {
            self.flush()?;
            write_to_stderr(&line);
            return Ok(());
        }
        self.bytes(line.as_bytes())
    }

    /// A row of CSV.
    pub(super) fn record(&mut self, cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(cells).map_err(|error| Failure::output(&error.into()))?;
        let line = writer.into_inner().map_err(|error| Failure::output(error.error()))?;
        self.bytes(&line)
    }

    /// A row of CSV of texts from anywhere: neither a terminal nor a spreadsheet takes one for a command.
    pub(super) fn texts(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), Failure> {
        let cells = cells.into_iter().map(|cell| printable(cell.as_ref()));
        self.record(cells.map(|cell| neutral(cell.as_bytes()).into_owned()))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|error| Failure::output(&error))
    }

    /// Waits for what comes next. Whatever is written already goes out before that takes time.
    pub(super) async fn wait<F: Future + Unpin>(&mut self, mut next: F) -> Result<F::Output, Failure> {
        if let Some(next) = (&mut next).now_or_never() {
            return Ok(next);
        }
        self.flush()?;
        Ok(next.await)
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }
}

/// A table with a heading.
pub(super) struct Table {
    /// A summary is for people, and no CSV.
    is_summary: bool,
    /// Those that are not written yet.
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(super) fn new<S: Into<String>>(heading: impl IntoIterator<Item = S>) -> Self {
        let rows = vec![heading.into_iter().map(Into::into).collect()];
        Self { is_summary: false, rows, widths: None }
    }

    pub(super) fn summary<S: Into<String>>(heading: impl IntoIterator<Item = S>) -> Self {
        Self { is_summary: true, ..Self::new(heading) }
    }

    pub(super) fn row<S: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = S>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let is_csv = output.csv && !self.is_summary;
        let nothing = if is_csv { "" } else { "-" };
        let cell = |cell: S| if cell.as_ref().is_empty() { nothing.to_owned() } else { printable(cell.as_ref()) };
        self.rows.push(cells.into_iter().map(cell).collect());
        if is_csv || self.widths.is_some() || self.rows.len() > ROWS_MEASURED { self.write(output) } else { Ok(()) }
    }

    pub(super) fn end(mut self, output: &mut Output) -> Result<(), Failure> {
        self.write(output)
    }

    fn write(&mut self, output: &mut Output) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
        if output.csv && !self.is_summary {
            return rows.iter().try_for_each(|row| output.texts(row));
        }
        let widths = self.widths.get_or_insert_with(|| {
            let columns = rows.first().map_or(0, Vec::len);
            let width = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |cell| cell.width());
            (0..columns).map(|column| rows.iter().map(|row| width(row, column)).max().unwrap_or_default()).collect()
        });
        for row in &rows {
            let padded = row
                .iter()
                .zip(&*widths)
                .map(|(cell, width)| cell.clone() + &" ".repeat(width.saturating_sub(cell.width())));
            output.line(format_args!("{}", padded.collect::<Vec<_>>().join("  ").trim_end()))?;
        }
        Ok(())
    }
}
