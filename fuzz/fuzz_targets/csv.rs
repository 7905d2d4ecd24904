//! The tool is a program and no library, so the parts of it that read CSV files are built into this target.
#![no_main]
#![allow(dead_code)]

#[path = "../tool/bulk.rs"]
mod bulk;
#[path = "../../cli/src/command_line.rs"]
mod command_line;
#[path = "../../cli/src/exit.rs"]
mod exit;
#[path = "../../cli/src/failure.rs"]
mod failure;
#[path = "../../cli/src/key.rs"]
mod key;
#[path = "../../cli/src/printable.rs"]
mod printable;
#[path = "../../cli/src/spreadsheet.rs"]
mod spreadsheet;
#[path = "../../cli/src/words.rs"]
mod words;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bulk::any_file::csv(data));
