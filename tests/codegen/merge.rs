use serde_json::{Value, json};

use super::{codegen::merge, document, small};

/// What becomes of the documents, and the warnings.
fn merged(documents: &[(&str, &Value)]) -> (Value, Vec<String>) {
    let documents = documents.iter().map(|(file, json)| document(file, json)).collect();
    let mut warnings = Vec::new();
    let api = merge::documents(documents, &mut warnings).unwrap();
    (serde_json::to_value(api).unwrap(), warnings.iter().map(ToString::to_string).collect())
}

/// As [`merged`], without a warning.
fn joined(documents: &[(&str, &Value)]) -> Value {
    let (api, warnings) = merged(documents);
    assert!(warnings.is_empty(), "{warnings:?}");
    api
}

fn other() -> Value {
    let mut api = small();
    let get = api["paths"]["/crm/v3/things/{thingId}"].take();
    api["paths"] = json!({"/crm/v3/others/{thingId}": get});
    api
}

#[test]
fn documents_are_joined() {
    let api = joined(&[("a.json", &small()), ("b.json", &other())]);
    assert_eq!(api["paths"].as_object().unwrap().len(), 2);
    assert_eq!(api["components"]["schemas"].as_object().unwrap().len(), 1);
}

#[test]
fn the_methods_of_one_path_may_stand_in_two_documents() {
    let mut put = small();
    let get = put["paths"]["/crm/v3/things/{thingId}"]["get"].take();
    put["paths"]["/crm/v3/things/{thingId}"] = json!({"put": get});
    let api = joined(&[("a.json", &small()), ("b.json", &put)]);
    let path = api["paths"]["/crm/v3/things/{thingId}"].as_object().unwrap();
    assert!(path.contains_key("get") && path.contains_key("put"));
}

#[test]
fn a_schema_may_stand_in_two_documents_and_be_described_differently() {
    let mut a = small();
    a["components"]["schemas"]["Thing"]["required"] = json!(["id", "name"]);
    let mut b = other();
    b["components"]["schemas"]["Thing"]["required"] = json!(["name", "id"]);
    b["components"]["schemas"]["Thing"]["description"] = json!("In other words.");
    b["components"]["schemas"]["Thing"]["properties"]["id"]["example"] = json!("7");
    b["components"]["schemas"]["Thing"]["x-note"] = json!(1);
    let api = joined(&[("a.json", &a), ("b.json", &b)]);
    assert_eq!(api["components"]["schemas"].as_object().unwrap().len(), 1);
}

#[test]
fn schemas_that_differ_in_what_is_optional_are_one() {
    let mut a = small();
    a["components"]["schemas"]["Thing"] = json!({"type": "object", "required": ["id", "state"], "properties": {
        "id": {"type": "string", "maxLength": 9}, "state": {"type": "string", "enum": ["ON", "OFF"]},
        "size": {"type": "integer", "format": "int32"}, "left": {"type": "string"},
        "part": {"type": "object", "properties": {"a": {"type": "string"}}}}});
    let mut b = other();
    b["components"]["schemas"]["Thing"] = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string", "maxLength": 5}, "state": {"type": "string", "enum": ["OFF", "IDLE"], "nullable": true},
        "size": {"type": "integer", "format": "int64"}, "right": {"type": "boolean"},
        "part": {"type": "object", "properties": {"b": {"type": "string"}}}}});
    for documents in [[("a.json", &a), ("b.json", &b)], [("b.json", &b), ("a.json", &a)]] {
        let api = joined(&documents);
        let schemas = api["components"]["schemas"].as_object().unwrap();
        assert_eq!(schemas.len(), 1, "{schemas:?}");
        let thing = &schemas["Thing"];
        assert_eq!(thing["required"], json!(["id"]), "what both insist on");
        let fields = thing["properties"].as_object().unwrap();
        let names: std::collections::BTreeSet<_> = fields.keys().map(String::as_str).collect();
        assert!(names.into_iter().eq(["id", "left", "part", "right", "size", "state"]), "{fields:?}");
        assert_eq!(fields["state"]["nullable"], true);
        assert_eq!(fields["part"]["properties"].as_object().unwrap().len(), 2);
        assert_eq!(fields["id"].get("maxLength"), None, "a bound that the other does not have");
    }
}

