//! Documents of dated versions, alone and beside those of v3.

use std::{collections::BTreeSet, path::Path};

use hubspot_partner_clients::{ApiVersion, spec};
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

#[test]
fn the_newest_version_describes_an_operation_and_a_release_before_its_beta() {
    for (versions, newest) in [
        (["2026-09-beta", "2026-09"], "2026-09"),
        (["2026-09", "2026-09-beta"], "2026-09"),
        (["2027-03-beta", "2026-09"], "2027-03-beta"),
        (["2026-09", "{apiVersion}"], "{apiVersion}"),
    ] {
        let merged = merge::documents(versions.map(dated).into_iter().collect(), &mut Vec::new()).unwrap();
        let (_, _, list) = merged.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some("list")).unwrap();
        assert_eq!(json!(list.security), json!([{"oauth2": [format!("scope.of.{newest}")]}]), "{versions:?}");
    }
}

#[test]
fn a_version_is_no_argument_whatever_its_place_is_called() {
    let Document { api, version, warnings, .. } = dated("{version}");
    assert_eq!(version.as_deref(), Some("{apiVersion}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    for known in KNOWN.iter().filter(|known| known.family != Family::V3) {
        let found = api.operations().find(|(_, _, o)| o.operation_id.as_deref() == Some(known.name));
        let (path, _, operation) = found.unwrap_or_else(|| panic!("{} is missing", known.name));
        assert_eq!(path, known.path);
        for parameter in &operation.parameters {
            let name = &parameter.as_item().unwrap().parameter_data_ref().name;
            assert!(known.path.contains(&format!("{{{name}}}")) && name != "version", "{name} in {path}");
        }
    }
    // What is not known keeps it.
    let merge = &api.paths.paths["/crm/objects/{version}/partner_clients/merge"].as_item().unwrap().post;
    assert_eq!(merge.as_ref().unwrap().parameters.len(), 1);
}

#[test]
fn two_versions_in_one_file_are_the_newest_and_what_the_other_has_beside_it() {
    let file = |versions: [&str; 2]| {
        let mut paths = json!({});
        for version in versions {
            let text = std::fs::read_to_string("tests/hubspot/2026-09/partner_clients.json").unwrap();
            let of: serde_json::Value = serde_json::from_str(&text.replace("2026-09", version)).unwrap();
            paths.as_object_mut().unwrap().extend(of["paths"].as_object().unwrap().clone());
        }
        let text = std::fs::read_to_string("tests/hubspot/2026-09/partner_clients.json").unwrap();
        let mut api: serde_json::Value = serde_json::from_str(&text).unwrap();
        // What tells the two apart.
        paths["/crm/objects/2026-03/partner_clients"]["get"]["security"] = json!([{"oauth2": ["older"]}]);
        api["paths"] = paths;
        api
    };
    let Document { api, version, warnings, .. } = super::document("x.json", &file(["2026-03", "2026-09"]));
    assert_eq!(version.as_deref(), Some("2026-09"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let lists: Vec<_> = api.operations().filter(|(_, _, o)| o.operation_id.as_deref() == Some("list")).collect();
    let [(path, _, list)] = lists.as_slice() else { panic!("{lists:?}") };
    assert_eq!(*path, "/crm/v3/objects/partner_clients");
    assert_ne!(json!(list.security), json!([{"oauth2": ["older"]}]));
    let merged =
        merge::documents(vec![super::document("x.json", &file(["2026-03", "2026-09"]))], &mut Vec::new()).unwrap();
    for version in ["2026_03", "2026_09"] {
        let merge = format!("post_crm_objects_{version}_partner_clients_merge");
        assert!(ids(&merged).contains(&merge.as_str()), "{:?}", ids(&merged));
    }
}

#[test]
fn two_paths_that_differ_in_the_names_in_braces_are_one_of_the_known_ones() {
    let get = json!({"get": {"responses": {"204": {"description": ""}}}});
    let api = json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": {
        "/crm/v3/objects/partner_clients/{id}": get, "/crm/v3/objects/partner_clients/{partnerClientId}": get,
        "/crm/v3/things/{a}": get, "/crm/v3/things/{b}": get}});
    let Document { api, warnings, .. } = super::document("x.json", &api);
    assert_eq!(ids(&api), ["get", "get_things_by_id", "get_things_by_id"]);
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let about =
        "x.json: at #/paths/~1crm~1v3~1objects~1partner_clients~1{partnerClientId}/get: another path is the same";
    assert!(warning.to_string().starts_with(about), "{warning}");
}

