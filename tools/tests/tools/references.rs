//! A schema that has a name on one side only is another type in Rust, wherever it stands.

use serde_json::{Value, json};

use super::{
    change,
    marks::{GET, document, set, told, written},
    schema,
};

fn other() -> Value {
    json!({"$ref": "#/components/schemas/Other"})
}

#[test]
fn a_field_that_stops_or_starts_to_be_a_reference_is_told() {
    let with = |name: &str, field: &Value| {
        let mut api = document();
        for schema in ["Thing", "Input"] {
            api["components"]["schemas"][schema]["properties"] = json!({"field": field,
                "list": {"type": "array", "items": field}, "map": {"type": "object", "additionalProperties": field}});
        }
        written(&format!("reference-{name}"), &api)
    };
    let before = with("before", &other());
    for (name, field) in [
        ("string", json!({"type": "string"})),
        ("any", json!({})),
        ("list", json!({"type": "array", "items": other()})),
        ("map", json!({"type": "object", "additionalProperties": {"type": "string"}})),
        ("same", json!({"type": "object", "properties": {"id": {"type": "string"}}})),
        ("demand", json!({"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}})),
        ("nowhere", json!({"$ref": "#/components/schemas/Gone"})),
        ("choice", json!({"oneOf": [other(), {"type": "string"}]})),
        ("composition", json!({"allOf": [other(), {"type": "object", "properties": {"z": {"type": "string"}}}]})),
    ] {
        let after = with(name, &field);
        let mut expected = Vec::new();
        for schema in ["Input", "Thing"] {
            for place in ["field", "list[]", "map{}"] {
                expected.push(format!("breaking type changed: {schema}.{place}"));
            }
        }
        assert_eq!(told(&before, &after), expected, "{name}");
        assert_eq!(told(&after, &before), expected, "{name}, taken back");
    }
}

#[test]
fn a_body_that_stops_or_starts_to_be_a_reference_is_told() {
    let before = written("reference-body", &document());
    for (name, schema) in [
        ("string", json!({"type": "string"})),
        ("fewer", json!({"type": "object", "properties": {"id": {"type": "string"}}})),
        ("demand", json!({"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}})),
    ] {
        let mut api = document();
        set(&mut api, &format!("{GET}/responses/200/content/application~1json/schema"), schema.clone());
        let put = &mut api["paths"]["/things/v3/things"]["put"];
        put["requestBody"]["content"]["application/json"]["schema"] = schema;
        let after = written(&format!("reference-body-{name}"), &api);
        let expected = ["breaking type changed: get_things 200", "breaking type changed: put_things request"];
        assert_eq!(told(&before, &after), expected, "{name}");
        assert_eq!(told(&after, &before), expected, "{name}, taken back");
    }
}

#[test]
fn a_parameter_that_leads_to_another_schema_is_told_wherever_it_is_listed() {
    let with = |name: &str, filter: &Value, is_first: bool| {
        let mut api = document();
        let parameters = &mut api["paths"]["/things/v3/things"]["get"]["parameters"];
        let filter = json!({"name": "filter", "in": "query", "schema": filter});
        parameters.as_array_mut().unwrap().insert(usize::from(!is_first), filter);
        written(&format!("reference-parameter-{name}"), &api)
    };
    let before = with("before", &other(), true);
    assert_eq!(told(&before, &with("reversed", &other(), false)), [""; 0]);
    let expected = ["breaking type changed: get_things(filter)"];
    for (name, filter) in
        [("another", json!({"$ref": "#/components/schemas/Thing"})), ("string", json!({"type": "string"}))]
    {
        let after = with(name, &filter, false);
        assert_eq!(told(&before, &after), expected, "{name}");
        assert_eq!(told(&after, &before), expected, "{name}, taken back");
    }
}

#[test]
fn a_field_of_a_known_operation_that_is_no_reference_any_more_is_told() {
    let paging = change("reference-known", |api| {
        schema(api, "CollectionResponseWithTotalSimplePublicObject")["properties"]["paging"] =
            json!({"type": "string"});
    });
    let text = "type changed: CollectionResponseWithTotalSimplePublicObject.paging: Paging → string";
    assert_eq!(paging, (true, text.into()));
}
