//! Every mark of the report from both sides: it is there when something comes, its opposite when the same goes, and neither
//! where both documents say the same.

use std::{fs, path::Path, path::PathBuf};

use serde_json::{Value, json};

use super::compare;

/// Operations that send and receive a thing, all of them unknown to the crate.
fn document() -> Value {
    let content =
        |schema: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}});
    json!({
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "v3"},
        "paths": {
            "/things/v3/things": {
                "get": {"parameters": [{"name": "kind", "in": "query", "schema": {"type": "string"}}],
                    "security": [{"oauth2": ["a"]}],
                    "responses": {"200": {"description": "", "content": content("Thing")}}},
                "put": {"requestBody": {"content": content("Input")}, "responses": {"204": {"description": ""}}},
            },
        },
        "components": {"schemas": {
            "Thing": {"type": "object", "properties": {"id": {"type": "string"}, "state": {"type": "string", "enum": ["A"]}}},
            "Other": {"type": "object", "properties": {"id": {"type": "string"}}},
            "Input": {"type": "object", "properties": {"id": {"type": "string"}, "state": {"type": "string", "enum": ["A"]}}},
        }},
    })
}

fn written(name: &str, document: &Value) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mark-{name}.json"));
    fs::write(&file, document.to_string()).unwrap();
    file
}

/// Each change as `breaking? what: place`.
fn told(old: &Path, new: &Path) -> Vec<String> {
    let changes = compare::changes(old, new).unwrap();
    let line =
        |breaking: bool, what: &str, place: &str| format!("{}{what}: {place}", if breaking { "breaking " } else { "" });
    changes.iter().map(|change| line(change.breaking, change.what, &change.place)).collect()
}

