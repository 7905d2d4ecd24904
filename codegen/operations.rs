//! The operations that the facade is built on, and the names of all.
//!
//! Names come from method and path, never from the file: HubSpot's own documents carry ids such as
//! `get-/crm/v3/objects/partner_clients`, and a name is a promise of the public API.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{OpenAPI, Operation, Parameter, ReferenceOr};

use super::{
    Problem, Result, names,
    segments::{VERSION, by_age, is_version, parameter, segments, version_in},
    walk::{self, slots},
};

pub const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/// An operation that the facade is built on.
pub struct Known {
    pub method: &'static str,
    pub path: &'static str,
    pub name: &'static str,
    /// The operation id of the published document, which clashes with no method that generated clients have of their own.
    pub published: &'static str,
    /// The OAuth scope it takes, as HubSpot's pages on it say; [`BY_TYPE`] where that depends on the type of the objects.
    pub scope: &'static str,
    /// A read by POST may be repeated although its method does not say so, and so may an association that exists already
    /// or is gone already. An update is not listed: a repetition could undo what was written in between.
    pub idempotent: bool,
    pub family: Family,
    /// The operation of the other family that does this, or most of it.
    pub counterpart: Option<&'static str>,
}

/// The versions of HubSpot's API that have an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// v3 alone.
    V3,
    /// The dated versions alone; the version stands in the path.
    Dated,
    /// All, with the same schemas. The path is that of v3.
    Every,
}

use Family::{Dated, Every, V3};

/// How the paths begin that every version has: in v3, and before the version in dated ones. `src/spec.rs` has them too.
pub const PREFIXES: [(&str, &str); 2] =
    [("/crm/v3/objects/", "/crm/objects/"), ("/account-info/v3/", "/account-info/")];

pub const READ: &str = "crm.objects.partner-clients.read";
pub const WRITE: &str = "crm.objects.partner-clients.write";
const ACCESS: &str = "oauth";
/// Each type of object has a scope of its own: those that are documented stand.
pub const BY_TYPE: &str = "";

const OBJECTS: &str = "/crm/v3/objects/partner_clients";
const OBJECT: &str = "/crm/v3/objects/partner_clients/{partnerClientId}";
const ASSOCIATION: &str =
    "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";
const ASSOCIATIONS: &str = "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}";
const BATCH_READ: &str = "/crm/v3/objects/partner_clients/batch/read";
const BATCH_UPDATE: &str = "/crm/v3/objects/partner_clients/batch/update";
const SEARCH: &str = "/crm/v3/objects/partner_clients/search";
const ANY_BATCH_READ: &str = "/crm/v3/objects/{objectType}/batch/read";
const ANY_SEARCH: &str = "/crm/v3/objects/{objectType}/search";
const TYPES: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/types";
const BATCH_ASSOCIATE: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/create";
const BATCH_DISSOCIATE: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/archive";
const BATCH_READ_ASSOCIATIONS: &str = "/crm/v3/associations/{fromObjectType}/{toObjectType}/batch/read";

const ACCOUNT: &str = "/account-info/v3/details";
const TOKEN: &str = "/oauth/v2/private-apps/get/access-token-info";

const DATED_PAIR: &str =
    "/crm/objects/{apiVersion}/{fromObjectType}/{fromObjectId}/associations/{toObjectType}/{toObjectId}";
const DATED_DEFAULT: &str =
    "/crm/objects/{apiVersion}/{fromObjectType}/{fromObjectId}/associations/default/{toObjectType}/{toObjectId}";
const DATED_ASSOCIATIONS: &str =
    "/crm/objects/{apiVersion}/partner_clients/{partnerClientId}/associations/{toObjectType}";
const LABELS: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/labels";
const BATCH_SET: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/batch/create";
const BATCH_DEFAULT: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/batch/associate/default";
const BATCH_LABELS: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/batch/labels/archive";
const BATCH_ALL: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/batch/archive";
const BATCH_READ_LABELS: &str = "/crm/associations/{apiVersion}/{fromObjectType}/{toObjectType}/batch/read";

macro_rules! known {
    ($($method:literal $path:ident $name:literal $published:literal $scope:ident $idempotent:literal $family:ident
       $counterpart:expr;)+) => {
        &[$(Known {
            method: $method, path: $path, name: $name, published: $published, scope: $scope, idempotent: $idempotent,
            family: $family, counterpart: $counterpart,
        }),+]
    };
}

