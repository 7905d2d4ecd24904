use serde_json::{Value, json};

use super::{
    OBJECT, OBJECTS, change, changes,
    marks::{GET, document, set, told, written},
};

fn parameter<'a>(api: &'a mut Value, name: &str) -> &'a mut Value {
    let parameters = api["paths"][OBJECTS]["get"]["parameters"].as_array_mut().unwrap();
    parameters.iter_mut().find(|parameter| parameter["name"] == name).unwrap()
}

#[test]
fn an_operation_that_is_new_breaks_nobody() {
    let added = change("operation-added", |api| {
        api["paths"][OBJECT]["delete"] = json!({"responses": {"204": {"description": ""}}});
    });
    let text =
        "operation added: delete_partner_clients_by_id: DELETE /crm/v3/objects/partner_clients/{partnerClientId}";
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
fn a_list_that_is_sent_otherwise_breaks_nobody_where_it_travels_as_one_value_anyway() {
    let one_value = change("explode", |api| parameter(api, "properties")["explode"] = json!(false));
    assert_eq!(one_value, (false, "parameter sent otherwise: list(properties): form, exploded → form".into()));
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
fn what_is_deprecated_is_told() {
    let operation = change("deprecated", |api| api["paths"][OBJECT]["get"]["deprecated"] = json!(true));
    assert_eq!(operation, (false, "deprecated: get: ".into()));
    let after = change("deprecated-parameter", |api| parameter(api, "after")["deprecated"] = json!(true));
    assert_eq!(after, (false, "deprecated: list(after): ".into()));
}

#[test]
fn segments_that_are_swapped_make_another_operation() {
    let path =
        "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";
    let changes = changes("swapped", |api| {
        let item = api["paths"].as_object_mut().unwrap().remove(path).unwrap();
        let swapped = path.replace("{toObjectId}/{associationType}", "{associationType}/{toObjectId}");
        api["paths"][swapped] = item;
    });
    let told: Vec<_> = changes.iter().map(|change| format!("{}: {}", change.what, change.place)).collect();
    let other = "partner_clients_associations_by_ids";
    for line in [
        "operation removed: associate".to_owned(),
        "operation removed: dissociate".to_owned(),
        format!("operation added: put_{other}"),
        format!("operation added: delete_{other}"),
    ] {
        assert!(told.contains(&line), "{line} is not in {told:#?}");
    }
}

#[test]
fn scopes_that_are_needed_together_are_told_from_alternatives() {
    let alternatives = change("scope-alternatives", |api| {
        api["paths"][OBJECT]["get"]["security"] = json!([{"oauth2": ["crm.objects.partner-clients.read"]}, {"oauth2": ["crm.objects.partner-clients.read", "x"]}]);
        api["paths"][OBJECT]["patch"]["security"] = json!([{"oauth2": ["crm.objects.partner-clients.write", "x"]}]);
    });
    let text = "scopes changed: update: crm.objects.partner-clients.write → crm.objects.partner-clients.write and x";
    assert_eq!(alternatives, (true, text.into()), "the first says no more than before");
}

#[test]
fn a_scope_that_is_new_breaks_those_whose_token_lacks_it() {
    let changed = change("scope", |api| {
        api["paths"][OBJECT]["get"]["security"] = json!([{"oauth2": ["crm.objects.partner-clients.sensitive.read"]}]);
    });
    let text = "scopes changed: get: crm.objects.partner-clients.read → crm.objects.partner-clients.sensitive.read";
    assert_eq!(changed, (true, text.into()));
}

#[test]
fn segments_of_any_operation_that_are_swapped_make_another() {
    let with = |path: &str| {
        let (document, path) = (format!("{path}-document").replace(['/', '{', '}'], "-"), path.to_owned());
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{document}.json"));
        let api = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"},
            "paths": {path: {"get": {"responses": {"204": {"description": ""}}}}}});
        std::fs::write(&file, api.to_string()).unwrap();
        file
    };
    let told = |old: &str, new: &str| -> Vec<String> {
        let changes = super::compared(&with(old), &with(new)).unwrap();
        changes.iter().map(|change| format!("{}: {}: {}", change.what, change.place, change.detail)).collect()
    };
    let swapped = told("/things/v3/{kind}/{id}", "/things/v3/{id}/{kind}");
    assert_eq!(
        swapped,
        [
            "operation removed: get_things_by_ids: GET /things/v3/{kind}/{id}",
            "operation added: get_things_by_ids: GET /things/v3/{id}/{kind}",
        ]
    );
    // The builder has a method of the parameter's name.
    let renamed = ["parameter renamed: get_things_by_ids(type): it was kind"];
    assert_eq!(told("/things/v3/{kind}/{id}", "/things/v3/{type}/{id}"), renamed);
    assert_eq!(told("/things/v3/{thingId}", "/things/v3/{thing_id}"), [""; 0], "it is one name in Rust");
    let moved = told("/things/v3/{id}", "/things/v4/{thingId}");
    let expected = [
        "operation moved: get_things_by_id: GET /things/v3/{id} → /things/v4/{thingId}",
        "parameter renamed: get_things_by_id(thingId): it was id",
    ];
    assert_eq!(moved, expected);
}

#[test]
fn an_operation_that_rust_calls_something_else_because_of_another_is_told() {
    let of = |name: &str, paths: &[&str]| {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let operation = json!({"get": {"responses": {"204": {"description": ""}}}});
        let paths: serde_json::Map<_, _> = paths.iter().map(|path| ((*path).to_owned(), operation.clone())).collect();
        let api = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": paths});
        std::fs::write(&file, api.to_string()).unwrap();
        file
    };
    let (one, two) = (of("one.json", &["/crm/v3/emails"]), of("two.json", &["/crm/v3/emails", "/marketing/v3/emails"]));
    let changes = super::compared(&one, &two).unwrap();
    let told: Vec<_> = changes.iter().map(|c| (c.breaking, format!("{}: {}: {}", c.what, c.place, c.detail))).collect();
    let expected = [
        (true, "operation renamed: get_crm_emails: it was get_emails in Rust"),
        (false, "operation added: get_marketing_emails: GET /marketing/v3/emails"),
    ];
    assert_eq!(told, expected.map(|(breaking, text)| (breaking, text.to_owned())));
}

#[test]
fn parameters_of_one_name_are_told_apart_by_where_they_stand() {
    let with = |name: &str, is_deprecated: bool| {
        let mut api = document();
        let parameter = |location: &str, is_deprecated: bool| json!({"name": "q", "in": location, "deprecated": is_deprecated, "schema": {"type": "string"}});
        set(
            &mut api,
            &format!("{GET}/parameters"),
            json!([parameter("query", is_deprecated), parameter("header", false)]),
        );
        written(&format!("one-name-{name}"), &api)
    };
    let (before, after) = (with("before", false), with("after", true));
    assert_eq!(told(&before, &after), ["deprecated: get_things(q)"]);
    assert_eq!(told(&after, &before), ["no longer deprecated: get_things(q)"]);
}
