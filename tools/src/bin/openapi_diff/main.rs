//! What changed between two descriptions, and what of it breaks users of the SDK:
//! `cargo run -p tools --bin openapi_diff -- [--json] OLD NEW`, each a file or a directory of OpenAPI documents.
//!
//! Ids, examples, descriptions and order are ignored. What had to be left out of a description is told on standard error. The
//! exit code is 0 if nothing breaks, 1 if something does, and 2 if the descriptions cannot be compared.

#[path = "../../../../codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;

mod access;
mod compare;
mod difference;
mod found;
mod plain;
mod report;
mod schema;
mod versions;

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let (flags, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let (json, [old, new]) = (flags == ["--json"], paths.as_slice()) else {
        eprintln!("usage: cargo run -p tools --bin openapi_diff -- [--json] OLD NEW");
        return ExitCode::from(2);
    };
    if !json && !flags.is_empty() {
        eprintln!("unknown flag {}; the only one is --json", flags.join(" "));
        return ExitCode::from(2);
    }
    let mut warnings = Vec::new();
    let changes = compare::changes(Path::new(old), Path::new(new), &mut warnings);
    // They may say why an operation is not there.
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    match changes {
        Ok(changes) => {
            print!("{}", if json { report::json(&changes) } else { report::table(&changes) });
            ExitCode::from(u8::from(changes.iter().any(|change| change.breaking)))
        }
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::from(2)
        }
    }
}
