use std::path::Path;

use serde_json::json;

use super::{
    codegen::{self, operations, scopes, table},
    documented,
};

#[test]
fn names_come_from_method_and_path_whatever_the_parameters_are_called() {
    for (method, path, name) in [
        ("PUT", "/crm/v3/objects/partner_clients/{a}/associations/{b}/{c}/{d}", "associate"),
        ("POST", "/crm/v3/associations/{x}/{y}/batch/create", "batch_associate"),
        ("GET", "/crm/v3/objects/partner_clients/{id}/notes/{noteId}", "get_partner_clients_notes_by_id"),
        ("GET", "/crm/v3/objects/partner_clients/{id}/notes/{note_id}", "get_partner_clients_notes_by_id"),
        ("POST", "/crm/v3/objects/partner_clients/merge", "post_partner_clients_merge"),
        ("POST", "/crm/objects/2026-09/partner_clients/merge", "post_partner_clients_merge"),
        (
            "PUT",
            "/crm/v3/objects/partner_clients/{id}/associations/{toObjectType}/{associationType}/{toObjectId}",
            "put_partner_clients_associations_by_ids",
        ),
        ("GET", "/crm/v3/associations/{toObjectType}/{fromObjectType}/types", "get_associations_types"),
        ("GET", "/crm/v3/associations/{fromObjectTypeId}/{toObjectTypeId}/types", "association_types"),
        ("PUT", "/crm/objects/2026-03/{objectType}", "put_objects_by_id"),
        ("PUT", "/crm/v3/objects/{objectType}", "put_objects_by_id"),
        ("GET", "/files/v3/files/{fileId}/signed-url", "get_files_signed_url"),
        ("GET", "/marketing/v3/marketing-events/{id}", "get_marketing_events_by_id"),
        ("GET", "/webhooks/v3/{appId}/subscriptions", "get_subscriptions"),
        ("DELETE", "/oauth/v1/refresh-tokens/{token}", "delete_refresh_tokens_by_id"),
        ("GET", "/cms/v3/audit-logs/", "get_audit_logs"),
        ("GET", "/", "get_root"),
    ] {
        assert_eq!(operations::name(method, path), name);
    }
}

#[test]
fn the_parameters_of_known_paths_are_called_as_in_the_public_api() {
    let api = documented();
    let create = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create";
    let (_, _, create) = api.operations().find(|(path, _, _)| *path == create).unwrap();
    let names: Vec<_> =
        create.parameters.iter().map(|p| p.as_item().unwrap().parameter_data_ref().name.as_str()).collect();
    assert_eq!(names, ["fromObjectType", "toObjectType"], "the document says fromObjectTypeId and toObjectTypeId");
}

#[test]
fn an_operation_that_is_gone_is_named() {
    let own = Path::new("openapi");
    let mut api = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
    assert!(operations::check_complete("openapi", &mut api).is_ok());
    api.paths.paths.shift_remove("/crm/v3/objects/partner_clients/search");
    let trouble = operations::check_complete("openapi", &mut api).unwrap_err().to_string();
    assert!(trouble.starts_with("openapi: at #/paths, POST /crm/v3/objects/partner_clients/search: "), "{trouble}");
    assert!(trouble.contains("`search`") && trouble.contains("add it back"), "{trouble}");
}

#[test]
fn an_operation_that_is_new_gets_its_metadata_from_security_and_method() {
    let mut api = serde_json::to_value(documented()).unwrap();
    let operation = |scopes| json!({"responses": {}, "security": scopes, "operationId": "x"});
    api["paths"] = json!({
        "/crm/v3/objects/partner_clients/{id}/notes": {
            "get": operation(json!([{"oauth2": ["notes.read"]}, {"private_apps": ["notes.read", "all.read"]}])),
            "post": operation(json!([
                {"oauth2": ["crm.objects.contacts.read"]}, {"oauth2": ["crm.objects.partner-clients.write", "notes.write"]},
            ])),
        },
        "/files/v3/files/search": {"get": operation(json!([]))},
        "/crm/objects/2026-09/companies/batch/read": {"post": operation(json!([]))},
        "/crm/objects/2026-09/companies/batch/create": {"post": operation(json!([]))},
        "/crm/v3/objects/notes/search": {"post": operation(json!([
            {"oauth2": ["notes.read", "all.read"]}, {"oauth2": ["crm.objects.partner-clients.read"]}, {"private_apps": []},
        ]))},
    });
    let mut api = serde_json::from_value(api).unwrap();
    scopes::of_partner_clients(&mut api);
    let table = table::rust(&mut api.clone(), &mut api);
    let line = |method: &str, path: &str| {
        let place = format!("method: {method:?}, path: {path:?},");
        table.lines().find(|line| line.contains(&place)).unwrap().to_owned()
    };
    let notes = "/crm/v3/objects/partner_clients/{id}/notes";
    assert!(line("GET", notes).contains(r#"scopes: &[&["notes.read"], ], idempotent: true"#), "{table}");
    let post = line("POST", notes);
    assert!(
        post.contains(r#"scopes: &[&["crm.objects.partner-clients.write", "notes.write"], ], idempotent: false"#),
        "{table}"
    );
    assert!(post.contains("RateBucket::General"));
    let files = line("GET", "/files/v3/files/search");
    assert!(
        files.contains("RateBucket::General"),
        "only the searches of CRM objects have a limit of their own: {files}"
    );
    let read = line("POST", "/crm/objects/2026-09/companies/batch/read");
    assert!(read.contains("idempotent: true"), "as with partner clients: {read}");
    let create = line("POST", "/crm/objects/2026-09/companies/batch/create");
    assert!(create.contains("idempotent: false"), "{create}");
    let search = line("POST", "/crm/v3/objects/notes/search");
    assert!(search.contains("RateBucket::Search"));
    let scopes = r#"scopes: &[&["all.read", "notes.read"], &["crm.objects.partner-clients.read"], ]"#;
    assert!(search.contains(scopes), "those of another product are as they are: {search}");
}
