//! Several media types, and several successes, of one operation.

use serde_json::{Value, json};

use super::{
    any_document::{a, description, generated, is_there, object, whole},
    built,
    codegen::{adapt, table},
};

const OBJECTS: &str = "/crm/v3/objects/partner_clients";
const OBJECT: &str = "/crm/v3/objects/partner_clients/{partnerClientId}";
const FORM: &str = "application/x-www-form-urlencoded";

fn text() -> Value {
    json!({"type": "string"})
}

/// Gives the only media type of a body or an answer another name.
fn rename(content: &mut Value, media: &str) {
    let only = content.as_object().unwrap().values().next().unwrap().clone();
    *content = json!({media: only});
}

#[test]
fn an_operation_of_the_facade_sends_and_reads_json_or_the_build_says_what_else() {
    for media in [FORM, "multipart/form-data", "text/plain"] {
        let edit = |api: &mut Value| rename(&mut api["paths"][OBJECT]["patch"]["requestBody"]["content"], media);
        let trouble = built("body-media", edit, &[]).map(|_| ()).unwrap_err();
        let about =
            format!("the operation `update`: its body is {media}, the facade sends JSON; the facade in src/ has to");
        assert!(trouble.contains(&about), "{trouble}");
    }
    let edit =
        |api: &mut Value| rename(&mut api["paths"][OBJECTS]["get"]["responses"]["200"]["content"], "application/xml");
    let trouble = built("answer-media", edit, &[]).map(|_| ()).unwrap_err();
    assert!(
        trouble.contains("the operation `list`: it answers with application/xml, the facade reads JSON"),
        "{trouble}"
    );
}

