//! What the facade is built on: another type or a new demand is one line, not an error of the compiler or of each call.

use serde_json::{Value, json};

use super::{
    built,
    codegen::{complete, correct, demands, facade},
    documented,
};

const OBJECTS: &str = "/crm/v3/objects/partner_clients";

/// What is said of the description when it is edited so, and what becomes of it.
fn checked(edit: impl FnOnce(&mut Value)) -> Result<Value, String> {
    let mut own = documented();
    let mut edited = serde_json::to_value(&own).unwrap();
    edit(&mut edited);
    let mut api = serde_json::from_value(edited).unwrap();
    if let Some(demand) = demands::of(&api, &own).first() {
        return Err(demand.problem("new").to_string());
    }
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
fn what_may_be_null_in_an_answer_is_of_the_type_that_the_facade_is_built_on() {
    let or_null = |schema: &mut Value| *schema = json!({"nullable": true, "allOf": [schema.clone()]});
    let nullable = checked(|api| {
        let schemas = &mut api["components"]["schemas"];
        or_null(&mut schemas["CollectionResponseAssociatedId"]["properties"]["paging"]);
        or_null(&mut schemas["CollectionResponseWithTotalSimplePublicObject"]["properties"]["results"]["items"]);
        or_null(&mut schemas["PublicAssociationMulti"]["properties"]["from"]);
        schemas["SimplePublicObject"]["properties"]["id"]["nullable"] = json!(true);
        schemas["PublicAssociationMulti"]["properties"]["to"]["items"]["nullable"] = json!(true);
        schemas["PublicObjectSearchRequest"]["properties"]["properties"]["items"]["nullable"] = json!(true);
        schemas["ForwardPaging"]["nullable"] = json!(true);
        or_null(&mut api["paths"][OBJECTS]["get"]["responses"]["200"]["content"]["application/json"]["schema"]);
    });
    let same = checked(|_| {}).unwrap();
    assert_eq!(nullable.unwrap()["components"]["schemas"], same["components"]["schemas"]);

    let renamed = checked(|api| {
        let schemas = &mut api["components"]["schemas"];
        schemas["Next"] = schemas["NextPage"].clone();
        schemas["Paging"]["properties"]["next"] =
            json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/Next"}]});
    });
    let paging = &renamed.unwrap()["components"]["schemas"]["Paging"];
    assert_eq!(*paging, same["components"]["schemas"]["Paging"]);
}

#[test]
fn a_schema_that_got_another_name_is_the_one_that_it_was() {
    let search =
        "/paths/~1crm~1v3~1objects~1partner_clients~1search/post/responses/200/content/application~1json/schema";
    let (old, new) = ("CollectionResponseWithTotalSimplePublicObject", "FoundObjects");
    let renamed = |api: &mut Value, edit: fn(&mut Value)| {
        let mut schema = api["components"]["schemas"][old].clone();
        schema["properties"]["paging"] = json!({"$ref": "#/components/schemas/ForwardPaging"});
        edit(&mut schema);
        api["components"]["schemas"][new] = schema;
        *api.pointer_mut(search).unwrap() = json!({"$ref": format!("#/components/schemas/{new}")});
    };
    let api = checked(|api| renamed(api, |schema| schema["properties"]["took"] = json!({"type": "integer"}))).unwrap();
    assert_eq!(api.pointer(search).unwrap()["$ref"], format!("#/components/schemas/{old}"));
    let fields = &api["components"]["schemas"][old]["properties"];
    assert_eq!(fields["took"]["type"], "integer");
    assert_eq!(fields["paging"]["$ref"], "#/components/schemas/Paging");

    // One that a field leads to.
    let api = checked(|api| {
        let schemas = &mut api["components"]["schemas"];
        schemas["Next"] = schemas["NextPage"].clone();
        schemas["Paging"]["properties"]["next"] = json!({"$ref": "#/components/schemas/Next"});
    })
    .unwrap();
    let paging = &api["components"]["schemas"]["Paging"]["properties"];
    assert_eq!(paging["next"]["$ref"], "#/components/schemas/NextPage");

    let another = trouble(|api| {
        renamed(api, |schema| drop(schema["properties"].as_object_mut().unwrap().remove("results")));
    });
    assert!(another.contains("the operation `search`, answer: it is FoundObjects"), "{another}");
    let another = trouble(|api| renamed(api, |schema| schema["properties"]["total"] = json!({"type": "string"})));
    assert!(another.contains("the operation `search`, answer: it is FoundObjects"), "{another}");
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

/// Puts a copy of a schema in place of it under another name, edited.
fn renamed(api: &mut Value, old: &str, new: &str, edit: impl FnOnce(&mut Value)) {
    let mut schema = api["components"]["schemas"][old].clone();
    edit(&mut schema);
    let (old, new_one) = (format!("\"#/components/schemas/{old}\""), format!("\"#/components/schemas/{new}\""));
    *api = serde_json::from_str(&api.to_string().replace(&old, &new_one)).unwrap();
    api["components"]["schemas"][new] = schema;
}

#[test]
fn a_demand_under_another_name_is_noticed() {
    let insist = |kind: Value| {
        move |schema: &mut Value| {
            schema["properties"]["idempotencyKey"] = kind;
            schema["required"].as_array_mut().unwrap().push(json!("idempotencyKey"));
        }
    };
    let text = json!({"type": "string"});
    let update = trouble(|api| renamed(api, "SimplePublicObjectInput", "Patch", insist(text.clone())));
    assert!(
        update.contains("the operation `update`, body: it is Patch, the facade is built on SimplePublicObjectInput"),
        "{update}"
    );
    // Inside a body, and what is both sent and received.
    let batch = trouble(|api| renamed(api, "SimplePublicObjectBatchInput", "Patch", insist(text.clone())));
    assert!(batch.contains("it is Patch, the facade is built on SimplePublicObjectBatchInput"), "{batch}");
    let both = trouble(|api| renamed(api, "PublicObjectId", "Of", insist(text.clone())));
    assert!(both.contains("it is Of, the facade is built on PublicObjectId"), "{both}");
    // What is met, what is received only, and what HubSpot takes less of than it documents.
    checked(|api| renamed(api, "SimplePublicObjectInput", "Patch", |_| {})).unwrap();
    let with_default = json!({"type": "string", "default": "x"});
    checked(|api| renamed(api, "SimplePublicObjectInput", "Patch", insist(with_default))).unwrap();
    checked(|api| renamed(api, "SimplePublicObject", "Answer", insist(text))).unwrap();
    checked(|api| {
        renamed(api, "BatchReadInputSimplePublicObjectId", "Read", |schema| {
            schema["required"] = json!(["inputs", "properties", "propertiesWithHistory"]);
        });
    })
    .unwrap();
}

#[test]
fn a_schema_of_other_fields_is_not_ours_under_another_name() {
    let offsets = |schema: &mut Value| {
        schema["properties"] = json!({"offset": {"type": "integer"}, "hasMore": {"type": "boolean"}});
        schema.as_object_mut().unwrap().remove("required");
    };
    for ours in ["ForwardPaging", "Paging", "NextPage", "PublicObjectSearchRequest", "StandardError"] {
        let trouble = trouble(|api| renamed(api, ours, "Another", offsets));
        assert!(trouble.contains(&format!("it is Another, the facade is built on {ours}")), "{trouble}");
    }
    // A page that no longer says where the next one is.
    let list = "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging";
    let trouble = trouble(|api| {
        renamed(api, list, "NoPaging", |schema| drop(schema["properties"].as_object_mut().unwrap().remove("paging")));
    });
    assert!(trouble.contains("it is NoPaging, the facade is built on"), "{trouble}");
    // As in HubSpot's documents of other objects.
    let search = "CollectionResponseWithTotalSimplePublicObject";
    checked(|api| {
        let mut text = api.to_string().replace(&format!("/{search}\""), &format!("/{search}ForwardPaging\""));
        text = text.replace(&format!("\"{search}\":"), &format!("\"{search}ForwardPaging\":"));
        *api = serde_json::from_str(&text).unwrap();
        let of_search = &mut api["components"]["schemas"][format!("{search}ForwardPaging")];
        of_search["properties"]["paging"] = json!({"$ref": "#/components/schemas/ForwardPaging"});
        let object = &mut api["components"]["schemas"]["SimplePublicObject"]["properties"];
        object
            .as_object_mut()
            .unwrap()
            .retain(|field, _| !["url", "warnings", "objectWriteTraceId"].contains(&field.as_str()));
    })
    .unwrap();
}

#[test]
fn what_differs_is_named_where_it_is_written() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit, &str); 3] = [
        (
            "type",
            |schemas| schemas["SimplePublicObject"]["properties"]["id"] = json!({"type": "integer"}),
            "SimplePublicObject/properties/id: it is an integer, the facade is built on a text;",
        ),
        (
            "field",
            |schemas| {
                schemas["NextPage"]["properties"] = json!({"offset": {"type": "string"}});
                schemas["NextPage"]["required"] = json!(["offset"]);
            },
            "NextPage: it has no field \"after\", which the facade is built on;",
        ),
        (
            "inside",
            |schemas| schemas["NextPage"]["properties"]["after"] = json!({"type": "boolean"}),
            "NextPage/properties/after: it is a flag, the facade is built on a text;",
        ),
    ];
    for (name, edit, told) in edits {
        let built = built(&format!("differs-{name}"), |api| edit(&mut api["components"]["schemas"]), &[]);
        let trouble = built.map(|_| ()).unwrap_err();
        assert!(trouble.contains(&format!(": at #/components/schemas/{told}")), "{trouble}");
        assert!(!trouble.contains("Other"), "{trouble}");
    }
}