#[rustfmt::skip]
pub const KNOWN: &[Known] = known! [
    "PUT" ASSOCIATION "associate" "associatePartnerClient" WRITE true V3 Some("set_labels");
    "DELETE" ASSOCIATION "dissociate" "dissociatePartnerClient" WRITE true V3 Some("batch_dissociate_labels");
    "GET" ASSOCIATIONS "list_associations" "listPartnerClientAssociations" READ true V3 Some("list_associations_with_labels");
    "GET" OBJECTS "list" "listPartnerClients" READ true Every None;
    "GET" OBJECT "get" "getPartnerClient" READ true Every None;
    "PATCH" OBJECT "update" "updatePartnerClient" WRITE false Every None;
    "POST" BATCH_READ "batch_read" "batchReadPartnerClients" READ true Every None;
    "POST" BATCH_UPDATE "batch_update" "batchUpdatePartnerClients" WRITE false Every None;
    "POST" SEARCH "search" "searchPartnerClients" READ true Every None;
    "POST" ANY_BATCH_READ "batch_read_objects" "batchReadObjects" BY_TYPE true Every None;
    "POST" ANY_SEARCH "search_objects" "searchObjects" BY_TYPE true Every None;
    "GET" TYPES "association_types" "listAssociationTypes" READ true V3 Some("association_labels");
    "POST" BATCH_ASSOCIATE "batch_associate" "batchCreateAssociations" WRITE true V3 Some("batch_set_labels");
    "POST" BATCH_DISSOCIATE "batch_dissociate" "batchRemoveAssociations" WRITE true V3 Some("batch_dissociate_labels");
    "POST" BATCH_READ_ASSOCIATIONS "batch_read_associations" "batchReadAssociations" READ true V3 Some("batch_read_associations_with_labels");
    "GET" ACCOUNT "account_details" "getAccountDetails" ACCESS true Every None;
    "POST" TOKEN "token_info" "getTokenInfo" ACCESS true Every None;
    "PUT" DATED_PAIR "set_labels" "setAssociationLabels" WRITE true Dated Some("associate");
    "DELETE" DATED_PAIR "dissociate_all" "removeAllAssociations" WRITE true Dated Some("dissociate");
    "PUT" DATED_DEFAULT "associate_default" "createDefaultAssociation" WRITE true Dated Some("associate");
    "GET" DATED_ASSOCIATIONS "list_associations_with_labels" "listPartnerClientAssociationsWithLabels" READ true Dated Some("list_associations");
    "GET" LABELS "association_labels" "listAssociationLabels" READ true Dated Some("association_types");
    "POST" BATCH_SET "batch_set_labels" "batchSetAssociationLabels" WRITE true Dated Some("batch_associate");
    "POST" BATCH_DEFAULT "batch_associate_default" "batchCreateDefaultAssociations" WRITE true Dated Some("batch_associate");
    "POST" BATCH_LABELS "batch_dissociate_labels" "batchRemoveAssociationLabels" WRITE true Dated Some("batch_dissociate");
    "POST" BATCH_ALL "batch_dissociate_all" "batchRemoveAllAssociations" WRITE true Dated Some("batch_dissociate");
    "POST" BATCH_READ_LABELS "batch_read_associations_with_labels" "batchReadAssociationsWithLabels" READ true Dated Some("batch_read_associations");
];

impl Known {
    /// Finds the operation, whatever the path calls its parameters unless it swaps them, and whichever version it names.
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.method == method && known.path_is(path))
    }

    /// As [`find`](Self::find), also for an operation that CRM objects of another type have, under the name of theirs: they have
    /// the same operations as partner clients.
    pub fn like(method: &str, path: &str) -> Option<&'static Self> {
        Self::find(method, path).or_else(|| {
            let of_type = match path.strip_prefix(PREFIXES[0].0) {
                Some(of_type) => of_type,
                None => path.strip_prefix(PREFIXES[0].1)?.split_once('/').filter(|(version, _)| is_version(version))?.1,
            };
            let rest = of_type.split_once('/').map_or(String::new(), |(_, rest)| format!("/{rest}"));
            Self::find(method, &format!("{OBJECTS}{rest}"))
        })
    }

    /// Whether its path is one of partner clients.
    pub fn is_on_partner_clients(&self) -> bool {
        segments(self.path).any(|segment| segment == "partner_clients")
    }

    /// Whether each document of partner clients has to describe it, as every version has it under their path.
    pub fn is_in_each_document(&self) -> bool {
        self.family == Every && self.is_on_partner_clients()
    }

    /// The segment of its path in a dated version that names the version, or stands for it.
    fn version_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let ours = match self.family {
            V3 => return None,
            Dated => self.path.to_owned(),
            Every => dated(self.path),
        };
        let at = segments(&ours).position(|segment| segment == VERSION)?;
        segments(path).nth(at).filter(|_| same_path(&ours, path))
    }

    fn path_is(&self, path: &str) -> bool {
        same_path(self.path, path) || self.family == Every && same_path(&dated(self.path), path)
    }
}

