//! Operations that the crate does not know, in several versions: each is compared with itself, or with what took its place.

use std::{fs, path::Path, path::PathBuf};

use serde_json::{Value, json};

use super::compared;

/// A folder with a document for each of these paths, as HubSpot has one for each version.
fn folder(name: &str, paths: &[(&str, &[&str])]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("moved-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (i, (path, methods)) in paths.iter().enumerate() {
        // An answer of its own for each path, by which it is seen with what it is compared.
        let fields = json!({path.replace(['/', '{', '}'], "_"): {"type": "string"}});
        let content = json!({"application/json": {"schema": {"type": "object", "properties": fields}}});
        let operation = json!({"responses": {"200": {"description": "", "content": content}}});
        let item: serde_json::Map<String, Value> =
            methods.iter().map(|method| ((*method).to_owned(), operation.clone())).collect();
        let api = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": {*path: item}});
        fs::write(folder.join(format!("{i}.json")), api.to_string()).unwrap();
    }
    folder
}

/// What is told of whole operations, without their names.
fn told(name: &str, old: &[(&str, &[&str])], new: &[(&str, &[&str])]) -> Vec<String> {
    let (old, new) = (folder(&format!("{name}-old"), old), folder(&format!("{name}-new"), new));
    let changes = compared(&old, &new).unwrap();
    changes.iter().map(|change| format!("{}: {}", change.what, change.detail)).collect()
}

const V3: &str = "/things/v3/things";
const V4: &str = "/things/v4/things";
const V10: &str = "/things/v10/things";
const MARCH: &str = "/things/2026-03/things";
const SEPTEMBER: &str = "/things/2026-09/things";
const GET: &[&str] = &["get"];

#[test]
fn an_operation_that_is_there_in_both_has_not_moved() {
    let added = told("one-more", &[(V3, GET), (V4, GET)], &[(V3, GET), (V4, &["get", "post"])]);
    assert_eq!(added, [format!("operation added: POST {V4}")]);
    for (name, old, new, expected) in [
        ("a-version-more", vec![V3], vec![V3, SEPTEMBER], format!("operation added: GET {SEPTEMBER}")),
        ("a-version-less", vec![MARCH, SEPTEMBER], vec![SEPTEMBER], format!("operation removed: GET {MARCH}")),
        ("an-older-version-less", vec![V3, V4], vec![V4], format!("operation removed: GET {V3}")),
    ] {
        let of = |paths: Vec<&'static str>| paths.into_iter().map(|path| (path, GET)).collect::<Vec<_>>();
        // They may be called something else where there are more of them.
        let mut told = told(name, &of(old), &of(new));
        told.retain(|line| !line.starts_with("operation renamed: "));
        assert_eq!(told, [expected], "{name}");
    }
}

#[test]
fn an_operation_that_is_there_no_more_has_moved_to_the_newest_version_that_is_new() {
    let only = |told: Vec<String>| -> Vec<String> {
        told.into_iter().filter(|line| line.starts_with("operation ") && !line.contains("renamed")).collect()
    };
    let moved = |from: &str, to: &str| format!("operation moved: GET {from} → {to}");
    assert_eq!(only(told("next", &[(V3, GET)], &[(V4, GET)])), [moved(V3, V4)]);
    assert_eq!(
        only(told("newest", &[(V3, GET)], &[(V4, GET), (V10, GET)])),
        [moved(V3, V10), format!("operation added: GET {V4}")]
    );
    assert_eq!(
        only(told("both", &[(V3, GET), (V4, GET)], &[(MARCH, GET), (SEPTEMBER, GET)])),
        [moved(V3, MARCH), moved(V4, SEPTEMBER)]
    );
    assert_eq!(
        only(told("one-of-both", &[(V3, GET), (MARCH, GET)], &[(V3, GET), (SEPTEMBER, GET)])),
        [moved(MARCH, SEPTEMBER)]
    );
}

#[test]
fn another_name_of_a_parameter_makes_no_other_operation_beside_another_version() {
    let (id, other_id) = ("/things/v3/things/{id}", "/things/v3/things/{thingId}");
    let dated = "/things/2026-09/things/{thingId}";
    let mut told = told("names", &[(id, GET)], &[(other_id, GET), (dated, GET)]);
    told.retain(|line| line.starts_with("operation ") && !line.contains("renamed"));
    assert_eq!(told, [format!("operation added: GET {dated}")]);
}
