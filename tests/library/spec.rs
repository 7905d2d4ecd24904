//! What code generators read.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use hubspot_partner_clients::{
    ApiVersion,
    spec::{OPENAPI_JSON, OPENAPI_SHA256, Operation, RateBucket, Versions, openapi_json, openapi_sha256, operations},
};
use serde_json::Value;

const READ: &str = "crm.objects.partner-clients.read";
const WRITE: &str = "crm.objects.partner-clients.write";
/// Each type of object has its own.
const OF_TYPES: &str = "crm.objects.companies.read or crm.objects.contacts.read or crm.objects.custom.read or \
                        crm.objects.deals.read or crm.objects.partner-clients.read or tickets";

#[test]
fn the_operation_table_holds_what_the_facade_is_built_on() {
    let objects = "/crm/v3/objects/partner_clients";
    let one = "/crm/v3/objects/partner_clients/{partnerClientId}";
    let many = format!("{one}/associations/{{toObjectType}}");
    let association = format!("{many}/{{toObjectId}}/{{associationType}}");
    let both = "/crm/v3/associations/{fromObjectType}/{toObjectType}";
    let from = "/crm/objects/{apiVersion}/{fromObjectType}/{fromObjectId}/associations";
    let pair = format!("{from}/{{toObjectType}}/{{toObjectId}}");
    let of_one = "/crm/objects/{apiVersion}/partner_clients/{partnerClientId}/associations/{toObjectType}";
    let dated = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}";
    let expected = [
        ("associate", "PUT", association.clone(), WRITE, true),
        ("dissociate", "DELETE", association, WRITE, true),
        ("list_associations", "GET", many, READ, true),
        ("list", "GET", objects.to_owned(), READ, true),
        ("get", "GET", one.to_owned(), READ, true),
        ("update", "PATCH", one.to_owned(), WRITE, false),
        ("batch_read", "POST", format!("{objects}/batch/read"), READ, true),
        ("batch_update", "POST", format!("{objects}/batch/update"), WRITE, false),
        ("search", "POST", format!("{objects}/search"), READ, true),
        ("batch_read_objects", "POST", "/crm/v3/objects/{objectType}/batch/read".to_owned(), OF_TYPES, true),
        ("search_objects", "POST", "/crm/v3/objects/{objectType}/search".to_owned(), OF_TYPES, true),
        ("association_types", "GET", format!("{both}/types"), READ, true),
        ("batch_associate", "POST", format!("{both}/batch/create"), WRITE, true),
        ("batch_dissociate", "POST", format!("{both}/batch/archive"), WRITE, true),
        ("batch_read_associations", "POST", format!("{both}/batch/read"), READ, true),
        ("set_labels", "PUT", pair.clone(), WRITE, true),
        ("dissociate_all", "DELETE", pair, WRITE, true),
        ("associate_default", "PUT", format!("{from}/default/{{toObjectType}}/{{toObjectId}}"), WRITE, true),
        ("list_associations_with_labels", "GET", of_one.to_owned(), READ, true),
        ("association_labels", "GET", format!("{dated}/labels"), READ, true),
        ("batch_set_labels", "POST", format!("{dated}/batch/create"), WRITE, true),
        ("batch_associate_default", "POST", format!("{dated}/batch/associate/default"), WRITE, true),
        ("batch_dissociate_labels", "POST", format!("{dated}/batch/labels/archive"), WRITE, true),
        ("batch_dissociate_all", "POST", format!("{dated}/batch/archive"), WRITE, true),
        ("batch_read_associations_with_labels", "POST", format!("{dated}/batch/read"), READ, true),
    ];
    let table: BTreeMap<_, _> = operations().iter().map(|operation| (operation.id, operation)).collect();
    for (id, method, path, scope, idempotent) in expected {
        let operation = table[id];
        assert_eq!((operation.method, operation.path), (method, path.as_str()));
        let scopes: Vec<_> = operation.scopes.iter().map(|scopes| scopes.join(" and ")).collect();
        assert_eq!(scopes.join(" or "), scope, "{id}");
        assert_eq!(operation.idempotent, idempotent, "{id}");
        let bucket = if id.starts_with("search") { RateBucket::Search } else { RateBucket::General };
        assert_eq!(operation.rate_bucket, bucket, "{id}");
    }
}

