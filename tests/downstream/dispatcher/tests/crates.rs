use std::{collections::BTreeSet, process::Command};

/// What a generator downloads and compiles for the description.
#[test]
fn the_description_costs_few_crates_and_none_for_http() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("hubspot-partner-clients"), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(crates.len() <= 20, "{crates:?}");
    for unwanted in ["hyper", "progenitor", "progenitor-impl", "reqwest", "tokio"] {
        assert!(!crates.contains(unwanted), "{unwanted}");
    }
}
