//! The documents that the crate hands out, one for each family of versions.

use openapiv3::OpenAPI;

use super::{
    merge,
    operations::{Family, Known, dated},
    segments::{VERSION, version_in},
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
    let mut api = of(api, |method, path| match Known::find(method, path) {
        Some(known) => known.family != Family::V3,
        // What one version has beside them is not what each has.
        None => false,
    });
    api.info.version = VERSION.to_owned();
    // Paths, and addresses in examples.
    let json = serde_json::to_string(&api).expect("a document was read from JSON");
    serde_json::from_str(&dated(&json)).expect("an address is text wherever it stands")
}

fn of(api: &OpenAPI, has: impl Fn(&str, &str) -> bool) -> OpenAPI {
    let mut api = api.clone();
    merge::drop_operations(&mut api, |method, path, _| !has(method, path));
    let tags: Vec<String> = walk::operations(&mut api).flat_map(|(_, _, operation)| operation.tags.clone()).collect();
    api.tags.retain(|tag| tags.contains(&tag.name));
    api
}
