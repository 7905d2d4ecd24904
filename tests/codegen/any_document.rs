//! Any document: code that compiles, with a warning for each operation that is left out, or one line that says what to do.

use serde_json::{Value, json};

use super::{
    codegen::{correct, merge, read},
    generate::{self, Code},
};

/// A description of these operations, by path and method, and these schemas.
pub fn description(paths: Value, schemas: Value) -> Value {
    let mut api = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": paths,
        "components": {"schemas": schemas}});
    api["components"]["schemas"]["Error"] = json!({"type": "object", "properties": {"message": {"type": "string"}}});
    api
}

/// An operation that answers with this.
pub fn answering(schema: Value) -> Value {
    json!({"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}})
}

pub fn taking(parameters: Value) -> Value {
    json!({"parameters": parameters, "responses": {"204": {"description": ""}}})
}

pub fn a(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

pub fn object(fields: Value) -> Value {
    json!({"type": "object", "properties": fields})
}

/// The code, and each warning and operation that is left out.
pub fn generated(text: &str) -> Result<(Code, Vec<String>), String> {
    let document = read::document("x.json", text).map_err(|problem| problem.to_string())?;
    let mut warnings = Vec::new();
    let mut api = merge::documents(vec![document], &mut warnings).map_err(|problem| problem.to_string())?;
    correct::document(&mut api);
    let (code, left_out) = generate::all(&api)?;
    let too_deep = code.too_deep.clone();
    let warnings = warnings.iter().map(ToString::to_string).chain(too_deep);
    Ok((code, warnings.chain(left_out.into_iter().map(|(id, trouble)| format!("{id}: {trouble}"))).collect()))
}

/// The code of a description of which nothing is left out.
pub fn whole(api: &Value) -> Code {
    let (code, warnings) = generated(&api.to_string()).unwrap();
    assert!(warnings.is_empty(), "{warnings:#?}");
    code
}

/// However the formatter breaks its lines.
pub fn is_there(code: &Code, part: &str) {
    let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
    assert!(without_spaces(&code.client).contains(&without_spaces(part)), "{part} is not in\n{}", code.client);
}

#[test]
fn choices_beside_fields_and_schemas_that_lead_to_themselves_end() {
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": answering(a("Both"))}, "/crm/v3/b": {"get": answering(a("Self1"))},
            "/crm/v3/c": {"get": answering(a("Round"))}, "/crm/v3/d": {"get": answering(a("List"))}}),
        json!({
            "Both": {"properties": {"x": {"type": "string"}}, "oneOf": [a("Part"), a("List")]},
            "Part": object(json!({"whole": a("Both")})),
            "Self1": {"oneOf": [a("Self1")]},
            "Round": {"allOf": [a("Trip"), object(json!({"y": {"type": "string"}}))]},
            "Trip": {"allOf": [a("Round"), object(json!({"z": {"type": "string"}}))]},
            "List": {"type": "array", "items": a("List")},
        }),
    ));
    for field in ["pub x:", "pub y:", "pub z:", "pub struct List"] {
        is_there(&code, field);
    }
}