#[test]
fn what_one_version_has_beside_the_known_operations_is_published_with_it() {
    let documents = as_version("2026-03").into_iter().chain(as_version("2026-09-beta"));
    let api = merge::documents(documents.collect(), &mut Vec::new()).unwrap();
    let published = publish::versions_of_their_own(&api);
    assert!(published.keys().eq(["2026-03", "2026-09-beta"]), "{:?}", published.keys());
    for (version, api) in &published {
        let paths: Vec<_> = api.paths.paths.keys().collect();
        for path in ["partner_clients/merge", "partner_clients/{partnerClientId}"] {
            assert!(paths.iter().any(|of| **of == format!("/crm/objects/{version}/{path}")), "{paths:?}");
        }
        let is_another = |path: &&&String| !path.split('/').any(|segment| segment == version);
        assert_eq!(paths.iter().find(is_another), None);
        assert_eq!(api.info.version, *version);
        assert!(!json!(api).to_string().contains("{apiVersion}"));
    }
    assert!(!json!(publish::dated_versions(&api)).to_string().contains("2026-"), "what each version has");
    let own = Path::new("openapi");
    let own = codegen::documented(&[own], own, &mut Vec::new()).unwrap();
    assert!(publish::versions_of_their_own(&own).is_empty());
}

#[test]
fn the_document_of_a_version_has_each_operation_that_the_version_has() {
    let own = Path::new("openapi");
    let api = codegen::documented(&[Path::new("tests/hubspot/2026-09")], own, &mut Vec::new()).unwrap();
    let version = ApiVersion::V2026_09;
    let known = spec::operations().iter().filter(|operation| operation.versions != spec::Versions::AsWritten);
    let known =
        known.filter_map(|operation| Some((operation.method.to_owned(), operation.path_in(version)?.into_owned())));
    let all = |api: &openapiv3::OpenAPI| -> BTreeSet<(String, String)> {
        api.operations().map(|(path, method, _)| (method.to_uppercase(), path.to_owned())).collect()
    };
    let beside: Vec<_> = all(&api).into_iter().filter(|(_, path)| path.contains("/2026-09/")).collect();
    let is_beside = |method: &str, path: &str| beside.contains(&(method.to_owned(), path.to_owned()));
    // On paths of known operations.
    assert!(is_beside("POST", "/crm/objects/2026-09/partner_clients"), "{beside:?}");
    assert!(is_beside("PUT", "/crm/associations/2026-09/{fromObjectType}/{toObjectType}/labels"), "{beside:?}");
    let published = publish::versions_of_their_own(&api);
    assert!(published.keys().eq(["2026-09"]), "{:?}", published.keys());
    assert_eq!(all(&published["2026-09"]), known.chain(beside).collect());
}

#[test]
fn a_document_is_published_for_each_version_that_a_client_can_speak() {
    let versions =
        ["2025-09", "2026-02", "2026-03-beta", "2026-09", "2026-00", "2026-13", "2027-12", "2026-13-beta", "0000-01"];
    let get = json!({"get": {"responses": {"204": {"description": ""}}}});
    let paths: serde_json::Map<_, _> =
        versions.iter().map(|version| (format!("/crm/objects/{version}/things"), get.clone())).collect();
    let Document { api, .. } = super::document(
        "x.json",
        &json!({"openapi": "3.0.1", "info": {"title": "t", "version": "v3"}, "paths": paths}),
    );
    let mut spoken: Vec<_> = versions.iter().copied().filter(|version| ApiVersion::dated(version).is_ok()).collect();
    spoken.sort_unstable();
    assert_eq!(spoken, ["2026-03-beta", "2026-09", "2027-12"]);
    let published = publish::versions_of_their_own(&api);
    assert!(published.keys().eq(&spoken), "{:?}", published.keys());
    assert!(publish::v3(&api).paths.paths.is_empty());
}
