//! The files that the tool writes: whole, private, and never another of its files.
#![cfg(unix)]

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::cli::{begin, path, ran, run, run_at, sent, signal, through, tool_at, wait_for_requests};
use crate::folder::{Folder, HEADER, rows, slow};
use crate::support::crm;

#[tokio::test(flavor = "multi_thread")]
async fn an_output_file_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let content = HEADER.to_owned() + "1,companies,9,owner\n";
    let file = folder.write("rows.csv", &content);
    fs::hard_link(&file, folder.at("hard.csv")).unwrap();
    symlink(&file, folder.at("soft.csv")).unwrap();
    symlink(folder.at("nothing.csv"), folder.at("dangling.csv")).unwrap();
    fs::create_dir(folder.at("directory")).unwrap();
    fs::write(folder.at("read_only.csv"), "kept").unwrap();
    fs::set_permissions(folder.at("read_only.csv"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir(folder.at("taken.csv.partial")).unwrap();
    let pipe = Command::new("mkfifo").arg(folder.at("pipe")).status();
    assert!(pipe.expect("this test needs mkfifo: install coreutils").success());
    symlink(folder.at("pipe"), folder.at("linked_pipe")).unwrap();
    let before = folder.names();
    let journal = folder.at("run.journal");
    let cases = [
        ("rows.csv", "would overwrite the input file"),
        ("directory/../rows.csv", "would overwrite the input file"),
        ("hard.csv", "would overwrite the input file"),
        ("soft.csv", "would overwrite the input file"),
        ("run.journal", "would overwrite the journal"),
        ("dangling.csv", "is a link to a file that does not exist"),
        ("pipe", "is a pipe"),
        ("linked_pipe", "is a pipe"),
        ("directory", "is a directory"),
        ("missing/failed.csv", "cannot be written: the directory"),
        ("missing/", "is the name of a directory"),
        ("read_only.csv", "read-only"),
        ("taken.csv", "taken.csv.partial is in the way"),
        ("rows.csv/failed.csv", "Not a directory"),
        ("/dev/full", "is a device"),
        ("/dev/null", "is a device"),
        ("/dev/stdout", "is a pipe"),
        ("..", "is a directory"),
    ];
    for (failed, told) in cases {
        let failed_at = folder.at(failed);
        let many = ["associate-many", path(&file), "--failed", path(&failed_at), "--journal", path(&journal)];
        let ran = run_at(&hubspot, &many);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{failed}: {}", ran.err);
        assert!(ran.err.contains("--failed") && ran.err.contains(told), "{failed}: {}", ran.err);
    }
    for journal in ["rows.csv", "hard.csv", "soft.csv", "pipe", "directory", "missing/run.journal", "/dev/full"] {
        let ran = run_at(&hubspot, &["associate-many", path(&file), "--journal", path(&folder.at(journal))]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{journal}: {}", ran.err);
    }
    // Standard output or standard error that is a file.
    let out = folder.at("out.txt");
    for option in ["--failed", "--undo", "--journal", "--log"] {
        for command in
            [&["associate-many", path(&file)][..], &["reconcile", path(&file), "--to-type", "companies", "--apply"]]
        {
            if option == "--failed" && command[0] == "reconcile" {
                continue;
            }
            let mut command = tool_at(&hubspot, &[command, &[option, path(&out)]].concat());
            command.stdout(fs::File::create(&out).unwrap());
            let refused = run(command);
            assert!(refused.code == Some(2) && refused.err.contains("is also standard output"), "{}", refused.err);
            let mut command = tool_at(&hubspot, &["associate-many", path(&file), option, path(&out)]);
            command.stderr(fs::File::create(&out).unwrap());
            assert_eq!(run(command).code, Some(2));
            assert!(fs::read_to_string(&out).unwrap().contains("is also standard error"), "{option}");
            fs::remove_file(&out).unwrap();
        }
    }

    assert_eq!(fs::read_to_string(&file).unwrap(), content);
    assert_eq!((folder.names(), sent(&hubspot)), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_file_of_failed_rows_stays_a_link_and_the_file_as_private_as_it_was() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(2));
    let kept = folder.write("kept.csv", "old");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&kept, folder.at("failed.csv")).unwrap();
    let ran = run_at(&hubspot, &["associate-many", path(&file), "--failed", path(&folder.at("failed.csv"))]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(fs::symlink_metadata(folder.at("failed.csv")).unwrap().is_symlink());
    assert!(fs::read_to_string(&kept).unwrap().contains("1,companies,9,owner,"));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Whether a process may act for another user, as that of a container may.
fn is_root(folder: &Folder) -> bool {
    fs::metadata(folder.path()).unwrap().uid() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_failed_rows_stays_its_owner_s_and_hidden_from_others_from_the_beginning() {
    let hubspot = slow().await;
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(40)), folder.write("failed.csv", "old"));
    fs::set_permissions(&failed, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = if is_root(&folder) { 65_534 } else { fs::metadata(&failed).unwrap().uid() };
    chown(&failed, Some(owner), None).unwrap();
    let many = ["associate-many", path(&file), "--strategy", "single", "--failed", path(&failed)];
    let child = begin(tool_at(&hubspot, &many));
    wait_for_requests(&hubspot, 8);
    let is_private = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        found.permissions().mode() & 0o777 == 0o600 && found.uid() == owner
    };
    assert!(is_private(&folder.at("failed.csv.partial")));
    signal(child.id(), "TERM");
    assert_eq!(ran(child.wait_with_output().unwrap()).code, Some(143));
    assert!(is_private(&failed) && fs::read_to_string(&failed).unwrap().starts_with(HEADER.trim_end()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_s_file_in_a_shared_directory_is_written_to() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    if !is_root(&folder) {
        return;
    }
    let (file, failed) = (folder.write("rows.csv", rows(2)), folder.write("failed.csv", "x".repeat(10_000)));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::set_permissions(&failed, fs::Permissions::from_mode(0o666)).unwrap();
    let many = ["associate-many", path(&file), "--failed", path(&failed)];
    // Where that user can get at it.
    let mut command = Command::new(folder.program("tool", env!("CARGO_BIN_EXE_hubspot-partner-clients")));
    command.args(many).envs(tool_at(&hubspot, &many).get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.uid(65_534).gid(65_534);
    let ran = run(command);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let written = fs::read_to_string(&failed).unwrap();
    assert!(written.starts_with(HEADER.trim_end()) && written.lines().count() == 2, "{written}");
    assert_eq!(fs::metadata(&failed).unwrap().uid(), 0);
    fs::remove_file(folder.at("tool")).unwrap();
    assert_eq!(folder.names(), ["failed.csv", "rows.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_ends_no_run_and_is_told_at_the_end() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let (file, failed) = (folder.write("rows.csv", rows(1_000)), folder.write("failed.csv", "of another run"));
    let many = tool_at(&hubspot, &["associate-many", path(&file), "--failed", path(&failed), "--json"]);
    let ran = run(through(&["/bin/sh", "-c", "ulimit -f 8; exec \"$@\"", "sh"], &many));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(ran.json().last().unwrap()["summary"]["failed"], 500);
    let told = ran.error();
    assert!(told["message"].as_str().unwrap().contains("failed.csv cannot be written"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("failed.csv.partial"), "{told}");
    assert_eq!(fs::read_to_string(&failed).unwrap(), "of another run");
    assert!(fs::read_to_string(folder.at("failed.csv.partial")).unwrap().starts_with(HEADER.trim_end()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_to_is_told_before_anything_is_sent() {
    let hubspot = crm(1, 1).start().await.unwrap();
    let folder = Folder::new();
    let file = folder.write("rows.csv", rows(2));
    let locked = folder.at("locked");
    fs::create_dir(&locked).unwrap();
    // Where any user can get at it.
    let tool = folder.program("tool", env!("CARGO_BIN_EXE_hubspot-partner-clients"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let many = ["associate-many", path(&file)];
    let reconcile = ["reconcile", path(&file), "--to-type", "companies", "--apply", "--yes"];
    let cases: [(&[&str], &str); 6] = [
        (&many, "--failed"),
        (&many, "--journal"),
        (&reconcile, "--save-plan"),
        (&reconcile, "--undo"),
        (&reconcile, "--journal"),
        (&reconcile[..4], "--save-plan"),
    ];
    for (arguments, option) in cases {
        let output = locked.join("output");
        let arguments = [arguments, &[option, path(&output)]].concat();
        let mut command = Command::new(&tool);
        command.args(&arguments);
        command.envs(tool_at(&hubspot, &[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        if is_root(&folder) {
            command.uid(65_534).gid(65_534);
        }
        let ran = run(command);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{option}: {}", ran.err);
        assert!(ran.err.contains(path(&output)) && ran.err.contains("ermission denied"), "{option}: {}", ran.err);
    }
    assert_eq!(sent(&hubspot), 0);
}
