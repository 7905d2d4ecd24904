//! The tools: the report of what a new description changes, each difference by itself, and what becomes of documents.

#[path = "../../src/bin/openapi_diff/access.rs"]
mod access;
#[path = "../../../codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;
#[path = "../../src/bin/openapi_diff/compare.rs"]
mod compare;
#[path = "../../src/bin/openapi_diff/difference.rs"]
mod difference;
#[path = "../../src/bin/openapi_diff/found.rs"]
mod found;
#[path = "../../src/bin/openapi_diff/plain.rs"]
mod plain;
#[path = "../../src/bin/openapi_diff/report.rs"]
mod report;
#[path = "../../src/bin/openapi_diff/schema.rs"]
mod schema;
#[path = "../../src/bin/openapi_diff/versions.rs"]
mod versions;

mod across_versions;
mod demands;
mod documents;
mod marks;
mod moved;
mod names;
mod noise;
mod operations;
mod references;
mod schemas;

use std::{fs, path::Path};

use serde_json::{Value, json};

use compare::Change;

const DOCUMENT: &str = "../tests/hubspot/v3/partner_clients.json";
const OBJECTS: &str = "/crm/v3/objects/partner_clients";
const OBJECT: &str = "/crm/v3/objects/partner_clients/{partnerClientId}";

fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(DOCUMENT).unwrap()).unwrap()
}

/// What the report says when HubSpot's document is edited so.
fn changes(name: &str, edit: impl FnOnce(&mut Value)) -> Vec<Change> {
    let mut edited = document();
    edit(&mut edited);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    fs::write(&file, edited.to_string()).unwrap();
    compared(Path::new(DOCUMENT), &file).unwrap()
}

fn compared(old: &Path, new: &Path) -> Result<Vec<Change>, String> {
    compare::changes(old, new, &mut Vec::new())
}

/// The one change, as `breaking? what where detail`.
fn change(name: &str, edit: impl FnOnce(&mut Value)) -> (bool, String) {
    match changes(name, edit).as_slice() {
        [Change { breaking, what, place, detail, .. }] => (*breaking, format!("{what}: {place}: {detail}")),
        others => panic!("{}", report::table(others)),
    }
}

fn schema<'a>(api: &'a mut Value, name: &str) -> &'a mut Value {
    &mut api["components"]["schemas"][name]
}

#[test]
fn the_table_and_the_json_say_the_same() {
    let changes = changes("reports", |api| {
        schema(api, "SimplePublicObject")["properties"]["domain"] = json!({"type": "string"});
        schema(api, "CollectionResponseWithTotalSimplePublicObject")["properties"]["total"] = json!({"type": "string"});
    });
    let json: Value = serde_json::from_str(&report::json(&changes)).unwrap();
    let expected = json!([
        {"breaking": true, "what": "type changed", "place": "CollectionResponseWithTotalSimplePublicObject.total",
         "detail": "integer (int32) → string", "operations": ["search"]},
        {"breaking": false, "what": "field added", "place": "SimplePublicObject.domain", "detail": "string, optional",
         "operations": ["batch_read", "batch_update", "search", "update"]},
    ]);
    assert_eq!(json, expected);
    let table = report::table(&changes);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[1].starts_with("breaking  type changed") && lines[1].ends_with("search"), "{table}");
    assert!(lines[2].trim_start().starts_with("field added"), "{table}");
    assert_eq!(*lines.last().unwrap(), "2 changes, 1 breaking");
    assert_eq!(report::table(&[]), "no difference\n");
}

#[test]
fn what_cannot_be_read_is_named() {
    let trouble = compared(Path::new("no/such"), Path::new(DOCUMENT)).unwrap_err();
    assert!(trouble.starts_with("no/such: at the directory: cannot be read"), "{trouble}");
}
