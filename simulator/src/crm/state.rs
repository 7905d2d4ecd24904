//! The CRM behind the simulator: objects, association types and associations. It knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
    ops::Bound,
};

use crate::crm::{
    object::{Object, Position},
    object_type::ObjectType,
    store::Store,
};

/// An association of a partner client with another object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Association {
    /// The target's object type, by its plural name: `companies`.
    pub to_object_type: &'static str,
    /// The target's id.
    pub to_object_id: String,
    /// The association type's numeric id.
    pub type_id: u64,
    /// The association type's name.
    pub type_name: String,
}

/// Everything the simulator remembers about the CRM.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) partner_clients: Store,
    /// The ids of all other objects. They are only ever associated with.
    targets: BTreeMap<ObjectType, BTreeSet<String>>,
    /// Association types from partner clients: target type, id, name.
    association_types: BTreeMap<ObjectType, BTreeMap<u64, String>>,
}

impl State {
    pub(crate) fn new(partner_clients: Store) -> Self {
        Self { partner_clients, targets: BTreeMap::new(), association_types: BTreeMap::new() }
    }

    /// Adds an object that is no partner client.
    pub(crate) fn insert_target(&mut self, object_type: &str, id: &str) -> Result<(), NotFound> {
        self.targets.entry(object_type_named(object_type)?).or_default().insert(id.to_owned());
        Ok(())
    }

    /// Adds an association type from partner clients, replacing one of the same target type and id.
    pub(crate) fn insert_association_type(
        &mut self,
        to_object_type: &str,
        id: u64,
        name: &str,
    ) -> Result<(), NotFound> {
        self.association_types.entry(object_type_named(to_object_type)?).or_default().insert(id, name.to_owned());
        Ok(())
    }

    /// A partner client that is not archived.
    pub(crate) fn partner_client(&self, id: &str) -> Result<&Object, NotFound> {
        self.partner_clients.find(id, false).ok_or_else(|| NotFound::PartnerClient(id.to_owned()))
    }

    /// Associates a partner client with another object; does nothing when they already are. Returns the target's type.
    pub(crate) fn associate(
        &mut self,
        partner_client_id: &str,
        to_object_type: &str,
        to_object_id: &str,
        association_type: &str,
    ) -> Result<ObjectType, NotFound> {
        let (to, type_id) = self.resolve(partner_client_id, to_object_type, association_type)?;
        if !self.exists(to, to_object_id) {
            return Err(NotFound::Target { to, id: to_object_id.to_owned() });
        }
        self.associations_mut(partner_client_id, to)?.insert((to_object_id.to_owned(), type_id));
        Ok(to)
    }

    /// Removes an association; does nothing when there is none.
    pub(crate) fn dissociate(
        &mut self,
        partner_client_id: &str,
        to_object_type: &str,
        to_object_id: &str,
        association_type: &str,
    ) -> Result<(), NotFound> {
        let (to, type_id) = self.resolve(partner_client_id, to_object_type, association_type)?;
        self.associations_mut(partner_client_id, to)?.remove(&(to_object_id.to_owned(), type_id));
        Ok(())
    }

    /// A partner client's associations with one object type, by target id and association type id, from behind `after`.
    pub(crate) fn associations(
        &self,
        partner_client: &Object,
        to: ObjectType,
        after: Option<&Position>,
    ) -> impl Iterator<Item = Association> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let positions = partner_client.associations.get(&to);
        positions.into_iter().flat_map(move |positions| positions.range::<Position, _>((start, Bound::Unbounded))).map(
            move |(to_object_id, type_id)| Association {
                to_object_type: to.plural(),
                to_object_id: to_object_id.clone(),
                type_id: *type_id,
                type_name: self.association_type_name(to, *type_id),
            },
        )
    }

    /// A partner client's associations with all object types; none for an unknown partner client.
    pub(crate) fn all_associations(&self, partner_client_id: &str) -> Vec<Association> {
        let Ok(partner_client) = self.partner_client(partner_client_id) else {
            return Vec::new();
        };
        ObjectType::ALL.into_iter().flat_map(|to| self.associations(partner_client, to, None)).collect()
    }

    /// The associations of all partner clients together.
    pub(crate) fn association_count(&self) -> usize {
        let partner_clients = self.partner_clients.live().iter().map(|row| self.partner_clients.get(*row));
        partner_clients.flat_map(|partner_client| partner_client.associations.values()).map(BTreeSet::len).sum()
    }

    /// The association types from one object type to another, by id. Only those from partner clients are simulated.
    pub(crate) fn association_types(
        &self,
        from_object_type: &str,
        to_object_type: &str,
    ) -> Result<impl Iterator<Item = (u64, &str)>, NotFound> {
        let from = object_type_named(from_object_type)?;
        let to = object_type_named(to_object_type)?;
        let types = self.association_types.get(&to).filter(|_| from == ObjectType::PartnerClient);
        Ok(types.into_iter().flatten().map(|(id, name)| (*id, name.as_str())))
    }

    /// Checks what both changes of an association name, in the order in which it is refused.
    pub(crate) fn resolve(
        &self,
        partner_client_id: &str,
        to_object_type: &str,
        association_type: &str,
    ) -> Result<(ObjectType, u64), NotFound> {
        let to = object_type_named(to_object_type)?;
        self.partner_client(partner_client_id)?;
        let type_id = self.association_type_id(to, association_type)?;
        Ok((to, type_id))
    }

    pub(crate) fn exists(&self, object_type: ObjectType, id: &str) -> bool {
        match object_type {
            ObjectType::PartnerClient => self.partner_client(id).is_ok(),
            other => self.targets.get(&other).is_some_and(|ids| ids.contains(id)),
        }
    }

    fn associations_mut(
        &mut self,
        partner_client_id: &str,
        to: ObjectType,
    ) -> Result<&mut BTreeSet<Position>, NotFound> {
        self.partner_clients
            .live_mut(partner_client_id)
            .map(|partner_client| partner_client.associations.entry(to).or_default())
            .ok_or_else(|| NotFound::PartnerClient(partner_client_id.to_owned()))
    }

    /// Finds an association type by its id or, in any case, its name.
    pub(crate) fn association_type_id(&self, to: ObjectType, text: &str) -> Result<u64, NotFound> {
        self.association_types
            .get(&to)
            .into_iter()
            .flatten()
            .find(|(id, name)| id.to_string() == text || name.eq_ignore_ascii_case(text))
            .map(|(id, _)| *id)
            .ok_or_else(|| NotFound::AssociationType { to, text: text.to_owned() })
    }

    fn association_type_name(&self, to: ObjectType, id: u64) -> String {
        self.association_types.get(&to).and_then(|types| types.get(&id)).cloned().unwrap_or_default()
    }
}

/// What a request or a seed names and the state does not hold.
#[derive(Debug)]
pub(crate) enum NotFound {
    ObjectType(String),
    PartnerClient(String),
    AssociationType { to: ObjectType, text: String },
    Target { to: ObjectType, id: String },
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObjectType(text) => write!(f, "no object type `{text}`"),
            Self::PartnerClient(id) => write!(f, "no partner client `{id}`"),
            Self::AssociationType { to, text } => {
                let to = to.plural();
                write!(f, "no association type `{text}` from partner_clients to {to}")
            }
            Self::Target { to, id } => write!(f, "no {} `{id}`", to.singular()),
        }
    }
}

impl Error for NotFound {}

/// The object type a name or id stands for.
pub(crate) fn object_type_named(text: &str) -> Result<ObjectType, NotFound> {
    ObjectType::infer(text).ok_or_else(|| NotFound::ObjectType(text.to_owned()))
}
