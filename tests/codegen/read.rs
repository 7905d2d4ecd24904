use std::path::Path;

use openapiv3::ReferenceOr;
use serde_json::json;

use super::{
    codegen::read::{self, Document},
    document, small,
};

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
    let document = document("x.json", &api);
    let [warning] = document.warnings.as_slice() else { panic!("{:?}", document.warnings) };
    let head = "x.json: at #/components/schemas/Thing/properties/id: the $ref \"#/components/schemas/Nothing\" leads nowhere in \
                this file; it may be any value; ";
    assert!(warning.to_string().starts_with(head), "{warning}");
    let api = json!(document.api);
    assert_eq!(api["components"]["schemas"]["Thing"]["properties"]["id"], json!({}), "it is published as any value");
}

#[test]
fn an_operation_whose_parameter_body_or_answer_is_not_there_is_left_out() {
    let gone = |kind: &str| json!({"$ref": format!("#/components/{kind}/Gone")});
    let round = json!({"$ref": "#/components/requestBodies/Round"});
    let broken = json!({"$ref": "#/components/requestBodies/Broken"});
    for (place, what) in [
        ("/get/responses/200", gone("responses")),
        ("/get/responses/default", gone("responses")),
        ("/get/requestBody", gone("requestBodies")),
        ("/get/requestBody", round),
        ("/get/requestBody", broken),
        ("/get/requestBody", json!({"$ref": "#/components/schemas/Thing"})),
        ("/get/requestBody", json!({"$ref": "#/components/parameters/p"})),
        ("/get/requestBody", json!({})),
        ("/get/parameters", json!([gone("parameters")])),
        ("/get/parameters", json!([{"$ref": "#/components/schemas/Thing"}])),
        ("/parameters", json!([gone("parameters")])),
        ("/parameters", json!([{"$ref": "#/components/parameters/p"}, {"$ref": "#/components/parameters/Gone"}])),
        ("/parameters", json!([{"name": "X-Needed", "in": "header", "required": true}])),
        ("", json!({"$ref": "#/paths/~1gone"})),
    ] {
        let mut api = small();
        api["paths"]["/crm/v3/others"] = api["paths"]["/crm/v3/things/{thingId}"].clone();
        api["components"]["requestBodies"] =
            json!({"Round": {"$ref": "#/components/requestBodies/Round"}, "Broken": gone("requestBodies")});
        api["components"]["parameters"] = json!({"p": {"name": "p", "in": "query", "schema": {"type": "string"}}});
        let path = &mut api["paths"]["/crm/v3/things/{thingId}"];
        match place.rsplit_once('/') {
            Some((of, member)) => path.pointer_mut(of).unwrap()[member] = what.clone(),
            None => *path = what.clone(),
        }
        let document = document("x.json", &api);
        let told: Vec<_> = document.warnings.iter().map(ToString::to_string).collect();
        let paths: Vec<_> = document.api.operations().map(|(path, ..)| path).collect();
        assert_eq!(paths, ["/crm/v3/others"], "{place}: {what}: {told:?}");
        let at = "x.json: at #/paths/~1crm~1v3~1things~1{thingId}";
        assert!(told.iter().any(|told| told.starts_with(at) && told.contains("is left out; ")), "{what}: {told:?}");
        if place == "/get/responses/200" {
            let about = "/get/responses/200: the $ref \"#/components/responses/Gone\" leads nowhere in this file";
            assert!(told.iter().any(|told| told.contains(about)), "{told:?}");
        }
    }
}

#[test]
fn what_the_client_does_without_costs_no_operation_where_it_leads_nowhere() {
    let mut api = small();
    let get = &mut api["paths"]["/crm/v3/things/{thingId}"]["get"];
    let gone = json!({"$ref": "#/components/others/Gone"});
    get["responses"]["200"]["headers"] = json!({"X-Left": gone, "X-Kept": {"schema": {"type": "string"}}});
    get["responses"]["200"]["links"] = json!({"next": gone});
    get["callbacks"] = json!({"done": gone});
    let document = document("x.json", &api);
    assert_eq!(document.warnings.len(), 3, "{:?}", document.warnings);
    let api = json!(document.api);
    let get = &api["paths"]["/crm/v3/things/{thingId}"]["get"];
    assert_eq!(get["responses"]["200"]["headers"].as_object().unwrap().len(), 1);
}

