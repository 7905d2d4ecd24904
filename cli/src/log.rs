//! The log of what is sent: a line of JSON for each attempt, in a file, on standard error, or both.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{SecondsFormat, Utc};
use hubspot_partner_clients::{Attempt, Error, Observer};
use serde_json::{Value, json};

use crate::{
    failure::{Failure, write_to_stderr},
    output_file::stream,
    printable::to_line,
};

/// The beginning of the first line of a log, which distinguishes a log from any other file.
const BEGINNING: &str = "{\"log\":\"hubspot-partner-clients\"";

/// Clones write to one log. No secret gets in, nor anything that was sent or answered but statuses and ids.
#[derive(Clone)]
pub(super) struct Log(Arc<Inner>);

struct Inner {
    path: Option<PathBuf>,
    /// None once it cannot be written.
    file: Mutex<Option<File>>,
    trouble: Mutex<Option<io::Error>>,
    verbose: bool,
    json: bool,
}

impl Log {
    /// Begins a log, at the end of the file if it has one.
    pub(super) fn begin(path: Option<&Path>, verbose: bool, json: bool) -> Result<Self, Failure> {
        let file = path.map(open).transpose()?;
        Ok(Self(Arc::new(Inner {
            path: path.map(Path::to_owned),
            file: Mutex::new(file),
            trouble: Mutex::default(),
            verbose,
            json,
        })))
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Whether lines go to standard error, where nothing else may be drawn then.
    pub(super) fn is_verbose(&self) -> bool {
        self.0.verbose
    }

    /// Whether what goes to standard error is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.0.json
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.0.verbose || self.0.path.is_some()
    }

    /// Tells if not all could be written.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (trouble, self.path()) {
            (Some(error), Some(path)) => {
                Err(Failure::io(format_args!("--log {} cannot be written", path.display()), &error))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, line: &str) {
        let mut file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = file.as_mut().map(|file| file.write_all(line.as_bytes())) {
            *file = None;
            *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

/// An attempt of a request, and how it ended.
pub(super) struct Line<'a> {
    pub(super) operation: &'a str,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) number: u32,
    pub(super) duration: Duration,
    pub(super) status: Option<u16>,
    pub(super) error: Option<&'a Error>,
}

impl Observer for Log {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        let Attempt { operation, number, duration, status, error, .. } = *attempt;
        let (operation, method, path) = (operation.id, operation.method, operation.path);
        self.line(&Line { operation, method, path, number, duration, status, error });
    }
}

impl Log {
    /// Logs an attempt.
    pub(super) fn line(&self, line: &Line<'_>) {
        let Line { operation, method, path, number, duration, status, error } = line;
        let milliseconds = duration.as_millis() as u64;
        let kind = error.map(|error| error.kind().as_str());
        let line = to_line(&json!({
            "time": now(),
            "operation": operation,
            "method": method,
            "path": path,
            "attempt": number,
            "milliseconds": milliseconds,
            "status": status,
            "error": kind,
            "correlationId": error.and_then(|error| error.correlation_id()).map(ToString::to_string),
        }));
        self.write(&line);
        if self.0.verbose && self.0.json {
            write_to_stderr(&line);
        } else if self.0.verbose {
            let came = status.map_or("no response".to_owned(), |status| status.to_string());
            let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            write_to_stderr(&format!("{operation}: attempt {number}: {came}{kind} after {milliseconds} ms\n"));
        }
    }
}

fn now() -> Value {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into()
}

/// Opens a log, or a file that has nothing in it.
fn open(path: &Path) -> Result<File, Failure> {
    let refused = |trouble: &str| {
        let message = format!("--log {} {trouble}", path.display());
        Failure::file(message, "Give --log the path of a new file or of an earlier log; nothing was sent.")
    };
    let unusable = |error: io::Error| refused(&format!("cannot be used: {error}"));
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(refused("is not a regular file")),
        // So do devices of Windows answer, such as `NUL`.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    if let Some(stream) = stream(path) {
        return Err(refused(&format!("is also {stream}")));
    }
    let mut file = File::options().read(true).append(true).create(true).open(path).map_err(unusable)?;
    let mut beginning = String::new();
    let found = (&file).take(BEGINNING.len() as u64).read_to_string(&mut beginning);
    if found.is_err() || !(beginning.is_empty() || beginning == BEGINNING) {
        return Err(refused("is a file of another kind"));
    }
    let version = env!("CARGO_PKG_VERSION");
    // The order of the fields is that of `BEGINNING`.
    let first = format!("{BEGINNING},\"time\":{},\"version\":\"{version}\"}}\n", now());
    file.write_all(first.as_bytes()).map_err(unusable)?;
    Ok(file)
}
