//! Standard output: aligned tables for people, JSON for programs. No colours.

use std::{
    fmt,
    io::{self, BufWriter, Stdout, Write},
};

use futures_util::FutureExt;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::failure::Failure;
use crate::printable::{printable, printable_lines, to_line};

/// After so many rows a table's widths are settled, so that it takes no more memory however long it is.
const ROWS_MEASURED: usize = 200;

pub(super) struct Output {
    pub(super) json: bool,
    out: BufWriter<Stdout>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, out: BufWriter::new(io::stdout()) }
    }

    /// A JSON document in a line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.bytes(to_line(value).as_bytes())
    }

    /// Text for people, in which nothing is a command to their terminal.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) -> Result<(), Failure> {
        self.bytes(printable_lines(&line.to_string()).as_bytes())?;
        self.bytes(b"\n")
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

    #[cfg(feature = "redis")]
    pub(super) fn writer(&mut self) -> impl Write {
        &mut self.out
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }
}

/// A table with a heading.
pub(super) struct Table {
    /// Those that are not written yet.
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(super) fn new<S: Into<String>>(heading: impl IntoIterator<Item = S>) -> Self {
        Self { rows: vec![heading.into_iter().map(Into::into).collect()], widths: None }
    }

    pub(super) fn row<S: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = S>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let cell = |cell: S| if cell.as_ref().is_empty() { "-".to_owned() } else { printable(cell.as_ref()) };
        self.rows.push(cells.into_iter().map(cell).collect());
        if self.widths.is_some() || self.rows.len() > ROWS_MEASURED { self.write(output) } else { Ok(()) }
    }

    pub(super) fn end(mut self, output: &mut Output) -> Result<(), Failure> {
        self.write(output)
    }

    fn write(&mut self, output: &mut Output) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
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
