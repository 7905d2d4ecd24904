//! What a write gives an object, and why it is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    call::Call,
    crm::{
        object_type::ObjectType,
        rules::{Normalized, TimeKind},
        state::State,
        store::Row,
    },
    http::{error::Failure, request_body::Text, response::add},
};

/// The properties of a write as they arrive.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Changes(BTreeMap<String, Option<Text>>);

/// The values of a write, and which of them are written another way than they were sent.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) values: Vec<(String, String)>,
    normalized: Vec<Normalized>,
}

/// Why a write is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    NoProperties,
    Properties(Vec<Problem>),
    /// Another contact has the e-mail address.
    ContactExists(String),
}

/// What is wrong with a property.
#[derive(Debug)]
pub(crate) struct Problem {
    property: String,
    code: &'static str,
    message: String,
}

impl Changes {
    /// Adds a property that the write does not name itself.
    pub(crate) fn set_if_absent(&mut self, name: String, value: String) {
        self.0.entry(name).or_insert(Some(Text(value)));
    }

    /// The new values for `object`, or for one that is being created. HubSpot ignores a `null`; what clears a property is
    /// an empty text.
    pub(crate) fn write(
        self,
        call: &Call,
        state: &State,
        object_type: &ObjectType,
        row: Option<Row>,
    ) -> Result<Write, Refused> {
        let rules = &state.rules;
        let object = row.map(|row| state.store(object_type).get(row));
        if self.0.is_empty() && object.is_some() {
            return Err(Refused::NoProperties);
        }
        let validates = call.version.validates_writes();
        let (mut values, mut normalized, mut problems) = (Vec::with_capacity(self.0.len()), Vec::new(), Vec::new());
        for (name, value) in self.0 {
            if object_type.times().is_computed(&name) {
                problems.push(Problem::read_only(name));
                continue;
            }
            let Some(Text(value)) = value else { continue };
            match rules.normalized(object_type, &name, &value) {
                Ok(None) => values.push((name, value)),
                Ok(Some(change)) if validates => {
                    values.push((name, change.normalized.clone()));
                    normalized.push(change);
                }
                Ok(Some(change)) => problems.push(Problem::invalid_time(name, &change.raw)),
                Err(kind) => problems.push(Problem::no_time(name, &value, kind)),
            }
        }
        if validates && problems.is_empty() {
            let missing = rules.missing(object_type, object, &values);
            problems.extend(missing.into_iter().map(|missing| match missing.because_of {
                None => Problem {
                    code: "MISSING_REQUIRED_PROPERTY",
                    message: format!("Property \"{}\" is required.", missing.property),
                    property: missing.property,
                },
                Some(other) => Problem {
                    code: "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
                    message: format!("Property \"{}\" is required by the value of \"{other}\".", missing.property),
                    property: missing.property,
                },
            }));
        }
        if problems.is_empty() {
            problems = taken(state, object_type, row, &values)?;
        }
        if problems.is_empty() { Ok(Write { values, normalized }) } else { Err(Refused::Properties(problems)) }
    }
}

/// The values that another object has already, and no two may have.
fn taken(
    state: &State,
    object_type: &ObjectType,
    row: Option<Row>,
    values: &[(String, String)],
) -> Result<Vec<Problem>, Refused> {
    let store = state.store(object_type);
    let mut problems = Vec::new();
    for (name, value) in values {
        if value.is_empty() || !state.rules.is_unique(object_type, name) {
            continue;
        }
        let holder = store.identify(Some(name), &[value], false).into_iter().flatten().next();
        let Some(holder) = holder.filter(|holder| Some(*holder) != row) else { continue };
        let id = store.get(holder).id.as_str();
        if !state.rules.is_declared_unique(object_type, name) {
            return Err(Refused::ContactExists(id.to_owned()));
        }
        problems.push(Problem::taken(name.clone(), id));
    }
    Ok(problems)
}

impl Write {
    /// Adds a warning for each value that is written another way.
    pub(crate) fn warn(normalized: &[Normalized], body: &mut Value) {
        if normalized.is_empty() {
            return;
        }
        let warnings: Value = normalized
            .iter()
            .map(|Normalized { property, raw, normalized }| {
                json!({
                    "category": "PROPERTY_VALUE_NORMALIZED",
                    "message": format!("The value of \"{property}\" was normalized to {normalized}."),
                    "context": {"propertyName": property, "rawValue": raw, "normalizedValue": normalized},
                })
            })
            .collect();
        add(body, "warnings", warnings);
    }

    pub(crate) fn into_parts(self) -> (Vec<(String, String)>, Vec<Normalized>) {
        (self.values, self.normalized)
    }
}

impl Problem {
    fn read_only(property: String) -> Self {
        let message = format!("\"{property}\" is a read only property; its value cannot be set.");
        Self { property, code: "READ_ONLY_VALUE", message }
    }

    fn no_time(property: String, value: &str, kind: TimeKind) -> Self {
        let kind = match kind {
            TimeKind::Date => "date",
            TimeKind::DateTime => "datetime",
        };
        let message = format!("{value} was not a valid {kind}.");
        Self { property, code: "INVALID_DATE", message }
    }

    fn taken(property: String, id: &str) -> Self {
        let message = format!("Cannot set \"{property}\". {id} already has that value.");
        Self { property, code: "CONFLICTING_UNIQUE_VALUE", message }
    }

    fn invalid_time(property: String, value: &str) -> Self {
        let message = format!("{value} is at neither the midnight nor the time this property holds.");
        Self { property, code: "INVALID_DATE", message }
    }
}

impl Refused {
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NoProperties => "No properties found to update, please provide at least one.".to_owned(),
            Self::ContactExists(id) => format!("Contact already exists. Existing ID: {id}"),
            Self::Properties(problems) => {
                let problems: Value = problems
                    .iter()
                    .map(|Problem { property, code, message }| {
                        json!({"isValid": false, "message": message, "error": code, "name": property})
                    })
                    .collect();
                format!("Property values were not valid: {problems}")
            }
        }
    }

    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::ContactExists(_) => "CONFLICT",
            Self::NoProperties | Self::Properties(_) => "VALIDATION_ERROR",
        }
    }

    /// One for each property.
    pub(crate) fn details(&self) -> Value {
        match self {
            Self::NoProperties | Self::ContactExists(_) => json!([]),
            Self::Properties(problems) => problems
                .iter()
                .map(|Problem { property, code, message }| {
                    json!({"message": message, "code": code, "context": {"propertyName": [property]}})
                })
                .collect(),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let failure = Self::validation(refused.message());
        match refused {
            Refused::ContactExists(_) => Self::exists(refused.message()),
            Refused::NoProperties => failure.with("context", json!({"properties": ["{}"]})),
            Refused::Properties(_) => failure.with("errors", refused.details()),
        }
    }
}
