//! Keywords that say nothing of the type they stand beside: the type is what it is without them.

use serde_json::{Value, json};

use super::{
    any_document::{answering, description, is_there, object, whole},
    built,
};

#[test]
fn a_keyword_of_another_type_takes_no_type_away() {
    let (text, integer) = ("::std::string::String", "i64");
    for (schema, of) in [
        (json!({"type": "string", "minimum": 1, "items": {}}), text),
        (json!({"type": "string", "enum": ["a", 1, null]}), text),
        (json!({"type": "string", "maxLength": 9.0}), text),
        (json!({"type": "integer", "maxLength": 3, "pattern": "x"}), integer),
        (json!({"type": "integer", "minimum": 1.0, "maximum": 100.0, "multipleOf": 1.5}), integer),
        (json!({"type": "integer", "maximum": 18_446_744_073_709_551_615_u64, "minimum": -1e30}), integer),
        (json!({"type": "integer", "enum": [1, "a", 1.5, 18_446_744_073_709_551_615_u64]}), integer),
        (json!({"type": "number", "minLength": 1, "format": "double"}), "f64"),
        (json!({"type": "boolean", "format": "boolean", "enum": ["true", "false"]}), "bool"),
    ] {
        let thing = object(json!({"x": schema, "after": {"type": "string"}}));
        let code = whole(&description(json!({"/crm/v3/a": {"get": answering(thing)}}), json!({})));
        is_there(&code, &format!("pub x: ::std::option::Option<{of}>"));
        assert!(code.client.contains("pub after:"), "{schema}");
    }
    for (schema, of) in [
        (json!({"type": "array", "format": "list", "properties": {}, "items": {"type": "string"}}), "::std::vec::Vec"),
        (
            json!({"type": "object", "format": "map", "additionalProperties": {"type": "string"}, "maxLength": 3}),
            "BTreeMap",
        ),
    ] {
        let thing = object(json!({"x": schema}));
        let code = whole(&description(json!({"/crm/v3/a": {"get": answering(thing)}}), json!({})));
        let field = code.client.split("pub x:").nth(1).unwrap().lines().take(4).collect::<String>();
        assert!(field.contains(of), "{schema}: {field}");
    }
}

#[test]
fn what_is_bounded_by_whole_numbers_stays_so() {
    let integer = json!({"type": "integer", "minimum": 1.0, "maximum": 1e30});
    let api = description(json!({"/crm/v3/a": {"get": answering(integer)}}), json!({}));
    let read = json!(super::document("x.json", &api).api);
    let schema = &read["paths"]["/crm/v3/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(*schema, json!({"type": "integer", "minimum": 1}));
}

#[test]
fn the_facade_is_built_whatever_its_types_are_said_beside() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 5] = [
        ("length", |api| {
            let list = api["paths"]["/crm/v3/objects/partner_clients"]["get"]["parameters"].as_array_mut().unwrap();
            let limit = list.iter_mut().find(|parameter| parameter["name"] == "limit").unwrap();
            limit["schema"]["maxLength"] = json!(3);
        }),
        ("flag", |api| {
            let object = &mut api["components"]["schemas"]["SimplePublicObject"];
            object["properties"]["archived"]["format"] = json!("boolean");
        }),
        ("format", |api| api["components"]["schemas"]["SimplePublicObject"]["format"] = json!("object")),
        ("untyped", |api| {
            api["components"]["schemas"]["SimplePublicObject"].as_object_mut().unwrap().remove("type");
        }),
        ("composed", |api| {
            let schemas = &mut api["components"]["schemas"];
            let all = schemas["SimplePublicObjectWithAssociations"]["properties"].clone();
            schemas["SimplePublicObjectWithAssociations"] = json!({"allOf": [
                {"$ref": "#/components/schemas/SimplePublicObject"},
                {"type": "object", "properties": {"associations": all["associations"]}},
            ]});
        }),
    ];
    let code = |name: &str, edit: Edit| {
        let (code, warnings) = built(name, edit, &[]).unwrap_or_else(|trouble| panic!("{name}: {trouble}"));
        assert_eq!(warnings, Vec::<String>::new(), "{name}");
        // Whatever their order.
        let field = |text: &str| text.lines().next().map(|line| line.trim_end_matches([',', ' ', ']', ')']).to_owned());
        let mut fields: Vec<_> = code.shapes.split("Field ").map(field).collect();
        fields.sort();
        fields
    };
    let own = code("keywords-none", |_| {});
    for (name, edit) in edits {
        assert_eq!(code(&format!("keywords-{name}"), edit), own, "{name}");
    }
}
