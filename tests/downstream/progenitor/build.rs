//! Runs progenitor's own generator on the published description.

use std::{env, error::Error, fs, path::Path};

use hubspot_partner_clients::{ApiVersion, spec};
use openapiv3::{OpenAPI, PathItem, ReferenceOr, StatusCode};
use progenitor::Generator;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut api = spec::openapi(ApiVersion::V3)?;
    one_success_per_operation(&mut api);
    let code = Generator::default().generate_tokens(&api)?.to_string();
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; build with cargo")?;
    fs::write(Path::new(&out).join("client.rs"), code)?;
    Ok(())
}

/// All that progenitor 0.15 cannot take: at a default of another schema than the success, or at two successes, it panics
/// (`response_types.len() <= 1`) unless there is a single `2XX`. All successes of an operation have one schema.
///
/// Lists in the query stay: progenitor repeats the key for each value instead of joining them by commas as described,
/// and HubSpot takes both.
fn one_success_per_operation(api: &mut OpenAPI) {
    for item in api.paths.paths.values_mut() {
        let ReferenceOr::Item(PathItem { get, put, post, delete, patch, .. }) = item else { continue };
        for operation in [get, put, post, delete, patch].into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            if let Some((_, success)) = responses.pop() {
                responses.clear();
                responses.insert(StatusCode::Range(2), success);
            }
        }
    }
}
