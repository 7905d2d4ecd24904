//! An object: its properties with their history, and its associations.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::crm::{
    association_type::TypeKey,
    computed::{OBJECT_ID, Times},
    object_type::ObjectType,
    time::Time,
};

/// An object's id, ordered by its number; one that is no number comes behind all that are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    number: u64,
    text: String,
}

impl Id {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { number: text.parse().unwrap_or(u64::MAX), text }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The number that it is, if it is one.
    pub(crate) fn number(&self) -> Option<u64> {
        Some(self.number).filter(|number| *number < u64::MAX)
    }
}

/// Who gave a property a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Seed,
    Test,
    Api,
}

/// A value that a property has or had; empty once it was cleared.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) value: String,
    pub(crate) at: Time,
    pub(crate) source: Source,
}

/// A property's value, in the form in which it is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored<'a> {
    Id(&'a Id),
    Time(Time),
    Text(&'a str),
}

/// An object of the CRM.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) id: Id,
    times: Times,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) archived_at: Option<Time>,
    pub(crate) associations: BTreeMap<ObjectType, BTreeSet<Position>>,
    /// The versions of each property, the oldest first; none for one that never had a value.
    properties: BTreeMap<String, Vec<Version>>,
}

impl Object {
    pub(crate) fn new(id: Id, times: Times, created_at: Time, updated_at: Time) -> Self {
        let (associations, properties) = (BTreeMap::new(), BTreeMap::new());
        Self { id, times, created_at, updated_at, archived_at: None, associations, properties }
    }

    /// Gives a property another value; an empty one clears it, and none makes it known without a value.
    pub(crate) fn set(&mut self, name: String, value: Option<String>, at: Time, source: Source) {
        let versions = self.properties.entry(name).or_default();
        match value {
            Some(value) => {
                // Few properties ever change, and there may be very many.
                versions.reserve_exact(usize::from(versions.is_empty()));
                versions.push(Version { value, at, source });
            }
            None => versions.clear(),
        }
    }

    /// A property's value, unless it has none.
    pub(crate) fn value(&self, name: &str) -> Option<Stored<'_>> {
        match name {
            OBJECT_ID => Some(Stored::Id(&self.id)),
            name if name == self.times.created => Some(Stored::Time(self.created_at)),
            name if name == self.times.modified => Some(Stored::Time(self.updated_at)),
            name => Some(self.properties.get(name)?.last()?.value.as_str())
                .filter(|value| !value.is_empty())
                .map(Stored::Text),
        }
    }

    /// A property's value as it is answered.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(name).map(|value| match value {
            Stored::Id(id) => Cow::Borrowed(id.as_str()),
            Stored::Time(time) => Cow::Owned(time.to_string()),
            Stored::Text(text) => Cow::Borrowed(text),
        })
    }

    /// The names of all its properties, the computed ones first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.times.computed().into_iter().chain(self.properties.keys().map(String::as_str))
    }

    /// The versions of a property, the newest first. A computed one has but one.
    pub(crate) fn history(&self, name: &str) -> Vec<Version> {
        if let Some(versions) = self.properties.get(name) {
            return versions.iter().rev().cloned().collect();
        }
        let at = if name == self.times.modified { self.updated_at } else { self.created_at };
        let computed = self.times.is_computed(name).then(|| self.text(name)).flatten();
        computed.map(|value| Version { value: value.into_owned(), at, source: Source::Seed }).into_iter().collect()
    }
}

/// Where an association stands among those of one object with one object type: the other's id, the association type.
pub(crate) type Position = (String, TypeKey);
