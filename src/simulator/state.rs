//! The CRM behind the simulator: objects, association types and associations. It knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
    ops::Bound,
};

use chrono::{DateTime, Utc};

use super::object_type::ObjectType;

/// An object's properties; HubSpot answers `null` for a property without a value.
pub(super) type Properties = BTreeMap<String, Option<String>>;

/// Where an association stands among those of one partner client with one object type: target id, association type id.
pub(super) type Position = (String, u64);

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

/// A CRM object. Only a partner client ever holds associations: the API associates in no other direction.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) properties: Properties,
    pub(super) created_at: DateTime<Utc>,
    associations: BTreeMap<ObjectType, BTreeSet<Position>>,
}

/// Everything the simulator remembers about the CRM.
#[derive(Debug, Default)]
pub(super) struct State {
    objects: BTreeMap<ObjectType, BTreeMap<String, Object>>,
    /// Association types from partner clients: target type, id, name.
    association_types: BTreeMap<ObjectType, BTreeMap<u64, String>>,
}

impl State {
    /// Adds an object, replacing one of the same type and id.
    pub(super) fn insert_object(
        &mut self,
        object_type: &str,
        id: &str,
        properties: Properties,
    ) -> Result<(), NotFound> {
        let object = Object { properties, created_at: Utc::now(), associations: BTreeMap::new() };
        self.objects.entry(object_type_named(object_type)?).or_default().insert(id.to_owned(), object);
        Ok(())
    }

    /// Adds an association type from partner clients, replacing one of the same target type and id.
    pub(super) fn insert_association_type(
        &mut self,
        to_object_type: &str,
        id: u64,
        name: &str,
    ) -> Result<(), NotFound> {
        self.association_types.entry(object_type_named(to_object_type)?).or_default().insert(id, name.to_owned());
        Ok(())
    }

    pub(super) fn partner_client(&self, id: &str) -> Result<&Object, NotFound> {
        self.objects
            .get(&ObjectType::PartnerClient)
            .and_then(|partner_clients| partner_clients.get(id))
            .ok_or_else(|| NotFound::PartnerClient(id.to_owned()))
    }

    /// Associates a partner client with another object; does nothing when they already are. Returns the target's type.
    pub(super) fn associate(
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
    pub(super) fn dissociate(
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
    pub(super) fn associations(
        &self,
        partner_client_id: &str,
        to: ObjectType,
        after: Option<&Position>,
    ) -> Result<impl Iterator<Item = Association>, NotFound> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let positions = self.partner_client(partner_client_id)?.associations.get(&to);
        Ok(positions
            .into_iter()
            .flat_map(move |positions| positions.range::<Position, _>((start, Bound::Unbounded)))
            .map(move |(to_object_id, type_id)| Association {
                to_object_type: to.plural(),
                to_object_id: to_object_id.clone(),
                type_id: *type_id,
                type_name: self.association_type_name(to, *type_id),
            }))
    }

    /// A partner client's associations with all object types; none for an unknown partner client.
    pub(super) fn all_associations(&self, partner_client_id: &str) -> Vec<Association> {
        ObjectType::ALL
            .into_iter()
            .filter_map(|to| self.associations(partner_client_id, to, None).ok())
            .flatten()
            .collect()
    }

    /// The association types from one object type to another, by id. Only those from partner clients are simulated.
    pub(super) fn association_types(
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
    fn resolve(
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

    fn exists(&self, object_type: ObjectType, id: &str) -> bool {
        self.objects.get(&object_type).is_some_and(|objects| objects.contains_key(id))
    }

    fn associations_mut(
        &mut self,
        partner_client_id: &str,
        to: ObjectType,
    ) -> Result<&mut BTreeSet<Position>, NotFound> {
        self.objects
            .get_mut(&ObjectType::PartnerClient)
            .and_then(|partner_clients| partner_clients.get_mut(partner_client_id))
            .map(|partner_client| partner_client.associations.entry(to).or_default())
            .ok_or_else(|| NotFound::PartnerClient(partner_client_id.to_owned()))
    }

    /// Finds an association type by its id or, in any case, its name.
    fn association_type_id(&self, to: ObjectType, text: &str) -> Result<u64, NotFound> {
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
pub(super) enum NotFound {
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
pub(super) fn object_type_named(text: &str) -> Result<ObjectType, NotFound> {
    ObjectType::infer(text).ok_or_else(|| NotFound::ObjectType(text.to_owned()))
}
