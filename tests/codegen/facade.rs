//! What the facade is built on: another type or a new demand is one line, not an error of the compiler or of each call.

use serde_json::{Value, json};

use super::{
    codegen::{complete, correct, facade},
    documented,
};

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

/// What is said of the description when it is edited so, and what becomes of it.
fn checked(edit: impl FnOnce(&mut Value)) -> Result<Value, String> {
    let mut own = documented();
    let mut edited = serde_json::to_value(&own).unwrap();
    edit(&mut edited);
    let mut api = serde_json::from_value(edited).unwrap();
    facade::check_demands("new", &api, &own).map_err(|problem| problem.to_string())?;
    correct::document(&mut own);
    correct::document(&mut api);
    complete::what_the_facade_is_built_on(&mut api, &own);
    facade::check_types("new", &mut api, &own).map_err(|problem| problem.to_string())?;
    Ok(serde_json::to_value(api).unwrap())
}

fn trouble(edit: impl FnOnce(&mut Value)) -> String {
    checked(edit).unwrap_err()
}

#[test]
fn a_description_that_says_the_same_and_more_is_taken() {
    checked(|_| {}).unwrap();
    checked(|api| {
        api["components"]["schemas"]["SimplePublicObject"]["properties"]["domain"] = json!({"type": "string"});
        api["components"]["schemas"]["SimplePublicObjectInput"]["properties"]["note"] = json!({"type": "string"});
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.push(json!({"name": "q", "in": "query", "schema": {"type": "string"}}));
    })
    .unwrap();
}

#[test]
fn another_type_under_the_facade_is_named() {
    let total = trouble(|api| {
        api["components"]["schemas"]["CollectionResponseWithTotalSimplePublicObject"]["properties"]["total"] =
            json!({"type": "string"});
    });
    let head = "new: at #/components/schemas/CollectionResponseWithTotalSimplePublicObject/properties/total: it is a text, \
                the facade is built on an integer; ";
    assert!(total.starts_with(head), "{total}");
    let id = trouble(|api| {
        api["components"]["schemas"]["SimplePublicObject"]["properties"]["id"] = json!({"type": "integer"});
    });
    assert!(id.contains("SimplePublicObject/properties/id: it is an integer, the facade is built on a text"), "{id}");
    let answer = trouble(|api| {
        api["paths"][OBJECTS]["get"]["responses"]["200"]["content"]["application/json"]["schema"] =
            json!({"$ref": "#/components/schemas/SimplePublicObject"});
    });
    assert!(
        answer.contains("the operation `list`, answer: it is SimplePublicObject, the facade is built on"),
        "{answer}"
    );
    let body = trouble(|api| {
        api["paths"]["/crm/v3/objects/partner_clients/search"]["post"].as_object_mut().unwrap().remove("requestBody");
    });
    assert!(body.contains("the operation `search`: it no longer takes the body"), "{body}");
}

#[test]
fn a_demand_that_no_call_meets_is_named_unless_it_has_a_default() {
    let demand = |api: &mut Value, schema: Value| {
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.push(json!({"name": "q", "in": "query", "required": true, "schema": schema}));
    };
    let parameter = trouble(|api| demand(api, json!({"type": "string"})));
    assert!(parameter.contains("the operation `list`: it demands the parameter \"q\""), "{parameter}");
    let api = checked(|api| demand(api, json!({"type": "string", "default": "x"}))).unwrap();
    let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().all(|parameter| parameter["required"] != true), "{parameters:?}");

    let insist = |api: &mut Value, schema: Value| {
        let input = &mut api["components"]["schemas"]["SimplePublicObjectInput"];
        input["properties"]["kind"] = schema;
        input["required"] = json!(["properties", "kind"]);
    };
    let field = trouble(|api| insist(api, json!({"type": "string"})));
    let head = "new: at #/components/schemas/SimplePublicObjectInput: `update` demands the field \"kind\"";
    assert!(field.starts_with(head), "{field}");
    checked(|api| insist(api, json!({"type": "string", "default": "x"}))).unwrap();
    let made_required = trouble(|api| {
        api["components"]["schemas"]["SimplePublicObjectBatchInput"]["required"] =
            json!(["id", "properties", "idProperty"]);
    });
    assert!(made_required.contains("`batch_update` demands the field \"idProperty\""), "{made_required}");
    // What HubSpot takes less of than it documents, and what is received only.
    checked(|api| {
        let schemas = &mut api["components"]["schemas"];
        schemas["PublicObjectSearchRequest"]["required"] = json!(["query", "sorts"]);
        schemas["SimplePublicObject"]["required"] = json!(["id", "properties", "url"]);
    })
    .unwrap();
}
