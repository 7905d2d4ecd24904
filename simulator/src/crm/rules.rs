//! What an account demands of property values: dates, and properties that must be there.

use std::collections::{BTreeMap, BTreeSet};

use crate::crm::{
    object::Object,
    object_type::{EMAIL, ObjectType},
    time::{Time, date_of},
};

/// The kinds of time a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    Date,
    DateTime,
}

/// A property that must have a value: always on creation, or after any write when another property has one value.
#[derive(Clone, Debug)]
pub(crate) struct Required {
    pub(crate) property: String,
    pub(crate) when: Option<(String, String)>,
}

/// The rules of an account, by object type.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    times: BTreeMap<(ObjectType, String), TimeKind>,
    required: BTreeMap<ObjectType, Vec<Required>>,
    unique: BTreeSet<(ObjectType, String)>,
}

/// A value that was written another way than it was sent.
#[derive(Debug)]
pub(crate) struct Normalized {
    pub(crate) property: String,
    pub(crate) raw: String,
    pub(crate) normalized: String,
}

/// A property that a write leaves without the value it must have.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) property: String,
    /// The other property whose value demands it.
    pub(crate) because_of: Option<String>,
}

impl Rules {
    pub(crate) fn set_time(&mut self, object_type: ObjectType, property: String, kind: TimeKind) {
        self.times.insert((object_type, property), kind);
    }

    pub(crate) fn require(&mut self, object_type: ObjectType, required: Required) {
        self.required.entry(object_type).or_default().push(required);
    }

    pub(crate) fn set_unique(&mut self, object_type: ObjectType, property: String) {
        self.unique.insert((object_type, property));
    }

    /// Whether no two objects of a type may share a value of a property: as an account says, or as HubSpot does of the
    /// e-mail addresses of contacts.
    pub(crate) fn is_unique(&self, object_type: &ObjectType, property: &str) -> bool {
        (object_type.is_contact() && property == EMAIL) || self.is_declared_unique(object_type, property)
    }

    /// Whether an account says that no two objects of a type may share a value of a property.
    pub(crate) fn is_declared_unique(&self, object_type: &ObjectType, property: &str) -> bool {
        self.unique.contains(&(object_type.clone(), property.to_owned()))
    }

    pub(crate) fn unique(&self) -> impl Iterator<Item = (&ObjectType, &str)> {
        self.unique.iter().map(|(object_type, property)| (object_type, property.as_str()))
    }

    pub(crate) fn times(&self) -> impl Iterator<Item = (&ObjectType, &str, TimeKind)> {
        self.times.iter().map(|((object_type, property), kind)| (object_type, property.as_str(), *kind))
    }

    pub(crate) fn required(&self) -> impl Iterator<Item = (&ObjectType, &Required)> {
        let rules = self.required.iter();
        rules.flat_map(|(object_type, rules)| rules.iter().map(move |required| (object_type, required)))
    }

    /// Writes a time as HubSpot keeps it. `Ok(None)` leaves the value as it is; `Err` names what kind it should be.
    pub(crate) fn normalized(
        &self,
        object_type: &ObjectType,
        property: &str,
        value: &str,
    ) -> Result<Option<Normalized>, TimeKind> {
        let Some(kind) = self.times.get(&(object_type.clone(), property.to_owned())) else {
            return Ok(None);
        };
        if value.is_empty() || kind.is_exact(value) {
            return Ok(None);
        }
        let time = Time::from_request(value).ok_or(*kind)?;
        let normalized = match kind {
            TimeKind::Date => date_of(time),
            TimeKind::DateTime => time.to_string(),
        };
        Ok(Some(Normalized { property: property.to_owned(), raw: value.to_owned(), normalized }))
    }

    /// What a write of `values` to `object`, which is `None` when it is only being created, leaves without a value.
    pub(crate) fn missing(
        &self,
        object_type: &ObjectType,
        object: Option<&Object>,
        values: &[(String, String)],
    ) -> Vec<Missing> {
        let value = |name: &str| {
            let written = values.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
            let text = written.or_else(|| object?.text(name).map(|text| text.into_owned()));
            text.filter(|text| !text.is_empty())
        };
        let rules = self.required.get(object_type).into_iter().flatten();
        rules
            .filter(|rule| match &rule.when {
                None => object.is_none(),
                Some((property, wanted)) => value(property).as_ref() == Some(wanted),
            })
            .filter(|rule| value(&rule.property).is_none())
            .map(|rule| Missing {
                property: rule.property.clone(),
                because_of: rule.when.as_ref().map(|(property, _)| property.clone()),
            })
            .collect()
    }
}

impl TimeKind {
    /// Whether every version takes the text as it is.
    fn is_exact(self, text: &str) -> bool {
        match self {
            Self::Date => Time::from_request(text).is_some_and(|time| date_of(time) == text || time.is_midnight()),
            Self::DateTime => {
                Time::from_milliseconds(text).is_some() || (text.contains('T') && Time::from_iso(text).is_some())
            }
        }
    }
}
