//! The columns of the input with more beside them, as CSV.

use std::borrow::Cow;

use super::rows::Rows;
use crate::spreadsheet::{neutral, plain};

/// Adds columns to those of the input. Where the input has them already, as a file of failed rows has, they are replaced.
pub(super) struct Annotated<const N: usize> {
    /// Which of the input's columns are kept.
    kept: Vec<bool>,
    added: [&'static str; N],
}

impl<const N: usize> Annotated<N> {
    pub(super) fn new(rows: &Rows, added: [&'static str; N]) -> Self {
        let is_added = |name: &[u8]| added.iter().any(|added| added.as_bytes() == name.trim_ascii());
        Self { kept: rows.header().map(|name| !is_added(name)).collect(), added }
    }

    pub(super) fn header<'a>(&'a self, rows: &'a Rows) -> Vec<Cow<'a, [u8]>> {
        self.record(rows.header(), self.added)
    }

    /// The row that `rows` stands at, with the values of the added columns.
    pub(super) fn row<'a>(&'a self, rows: &'a Rows, values: [&'a str; N]) -> Vec<Cow<'a, [u8]>> {
        self.record(rows.fields(), values)
    }

    fn record<'a>(&'a self, fields: impl Iterator<Item = &'a [u8]>, values: [&'a str; N]) -> Vec<Cow<'a, [u8]>> {
        let kept = fields.zip(&self.kept).filter(|(_, kept)| **kept).map(|(field, _)| neutral(plain(field)));
        kept.chain(values.map(|text| neutral(text.as_bytes()))).collect()
    }
}
