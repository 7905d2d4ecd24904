//! What may be `null`: an `Option` wherever it stands, and published as it is documented.

use serde_json::{Value, json};

use super::{
    any_document::{a, answering, description, is_there, object, whole},
    codegen::{agree, read},
};

fn owner() -> Value {
    object(json!({"id": {"type": "string"}}))
}

/// A description that answers with a thing of these fields, all of them required, and of these schemas.
fn answering_with(fields: Value, mut schemas: Value) -> Value {
    let names: Vec<&String> = fields.as_object().unwrap().keys().collect();
    schemas["Thing"] = json!({"type": "object", "required": names, "properties": fields});
    description(json!({"/crm/v3/a": {"get": answering(a("Thing"))}}), schemas)
}

fn or_null(reference: Value) -> Value {
    json!({"nullable": true, "allOf": [reference]})
}

#[test]
fn a_reference_that_may_be_null_is_an_option_wherever_it_stands() {
    let code = whole(&answering_with(
        json!({
            "all_of": or_null(a("Owner")),
            "one_of": {"nullable": true, "description": "d", "oneOf": [a("Owner")]},
            "any_of": {"nullable": true, "anyOf": [a("Owner")]},
            "typed": {"type": "object", "nullable": true, "allOf": [a("Owner")]},
            "inside": {"allOf": [{"nullable": true, "oneOf": [a("Owner")]}]},
            "beside": {"$ref": "#/components/schemas/Owner", "nullable": true},
            "itself": a("Maybe"),
            "both": or_null(a("Maybe")),
            "alias": a("Alias"),
            "more": a("More"),
            "second": a("Second"),
            "list": {"type": "array", "items": or_null(a("Owner"))},
            "list_of": {"type": "array", "items": a("Maybe")},
            "map": {"type": "object", "additionalProperties": or_null(a("Owner"))},
            "map_of": {"type": "object", "additionalProperties": a("Maybe")},
            "owners": or_null(a("Owners")),
            "state": or_null(a("State")),
            "always": {"type": "object", "allOf": [a("Owner")]},
        }),
        json!({
            "Owner": owner(), "Maybe": {"type": "object", "nullable": true, "properties": {"x": {"type": "string"}}},
            "More": {"nullable": true, "allOf": [a("Owner")], "properties": {"y": {"type": "string"}}},
            "Alias": or_null(a("Owner")), "Second": a("Alias"), "State": {"type": "string", "enum": ["A"]},
            "Owners": {"type": "array", "nullable": true, "items": a("Owner")},
        }),
    ));
    let option = |of: &str| format!("::std::option::Option<{of}>");
    let map = |of: &str| format!("::std::collections::BTreeMap<::std::string::String, {},>", option(of));
    for field in ["all_of", "one_of", "any_of", "typed", "inside", "beside", "alias", "second"] {
        is_there(&code, &format!("pub {field}: {},", option("Owner")));
    }
    for (field, kind) in [
        ("itself", option("Maybe")),
        ("both", option("Maybe")),
        ("more", option("More")),
        ("list", format!("::std::vec::Vec<{}>", option("Owner"))),
        ("list_of", format!("::std::vec::Vec<{}>", option("Maybe"))),
        ("map", map("Owner")),
        ("map_of", map("Maybe")),
        ("owners", option("Owners")),
        ("state", option("::std::string::String")),
        ("always", "Owner".to_owned()),
    ] {
        is_there(&code, &format!("pub {field}: {kind},"));
    }
    is_there(&code, "pub struct More {");
    is_there(&code, "pub y:");
    for field in ["all_of", "beside", "alias"] {
        let shape = r#"required: true, shape: Shape::Nullable(&Shape::Schema("Owner")) }"#;
        let shape = format!("Field {{ name: {field:?}, {shape}");
        assert!(code.shapes.contains(&shape), "{shape} is not in {}", code.shapes);
    }
    assert!(
        code.shapes.contains(r#"shape: Shape::List(&Shape::Nullable(&Shape::Schema("Maybe")))"#),
        "{}",
        code.shapes
    );
}

#[test]
fn a_reference_that_may_be_null_in_openapi_3_1_is_an_option() {
    let mut api = answering_with(
        json!({
            "any_of": {"anyOf": [a("Owner"), {"type": "null"}]},
            "one_of": {"oneOf": [{"type": "null"}, a("Owner")]},
            "typed": {"type": ["object", "null"], "allOf": [a("Owner")]},
            "itself": a("Maybe"),
        }),
        json!({"Owner": owner(), "Maybe": {"type": ["object", "null"], "properties": {"x": {"type": "string"}}}}),
    );
    api["openapi"] = json!("3.1.0");
    let code = whole(&api);
    for field in ["any_of", "one_of", "typed"] {
        is_there(&code, &format!("pub {field}: ::std::option::Option<Owner>,"));
    }
    is_there(&code, "pub itself: ::std::option::Option<Maybe>,");
}

#[test]
fn objects_in_place_that_may_be_null_have_names_of_their_own() {
    let part = |field: &str| json!({"type": "object", "nullable": true, "properties": {field: {"type": "string"}}});
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": answering(a("Deal"))}, "/crm/v3/b": {"get": answering(a("DealStage"))}}),
        json!({
            "Deal": object(json!({"stageInfo": part("a"), "list": {"type": "array", "items": part("c")}})),
            "DealStage": object(json!({"info": part("b")})),
        }),
    ));
    for part in [
        "pub stage_info: ::std::option::Option<DealStageInfo>,",
        "pub info: ::std::option::Option<DealStageInfo2>,",
        "pub struct DealStageInfo { #[serde(skip_serializing_if = \"::std::option::Option::is_none\")] pub a:",
        "pub struct DealStageInfo2 { #[serde(skip_serializing_if = \"::std::option::Option::is_none\")] pub b:",
        "pub list: ::std::vec::Vec<::std::option::Option<DealListItem>>,",
    ] {
        is_there(&code, part);
    }
}

/// A body is there or not.
#[test]
fn a_body_that_may_be_null_is_of_its_own_type() {
    let mut operation = answering(or_null(a("Owner")));
    operation["requestBody"] = json!({"content": {"application/json": {"schema": a("Maybe")}}});
    let mut maybe = owner();
    maybe["nullable"] = json!(true);
    let code =
        whole(&description(json!({"/crm/v3/a": {"post": operation}}), json!({"Owner": owner(), "Maybe": maybe})));
    is_there(&code, "Result<ResponseValue<types::Owner>, Error<types::Error>>");
    is_there(&code, "body: Result<types::builder::Maybe, String>");
}

#[test]
fn what_may_be_null_is_published_so_and_agrees_with_what_may_not() {
    let api = answering_with(json!({"owner": {"nullable": true, "oneOf": [a("Owner")]}}), json!({"Owner": owner()}));
    let api = json!(read::document("x.json", &api.to_string()).unwrap().api);
    let documented = &api["components"]["schemas"]["Thing"]["properties"]["owner"];
    assert_eq!(*documented, or_null(a("Owner")));
    let agreed = |a: &Value, b: &Value| agree::schemas(&object(json!({"owner": a})), &object(json!({"owner": b})));
    for (one, other) in [(documented, &a("Owner")), (&a("Owner"), documented), (documented, documented)] {
        assert_eq!(agreed(one, other), Some(object(json!({"owner": documented}))));
    }
    assert_eq!(agreed(documented, &a("Other")), None);
}
