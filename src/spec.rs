//! The API description for code generators: no HTTP stack needed, so depend on this crate with
//! `default-features = false`.

use std::borrow::Cow;

use crate::api_version::ApiVersion;

/// The OpenAPI 3.0 document of v3 that this crate was built from: the files of `openapi/` merged and corrected, as JSON.
/// [`openapi_json`] gives that of any version.
///
/// It says what HubSpot sends, not only what HubSpot documents: property values may be `null`, enumerations grow,
/// errors may lack any field, lists in the query travel as one comma-separated value. There is no `oneOf` in it. Operation
/// ids are those of [`operations`]; paths, statuses and schemas stand in a fixed order.
///
/// What is known of generators: progenitor 0.15 takes one type of success and one of failure, so keep the last success (that
/// of 207 has the fields of both) as `2XX`; datamodel-code-generator needs `--strict-nullable` for property values that
/// are `null`.
pub const OPENAPI_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The SHA-256 of [`OPENAPI_JSON`] in hexadecimal: a generator that finds the one it knows has nothing to do.
pub const OPENAPI_SHA256: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.sha256"));

const DATED_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi-dated.json"));
const DATED_SHA256: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi-dated.sha256"));
/// What stands for the version in a path and in the document of the dated versions.
const VERSION: &str = "{apiVersion}";

/// The OpenAPI 3.0 document of a version, with that version in its paths. For v3 it is [`OPENAPI_JSON`], which says what
/// holds of all.
///
/// ```
/// use hubspot_partner_clients::{ApiVersion, spec};
///
/// let text = spec::openapi_json(ApiVersion::V2026_09);
/// assert!(text.contains("/crm/objects/2026-09/"));
/// ```
pub fn openapi_json(version: ApiVersion) -> Cow<'static, str> {
    if version.is_dated() { DATED_JSON.replace(VERSION, &version.to_string()).into() } else { OPENAPI_JSON.into() }
}

/// What tells a generator that the document of a version is the one it knows, in hexadecimal. For v3 it is
/// [`OPENAPI_SHA256`]; the documents of dated versions differ in nothing but their version, so they share one.
pub fn openapi_sha256(version: ApiVersion) -> &'static str {
    if version.is_dated() { DATED_SHA256 } else { OPENAPI_SHA256 }
}

/// What a caller has to know of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation id, a Rust name such as `associate`.
    pub id: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path template, with each parameter in braces: that of v3, or with `{apiVersion}` for the version where v3 does
    /// not have the operation. [`path_in`](Self::path_in) gives that of a version.
    pub path: &'static str,
    /// The first of its tags, a heading under which documentation lists it.
    pub tag: Option<&'static str>,
    /// The parameters in braces in the path, in their order there, but for the version.
    pub path_parameters: &'static [Parameter],
    /// The parameters of the query. A list travels as one comma-separated value.
    pub query_parameters: &'static [Parameter],
    /// The schema of the request's body, a name in `#/components/schemas`; `None` where nothing is sent.
    pub request_schema: Option<&'static str>,
    /// The documented successes. Others may come: any 2xx is one.
    pub successes: &'static [Success],
    /// The OAuth scopes that the operation asks for.
    pub scopes: &'static [&'static str],
    /// Whether a second identical request leaves everything as the first one did, so that a failed one may be repeated.
    pub idempotent: bool,
    /// The allowance that a request counts against.
    pub rate_bucket: RateBucket,
    /// The versions that have the operation.
    pub versions: Versions,
    /// The id of the operation that takes its place in the versions that do not have it, where there is one.
    pub counterpart: Option<&'static str>,
}

