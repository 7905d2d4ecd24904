//! What a known operation newly demands breaks its users where the build refuses it, and nowhere else.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{OBJECTS, codegen::description::Description, compared, document, schema};

type Edit = fn(&mut Value);

/// The breaking changes from the one edited document to the other, and what the build says of the other.
fn told(name: &str, [old, new]: [Edit; 2]) -> (Vec<String>, Option<String>) {
    let [before, after] = [("old", old), ("new", new)].map(|(side, edit)| {
        let mut api = document();
        edit(&mut api);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demand-{name}-{side}.json"));
        fs::write(&file, api.to_string()).unwrap();
        file
    });
    let changes = compared(&before, &after).unwrap();
    let breaking = changes.iter().filter(|change| change.breaking);
    let breaking = breaking.map(|change| format!("{}: {}: {}", change.what, change.place, change.detail)).collect();
    let own = Path::new("../openapi");
    (breaking, Description::new(&[after], own, &mut Vec::new()).err().map(|problem| problem.to_string()))
}

fn none(_: &mut Value) {}

fn parameter(api: &mut Value, schema: Value, required: bool) {
    let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({"name": "q", "in": "query", "required": required, "schema": schema}));
}

fn field(api: &mut Value, kind: Value, required: bool) {
    let input = schema(api, "SimplePublicObjectInput");
    input["properties"]["kind"] = kind;
    if required {
        input["required"] = json!(["properties", "kind"]);
    }
}

fn text() -> Value {
    json!({"type": "string"})
}

fn with_default() -> Value {
    json!({"type": "string", "default": "x"})
}

#[test]
fn what_the_report_calls_breaking_the_build_refuses() {
    let rows: &[(&str, [Edit; 2], &str)] = &[
        ("parameter", [none, |api| parameter(api, text(), true)], "parameter added: list(q): required"),
        ("parameter-default", [none, |api| parameter(api, with_default(), true)], ""),
        (
            "parameter-made",
            [|api| parameter(api, text(), false), |api| parameter(api, text(), true)],
            "parameter made required: list(q): ",
        ),
        (
            "parameter-made-default",
            [|api| parameter(api, with_default(), false), |api| parameter(api, with_default(), true)],
            "",
        ),
        (
            "parameter-default-lost",
            [|api| parameter(api, with_default(), true), |api| parameter(api, text(), true)],
            "parameter made required: list(q): ",
        ),
        (
            "field",
            [none, |api| field(api, text(), true)],
            "field added: SimplePublicObjectInput.kind: string, required",
        ),
        ("field-default", [none, |api| field(api, with_default(), true)], ""),
        (
            "field-made",
            [|api| field(api, text(), false), |api| field(api, text(), true)],
            "field made required: SimplePublicObjectInput.kind: string",
        ),
        ("field-made-default", [|api| field(api, with_default(), false), |api| field(api, with_default(), true)], ""),
        (
            "field-default-lost",
            [|api| field(api, with_default(), true), |api| field(api, text(), true)],
            "field made required: SimplePublicObjectInput.kind: string",
        ),
    ];
    for (name, edits, expected) in rows {
        let (breaking, refused) = told(name, *edits);
        let expected: Vec<_> = [*expected].into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(breaking, expected, "{name}");
        assert_eq!(refused.is_some(), !expected.is_empty(), "{name}: {refused:?}");
        assert!(refused.is_none_or(|refused| refused.contains(" demands the ")), "{name}");
    }
}

/// The generated builder of an operation that the crate does not know takes what is required, whether there is a default or not.
#[test]
fn a_default_meets_no_demand_of_an_unknown_operation() {
    let file = |name: &str, kind: Value| {
        let input = json!({"type": "object", "required": ["kind"], "properties": {"kind": kind}});
        let mut api = document();
        api["paths"]["/crm/v3/things"] = json!({"post": {
            "requestBody": {"content": {"application/json": {"schema": input}}}, "responses": {"204": {"description": ""}}}});
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demand-unknown-{name}.json"));
        fs::write(&file, api.to_string()).unwrap();
        file
    };
    let changes = compared(&file("old", with_default()), &file("new", text())).unwrap();
    let told: Vec<_> = changes.iter().map(|change| (change.breaking, change.what)).collect();
    assert_eq!(told, [(false, "default changed")]);
}

#[test]
fn a_demand_of_one_document_is_told_whatever_others_beside_it_have_as_optional() {
    let folder = |name: &str, edit: Edit| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demand-beside-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let mut api = document();
        fs::write(folder.join("companies.json"), api.to_string().replace("/partner_clients", "/companies")).unwrap();
        edit(&mut api);
        fs::write(folder.join("partner_clients.json"), api.to_string()).unwrap();
        folder
    };
    let insist: Edit = |api| {
        schema(api, "SimplePublicObjectBatchInput")["required"] = json!(["id", "properties", "idProperty"]);
    };
    let (before, after) = (folder("old", none), folder("new", insist));
    let changes = compared(&before, &after).unwrap();
    let told: Vec<_> = changes.iter().filter(|change| change.breaking).collect();
    let [change] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (change.what, change.place.as_str()),
        ("field made required", "SimplePublicObjectBatchInput.idProperty")
    );
    assert_eq!(change.operations, ["batch_update"]);
    assert!(change.detail.ends_with("partner_clients.json"), "{}", change.detail);
    assert!(Description::new(std::slice::from_ref(&after), Path::new("../openapi"), &mut Vec::new()).is_err());
    // What was demanded before is no change.
    assert_eq!(compared(&after, &after).unwrap(), []);
}

#[test]
fn a_demand_of_another_version_in_the_same_file_is_told() {
    fn dated(api: &mut Value, required: bool) {
        let mut list = api["paths"][OBJECTS]["get"].clone();
        let parameters = list["parameters"].as_array_mut().unwrap();
        parameters.push(json!({"name": "q", "in": "query", "required": required, "schema": text()}));
        api["paths"]["/crm/objects/2026-09/partner_clients"] = json!({"get": list});
    }
    let (optional, required): (Edit, Edit) = (|api| dated(api, false), |api| dated(api, true));
    let (breaking, refused) = told("in-one-file", [optional, required]);
    let [change] = breaking.as_slice() else { panic!("{breaking:?}") };
    assert!(change.starts_with("parameter made required: list(q): in "), "{change}");
    assert!(refused.is_some_and(|refused| refused.contains("it demands the parameter \"q\"")));
}
