//! The operations that the facade is built on, and the names of all.
//!
//! Names come from method and path, never from the file: HubSpot's own documents carry ids such as
//! `get-/crm/v3/objects/partner_clients`, and a name is a promise of the public API.

use std::path::Path;

use openapiv3::{OpenAPI, Parameter, ReferenceOr};

use super::{Problem, Result, walk};

pub const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/// An operation that the facade is built on.
pub struct Known {
    pub method: &'static str,
    pub path: &'static str,
    pub name: &'static str,
    /// The OAuth scope it takes, as HubSpot's pages on it say.
    pub scope: &'static str,
    /// A read by POST may be repeated although its method does not say so, and so may an association that exists already
    /// or is gone already. An update is not listed: a repetition could undo what was written in between.
    pub idempotent: bool,
}

pub const READ: &str = "crm.objects.partner-clients.read";
pub const WRITE: &str = "crm.objects.partner-clients.write";

const OBJECTS: &str = "/crm/v3/objects/partner_clients";
const OBJECT: &str = "/crm/v3/objects/partner_clients/{partnerClientId}";
const ASSOCIATION: &str =
    "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";
const ASSOCIATIONS: &str = "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}";
const BATCH_READ: &str = "/crm/v3/objects/partner_clients/batch/read";
const BATCH_UPDATE: &str = "/crm/v3/objects/partner_clients/batch/update";
const SEARCH: &str = "/crm/v3/objects/partner_clients/search";
const TYPES: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/types";
const BATCH_ASSOCIATE: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create";
const BATCH_DISSOCIATE: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/archive";
const BATCH_READ_ASSOCIATIONS: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/read";

#[rustfmt::skip]
pub const KNOWN: [Known; 13] = [
    Known { method: "PUT", path: ASSOCIATION, name: "associate", scope: WRITE, idempotent: true },
    Known { method: "DELETE", path: ASSOCIATION, name: "dissociate", scope: WRITE, idempotent: true },
    Known { method: "GET", path: ASSOCIATIONS, name: "list_associations", scope: READ, idempotent: true },
    Known { method: "GET", path: OBJECTS, name: "list", scope: READ, idempotent: true },
    Known { method: "GET", path: OBJECT, name: "get", scope: READ, idempotent: true },
    Known { method: "PATCH", path: OBJECT, name: "update", scope: WRITE, idempotent: false },
    Known { method: "POST", path: BATCH_READ, name: "batch_read", scope: READ, idempotent: true },
    Known { method: "POST", path: BATCH_UPDATE, name: "batch_update", scope: WRITE, idempotent: false },
    Known { method: "POST", path: SEARCH, name: "search", scope: READ, idempotent: true },
    Known { method: "GET", path: TYPES, name: "association_types", scope: READ, idempotent: true },
    Known { method: "POST", path: BATCH_ASSOCIATE, name: "batch_associate", scope: WRITE, idempotent: true },
    Known { method: "POST", path: BATCH_DISSOCIATE, name: "batch_dissociate", scope: WRITE, idempotent: true },
    Known { method: "POST", path: BATCH_READ_ASSOCIATIONS, name: "batch_read_associations", scope: READ, idempotent: true },
];

impl Known {
    /// Finds the operation, whatever the path calls its parameters.
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.method == method && same_path(known.path, path))
    }
}

fn same_path(a: &str, b: &str) -> bool {
    let literals = |path| segments(path).map(|segment| parameter(segment).is_none().then_some(segment));
    literals(a).eq(literals(b))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Gives the paths of the known operations and their parameters the names they have here: the parameters of a path are
/// arguments of the public API.
pub fn name_paths(file: &str, api: &mut OpenAPI) -> Result<()> {
    for (path, mut item) in std::mem::take(&mut api.paths.paths) {
        let known = KNOWN.iter().map(|known| known.path).find(|known| same_path(known, &path)).unwrap_or(&path);
        let names: Vec<_> = segments(&path).zip(segments(known)).filter(|(theirs, ours)| theirs != ours).collect();
        if let ReferenceOr::Item(item) = &mut item {
            for (_, operation) in walk::operations_of(item) {
                for parameter in walk::parameters(operation).filter(|p| matches!(p, Parameter::Path { .. })) {
                    let name = &mut walk::data(parameter).name;
                    let ours = names.iter().find(|(theirs, _)| self::parameter(theirs) == Some(name.as_str()));
                    if let Some(ours) = ours.and_then(|(_, ours)| self::parameter(ours)) {
                        *name = ours.to_owned();
                    }
                }
            }
        }
        if api.paths.paths.insert(known.to_owned(), item).is_some() {
            return Err(Problem::new(
                file,
                format!("#/paths/{}", path.replace('/', "~1")),
                format!("a second path {known}"),
                "the names of its parameters do not make it another path: put the operations of both under one",
            ));
        }
    }
    Ok(())
}

/// The operation's name: the known one, or one derived from method and path, such as
/// `get_partner_clients_by_partner_client_id_notes`.
pub fn name(method: &str, path: &str) -> String {
    if let Some(known) = Known::find(method, path) {
        return known.name.to_owned();
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
    match KNOWN.iter().find(|known| !present.iter().any(|p| p == known.name)) {
        None => Ok(()),
        Some(Known { method, path, name, .. }) => Err(Problem::new(
            directory.display().to_string(),
            format!("#/paths, {method} {path}"),
            format!("the operation `{name}`, which the facade needs, is in none of the documents"),
            "add it back, or take it out of the facade and of KNOWN in codegen/operations.rs",
        )),
    }
}