type Edit = fn(&mut Value);
/// What is changed, and the mark of it and of taking it back.
type Row = (&'static str, Edit, &'static [&'static str], &'static [&'static str]);

const GET: &str = "/paths/~1things~1v3~1things/get";
const PUT: &str = "/paths/~1things~1v3~1things/put";
const THING: &str = "/components/schemas/Thing";
const INPUT: &str = "/components/schemas/Input";

fn set(api: &mut Value, place: &str, value: Value) {
    let (of, member) = place.rsplit_once('/').unwrap();
    match (api.pointer_mut(of).unwrap(), member.parse::<usize>()) {
        (Value::Array(items), Ok(_)) => items.push(value),
        (node, _) => node[member.replace("~1", "/")] = value,
    }
}

fn check(rows: &[Row]) {
    let before = written("before", &document());
    assert_eq!(told(&before, &before), [""; 0], "in both");
    for (name, edit, marks, opposites) in rows {
        let mut edited = document();
        edit(&mut edited);
        let after = written(name, &edited);
        assert_eq!(told(&before, &after), *marks, "{name}");
        assert_eq!(told(&after, &before), *opposites, "{name}, taken back");
    }
}

#[test]
fn operations_have_marks() {
    check(&[
        (
            "operation",
            |api| set(api, "/paths/~1things~1v3~1things/delete", json!({"responses": {"204": {"description": ""}}})),
            &["operation added: delete_things"],
            &["breaking operation removed: delete_things"],
        ),
        (
            "deprecated",
            |api| set(api, &format!("{GET}/deprecated"), json!(true)),
            &["deprecated: get_things"],
            &["no longer deprecated: get_things"],
        ),
        (
            "scope-beside",
            |api| set(api, &format!("{GET}/security"), json!([{"oauth2": ["a"]}, {"oauth2": ["b"]}])),
            &["scopes changed: get_things"],
            &["breaking scopes changed: get_things"],
        ),
        (
            "scope-as-well",
            |api| set(api, &format!("{GET}/security"), json!([{"oauth2": ["a", "b"]}])),
            &["breaking scopes changed: get_things"],
            &["scopes changed: get_things"],
        ),
        (
            "version",
            |api| {
                let item = api["paths"].as_object_mut().unwrap().remove("/things/v3/things").unwrap();
                api["paths"]["/things/v4/things"] = item;
            },
            &["breaking operation moved: get_things", "breaking operation moved: put_things"],
            &["breaking operation moved: get_things", "breaking operation moved: put_things"],
        ),
        (
            "base-path",
            |api| api["servers"] = json!([{"url": "https://api.hubapi.com/beta"}]),
            &[
                "breaking operation removed: get_things",
                "breaking operation removed: put_things",
                "operation added: get_things",
                "operation added: put_things",
            ],
            &[
                "breaking operation removed: get_things",
                "breaking operation removed: put_things",
                "operation added: get_things",
                "operation added: put_things",
            ],
        ),
    ]);
}

#[test]
fn parameters_and_bodies_have_marks() {
    check(&[
        (
            "parameter",
            |api| {
                set(
                    api,
                    &format!("{GET}/parameters/1"),
                    json!({"name": "q", "in": "query", "schema": {"type": "string"}}),
                )
            },
            &["parameter added: get_things(q)"],
            &["breaking parameter removed: get_things(q)"],
        ),
        (
            "parameter-required",
            |api| set(api, &format!("{GET}/parameters/0/required"), json!(true)),
            &["breaking parameter made required: get_things(kind)"],
            &["parameter made optional: get_things(kind)"],
        ),
        (
            "parameter-type",
            |api| set(api, &format!("{GET}/parameters/0/schema/type"), json!("boolean")),
            &["breaking type changed: get_things(kind)"],
            &["breaking type changed: get_things(kind)"],
        ),
        (
            "parameter-bound",
            |api| set(api, &format!("{GET}/parameters/0/schema/maxLength"), json!(5)),
            &["breaking bound changed: get_things(kind)"],
            &["bound changed: get_things(kind)"],
        ),
        (
            "parameter-default",
            |api| set(api, &format!("{GET}/parameters/0/schema/default"), json!("x")),
            &["default changed: get_things(kind)"],
            &["default changed: get_things(kind)"],
        ),
        (
            "parameter-deprecated",
            |api| set(api, &format!("{GET}/parameters/0/deprecated"), json!(true)),
            &["deprecated: get_things(kind)"],
            &["no longer deprecated: get_things(kind)"],
        ),
        (
            "body",
            |api| {
                let body = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Other"}}}});
                set(api, &format!("{GET}/requestBody"), body);
            },
            &["breaking request body added: get_things"],
            &["breaking request body removed: get_things"],
        ),
        (
            "body-required",
            |api| set(api, &format!("{PUT}/requestBody/required"), json!(true)),
            &["breaking request body made required: put_things"],
            &["request body made optional: put_things"],
        ),
        (
            "answer",
            |api| set(api, &format!("{PUT}/responses/200"), json!({"description": ""})),
            &["answer added: put_things"],
            &["answer removed: put_things"],
        ),
        (
            "answer-type",
            |api| {
                let other = json!({"$ref": "#/components/schemas/Other"});
                set(api, &format!("{GET}/responses/200/content/application~1json/schema"), other);
            },
            &["breaking type changed: get_things 200"],
            &["breaking type changed: get_things 200"],
        ),
    ]);
}

#[test]
fn fields_have_marks() {
    check(&[
        (
            "field-received",
            |api| set(api, &format!("{THING}/properties/x"), json!({"type": "string"})),
            &["field added: Thing.x"],
            &["breaking field removed: Thing.x"],
        ),
        (
            "field-required-received",
            |api| set(api, &format!("{THING}/required"), json!(["id"])),
            // In Rust, an `Option` comes or goes.
            &["breaking field made required: Thing.id"],
            &["breaking field made optional: Thing.id"],
        ),
        (
            "field-required-sent",
            |api| set(api, &format!("{INPUT}/required"), json!(["id"])),
            &["breaking field made required: Input.id"],
            &["field made optional: Input.id"],
        ),
        (
            "field-type",
            |api| set(api, &format!("{THING}/properties/id/type"), json!("integer")),
            &["breaking type changed: Thing.id"],
            &["breaking type changed: Thing.id"],
        ),
        (
            "values-received",
            |api| set(api, &format!("{THING}/properties/state/enum"), json!(["A", "B"])),
            &["values added: Thing.state"],
            &["values removed: Thing.state"],
        ),
        (
            "values-sent",
            |api| set(api, &format!("{INPUT}/properties/state/enum"), json!(["A", "B"])),
            &["values added: Input.state"],
            &["breaking values removed: Input.state"],
        ),
        (
            "bound-sent",
            |api| set(api, &format!("{INPUT}/properties/id/maxLength"), json!(3)),
            &["breaking bound changed: Input.id"],
            &["bound changed: Input.id"],
        ),
        (
            "nullable-received",
            |api| set(api, &format!("{THING}/properties/id/nullable"), json!(true)),
            &["breaking made nullable: Thing.id"],
            &["no longer nullable: Thing.id"],
        ),
        (
            "nullable-sent",
            |api| set(api, &format!("{INPUT}/properties/id/nullable"), json!(true)),
            &["made nullable: Input.id"],
            &["breaking no longer nullable: Input.id"],
        ),
        (
            "field-deprecated",
            |api| set(api, &format!("{INPUT}/properties/id/deprecated"), json!(true)),
            &["deprecation changed: Input.id"],
            &["deprecation changed: Input.id"],
        ),
        (
            "field-default",
            |api| set(api, &format!("{INPUT}/properties/id/default"), json!("x")),
            &["default changed: Input.id"],
            &["default changed: Input.id"],
        ),
    ]);
}

#[test]
fn another_server_is_no_difference_but_refused() {
    let mut elsewhere = document();
    elsewhere["servers"] = json!([{"url": "https://example.com"}]);
    let trouble = compare::changes(&written("here", &document()), &written("elsewhere", &elsewhere)).unwrap_err();
    assert!(trouble.contains("at #/servers: the server \"https://example.com\" is not HubSpot's API"), "{trouble}");
}
