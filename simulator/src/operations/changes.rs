//! The changes an update asks for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    crm::object::COMPUTED,
    http::{error::Failure, request_body::Text},
};

/// The properties of an update as they arrive.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Changes(BTreeMap<String, Option<Text>>);

/// Why an update is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    NoProperties,
    ReadOnly(Vec<String>),
}

impl Changes {
    /// The new values. HubSpot ignores a `null`; what clears a property is an empty text.
    pub(crate) fn values(self) -> Result<Vec<(String, String)>, Refused> {
        if self.0.is_empty() {
            return Err(Refused::NoProperties);
        }
        let read_only: Vec<_> = self.0.keys().filter(|name| COMPUTED.contains(&name.as_str())).cloned().collect();
        if !read_only.is_empty() {
            return Err(Refused::ReadOnly(read_only));
        }
        Ok(self.0.into_iter().filter_map(|(name, value)| Some((name, value?.0))).collect())
    }
}

impl Refused {
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NoProperties => "No properties found to update, please provide at least one.".to_owned(),
            Self::ReadOnly(names) => {
                let problems: Value = names
                    .iter()
                    .map(|name| {
                        let message = read_only(name);
                        json!({"isValid": false, "message": message, "error": "READ_ONLY_VALUE", "name": name})
                    })
                    .collect();
                format!("Property values were not valid: {problems}")
            }
        }
    }

    /// One for each property.
    pub(crate) fn details(&self) -> Value {
        match self {
            Self::NoProperties => json!([]),
            Self::ReadOnly(names) => names
                .iter()
                .map(|name| {
                    let context = json!({"propertyName": [name]});
                    json!({"message": read_only(name), "code": "READ_ONLY_VALUE", "context": context})
                })
                .collect(),
        }
    }
}

fn read_only(name: &str) -> String {
    format!("\"{name}\" is a read only property; its value cannot be set.")
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let failure = Self::validation(refused.message());
        match refused {
            Refused::NoProperties => failure.with("context", json!({"properties": ["{}"]})),
            Refused::ReadOnly(_) => failure.with("errors", refused.details()),
        }
    }
}
