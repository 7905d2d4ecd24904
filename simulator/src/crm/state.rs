//! The CRM behind the simulator: objects, association types and associations. It knows nothing of HTTP.

use std::ops::Bound;

use crate::crm::{
    association_type::{AssociationCategory, AssociationTypes, Definition, TypeKey},
    not_found::NotFound,
    object::{Object, Position},
    object_type::ObjectType,
    object_types::ObjectTypes,
    rules::Rules,
    store::Store,
};

/// An association of an object with another one, as it is seen from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Association {
    /// The other object's type, by its plural name: `companies`.
    pub to_object_type: String,
    /// The other object's id.
    pub to_object_id: String,
    /// The association type's numeric id.
    pub type_id: u64,
    /// The association type's internal name, which v3 goes by.
    pub type_name: String,
    /// Who defined the association type.
    pub category: AssociationCategory,
    /// The association type's label; `None` for the unlabelled type.
    pub label: Option<String>,
}

/// Whether a labelled association comes with the unlabelled one of its pair, where there is such a type.
///
/// Recorded answers of v4 list both after a label was set. Whether v3 makes both, nobody tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnlabeledCompanions {
    /// It comes with those made by v4 and the dated versions, not with those of v3.
    #[default]
    WithLabels,
    /// It comes with all of them.
    Always,
    /// It comes only when it is asked for.
    Never,
}

/// One end of an association.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    pub(crate) object_type: &'a ObjectType,
    pub(crate) id: &'a str,
}

impl<'a> End<'a> {
    pub(crate) fn new(object_type: &'a ObjectType, id: &'a str) -> Self {
        Self { object_type, id }
    }
}

/// Everything the simulator remembers about the CRM.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) types: ObjectTypes,
    pub(crate) association_types: AssociationTypes,
    pub(crate) rules: Rules,
    companions: UnlabeledCompanions,
    /// The objects, by the place of their type.
    stores: Vec<Store>,
}

impl State {
    /// `stores` has the objects of each type, by its place.
    pub(crate) fn new(types: ObjectTypes, stores: Vec<Store>, rules: Rules, companions: UnlabeledCompanions) -> Self {
        Self { types, association_types: AssociationTypes::default(), rules, companions, stores }
    }

    pub(crate) fn store(&self, object_type: &ObjectType) -> &Store {
        &self.stores[object_type.place()]
    }

    pub(crate) fn store_mut(&mut self, object_type: &ObjectType) -> &mut Store {
        &mut self.stores[object_type.place()]
    }

    /// An object that is not archived.
    pub(crate) fn live(&self, end: End<'_>) -> Result<&Object, NotFound> {
        let found = self.store(end.object_type).find(end.id, false);
        found.ok_or_else(|| NotFound::Object { object_type: end.object_type.clone(), id: end.id.to_owned() })
    }

    pub(crate) fn exists(&self, end: End<'_>) -> bool {
        self.store(end.object_type).find(end.id, false).is_some()
    }

    /// Associates two objects as v3 does: beside whatever else associates them. Does nothing when they already are.
    pub(crate) fn associate(&mut self, from: End<'_>, to: End<'_>, association_type: &str) -> Result<(), NotFound> {
        let key = self.resolve(from, to.object_type, association_type)?;
        if !self.exists(to) {
            return Err(NotFound::Target { to: to.object_type.clone(), id: to.id.to_owned() });
        }
        self.link(from, to, key);
        if self.companions == UnlabeledCompanions::Always {
            self.add_unlabeled(from, to);
        }
        Ok(())
    }

    /// Associates two objects by just this type.
    pub(crate) fn restore(&mut self, from: End<'_>, to: End<'_>, key: TypeKey) -> Result<(), NotFound> {
        self.live(from)?;
        self.live(to)?;
        if self.association_types.find(from.object_type, to.object_type, key).is_none() {
            let (from, to) = (from.object_type.clone(), to.object_type.clone());
            return Err(NotFound::AssociationType { from, to, text: key.to_string() });
        }
        self.link(from, to, key);
        Ok(())
    }

    /// Sets the labels of a pair of objects that exist, as v4 and the dated versions do: labels that are not among
    /// `keys` end, and the unlabelled association stays.
    pub(crate) fn set_labels(&mut self, from: End<'_>, to: End<'_>, keys: &[TypeKey]) {
        let ended: Vec<_> = self
            .definitions_between(from, to)
            .into_iter()
            .filter(|definition| !definition.is_unlabeled() && !keys.contains(&definition.key))
            .map(|definition| definition.key)
            .collect();
        for key in ended {
            self.unlink(from, to, key);
        }
        for key in keys {
            self.link(from, to, *key);
        }
        if self.companions != UnlabeledCompanions::Never {
            self.add_unlabeled(from, to);
        }
    }

    /// Makes the unlabelled association of two objects that exist; its type is told.
    pub(crate) fn associate_default(&mut self, from: End<'_>, to: End<'_>) -> Result<Definition, NotFound> {
        self.add_unlabeled(from, to)
            .ok_or_else(|| NotFound::Unlabeled { from: from.object_type.clone(), to: to.object_type.clone() })
    }

