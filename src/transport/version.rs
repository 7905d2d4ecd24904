//! Path of an operation in the client's version of HubSpot's API.

use reqwest::Request;

use crate::{
    error::{Error, Result},
    spec::{Operation, Versions, in_dated},
    transport::shared::Shared,
};

/// What the generated code writes for the version of a dated operation; `codegen/adapt.rs` says so.
const DATED: &str = "~version~/";

/// Addresses a request to the client's version.
///
/// # Errors
/// Where that version does not have the operation.
pub(crate) fn address(request: &mut Request, operation: &Operation, shared: &Shared) -> Result<()> {
    let version = shared.version;
    let meant = |path: &str| match operation.versions {
        Versions::Every => Some(in_dated(path, version)),
        // The generated code has it already, unless it is written in a way that `codegen/trim.rs` does not know.
        _ => {
            // Where the operation has it, and not where an id of the caller's looks like it.
            let before = operation.path.split_once("{apiVersion}")?.0;
            let after = path.strip_prefix(before)?.strip_prefix(DATED)?;
            Some(format!("{before}{version}/{after}"))
        }
    };
    match (operation.versions, version.is_dated()) {
        (Versions::AsWritten, _) | (Versions::V3 | Versions::Every, false) => return Ok(()),
        (Versions::Every | Versions::Dated, true) => {}
        (Versions::V3, true) | (Versions::Dated, false) => return Err(refused(operation, shared)),
    }
    let url = request.url_mut();
    if let Some((base, path)) = url.path().split_at_checked(shared.base_path)
        && let Some(path) = meant(path)
    {
        let path = format!("{base}{path}");
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
