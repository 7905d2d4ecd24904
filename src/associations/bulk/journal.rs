//! Journal of a run, from which an interrupted run resumes.
//!
//! A text file to which lines are appended, the first of which says what it is a journal of:
//!
//! ```text
//! hubspot-partner-clients journal 3 {"operation":"associate","input":"contacts.csv","server":"https://api.hubapi.com","apiVersion":"v3"} 0f4ac0f5
//! 0 00f1d3a5b2c49e77 made 3c1f0a52
//! 2 9be06c1144d2830a failed {"operation":"batch_associate","attempts":1,"status":400,"message":"…"} 81d20f6e
//! ```
//!
//! Each further line is an input that is recorded: its index from 0, a digest of it, what became of it, and why. A line
//! ends with the CRC-32 of what stands before that, so that one which a crash cut short shows. Tokens never get in:
//! errors hold none.

mod index;
mod line;

use std::{
    collections::TryReserveError,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

use self::{
    index::{Index, What, short},
    line::{Header, Line, Outcome, seal, unseal},
};
use crate::{
    api_version::ApiVersion,
    error::{Error, Result, excerpt::excerpt},
};

const NAME: &str = "hubspot-partner-clients journal ";
const VERSION: &str = "3";
const NEW_ONE: &str = "give another path for a new journal";

/// A file that records the outcomes of a run, so that an interrupted run can be resumed.
///
/// An input is recorded once it was carried out, or once HubSpot refused it for what it is, such as an id that does not
/// exist. An outcome that may be different next time is not recorded, and the next run tries the input again: no
/// connection, no response in time, a missing token, scope or permit, a conflict with another change, a server error, an
/// error from a gateway or a wrong base URL, a refusal whose reason cannot be read, and a value refused before anything was
/// sent.
///
/// The journal survives the end of the process at any moment: a line that was cut short is skipped. It is not forced to
/// the disk, so a power failure may lose the last lines. Their inputs are sent again, which does no harm: associations
/// can be made and removed twice.
///
/// A journal belongs to its `input`, the operation, the server (by the client's base URL), the version of HubSpot's API,
/// and the [account](Self::account) if it is given. A run with anything else is refused, and nothing is sent.
///
/// The inputs themselves are compared only where the journal has recorded one, each when the run comes to it: from the
/// first that differs, nothing is sent. Other inputs where nothing is recorded, or fewer inputs, are not noticed, so put a
/// digest of all inputs into `input`.
///
/// An access token changes, so neither the token nor a digest of it is recorded: without an account, the journals of two
/// accounts on one server look the same, so give an account wherever a program may have tokens of several.
/// [`Client::account`](crate::Client::account) asks HubSpot which account a token belongs to.
///
/// Reading and writing block, writing for a few kilobytes after each request. Opening reads the whole file, which takes
/// a fraction of a second for a million inputs, and uses 8 bytes of memory for each; what the run adds uses none. The
/// file is locked while it is open. It takes about 40 bytes for an input that was made and some hundred for one that
/// failed. An error larger than 2 KiB loses its details, its context and the end of its message.
///
/// ```no_run
/// # fn run() -> hubspot_partner_clients::Result<()> {
/// use hubspot_partner_clients::bulk::Journal;
///
/// let file = "contacts.journal";
/// let journal = Journal::open(file, "contacts.csv")?;
/// println!("{} are done", journal.recorded());
/// # Ok(())
/// # }
/// ```
pub struct Journal {
    path: PathBuf,
    file: File,
    input: String,
    account: Option<String>,
    /// The first line; `None` before there is one.
    header: Option<Header>,
    /// Where the last good line ends in the file.
    end: u64,
    /// Lines that come after it.
    buffer: Vec<u8>,
    /// What was recorded when the journal was opened.
    index: Index,
}

/// What a journal knows of an input.
#[derive(Debug)]
pub(crate) enum Recorded {
    Made,
    Failed(Error),
}

impl Journal {
    /// Opens the journal at `path`, or creates it. `input` is a name for the inputs as a whole: give a digest of them all,
    /// such as that of the file that they come from, so that a run with others is refused.
    ///
    /// # Errors
    /// [`Error::is_journal`] if the file
    /// - cannot be opened, read or locked, or is in use by another run;
    /// - is not a journal, belongs to another `input`, or has another format;
    /// - is damaged before its last line.
    ///
    /// The file stays as it is.
    pub fn open(path: impl AsRef<Path>, input: &str) -> Result<Self> {
        let path = path.as_ref();
        let failed = |trouble: &str, error: io::Error, remedy: &str| Error::journal_io(path, trouble, error, remedy);
        // A pipe would wait for ever, and a device never end.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::journal(path, "is not a file", "give the path of a file, new or existing"));
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(|e| {
            failed("cannot be opened", e, "give a path in an existing directory where reading and writing are allowed")
        })?;
        // The standard library has this from Rust 1.89 on.
        FileExt::try_lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => {
                Error::journal(path, "is in use", "wait until the run that uses it ends, or give this run its own")
            }
            TryLockError::Error(e) => failed("cannot be locked", e, "keep it on a file system that supports locks"),
        })?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            input: input.to_owned(),
            account: None,
            header: None,
            end: 0,
            buffer: Vec::new(),
            index: Index::default(),
        };
        journal.read()?;
        Ok(journal)
    }

    /// Sets the HubSpot account of the run, such as its hub id. A journal that was started with another account, or
    /// without one, is refused when the run starts. Set it if your program serves more than one account.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// How many inputs earlier runs have recorded.
    pub fn recorded(&self) -> u64 {
        self.index.count
    }

    /// Whether an earlier run has recorded the input at `index`, counted from 0.
    pub fn is_recorded(&self, index: u64) -> bool {
        self.index.get(index).is_some()
    }

    /// The account that the journal was begun with; `None` for a new one, or one that was begun without.
    pub fn begun_with_account(&self) -> Option<&str> {
        self.header.as_ref()?.account.as_deref()
    }

    /// Lets the run send the input at `index` again, although an earlier run has recorded that it was carried out: call it, before
    /// the run, for what was reversed since. An input that HubSpot refused stays recorded.
    pub fn send_again(&mut self, index: u64) {
        self.index.forget_made(index);
    }

    /// Lets each later write fail.
    #[cfg(all(test, feature = "simulator"))]
    pub(in crate::associations) fn close(&mut self) {
        self.file = File::open(&self.path).unwrap();
    }

    fn read(&mut self) -> Result<()> {
        let unread = |error| Error::journal_io(&self.path, "cannot be read", error, "try again, or restore the file");
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        let mut line = Vec::new();
        // No more of a file that may be anything.
        reader.by_ref().take(NAME.len() as u64).read_to_end(&mut line).map_err(unread)?;
        if !NAME.as_bytes().starts_with(&line) {
            return Err(Error::journal(&self.path, "is not a journal", NEW_ONE));
        }
        reader.read_until(b'\n', &mut line).map_err(unread)?;
        let header = self.header(&line)?;
        if header.is_some() {
            self.end = line.len() as u64;
        }
        let mut damaged = header.is_none();
        self.header = header;
        for number in 2_u64.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(unread)? == 0 {
                break;
            }
            if damaged {
                return Err(self.damaged(format_args!("in line {}", number - 1)));
            }
            match Line::parse(&line) {
                Some(Line { index, digest, outcome }) => {
                    let what = match outcome {
                        Outcome::Made => What::Made(digest),
                        Outcome::Failed(_) => What::Failed(self.end),
                    };
                    self.index.insert(index, what).map_err(|e| no_room(&self.path, index, &e))?;
                    self.end += line.len() as u64;
                }
                None => damaged = true,
            }
        }
        Ok(())
    }

    /// The first line, unless it is damaged.
    fn header(&self, line: &[u8]) -> Result<Option<Header>> {
        let after_name = line.get(NAME.len()..).unwrap_or_default();
        let version = after_name.iter().position(|&byte| byte == b' ').and_then(|end| after_name.get(..end));
        if let Some(version) = version.filter(|version| *version != VERSION.as_bytes()) {
            let version = excerpt(&String::from_utf8_lossy(version), 20);
            let trouble = format_args!("has format {version:?}, and this version of the crate knows {VERSION:?}");
            let remedy = format!("{NEW_ONE}, or continue with the version that wrote it");
            return Err(Error::journal(&self.path, trouble, remedy));
        }
        let header = unseal(line).and_then(|text| text.strip_prefix(NAME)?.split_once(' '));
        match header.and_then(|(_, json)| serde_json::from_str::<Header>(json).ok()) {
            Some(header) if header.input != self.input => {
                let (theirs, ours) = (excerpt(&header.input, 64), excerpt(&self.input, 64));
                Err(self.other_input(format_args!("{theirs:?}, not {ours:?}")))
            }
            header => Ok(header),
        }
    }

    /// Comes before anything is found or recorded.
    ///
    /// # Errors
    /// For a journal of another operation, server, version of HubSpot's API or account, and where it cannot be written.
    pub(crate) fn begin(&mut self, operation: &'static str, server: &str, version: ApiVersion) -> Result<()> {
        if let Some(header) = &self.header {
            header.check(operation, server, version, self.account.as_deref()).map_err(|trouble| {
                let remedy = "give another path for a new journal, or repeat the run that it belongs to";
                Error::journal(&self.path, trouble, remedy)
            })?;
        }
        // What a crash left of a line.
        self.file.set_len(self.end).map_err(|e| unwritten(&self.path, e))?;
        if self.header.is_none() {
            let header = Header {
                operation: operation.to_owned(),
                input: self.input.clone(),
                server: server.to_owned(),
                api_version: version,
                account: self.account.clone(),
            };
            let json = serde_json::to_string(&header).map_err(|e| unwritten(&self.path, e.into()))?;
            let mut line = format!("{NAME}{VERSION} {json}").into_bytes();
            seal(&mut line, 0);
            self.append(&line)?;
            self.header = Some(header);
        }
        Ok(())
    }

    /// What became of the input at `index`, if an earlier run has recorded it.
    ///
    /// # Errors
    /// Where the input at `index` was another, by its digest.
    pub(crate) fn find(&self, index: u64, digest: impl FnOnce() -> u64) -> Result<Option<Recorded>> {
        let (same, recorded) = match self.index.get(index) {
            None => return Ok(None),
            Some(What::Made(known)) => (known == short(digest()), Recorded::Made),
            Some(What::Failed(offset)) => {
                let (known, error) = self.failure(offset)?;
                (known == digest(), Recorded::Failed(error))
            }
        };
        match recorded {
            _ if !same => Err(self.other_input(format_args!("input {index} was another one"))),
            Recorded::Failed(error) if !error.is_lasting() => Ok(None),
            recorded => Ok(Some(recorded)),
        }
    }

    /// The failure in the line at `offset`, and its input's digest.
    fn failure(&self, offset: u64) -> Result<(u64, Error)> {
        let read = |mut file: &File| {
            let mut line = Vec::new();
            file.seek(SeekFrom::Start(offset))?;
            BufReader::with_capacity(1 << 10, file).read_until(b'\n', &mut line)?;
            io::Result::Ok(line)
        };
        let line = read(&self.file)
            .map_err(|e| Error::journal_io(&self.path, "cannot be read", e, "try again, or restore the file"))?;
        let failure = Line::parse(&line).and_then(|Line { digest, outcome, .. }| match outcome {
            Outcome::Failed(json) => Some((digest, Error::from_json(&json).ok()?)),
            Outcome::Made => None,
        });
        failure.ok_or_else(|| self.damaged(format_args!("at byte {offset}")))
    }

    /// Takes what became of an input, to be written by the next [`flush`](Self::flush); nothing of a failure that may not
    /// last.
    pub(crate) fn record(&mut self, index: u64, digest: u64, result: &Result<()>) {
        let outcome = match result {
            Ok(()) => Outcome::Made,
            Err(error) if error.is_lasting() => match error.to_json() {
                Ok(json) => Outcome::Failed(json.into()),
                Err(_) => return,
            },
            Err(_) => return,
        };
        Line { index, digest, outcome }.write(&mut self.buffer);
    }

    /// Writes what was recorded, in one piece; it then survives the end of the process.
    ///
    /// # Errors
    /// Where it cannot be written, as on a full disk. It is kept for the next attempt.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let outcome = self.append(&buffer);
        self.buffer = buffer;
        if outcome.is_ok() {
            self.buffer.clear();
        }
        outcome
    }

    /// After the last good line, so that the next attempt overwrites what a failed one left.
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.end))?;
            self.file.write_all(bytes)
        };
        write().map_err(|e| unwritten(&self.path, e))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn other_input(&self, difference: fmt::Arguments<'_>) -> Error {
        Error::journal(&self.path, format_args!("belongs to another input: {difference}"), NEW_ONE)
    }

    fn damaged(&self, place: fmt::Arguments<'_>) -> Error {
        let remedy = "restore the file, or delete that line if it is not the first; its input is then sent again";
        Error::journal(&self.path, format_args!("is damaged {place}"), remedy)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // A process that the program is just starting has the file open as well, and would keep it locked.
        let _ = FileExt::unlock(&self.file);
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("input", &self.input)
            .field("account", &self.account)
            .field("header", &self.header)
            .field("recorded", &self.index.count)
            .finish_non_exhaustive()
    }
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    Error::journal_io(path, "cannot be written", error, "free disk space and allow writing to it")
}

fn no_room(path: &Path, index: u64, error: &TryReserveError) -> Error {
    Error::journal(
        path,
        format_args!("has no memory left for input {index} ({error})"),
        "give another path for a new journal, or run where there is more memory",
    )
}

#[cfg(test)]
mod tests;
