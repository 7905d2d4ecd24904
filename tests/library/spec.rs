//! What code generators read.

use std::collections::BTreeMap;

use hubspot_partner_clients::spec::{OPENAPI_JSON, OPENAPI_SHA256, Operation, RateBucket, operations};
use serde_json::Value;
use sha2::{Digest, Sha256};

const READ: &str = "crm.objects.partner-clients.read";
const WRITE: &str = "crm.objects.partner-clients.write";

#[test]
fn the_operation_table_holds_what_the_facade_is_built_on() {
    let objects = "/crm/v3/objects/partner_clients";
    let one = "/crm/v3/objects/partner_clients/{partnerClientId}";
    let many = format!("{one}/associations/{{toObjectType}}");
    let association = format!("{many}/{{toObjectId}}/{{associationType}}");
    let both = "/crm/v3/associations/{fromObjectType}/{toObjectType}";
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
        ("association_types", "GET", format!("{both}/types"), READ, true),
        ("batch_associate", "POST", format!("{both}/batch/create"), WRITE, true),
        ("batch_dissociate", "POST", format!("{both}/batch/archive"), WRITE, true),
        ("batch_read_associations", "POST", format!("{both}/batch/read"), READ, true),
    ];
    let table: BTreeMap<_, _> = operations().iter().map(|operation| (operation.id, operation)).collect();
    for (id, method, path, scope, idempotent) in expected {
        let operation = table[id];
        assert_eq!((operation.method, operation.path, operation.scopes), (method, path.as_str(), [scope].as_slice()));
        assert_eq!(operation.idempotent, idempotent, "{id}");
        let bucket = if id == "search" { RateBucket::Search } else { RateBucket::General };
        assert_eq!(operation.rate_bucket, bucket, "{id}");
    }
}

#[test]
fn the_published_document_holds_every_operation_under_its_id() {
    let api: Value = serde_json::from_str(OPENAPI_JSON).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.0."));
    for operation in operations() {
        let described = &api["paths"][operation.path][operation.method.to_lowercase()];
        assert_eq!(described["operationId"], operation.id);
        assert!(described["responses"]["default"].is_object());
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
    let expected = [(200, "BatchResponseSimplePublicObject"), (207, "BatchResponseSimplePublicObjectWithErrors")];
    assert_eq!(successes, expected);
    assert_eq!(operation("dissociate").successes[0].schema, None);
}

#[test]
fn the_schemas_of_the_table_are_in_the_document() {
    let api: Value = serde_json::from_str(OPENAPI_JSON).unwrap();
    for operation in operations() {
        let named = operation.successes.iter().filter_map(|success| success.schema).chain(operation.request_schema);
        for schema in named {
            assert!(api["components"]["schemas"].get(schema).is_some(), "{schema}");
        }
    }
}

#[test]
fn the_digest_is_that_of_the_document() {
    let digest: String = Sha256::digest(OPENAPI_JSON).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(OPENAPI_SHA256, digest);
}

#[test]
fn the_published_document_is_plain() {
    for word in ["oneOf", "anyOf", "2XX", "*/*", "\"enum\""] {
        assert!(!OPENAPI_JSON.contains(word), "{word}");
    }
    let api: Value = serde_json::from_str(OPENAPI_JSON).unwrap();
    let names: Vec<_> = api["components"]["schemas"].as_object().unwrap().keys().collect();
    assert!(names.is_sorted());
}

#[test]
fn the_published_document_parses() {
    let api = hubspot_partner_clients::spec::openapi().unwrap();
    assert_eq!(api.operations().count(), operations().len());
}
