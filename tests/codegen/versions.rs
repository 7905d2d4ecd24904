//! Documents of dated versions, alone and beside those of v3.

use std::path::Path;

use serde_json::{Value, json};

use super::codegen::{
    self, merge,
    operations::{self, Family, KNOWN},
    publish,
    read::Document,
};

/// A document of a dated version in HubSpot's shape, of the operations that the crate knows.
fn dated(version: &str) -> Document {
    let mut paths = serde_json::Map::new();
    for known in KNOWN.iter().filter(|known| known.family != Family::V3) {
        // Theirs has other names for the parameters.
        let path = operations::dated(known.path)
            .replace("{apiVersion}", version)
            .replace("{from", "{")
            .replace("{to", "{other");
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        let operation = json!({
            "operationId": format!("{}-{path}", known.method), "parameters": parameters,
            "security": [{"oauth2": [format!("scope.of.{version}")]}],
            "responses": {"200": {"description": "ok", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Thing"}}}}},
        });
        paths.entry(path).or_insert_with(|| json!({}))[known.method.to_lowercase()] = operation;
    }
    paths.insert(format!("/crm/objects/{version}/partner_clients/merge"), json!({"post": {"responses": {}}}));
    super::document(
        version,
        &json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": paths,
            "components": {"schemas": {"Thing": {"type": "object", "properties": {"id": {"type": "string"}}}}}}),
    )
}

fn ids(api: &openapiv3::OpenAPI) -> Vec<&str> {
    api.operations().map(|(_, _, operation)| operation.operation_id.as_deref().unwrap()).collect()
}

#[test]
fn the_operations_of_a_dated_document_are_the_known_ones() {
    let Document { api, version, .. } = dated("2026-09");
    assert_eq!(version.as_deref(), Some("2026-09"));
    for known in KNOWN.iter().filter(|known| known.family != Family::V3) {
        let found = api.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(known.name));
        let (path, _, operation) = found.unwrap_or_else(|| panic!("{} is missing", known.name));
        assert_eq!(path, known.path);
        for parameter in &operation.parameters {
            let name = &parameter.as_item().unwrap().parameter_data_ref().name;
            assert!(known.path.contains(&format!("{{{name}}}")), "{name} in {path}");
        }
    }
    assert!(ids(&api).contains(&"post_2026_09_partner_clients_merge"), "what is not known keeps its version");
}

#[test]
fn documents_of_several_versions_go_together() {
    let small = super::document("v3.json", &super::small());
    let merged = merge::documents(vec![dated("2026-03"), small, dated("2026-09")]).unwrap();
    assert_eq!(ids(&merged).iter().filter(|id| **id == "set_labels").count(), 1);
    let scopes = serde_json::to_string(&merged.paths).unwrap();
    assert_eq!(scopes.matches("scope.of.2026-03").count(), 0, "the newest describes what both have");
}

#[test]
fn a_description_of_v3_alone_gets_the_dated_operations_and_the_other_way_round() {
    let own = Path::new("openapi");
    for (file, has) in [("tests/hubspot", "set_labels"), ("openapi/dated", "associate")] {
        let api = codegen::documented(Path::new(file), own).unwrap();
        assert!(ids(&api).contains(&has), "{file}");
    }
}

#[test]
fn each_family_is_published_by_itself() {
    let own = Path::new("openapi");
    let api = codegen::documented(own, own).unwrap();
    let (v3, dated) = (publish::v3(&api), publish::dated_versions(&api));
    let of = |without: Family| {
        KNOWN.iter().filter(move |known| known.family != without).map(|known| known.name).collect::<Vec<_>>()
    };
    let sorted = |mut names: Vec<&'static str>| {
        names.sort();
        names
    };
    let published = |api| {
        let mut ids: Vec<String> = ids(api).into_iter().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    assert_eq!(published(&v3), sorted(of(Family::Dated)));
    assert_eq!(published(&dated), sorted(of(Family::V3)));
    let (v3, dated) = (serde_json::to_value(v3).unwrap(), serde_json::to_value(dated).unwrap());
    assert!(v3["components"]["schemas"].get("AssociationSpec").is_none());
    assert!(dated["components"]["schemas"].get("PublicAssociation").is_none());
    assert!(dated["paths"]["/crm/objects/{apiVersion}/partner_clients"].is_object());
    assert_ne!(v3["tags"], dated["tags"]);
}
