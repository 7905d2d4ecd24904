//! The rows of a CSV file, one at a time.

use std::{borrow::Cow, iter, mem, ops::Range};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use hubspot_partner_clients::{AssociationType, ObjectId, ObjectType, PartnerClientId};
use memchr::memchr;

use super::{
    columns::name,
    form::{Foreign, Form, columns_in, is_blank, is_delimiter_line},
    input::Input,
    problems::{Column, Problem, Problems},
    quotes::{Quotes, line_like_a_row},
    source::Source,
};
use crate::{
    failure::Failure,
    key::{self, PARTNER_CLIENTS},
    spreadsheet::plain,
    words::counted,
};

/// A row beyond it has a quotation mark that is not closed, and would take the rest of the file.
const MAX_ROW: u64 = 1 << 20;
const BUFFER: usize = 1 << 16;

/// How many names of a header are shown, and how much of each.
const MOST_NAMES: usize = 12;
const MOST_CHARS: usize = 40;

/// How many rows below the first may be the header instead.
const TITLE_ROWS: usize = 20;

const NOT_UTF_8: &str = "not in UTF-8 but in an older encoding, such as Windows-1252: save the file as \"CSV UTF-8\"";

pub(crate) struct Rows {
    input: Input,
    form: Form,
    reader: csv::Reader<Source>,
    header: ByteRecord,
    /// Where in a row the four columns are; none where a value is the same in all rows.
    columns: [Option<usize>; 4],
    row: ByteRecord,
}

/// An object that a row names by a property.
pub(super) struct Key<'a> {
    pub(super) object_type: &'a str,
    pub(super) property: Cow<'a, str>,
    pub(super) value: &'a str,
}

impl Rows {
    /// Opens the input and finds the columns in its first row.
    pub(super) fn open(input: &Input) -> Result<Self, Failure> {
        let (content, sample) = input.open()?;
        let (names, _) = input.layout().names();
        let form = Form::of(&sample, &names).map_err(|Foreign { what, remedy }| {
            Failure::file(
                format!("{} is {what}, not CSV in UTF-8", input.name()),
                format!("{remedy} Nothing was sent."),
            )
        })?;
        let source = Source::new(content, input.clone(), form);
        // The carriage return of a CRLF is removed from the last field instead, because only lines that end with LF
        // have numbers to rely on. Rows of another width are reported with their line.
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(form.delimiter)
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(BUFFER)
            .from_reader(source);
        let (header, row) = (ByteRecord::new(), ByteRecord::new());
        let mut rows = Self { input: input.clone(), form, reader, header, columns: [None; 4], row };
        let mut first = rows.advance()?;
        if matches!(first, Ok(true)) && is_delimiter_line(&rows.row) {
            first = rows.advance()?;
        }
        let problems = match first {
            Ok(true) => {
                rows.header = rows.row.clone();
                let found = rows.find_columns();
                let mut problems = found.map_or_else(|problems| problems, |()| rows.swallowed().into_iter().collect());
                if let Some(problem) = problems.last_mut()
                    && let Some(line) = rows.find_header()
                {
                    problem.message.push_str(&format!(". Line {line} has all of them: remove the lines above it"));
                }
                problems
            }
            Ok(false) => vec![Problem { line: 1, column: None, message: "the file is empty".to_owned() }],
            Err(problem) => vec![problem],
        };
        let mut all = Problems::default();
        problems.into_iter().for_each(|problem| all.add(problem));
        all.check(&input.name())?;
        Ok(rows)
    }

    /// What there is to say where the file is no longer what was checked.
    pub(super) fn changed(&self) -> Failure {
        let message = format!("{} was changed after it was checked", self.input.name());
        Failure::file(message, "Run the command again with a file that does not change meanwhile.")
    }