#[test]
fn the_scopes_of_every_document_are_described() {
    let with = |mut api: serde_json::Value, scope: &str| {
        let flow =
            json!({"authorizationUrl": "/a", "tokenUrl": "/t", "scopes": {scope: format!("What {scope} allows.")}});
        api["components"]["securitySchemes"] =
            json!({"oauth2": {"type": "oauth2", "flows": {"authorizationCode": flow}}});
        api
    };
    let api = joined(&[("a.json", &with(small(), "a")), ("b.json", &with(other(), "b"))]);
    let scopes = &api["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]["scopes"];
    assert_eq!(*scopes, json!({"a": "What a allows.", "b": "What b allows."}));
}

#[test]
fn schemas_that_differ_in_substance_are_two_and_so_are_those_that_need_them() {
    let mut a = small();
    let whole = |part: &str| {
        json!({"type": "object", "properties": {"part": {"$ref": "#/components/schemas/Part"},
        "id": {"type": "string"}, "kind": {"type": part}}})
    };
    a["components"]["schemas"]["Thing"] = whole("string");
    a["components"]["schemas"]["Part"] = json!({"type": "object", "properties": {"size": {"type": "integer"}}});
    let mut b = other();
    b["components"]["schemas"]["Thing"] = whole("string");
    b["components"]["schemas"]["Part"] = json!({"type": "object", "properties": {"size": {"type": "string"}}});
    let api = joined(&[("x/a.json", &a), ("x/my-notes.json", &b)]);
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["Part"]["properties"]["size"]["type"], "integer");
    assert_eq!(schemas["MyNotesPart"]["properties"]["size"]["type"], "string");
    assert_eq!(schemas["Thing"]["properties"]["part"]["$ref"], "#/components/schemas/Part");
    assert_eq!(schemas["MyNotesThing"]["properties"]["part"]["$ref"], "#/components/schemas/MyNotesPart");
    let answer = |path: &str| {
        api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    assert_eq!(answer("/crm/v3/things/{thingId}"), "#/components/schemas/Thing");
    assert_eq!(answer("/crm/v3/others/{thingId}"), "#/components/schemas/MyNotesThing");
}

#[test]
fn a_field_that_one_of_two_schemas_insists_on_is_substance() {
    let mut b = other();
    b["components"]["schemas"]["Thing"] = json!({"type": "object", "required": ["description"],
        "properties": {"id": {"type": "string"}, "description": {"type": "string"}}});
    let api = joined(&[("a.json", &small()), ("b.json", &b)]);
    assert!(api["components"]["schemas"].get("BThing").is_some());
}

#[test]
fn what_the_corrections_level_out_is_no_conflict() {
    let error = |sub: Value| json!({"type": "object", "properties": {"subCategory": sub}});
    let with = |mut api: Value, sub: Value| {
        api["components"]["schemas"]["StandardError"] = error(sub);
        api["components"]["schemas"]["Thing"]["properties"]["error"] =
            json!({"$ref": "#/components/schemas/StandardError"});
        api
    };
    let (a, b) = (with(small(), json!({"type": "object", "properties": {}})), with(other(), json!({"type": "string"})));
    let api = joined(&[("a.json", &a), ("b.json", &b)]);
    assert_eq!(api["components"]["schemas"].as_object().unwrap().len(), 2, "{api}");
}

#[test]
fn an_operation_of_two_documents_is_one_whatever_else_they_say_of_it() {
    let mut b = small();
    let get = &mut b["paths"]["/crm/v3/things/{thingId}"]["get"];
    get["tags"] = json!(["Other"]);
    get["security"] = json!([{"oauth2": ["other"]}]);
    get["summary"] = json!("In other words.");
    get["parameters"].as_array_mut().unwrap().push(json!({"name": "q", "in": "query", "schema": {"type": "string"}}));
    get["responses"]["404"] = json!({"description": "gone", "headers": {"x": {"schema": {"type": "string"}}}});
    let api = joined(&[("a.json", &small()), ("b.json", &b)]);
    let get = &api["paths"]["/crm/v3/things/{thingId}"]["get"];
    assert_eq!(get["parameters"].as_array().unwrap().len(), 2, "{get}");
    assert_eq!(get.get("security"), None, "the first says it");
}

#[test]
fn an_operation_that_says_two_things_is_told_and_the_first_is_taken() {
    let mut b = small();
    b["paths"]["/crm/v3/things/{thingId}"]["get"]["parameters"][0]["schema"]["type"] = json!("integer");
    let (api, warnings) = merged(&[("a.json", &small()), ("b.json", &b)]);
    assert_eq!(api["paths"]["/crm/v3/things/{thingId}"]["get"]["parameters"][0]["schema"]["type"], "string");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let expected = "b.json: at #/paths/~1crm~1v3~1things~1{thingId}/get: another `get_things_by_id` than in a.json; ";
    assert!(warning.starts_with(expected), "{warning}");
}

#[test]
fn a_success_that_only_one_of_two_documents_has_is_there() {
    let mut b = small();
    let schema = json!({"$ref": "#/components/schemas/Other"});
    b["components"]["schemas"]["Other"] = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    b["paths"]["/crm/v3/things/{thingId}"]["get"]["responses"] =
        json!({"201": {"description": "", "content": {"application/json": {"schema": schema}}}});
    let api = joined(&[("a.json", &small()), ("b.json", &b)]);
    let responses = &api["paths"]["/crm/v3/things/{thingId}"]["get"]["responses"];
    assert!(responses["200"].is_object(), "{responses}");
    assert_eq!(responses["201"]["content"]["application/json"]["schema"], schema);
}

/// A path of this method that calls its parameters so.
fn at(path: &str, method: &str) -> Value {
    let mut api = small();
    let names = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let parameters: Vec<Value> =
        names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
    api["paths"] = json!({path: {method: {"parameters": parameters, "responses": {"204": {"description": ""}}}}});
    api
}

#[test]
fn a_path_is_one_whatever_two_documents_call_its_parameters() {
    let pair = "/crm/objects/2026-09/{objectType}/{objectId}/associations/{toObjectType}";
    let from_pair = "/crm/objects/2026-09/{fromObjectType}/{fromObjectId}/associations/{toObjectType}";
    for (ours, theirs) in [
        ("/crm/v3/things/{id}", "/crm/v3/things/{thingId}"),
        (pair, from_pair),
        (from_pair, pair),
        ("/crm/objects/2026-09/things/{id}", "/crm/objects/2026-09/things/{thingId}"),
    ] {
        for method in ["get", "delete"] {
            let api = joined(&[("a.json", &at(ours, "get")), ("b.json", &at(theirs, method))]);
            let paths = api["paths"].as_object().unwrap();
            assert!(paths.keys().eq([ours]), "{paths:?}");
            let names = |path: &str| path.matches('{').count();
            for (_, operation) in paths[ours].as_object().unwrap() {
                let parameters = operation["parameters"].as_array().unwrap();
                assert_eq!(parameters.len(), names(ours));
                for parameter in parameters {
                    assert!(ours.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), "{parameter}");
                }
            }
        }
    }
    // The same names in another order, and another path.
    for (ours, theirs) in [
        ("/crm/v3/x/{from}/{to}", "/crm/v3/x/{to}/{from}"),
        ("/crm/v3/x/{a}", "/crm/v3/x/{a}/"),
        ("/crm/objects/2026-09/x/{a}", "/crm/objects/2026-03/x/{b}"),
    ] {
        let api = joined(&[("a.json", &at(ours, "get")), ("b.json", &at(theirs, "get"))]);
        assert_eq!(api["paths"].as_object().unwrap().len(), 2, "{ours} {theirs}");
    }
}

