//! The documents that the crate hands out, one for each family of versions, and one for each version that has more.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::OpenAPI;
use serde_json::{Map, Value, json};

use super::{
    merge,
    operations::{Family, Known, dated},
    segments::{VERSION, is_spoken, version_in},
    walk,
};

/// What v3 has.
pub fn v3(api: &OpenAPI) -> OpenAPI {
    let mut api = of(api, |method, path| match Known::find(method, path) {
        Some(known) => known.family != Family::Dated,
        None => version_in(path).is_none(),
    });
    // Documents of dated versions alone have been completed.
    api.info.version = "v3".to_owned();
    api
}

/// What the dated versions have, with [`VERSION`] in place of the version.
pub fn dated_versions(api: &OpenAPI) -> OpenAPI {
    // What one version has beside them is not what each has.
    dated_version(api, VERSION)
}

/// The dated versions that have operations beside the known ones, each with its document.
pub fn versions_of_their_own(api: &OpenAPI) -> BTreeMap<String, OpenAPI> {
    let versions = api.operations().filter_map(|(path, ..)| version_in(path));
    let versions: BTreeSet<&str> = versions.filter(|version| is_spoken(version)).collect();
    versions.into_iter().map(|version| (version.to_owned(), dated_version(api, version))).collect()
}

fn dated_version(api: &OpenAPI, version: &str) -> OpenAPI {
    let mut api = of(api, |method, path| match Known::find(method, path) {
        Some(known) => known.family != Family::V3,
        None => version_in(path) == Some(version),
    });
    api.info.version = version.to_owned();
    let order: Vec<String> = api.paths.paths.keys().map(|path| dated(path).replace(VERSION, version)).collect();
    // Paths, and addresses in examples. To and from a `Value`, as everywhere: for text serde would make all of its code once more.
    let mut api: OpenAPI =
        serde_json::from_value(with_dated_paths(json!(api), version)).expect("an address is text wherever it stands");
    api.paths.paths.sort_by_cached_key(|path, _| order.iter().position(|other| other == path));
    api
}

fn with_dated_paths(json: Value, version: &str) -> Value {
    let dated = |text: &str| dated(text).replace(VERSION, version);
    match json {
        Value::String(text) => Value::String(dated(&text)),
        Value::Array(items) => items.into_iter().map(|item| with_dated_paths(item, version)).collect(),
        Value::Object(members) => {
            let mut renamed = Map::new();
            for (name, member) in members {
                let (name, member) = (dated(&name), with_dated_paths(member, version));
                match (renamed.get_mut(&name), member) {
                    // A path has known operations beside others of one version.
                    (Some(Value::Object(there)), Value::Object(beside)) => there.extend(beside),
                    (_, member) => drop(renamed.insert(name, member)),
                }
            }
            Value::Object(renamed)
        }
        other => other,
    }
}

fn of(api: &OpenAPI, has: impl Fn(&str, &str) -> bool) -> OpenAPI {
    let mut api = api.clone();
    merge::drop_operations(&mut api, |method, path, _| !has(method, path));
    let tags: Vec<String> = walk::operations(&mut api).flat_map(|(_, _, operation)| operation.tags.clone()).collect();
    api.tags.retain(|tag| tags.contains(&tag.name));
    api
}
