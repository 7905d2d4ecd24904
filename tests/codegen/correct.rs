use serde_json::{Value, json};

use super::{
    changes,
    codegen::{correct, scopes},
    documented, schema, step,
};

const OBJECTS: [&str; 2] = ["SimplePublicObject", "SimplePublicObjectWithAssociations"];

#[test]
fn property_values_may_be_null() {
    let (before, after) = step(correct::property_values_may_be_null);
    for name in OBJECTS {
        let values = |api| &schema(api, name)["properties"]["properties"]["additionalProperties"];
        assert_eq!(values(&before).get("nullable"), None);
        assert_eq!(values(&after)["nullable"], true);
    }
    assert_eq!(schema(&after, "ValueWithTimestamp")["properties"]["value"]["nullable"], true);
    assert_eq!(changes(&before, &after).len(), 3, "requests keep plain strings");
}

#[test]
fn required_is_what_is_always_there() {
    let (before, after) = step(|api| {
        let mut more = serde_json::to_value(&*api).unwrap();
        more["components"]["schemas"]["SimplePublicObject"]["required"] = json!(["id", "url", "archived"]);
        more["components"]["schemas"]["Note"] = json!({"type": "object", "required": ["text"]});
        *api = serde_json::from_value(more).unwrap();
        correct::required_is_what_is_always_there(api);
    });
    let required = |name| schema(&after, name).get("required").cloned().unwrap_or(json!([]));
    assert_eq!(required("SimplePublicObject"), json!(["id", "properties"]));
    assert_eq!(required("BatchReadInputSimplePublicObjectId"), json!(["inputs"]));
    assert_eq!(schema(&before, "Error")["required"].as_array().unwrap().len(), 3);
    for name in ["Error", "ErrorDetail", "StandardError", "PublicObjectSearchRequest"] {
        assert_eq!(required(name), json!([]), "{name}");
    }
    assert_eq!(required("Note"), json!(["text"]), "one that the facade does not know");
}

#[test]
fn a_field_that_is_not_documented_is_not_required() {
    let (_, after) = step(|api| {
        let mut less = serde_json::to_value(&*api).unwrap();
        less["components"]["schemas"]["NextPage"]["properties"] = json!({"link": {"type": "string"}});
        *api = serde_json::from_value(less).unwrap();
        correct::required_is_what_is_always_there(api);
    });
    assert_eq!(schema(&after, "NextPage").get("required"), None);
}

#[test]
fn unknown_fields_are_allowed() {
    let (_, after) = step(|api| {
        let mut strict = serde_json::to_value(&*api).unwrap();
        strict["components"]["schemas"]["Error"]["additionalProperties"] = json!(false);
        *api = serde_json::from_value(strict).unwrap();
        correct::unknown_fields_are_allowed(api);
    });
    assert_eq!(schema(&after, "Error").get("additionalProperties"), None);
}

#[test]
fn enumerations_grow() {
    let (before, after) = step(correct::enumerations_grow);
    let status = |api| &schema(api, "BatchResponseSimplePublicObject")["properties"]["status"];
    assert_eq!(status(&before)["enum"], json!(["PENDING", "PROCESSING", "CANCELED", "COMPLETE"]));
    assert_eq!(status(&after).get("enum"), None);
    assert_eq!(status(&after)["x-extensible-enum"], status(&before)["enum"]);
    let operator = |api| &schema(api, "Filter")["properties"]["operator"];
    assert_eq!(operator(&after)["x-extensible-enum"].as_array().unwrap().len(), 13);
    assert!(!after.to_string().contains("\"enum\""));
}

#[test]
fn choices_grow() {
    let (_, after) = step(|api| {
        let mut choice = serde_json::to_value(&*api).unwrap();
        choice["components"]["schemas"]["Filter"]["properties"]["value"] =
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}], "description": "Either."});
        *api = serde_json::from_value(choice).unwrap();
        correct::choices_grow(api);
    });
    assert_eq!(schema(&after, "Filter")["properties"]["value"], json!({"description": "Either."}));
}

#[test]
fn sub_categories_are_any_value() {
    let (before, after) = step(correct::sub_categories_are_any_value);
    assert_eq!(schema(&before, "StandardError")["properties"]["subCategory"]["type"], "object");
    assert_eq!(schema(&after, "StandardError")["properties"]["subCategory"], json!({}));
}

#[test]
fn every_operation_can_fail() {
    let path = "/crm/v3/objects/partner_clients/search";
    let (_, after) = step(|api| {
        let mut bare = serde_json::to_value(&*api).unwrap();
        bare["paths"][path]["post"]["responses"].as_object_mut().unwrap().remove("default");
        bare["paths"]["/crm/v3/objects/partner_clients"]["get"]["responses"]["default"] = json!({"description": "no"});
        *api = serde_json::from_value(bare).unwrap();
        correct::every_operation_can_fail(api);
    });
    for (path, method) in [(path, "post"), ("/crm/v3/objects/partner_clients", "get")] {
        let error = &after["paths"][path][method]["responses"]["default"]["content"]["application/json"]["schema"];
        assert_eq!(error["$ref"], "#/components/schemas/Error", "{path}");
    }
}