#[test]
fn names_that_are_one_in_rust_are_told_apart_and_keep_theirs_on_the_wire() {
    let code = whole(&description(
        json!({
            "/crm/v3/a/{objectId}": {"get": {"parameters": [
                    {"name": "object_id", "in": "query", "schema": {"type": "string"}},
                    {"name": "client", "in": "query", "schema": {"type": "string"}},
                    {"name": "objectId", "in": "path", "required": true, "schema": {"type": "string"}},
                ], "responses": answering(a("NextPage"))["responses"]}},
            "/crm/v3/b": {"get": answering(a("nextPage"))},
            "/crm/v3/c": {"get": answering(a("self"))},
            "/crm/v3/d": {"get": answering(a("😀"))},
            "/crm/v3/e": {"get": answering(a("🎉"))},
            "/crm/v3/f": {"get": answering(a("Default"))},
        }),
        json!({
            "NextPage": object(json!({"objectId": {"type": "string"}, "object_id": {"type": "integer"},
                "self": {"type": "string"}, "😀": {"type": "string"}, "🎉": {"type": "string"}})),
            "nextPage": object(json!({"a": {"type": "string"}})),
            "self": object(json!({"b": {"type": "string"}})),
            "😀": object(json!({"c": {"type": "string"}})),
            "🎉": object(json!({"d": {"type": "string"}})),
            "Default": object(json!({"e": {"type": "string"}})),
        }),
    ));
    for part in
        ["rename = \"objectId\"", "rename = \"object_id\"", "rename = \"self\"", "rename = \"😀\"", "rename = \"🎉\""]
    {
        is_there(&code, part);
    }
    for part in [
        "QueryParam::new(\"object_id\"",
        "QueryParam::new(\"client\"",
        "pub struct NextPage2",
        "pub struct Self_",
        "pub struct Default2",
    ] {
        is_there(&code, part);
    }
    let texts = [
        &code.client,
        &code.shapes,
        #[cfg(feature = "mock")]
        &code.mock,
    ];
    for text in texts {
        assert!(!text.contains("__dup"), "a mark of ours is left");
    }
    assert!(code.shapes.contains("name: \"object_id\""), "{}", code.shapes);
}

#[test]
fn objects_that_are_written_in_place_have_names_of_their_own() {
    let code = whole(&description(
        json!({
            "/crm/v3/a": {"get": answering(object(json!({"part": object(json!({"x": {"type": "string"}}))})))},
            "/crm/v3/b": {"get": answering(a("GetAResponse"))},
            "/crm/v3/c": {"get": answering(a("GetAResponsePart"))},
        }),
        json!({"GetAResponse": object(json!({"y": {"type": "string", "title": "GetAResponse"}})),
            "GetAResponsePart": object(json!({"z": {"type": "string"}}))}),
    ));
    is_there(&code, "pub struct GetAResponse2 ");
    is_there(&code, "pub struct GetAResponse2Part ");
}

#[test]
fn formats_and_values_make_no_types_that_refuse_others() {
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": answering(object(json!({
            "u": {"type": "string", "format": "uuid"}, "d": {"type": "string", "format": "date"},
            "i": {"type": "integer", "enum": [1, 2]}, "n": {"type": "number", "format": "float", "enum": [1.5]},
            "t": {"type": "string", "format": "date-time"}, "l": {"type": "array"}, "no": {"not": {"type": "string"}},
            "x": {"type": "integer", "exclusiveMinimum": true},
        })))}}),
        json!({}),
    ));
    for part in [
        "pub u: ::std::option::Option<::std::string::String>",
        "pub i: ::std::option::Option<i64>",
        "pub n: ::std::option::Option<f64>",
        "DateTime",
    ] {
        is_there(&code, part);
    }
    assert!(!code.client.contains("uuid"));
}

#[test]
fn a_parameter_that_is_an_object_is_the_text_that_is_sent() {
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": taking(json!([
            {"name": "filter", "in": "query", "schema": object(json!({"a": {"type": "string"}}))},
            {"name": "named", "in": "query", "schema": a("Filter")},
            {"name": "content", "in": "query", "content": {"application/json": {"schema": {}}}},
            {"name": "Accept", "in": "header", "schema": {"type": "string"}},
            {"name": "x-list", "in": "header", "schema": {"type": "array", "items": {"type": "string"}}},
        ]))}}),
        json!({"Filter": object(json!({"a": {"type": "string"}}))}),
    ));
    for name in ["filter", "named", "content", "x_list"] {
        is_there(&code, &format!("{name}: Result<Option<::std::string::String>, String>"));
    }
    assert!(!code.client.contains("accept:"), "set by the client");
}

#[test]
fn a_header_is_sent_whatever_its_name() {
    let code = whole(&description(
        json!({"/crm/v3/a": {"get": taking(json!([
            {"name": "api-version", "in": "header", "schema": {"type": "string"}},
            {"name": "X-Api-Version", "in": "header", "required": true, "schema": {"type": "string"}}]))}}),
        json!({}),
    ));
    is_there(&code, "header_map.append(\"api-version\", value.to_string().try_into()?)");
    is_there(&code, "header_map.append(\"X-Api-Version\", x_api_version.to_string().try_into()?)");
    assert!(!code.client.contains("from_static(\"api-version\")"), "HubSpot does not know it");
}

