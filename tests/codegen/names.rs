//! Names that are one in Rust with names that the facade is built on.

use serde_json::{Value, json};

use super::{any_document::is_there, built};

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

fn text() -> Value {
    json!({"type": "string"})
}

#[test]
fn a_field_a_schema_and_a_parameter_of_the_facade_keep_their_names_whatever_comes_beside_them() {
    let other = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"},
        "paths": {"/crm/v3/things": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {
            "type": "object", "properties": {"a": {"$ref": "#/components/schemas/Next-Page"},
                "b": {"$ref": "#/components/schemas/Simple.Public.Object"}}}}}}}}}},
        "components": {"schemas": {
            "Next-Page": {"type": "object", "properties": {"another": text()}},
            "Simple.Public.Object": {"type": "object", "properties": {"another": text()}}}}});
    let edit = |api: &mut Value| {
        let object = &mut api["components"]["schemas"]["SimplePublicObject"]["properties"];
        object["Id"] = json!({"type": "integer"});
        object["created_at"] = json!({"type": "boolean"});
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.insert(0, json!({"name": "After", "in": "header", "schema": text()}));
        parameters.insert(0, json!({"name": "li-mit", "in": "query", "schema": text()}));
        let search = &mut api["components"]["schemas"]["PublicObjectSearchRequest"]["properties"];
        search["AFTER"] = text();
    };
    let (code, warnings) = built("beside-ours", edit, &[("things.json", other)]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    for part in [
        "pub id: ::std::string::String,",
        "rename = \"Id\"",
        "pub id_dup2:",
        "QueryParam::new(\"after\", &after)",
        "QueryParam::new(\"limit\", &limit)",
        "QueryParam::new(\"li-mit\", &li_mit_dup2)",
        "pub struct NextPage2 {",
        "pub struct SimplePublicObject2 {",
    ] {
        is_there(&code, part);
    }
    let file = syn::parse_file(&code.client).unwrap();
    let types = file.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    let has = |name: &str, field: &str| {
        types.unwrap().iter().any(|item| match item {
            syn::Item::Struct(item) if item.ident == name => {
                item.fields.iter().any(|of| of.ident.as_ref().is_some_and(|ident| ident == field))
            }
            _ => false,
        })
    };
    assert!(has("NextPage", "after") && has("SimplePublicObject", "properties") && has("NextPage2", "another"));
}

#[test]
fn a_name_that_looks_as_if_it_were_marked_is_sent_as_it_is() {
    let edit = |api: &mut Value| {
        let object = &mut api["components"]["schemas"]["SimplePublicObject"]["properties"];
        object["record__duplicates"] = text();
        object["record__dup2"] = text();
        object["record__dupp"] = text();
        object["Record__dup2"] = text();
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.push(json!({"name": "show__duplicates", "in": "query", "schema": text()}));
    };
    let (code, _) = built("marked", edit, &[]).unwrap();
    for name in ["record__duplicates", "record__dup2", "record__dupp", "Record__dup2"] {
        is_there(&code, &format!("rename = \"{name}\""));
        assert!(code.shapes.contains(&format!("name: \"{name}\"")), "{name}");
    }
    is_there(&code, "QueryParam::new(\"show__duplicates\"");
}
