//! The API description for code generators: no HTTP stack needed, so depend on this crate with
//! `default-features = false`.

/// The OpenAPI 3.0 document this crate was built from: the files of `openapi/` merged and corrected, as JSON.
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

/// What a caller has to know of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The operation id, a Rust name such as `associate`.
    pub id: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path template, with each parameter in braces.
    pub path: &'static str,
    /// The first of its tags, a heading under which documentation lists it.
    pub tag: Option<&'static str>,
    /// The parameters in braces in the path, in their order there.
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
    /// The schema of the answer's body, a name in `#/components/schemas`; `None` where it has none.
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

/// Every operation of the description, in its order.
///
/// ```
/// let associate = hubspot_partner_clients::spec::operations()
///     .iter()
///     .find(|operation| operation.id == "associate")
///     .expect("the operation this crate exists for");
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
    };
    operations().iter().find(|operation| operation.id == id).unwrap_or(&UNKNOWN)
}

/// [`OPENAPI_JSON`] as a parsed document.
///
/// # Errors
/// None that this crate's own tests have not seen: the document was written by the same type.
#[cfg(feature = "openapiv3")]
pub fn openapi() -> serde_json::Result<openapiv3::OpenAPI> {
    serde_json::from_str(OPENAPI_JSON)
}
