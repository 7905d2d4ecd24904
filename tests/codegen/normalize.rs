use serde_json::{Value, json};

use super::{
    codegen::{nodes, normalize},
    document, small,
};

#[test]
fn nulls_say_nothing() {
    let mut api = json!({
        "info": {"description": null, "title": "t"},
        "components": {"schemas": {"Thing": {"example": {"a": null}, "properties": {"example": {"default": null}, "gone": null}}}},
    });
    normalize::drop_nulls(&mut api);
    let thing = json!({"example": {"a": null}, "properties": {"example": {}}});
    assert_eq!(api, json!({"info": {"title": "t"}, "components": {"schemas": {"Thing": thing}}}));
}

#[test]
fn responses_are_described() {
    let mut api = small();
    let get = &mut api["paths"]["/crm/v3/things/{thingId}"]["get"];
    get["responses"] = json!({"200": {}, "default": {"content": {}}});
    let document = document("x.json", &api);
    let (_, _, get) = document.api.operations().next().unwrap();
    assert_eq!(get.responses.responses.len(), 1);
    assert!(get.responses.default.is_some());
}

#[test]
fn single_choices_are_unwrapped() {
    let thing = json!({"$ref": "#/components/schemas/Thing"});
    let mut api = json!({"components": {"schemas": {
        "A": {"properties": {"b": {"allOf": [thing], "description": "A thing."}, "c": {"oneOf": [thing, thing]}}},
    }}});
    normalize::unwrap_single_choices(&mut api);
    let a = &api["components"]["schemas"]["A"]["properties"];
    assert_eq!(a["b"]["$ref"], thing["$ref"]);
    assert!(a["b"].get("allOf").is_none());
    assert!(a["c"].get("oneOf").is_some());
}

#[test]
fn named_plain_values_are_inlined() {
    let mut api = json!({"components": {"schemas": {
        "State": {"type": "string", "enum": ["ON", "OFF"]},
        "Thing": {"type": "object", "properties": {"state": {"$ref": "#/components/schemas/State"}}},
        "Things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
    }}});
    normalize::inline_plain_values(&mut api);
    let schemas = &api["components"]["schemas"];
    assert_eq!(schemas["Thing"]["properties"]["state"], schemas["State"]);
    assert!(schemas["Things"]["items"].get("$ref").is_some());
}

#[test]
fn names_are_no_keywords_and_data_is_no_document() {
    let mut api = json!({
        "x-hubspot-note": {"type": "string"},
        "components": {"schemas": {"Thing": {
            "example": {"type": "string"},
            "properties": {"properties": {"type": "object", "additionalProperties": {"type": "string"}},
                           "default": {"type": "string"}, "x-ray": {"type": "string"}},
        }}},
        "paths": {"/a": {"get": {"responses": {"default": {"description": ""}}}}},
    });
    let mut places = Vec::new();
    nodes::every_node(&mut api, &mut |place, _| places.push(place.to_owned()));
    let thing = "#/components/schemas/Thing";
    let expected = [
        "#",
        "#/components",
        thing,
        "#/paths/~1a",
        "#/paths/~1a/get",
        "#/paths/~1a/get/responses/default",
        &format!("{thing}/properties/default"),
        &format!("{thing}/properties/properties"),
        &format!("{thing}/properties/properties/additionalProperties"),
        &format!("{thing}/properties/x-ray"),
    ];
    places.sort();
    let mut expected = expected.map(String::from);
    expected.sort();
    assert_eq!(places, expected);
}

#[test]
fn a_dangling_reference_in_an_example_is_data() {
    let mut api = small();
    api["components"]["schemas"]["Thing"]["example"] = json!({"$ref": "#/nowhere"});
    assert_eq!(document("x.json", &api).file, "x.json");
    let text = format!("\u{feff}{}", Value::to_string(&small()));
    assert!(super::codegen::read::document("x.json", &text).is_ok(), "a byte order mark is no trouble");
}
