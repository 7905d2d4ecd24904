//! Association types, which HubSpot calls definitions: what one object can be to another.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::crm::{not_found::NotFound, object_type::ObjectType};

/// How far the id of an inverse association type lies behind that of its own, where nothing else is said.
const INVERSE: u64 = 1_000;

/// Who defined an association type. Ids are unique within a category only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum AssociationCategory {
    /// HubSpot: the unlabelled type of a pair, and labels such as `Primary`.
    HubspotDefined,
    /// An integration.
    IntegratorDefined,
    /// A user of the account.
    UserDefined,
    /// HubSpot's work objects.
    Work,
}

impl AssociationCategory {
    pub(crate) const ALL: [Self; 4] = [Self::HubspotDefined, Self::IntegratorDefined, Self::UserDefined, Self::Work];

    /// The name HubSpot gives it: `USER_DEFINED`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HubspotDefined => "HUBSPOT_DEFINED",
            Self::IntegratorDefined => "INTEGRATOR_DEFINED",
            Self::UserDefined => "USER_DEFINED",
            Self::Work => "WORK",
        }
    }
}

/// What tells an association type from the others of its pair and direction; ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct TypeKey {
    pub(crate) id: u64,
    pub(crate) category: AssociationCategory,
}

impl TypeKey {
    /// No key is greater.
    pub(crate) const LAST: Self = Self { id: u64::MAX, category: AssociationCategory::Work };
    /// No key is smaller.
    pub(crate) const FIRST: Self = Self { id: 0, category: AssociationCategory::HubspotDefined };
}

impl fmt::Display for TypeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.category.as_str(), self.id)
    }
}

/// An association type in one direction.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) key: TypeKey,
    /// `None` for the unlabelled type.
    pub(crate) label: Option<String>,
    /// The internal name, which only v3 tells.
    pub(crate) name: String,
    /// The same type, seen from the other end.
    pub(crate) inverse: TypeKey,
}

/// All association types, by pair and direction.
#[derive(Debug, Default)]
pub(crate) struct AssociationTypes(BTreeMap<(ObjectType, ObjectType), BTreeMap<TypeKey, Definition>>);

impl AssociationTypes {
    /// Adds a type and its inverse, replacing those of the same category and id.
    pub(crate) fn insert(
        &mut self,
        (from, to): (&ObjectType, &ObjectType),
        key: TypeKey,
        label: Option<String>,
        name: &str,
        inverse_id: Option<u64>,
    ) {
        let inverse = match inverse_id {
            Some(id) => TypeKey { id, ..key },
            None if from == to => key,
            None => self.inverse_key(from, to, key),
        };
        let prefix = format!("{}_to_{}", from.singular(), to.singular());
        let inverse_name = match name.strip_prefix(&prefix) {
            Some(rest) => format!("{}_to_{}{rest}", to.singular(), from.singular()),
            None => name.to_owned(),
        };
        let backward = Definition { key: inverse, label: label.clone(), name: inverse_name, inverse: key };
        let forward = Definition { key, label, name: name.to_owned(), inverse };
        self.0.entry((to.clone(), from.clone())).or_default().insert(inverse, backward);
        self.0.entry((from.clone(), to.clone())).or_default().insert(key, forward);
    }

    /// Adds a type as v3 tells of one: the first of a pair is HubSpot's unlabelled one, and each further one is a
    /// user's, labelled with its name. One that has the id already keeps its category and gets the name.
    pub(crate) fn insert_named(&mut self, (from, to): (&ObjectType, &ObjectType), id: u64, name: &str) {
        let known = self.between(from, to).find(|definition| definition.key.id == id).map(|definition| definition.key);
        let category = match self.unlabeled(from, to) {
            Some(_) => AssociationCategory::UserDefined,
            None => AssociationCategory::HubspotDefined,
        };
        let key = known.unwrap_or(TypeKey { id, category });
        let label = (key.category == AssociationCategory::UserDefined).then(|| label_of(name));
        self.insert((from, to), key, label, name, None);
    }

    fn inverse_key(&self, from: &ObjectType, to: &ObjectType, key: TypeKey) -> TypeKey {
        if let Some(known) = self.find(from, to, key) {
            return known.inverse;
        }
        let taken = |id: &u64| self.find(to, from, TypeKey { id: *id, ..key }).is_some();
        let id = (key.id.saturating_add(INVERSE)..=u64::MAX).find(|id| !taken(id)).unwrap_or(key.id);
        TypeKey { id, ..key }
    }

    /// The types from one object type to another, by id.
    pub(crate) fn between(&self, from: &ObjectType, to: &ObjectType) -> impl Iterator<Item = &Definition> {
        self.0.get(&(from.clone(), to.clone())).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn find(&self, from: &ObjectType, to: &ObjectType, key: TypeKey) -> Option<&Definition> {
        self.0.get(&(from.clone(), to.clone()))?.get(&key)
    }

    /// Finds a type as v3 names one: by its id or, in any case, its name.
    pub(crate) fn named(&self, from: &ObjectType, to: &ObjectType, text: &str) -> Result<&Definition, NotFound> {
        let names = |definition: &&Definition| {
            definition.key.id.to_string() == text || definition.name.eq_ignore_ascii_case(text)
        };
        self.between(from, to).find(names).ok_or_else(|| NotFound::AssociationType {
            from: from.clone(),
            to: to.clone(),
            text: text.to_owned(),
        })
    }

    /// The type of a pair that says no more than that the objects are associated.
    pub(crate) fn unlabeled(&self, from: &ObjectType, to: &ObjectType) -> Option<&Definition> {
        self.between(from, to).find(|definition| definition.is_unlabeled())
    }
}

impl Definition {
    pub(crate) fn is_unlabeled(&self) -> bool {
        self.label.is_none() && self.key.category == AssociationCategory::HubspotDefined
    }
}

/// A label that reads as a name does: `Referred by` of `referred_by`.
fn label_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The name HubSpot gives a label that a user makes: `referred_by` of `Referred by`.
pub(crate) fn name_of(label: &str) -> String {
    label.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
}
