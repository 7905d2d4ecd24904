use std::path::Path;

use openapiv3::ReferenceOr;
use serde_json::json;

use super::{codegen::read, document, small};

fn trouble(text: &str) -> String {
    let trouble = read::document("openapi/x.json", text).unwrap_err().to_string();
    assert!(trouble.starts_with("openapi/x.json: at "), "{trouble}");
    assert!(!trouble.contains('\n'), "one line: {trouble}");
    trouble
}

#[test]
fn broken_json_is_named_by_line_and_column() {
    let trouble = trouble("{\n  \"openapi\": \"3.0.3\",\n  oops\n}");
    assert!(trouble.contains("line 3 column 3") && trouble.contains("correct the JSON"), "{trouble}");
}

#[test]
fn an_unresolved_reference_is_named_with_its_place() {
    let mut api = small();
    api["components"]["schemas"]["Thing"]["properties"]["id"] = json!({"$ref": "#/components/schemas/Nothing"});
    let trouble = trouble(&api.to_string());
    assert!(trouble.contains("#/components/schemas/Thing/properties/id"), "{trouble}");
    assert!(trouble.contains("\"#/components/schemas/Nothing\" leads nowhere"), "{trouble}");
}

#[test]
fn a_reference_into_another_file_is_refused() {
    let mut api = small();
    api["components"]["schemas"]["Thing"]["properties"]["id"] = json!({"$ref": "other.json#/Thing"});
    assert!(trouble(&api.to_string()).contains("leads nowhere in this file"));
}

#[test]
fn another_version_is_refused() {
    let mut api = small();
    api["openapi"] = json!("3.2.0");
    assert!(trouble(&api.to_string()).contains("\"3.2.0\" is not 3.0.x"));
    assert!(trouble("{}").contains("this is not an OpenAPI document"));
}

#[test]
fn a_directory_without_documents_is_refused() {
    let trouble = read::path(Path::new("tests/support")).unwrap_err().to_string();
    assert!(trouble.contains("holds no *.json file"), "{trouble}");
    let trouble = read::path(Path::new("no/such")).unwrap_err().to_string();
    assert!(trouble.contains("no/such") && trouble.contains("cannot be read"), "{trouble}");
}

#[test]
fn shared_parameters_and_responses_are_put_in_place() {
    let mut api = small();
    let path = &mut api["paths"]["/crm/v3/things/{thingId}"];
    path["parameters"] = path["get"]["parameters"].take();
    path["get"]["parameters"] = json!([{"$ref": "#/components/parameters/after"}]);
    path["get"]["responses"]["default"] = json!({"$ref": "#/components/responses/Failure"});
    api["components"]["parameters"] = json!({"after": {"name": "after", "in": "query", "schema": {"type": "string"}}});
    api["components"]["responses"] = json!({"Failure": {"description": "failed"}});

    let document = document("x.json", &api);
    let (_, _, get) = document.api.operations().next().unwrap();
    let names: Vec<_> =
        get.parameters.iter().map(|p| p.as_item().unwrap().parameter_data_ref().name.as_str()).collect();
    assert_eq!(names, ["after", "thingId"]);
    assert!(matches!(get.responses.default, Some(ReferenceOr::Item(_))));
}

#[test]
fn the_document_s_security_is_that_of_its_operations() {
    let mut api = small();
    api["security"] = json!([{"oauth2": ["a.scope"]}]);
    let document = document("x.json", &api);
    let (_, _, get) = document.api.operations().next().unwrap();
    assert_eq!(get.security.as_ref().unwrap()[0]["oauth2"], ["a.scope"]);
}

#[test]
fn several_files_and_folders_are_named_as_in_path() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("named");
    let things = root.join("docs/things");
    std::fs::create_dir_all(&things).unwrap();
    std::fs::write(things.join("things.json"), small().to_string()).unwrap();
    std::fs::write(root.join("one.json"), small().to_string()).unwrap();
    let joined = |paths: &[&Path]| std::env::join_paths(paths).unwrap();

    let several = read::named(&joined(&[Path::new("openapi"), Path::new(""), Path::new("tests/hubspot")]));
    assert_eq!(several, [Path::new("openapi"), Path::new("tests/hubspot")]);
    // As `relative = true` in cargo's configuration completes them.
    let several = read::named(&joined(&[&things, Path::new("one.json"), Path::new("no/such")]));
    assert_eq!(several, [things.clone(), root.join("one.json"), "no/such".into()]);
    assert!(read::named("".as_ref()).is_empty());

    let documents = read::paths(&[&things, &root.join("one.json"), &things]).unwrap();
    let files: Vec<_> = documents.iter().map(|document| document.file.as_str()).collect();
    assert_eq!(files.len(), 2, "each once: {files:?}");
    assert!(read::paths(&several).unwrap_err().to_string().starts_with("no/such: at the directory: cannot be read"));
}