#[test]
fn lists_travel_as_they_are_documented_and_as_one_value_with_crm_objects() {
    let list = |explode: bool, items: Value| {
        taking(json!([{"name": "ids", "in": "query", "explode": explode, "schema": {"type": "array", "items": items}}]))
    };
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    let code = whole(&description(
        json!({"/files/v3/files": {"get": list(true, number), "put": list(false, text.clone())},
            "/crm/v3/objects/companies": {"get": list(true, text.clone())},
            "/files/v3/other": {"get": list(true, object(json!({"a": text})))}}),
        json!({}),
    ));
    for (operation, kind) in [
        ("GetFiles", "::std::vec::Vec<i64>"),
        ("PutFiles", "::std::string::String"),
        ("GetCompanies", "::std::string::String"),
        ("GetOther", "::std::string::String"),
    ] {
        is_there(
            &code,
            &format!("pub struct {operation}<'a> {{ client: &'a super::Client, ids: Result<Option<{kind}>, String>"),
        );
    }
}

#[test]
fn bodies_of_any_kind_are_generated() {
    let body = |media: &str, schema: Value| {
        let mut operation = answering(json!({"type": "object", "nullable": true}));
        operation["requestBody"] = json!({"content": {media: {"schema": schema}}});
        operation
    };
    let text = json!({"type": "string"});
    let code = whole(&description(
        json!({
            "/crm/v3/a": {"post": body("application/json", json!({})), "put": body("text/plain", text.clone()),
                "patch": body("application/x-www-form-urlencoded", object(json!({"a": text}))),
                "get": {"requestBody": {"content": {}}, "responses": {"200": {"description": "", "content": {"application/json": {}}}}}},
            "/crm/v3/n": {"post": body("application/json", json!({"type": "integer"}))},
            "/crm/v3/b": {"post": body("application/vnd.x+json", json!({"type": "object", "nullable": true})),
                "get": {"responses": {"default": {"description": "", "content": {"application/json": {"schema": text}}}}},
                "put": {"responses": {"299": {"description": ""}, "3XX": {"description": ""}, "404": {"description": "",
                    "content": {"application/json": {"schema": text}}}, "200": {"description": "", "content": {
                        "text/csv": {"schema": text}}}}}},
        }),
        json!({}),
    ));
    assert!(!code.client.is_empty());
    // A mock hands its bodies on by reference.
    #[cfg(feature = "mock")]
    assert!(!code.mock.contains("value: i64"), "{}", code.mock);
}

#[test]
fn an_operation_that_cannot_be_generated_is_left_out_and_named() {
    let api = description(
        json!({
            "/crm/v3/a": {"get": answering(json!({"type": "string"})),
                "post": {"requestBody": {"content": {"multipart/form-data": {"schema": {}}}}, "responses": {}},
                "put": taking(json!([{"name": "c", "in": "cookie", "required": true, "schema": {"type": "string"}}])),
                "delete": taking(json!([{"name": "c", "in": "cookie", "schema": {"type": "string"}},
                    {"name": "p", "in": "query", "style": "pipeDelimited", "schema": {"type": "string"}},
                    {"name": "d", "in": "query", "style": "deepObject", "schema": {"type": "object"}}])),
                "head": taking(json!([{"name": "d", "in": "query", "style": "deepObject", "required": true,
                    "schema": {"type": "object"}}])),
                "patch": {"responses": "none"}},
            "/crm/v3/{b}/{b}": {"get": answering(json!({"type": "string"}))},
            "/crm/v3/{c": {"get": answering(json!({"type": "string"}))},
            "/crm/v3/d": {"get": answering(a("Wrong"))},
        }),
        json!({"Wrong": {"type": "object", "required": "id"}}),
    );
    let (code, warnings) = generated(&api.to_string()).unwrap();
    for (warning, name) in warnings.iter().zip([
        "x.json: at #/paths/~1crm~1v3~1a/patch: not OpenAPI 3.0",
        "x.json: at #/components/schemas/Wrong: not OpenAPI 3.0",
        "put_a: it needs the cookie \"c\"",
        "post_a: its body is multipart/form-data",
        "head_a: it needs the parameter \"d\" in the style deepObject",
        "get_crm_by_ids: its path names {b} twice",
        "get_c: ",
    ]) {
        assert!(warning.starts_with(name), "{warning} is not of {name} in {warnings:#?}");
        assert!(!warning.contains('\n'), "{warning}");
    }
    assert_eq!(warnings.len(), 7, "{warnings:#?}");
    is_there(&code, "pub fn get_a(");
    is_there(&code, "pub fn delete_a(");
    is_there(
        &code,
        "pub struct DeleteA<'a> { client: &'a super::Client, p: Result<Option<::std::string::String>, String>, }",
    );
    is_there(&code, "pub fn get_d(");
    assert!(!code.client.contains("pub fn post_a("));
}