#[test]
fn the_published_document_holds_every_operation_under_its_id() {
    for version in [ApiVersion::V3, ApiVersion::V2026_03, ApiVersion::V2026_09] {
        let api: Value = serde_json::from_str(&openapi_json(version)).unwrap();
        assert!(api["openapi"].as_str().unwrap().starts_with("3.0."));
        assert_eq!(api["info"]["version"], version.to_string());
        let mut ids = BTreeSet::new();
        for operation in operations() {
            let Some(path) = operation.path_in(version) else { continue };
            let described = &api["paths"][&*path][operation.method.to_lowercase()];
            assert_eq!(described["operationId"], operation.openapi_id);
            assert!(described["responses"]["default"].is_object());
            ids.insert(operation.openapi_id);
        }
        let of_paths = api["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        assert_eq!(of_paths.map(|operation| operation["operationId"].as_str().unwrap()).collect::<BTreeSet<_>>(), ids);
    }
}

/// Methods that generated clients have anyway, in one language or another.
const METHODS_OF_CLIENTS: [&str; 12] =
    ["delete", "execute", "get", "head", "list", "options", "patch", "post", "put", "request", "search", "update"];

#[test]
fn an_operation_has_an_id_of_its_own_that_clashes_with_no_method_of_a_client() {
    let ids: BTreeSet<_> = operations().iter().map(|operation| operation.openapi_id.to_ascii_lowercase()).collect();
    assert_eq!(ids.len(), operations().len());
    assert!(METHODS_OF_CLIENTS.iter().all(|method| !ids.contains(*method)), "{ids:?}");
    let id = |name| operation(name).openapi_id;
    assert_eq!(
        (id("get"), id("list"), id("associate")),
        ("getPartnerClient", "listPartnerClients", "associatePartnerClient")
    );
}

/// The files that are published and those that they are made of call the operations the same.
#[test]
fn the_checked_in_fragment_has_the_published_ids() {
    for file in ["v3/partner_clients", "v3/associations", "v3/account", "v3/objects", "dated/associations"] {
        let path = format!("{}/openapi/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let api: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, described) in item.as_object().unwrap() {
                let named =
                    operations().iter().find(|o| o.path == path && o.method.eq_ignore_ascii_case(method)).unwrap();
                assert_eq!(described["operationId"], named.openapi_id, "{path}");
            }
        }
    }
}

#[test]
fn every_operation_takes_the_same_token_and_says_which_scopes_it_needs() {
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let api = openapi_value(&openapi_json(version));
        for operation in operations() {
            let Some(path) = operation.path_in(version) else { continue };
            let described = &api["paths"][&*path][operation.method.to_lowercase()];
            if operation.versions != Versions::AsWritten {
                assert_eq!(described["security"], serde_json::json!([{"accessToken": []}]), "{}", operation.id);
                assert_eq!(described["x-required-scopes"], serde_json::json!(operation.scopes), "{}", operation.id);
            }
        }
        assert_eq!(api["components"]["securitySchemes"]["accessToken"]["scheme"], "bearer");
        for scope in [READ, WRITE, "oauth"] {
            assert!(api["components"]["securitySchemes"]["accessToken"]["x-scopes"][scope].is_string(), "{scope}");
        }
    }
}

/// Both statuses of a batch have a schema with the failures, and every answer may have further fields.
#[test]
fn a_batch_that_failed_in_part_is_read_with_the_schema_of_one_that_did_not() {
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let api = openapi_value(&openapi_json(version));
        for operation in operations().iter().filter(|operation| operation.successes.iter().any(|s| s.status == 207)) {
            let schemas: BTreeSet<_> = operation.successes.iter().filter_map(|success| success.schema).collect();
            assert_eq!(schemas.len(), 1, "{}", operation.id);
            if operation.path_in(version).is_some() {
                let batch = &api["components"]["schemas"][schemas.first().unwrap()];
                assert!(batch["properties"]["errors"].is_object() && batch["properties"]["numErrors"].is_object());
                if operation.versions != Versions::AsWritten {
                    assert_eq!(batch["required"], serde_json::json!(["status", "results"]), "{}", operation.id);
                }
                assert_eq!(batch["additionalProperties"], true, "{}", operation.id);
            }
        }
    }
}

#[test]
fn a_document_of_a_dated_version_can_be_used_as_it_is() {
    let json = openapi_json(ApiVersion::dated("2027-03-beta").unwrap());
    assert!(!json.contains("apiVersion"), "the version stands in the paths");
    assert!(json.contains("/crm/associations/2027-03-beta/{fromObjectType}/{toObjectType}/batch/labels/archive"));
    assert!(!json.contains("/crm/v3/"));
    assert!(!OPENAPI_JSON.contains("/crm/objects/") && !OPENAPI_JSON.contains("AssociationSpec"));
    let label = &openapi_value(&json)["components"]["schemas"]["AssociationSpecWithLabel"]["properties"]["label"];
    assert_eq!(label["nullable"], true);
}

