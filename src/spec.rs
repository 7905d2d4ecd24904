//! The API description for code generators: no HTTP stack needed, so depend on this crate with
//! `default-features = false`.

/// The OpenAPI 3.0 document this crate was built from: the files of `openapi/` merged and corrected, as JSON.
///
/// It says what HubSpot sends, not only what HubSpot documents: property values may be `null`, enumerations grow,
/// errors may lack any field, lists in the query travel as one comma-separated value. Operation ids are those of
/// [`operations`].
pub const OPENAPI_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

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
    /// The OAuth scopes that the operation asks for.
    pub scopes: &'static [&'static str],
    /// Whether a second identical request leaves everything as the first one did, so that a failed one may be repeated.
    pub idempotent: bool,
    /// The allowance that a request counts against.
    pub rate_bucket: RateBucket,
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

/// [`OPENAPI_JSON`] as a parsed document.
///
/// # Errors
/// None that this crate's own tests have not seen: the document was written by the same type.
#[cfg(feature = "openapiv3")]
pub fn openapi() -> serde_json::Result<openapiv3::OpenAPI> {
    serde_json::from_str(OPENAPI_JSON)
}
