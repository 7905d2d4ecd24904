//! Which files are taken for the journal of a run.

use std::{fs, path::Path};

use hubspot_partner_clients::{Error, bulk::Journal};
use tempfile::TempDir;

fn refusal(path: &Path) -> Error {
    let error = Journal::open(path, "contacts.csv").unwrap_err();
    assert!(error.is_journal() && !error.is_invalid_input() && !error.is_retryable(), "{error}");
    assert!(error.message().starts_with(&format!("the journal {} ", path.display())), "{error}");
    assert!(error.message().contains(": give ") || error.message().contains(": wait "), "{error}");
    assert!(error.remedy().contains("journal"));
    error
}

#[test]
fn a_journal_is_begun_where_there_is_none() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("new.journal");
    let journal = Journal::open(&path, "contacts.csv").unwrap();
    assert_eq!(journal.recorded(), 0);
    assert!(format!("{journal:?}").contains("contacts.csv"));
    drop(journal);
    assert_eq!(Journal::open(&path, "contacts.csv").unwrap().recorded(), 0);
}

#[test]
fn a_file_that_is_no_journal_stays_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("contacts.csv");
    for content in
        ["id,name\n512,Acme\n", "hubspot-partner-clients\n", "\n", "\0\0\0", "hubspot-partner-clients journaL 1"]
    {
        fs::write(&path, content).unwrap();
        assert!(refusal(&path).message().contains("is not a journal"));
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    assert!(refusal(directory.path()).message().contains("is not a file"));
}

#[test]
fn a_path_that_cannot_be_opened_is_named() {
    let directory = TempDir::new().unwrap();
    let error = refusal(&directory.path().join("none").join("run.journal"));
    assert!(error.message().contains("cannot be opened ("));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_journal_in_use_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("run.journal");
    let first = Journal::open(&path, "contacts.csv").unwrap();
    assert!(refusal(&path).message().contains("is in use"));
    drop(first);
    Journal::open(&path, "contacts.csv").unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("run.journal");
    fs::write(&path, "hubspot-partner-clients journal 4 and so on\n").unwrap();
    let error = Journal::open(&path, "contacts.csv").unwrap_err();
    assert!(error.is_journal() && error.message().contains("has format \"4\""), "{error}");
}