    /// How the file is written.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Goes to the next row that is not empty; false at the end.
    ///
    /// # Errors
    /// A file that cannot be read or is no longer what was checked, or else, within, a row that is too long, after which there is no going on.
    pub(super) fn advance(&mut self) -> Result<Result<bool, Problem>, Failure> {
        loop {
            self.reader.get_mut().left = MAX_ROW;
            let line = self.reader.position().line();
            match self.reader.read_byte_record(&mut self.row) {
                // After the line end behind everything, only a row that goes on inside quotation marks needs more.
                Ok(true) if self.reader.get_ref().is_read => {
                    let (line, column) = (self.line() + 1, None);
                    let message =
                        "a quotation mark is not closed, so the rest of the file would be in this row".to_owned();
                    return Ok(Err(Problem { line, column, message }));
                }
                Ok(more) => {
                    if !more || !is_blank(&self.row) {
                        return Ok(Ok(more));
                    }
                }
                Err(_) if self.reader.get_ref().left == 0 => {
                    let message = "the row is longer than 1 MiB: a quotation mark may not be closed".to_owned();
                    return Ok(Err(Problem { line, column: None, message }));
                }
                Err(_) if self.reader.get_ref().is_changed => return Err(self.changed()),
                Err(error) => {
                    return Err(Failure::io(format_args!("{} cannot be read", self.input.name()), &error.into()));
                }
            }
        }
    }

    /// The line in which the row begins.
    pub(super) fn line(&self) -> u64 {
        let inside = self.row.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
        // The reader stands behind the line end, which every row has.
        self.reader.position().line().saturating_sub(inside + 1)
    }

    pub(super) fn header(&self) -> impl Iterator<Item = &[u8]> {
        fields(&self.header)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let missing = self.header.len().saturating_sub(self.row.len());
        fields(&self.row).chain(iter::repeat_n(&b""[..], missing))
    }

    /// The values of the four columns, empty where there are none. An object that is named by a property has its id, once that
    /// is known.
    pub(super) fn values(&self) -> [&str; 4] {
        let mut values = self.cells();
        if !self.input.has_ids() {
            return values;
        }
        for (part, key) in self.keys() {
            if let (Some(value), Some(id)) =
                (values.get_mut(part), self.input.id(key.object_type, &key.property, key.value))
            {
                *value = id;
            }
        }
        values
    }

    /// The same, as the file has them.
    fn cells(&self) -> [&str; 4] {
        [0, 1, 2, 3].map(|part| self.cell(part))
    }

    fn cell(&self, part: usize) -> &str {
        let column = self.columns.get(part).copied().flatten();
        let field = column.and_then(|column| self.row.get(column));
        let cell = field.and_then(|field| str::from_utf8(plain(field)).ok()).unwrap_or_default().trim();
        if !cell.is_empty() {
            return cell;
        }
        self.input.layout().constant(part).map_or(cell, |(constant, _)| constant)
    }

    /// The objects that the row names by a property, with their place among the four values.
    pub(super) fn keys(&self) -> impl Iterator<Item = (usize, Key<'_>)> {
        let may_be = self.input.layout().has_properties() || memchr(b'=', self.row.as_slice()).is_some();
        let [partner_client, to_type, to_id, _] = if may_be { self.cells() } else { [""; 4] };
        let keys = [(0, PARTNER_CLIENTS, partner_client), (2, to_type, to_id)];
        keys.into_iter().filter_map(|(part, object_type, cell)| {
            let (property, value) = match self.input.layout().property(part) {
                Some(property) => (property.into(), cell),
                None => key::parse(cell).map(|(property, value)| (property.into(), value))?,
            };
            Some((part, Key { object_type, property, value }))
        })
    }

    /// What the options contradict: the place of a value, and what is wrong with it.
    pub(super) fn contradictions(&self) -> impl Iterator<Item = (usize, String)> {
        [(1, "object type"), (3, "association type")].into_iter().filter_map(|(part, what)| {
            let (constant, option) = self.input.layout().constant(part)?;
            let differs = !self.cell(part).eq_ignore_ascii_case(constant);
            differs.then(|| (part, format!("the {what} must be {constant}, as {option} says")))
        })
    }

