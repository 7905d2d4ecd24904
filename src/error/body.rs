//! Facts read from an error response.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{excerpt::excerpt, kind::ErrorKind},
    generated::types,
    reading,
};

/// HubSpot's longest category has 30 characters.
const MAX_NAME: usize = 128;

/// The codes of a property without which the account's rules refuse a write, always or beside another's value.
pub(super) const MISSING_PROPERTY: [&str; 2] = ["MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"];

/// The categories of what is HubSpot's own fault.
const OWN_FAULTS: [&str; 6] =
    ["INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "INTERNAL", "SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"];

/// What HubSpot's words point to. This is the one place where they are interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    /// No such object type.
    ObjectType,
    /// No such association type between the two object types.
    AssociationType,
    /// An object at the other end of an association is not there.
    AssociatedObject,
    /// A property that the account's rules require.
    MissingProperty,
    /// The user who connected the account may not edit associations.
    EditAssociations,
    /// Properties, or their values.
    Property,
    /// The refresh token, the code or the account's connection.
    Grant,
    /// The client id or the client secret.
    OAuthApp,
    /// The redirect URI.
    RedirectUri,
    /// No such path.
    Path,
    /// Something has it already.
    Exists,
    /// The second of HubSpot's limits of a search.
    Secondly,
    /// The workers of a job, which HubSpot does not know.
    WorkersEnded,
    /// Not known: the body that would say so cannot be read.
    UnreadBody,
}

/// An error body, field by field: none of them is sure to be there or to be of its type.
#[derive(Clone, Default, PartialEq)]
pub(super) struct ErrorBody {
    pub(super) message: Option<String>,
    pub(super) category: Option<String>,
    pub(super) correlation_id: Option<String>,
    /// Whether it is an error in the form that HubSpot gives its errors.
    pub(super) is_hubspots: bool,
    pub(super) cause: Option<Cause>,
    /// The account's daily limit.
    pub(super) daily: bool,
    pub(super) details: Vec<types::ErrorDetail>,
    pub(super) context: BTreeMap<String, Vec<String>>,
    pub(super) required_scopes: Vec<String>,
}

impl ErrorBody {
    /// Of a response with this status; `None` inside a batch.
    pub(super) fn parse(body: &str, status: Option<u16>) -> Self {
        let Some(Value::Object(json)) = reading::json(body.as_bytes()) else {
            return Self::default();
        };
        let text = |name: &str| reading::scalar(json.get(name)?.clone());
        let words = |name: &str| said(json.get(name)?).filter(|text| !text.trim().is_empty());
        let name = |name: &str| text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let errors = reading::entries(json.get("errors"));
        let mut required_scopes: Vec<String> = errors
            .iter()
            .chain([&Value::Object(json.clone())])
            .flat_map(|error| context(error.get("context")))
            .filter(|(name, _)| name == "requiredGranularScopes" || name == "requiredScopes")
            .flat_map(|(_, scopes)| scopes)
            .collect();
        required_scopes.sort();
        required_scopes.dedup();
        // Beside HubSpot's own, the names that gateways have for it, RFC 9457 among them. A flag or a number is none there.
        let is_said = |name: &&str| json.get(*name).is_some_and(|value| !value.is_boolean() && !value.is_number());
        let others = ["error_description", "detail", "error", "title", "Message"];
        let listed = || {
            let texts = errors.iter().filter_map(|error| error.get("message").or(Some(error))?.as_str());
            Some(texts.collect::<Vec<_>>().join("; ")).filter(|text| !text.trim().is_empty())
        };
        let message = words("message").or_else(|| others.into_iter().filter(is_said).find_map(words)).or_else(listed);
        let category = name("category");
        let context = context(json.get("context"));
        let codes = [text("error"), text("status"), text("policyName"), text("subCategory"), category.clone()];
        let in_errors = errors.iter().filter_map(|error| error.get("code")?.as_str().map(str::to_owned));
        let codes: Vec<String> = codes.into_iter().flatten().chain(in_errors).collect();
        let in_details = errors.iter().flat_map(|error| self::context(error.get("context"))).map(|(name, _)| name);
        let names: Vec<String> = context.keys().cloned().chain(in_details).collect();
        let messages = errors.iter().filter_map(|error| error.get("message")?.as_str());
        let texts: Vec<String> = message.as_deref().into_iter().chain(messages).map(str::to_ascii_lowercase).collect();
        Self {
            is_hubspots: category.is_some() || json.contains_key("correlationId"),
            cause: cause(&codes, &texts, &names, status),
            daily: codes.iter().any(|code| code.eq_ignore_ascii_case("DAILY"))
                || message.as_deref().is_some_and(|message| message.contains("daily limit")),
            message,
            category: category.map(|category| excerpt(&category, MAX_NAME)),
            correlation_id: name("correlationId"),
            details: errors.iter().filter_map(|error| reading::value_as(error.clone(), "ErrorDetail")).collect(),
            context,
            required_scopes,
        }
    }