#[test]
fn a_part_that_is_no_openapi_is_told_by_its_place_and_costs_nothing_else() {
    let whole_document = description(
        json!({"/crm/v3/a": {"get": answering(a("Thing")), "summary": "s"}, "/crm/v3/b": {"get": answering(json!({}))}}),
        json!({"Thing": object(json!({"x": {"type": "string"}}))}),
    );
    for (place, wrong, told) in [
        ("/info", json!({"title": {}, "version": "v3"}), "#/info: not OpenAPI 3.0"),
        ("/tags", json!({"a": 1}), "#/tags: "),
        ("/security", json!("oauth2"), "#/security: "),
        ("/externalDocs", json!([]), "#/externalDocs: "),
        ("/components/securitySchemes", json!({"oauth2": {"type": "oauth2"}}), "#/components/securitySchemes/oauth2: "),
        ("/components/securitySchemes", json!([]), "#/components/securitySchemes: "),
        ("/paths/~1crm~1v3~1b", json!("x"), "#/paths/~1crm~1v3~1b: "),
        ("/paths/~1crm~1v3~1b/parameters", json!({"a": 1}), "#/paths/~1crm~1v3~1b/parameters: "),
        ("/paths/~1crm~1v3~1b/parameters", json!([{"in": "x"}]), "#/paths/~1crm~1v3~1b/parameters: "),
        ("/paths/~1crm~1v3~1b/parameters", json!([{"in": "header", "name": "h"}]), "#/paths/~1crm~1v3~1b/parameters: "),
        ("/paths/~1crm~1v3~1b/summary", json!([]), "#/paths/~1crm~1v3~1b/summary: "),
        ("/paths/~1crm~1v3~1b/servers", json!(1), "#/paths/~1crm~1v3~1b: "),
        ("/paths/~1crm~1v3~1b/get/responses", json!(1), "#/paths/~1crm~1v3~1b/get: "),
        ("/components/schemas/Error", json!({"type": "object", "required": 1}), "#/components/schemas/Error: "),
    ] {
        let mut api = whole_document.clone();
        let (of, member) = place.rsplit_once('/').unwrap();
        api.pointer_mut(of).unwrap()[member.replace("~1", "/")] = wrong;
        let (code, warnings) = generated(&api.to_string()).unwrap_or_else(|trouble| panic!("{place}: {trouble}"));
        assert!(
            warnings.iter().any(|warning| warning.starts_with(&format!("x.json: at {told}"))),
            "{place}: {warnings:?}"
        );
        is_there(&code, "pub fn get_a(");
        let needs_it = place.ends_with("b/parameters") || place.ends_with("1b") || place.ends_with("b/get/responses");
        assert_eq!(code.client.contains("pub fn get_b("), !needs_it && !place.ends_with("b/servers"), "{place}");
    }
    for (place, wrong) in [("paths", json!([])), ("servers", json!({"url": 1})), ("paths", Value::Null)] {
        let mut api = whole_document.clone();
        api[place] = wrong;
        let trouble = generated(&api.to_string()).map(|_| ()).unwrap_err();
        assert!(trouble.starts_with("x.json: at #") && trouble.contains(place), "{place}: {trouble}");
    }
}

