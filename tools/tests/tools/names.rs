//! Schemas of other operations that share their name with a thing of this crate's own, or look as if they did.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::marks::{document, told, written};

/// The document of [`document`] with this schema in place of `Thing`, which is sent as well.
fn with(name: &str, side: &str, thing: Value) -> PathBuf {
    let mut api = document();
    api["paths"]["/things/v3/things"]["post"] = json!({
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "responses": {"204": {"description": ""}}});
    api["components"]["schemas"]["Thing"] = thing;
    let text = api.to_string().replace("schemas/Thing", &format!("schemas/{name}"));
    let text = text.replace("\"Thing\"", &format!("\"{name}\""));
    written(&format!("name-{name}-{side}"), &serde_json::from_str(&text).unwrap())
}

/// Not the thing of this crate's own, which has texts in two of these fields.
fn thing(required: &[&str], mut fields: Value) -> Value {
    for other in ["query", "propertyName"] {
        fields[other] = json!({"type": "integer"});
    }
    json!({"type": "object", "required": required, "properties": fields})
}

/// The names of things of this crate's own, and one that is not.
const NAMES: [&str; 3] = ["Filter", "PublicObjectSearchRequest", "Thing"];

#[test]
fn what_another_api_s_schema_of_a_known_name_loses_or_changes_breaks_its_users() {
    let text = json!({"type": "string"});
    for name in NAMES {
        let before = with(name, "before", thing(&["next"], json!({"next": text, "more": text})));
        for (change, after, expected) in [
            ("less", thing(&["next"], json!({"next": text})), format!("breaking field removed: {name}.more")),
            (
                "type",
                thing(&["next"], json!({"next": text, "more": {"type": "integer"}})),
                format!("breaking type changed: {name}.more"),
            ),
            ("optional", thing(&[], json!({"next": text, "more": text})), {
                format!("breaking field made optional: {name}.next")
            }),
            (
                "demand",
                thing(&["next", "more"], json!({"next": text, "more": text})),
                format!("breaking field made required: {name}.more"),
            ),
            (
                "null",
                thing(&["next"], json!({"next": {"type": "string", "nullable": true}, "more": text})),
                format!("breaking made nullable: {name}.next"),
            ),
        ] {
            assert_eq!(told(&before, &with(name, change, after)), [expected], "{change}");
        }
        assert_eq!(told(&before, &before), [""; 0], "{name}");
    }
}

#[test]
fn a_schema_that_is_called_other_beside_one_is_compared_under_its_own_name() {
    let text = json!({"type": "string"});
    let of = |side: &str, fields: Value| {
        let mut api = document();
        api["components"]["schemas"]["OtherThing"] = thing(&[], fields);
        api["components"]["schemas"]["Thing"]["properties"]["other"] =
            json!({"$ref": "#/components/schemas/OtherThing"});
        written(&format!("name-other-{side}"), &api)
    };
    let before = of("before", json!({"a": text, "b": text}));
    assert_eq!(told(&before, &of("less", json!({"a": text}))), ["breaking field removed: OtherThing.b"]);
    let type_changed = ["breaking type changed: OtherThing.b"];
    assert_eq!(told(&before, &of("type", json!({"a": text, "b": {"type": "integer"}}))), type_changed);
}
