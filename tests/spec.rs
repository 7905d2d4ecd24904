//! What code generators read.

use std::collections::BTreeMap;

use hubspot_partner_clients::spec::{OPENAPI_JSON, RateBucket, operations};
use serde_json::Value;

const READ: &str = "crm.objects.partner-clients.read";
const WRITE: &str = "crm.objects.partner-clients.write";

#[test]
fn the_operation_table_is_that_of_the_api() {
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
    assert_eq!(operations().len(), expected.len());
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
    assert_eq!(api["openapi"], "3.0.3");
    assert_eq!(api["info"]["title"], "HubSpot partner clients");
    for operation in operations() {
        let described = &api["paths"][operation.path][operation.method.to_lowercase()];
        assert_eq!(described["operationId"], operation.id);
        assert!(described["responses"]["default"].is_object());
    }
}

#[cfg(feature = "openapiv3")]
#[test]
fn the_published_document_parses() {
    let api = hubspot_partner_clients::spec::openapi().unwrap();
    assert_eq!(api.operations().count(), operations().len());
}
