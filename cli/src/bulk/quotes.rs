//! Quotation marks in a file that are not meant as CSV takes them, and put several rows into one cell.

use csv::ByteRecord;
use memchr::memchr;

/// Follows the quotation marks of a file, block by block.
pub(super) struct Quotes {
    delimiter: u8,
    state: State,
    /// Whether the cell that was opened last goes on over a line end.
    has_line_end: bool,
    /// How many bytes came before the block.
    before: u64,
    /// Where text first follows the mark that closes a cell of several lines, which CSV takes for more of the cell.
    stray: Option<u64>,
}

#[derive(Clone, Copy)]
enum State {
    /// Outside quotation marks; at the beginning of a cell or not.
    Outside(bool),
    Inside,
    /// Behind a mark that closes a cell, unless it is one of two for one.
    Closing,
    Closed,
}

impl Quotes {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Outside(true), has_line_end: false, before: 0, stray: None }
    }

    /// Where text first follows the mark that closes a cell of several lines.
    pub(super) fn stray(&self) -> Option<u64> {
        self.stray
    }

    pub(super) fn take(&mut self, block: &[u8]) {
        let is_end = |byte: &u8| *byte == self.delimiter || *byte == b'\n';
        let (mut state, mut rest) = (self.state, block);
        if self.before == 0 {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        }
        while let Some(first) = rest.first() {
            let mut taken = 1;
            state = match state {
                State::Outside(is_start) => match memchr(b'"', rest) {
                    Some(found) => {
                        taken = found + 1;
                        let before = found.checked_sub(1).and_then(|before| rest.get(before));
                        match before.map_or(is_start, is_end) {
                            true => {
                                self.has_line_end = false;
                                State::Inside
                            }
                            false => State::Outside(false),
                        }
                    }
                    None => {
                        taken = rest.len();
                        State::Outside(rest.last().is_some_and(is_end))
                    }
                },
                State::Inside => {
                    let found = memchr(b'"', rest);
                    taken = found.map_or(rest.len(), |found| found + 1);
                    self.has_line_end |= rest.get(..taken).is_some_and(|cell| memchr(b'\n', cell).is_some());
                    if found.is_some() { State::Closing } else { State::Inside }
                }
                State::Closing if *first == b'"' => State::Inside,
                State::Closing | State::Closed if is_end(first) => State::Outside(true),
                State::Closing | State::Closed if first.is_ascii_whitespace() => State::Closed,
                State::Closing | State::Closed => {
                    if self.has_line_end && self.stray.is_none() {
                        self.stray = Some(self.before + (block.len() - rest.len()) as u64);
                    }
                    State::Outside(false)
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.state = state;
        self.before += block.len() as u64;
    }
}

/// A cell of a row that has a line which would be a row of so many cells by itself: its place, and that of the line in the row.
/// What would do as a row is asked for with the cells, and which of them come from that line.
pub(super) fn line_like_a_row(
    row: &ByteRecord,
    width: usize,
    delimiter: u8,
    would_do: impl Fn(&[&[u8]], std::ops::Range<usize>) -> bool,
) -> Option<(usize, u64)> {
    let mut line_in_row = 0;
    for (place, cell) in row.iter().enumerate() {
        let ends = cell.iter().filter(|byte| **byte == b'\n').count();
        for (number, line) in cell.split(|byte| *byte == b'\n').enumerate().filter(|_| ends > 0) {
            let mut cells: Vec<_> = if number == 0 { row.iter().take(place).collect() } else { Vec::new() };
            let first = cells.len();
            cells.extend(line.split(|byte| *byte == delimiter));
            let inside = first..cells.len();
            if number == ends {
                cells.extend(row.iter().skip(place + 1));
            }
            let is_wider = cells.iter().skip(width).any(|cell| !cell.trim_ascii().is_empty());
            if cells.len() >= width && !is_wider && would_do(&cells, inside) {
                return Some((place, line_in_row + number as u64));
            }
        }
        line_in_row += ends as u64;
    }
    None
}
