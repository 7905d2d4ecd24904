//! What a simulator holds when it starts.

use std::error::Error;

use crate::crm::{
    object::{CREATED, Id, MODIFIED, OBJECT_ID, Object, Source},
    state::{NotFound, State},
    store::Store,
    time::Time,
};

/// Names and values; `None` for a property that is known but has no value.
pub(crate) type Properties = Vec<(String, Option<String>)>;

/// A partner client to start with.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) id: String,
    pub(crate) properties: Properties,
    pub(crate) archived: bool,
}

impl Seed {
    pub(crate) fn new<K, V>(id: impl Into<String>, properties: impl IntoIterator<Item = (K, V)>, archived: bool) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let properties = properties.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
        Self { id: id.into(), properties, archived }
    }

    /// The default one; the table in the module's documentation lists it.
    pub(crate) fn example() -> Self {
        let mut seed = Self::new("512", [("name", "Example Partner Client"), ("domain", "client.example")], false);
        seed.properties.push(("description".to_owned(), None));
        seed
    }

    fn plant(self, at: Time) -> Result<Object, Box<dyn Error + Send + Sync>> {
        let (mut created, mut modified, mut values) = (None, None, Vec::with_capacity(self.properties.len()));
        for (name, value) in self.properties {
            let computed = match (name.as_str(), &value) {
                (CREATED, Some(value)) => time(value).map(|time| created = Some(time)),
                (MODIFIED, Some(value)) => time(value).map(|time| modified = Some(time)),
                (OBJECT_ID, Some(value)) if *value != self.id => Err("is not its id"),
                (OBJECT_ID, Some(_)) => Ok(()),
                (CREATED | MODIFIED | OBJECT_ID, None) => Err("is never null"),
                _ => {
                    values.push((name, value));
                    continue;
                }
            };
            computed.map_err(|problem| format!("{name} of partner client `{}` {problem}", self.id))?;
        }
        let created_at = created.unwrap_or_else(|| modified.map_or(at, |modified| modified.min(at)));
        let updated_at = modified.unwrap_or(created_at);
        let mut object = Object::new(Id::new(self.id), created_at, updated_at);
        object.archived_at = self.archived.then_some(updated_at);
        for (name, value) in values {
            object.set(name, value, created_at, Source::Seed);
        }
        Ok(object)
    }
}

fn time(value: &str) -> Result<Time, &'static str> {
    Time::from_request(value).ok_or("is neither a time in ISO 8601 nor milliseconds since 1970")
}

/// The partner clients of a simulator that starts now, which is when they were created unless they say otherwise: like
/// those of an import, they share a millisecond.
pub(crate) fn partner_clients(seeds: Vec<Seed>) -> Result<Store, Box<dyn Error + Send + Sync>> {
    let now = Time::now();
    let objects = seeds.into_iter().map(|seed| seed.plant(now));
    Ok(Store::new(objects.collect::<Result<_, _>>()?))
}

/// Adds one object of each other type and one association type to each.
pub(crate) fn plant_defaults(state: &mut State) -> Result<(), NotFound> {
    for (object_type, id, association_type_id, association_type) in [
        ("companies", "9001", 1001, "partner_client_to_company"),
        ("contacts", "301", 1002, "partner_client_to_contact"),
        ("deals", "701", 1003, "partner_client_to_deal"),
        ("tickets", "801", 1004, "partner_client_to_ticket"),
    ] {
        state.insert_target(object_type, id)?;
        state.insert_association_type(object_type, association_type_id, association_type)?;
    }
    Ok(())
}
