//! A file of any bytes in place of CSV: it is refused with what is wrong and where, or each of its rows is read, and read the
//! same from the file of failed rows.
//!
//! It is a fuzz target (`fuzz/fuzz_targets/csv.rs`), which `cargo test` runs briefly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it panics where something does not hold"
)]

use std::{fs, path::PathBuf};

use clap::Parser;
use hmac_sha256::Hash;
use hubspot_partner_clients::Association;
use tokio::runtime::{Builder, Runtime};

use super::{annotated::Annotated, check::check, input::Input, layout::TypedTable, rows::Rows};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    table: TypedTable,
}

/// The options with which a file is read.
const OPTIONS: [&[&str]; 3] = [
    &[],
    &["--to-type", "companies", "--type", "owner"],
    &["--column", "to_object_id.domain=Website", "--column", "partner_client_id=Client", "--type", "owner"],
];

/// A file that is gone in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        thread_local! {
            static HERE: u8 = const { 0 };
        }
        let here = HERE.with(|here| format!("{here:p}"));
        Self(std::env::temp_dir().join(format!("any-{}-{here}.csv", std::process::id())))
    }

    fn input(&self, content: &[u8], options: &[&str]) -> Input {
        fs::write(&self.0, content).unwrap();
        let options = Options::parse_from([&["tool"], options].concat());
        wait(Input::new(&self.0, options.table.layout())).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Which options, and the file.
pub(crate) fn csv(data: &[u8]) {
    let [which, content @ ..] = data else { return };
    let options = OPTIONS[usize::from(*which) % OPTIONS.len()];
    let place = Place::new();
    let input = place.input(content, options);
    let checked = match wait(check(&input)) {
        Ok(checked) => checked,
        Err(failure) => {
            check_refusal(failure.message(), content);
            return;
        }
    };
    let digest: String = Hash::hash(content).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(checked.digest, digest);
    let (values, failed) = read(&input);
    assert_eq!(values.len() as u64, checked.rows);
    if let Some(lines) = plain_rows(content) {
        assert_eq!(checked.rows, lines as u64, "no row is lost, and none is made");
    }
    // The file of failed rows has them all.
    let (again, _) = read(&place.input(&failed, options));
    assert_eq!(again, values, "{}", String::from_utf8_lossy(&failed));
}

/// All rows by their four values, and the file of failed rows that has them.
fn read(input: &Input) -> (Vec<[String; 4]>, Vec<u8>) {
    let mut rows = Rows::open(input).unwrap();
    let columns = Annotated::new(&rows, ["error", "correlation_id"]);
    let mut writer = csv::WriterBuilder::new().delimiter(rows.form().delimiter).from_writer(Vec::new());
    writer.write_record(columns.header(&rows)).unwrap();
    let (mut all, mut line) = (Vec::new(), 0);
    while rows.advance().unwrap().unwrap_or_else(|problem| panic!("{problem}")) {
        assert!(rows.line() > line, "a line for each row");
        line = rows.line();
        let values = rows.values();
        let has_key = rows.keys().next().is_some();
        let association = Association::new(values[0], values[1], values[2], values[3]);
        assert!(has_key || association.is_ok(), "{values:?} was accepted");
        all.push(values.map(str::to_owned));
        writer.write_record(columns.row(&rows, ["=no", "x"])).unwrap();
    }
    (all, writer.into_inner().unwrap())
}

/// It says what is wrong, in lines that a terminal can show, with places that the file has.
fn check_refusal(message: &str, content: &[u8]) {
    assert!(!message.is_empty() && message.lines().count() <= 22, "{message}");
    assert!(!message.chars().any(|c| c.is_control() && c != '\n'), "{message:?}");
    let ends = content.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for line in message.lines().filter_map(|line| line.trim_start().strip_prefix("line ")) {
        let number: usize = line.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
        assert!((1..=ends + 1).contains(&number), "{message}");
    }
}

/// How many rows a file has, where that is clear: without quotation marks and carriage returns, one in each line.
fn plain_rows(content: &[u8]) -> Option<usize> {
    if content.contains(&b'"') || content.contains(&b'\r') {
        return None;
    }
    let text = str::from_utf8(content).ok()?.trim_start_matches('\u{feff}');
    let is_blank = |line: &str| line.chars().all(|c| ",;|\t ".contains(c) || c.is_ascii_whitespace());
    let mut lines = text.lines().filter(|line| !is_blank(line));
    let first = lines.next()?;
    // With another line, by which Excel names the delimiter.
    Some(lines.count() - usize::from(first.to_ascii_lowercase().starts_with("sep=")))
}

#[cfg(test)]
#[path = "../../../tests/support/mutations.rs"]
mod mutations;

#[cfg(test)]
#[test]
fn a_file_of_any_bytes_is_refused_or_read_whole() {
    mutations::run(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/csv"), 1_024, csv);
}