    /// The kind of a response with this status; `None` inside a batch. In a success that holds an error, the error decides.
    pub(super) fn kind(&self, status: Option<u16>) -> ErrorKind {
        let category = self.category.as_deref();
        let Some(status) = status.filter(|status| !(200..300).contains(status)) else {
            return match category {
                Some("OBJECT_NOT_FOUND") => ErrorKind::NotFound,
                Some("CONFLICT" | "OBJECT_ALREADY_EXISTS") => ErrorKind::Conflict,
                Some("MISSING_SCOPES") => ErrorKind::MissingScope,
                Some("RATE_LIMITS" | "RATE_LIMIT") if self.daily => ErrorKind::DailyLimit,
                Some("RATE_LIMITS" | "RATE_LIMIT") => ErrorKind::RateLimited,
                Some(category) if OWN_FAULTS.contains(&category) => ErrorKind::Server,
                _ => ErrorKind::Refused,
            };
        };
        match status {
            300..=399 => ErrorKind::Redirect,
            401 => ErrorKind::Unauthorized,
            403 if category == Some("MISSING_SCOPES") || !self.required_scopes.is_empty() => ErrorKind::MissingScope,
            403 => ErrorKind::Forbidden,
            404 if self.is_hubspots && self.cause != Some(Cause::Path) => ErrorKind::NotFound,
            404 | 405 => ErrorKind::UnknownPath,
            409 => ErrorKind::Conflict,
            423 | 477 => ErrorKind::Locked,
            429 if self.daily => ErrorKind::DailyLimit,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Refused,
        }
    }
}

fn cause(codes: &[String], texts: &[String], names: &[String], status: Option<u16>) -> Option<Cause> {
    let code = |known: &[&str]| codes.iter().any(|code| known.iter().any(|known| code.eq_ignore_ascii_case(known)));
    let names = |known: &str| names.iter().any(|name| name == known);
    let says = |words: &[&str]| texts.iter().any(|text| words.iter().any(|words| text.contains(words)));
    let tests = [
        (code(&["invalid_grant", "BAD_REFRESH_TOKEN", "BAD_AUTH_CODE", "BAD_HUB"]), Cause::Grant),
        // With another status, firewalls say so.
        (code(&["access_denied"]) && matches!(status, Some(400 | 401)), Cause::Grant),
        (code(&["invalid_client", "unauthorized_client", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET"]), Cause::OAuthApp),
        (code(&["BAD_REDIRECT_URI"]), Cause::RedirectUri),
        (names("INVALID_ASSOCIATION_TYPE_ID") || code(&["INVALID_ASSOCIATION_TYPE_ID"]), Cause::AssociationType),
        (says(&["unable to infer object type", "invalid object or event type"]), Cause::ObjectType),
        (names("INVALID_OBJECT_IDS") || code(&["INVALID_OBJECT_IDS"]), Cause::AssociatedObject),
        (code(&MISSING_PROPERTY), Cause::MissingProperty),
        (says(&["missing 'edit associations' permission"]), Cause::EditAssociations),
        (says(&["property values were not valid"]) || names("propertyName"), Cause::Property),
        (says(&["no route"]), Cause::Path),
        (says(&["association type"]), Cause::AssociationType),
        (code(&["OBJECT_ALREADY_EXISTS"]), Cause::Exists),
        (code(&["SECONDLY"]), Cause::Secondly),
    ];
    tests.into_iter().find_map(|(holds, cause)| holds.then_some(cause))
}

/// A message, which may be a list of them, or an object that has one or is one.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(values) => Some(values.iter().filter_map(said).collect::<Vec<_>>().join("; ")),
        Value::Object(members) => members.get("message").and_then(said).or_else(|| Some(reading::text(value.clone()))),
        value => Some(reading::text(value.clone())),
    }
}

/// Each entry as a list of texts; a `null` says nothing.
fn context(value: Option<&Value>) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| Some(reading::text(value.clone())).filter(|_| !value.is_null());
    let entries = value.and_then(Value::as_object).into_iter().flatten().filter(|(_, value)| !value.is_null());
    let texts = |value: &Value| match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        other => Vec::from_iter(text(other)),
    };
    entries.map(|(name, value)| (name.clone(), texts(value))).collect()
}
