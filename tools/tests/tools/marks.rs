//! Every mark of the report from both sides: it is there when something comes, its opposite when the same goes, and neither
//! where both documents say the same.

use std::{fs, path::Path, path::PathBuf};

use serde_json::{Value, json};

use super::compared;

/// Operations that send and receive a thing, all of them unknown to the crate.
pub fn document() -> Value {
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

pub fn written(name: &str, document: &Value) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mark-{name}.json"));
    fs::write(&file, document.to_string()).unwrap();
    file
}

/// Each change as `breaking? what: place`.
pub fn told(old: &Path, new: &Path) -> Vec<String> {
    let changes = compared(old, new).unwrap();
    let line =
        |breaking: bool, what: &str, place: &str| format!("{}{what}: {place}", if breaking { "breaking " } else { "" });
    changes.iter().map(|change| line(change.breaking, change.what, &change.place)).collect()
}

type Edit = fn(&mut Value);
/// What is changed, and the mark of it and of taking it back.
type Row = (&'static str, Edit, &'static [&'static str], &'static [&'static str]);

pub const GET: &str = "/paths/~1things~1v3~1things/get";
const PUT: &str = "/paths/~1things~1v3~1things/put";
const THING: &str = "/components/schemas/Thing";
const INPUT: &str = "/components/schemas/Input";

pub fn set(api: &mut Value, place: &str, value: Value) {
    let (of, member) = place.rsplit_once('/').unwrap();
    match (api.pointer_mut(of).unwrap(), member.parse::<usize>()) {
        (Value::Array(items), Ok(_)) => items.push(value),
        (node, _) => node[member.replace("~1", "/")] = value,
    }
}

fn secure(api: &mut Value, alternatives: Value) {
    let key = json!({"type": "apiKey", "name": "hapikey", "in": "query"});
    api["components"]["securitySchemes"] = json!({"key": key});
    set(api, &format!("{GET}/security"), alternatives);
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
            "key-in-the-query",
            |api| secure(api, json!([{"key": []}])),
            &["breaking authentication changed: get_things"],
            &["authentication changed: get_things"],
        ),
        ("key-beside", |api| secure(api, json!([{"oauth2": ["a"]}, {"key": []}])), &[], &[]),
        (
            "key-as-well",
            |api| secure(api, json!([{"oauth2": ["a"], "key": []}])),
            &["breaking authentication changed: get_things"],
            &["authentication changed: get_things"],
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

fn put_body(api: &mut Value, media: &str, schema: Value) {
    api["paths"]["/things/v3/things"]["put"]["requestBody"]["content"] = json!({media: {"schema": schema}});
}

#[test]
fn bodies_that_are_generated_are_compared_whatever_their_media_type() {
    let input = json!({"$ref": "#/components/schemas/Input"});
    let form = "application/x-www-form-urlencoded";
    for media in ["application/json", "application/json;charset=utf-8", "application/vnd.x+json", form] {
        let name = format!("media-{}", media.replace(['/', ';', '='], "-"));
        let mut api = document();
        put_body(&mut api, media, input.clone());
        let before = written(&name, &api);
        api["components"]["schemas"]["Input"]["required"] = json!(["id"]);
        let after = written(&format!("{name}-required"), &api);
        assert_eq!(told(&before, &after), ["breaking field made required: Input.id"], "{media}");
        // However JSON is called, it is the same in Rust and on the wire; a form is not.
        let json = written("media-json", &document());
        let sent_otherwise = ["breaking body type changed: put_things request"];
        let marks: &[&str] = if media == form { &sent_otherwise } else { &[] };
        assert_eq!(told(&json, &before), marks, "{media}");
    }
    // The client takes the JSON, and does not look into what it hands on as it is.
    let mut api = document();
    let text = json!({"schema": {"type": "string"}});
    let content = &mut api["paths"]["/things/v3/things"]["get"]["responses"]["200"]["content"];
    content["text/csv"] = text.clone();
    assert_eq!(told(&written("media-json", &document()), &written("media-csv-beside", &api)), [""; 0]);
    api["paths"]["/things/v3/things"]["get"]["responses"]["200"]["content"] = json!({"text/csv": text});
    let csv = written("media-csv", &api);
    assert_eq!(told(&written("media-json", &document()), &csv), ["breaking body type changed: get_things 200"]);
    api["paths"]["/things/v3/things"]["get"]["responses"]["200"]["content"] = json!({"text/csv": {}});
    assert_eq!(told(&csv, &written("media-csv-any", &api)), [""; 0]);
}

#[test]
fn parameters_that_are_sent_otherwise_have_a_mark() {
    let with = |name: &str, style: Value| {
        let mut api = document();
        let mut ids = json!({"name": "ids", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}});
        ids.as_object_mut().unwrap().extend(style.as_object().unwrap().clone());
        let plain = json!({"name": "kind", "in": "query", "explode": false, "schema": {"type": "string"}});
        api["paths"]["/things/v3/things"]["get"]["parameters"] = json!([plain, ids]);
        written(name, &api)
    };
    let documented = with("sent", json!({}));
    assert_eq!(told(&documented, &with("sent-said", json!({"style": "form", "explode": true}))), [""; 0]);
    for (name, style) in [
        ("sent-as-one", json!({"explode": false})),
        ("sent-in-pipes", json!({"style": "pipeDelimited"})),
        ("sent-deep", json!({"style": "deepObject", "explode": true})),
    ] {
        let other = with(name, style);
        assert_eq!(told(&documented, &other), ["breaking parameter sent otherwise: get_things(ids)"], "{name}");
    }
    let one = written("sent-one", &document());
    let mut api = document();
    set(&mut api, &format!("{GET}/parameters/0/explode"), json!(false));
    assert_eq!(told(&one, &written("sent-one-said", &api)), [""; 0], "one value is one value");
}

#[test]
fn what_may_be_null_has_a_mark_wherever_it_stands() {
    let owner = json!({"$ref": "#/components/schemas/Other"});
    let or_null = json!({"nullable": true, "allOf": [owner]});
    let with = |name: &str, [field, item, value]: [&Value; 3]| {
        let mut api = document();
        api["components"]["schemas"]["Thing"]["properties"] = json!({"owner": field,
            "list": {"type": "array", "items": item}, "map": {"type": "object", "additionalProperties": value}});
        written(name, &api)
    };
    let before = with("null", [&owner; 3]);
    for (name, parts, place) in [
        ("null-field", [&or_null, &owner, &owner], "Thing.owner"),
        ("null-item", [&owner, &or_null, &owner], "Thing.list[]"),
        ("null-value", [&owner, &owner, &or_null], "Thing.map{}"),
    ] {
        let after = with(name, parts);
        assert_eq!(told(&before, &after), [format!("breaking made nullable: {place}")]);
        assert_eq!(told(&after, &before), [format!("no longer nullable: {place}")]);
    }
    let to_another = json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/Input"}]});
    let told = told(&before, &with("null-another", [&to_another, &owner, &owner]));
    assert!(told.contains(&"breaking type changed: Thing.owner".to_owned()), "{told:?}");
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
    let trouble = compared(&written("here", &document()), &written("elsewhere", &elsewhere)).unwrap_err();
    assert!(trouble.contains("at #/servers: the server \"https://example.com\" is not HubSpot's API"), "{trouble}");
}
