//! What an answer tells of an object.

use serde_json::{Map, Value, json};

use crate::{
    crm::object::{COMPUTED, Object, Source, Version},
    http::response::add,
};

/// The properties a request asks for.
#[derive(Debug, Default)]
pub(crate) struct Projection {
    properties: Vec<String>,
    with_history: Vec<String>,
}

impl Projection {
    pub(crate) fn new<S: Into<String>>(
        properties: impl IntoIterator<Item = S>,
        with_history: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            properties: properties.into_iter().map(Into::into).collect(),
            with_history: with_history.into_iter().map(Into::into).collect(),
        }
    }

    /// All properties, none with its history.
    pub(crate) fn all() -> Self {
        Self::default()
    }

    pub(crate) fn has_history(&self) -> bool {
        !self.with_history.is_empty()
    }

    /// An object with the properties that were asked for, or all when none was. The computed ones are always
    /// there, and one without a value is `null`.
    pub(crate) fn body(&self, object: &Object) -> Value {
        let property = |name: &str| (name.to_owned(), object.text(name).map_or(Value::Null, |text| json!(text)));
        let properties: Map<_, _> = if self.properties.is_empty() {
            object.names().map(property).collect()
        } else {
            let named = self.properties.iter().chain(&self.with_history).map(String::as_str);
            COMPUTED.into_iter().chain(named).map(property).collect()
        };
        let mut body = json!({
            "id": object.id.as_str(),
            "properties": properties,
            "createdAt": object.created_at.to_string(),
            "updatedAt": object.updated_at.to_string(),
            "archived": object.archived_at.is_some(),
        });
        if let Some(archived_at) = object.archived_at {
            add(&mut body, "archivedAt", json!(archived_at.to_string()));
        }
        if self.has_history() {
            let histories: Map<_, _> = self
                .with_history
                .iter()
                .map(|name| (name.clone(), object.history(name).into_iter().map(version).collect()))
                .collect();
            add(&mut body, "propertiesWithHistory", Value::Object(histories));
        }
        body
    }
}

fn version(version: Version) -> Value {
    let mut body = json!({"value": version.value, "timestamp": version.at.to_string()});
    let (source_type, source_id) = match version.source {
        Source::Seed => ("IMPORT", None),
        Source::Test => ("CRM_UI", Some("userId:1")),
        Source::Api => ("INTEGRATION", Some("simulator")),
    };
    add(&mut body, "sourceType", json!(source_type));
    if let Some(source_id) = source_id {
        add(&mut body, "sourceId", json!(source_id));
    }
    body
}
