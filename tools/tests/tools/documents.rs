use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

/// A folder with these files.
fn folder(name: &str, files: &[(&str, String)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (file, content) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    folder
}

fn of(operations: Value) -> String {
    json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": {"/things/v3/things": operations}})
        .to_string()
}

/// The exit code and what is printed.
fn table(folder: &PathBuf, flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_documents")).args(flags).arg(folder).output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), text.concat())
}

#[test]
fn each_document_is_built_beside_the_crate_s_own_and_told() {
    let whole = json!({"responses": {"204": {"description": ""}}});
    let upload = json!({"requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object"}}}},
        "responses": {"204": {"description": ""}}});
    let folder = folder(
        "documents",
        &[
            ("a/b/c/deep.json", of(json!({"get": whole}))),
            ("files.json", of(json!({"get": whole, "post": upload}))),
            ("other.json", json!({"collection": []}).to_string()),
            ("readme.txt", String::new()),
        ],
    );
    let (code, text) = table(&folder, &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "a/b/c/deep.json: 1 operations, 0 left out");
    assert_eq!(lines[1], "files.json: 1 operations, 1 left out");
    assert!(lines[2].starts_with("    post_"), "{text}");
    assert!(lines[3].starts_with("other.json: REFUSED: ") && lines[3].contains("not an OpenAPI document"), "{text}");
    let sum = "3 documents: 2 generate, 1 refused, 0 crash; 2 operations, 1 left out; 0 of 0 compile";
    assert_eq!(*lines.last().unwrap(), sum);
    assert_eq!(code, Some(0));
}

#[test]
fn documents_are_built_beside_others_of_partner_clients_as_well() {
    let folder = folder("beside", &[("x.json", of(json!({"get": {"responses": {"204": {"description": ""}}}})))]);
    let (code, text) = table(&folder, &["--beside", "../tests/hubspot/v3"]);
    assert!(text.starts_with("x.json: ") && text.contains(" 1 generate"), "{text}");
    assert_eq!(code, Some(0));
}

#[test]
fn what_cannot_be_done_is_said() {
    let empty = folder("empty", &[("readme.txt", String::new())]);
    for (flags, trouble) in [
        (["--beside", "no/such"].as_slice(), "REFUSED: no/such"),
        (&[], "no *.json file"),
        (&["--all"], "unknown flag"),
    ] {
        let folder = if flags.len() == 2 { folder("one", &[("x.json", of(json!({})))]) } else { empty.clone() };
        let (_, text) = table(&folder, flags);
        assert!(text.contains(trouble), "{flags:?}: {text}");
    }
}

#[test]
fn what_was_left_out_of_a_document_that_is_refused_is_told_as_well() {
    let mut api = super::document();
    // The facade needs both: without the one there is no description, and the warning says why it is gone.
    api["paths"][super::OBJECT]["get"]["parameters"] = json!([{"in": "query"}]);
    let folder = folder("refused", &[("x.json", api.to_string())]);
    let (_, text) = table(&folder, &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("x.json: REFUSED: ") && lines[0].contains("the operation `get`"), "{text}");
    assert!(lines[1].starts_with("    ") && lines[1].contains("the operation is left out"), "{text}");
}

#[test]
fn what_was_left_out_of_a_description_is_told_with_its_changes() {
    let whole = json!({"responses": {"204": {"description": ""}}});
    let mut faulty = whole.clone();
    faulty["parameters"] = json!([{"name": "q", "in": "query"}]);
    let file = |name: &str, operation: &Value| {
        let content = of(json!({"get": operation, "delete": whole}));
        folder(name, &[("x.json", content)]).join("x.json")
    };
    let (old, new) = (file("reason-old", &whole), file("reason-new", &faulty));
    let output = Command::new(env!("CARGO_BIN_EXE_openapi_diff")).args([&old, &new]).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(out.contains("operation removed"), "{out}");
    assert!(err.starts_with("warning: ") && err.contains("the operation is left out"), "{err}");
    assert!(err.contains("reason-new"), "{err}");
    assert_eq!((err.lines().count(), output.status.code()), (1, Some(1)));
}
