//! Names of files: long ones, those with spaces and in other scripts, and what Windows makes of names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hubspot_simulator::Simulator;

#[cfg(any(windows, target_os = "macos"))]
use crate::cli::sent;
use crate::cli::{Ran, path, run_at};
use crate::folder::{Folder, HEADER};
use crate::support::crm;

/// A run with each kind of file in a folder.
fn run_in(hubspot: &Simulator, folder: &Path, options: &[&str]) -> Ran {
    let at = |name: &str| folder.join(name);
    let (file, journal, failed) = (at("rows 1.csv"), at("run.journal"), at("failed.csv"));
    let (undo, log) = (at("undo.json"), at("run.log"));
    let files = ["--journal", path(&journal), "--failed", path(&failed), "--undo", path(&undo), "--log", path(&log)];
    run_at(hubspot, &[&["associate-many", path(&file)], &files[..], options].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_may_have_spaces_other_scripts_and_long_paths() {
    let root = Folder::new();
    let deep: PathBuf = (0..6).map(|_| "a folder whose name is long enough for six of them").collect();
    for name in ["my rows".into(), "größe 漢字 🏢".into(), deep] {
        let hubspot = crm(1, 1).start().await.unwrap();
        let folder = root.path().join(&name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rows 1.csv"), format!("{HEADER}1,companies,1,owner\n1,companies,9,owner\n")).unwrap();
        let ran = run_in(&hubspot, &folder, &["--json"]);
        assert_eq!(ran.code, Some(1), "{name:?}: {}", ran.err);
        assert_eq!(ran.json()[2]["summary"]["made"], 1);
        assert!(fs::read_to_string(folder.join("failed.csv")).unwrap().contains("1,companies,9,owner"));
        let resumed = run_in(&hubspot, &folder, &["--json"]);
        assert_eq!(resumed.json()[2]["summary"]["fromJournal"], 2, "{}", resumed.err);
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["failed.csv", "rows 1.csv", "run.journal", "run.log", "undo.json"]);
        let undo = folder.join("undo.json");
        assert_eq!(run_at(&hubspot, &["undo", path(&undo), "--yes"]).code, Some(0));
        assert_eq!(hubspot.association_count(), 0);
    }
}

/// Names that differ in case alone are two files elsewhere.
#[cfg(any(windows, target_os = "macos"))]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_differ_in_case_alone_are_one_file() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,1,owner\n"));
    let (one, other) = (folder.at("run.out"), folder.at("RUN.Out"));
    for (journal, failed) in [(&one, &other), (&one, &folder.at("ROWS.CSV"))] {
        let many = ["associate-many", path(&file), "--journal", path(journal), "--failed", path(failed)];
        let refused = run_at(&hubspot, &many);
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("would overwrite"), "{}", refused.err);
    }
    assert_eq!((folder.names(), sent(&hubspot)), (vec!["rows.csv".to_owned()], 0));
}

#[cfg(windows)]
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_windows_reserves_is_no_output_file() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,9,owner\n"));
    let in_folder = |name: &str| path(&folder.at(name)).to_owned();
    let names =
        ["NUL".to_owned(), "CON".to_owned(), in_folder("failed.csv:more"), in_folder("missing\\"), in_folder("NUL")];
    for (option, name) in names.iter().flat_map(|name| [("--failed", name), ("--undo", name)]) {
        let refused = run_at(&hubspot, &["associate-many", path(&file), option, name]);
        assert_eq!((refused.code, &*refused.out), (Some(2), ""), "{option} {name}: {}", refused.err);
        assert!(refused.err.contains(option), "{option} {name}: {}", refused.err);
    }
    for name in ["NUL", "CON"] {
        assert_eq!(run_at(&hubspot, &["associate-many", path(&file), "--journal", name]).code, Some(2), "{name}");
        assert_eq!(run_at(&hubspot, &["associate-many", name]).code, Some(2), "{name} as input");
    }
    assert_eq!((folder.names(), sent(&hubspot)), (vec!["rows.csv".to_owned()], 0));
}

#[cfg(windows)]
#[tokio::test(flavor = "multi_thread")]
async fn messages_name_files_as_people_write_them() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", format!("{HEADER}1,companies,9,owner\n"));
    fs::create_dir(folder.at("failed.csv.partial")).unwrap();
    let refused = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&folder.at("failed.csv"))]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains(path(&folder.at("failed.csv.partial"))), "{}", refused.err);
    assert!(!refused.err.contains(r"\\?\"), "{}", refused.err);
}