#[test]
fn a_path_beside_a_known_one_has_its_names_in_each_version() {
    for (path, called) in [
        ("/crm/v3/objects/partner_clients/{objectId}", "/crm/v3/objects/partner_clients/{partnerClientId}"),
        ("/crm/objects/2026-09/partner_clients/{objectId}", "/crm/objects/2026-09/partner_clients/{partnerClientId}"),
        (
            "/crm/associations/2026-09/{a}/{b}/labels",
            "/crm/associations/2026-09/{fromObjectType}/{toObjectType}/labels",
        ),
    ] {
        let api = joined(&[("a.json", &at(path, "delete"))]);
        let paths = api["paths"].as_object().unwrap();
        assert!(paths.keys().eq([called]), "{paths:?}");
        for parameter in paths[called]["delete"]["parameters"].as_array().unwrap() {
            assert!(called.contains(parameter["name"].as_str().unwrap()), "{parameter}");
        }
    }
}

#[test]
fn paths_of_one_document_that_differ_in_the_names_of_parameters_are_one() {
    let mut api = at("/crm/v3/things/{id}", "get");
    api["paths"]["/crm/v3/things/{thingId}"] =
        at("/crm/v3/things/{thingId}", "put")["paths"]["/crm/v3/things/{thingId}"].clone();
    let api = joined(&[("a.json", &api)]);
    let paths = api["paths"].as_object().unwrap();
    assert!(paths.keys().eq(["/crm/v3/things/{id}"]), "{paths:?}");
    assert_eq!(paths["/crm/v3/things/{id}"]["put"]["parameters"][0]["name"], "id");
}

