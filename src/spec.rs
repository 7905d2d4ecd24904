//! The API description for code generators. It needs no HTTP stack: depend on this crate with `default-features =
//! false`.

use std::borrow::Cow;

use crate::api_version::{self, ApiVersion};

/// The OpenAPI 3.0 document of v3 that this crate was built from: the files of `openapi/`, merged and corrected, as
/// JSON. [`openapi_json`] returns the document of any version.
///
/// It describes what HubSpot sends, which is more than HubSpot documents: property values may be `null`, enumerations
/// grow, errors may lack any field, and with CRM objects lists in the query are sent as one comma-separated value. It has no `oneOf`.
/// Paths, statuses and schemas are in a fixed order.
///
/// It is written so that generators read it alike:
///
/// - Operation ids are [`Operation::openapi_id`], such as `getPartnerClient`.
/// - What HubSpot answers has `additionalProperties: true`, because HubSpot adds fields without notice.
/// - A batch has one schema, whether it succeeds in full or in part (207): `numErrors` and `errors` are there if inputs
///   failed.
/// - There is one security scheme, a bearer token. The scopes that an operation needs are under `x-required-scopes`:
///   alternatives, each a list of scopes that are needed together. What a scope allows is under `x-scopes` of the scheme.
///
/// The README lists what was generated with it. progenitor 0.15 takes one success, so keep one as `2XX`.
/// datamodel-code-generator needs `--strict-nullable` for property values that are `null`.
pub const OPENAPI_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The SHA-256 of [`OPENAPI_JSON`] in hexadecimal. A generator can skip its work if it is unchanged.
pub const OPENAPI_SHA256: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.sha256"));

const DATED_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi-dated.json"));
const DATED_SHA256: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi-dated.sha256"));
/// What stands for the version in a path and in the document of the dated versions.
const VERSION: &str = "{apiVersion}";

/// The dated versions that have operations of their own, each with its document and the hash of that.
static VERSIONS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/versions.rs"));

fn of_its_own(version: ApiVersion) -> Option<(&'static str, &'static str)> {
    let version = version.to_string();
    VERSIONS.iter().find(|(of, ..)| *of == version).map(|(_, json, sha256)| (*json, *sha256))
}

/// Returns the OpenAPI 3.0 document of a version, with that version in its paths. For v3 it is [`OPENAPI_JSON`], whose
/// description applies to all versions. Operations of another description that was built in are in the document of the version
/// that their paths name.
///
/// ```
/// use hubspot_partner_clients::{ApiVersion, spec};
///
/// let text = spec::openapi_json(ApiVersion::V2026_09);
/// assert!(text.contains("/crm/objects/2026-09/"));
/// ```
pub fn openapi_json(version: ApiVersion) -> Cow<'static, str> {
    match of_its_own(version) {
        Some((json, _)) => json.into(),
        None if version.is_dated() => DATED_JSON.replace(VERSION, &version.to_string()).into(),
        None => OPENAPI_JSON.into(),
    }
}

/// Returns a hash of a version's document in hexadecimal. A generator can skip its work if it is unchanged. For v3 it
/// is [`OPENAPI_SHA256`]. The documents of dated versions differ only in the version, so they share a hash, except for versions
/// that have operations of another description.
pub fn openapi_sha256(version: ApiVersion) -> &'static str {
    match of_its_own(version) {
        Some((_, sha256)) => sha256,
        None if version.is_dated() => DATED_SHA256,
        None => OPENAPI_SHA256,
    }
}

/// Facts about an operation, for its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation id, such as `associate`: the name of the generated method in Rust, in spans and in errors.
    pub id: &'static str,
    /// The operation id in the document, such as `associatePartnerClient`. Generators make method names of it, and a short
    /// one such as `get` or `list` would clash with methods that their clients have anyway.
    pub openapi_id: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path template, with each parameter in braces: that of v3, or one with `{apiVersion}` for an operation that
    /// v3 does not have. [`path_in`](Self::path_in) returns the template of a version.
    pub path: &'static str,
    /// The first of its tags, under which documentation lists it.
    pub tag: Option<&'static str>,
    /// The parameters in the path, in their order there, without the version.
    pub path_parameters: &'static [Parameter],
    /// The parameters of the query. With CRM objects, a list is sent as one comma-separated value.
    pub query_parameters: &'static [Parameter],
    /// The schema of the request body, a name in `#/components/schemas`; `None` if there is no body.
    pub request_schema: Option<&'static str>,
    /// The documented successes. HubSpot may send others: any 2xx is a success.
    pub successes: &'static [Success],
    /// The OAuth scopes that the operation needs: alternatives, of which a token needs one. Each is a list of scopes that are
    /// needed together.
    pub scopes: &'static [&'static [&'static str]],
    /// Whether repeating the request changes nothing more, so that a failed one may be repeated.
    pub idempotent: bool,
    /// The rate limit that a request counts against.
    pub rate_bucket: RateBucket,
    /// The versions that have the operation.
    pub versions: Versions,
    /// The id of the operation to call instead in versions that do not have this one, if there is one.
    pub counterpart: Option<&'static str>,
}