    /// A problem with one of the four values.
    pub(super) fn problem(&self, value: usize, message: String) -> Problem {
        let column = self.columns.get(value).copied().flatten().map(|number| self.column(number));
        Problem { line: self.line(), column, message }
    }

    /// What is wrong with the row, apart from its values.
    pub(super) fn trouble(&self) -> Option<Problem> {
        if let Some(swallowed) = self.swallowed() {
            return Some(swallowed);
        }
        let (width, expected) = (self.row.len(), self.header.len());
        // They write none for empty cells at the end of a row.
        let lacks = width < expected && self.columns.into_iter().flatten().any(|column| column >= width);
        let is_cut = width < expected && self.reader.get_ref().is_cut_at(self.reader.position().byte());
        // Spreadsheets write delimiters for columns that were used once.
        let is_wider = self.row.iter().skip(expected).any(|field| !field.trim_ascii().is_empty());
        if lacks || is_cut || is_wider {
            let mut message = format!(
                "the row has {}, but the header has {}",
                counted(width as u64, "field"),
                counted(expected as u64, "field")
            );
            if is_cut {
                message.push_str(", and no line end: the file may be cut off");
            }
            return Some(Problem { line: self.line(), column: None, message });
        }
        let is_number = self.cell(0).starts_with(|c: char| c.is_ascii_digit());
        let is_name = |column: usize| self.row.get(column).map(name) == self.header.get(column).map(name);
        if !is_number && self.columns.into_iter().flatten().all(is_name) {
            let message = "the header is repeated: remove this line".to_owned();
            return Some(Problem { line: self.line(), column: None, message });
        }
        if self.row.as_slice().is_ascii() {
            return None;
        }
        let number = self.row.iter().position(|field| str::from_utf8(field).is_err())?;
        let message = format!("the value is {NOT_UTF_8}");
        Some(Problem { line: self.line(), column: Some(self.column(number)), message })
    }

    /// A cell of the row that has more rows in it, because of a quotation mark that is only text.
    fn swallowed(&self) -> Option<Problem> {
        memchr(b'\n', self.row.as_slice())?;
        let (begin, end) = (self.row.position().map_or(0, csv::Position::byte), self.reader.position().byte());
        let quotes = self.reader.get_ref().quotes.as_ref();
        let is_stray = quotes.and_then(Quotes::stray).is_some_and(|stray| (begin..end).contains(&stray));
        let (line, last) = (self.line(), self.reader.position().line().saturating_sub(1));
        let would_do = |cells: &[&[u8]], inside: Range<usize>| self.would_do(cells, inside);
        let found = line_like_a_row(&self.row, self.header.len(), self.form.delimiter, would_do);
        let (place, why) = match found {
            Some((place, within)) => (place, format!("and line {} in it looks like a row", line + within)),
            None if is_stray => {
                let place = self.row.iter().position(|cell| memchr(b'\n', cell).is_some())?;
                (place, "where more text follows the mark that ends it".to_owned())
            }
            None => return None,
        };
        let message = format!(
            "a quotation mark begins a cell here that goes on to line {last}, {why}: remove the mark, or put the whole cell into \
             quotation marks and write each mark within twice"
        );
        Some(Problem { line, column: Some(self.column(place)), message })
    }

    /// Whether these cells could be a row, some of whose values are among those inside.
    fn would_do(&self, cells: &[&[u8]], inside: Range<usize>) -> bool {
        let is_good = |(part, column): (usize, usize)| {
            let Some(text) = cells.get(column).and_then(|cell| str::from_utf8(plain(cell)).ok()) else { return false };
            let value = text.trim();
            match part {
                // In sentences, a space follows a comma.
                0 | 2 if self.input.layout().property(part).is_some() => !value.is_empty() && !text.starts_with(' '),
                0 | 2 if key::parse(value).is_some() => true,
                0 => PartnerClientId::new(value).is_ok(),
                2 => ObjectId::new(value).is_ok(),
                _ if value.is_empty() => self.input.layout().constant(part).is_some(),
                1 => ObjectType::new(value).is_ok(),
                _ => AssociationType::new(value).is_ok(),
            }
        };
        let columns = || self.columns.into_iter().enumerate().filter_map(|(part, column)| Some((part, column?)));
        columns().any(|(_, column)| inside.contains(&column)) && columns().all(is_good)
    }