fn openapi_value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// Each operation that a family does not have names the one to call in its place, which it has.
#[test]
fn an_operation_that_a_version_lacks_has_a_counterpart_there() {
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let of_a_family = operations().iter().filter(|operation| operation.versions != Versions::AsWritten);
        for lacking in of_a_family.filter(|operation| operation.path_in(version).is_none()) {
            let counterpart = operation(lacking.counterpart.unwrap());
            assert!(counterpart.path_in(version).is_some(), "{} → {}", lacking.id, counterpart.id);
        }
    }
}

fn operation(id: &str) -> &'static Operation {
    operations().iter().find(|operation| operation.id == id).unwrap()
}

#[test]
fn an_operation_tells_its_parameters_and_schemas() {
    let associate = operation("associate");
    let names: Vec<_> = associate.path_parameters.iter().map(|parameter| parameter.name).collect();
    assert_eq!(names, ["partnerClientId", "toObjectType", "toObjectId", "associationType"]);
    assert!(associate.path_parameters.iter().all(|p| p.required && p.schema_type == "string"));
    assert_eq!((associate.request_schema, associate.query_parameters), (None, [].as_slice()));
    assert_eq!(associate.successes[0].schema, Some("SimplePublicObjectWithAssociations"));
    assert!(associate.tag.is_some());

    let list = operation("list");
    let parameter = |name| list.query_parameters.iter().find(|parameter| parameter.name == name).unwrap();
    assert_eq!(parameter("limit").schema_type, "integer");
    assert_eq!(parameter("properties").schema_type, "array");
    assert_eq!(parameter("archived").schema_type, "boolean");
    assert!(list.query_parameters.iter().all(|parameter| !parameter.required));

    let batch = operation("batch_read");
    assert_eq!(batch.request_schema, Some("BatchReadInputSimplePublicObjectId"));
    let successes: Vec<_> = batch.successes.iter().map(|success| (success.status, success.schema.unwrap())).collect();
    let expected = [(200, "BatchResponseSimplePublicObject"), (207, "BatchResponseSimplePublicObject")];
    assert_eq!(successes, expected);
    assert_eq!(operation("dissociate").successes[0].schema, None);
}

#[test]
fn the_schemas_of_the_table_are_in_the_document() {
    for (version, operation) in
        [ApiVersion::V3, ApiVersion::V2026_09].iter().flat_map(|v| operations().iter().map(move |o| (*v, o)))
    {
        let api = openapi_value(&openapi_json(version));
        if operation.path_in(version).is_none() {
            continue;
        }
        let named = operation.successes.iter().filter_map(|success| success.schema).chain(operation.request_schema);
        for schema in named {
            assert!(api["components"]["schemas"].get(schema).is_some(), "{schema}");
        }
    }
}

#[test]
fn the_digest_is_that_of_the_document() {
    let digest = digest(&SHA256, OPENAPI_JSON.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(OPENAPI_SHA256, digest);
    assert_eq!(openapi_sha256(ApiVersion::V3), digest);
    assert_ne!(openapi_sha256(ApiVersion::V2026_09), digest);
}

#[test]
fn dated_versions_share_a_document_but_for_those_with_operations_of_their_own() {
    let none_of_its_own = ApiVersion::dated("2099-03").unwrap();
    for version in [ApiVersion::V2026_03, ApiVersion::V2026_09] {
        let is_of_its_own = |o: &Operation| o.versions == Versions::AsWritten && o.path_in(version).is_some();
        let has_its_own = operations().iter().any(is_of_its_own);
        let is_shared = openapi_sha256(version) == openapi_sha256(none_of_its_own);
        assert_eq!(is_shared, !has_its_own, "{version}");
        let shared = openapi_json(none_of_its_own).replace("2099-03", &version.to_string());
        assert_eq!(openapi_json(version) == shared, is_shared, "{version}");
    }
}

#[test]
fn the_published_document_is_plain() {
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let json = openapi_json(version);
        for word in ["oneOf", "anyOf", "2XX", "*/*", "\"enum\""] {
            assert!(!json.contains(word), "{word}");
        }
        let api = openapi_value(&json);
        let names: Vec<_> = api["components"]["schemas"].as_object().unwrap().keys().collect();
        assert!(names.is_sorted());
    }
}

#[cfg(feature = "openapiv3")]
#[test]
fn the_published_document_parses() {
    for version in [ApiVersion::V3, ApiVersion::V2026_09] {
        let described = operations().iter().filter(|operation| operation.path_in(version).is_some()).count();
        assert_eq!(hubspot_partner_clients::spec::openapi(version).unwrap().operations().count(), described);
    }
}
