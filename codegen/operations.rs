//! The operation table: what each operation is called and what a caller has to know of it.
//!
//! Names come from method and path, never from the file: HubSpot's own documents carry ids such as
//! `get-/crm/v3/objects/partner_clients`, and a name is a promise of the public API.

use std::path::Path;

use openapiv3::{OpenAPI, Operation};

use super::{Problem, Result, walk};

pub const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/// What the facade is built on: method, path with each parameter as `{}`, name, whether it may be repeated.
///
/// A read by POST may be repeated although its method does not say so, and so may an association that exists already or
/// is gone already. An update is not listed as repeatable: a repetition could undo what was written in between.
const KNOWN: [(&str, &str, &str, bool); 13] = [
    ("PUT", "/crm/v3/objects/partner_clients/{}/associations/{}/{}/{}", "associate", true),
    ("DELETE", "/crm/v3/objects/partner_clients/{}/associations/{}/{}/{}", "dissociate", true),
    ("GET", "/crm/v3/objects/partner_clients/{}/associations/{}", "list_associations", true),
    ("GET", "/crm/v3/objects/partner_clients", "list", true),
    ("GET", "/crm/v3/objects/partner_clients/{}", "get", true),
    ("PATCH", "/crm/v3/objects/partner_clients/{}", "update", false),
    ("POST", "/crm/v3/objects/partner_clients/batch/read", "batch_read", true),
    ("POST", "/crm/v3/objects/partner_clients/batch/update", "batch_update", false),
    ("POST", "/crm/v3/objects/partner_clients/search", "search", true),
    ("GET", "/crm/v3/associations/{}/{}/types", "association_types", true),
    ("POST", "/crm/v3/associations/{}/{}/batch/create", "batch_associate", true),
    ("POST", "/crm/v3/associations/{}/{}/batch/archive", "batch_dissociate", true),
    ("POST", "/crm/v3/associations/{}/{}/batch/read", "batch_read_associations", true),
];

fn known(method: &str, path: &str) -> Option<(&'static str, bool)> {
    let shape = segments(path)
        .map(|segment| if parameter(segment).is_some() { "/{}".into() } else { format!("/{segment}") })
        .collect::<String>();
    KNOWN.iter().find(|(m, p, _, _)| *m == method && *p == shape).map(|(_, _, name, idempotent)| (*name, *idempotent))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The operation's name: the known one, or one derived from method and path, such as
/// `get_partner_clients_by_partner_client_id_notes`.
pub fn name(method: &str, path: &str) -> String {
    if let Some((name, _)) = known(method, path) {
        return name.to_owned();
    }
    let mut name = method.to_lowercase();
    for segment in segments(path).filter(|s| !matches!(*s, "crm" | "objects" | "v3")) {
        match parameter(segment) {
            Some(parameter) => name += &format!("_by_{}", snake(parameter)),
            None => name += &format!("_{}", snake(segment)),
        }
    }
    name
}

fn snake(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_uppercase() && out.ends_with(|last: char| last.is_ascii_lowercase()) {
            out.push('_');
        }
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    out
}

/// Every operation that the facade is built on must be there.
pub fn check_complete(directory: &Path, api: &mut OpenAPI) -> Result<()> {
    let present: Vec<_> = walk::operations(api).filter_map(|(_, _, o)| o.operation_id.clone()).collect();
    match KNOWN.iter().find(|(_, _, name, _)| !present.iter().any(|p| p == name)) {
        None => Ok(()),
        Some((method, path, name, _)) => Err(Problem::new(
            directory.display().to_string(),
            format!("#/paths, {method} {path}"),
            format!("the operation `{name}`, which the facade needs, is in none of the documents"),
            "add it back, or take it out of the facade and of KNOWN in codegen/operations.rs",
        )),
    }
}

/// The operation table as the Rust expression of a `&[Operation]` of `src/spec.rs`.
pub fn table(api: &mut OpenAPI) -> String {
    let mut rust = String::from("&[\n");
    for (method, path, operation) in walk::operations(api) {
        let id = operation.operation_id.clone().unwrap_or_default();
        let scopes = scopes(operation);
        let idempotent = known(method, path).map_or_else(|| by_method(method), |(_, known)| known);
        let bucket = if path.ends_with("/search") { "Search" } else { "General" };
        rust += &format!(
            "    Operation {{ id: {id:?}, method: {method:?}, path: {path:?}, scopes: &{scopes:?}, \
             idempotent: {idempotent}, rate_bucket: RateBucket::{bucket} }},\n"
        );
    }
    rust + "]\n"
}

/// RFC 9110, section 9.2.2.
fn by_method(method: &str) -> bool {
    !matches!(method, "POST" | "PATCH")
}

/// Every scope that an alternative of the operation's security names. HubSpot's documents list the scopes of other
/// products with the general association operations; where one of ours is among them, only ours count.
fn scopes(operation: &Operation) -> Vec<String> {
    let mut scopes: Vec<String> =
        operation.security.iter().flatten().flat_map(|alternative| alternative.values().flatten().cloned()).collect();
    if scopes.iter().any(|s| s.contains("partner-clients")) {
        scopes.retain(|s| s.contains("partner-clients"));
    }
    scopes.sort();
    scopes.dedup();
    scopes
}