impl Operation {
    /// Returns the path template in a version, or `None` if the version does not have the operation.
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
            (Versions::V3 | Versions::Every, false) => Some(self.path.into()),
            (Versions::AsWritten, is_dated) => {
                let date = self.path.split('/').find(|segment| api_version::is_date(segment));
                let is_there = date.map_or(!is_dated, |date| date == version.to_string());
                is_there.then(|| self.path.into())
            }
            (Versions::Every, true) => Some(in_dated(self.path, version).into()),
            (Versions::Dated, true) => Some(self.path.replace(VERSION, &version.to_string()).into()),
            (Versions::V3, true) | (Versions::Dated, false) => None,
        }
    }
}

#[cfg(feature = "client")]
impl Operation {
    /// Whether the response has a status of its own and says something of each input: that errors are all it holds does not make
    /// it one.
    pub(crate) fn is_batch(&self) -> bool {
        // Every call asks, and this is faster than to split the path.
        self.path.contains("/batch/")
            || self.path.ends_with("/batch")
            || self.successes.iter().any(|success| success.status == 207)
            || self.id == "associate_default"
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
    /// v3 only.
    V3,
    /// Dated versions only.
    Dated,
    /// v3 and the dated versions, with the same parameters and schemas.
    Every,
    /// An operation of another description that was built in, which the facade does not use. Its path is used as it is,
    /// whatever version the client speaks. It is published with v3, or with the dated version that its path names. If the
    /// date there is no version that a client can speak, such as `2025-09`, no document has it.
    AsWritten,
}

/// Parameter of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// The name in the path or the query.
    pub name: &'static str,
    /// Whether the request needs it.
    pub required: bool,
    /// Its OpenAPI type: `string`, `integer`, `number`, `boolean` or `array`.
    pub schema_type: &'static str,
}

/// Success response of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Success {
    /// The HTTP status. 207 is the status of a batch of which a part failed.
    pub status: u16,
    /// The schema of the response body, a name in `#/components/schemas`; `None` if there is no body.
    pub schema: Option<&'static str>,
}

/// A rate limit that HubSpot counts on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateBucket {
    /// The account's general rate limit, counted over a rolling window of ten seconds and by the day.
    General,
    /// The rate limit of searches: five requests a second for an account.
    Search,
}

static OPERATIONS: &[Operation] = include!(concat!(env!("OUT_DIR"), "/operations.rs"));

/// Returns every operation of the description in the order of its documents; those that only dated versions have come
/// last. [`Operation::path_in`] says which of them a version has.
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
        openapi_id: "unknown",
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

/// Returns [`openapi_json`] as a parsed document.
///
/// # Errors
/// Never fails in practice: the document was serialized from the same type.
#[cfg(feature = "openapiv3")]
pub fn openapi(version: ApiVersion) -> serde_json::Result<openapiv3::OpenAPI> {
    serde_json::from_str(&openapi_json(version))
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    #[test]
    fn an_operation_whose_path_names_a_version_is_one_of_that_version() {
        let of = |path| Operation { path, ..*operation("unknown") };
        let has = |path, version: &str| of(path).path_in(version.parse().unwrap()).is_some();
        for (path, versions) in [
            ("/crm/objects/2026-09/companies/{companyId}", ["2026-09"].as_slice()),
            ("/crm/objects/2026-09-beta/companies", &["2026-09-beta"]),
            ("/crm/v3/objects/companies", &["v3"]),
            // No versions, and v3 does not have what is of a date.
            ("/crm/objects/2025-09/companies", &[]),
            ("/crm/objects/2026-13/companies", &[]),
        ] {
            for version in ["v3", "2026-03", "2026-09", "2026-09-beta"] {
                assert_eq!(has(path, version), versions.contains(&version), "{path} in {version}");
            }
        }
    }

    #[test]
    fn a_batch_is_known_by_its_path_and_its_answers_whatever_api_it_is_of() {
        let of = |path, status| Operation {
            path,
            successes: Box::leak(Box::new([Success { status, schema: None }])),
            ..*operation("unknown")
        };
        for (path, status, is_batch) in [
            ("/crm/v3/objects/deals/batch/upsert", 200, true),
            ("/crm/objects/2026-09/deals/batch/create", 201, true),
            ("/crm/v3/lists/records/memberships", 207, true),
            ("/crm/v3/objects/deals/batches", 200, false),
            ("/crm/v3/objects/deals", 201, false),
        ] {
            assert_eq!(of(path, status).is_batch(), is_batch, "{path} {status}");
        }
        for operation in operations() {
            let of_inputs = operation.id.starts_with("batch_") || operation.id == "associate_default";
            let is_known = operation.versions != Versions::AsWritten;
            assert!(!is_known || operation.is_batch() == of_inputs, "{}", operation.id);
        }
    }
}
