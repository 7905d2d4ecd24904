//! Documents of dated versions, alone and beside those of v3.

use std::path::Path;

use serde_json::{Value, json};

use super::codegen::{
    self, correct, merge,
    operations::{self, Family, KNOWN},
    publish,
    read::{self, Document},
    table,
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
    assert!(ids(&api).contains(&"post_partner_clients_merge"), "its version is told only where several are there");
}

#[test]
fn documents_of_several_versions_go_together() {
    let small = super::document("v3.json", &super::small());
    let merged = merge::documents(vec![dated("2026-03"), small, dated("2026-09")], &mut Vec::new()).unwrap();
    assert_eq!(ids(&merged).iter().filter(|id| **id == "set_labels").count(), 1);
    let scopes = serde_json::to_string(&merged.paths).unwrap();
    assert_eq!(scopes.matches("scope.of.2026-03").count(), 0, "the newest describes what both have");
}

/// HubSpot's documents of 2026-09, in its shape, and the same as those of another version.
fn as_version(version: &str) -> Vec<Document> {
    let documents = read::path(Path::new("tests/hubspot/2026-09")).unwrap();
    documents
        .into_iter()
        .map(|document| {
            let text = std::fs::read_to_string(&document.file).unwrap().replace("2026-09", version);
            read::document(&document.file.replace("2026-09", version), &text).unwrap()
        })
        .collect()
}

/// What the operation table says of the known operations, but for headings.
fn known_lines(mut api: openapiv3::OpenAPI) -> Vec<String> {
    correct::document(&mut api);
    for (_, _, operation) in codegen::walk::operations(&mut api) {
        operation.tags.clear();
        operation.parameters.sort_by_key(|parameter| parameter.as_item().unwrap().parameter_data_ref().name.clone());
    }
    let table = table::rust(&mut api.clone(), &mut api);
    let is_known = |line: &&str| KNOWN.iter().any(|known| line.contains(&format!("id: {:?}", known.name)));
    table.lines().filter(is_known).map(str::to_owned).collect()
}

#[test]
fn each_version_alone_and_all_together_make_the_same_known_operations() {
    let own = Path::new("openapi");
    let documented = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
    let v3 = || read::path(Path::new("tests/hubspot/v3")).unwrap();
    for (name, documents) in [
        ("v3", v3()),
        ("2026-09", as_version("2026-09")),
        ("2026-03", as_version("2026-03")),
        ("2027-03-beta", as_version("2027-03-beta")),
        ("2026-03 and 2026-09", as_version("2026-03").into_iter().chain(as_version("2026-09")).collect()),
        ("all", v3().into_iter().chain(as_version("2026-03")).chain(as_version("2026-09")).collect()),
    ] {
        let mut warnings = Vec::new();
        let mut api = merge::documents(documents, &mut warnings).unwrap();
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        codegen::complete::what_is_described_elsewhere(&mut api, &documented);
        merge::order(&mut api);
        operations::check_complete(name, &mut api).unwrap();
        assert_eq!(known_lines(api), known_lines(documented.clone()), "{name}");
    }
}

#[test]
fn what_a_version_has_beside_the_known_operations_is_named_with_it() {
    let mut documents = as_version("2026-03");
    documents.extend(as_version("2026-09"));
    let api = merge::documents(documents, &mut Vec::new()).unwrap();
    for version in ["2026_03", "2026_09"] {
        let merge = format!("post_crm_objects_{version}_partner_clients_merge");
        assert!(ids(&api).contains(&merge.as_str()), "{:?}", ids(&api));
    }
    // Beside `list`, on a path that all versions have, and beside `association_labels`.
    let objects = &api.paths.paths["/crm/objects/2026-09/partner_clients"].as_item().unwrap();
    assert!(objects.get.is_none() && objects.post.is_some());
    let labels = "/crm/associations/2026-09/{fromObjectType}/{toObjectType}/labels";
    assert!(api.paths.paths[labels].as_item().unwrap().put.is_some());
    let schemas = &api.components.as_ref().unwrap().schemas;
    // The document on labels has another schema of this name than the one on associations.
    for name in ["AssociationsSchema", "AssociationsSchema202603"] {
        let name = format!("{name}PublicAssociationDefinitionUserConfiguration");
        assert!(schemas.contains_key(&name), "{name}");
    }
    assert!(schemas.contains_key("AssociationSpec"), "one for all");
    assert_eq!(schemas.keys().filter(|name| name.ends_with("AssociationSpec")).count(), 1);
}

#[test]
fn a_description_of_v3_alone_gets_the_dated_operations_and_the_other_way_round() {
    let own = Path::new("openapi");
    for (file, has) in [("tests/hubspot/v3", "set_labels"), ("openapi/dated", "associate")] {
        let api = codegen::documented(&[file], own, &mut Vec::new()).unwrap();
        assert!(ids(&api).contains(&has), "{file}");
    }
}

#[test]
fn each_family_is_published_by_itself() {
    let own = Path::new("openapi");
    let api = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
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