/// The path under dated versions of an operation that every version has; or a text with such paths in it.
pub fn dated(path: &str) -> String {
    PREFIXES.iter().fold(path.to_owned(), |path, (v3, dated)| path.replace(v3, &format!("{dated}{VERSION}/")))
}

fn same_path(known: &str, path: &str) -> bool {
    let version = version_in(path);
    let literals = |path| {
        segments(path).map(move |segment| (parameter(segment).is_none() && Some(segment) != version).then_some(segment))
    };
    literals(known).eq(literals(path)) && !is_swapped(known, path)
}

/// Whether a parameter has the name of one that is elsewhere in the other path. Any other name is but another name.
pub fn is_swapped(known: &str, path: &str) -> bool {
    let names = |path| segments(path).rev().filter_map(parameter).collect::<Vec<_>>();
    let (ours, theirs) = (names(known), names(path));
    ours.iter().zip(&theirs).any(|(ours_here, theirs_here)| ours_here != theirs_here && ours.contains(theirs_here))
}

/// The dated version that a path names, or [`VERSION`] for a parameter in its place, whatever that is called.
pub fn version_of(path: &str) -> Option<&str> {
    let is_any = || path.contains(VERSION) || KNOWN.iter().any(|known| known.version_of(path).is_some());
    version_in(path).or_else(|| is_any().then_some(VERSION))
}

/// An operation that its document has in a second place as well.
pub struct Repeated {
    pub method: &'static str,
    pub path: String,
    /// None if the facade is not built on it.
    pub known: Option<&'static Known>,
    pub operation: Operation,
    /// Whether the other place names another version.
    pub is_of_another_version: bool,
}

/// Gives the paths of the known operations and their parameters the names they have here: the parameters of a path are
/// arguments of the public API.
///
/// The version of a dated path is no argument: the client knows it. An operation that every version has gets its path of v3, and
/// of several versions that have it the newest describes it, after v3. What else a dated path has stays where it is: it may not be
/// there in other versions. What is left out is returned.
pub fn name_paths(api: &mut OpenAPI) -> Vec<Repeated> {
    let paths = std::mem::take(&mut api.paths.paths).into_iter();
    let mut paths: Vec<_> = paths.map(|(path, item)| (version_of(&path).map(str::to_owned), path, item)).collect();
    paths.sort_by(|(a, ..), (b, ..)| by_age(a.as_deref(), b.as_deref()));
    let (mut taken, mut repeated) = (BTreeMap::new(), Vec::new());
    let mut called = Templates::default();
    for (version, path, item) in paths {
        let ReferenceOr::Item(item) = item else { continue };
        let beside = KNOWN.iter().find(|known| known.path_is(&path)).map(|known| match &version {
            None => known.path.to_owned(),
            Some(_) => called_as(&path, known.path),
        });
        let beside = beside.or_else(|| called.alike(&path).map(str::to_owned));
        for (method, operation) in slots(item) {
            let Some(mut operation) = operation else { continue };
            let known = Known::find(method, &path);
            if let Some(version) = known.and_then(|known| parameter(known.version_of(&path)?)) {
                operation.parameters.retain(|parameter| !is_in_path(parameter, version));
            }
            let mut to = known.map(|known| known.path).or(beside.as_deref()).unwrap_or(&path);
            let first = taken.get(&(method, to.to_owned()));
            let is_repeated = first.is_some() && (known.is_some() || to == path);
            if first.is_some() && !is_repeated {
                // Of two paths that differ in the names of parameters only, the second keeps its own.
                to = &path;
            }
            call_parameters_as(&mut operation, &path, to);
            match first.filter(|_| is_repeated) {
                Some(first) => {
                    let is_of_another_version = *first != version;
                    repeated.push(Repeated { method, path: path.clone(), known, operation, is_of_another_version });
                }
                None => {
                    called.add(to);
                    taken.insert((method, to.to_owned()), version.clone());
                    walk::insert(api, method, to, operation);
                }
            }
        }
    }
    repeated
}

/// Gives the parameters of an operation the names that they have in another path. The segments that stand before the ids may differ
/// in number.
fn call_parameters_as(operation: &mut Operation, path: &str, to: &str) {
    let names: Vec<_> = segments(path).rev().zip(segments(to).rev()).collect();
    for data in walk::parameters(operation).filter(|p| matches!(p, Parameter::Path { .. })).map(walk::data) {
        let ours = names.iter().find(|(theirs, _)| parameter(theirs) == Some(data.name.as_str()));
        if let Some(ours) = ours.and_then(|(_, ours)| parameter(ours)) {
            ours.clone_into(&mut data.name);
        }
    }
}

