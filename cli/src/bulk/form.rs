//! The form of a file by its first bytes: how its CSV is written, or what else it is.

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::columns::name;

/// How much of a file is looked at.
pub(super) const SAMPLE: usize = 1 << 16;

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) delimiter: u8,
    /// Lines end with a carriage return alone, as old programs for the Mac write them.
    pub(super) has_cr_lines: bool,
    /// Whether the file begins with the mark by which spreadsheets know UTF-8.
    pub(super) has_mark: bool,
}

/// The byte order mark of UTF-8.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that is no CSV in UTF-8: what it is, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
}

impl Form {
    /// `names` are those of the columns.
    pub(super) fn of(sample: &[u8], names: &[String]) -> Result<Self, Foreign> {
        if let Some(foreign) = Foreign::of(sample) {
            return Err(foreign);
        }
        let has_cr_lines = has_cr_lines(sample);
        let delimiter = delimiter(sample, if has_cr_lines { b'\r' } else { b'\n' }, names);
        Ok(Self { delimiter, has_cr_lines, has_mark: sample.starts_with(MARK) })
    }
}

/// By the first line end outside quotes: where lines end with CR, those inside a cell may be LF, and the other way round.
fn has_cr_lines(sample: &[u8]) -> bool {
    let mut is_quoted = false;
    let end = sample.iter().position(|byte| {
        is_quoted ^= *byte == b'"';
        !is_quoted && matches!(byte, b'\r' | b'\n')
    });
    match end.and_then(|end| sample.get(end..)) {
        Some([b'\r', next, ..]) => *next != b'\n',
        Some(_) => false,
        None => sample.contains(&b'\r') && !sample.contains(&b'\n'),
    }
}

/// The delimiter with which most of the columns are there; a comma where that says nothing.
fn delimiter(sample: &[u8], line_end: u8, names: &[String]) -> u8 {
    let columns = |delimiter: &u8| {
        let mut reader = ReaderBuilder::new();
        reader.has_headers(false).flexible(true).terminator(Terminator::Any(line_end)).delimiter(*delimiter);
        let records = reader.from_reader(sample).into_byte_records().map_while(Result::ok);
        // A title may stand above them.
        records.take(100).map(|record| columns_in(&record, names)).max()
    };
    // The last of those that are equal counts.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(columns).unwrap_or(b',')
}

/// How many of the columns a row names.
pub(super) fn columns_in(row: &ByteRecord, names: &[String]) -> usize {
    let found: Vec<_> = row.iter().map(name).collect();
    names.iter().filter(|name| found.contains(name)).count()
}

pub(super) fn is_blank(row: &ByteRecord) -> bool {
    row.iter().all(|field| field.trim_ascii().is_empty())
}

/// Whether the row is a line of the form `sep=;`, by which Excel names the delimiter.
pub(super) fn is_delimiter_line(row: &ByteRecord) -> bool {
    let line = row.iter().collect::<Vec<_>>().concat();
    // The delimiter itself is gone where it is the right one.
    line.trim_ascii().len() <= 5 && line.to_ascii_lowercase().starts_with(b"sep=")
}

const SAVE: &str =
    "Open it in the program it comes from, save it as \"CSV UTF-8\" (comma delimited), and use that file.";
const UNPACK: &str = "Unpack it, and use the CSV file inside.";
const AS_UTF_8: &str = "Save it as \"CSV UTF-8\" (in a text editor: encoding UTF-8), and use that file.";
const EXPORT: &str = "Export the rows as CSV, and use that file.";

impl Foreign {
    fn of(sample: &[u8]) -> Option<Self> {
        let foreign = |what, remedy| Some(Self { what, remedy });
        let starts = |signature: &[u8]| sample.starts_with(signature);
        let holds = |text: &[u8]| memchr::memmem::find(sample, text).is_some();
        if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            return if holds(b"opendocument.spreadsheet") {
                foreign("an OpenDocument spreadsheet (.ods)", SAVE)
            } else if holds(b"xl/") {
                foreign("an Excel workbook (.xlsx)", SAVE)
            } else if holds(b".iwa") {
                foreign("a Numbers spreadsheet", SAVE)
            } else if holds(b"word/") {
                foreign("a Word document", SAVE)
            } else if holds(b"[Content_Types].xml") {
                foreign("an Office document, probably an Excel workbook (.xlsx)", SAVE)
            } else {
                foreign("a ZIP archive", UNPACK)
            };
        }
        let signatures: [(&[u8], &str, &str); 17] = [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document, such as an Excel workbook (.xls)", SAVE),
            (b"\x1f\x8b", "compressed with gzip", UNPACK),
            (b"BZh", "compressed with bzip2", UNPACK),
            (b"\xfd7zXZ\0", "compressed with xz", UNPACK),
            (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", UNPACK),
            (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
            (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
            (b"%PDF-", "a PDF document", EXPORT),
            (b"{\\rtf", "a document in rich text format (RTF)", SAVE),
            (b"PAR1", "a Parquet file", EXPORT),
            (b"SQLite format 3\0", "an SQLite database", EXPORT),
            (b"\x89PNG", "an image", EXPORT),
            (b"\xff\xd8\xff", "an image", EXPORT),
            (b"\xff\xfe\0\0", "text in UTF-32", AS_UTF_8),
            (b"\0\0\xfe\xff", "text in UTF-32", AS_UTF_8),
            (b"\xff\xfe", "text in UTF-16 (\"Unicode text\")", AS_UTF_8),
            (b"\xfe\xff", "text in UTF-16 (big endian)", AS_UTF_8),
        ];
        if let Some((_, what, remedy)) = signatures.into_iter().find(|(signature, ..)| starts(signature)) {
            return foreign(what, remedy);
        }
        if sample.contains(&0) {
            return match zeros(sample) {
                [even, odd] if odd > 4 * even && odd > sample.len() / 8 => {
                    foreign("text in UTF-16 without a mark", AS_UTF_8)
                }
                [even, odd] if even > 4 * odd && even > sample.len() / 8 => {
                    foreign("text in UTF-16 (big endian) without a mark", AS_UTF_8)
                }
                _ => foreign("binary, not text", EXPORT),
            };
        }
        let text = sample.strip_prefix(MARK).unwrap_or(sample).trim_ascii_start();
        let begins =
            |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if ["<!doctype html", "<html", "<head", "<body", "<table", "<div"].into_iter().any(begins) {
            foreign("a web page (HTML)", "Download or export the file itself as CSV, and use that file.")
        } else if begins("<") {
            foreign("XML", EXPORT)
        } else if matches!(text, [b'{' | b'[', ..]) {
            foreign("JSON", EXPORT)
        } else {
            None
        }
    }
}

/// How many bytes at even and at odd places are zero.
fn zeros(sample: &[u8]) -> [usize; 2] {
    let count = |from: usize| sample.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    [count(0), count(1)]
}