#[test]
fn a_known_operation_that_documents_no_scope_needs_the_one_of_its_page() {
    let (types, search) =
        ("/crm/v3/associations/{fromObjectType}/{toObjectType}/types", "/crm/v3/objects/{objectType}/search");
    for none in [json!([]), json!([{}]), json!([{"oauth2": []}, {"private_apps": []}]), Value::Null] {
        let mut api = json!(documented());
        for (path, method) in [(types, "get"), (search, "post"), ("/crm/v3/others", "get")] {
            let operation = &mut api["paths"][path][method];
            if operation.is_null() {
                *operation = json!({"responses": {}});
            }
            operation["security"] = none.clone();
            operation.as_object_mut().unwrap().retain(|_, member| !member.is_null());
        }
        let mut api: openapiv3::OpenAPI = serde_json::from_value(api).unwrap();
        scopes::of_partner_clients(&mut api);
        let scopes = |path: &str| {
            let (_, _, operation) = api.operations().find(|(of, ..)| *of == path).unwrap();
            json!(scopes::alternatives(operation))
        };
        assert_eq!(scopes(types), json!([["crm.objects.partner-clients.read"]]), "{none}");
        assert_eq!(scopes(search), json!([]), "each type of object has its own: {none}");
        assert_eq!(scopes("/crm/v3/others"), json!([]), "{none}");
    }
}

#[test]
fn scopes_are_those_of_partner_clients() {
    let (before, after) = step(scopes::of_partner_clients);
    let types = "/crm/v3/associations/{fromObjectType}/{toObjectType}/types";
    let create = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create";
    assert!(before["paths"][types]["get"]["security"].to_string().contains("crm.objects.contacts.read"));
    assert!(before["paths"][create]["post"]["security"].to_string().contains("crm.objects.contacts.write"));
    for (path, method, scope) in [(types, "get", "read"), (create, "post", "write")] {
        for alternative in after["paths"][path][method]["security"].as_array().unwrap() {
            for scopes in alternative.as_object().unwrap().values() {
                assert_eq!(*scopes, json!([format!("crm.objects.partner-clients.{scope}")]), "{path}");
            }
        }
    }
}

#[test]
fn error_bodies_are_json() {
    let path = "/crm/v3/objects/partner_clients/search";
    let (before, after) = step(correct::error_bodies_are_json);
    let error = |api: &serde_json::Value| api["paths"][path]["post"]["responses"]["default"]["content"].clone();
    assert_eq!(error(&after), json!({"application/json": error(&before)["*/*"]}));
}

#[test]
fn correlation_ids_may_be_no_uuid() {
    let (before, after) = step(correct::correlation_ids_may_be_no_uuid);
    assert_eq!(changes(&before, &after), ["/components/schemas/Error/properties/correlationId/format"]);
}

#[test]
fn integers_are_64_bit() {
    let (before, after) = step(correct::integers_are_64_bit);
    assert!(before.to_string().contains("int32"));
    assert!(!after.to_string().contains("int32"));
    assert_eq!(
        schema(&after, "CollectionResponseWithTotalSimplePublicObject")["properties"]["total"]["format"],
        "int64"
    );
}

#[test]
fn lists_travel_as_one_value() {
    let (before, after) = step(correct::lists_travel_as_one_value);
    let changes = changes(&before, &after);
    // Three lists of `list` and three of `get`.
    let parameters = |api: &serde_json::Value, path: &str| {
        let parameters = api["paths"][path]["get"]["parameters"].as_array().unwrap().clone();
        parameters.into_iter().filter(|p| p["schema"]["type"] == "array").collect::<Vec<_>>()
    };
    for path in ["/crm/v3/objects/partner_clients", "/crm/v3/objects/partner_clients/{partnerClientId}"] {
        let lists = parameters(&after, path);
        assert_eq!(lists.len(), 3);
        assert!(lists.iter().all(|list| list["explode"] == false));
    }
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[test]
fn sorts_are_strings_or_objects() {
    let (_, after) = step(correct::sorts_are_strings_or_objects);
    assert_eq!(schema(&after, "PublicObjectSearchRequest")["properties"]["sorts"]["items"], json!({}));
}

#[test]
fn the_corrected_document_stays_plain() {
    let (_, after) = step(correct::document);
    for word in ["oneOf", "anyOf", "allOf", "2XX"] {
        assert!(!after.to_string().contains(&format!("\"{word}\"")), "{word}");
    }
    let responses = &after["paths"]["/crm/v3/objects/partner_clients/batch/read"]["post"]["responses"];
    for status in ["200", "207", "default"] {
        assert!(responses.get(status).is_some(), "{status}");
    }
}
