//! References, however they are written and wherever they lead.

use serde_json::json;

use super::any_document::{a, answering, description, generated, is_there, object, taking, whole};

#[test]
fn a_reference_is_followed_wherever_it_leads() {
    let mut api = description(
        json!({"/crm/v3/a": {"get": answering(a("Thing"))}, "/crm/v3/b": {"$ref": "#/paths/~1crm~1v3~1a"},
            "/crm/v3/c": {"get": answering(json!({"$ref": "#/components/schemas/Thing/properties/deep"}))},
            "/crm/v3/d": {"get": answering(json!({"$ref": "#/components/parameters/p"}))},
            "/crm/v3/e": {"get": taking(json!([{"$ref": "#/paths/~1crm~1v3~1f/get/parameters/0"}]))},
            "/crm/v3/f": {"get": taking(json!([{"$ref": "#/components/parameters/p"}]))}}),
        json!({"Thing": object(json!({"deep": object(json!({"again": {"$ref": "#/components/schemas/Thing/properties/deep"}}))})),
            "Alias": a("Thing")}),
    );
    api["components"]["parameters"] = json!({"p": {"name": "p", "in": "query", "schema": {"type": "string"}}});
    let code = whole(&api);
    for part in ["pub fn get_b(", "pub again:", "p: Result<Option<::std::string::String>, String>"] {
        is_there(&code, part);
    }
    api["paths"]["/crm/v3/a"] = json!({"get": answering(object(json!({"default": a("Nowhere")})))});
    let (_, warnings) = generated(&api.to_string()).unwrap();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(
        warning.contains("schema/properties/default: the $ref \"#/components/schemas/Nowhere\" leads nowhere"),
        "{warning}"
    );
}

#[test]
fn what_leads_to_itself_in_many_ways_by_other_references_than_names_ends() {
    let ways: serde_json::Map<_, _> =
        (0..12).map(|i| (format!("way{i}"), json!({"$ref": "#/definitions/Node"}))).collect();
    let mut api =
        description(json!({"/crm/v3/a": {"get": answering(json!({"$ref": "#/definitions/Node"}))}}), json!({}));
    api["definitions"] = json!({"Node": object(json!(ways))});
    is_there(&whole(&api), "pub way11:");
}

#[test]
fn a_reference_may_be_percent_encoded() {
    let parameter = json!({"name": "q", "in": "query", "schema": {"type": "string"}});
    let code = whole(&description(
        json!({"/crm/v3/objects/{objectType}": {"get": taking(json!([parameter]))},
            "/crm/v3/a": {"get": taking(json!([
                {"$ref": "#/paths/~1crm~1v3~1objects~1%7BobjectType%7D/get/parameters/0"}]))},
            "/crm/v3/b": {"get": answering(a("Foo%20Bar"))},
            "/crm/v3/c": {"get": answering(a("B%C3%A4r"))},
            // A name that only looks so.
            "/crm/v3/d": {"get": answering(a("100%25"))}}),
        json!({"Foo Bar": object(json!({"x": {"type": "string"}})), "Bär": object(json!({"y": {"type": "string"}})),
            "100%25": object(json!({"z": {"type": "string"}}))}),
    ));
    is_there(
        &code,
        "pub struct GetA<'a> { client: &'a super::Client, q: Result<Option<::std::string::String>, String>, }",
    );
    for part in ["pub struct FooBar {", "pub x:", "pub y:", "pub z:"] {
        is_there(&code, part);
    }
    let (_, warnings) = generated(
        &description(
            json!({"/crm/v3/a": {"get": answering(a("No%zz"))}, "/crm/v3/b": {"get": answering(a("No%"))}}),
            json!({}),
        )
        .to_string(),
    )
    .unwrap();
    assert_eq!(warnings.iter().filter(|warning| warning.contains("leads nowhere")).count(), 2, "{warnings:?}");
}

#[test]
fn what_stands_beside_the_reference_of_a_path_is_there_as_well() {
    let text = json!({"type": "string"});
    let query = |name: &str| json!({"name": name, "in": "query", "schema": text});
    let mut api = description(
        json!({"/crm/v3/a": {"parameters": [query("theirs")], "get": answering(a("Thing")), "put": taking(json!([]))},
            "/crm/v3/b": {"$ref": "#/paths/~1crm~1v3~1a", "post": answering(json!({})), "put": answering(a("Thing")),
                "parameters": [query("ours")]},
            "/crm/v3/c": {"$ref": "#/paths/~1crm~1v3~1b", "patch": answering(json!({}))},
            "/crm/v3/d": {"$ref": "#/components/pathItems/Shared", "delete": taking(json!([]))}}),
        json!({"Thing": object(json!({"x": text}))}),
    );
    api["openapi"] = json!("3.1.0");
    api["components"]["pathItems"] = json!({"Shared": {"head": taking(json!([]))}});
    let code = whole(&api);
    for name in ["get_b", "post_b", "put_b", "get_c", "post_c", "patch_c", "delete_d", "head_d"] {
        is_there(&code, &format!("pub fn {name}("));
    }
    let text = "Result<Option<::std::string::String>, String>";
    is_there(&code, &format!("pub struct GetB<'a> {{ client: &'a super::Client, ours: {text}, theirs: {text}, }}"));
    is_there(&code, "impl<'a> PutB<'a>");
    let put = code.client.split("impl<'a> PutB<'a>").nth(1).unwrap();
    assert!(put.split("impl<'a>").next().unwrap().contains("types::Thing"), "its own operation");
}

#[test]
fn fields_beside_a_reference_are_of_the_schema_in_openapi_3_1() {
    let text = json!({"type": "string"});
    let mut api = description(
        json!({"/crm/v3/a": {"get": answering(a("Thing"))}, "/crm/v3/b": {"get": answering(a("Named"))}}),
        json!({
            "Base": object(json!({"x": text})),
            "Named": {"$ref": "#/components/schemas/Base", "properties": {"named": text}, "description": "d"},
            "Thing": object(json!({
                "more": {"$ref": "#/components/schemas/Base", "type": "object", "properties": {"extra": text}},
                "same": {"$ref": "#/components/schemas/Base", "description": "The base.", "type": "object"},
            })),
        }),
    );
    api["openapi"] = json!("3.1.0");
    let code = whole(&api);
    for part in ["pub extra:", "pub named:", "pub same: ::std::option::Option<Base>", "pub struct ThingMore {"] {
        is_there(&code, part);
    }
    // Until then, what stands beside a reference says nothing.
    api["openapi"] = json!("3.0.3");
    assert!(!whole(&api).client.contains("pub extra:"));
}
