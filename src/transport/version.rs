//! The path of an operation under the client's version of HubSpot's API.

use reqwest::Request;

use crate::{
    error::{Error, Result},
    spec::{Operation, Versions},
    transport::shared::Shared,
};

/// What the generated code writes for the version of a dated operation; `codegen/adapt.rs` says so.
const DATED: &str = "/dated/";
/// What comes before the version, in v3 and after.
const V3_OBJECTS: &str = "/crm/v3/objects/";

/// Addresses a request to the client's version.
///
/// # Errors
/// Where that version does not have the operation.
pub(crate) fn address(request: &mut Request, operation: &Operation, shared: &Shared) -> Result<()> {
    let version = shared.version;
    let (written, meant) = match (operation.versions, version.is_dated()) {
        (Versions::AsWritten, _) | (Versions::V3 | Versions::Every, false) => return Ok(()),
        (Versions::Every, true) => (V3_OBJECTS, format!("/crm/objects/{version}/")),
        (Versions::Dated, true) => (DATED, format!("/{version}/")),
        (Versions::V3, true) | (Versions::Dated, false) => return Err(refused(operation, shared)),
    };
    let url = request.url_mut();
    if let Some((base, path)) = url.path().split_at_checked(shared.base_path) {
        let path = format!("{base}{}", path.replacen(written, &meant, 1));
        url.set_path(&path);
    }
    Ok(())
}

fn refused(operation: &Operation, shared: &Shared) -> Error {
    let version = shared.version;
    let reason = format!("does not exist in version {version} of HubSpot's API");
    let other = if version.is_dated() { "v3" } else { "a dated version" };
    let remedy = match operation.counterpart {
        Some(counterpart) => format!("call {counterpart} in its place, or use a client of {other}"),
        None => format!("use a client of {other}"),
    };
    Error::invalid_input("operation", Some(operation.id), reason, remedy)
}
