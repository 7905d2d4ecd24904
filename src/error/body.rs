//! What can be made out of an answer that is no success.

use std::collections::BTreeMap;

use serde_json::Value;

use super::excerpt;
use crate::generated::types;

/// HubSpot's longest category has 30 characters.
const MAX_NAME: usize = 128;

/// An error body, field by field: none of them is sure to be there or to be of its type.
#[derive(Clone, Default)]
pub(super) struct ErrorBody {
    pub(super) message: Option<String>,
    pub(super) category: Option<String>,
    pub(super) correlation_id: Option<String>,
    /// The limit that a 429 is about.
    pub(super) policy: Option<String>,
    /// The error code of an OAuth answer, RFC 6749, section 5.2.
    pub(super) oauth_error: Option<String>,
    pub(super) details: Vec<types::ErrorDetail>,
    pub(super) context: BTreeMap<String, Vec<String>>,
    pub(super) required_scopes: Vec<String>,
}

impl ErrorBody {
    pub(super) fn parse(body: &str) -> Self {
        let Ok(Value::Object(json)) = serde_json::from_str::<Value>(body) else {
            return Self::default();
        };
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        let words = |name: &str| text(name).filter(|text| !text.trim().is_empty());
        let errors = json.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut required_scopes: Vec<String> = errors
            .iter()
            .chain([&Value::Object(json.clone())])
            .flat_map(|error| context(error.get("context")))
            .filter(|(name, _)| name == "requiredGranularScopes" || name == "requiredScopes")
            .flat_map(|(_, scopes)| scopes)
            .collect();
        required_scopes.sort();
        required_scopes.dedup();
        Self {
            message: words("message").or_else(|| words("error_description")).or_else(|| words("detail")),
            category: text("category").map(|category| excerpt(&category, MAX_NAME)),
            correlation_id: text("correlationId"),
            policy: text("policyName"),
            oauth_error: text("error"),
            details: errors.iter().filter_map(|e| serde_json::from_value(e.clone()).ok()).collect(),
            context: context(json.get("context")),
            required_scopes,
        }
    }
}

fn context(value: Option<&Value>) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| match value {
            Value::Array(values) => (name.clone(), values.iter().map(text).collect()),
            other => (name.clone(), vec![text(other)]),
        })
        .collect()
}
