//! What an answer tells of an object.

use serde_json::{Map, Value, json};

use crate::{
    crm::{
        object::{Object, Source, Version},
        object_type::ObjectType,
    },
    http::response::add,
};

/// The properties a request asks for.
#[derive(Debug, Default)]
pub(crate) struct Projection {
    properties: Vec<String>,
    with_history: Vec<String>,
    /// Whether nothing but the properties is told, even where there are none.
    only: bool,
}

impl Projection {
    pub(crate) fn new<S: Into<String>>(
        properties: impl IntoIterator<Item = S>,
        with_history: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            properties: properties.into_iter().map(Into::into).collect(),
            with_history: with_history.into_iter().map(Into::into).collect(),
            only: false,
        }
    }

    /// What is answered where nothing is asked for, without a history.
    pub(crate) fn unasked() -> Self {
        Self::default()
    }

    /// What a write of these values is answered with: them, without those that it cleared.
    pub(crate) fn written(values: &[(String, String)]) -> Self {
        let kept = values.iter().filter(|(_, value)| !value.is_empty());
        Self { properties: kept.map(|(name, _)| name.clone()).collect(), only: true, ..Self::default() }
    }

    pub(crate) fn has_history(&self) -> bool {
        !self.with_history.is_empty()
    }

    /// An object with the properties that were asked for. When none was, it has the default set of its type, or all where
    /// that is not known. The computed ones are always there, and one without a value is `null`.
    pub(crate) fn body(&self, object_type: &ObjectType, object: &Object) -> Value {
        let property = |name: &str| (name.to_owned(), object.text(name).map_or(Value::Null, |text| json!(text)));
        let histories = self.with_history.iter().map(String::as_str);
        let computed = object_type.times().computed().into_iter();
        let properties: Map<_, _> = match object_type.default_properties() {
            _ if self.only || !self.properties.is_empty() => {
                let named = self.properties.iter().map(String::as_str);
                computed.chain(named).chain(histories).map(property).collect()
            }
            Some(defaults) => {
                computed.chain(defaults.iter().map(String::as_str)).chain(histories).map(property).collect()
            }
            None => object.names().map(property).collect(),
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