#[test]
fn a_reference_into_another_file_leads_nowhere() {
    let mut api = small();
    api["components"]["schemas"]["Thing"]["properties"]["id"] = json!({"$ref": "other.json#/Thing"});
    assert!(document("x.json", &api).warnings[0].to_string().contains("leads nowhere in this file"));
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
fn a_header_that_openapi_has_set_by_other_means_is_no_parameter() {
    let mut api = small();
    let named = |name: &str| json!({"name": name, "in": "header", "required": true, "schema": {"type": "string"}});
    let headers = ["Authorization", "accept", "CONTENT-TYPE", "X-Accept"].map(named);
    api["paths"]["/crm/v3/things/{thingId}"]["get"]["parameters"] = json!(headers);
    api["paths"]["/crm/v3/things/{thingId}"]["parameters"] = json!([named("Accept")]);
    let document = document("x.json", &api);
    let (_, _, get) = document.api.operations().next().unwrap();
    let names: Vec<_> =
        get.parameters.iter().map(|p| p.as_item().unwrap().parameter_data_ref().name.as_str()).collect();
    assert_eq!(names, ["X-Accept", "thingId"]);
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

#[test]
fn a_path_without_a_slash_and_a_method_in_capitals_are_read_as_what_they_mean() {
    let mut api = small();
    let get = api["paths"]["/crm/v3/things/{thingId}"]["get"].clone();
    let text = json!({"responses": {"204": {"description": ""}}});
    api["paths"] = json!({
        "crm/v3/objects/partner_clients": {"GET": text, "x-note": 1},
        " /crm/v3/spaces": {"Post": text},
        "/crm/v3/things/{thingId}": {"Get": get, "get": get, "PATCH": get},
        "crm/v3/things/{thingId}": {"put": get},
        "https://api.hubapi.com/crm/v3/more": {"get": get},
        "x-note": {"GET": 1},
    });
    let Document { api, warnings, .. } = document("x.json", &api);
    let ids: Vec<_> = api.operations().filter_map(|(_, _, operation)| operation.operation_id.clone()).collect();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(sorted, ["get_things_by_id", "list", "patch_things_by_id", "post_spaces"]);
    let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let remedy = "it is left out; correct it there";
    let expected = [
        format!(
            "x.json: at #/paths/crm~1v3~1things~1{{thingId}}: the path with a slash in front is there as well; {remedy}"
        ),
        format!(
            "x.json: at #/paths/https:~1~1api.hubapi.com~1crm~1v3~1more: it is an address, a path begins with a slash; {remedy}"
        ),
        format!(
            "x.json: at #/paths/~1crm~1v3~1things~1{{thingId}}/Get: the method in small letters is there as well; {remedy}"
        ),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_there_twice_is_told() {
    let text = small().to_string();
    let twice = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let document = read::document("x.json", &text.replacen(from, to, 1)).unwrap();
        document.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let path = "\"/crm/v3/things/{thingId}\":";
    let told = twice(path, &format!("\"/crm/\\u0076\\u0033/things/{{thingId}}\": {{\"put\": {{}}}}, {path}"));
    let head = "x.json: at #/paths/~1crm~1v3~1things~1{thingId}: it is there twice; the last one is used";
    assert!(matches!(told.as_slice(), [one] if one.starts_with(head)), "{told:?}");
    let told = twice("\"id\":", "\"id\": {\"enum\": [\"a\", {\"\\\"}\": 1}]}, \"id\":");
    let head = "x.json: at #/components/schemas/Thing/properties/id: it is there twice;";
    assert!(matches!(told.as_slice(), [one] if one.starts_with(head)), "{told:?}");
    assert_eq!(twice(path, path), Vec::<String>::new());
}