    fn add_unlabeled(&mut self, from: End<'_>, to: End<'_>) -> Option<Definition> {
        let definition = self.association_types.unlabeled(from.object_type, to.object_type)?.clone();
        self.link(from, to, definition.key);
        Some(definition)
    }

    /// Removes an association as v3 does, and no other of its pair; does nothing when there is none.
    pub(crate) fn dissociate(&mut self, from: End<'_>, to: End<'_>, association_type: &str) -> Result<(), NotFound> {
        let key = self.resolve(from, to.object_type, association_type)?;
        self.unlink(from, to, key);
        Ok(())
    }

    /// Removes an association as v4 and the dated versions do: the unlabelled one takes all labels along.
    pub(crate) fn archive_label(&mut self, from: End<'_>, to: End<'_>, key: TypeKey) {
        let definition = self.association_types.find(from.object_type, to.object_type, key);
        if definition.is_some_and(Definition::is_unlabeled) {
            self.dissociate_all(from, to);
        } else {
            self.unlink(from, to, key);
        }
    }

    /// Removes all associations of two objects.
    pub(crate) fn dissociate_all(&mut self, from: End<'_>, to: End<'_>) {
        let keys: Vec<_> = self.definitions_between(from, to).iter().map(|definition| definition.key).collect();
        for key in keys {
            self.unlink(from, to, key);
        }
    }

    /// Archives a live object, and ends its associations. False when there is no such object.
    pub(crate) fn archive(&mut self, end: End<'_>) -> bool {
        let Ok(object) = self.live(end) else {
            return false;
        };
        let targets = object
            .associations
            .iter()
            .flat_map(|(to, positions)| positions.iter().map(|(id, _)| (to.clone(), id.clone())));
        let targets: Vec<_> = targets.collect();
        for (to, id) in &targets {
            self.dissociate_all(end, End::new(to, id));
        }
        let store = self.store_mut(end.object_type);
        store.row(end.id).is_some_and(|row| store.archive(row))
    }

    /// An object's associations with one object type, by the other's id and the association type, from behind `after`.
    pub(crate) fn associations<'a>(
        &'a self,
        from: &'a ObjectType,
        object: &'a Object,
        to: &'a ObjectType,
        after: Option<&Position>,
    ) -> impl Iterator<Item = (&'a str, &'a Definition)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let positions = object.associations.get(to);
        let positions =
            positions.into_iter().flat_map(move |positions| positions.range::<Position, _>((start, Bound::Unbounded)));
        positions.filter_map(move |(id, key)| Some((id.as_str(), self.association_types.find(from, to, *key)?)))
    }

    /// An object's associations with all object types; none for an unknown object.
    pub(crate) fn all_associations(&self, end: End<'_>) -> Vec<Association> {
        let Ok(object) = self.live(end) else {
            return Vec::new();
        };
        let types = self.types.all().iter();
        types
            .flat_map(|to| {
                self.associations(end.object_type, object, to, None).map(|(id, definition)| Association {
                    to_object_type: to.plural().to_owned(),
                    to_object_id: id.to_owned(),
                    type_id: definition.key.id,
                    type_name: definition.name.clone(),
                    category: definition.key.category,
                    label: definition.label.clone(),
                })
            })
            .collect()
    }

    /// The types by which two objects are associated.
    pub(crate) fn definitions_between(&self, from: End<'_>, to: End<'_>) -> Vec<&Definition> {
        let positions = self.live(from).ok().and_then(|object| object.associations.get(to.object_type));
        let range = (to.id.to_owned(), TypeKey::FIRST)..=(to.id.to_owned(), TypeKey::LAST);
        positions
            .into_iter()
            .flat_map(|positions| positions.range(range.clone()))
            .filter_map(|(_, key)| self.association_types.find(from.object_type, to.object_type, *key))
            .collect()
    }

    /// Checks what both changes of an association in v3 name, in the order in which it is refused.
    pub(crate) fn resolve(&self, from: End<'_>, to: &ObjectType, text: &str) -> Result<TypeKey, NotFound> {
        self.live(from)?;
        Ok(self.association_types.named(from.object_type, to, text)?.key)
    }

    fn link(&mut self, from: End<'_>, to: End<'_>, key: TypeKey) {
        let Some(definition) = self.association_types.find(from.object_type, to.object_type, key) else {
            return;
        };
        for (one, other, key) in [(from, to, key), (to, from, definition.inverse)] {
            if let Some(object) = self.store_mut(one.object_type).live_mut(one.id) {
                let positions = object.associations.entry(other.object_type.clone()).or_default();
                positions.insert((other.id.to_owned(), key));
            }
        }
    }

    fn unlink(&mut self, from: End<'_>, to: End<'_>, key: TypeKey) {
        let Some(definition) = self.association_types.find(from.object_type, to.object_type, key) else {
            return;
        };
        for (one, other, key) in [(from, to, key), (to, from, definition.inverse)] {
            if let Some(object) = self.store_mut(one.object_type).live_mut(one.id)
                && let Some(positions) = object.associations.get_mut(other.object_type)
            {
                positions.remove(&(other.id.to_owned(), key));
            }
        }
    }
}