impl Operation {
    /// The path template under a version; `None` where that does not have the operation.
    ///
    /// ```
    /// use hubspot_partner_clients::{ApiVersion, spec};
    ///
    /// let list = spec::operations()
    ///     .iter()
    ///     .find(|operation| operation.id == "list")
    ///     .expect("it is described");
    /// assert_eq!(
    ///     list.path_in(ApiVersion::V3).as_deref(),
    ///     Some("/crm/v3/objects/partner_clients")
    /// );
    /// assert_eq!(
    ///     list.path_in(ApiVersion::V2026_09).as_deref(),
    ///     Some("/crm/objects/2026-09/partner_clients")
    /// );
    /// ```
    pub fn path_in(&self, version: ApiVersion) -> Option<Cow<'static, str>> {
        match (self.versions, version.is_dated()) {
            (Versions::V3 | Versions::Every, false) | (Versions::AsWritten, _) => Some(self.path.into()),
            (Versions::Every, true) => Some(in_dated(self.path, version).into()),
            (Versions::Dated, true) => Some(self.path.replace(VERSION, &version.to_string()).into()),
            (Versions::V3, true) | (Versions::Dated, false) => None,
        }
    }
}

/// How the paths begin that every version has: in v3, and before the version in dated ones.
const PREFIXES: [(&str, &str); 2] = [("/crm/v3/objects/", "/crm/objects/"), ("/account-info/v3/", "/account-info/")];

/// The path of v3 as a dated version has it.
pub(crate) fn in_dated(path: &str, version: ApiVersion) -> String {
    let found = PREFIXES.iter().find_map(|(v3, dated)| Some((dated, path.strip_prefix(v3)?)));
    found.map_or_else(|| path.to_owned(), |(dated, rest)| format!("{dated}{version}/{rest}"))
}

/// The versions that have an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Versions {
    /// v3 alone.
    V3,
    /// The dated versions.
    Dated,
    /// v3 and the dated versions, with the same parameters and schemas.
    Every,
    /// An operation that the facade does not use, of a description that was built in: it is called by its path as it is.
    AsWritten,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// The name in the path or the query.
    pub name: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its type in OpenAPI's words: `string`, `integer`, `number`, `boolean`, `array`.
    pub schema_type: &'static str,
}

/// A success of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Success {
    /// The HTTP status. 207 is that of a batch of which a part failed.
    pub status: u16,
    /// The schema of the response's body, a name in `#/components/schemas`; `None` where it has none.
    pub schema: Option<&'static str>,
}

/// An allowance of requests that HubSpot counts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateBucket {
    /// The account's general allowance, counted over a rolling window of ten seconds and by the day.
    General,
    /// The search allowance: five requests a second for an account.
    Search,
}

static OPERATIONS: &[Operation] = include!(concat!(env!("OUT_DIR"), "/operations.rs"));

/// Every operation of the description, in its order: those of every version, the ones that v3 alone has, the ones that dated
/// versions have. [`Operation::path_in`] tells which of them a version has.
///
/// ```
/// use hubspot_partner_clients::spec::operations;
///
/// let associate = operations()
///     .iter()
///     .find(|operation| operation.id == "associate")
///     .expect("every description has it");
/// assert_eq!(associate.method, "PUT");
/// assert!(associate.idempotent);
/// ```
pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// The operation of an id that the generated client gives.
#[cfg(feature = "client")]
pub(crate) fn operation(id: &str) -> &'static Operation {
    /// Every generated operation is in the table; one that were not would be treated with care.
    const UNKNOWN: Operation = Operation {
        id: "unknown",
        method: "",
        path: "",
        tag: None,
        path_parameters: &[],
        query_parameters: &[],
        request_schema: None,
        successes: &[],
        scopes: &[],
        idempotent: false,
        rate_bucket: RateBucket::General,
        versions: Versions::AsWritten,
        counterpart: None,
    };
    operations().iter().find(|operation| operation.id == id).unwrap_or(&UNKNOWN)
}

/// [`openapi_json`] as a parsed document.
///
/// # Errors
/// None that this crate's own tests have not seen: the document was written by the same type.
#[cfg(feature = "openapiv3")]
pub fn openapi(version: ApiVersion) -> serde_json::Result<openapiv3::OpenAPI> {
    serde_json::from_str(&openapi_json(version))
}
