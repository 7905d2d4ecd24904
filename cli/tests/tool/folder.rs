//! Folders with CSV files.
#![allow(dead_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use hubspot_simulator::{Fault, Simulator};
use tempfile::TempDir;

use crate::cli::{Ran, path, run_at};
use crate::support::crm;

pub const HEADER: &str = "partner_client_id,to_object_type,to_object_id,association_type\n";

pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    /// A copy that can be run. Another process writes it: a process that another test starts while this one had it open for
    /// writing would keep it open, and Linux runs no file that is.
    pub fn program(&self, name: &str, source: impl AsRef<Path>) -> PathBuf {
        let installed = Command::new("install").args(["-m", "755"]).arg(source.as_ref()).arg(self.at(name)).status();
        assert!(installed.unwrap().success());
        self.at(name)
    }

    pub fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Rows every second of which fails.
pub fn rows(count: usize) -> String {
    HEADER.to_owned() + &"1,companies,1,owner\n1,companies,9,owner\n".repeat(count / 2)
}

/// A HubSpot that takes its time.
pub async fn slow() -> Simulator {
    crm(1, 1).fault(Fault::delay(Duration::from_millis(20))).start().await.unwrap()
}

/// Runs `associate-many` with a file of this content.
pub fn associate(hubspot: &Simulator, content: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    let files = Folder::new();
    let file = files.write("rows.csv", content);
    run_at(hubspot, &[&["associate-many", path(&file)], options].concat())
}