#[test]
fn json_is_taken_wherever_it_stands_among_others() {
    let edit = |api: &mut Value| {
        let of_list = &mut api["paths"][OBJECTS]["get"]["responses"]["200"]["content"];
        // Before JSON, in the order of a document and in that of names.
        of_list["a/csv"] = json!({"schema": text()});
        of_list["text/csv"] = json!({"schema": text()});
        let of_update = &mut api["paths"][OBJECT]["patch"]["requestBody"]["content"];
        of_update["a/csv"] = json!({"schema": text()});
        let json = of_update.as_object_mut().unwrap().remove("application/json").unwrap();
        of_update["application/merge-patch+json; charset=utf-8"] = json;
    };
    let (_, warnings) = built("media-beside-json", edit, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn the_table_names_the_schema_that_is_sent_and_read() {
    let both = json!({"a/csv": {"schema": text()}, "application/json": {"schema": a("Thing")}});
    let api = description(
        json!({"/crm/v3/a": {"post": {"requestBody": {"content": both}, "responses": {"200": {"description": "", "content": both}}}}}),
        json!({"Thing": object(json!({"x": text()}))}),
    );
    let mut api = super::document("x.json", &api).api;
    let table = table::rust(&mut api.clone(), &mut api);
    assert!(table.contains("request_schema: Some(\"Thing\")"), "{table}");
    assert!(table.contains("Success { status: 200, schema: Some(\"Thing\") }"), "{table}");
}

#[test]
fn a_form_that_needs_more_than_texts_is_left_out_and_named() {
    let body =
        |schema: Value| json!({"post": {"requestBody": {"content": {FORM: {"schema": schema}}}, "responses": {}}});
    let needs = |field: Value| json!({"type": "object", "required": ["x"], "properties": {"x": field}});
    let api = description(
        json!({
            "/crm/v3/a": body(needs(json!({"type": "array", "items": text()}))),
            "/crm/v3/b": body(needs(a("Thing"))),
            "/crm/v3/c": body(json!({"allOf": [a("Needs"), object(json!({"y": text()}))]})),
            "/crm/v3/d": body(json!({"type": "array", "items": text()})),
            "/crm/v3/e": body(needs(text())),
            "/crm/v3/f": body(object(json!({"x": {"type": "array", "items": text()}}))),
            // Compositions of texts are no objects.
            "/crm/v3/g": body(needs(json!({"allOf": [a("Text"), {"minLength": 1}]}))),
            "/crm/v3/h": body(needs(json!({"allOf": [a("Text"), {"type": "string", "enum": ["a"]}], "nullable": true}))),
            "/crm/v3/i": body(needs(json!({"allOf": [a("Thing"), object(json!({"y": text()}))]}))),
            "/crm/v3/j": body(needs(json!({"properties": {"y": text()}, "allOf": [a("Thing")]}))),
            "/crm/v3/k": body(needs(json!({}))),
        }),
        json!({"Thing": object(json!({"z": text()})), "Needs": needs(json!({"type": "object"})), "Text": text()}),
    );
    let (code, warnings) = generated(&api.to_string()).unwrap();
    let needs = "its form needs \"x\", a list or an object, which the client cannot write in a form";
    let expected = [
        format!("post_a: {needs}"),
        format!("post_b: {needs}"),
        format!("post_c: {needs}"),
        "post_d: its body is a form that has no fields, which the client cannot write".to_owned(),
        format!("post_i: {needs}"),
        format!("post_j: {needs}"),
    ];
    assert_eq!(warnings, expected);
    for id in ["e", "f", "g", "h", "k"] {
        is_there(&code, &format!("pub fn post_{id}("));
    }
}

/// The operation `post_a` with these successes.
fn answering(responses: Value) -> super::generate::Code {
    let schema = |schema: &Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    let responses: serde_json::Map<_, _> =
        responses.as_object().unwrap().iter().map(|(status, of)| (status.clone(), schema(of))).collect();
    whole(&description(
        json!({"/crm/v3/a": {"post": {"responses": responses}}}),
        json!({
            "Thing": {"type": "object", "required": ["id"], "properties": {"id": text(), "name": text()}},
            "More": {"type": "object", "required": ["id", "errors"], "properties": {"id": text(), "name": text(),
                "errors": {"type": "array", "items": text()}, "count": {"type": "integer"}}},
            "Task": {"type": "object", "required": ["taskId"], "properties": {"taskId": text()}},
        }),
    ))
}

#[test]
fn an_answer_is_of_the_success_that_has_the_fields_of_all() {
    for (responses, answer) in [
        (json!({"200": a("Thing"), "207": a("More")}), "types::More"),
        (json!({"200": a("More"), "202": a("Thing")}), "types::More"),
        (json!({"200": a("Thing"), "202": a("Thing")}), "types::Thing"),
        (json!({"200": a("Thing"), "202": a("Task")}), "::serde_json::Value"),
        (json!({"200": a("Thing"), "207": a("More"), "299": a("Task")}), "::serde_json::Value"),
        (json!({"200": a("Thing"), "202": text()}), "::serde_json::Value"),
        (json!({"200": a("Thing"), "202": {}}), "::serde_json::Value"),
    ] {
        let code = answering(responses.clone());
        let client = code.client.split_whitespace().collect::<String>();
        let answer: String = answer.split_whitespace().collect();
        assert!(client.contains(&format!("Result<ResponseValue<{answer}>,")), "{responses} is no {answer}");
    }
    // What one of them lacks may be missing.
    let code = answering(json!({"200": a("Thing"), "207": a("More")}));
    let errors = code.shapes.split("name: \"errors\"").nth(1).unwrap();
    assert!(errors.starts_with(", required: false"), "{}", code.shapes);
}

#[test]
fn the_facade_reads_the_success_that_it_is_built_on_whatever_comes_beside_it() {
    let edit = |api: &mut Value| {
        api["components"]["schemas"]["TaskLocator"] =
            json!({"type": "object", "required": ["taskId"], "properties": {"taskId": text()}});
        for (path, method) in [(OBJECT, "patch"), ("/crm/v3/objects/partner_clients/batch/update", "post")] {
            api["paths"][path][method]["responses"]["202"] =
                json!({"description": "", "content": {"application/json": {"schema": a("TaskLocator")}}});
        }
    };
    let (code, warnings) = built("accepted", edit, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let client = code.client.split_whitespace().collect::<String>();
    assert!(!client.contains("Result<ResponseValue<types::TaskLocator>"));
    let (own, _) = built("not-accepted", |_: &mut Value| {}, &[]).unwrap();
    let own = own.client.split_whitespace().collect::<String>();
    let answers = |client: &str, of: &str| client.matches(&format!("Result<ResponseValue<types::{of}>,")).count();
    for of in ["SimplePublicObject", "BatchResponseSimplePublicObjectWithErrors"] {
        assert_ne!(answers(&own, of), 0, "{of}");
        assert_eq!(answers(&client, of), answers(&own, of), "{of}");
    }
}

#[test]
fn what_the_facade_relies_on_is_there_whatever_another_success_lacks() {
    let answer = |schema: Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    let edit = |api: &mut Value| {
        let status =
            api["components"]["schemas"]["BatchResponseSimplePublicObjectWithErrors"]["properties"]["status"].clone();
        api["components"]["schemas"]["BatchAccepted"] = object(json!({"status": status}));
        api["components"]["schemas"]["Accepted"] = object(json!({"id": text()}));
        api["paths"][format!("{OBJECTS}/batch/read")]["post"]["responses"]["202"] = answer(a("BatchAccepted"));
        api["paths"][OBJECT]["patch"]["responses"]["202"] = answer(a("Accepted"));
        api["paths"][format!("{OBJECTS}/things")] = json!({
            // An operation that the facade is not built on has one of its types.
            "post": {"responses": {"200": answer(a("SimplePublicObject")), "202": answer(a("Accepted"))}},
            "put": {"responses": {"200": answer(a("SimplePublicObject")), "202": answer(a("SimplePublicObject"))}},
        });
    };
    let (code, warnings) = built("accepted-in-part", edit, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let client = code.client.split_whitespace().collect::<String>();
    for (name, field) in [("SimplePublicObject", "id"), ("BatchResponseSimplePublicObjectWithErrors", "status")] {
        let fields = client.split(&format!("pubstruct{name}{{")).nth(1).unwrap().split('}').next().unwrap();
        let of = fields.split(&format!("pub{field}:")).nth(1).unwrap_or_else(|| panic!("{field} in {fields}"));
        assert!(!of.starts_with("::std::option::Option"), "{name}: {of}");
    }
    let answers = |method: &str| {
        let of = client.split(&format!("impl<'a>{method}<'a>{{")).nth(1).unwrap();
        of.split("ResponseValue<").nth(1).unwrap().split(">,").next().unwrap().to_owned()
    };
    assert_eq!(answers("PostPartnerClientsThings"), "::serde_json::Value");
    assert_eq!(answers("PutPartnerClientsThings"), "types::SimplePublicObject");
}

#[test]
fn one_success_has_the_media_type_that_the_client_reads() {
    let json = json!({"description": "", "content": {"application/json": {"schema": a("Thing")}}});
    let csv = json!({"description": "", "content": {"text/csv": {"schema": text()}}});
    let api = description(
        json!({"/crm/v3/a": {"get": {"responses": {"200": json, "202": csv}}}}),
        json!({"Thing": object(json!({"x": text()}))}),
    );
    let mut api = super::document("x.json", &api).api;
    adapt::one_success_per_operation(&mut api);
    let success = &json!(api)["paths"]["/crm/v3/a"]["get"]["responses"]["2XX"]["content"];
    assert_eq!(success["application/json"]["schema"], a("Thing"));
}
