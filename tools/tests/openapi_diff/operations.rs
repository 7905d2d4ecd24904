use serde_json::{Value, json};

use super::{OBJECT, OBJECTS, change, changes};

fn parameter<'a>(api: &'a mut Value, name: &str) -> &'a mut Value {
    let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
    parameters.iter_mut().find(|parameter| parameter["name"] == name).unwrap()
}

#[test]
fn an_operation_that_is_new_breaks_nobody() {
    let added = change("operation-added", |api| {
        api["paths"][OBJECT]["delete"] = json!({"responses": {"204": {"description": ""}}});
    });
    let text = "operation added: delete_partner_clients_by_partner_client_id: DELETE /crm/v3/objects/partner_clients/{partnerClientId}";
    assert_eq!(added, (false, text.into()));
}

#[test]
fn an_operation_that_is_gone_breaks_its_users() {
    let removed = change("operation-removed", |api| drop(api["paths"][OBJECT]["patch"].take()));
    assert_eq!(
        removed,
        (true, "operation removed: update: PATCH /crm/v3/objects/partner_clients/{partnerClientId}".into())
    );
}

#[test]
fn a_parameter_that_is_new_breaks_only_if_it_is_required() {
    let add = |api: &mut Value, required: bool| {
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.push(json!({"name": "q", "in": "query", "required": required, "schema": {"type": "string"}}));
    };
    assert_eq!(change("optional", |api| add(api, false)), (false, "parameter added: list(q): optional".into()));
    assert_eq!(change("required", |api| add(api, true)), (true, "parameter added: list(q): required".into()));
}

#[test]
fn a_parameter_that_is_gone_or_demanded_breaks_its_users() {
    let removed = change("parameter-removed", |api| {
        let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
        parameters.retain(|parameter| parameter["name"] != "archived");
    });
    assert_eq!(removed, (true, "parameter removed: list(archived): ".into()));
    let required = change("parameter-required", |api| parameter(api, "after")["required"] = json!(true));
    assert_eq!(required, (true, "parameter made required: list(after): ".into()));
}

#[test]
fn a_parameter_of_another_type_breaks_its_users() {
    let changed = change("parameter-type", |api| parameter(api, "after")["schema"] = json!({"type": "boolean"}));
    assert_eq!(changed, (true, "type changed: list(after): string → boolean".into()));
    let narrowed = change("parameter-bound", |api| parameter(api, "limit")["schema"]["maximum"] = json!(50));
    assert!(narrowed.0 && narrowed.1.starts_with("bound changed: list(limit): maximum "), "{narrowed:?}");
}

#[test]
fn another_status_of_success_breaks_nobody() {
    let changes = changes("status", |api| {
        let responses = &mut api["paths"][OBJECT]["patch"]["responses"];
        responses["201"] = responses["200"].take();
    });
    let told: Vec<_> = changes.iter().map(|c| (c.breaking, c.what, c.place.as_str(), c.detail.as_str())).collect();
    assert_eq!(told, [(false, "answer added", "update", "201"), (false, "answer removed", "update", "200")]);
}

#[test]
fn an_answer_of_another_type_breaks_its_users() {
    let changed = change("answer-type", |api| {
        api["paths"][OBJECT]["patch"]["responses"]["200"]["content"]["application/json"]["schema"] =
            json!({"$ref": "#/components/schemas/SimplePublicObjectWithAssociations"});
    });
    let text = "type changed: update 200: SimplePublicObject → SimplePublicObjectWithAssociations";
    assert_eq!(changed, (true, text.into()));
}

#[test]
fn a_body_that_comes_or_goes_is_told() {
    let gone = change("body-gone", |api| {
        api["paths"][OBJECT]["patch"]["responses"]["200"].as_object_mut().unwrap().remove("content");
    });
    assert_eq!(gone, (true, "body removed: update 200: ".into()));
    let request = change("request-gone", |api| {
        api["paths"][OBJECT]["patch"].as_object_mut().unwrap().remove("requestBody");
    });
    assert_eq!(request, (true, "request body removed: update: ".into()));
}

#[test]
fn a_scope_that_is_new_breaks_those_whose_token_lacks_it() {
    let changed = change("scope", |api| {
        api["paths"][OBJECT]["get"]["security"] = json!([{"oauth2": ["crm.objects.partner-clients.sensitive.read"]}]);
    });
    let text = "scopes changed: get: crm.objects.partner-clients.read → crm.objects.partner-clients.sensitive.read";
    assert_eq!(changed, (true, text.into()));
}