    /// Lets all that was read be what the input is from now on, and returns its SHA-256.
    pub(super) fn keep_digests(mut self) -> String {
        let source = self.reader.get_mut();
        self.input.keep_blocks(mem::take(&mut source.blocks));
        source.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn column(&self, number: usize) -> Column {
        let name = self.header().nth(number).map(|name| String::from_utf8_lossy(name).trim().to_owned());
        Column { number: number + 1, name: name.unwrap_or_default() }
    }

    fn find_columns(&mut self) -> Result<(), Vec<Problem>> {
        let line = self.line();
        let names: Vec<_> = self.header().map(name).collect();
        let header: Vec<_> = self.header().map(|header| String::from_utf8_lossy(header).trim().to_owned()).collect();
        let (mut problems, mut missing) = (Vec::new(), Vec::new());
        let (input, mut part) = (self.input.clone(), 0);
        for found in &mut self.columns {
            let (wanted, is_given) = input.layout().header(part);
            let mut places: Vec<_> =
                (0..names.len()).filter(|place| names.get(*place) == Some(&name(wanted.as_bytes()))).collect();
            // Of several that are compared as the same name, one may be spelt as it was given.
            let exact = |place: &usize| header.get(*place).is_some_and(|header| header == wanted);
            if is_given && places.len() > 1 && places.iter().filter(|place| exact(place)).count() == 1 {
                places.retain(exact);
            }
            match places[..] {
                [place] => *found = Some(place),
                [] if is_given => problems.push(format!("there is no column {wanted}, which --column names")),
                [] if input.layout().is_required(part) => missing.push(wanted),
                [] => {}
                [first, second, ..] => {
                    problems.push(format!("there are two columns {wanted}: columns {} and {}", first + 1, second + 1))
                }
            }
            part += 1;
        }
        if let Some((last, others)) = missing.split_last() {
            let others = if others.is_empty() { String::new() } else { format!("{} or ", others.join(", ")) };
            problems.push(format!("there is no column {others}{last}"));
        }
        if let Some(problem) = problems.last_mut().filter(|problem| problem.starts_with("there is no")) {
            problem.push_str(&format!("; the header has: {}", self.header_as_text()));
        }
        let problem = |message| Problem { line, column: None, message };
        if problems.is_empty() { Ok(()) } else { Err(problems.into_iter().map(problem).collect()) }
    }

    /// The line of a header below the first row, as of a table with a title.
    fn find_header(&mut self) -> Option<u64> {
        let (names, required) = self.input.layout().names();
        for _ in 0..TITLE_ROWS {
            let Ok(Ok(true)) = self.advance() else { return None };
            if columns_in(&self.row, &names) >= required {
                return Some(self.line());
            }
        }
        None
    }

    fn header_as_text(&self) -> String {
        let mut names: Vec<_> = self.header().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        names.iter_mut().filter(|name| name.chars().count() > MOST_CHARS).for_each(|name| {
            *name = name.chars().take(MOST_CHARS).chain(['…']).collect();
        });
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let is_number = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let hint = if names.iter().any(is_number) {
            ". It looks like a row: the first line must name the columns"
        } else if self.header().any(|name| str::from_utf8(name).is_err()) {
            return format!("{}{more}. It is {NOT_UTF_8}", names.join(", "));
        } else {
            ""
        };
        format!("{}{more}{hint}", names.join(", "))
    }
}

/// Without the carriage return of the row's end.
fn fields(row: &ByteRecord) -> impl Iterator<Item = &[u8]> {
    let last = row.len().saturating_sub(1);
    row.iter().enumerate().map(move |(place, field)| match field.strip_suffix(b"\r") {
        Some(field) if place == last => field,
        _ => field,
    })
}
