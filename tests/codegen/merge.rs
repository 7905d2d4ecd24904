use serde_json::{Value, json};

use super::{codegen::merge, document, small};

fn merged(documents: &[(&str, &Value)]) -> Result<Value, String> {
    let documents = documents.iter().map(|(file, json)| document(file, json)).collect();
    merge::documents(documents).map(|api| serde_json::to_value(api).unwrap()).map_err(|problem| problem.to_string())
}

fn other() -> Value {
    let mut api = small();
    let get = api["paths"]["/crm/v3/things/{thingId}"].take();
    api["paths"] = json!({"/crm/v3/others/{thingId}": get});
    api
}

#[test]
fn documents_are_joined() {
    let api = merged(&[("a.json", &small()), ("b.json", &other())]).unwrap();
    assert_eq!(api["paths"].as_object().unwrap().len(), 2);
    assert_eq!(api["components"]["schemas"].as_object().unwrap().len(), 1);
}

#[test]
fn the_methods_of_one_path_may_stand_in_two_documents() {
    let mut put = small();
    let get = put["paths"]["/crm/v3/things/{thingId}"]["get"].take();
    put["paths"]["/crm/v3/things/{thingId}"] = json!({"put": get});
    let api = merged(&[("a.json", &small()), ("b.json", &put)]).unwrap();
    let path = api["paths"]["/crm/v3/things/{thingId}"].as_object().unwrap();
    assert!(path.contains_key("get") && path.contains_key("put"));
}

#[test]
fn a_schema_may_stand_in_two_documents_and_be_described_differently() {
    let mut b = other();
    b["components"]["schemas"]["Thing"]["description"] = json!("In other words.");
    b["components"]["schemas"]["Thing"]["properties"]["id"]["example"] = json!("7");
    b["components"]["schemas"]["Thing"]["x-note"] = json!(1);
    merged(&[("a.json", &small()), ("b.json", &b)]).unwrap();
}

#[test]
fn a_schema_that_says_two_things_is_named_with_both_places() {
    let mut b = other();
    b["components"]["schemas"]["Thing"]["properties"]["id"]["type"] = json!("integer");
    let trouble = merged(&[("a.json", &small()), ("b.json", &b)]).unwrap_err();
    assert!(
        trouble.starts_with("b.json: at #/components/schemas/Thing: another schema `Thing` than in a.json"),
        "{trouble}"
    );
}

#[test]
fn a_property_called_description_is_substance() {
    let mut b = other();
    b["components"]["schemas"]["Thing"]["properties"]["description"] = json!({"type": "string"});
    assert!(merged(&[("a.json", &small()), ("b.json", &b)]).is_err());
}

#[test]
fn two_operations_of_one_name_are_refused() {
    let mut api = small();
    let mut second = api["paths"]["/crm/v3/things/{thingId}"].clone();
    second["get"]["parameters"][0]["name"] = json!("thing_id");
    api["paths"]["/crm/v3/things/{thing_id}"] = second;
    let trouble = merged(&[("a.json", &api)]).unwrap_err();
    assert!(trouble.contains("a.json: at #/paths/~1crm~1v3~1things~1{thing_id}/get"), "{trouble}");
    assert!(trouble.contains("a second operation `get_things_by_thing_id`"), "{trouble}");
    assert!(trouble.contains("#/paths/~1crm~1v3~1things~1{thingId}/get"), "{trouble}");
}

#[test]
fn order_and_tags_are_no_substance() {
    let mut a = small();
    a["components"]["schemas"]["Thing"]["required"] = json!(["id", "name"]);
    let mut b = a.clone();
    b["components"]["schemas"]["Thing"]["required"] = json!(["name", "id"]);
    b["paths"]["/crm/v3/things/{thingId}"]["get"]["tags"] = json!(["Other"]);
    merged(&[("a.json", &a), ("b.json", &b)]).unwrap();
}

#[test]
fn the_order_is_the_same_whatever_the_order_of_the_documents() {
    let mut known = small();
    let get = known["paths"]["/crm/v3/things/{thingId}"].take();
    known["paths"] = json!({"/crm/v3/objects/partner_clients": get});
    known["paths"]["/crm/v3/objects/partner_clients"]["get"]["parameters"] = json!([]);
    known["components"]["schemas"]["Another"] = json!({"type": "object"});
    let in_order = |documents: &[(&str, &Value)]| {
        let mut api = serde_json::from_value(merged(documents).unwrap()).unwrap();
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