/// As [`call_parameters_as`], of the path itself.
fn called_as(path: &str, to: &str) -> String {
    let names: Vec<_> = segments(path).rev().zip(segments(to).rev()).collect();
    let ours = |segment: &str| {
        let ours = names.iter().find(|(theirs, _)| *theirs == segment).map(|(_, ours)| *ours);
        ours.filter(|ours| parameter(segment).is_some() && parameter(ours).is_some()).unwrap_or(segment).to_owned()
    };
    path.split('/').map(ours).collect::<Vec<_>>().join("/")
}

/// Paths by what they are without the names of their parameters.
#[derive(Default)]
struct Templates(BTreeMap<String, Vec<String>>);

impl Templates {
    fn of(path: &str) -> String {
        let segments = path.split('/').map(|segment| parameter(segment).map_or(segment, |_| "{}"));
        segments.collect::<Vec<_>>().join("/")
    }

    fn add(&mut self, path: &str) {
        self.0.entry(Self::of(path)).or_default().push(path.to_owned());
    }

    /// The path that this is under other names.
    fn alike(&self, path: &str) -> Option<&str> {
        let alike = self.0.get(&Self::of(path))?;
        alike.iter().find(|other| *other == path || !is_swapped(other, path)).map(String::as_str)
    }
}

/// Gives paths and their parameters the names that they have in another description: OpenAPI has no two paths that differ in these
/// alone.
pub fn call_paths_as_in(api: &mut OpenAPI, other: &OpenAPI) {
    let mut called = Templates::default();
    other.paths.paths.keys().for_each(|path| called.add(path));
    let is_called_otherwise = |path: &str| !other.paths.paths.contains_key(path) && called.alike(path).is_some();
    let paths = std::mem::take(&mut api.paths.paths).into_iter();
    let (others, same): (Vec<_>, Vec<_>) = paths.partition(|(path, _)| is_called_otherwise(path));
    api.paths.paths.extend(same);
    for (path, item) in others {
        let ReferenceOr::Item(item) = item else { continue };
        for (method, operation) in slots(item) {
            let Some(mut operation) = operation else { continue };
            let is_free = |to: &&str| walk::operations(api).all(|(of, at, _)| (of, at) != (method, *to));
            let to = called.alike(&path).filter(is_free).unwrap_or(&path);
            call_parameters_as(&mut operation, &path, to);
            walk::insert(api, method, to, operation);
        }
    }
}

fn is_in_path(parameter: &ReferenceOr<Parameter>, name: &str) -> bool {
    matches!(parameter, ReferenceOr::Item(Parameter::Path { parameter_data, .. }) if parameter_data.name == name)
}

/// Names that several operations would have, or that a known one has, become longer, those of all of them.
pub fn tell_names_apart(api: &mut OpenAPI) {
    let mut names: Vec<(Vec<String>, usize)> = walk::operations(api)
        .map(|(method, path, _)| match Known::find(method, path) {
            Some(known) => (vec![known.name.to_owned()], 0),
            None => (names::of(method, path), 0),
        })
        .collect();
    let mut shared = true;
    while shared {
        let mut users = BTreeMap::<String, usize>::new();
        for (names, at) in &names {
            *users.entry(names::key(&names[*at])).or_default() += 1;
        }
        shared = false;
        for (names, at) in names.iter_mut().filter(|(names, at)| at + 1 < names.len()) {
            if users.get(&names::key(&names[*at])).is_some_and(|users| *users > 1) {
                (*at, shared) = (*at + 1, true);
            }
        }
    }
    let mut taken: BTreeSet<String> = KNOWN.iter().map(|known| names::key(known.name)).collect();
    for ((method, path, operation), (mut names, at)) in walk::operations(api).zip(names) {
        let mut name = names.swap_remove(at);
        if Known::find(method, path).is_none() {
            while !taken.insert(names::key(&name)) {
                name.push_str("_2");
            }
        }
        operation.operation_id = Some(name);
    }
}

/// The operation's name: the known one, or the shortest that its method and path make, such as `get_companies_by_id`.
pub fn name(method: &str, path: &str) -> String {
    match Known::find(method, path) {
        Some(known) => known.name.to_owned(),
        None => names::of(method, path).swap_remove(0),
    }
}

/// Every operation that the facade is built on must be there.
pub fn check_complete(of: &str, api: &mut OpenAPI) -> Result<()> {
    let present: Vec<_> = walk::operations(api).filter_map(|(_, _, o)| o.operation_id.clone()).collect();
    match KNOWN.iter().find(|known| !present.iter().any(|p| p == known.name)) {
        None => Ok(()),
        Some(Known { method, path, name, .. }) => Err(Problem::new(
            of,
            format!("#/paths, {method} {path}"),
            format!("the operation `{name}`, which the facade needs, is in none of the documents"),
            "add it back, or take it out of the facade and of KNOWN in codegen/operations.rs",
        )),
    }
}