#[test]
fn the_parameters_of_a_path_are_those_in_its_braces() {
    let text = json!({"type": "string"});
    let code = whole(&description(
        json!({"/crm/v3/a/{x}/{y}": {
            "parameters": [{"name": "x", "in": "path", "required": true, "schema": text}],
            "get": taking(json!([
                {"name": "x", "in": "path", "schema": {"type": "object"}},
                {"name": "x", "in": "path", "required": true, "schema": text},
                {"name": "z", "in": "path", "required": true, "schema": text},
            ])),
        }}),
        json!({}),
    ));
    is_there(&code, "x: Result<crate::PathSegment, String>");
    is_there(&code, "y: Result<crate::PathSegment, String>");
    assert!(!code.client.contains("z: Result<"));
}

#[test]
fn a_file_in_another_encoding_is_read_and_another_format_is_named() {
    let api = description(json!({"/crm/v3/a": {"get": answering(json!({}))}}), json!({})).to_string();
    let wide = |bytes: fn(u16) -> [u8; 2], mark: &str| {
        let units = mark.encode_utf16().chain(api.encode_utf16()).flat_map(bytes);
        read::text(&units.collect::<Vec<u8>>()).unwrap()
    };
    for text in [
        wide(u16::to_le_bytes, "\u{feff}"),
        wide(u16::to_be_bytes, "\u{feff}"),
        wide(u16::to_le_bytes, ""),
        read::text(format!("\u{feff}{api}").as_bytes()).unwrap(),
    ] {
        assert!(generated(&text).is_ok(), "{text}");
    }
    assert!(read::text(b"{\"a\": \"\xff\"}").is_err());
    assert!(read::text(b"{\0\"").is_err(), "half a character");
    for (text, remedy) in [
        ("openapi: 3.0.1\npaths: {}\n", "convert YAML to JSON"),
        (r#"{"swagger": "2.0"}"#, "swagger2openapi"),
        (r#"{"openapi": 3}"#, "convert the document to OpenAPI 3.0"),
        ("[]", "give it \"openapi\""),
        ("", "convert YAML to JSON"),
    ] {
        let trouble = generated(text).map(|_| ()).unwrap_err();
        assert!(trouble.starts_with("x.json: at ") && trouble.contains(remedy), "{trouble}");
    }
}

#[test]
fn openapi_3_1_is_read_where_it_says_the_same_in_another_way() {
    let mut api = description(
        json!({"/crm/v3/a": {"get": answering(object(json!({
            "a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "c": {"const": "x"},
            "d": {"type": ["string", "integer"]}, "e": {"type": "integer", "exclusiveMinimum": 3}, "f": true,
        })))}}),
        json!({}),
    );
    api["openapi"] = json!("3.1.0");
    api["webhooks"] = json!({});
    let code = whole(&api);
    for part in [
        "pub a: ::std::option::Option<::std::string::String>",
        "pub b: ::std::option::Option<i64>",
        "pub c: ::std::option::Option<::std::string::String>",
        "pub d: ::std::option::Option<::serde_json::Value>",
        "pub e: ::std::option::Option<i64>",
        "pub f: ::std::option::Option<::serde_json::Value>",
    ] {
        is_there(&code, part);
    }
}

#[test]
fn what_is_deprecated_is_so_in_rust() {
    let mut old = answering(json!({}));
    old["deprecated"] = json!(true);
    let paths = json!({"/crm/v3/a": {"get": old, "post": answering(json!({}))}});
    let code = whole(&description(paths, json!({})));
    let method = "#[deprecated(note = \"HubSpot documents this operation as deprecated\")] pub fn get_a(";
    is_there(&code, method);
    assert_eq!(code.client.matches("#[deprecated").count(), 1);
}