#[test]
fn operations_of_one_name_get_longer_names_by_what_tells_them_apart() {
    let mut api = small();
    let other = api["paths"]["/crm/v3/things/{thingId}"].clone();
    for path in [
        "/crm/v4/things/{thingId}",
        "/marketing/v3/emails",
        "/crm/v3/objects/emails",
        "/cms/v3/posts/{id}/tags",
        "/cms/v3/posts/tags",
        "/cms/v3/posts/{a}/tags/{b}",
        "/x/{a}/y",
        "/x/{b}/Y",
        "/crm/v3/objects",
    ] {
        api["paths"][path] = other.clone();
    }
    let mut ids: Vec<String> = joined(&[("a.json", &api)])["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|item| item["get"]["operationId"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    let expected = [
        "get_crm_objects_emails",
        "get_crm_v3_things_by_id",
        "get_crm_v4_things_by_id",
        "get_marketing_emails",
        "get_objects",
        "get_posts_by_id_tags",
        "get_posts_tags",
        "get_posts_tags_by_id",
        "get_x_by_id_y",
        "get_x_by_id_y_2",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn the_order_is_the_same_whatever_the_order_of_the_documents() {
    let mut known = small();
    let get = known["paths"]["/crm/v3/things/{thingId}"].take();
    known["paths"] = json!({"/crm/v3/objects/partner_clients": get});
    known["paths"]["/crm/v3/objects/partner_clients"]["get"]["parameters"] = json!([]);
    known["components"]["schemas"]["Another"] = json!({"type": "object"});
    let in_order = |documents: &[(&str, &Value)]| {
        let mut api = serde_json::from_value(joined(documents)).unwrap();
        merge::order(&mut api);
        serde_json::to_value(api).unwrap()
    };
    let one = in_order(&[("a.json", &small()), ("b.json", &other()), ("c.json", &known)]);
    let two = in_order(&[("c.json", &known), ("b.json", &other()), ("a.json", &small())]);
    assert_eq!(one.to_string(), two.to_string());
    let paths: Vec<_> = one["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/crm/v3/objects/partner_clients", "/crm/v3/others/{thingId}", "/crm/v3/things/{thingId}"]);
    assert!(one["components"]["schemas"].as_object().unwrap().keys().eq(["Another", "Thing"]));
}

#[test]
fn a_schema_that_no_operation_needs_is_dropped() {
    let mut api = small();
    let schemas = &mut api["components"]["schemas"];
    schemas["Thing"]["properties"]["part"] = json!({"$ref": "#/components/schemas/Part"});
    schemas["Part"] = json!({"type": "object", "properties": {"whole": {"$ref": "#/components/schemas/Thing"}}});
    schemas["Unused"] = json!({"type": "object"});
    let mut api = serde_json::from_value(api).unwrap();
    merge::drop_unused_schemas(&mut api);
    assert!(api.components.unwrap().schemas.keys().eq(["Part", "Thing"]));
}
