//! What a simulator holds when it starts.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::crm::{
    computed::{OBJECT_ID, Times},
    object::{Id, Object, Source},
    object_types::ObjectTypes,
    store::Store,
    time::Time,
};

/// Names and values; `None` for a property that is known but has no value.
pub(crate) type Properties = Vec<(String, Option<String>)>;

/// An object to start with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    /// By any of its names.
    #[serde(rename = "type")]
    pub(crate) object_type: String,
    pub(crate) id: String,
    #[serde(default, with = "as_map")]
    pub(crate) properties: Properties,
    #[serde(default)]
    pub(crate) archived: bool,
}

impl Seed {
    pub(crate) fn new<K, V>(
        object_type: impl Into<String>,
        id: impl Into<String>,
        properties: impl IntoIterator<Item = (K, V)>,
        archived: bool,
    ) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let properties = properties.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
        Self { object_type: object_type.into(), id: id.into(), properties, archived }
    }

    /// Its type in an error, by the name that it was given.
    fn kind(&self) -> String {
        match self.object_type.as_str() {
            "partner_clients" => "partner client".to_owned(),
            other => other.to_owned(),
        }
    }

    fn plant(self, times: Times, at: Time) -> Result<Object, Box<dyn Error + Send + Sync>> {
        let kind = self.kind();
        let (mut created, mut modified, mut values) = (None, None, Vec::with_capacity(self.properties.len()));
        for (name, value) in self.properties {
            let computed = match (name.as_str(), &value) {
                (name, Some(value)) if name == times.created => time(value).map(|time| created = Some(time)),
                (name, Some(value)) if name == times.modified => time(value).map(|time| modified = Some(time)),
                (OBJECT_ID, Some(value)) if *value != self.id => Err("is not its id"),
                (OBJECT_ID, Some(_)) => Ok(()),
                (name, None) if times.is_computed(name) => Err("is never null"),
                _ => {
                    values.push((name, value));
                    continue;
                }
            };
            computed.map_err(|problem| format!("{name} of {} `{}` {problem}", kind, self.id))?;
        }
        let created_at = created.unwrap_or_else(|| modified.map_or(at, |modified| modified.min(at)));
        let updated_at = modified.unwrap_or(created_at);
        let mut object = Object::new(Id::new(self.id), times, created_at, updated_at);
        object.archived_at = self.archived.then_some(updated_at);
        for (name, value) in values {
            object.set(name, value, created_at, Source::Seed);
        }
        Ok(object)
    }
}

fn time(value: &str) -> Result<Time, &'static str> {
    Time::from_request(value).ok_or("is neither a time in ISO 8601 nor milliseconds since 1970, of the years 0 to 9999")
}

/// The objects of a simulator that starts now, by the place of their type. Now is when they were created unless they
/// say otherwise: like those of an import, they share a millisecond.
pub(crate) fn stores(types: &ObjectTypes, seeds: Vec<Seed>) -> Result<Vec<Store>, Box<dyn Error + Send + Sync>> {
    let now = Time::now();
    let mut objects: Vec<Vec<Object>> = types.all().iter().map(|_| Vec::new()).collect();
    for seed in seeds {
        let object_type = types.infer(&seed.object_type)?;
        if let Some(objects) = objects.get_mut(object_type.place()) {
            objects.push(seed.plant(object_type.times(), now)?);
        }
    }
    Ok(types.all().iter().zip(objects).map(|(object_type, objects)| Store::new(object_type.times(), objects)).collect())
}

/// The objects to start with unless a test does without; the table in the crate's documentation lists them.
pub(crate) fn default_objects() -> Vec<Seed> {
    let mut client =
        Seed::new("partner_clients", "512", [("name", "Example Partner Client"), ("domain", "client.example")], false);
    client.properties.push(("description".to_owned(), None));
    vec![
        client,
        Seed::new("companies", "9001", [("name", "Example Company"), ("domain", "company.example")], false),
        Seed::new(
            "contacts",
            "301",
            [("firstname", "Erika"), ("lastname", "Example"), ("email", "erika@contact.example")],
            false,
        ),
        Seed::new("deals", "701", [("dealname", "Example Deal"), ("amount", "1000")], false),
        Seed::new("tickets", "801", [("subject", "Example Ticket"), ("content", "It does not work.")], false),
    ]
}

/// The unlabelled association types to start with: from, to, id, id of the inverse. HubSpot publishes those between its
/// other objects and none of partner clients, so these are the simulator's own.
pub(crate) const DEFAULT_TYPES: [(&str, &str, u64, u64); 12] = [
    ("partner_clients", "companies", 1001, 2001),
    ("partner_clients", "contacts", 1002, 2002),
    ("partner_clients", "deals", 1003, 2003),
    ("partner_clients", "tickets", 1004, 2004),
    ("contacts", "companies", 279, 280),
    ("contacts", "deals", 4, 3),
    ("contacts", "tickets", 15, 16),
    ("companies", "deals", 342, 341),
    ("companies", "tickets", 340, 339),
    ("deals", "tickets", 27, 28),
    ("deals", "line_items", 19, 20),
    ("contacts", "contacts", 449, 449),
];

/// Properties as a JSON object.
mod as_map {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Properties;

    pub(super) fn serialize<S: Serializer>(properties: &Properties, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(properties.iter().map(|(name, value)| (name, value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Properties, D::Error> {
        Ok(BTreeMap::<String, Option<String>>::deserialize(deserializer)?.into_iter().collect())
    }
}
