//! What a user downloads and compiles, and how often.

use std::{collections::BTreeMap, path::Path, process::Command};

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("dependencies"))
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The crates that a set of features takes on Linux, each with how many versions of it.
fn crates(features: &[&str]) -> BTreeMap<String, usize> {
    let tree = [
        "tree",
        "--package",
        env!("CARGO_PKG_NAME"),
        "--target",
        "x86_64-unknown-linux-gnu",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    let tree = cargo(&[&tree, features].concat());
    let mut versions: Vec<_> = tree.lines().filter_map(|line| line.split_once(" v")).collect();
    versions.iter_mut().for_each(|(_, version)| *version = version.split(' ').next().unwrap());
    versions.sort_unstable();
    versions.dedup();
    let mut crates = BTreeMap::new();
    versions.iter().filter(|(name, _)| *name != env!("CARGO_PKG_NAME")).for_each(|(name, _)| {
        *crates.entry((*name).to_owned()).or_default() += 1;
    });
    crates
}

/// `tests/dependencies.txt` has a heading for each set of features, and a line for each version of a crate below it.
fn listed(heading: &str) -> BTreeMap<String, usize> {
    let list = include_str!("dependencies.txt").lines().skip_while(|line| *line != heading).skip(1);
    let mut crates = BTreeMap::new();
    for name in list.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty()) {
        *crates.entry(name.to_owned()).or_default() += 1;
    }
    crates
}

#[track_caller]
fn check(heading: &str, features: &[&str]) {
    let (now, listed) = (crates(features), listed(heading));
    let beyond = |these: &BTreeMap<String, usize>, those: &BTreeMap<String, usize>| -> Vec<String> {
        these.iter().filter(|(name, n)| those.get(*name).is_none_or(|m| *n > m)).map(|(name, _)| name.clone()).collect()
    };
    let (new, gone) = (beyond(&now, &listed), beyond(&listed, &now));
    assert!(
        new.is_empty() && gone.is_empty(),
        "users would build other crates than those under {heading} in tests/dependencies.txt: new {new:?}, gone {gone:?}. \
         `cargo tree --edges normal,build --invert NAME` tells where a crate comes from, and `benches/cold_build` what it \
         costs. If it is worth that, change the list."
    );
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the list is that of Linux")]
fn the_default_features_take_the_listed_crates() {
    check("[default features]", &[]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the list is that of Linux")]
fn the_description_alone_takes_the_listed_crates() {
    check("[no default features]", &["--no-default-features"]);
}

#[test]
fn a_second_build_does_nothing() {
    // The build script is the same with the client; without it there is less to build.
    let build = || {
        cargo(&[
            "build",
            "--package",
            env!("CARGO_PKG_NAME"),
            "--lib",
            "--no-default-features",
            "--message-format",
            "json",
        ])
    };
    build();
    let second = build();
    let artifacts: Vec<_> = second.lines().filter(|line| line.contains(r#""reason":"compiler-artifact""#)).collect();
    assert!(artifacts.len() > 10, "{second}");
    for artifact in artifacts {
        assert!(artifact.contains(r#""fresh":true"#), "built again, though nothing changed: {artifact}");
    }
}
