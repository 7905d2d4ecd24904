//! A simulated HubSpot in which a file can be tried out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io,
};

use hubspot_partner_clients::{
    ObjectId,
    simulator::{AssociationCategory, SimulatorBuilder},
};
use serde::Deserialize;
use serde_json::json;

use super::{input::Input, object_types::OBJECT_TYPES, rows::Rows};
use crate::{failure::Failure, key::PARTNER_CLIENTS, simulated};

const NAME: &str = "name";
const OBJECT_ID: &str = "hs_object_id";
const FIRST_TYPE_ID: u64 = 100_001;
/// The id of the first object that is named by a property, and of the first custom object type that is named.
const FIRST_ID: u64 = 900_000_001;

/// Adds all partner clients, objects, object types and association types of the file. What a simulator has of them without the
/// file stays as it is.
pub(super) async fn seed(builder: SimulatorBuilder, input: &Input) -> Result<SimulatorBuilder, Failure> {
    let mut content = Content::read().await?;
    let mut types = BTreeSet::new();
    let mut rows = Rows::open(input)?;
    while let Ok(true) = rows.advance()? {
        let [partner_client, to_type, to_id, association_type] = rows.values();
        let to_type = content.object_type(to_type);
        let mut has_key = [false; 4];
        for (part, key) in rows.keys() {
            if let Some(has_key) = has_key.get_mut(part) {
                *has_key = true;
            }
            content.add_named(if part == 0 { PARTNER_CLIENTS } else { &to_type }, &key.property, key.value);
        }
        let [has_client_key, _, has_object_key, _] = has_key;
        if !has_client_key {
            content.add(PARTNER_CLIENTS, partner_client);
        }
        if !has_object_key {
            content.add(&to_type, to_id);
        }
        types.insert((Given::new(association_type), to_type));
    }
    for (given, to_type) in types {
        content.add_association_type(&to_type, given);
    }
    Ok(content.added(builder))
}

/// An association type as a row gives it. Those that say most come first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Given {
    Exact(u64, AssociationCategory),
    Number(u64),
    Text(String),
}

impl Given {
    fn new(text: &str) -> Self {
        let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let exact = text.split_once(':').and_then(|(category, id)| {
            let category = serde_json::from_value(json!(category.to_ascii_uppercase())).ok()?;
            Some(Self::Exact(number(id)?, category))
        });
        exact.or_else(|| number(text).map(Self::Number)).unwrap_or_else(|| Self::Text(text.to_lowercase()))
    }
}

/// An object as simulators write it.
#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    object_type: String,
    id: String,
    properties: BTreeMap<String, Option<String>>,
}

/// An association type as simulators write it.
#[derive(Deserialize)]
struct AssociationType {
    from: String,
    to: String,
    id: u64,
    name: String,
    category: AssociationCategory,
    label: Option<String>,
    #[serde(skip)]
    is_new: bool,
}

impl AssociationType {
    fn is(&self, given: &Given) -> bool {
        match given {
            Given::Exact(id, category) => self.id == *id && self.category == *category,
            Given::Number(id) => self.id == *id,
            Given::Text(text) => {
                self.name.eq_ignore_ascii_case(text)
                    || self.label.as_ref().is_some_and(|label| label.to_lowercase() == *text)
            }
        }
    }
}

/// What a simulator has, and what comes to it.
struct Content {
    /// By id, singular and plural.
    object_types: Vec<[String; 3]>,
    /// By type and id.
    objects: HashSet<(String, String)>,
    /// What objects have, by type and property, as searches compare it.
    values: HashSet<(String, String, String)>,
    /// Those from partner clients, by the type of the other objects.
    association_types: HashMap<String, Vec<AssociationType>>,
    new_objects: Vec<Object>,
}

impl Content {
    /// That of a simulator without the file.
    async fn read() -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Export {
            objects: Vec<Object>,
            association_types: Vec<AssociationType>,
        }
        let read = async {
            let simulator = simulated::hubspot().start().await?;
            Ok(serde_json::from_str(&simulator.export_seed()?)?)
        };
        let read: io::Result<Export> = read.await;
        let Export { objects, association_types } =
            read.map_err(|error| Failure::io("the simulator cannot start", &error))?;
        let mut content = Self {
            object_types: OBJECT_TYPES.map(|names| names.map(str::to_owned)).to_vec(),
            objects: HashSet::new(),
            values: HashSet::new(),
            association_types: HashMap::new(),
            new_objects: Vec::new(),
        };
        for Object { object_type, id, properties } in objects {
            let values = properties.into_iter().filter_map(|(name, value)| Some((name, value?.to_lowercase())));
            content.values.extend(values.map(|(name, value)| (object_type.clone(), name, value)));
            content.objects.insert((object_type, id));
        }
        for association_type in association_types.into_iter().filter(|known| known.from == PARTNER_CLIENTS) {
            content.association_types.entry(association_type.to.clone()).or_default().push(association_type);
        }
        Ok(content)
    }

    /// The plural of an object type. One that is not known becomes a custom type.
    fn object_type(&mut self, text: &str) -> String {
        let text = text.to_lowercase();
        if let Some([_, _, plural]) = self.object_types.iter().find(|names| names.contains(&text)) {
            return plural.clone();
        }
        let number = text.strip_prefix("2-").filter(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()));
        let (id, name) = match number {
            Some(number) => (text.clone(), format!("custom_{number}")),
            None => (format!("2-{}", FIRST_ID + self.object_types.len() as u64), text),
        };
        self.object_types.push([id, name.clone(), name.clone()]);
        name
    }

    /// Adds an object of this id.
    fn add(&mut self, object_type: &str, id: &str) {
        let id = ObjectId::new(id).map_or_else(|_| id.to_owned(), |id| id.to_string());
        if !self.objects.insert((object_type.to_owned(), id.clone())) {
            return;
        }
        let name = if object_type == PARTNER_CLIENTS { format!("Client {id}") } else { id.clone() };
        // Rows may name another object so.
        let is_new = self.values.insert((object_type.to_owned(), NAME.to_owned(), name.to_lowercase()));
        let properties = is_new.then(|| (NAME.to_owned(), Some(name))).into_iter().collect();
        self.new_objects.push(Object { object_type: object_type.to_owned(), id, properties });
    }

    /// Adds an object that has this value, unless there is one.
    fn add_named(&mut self, object_type: &str, property: &str, value: &str) {
        if property == OBJECT_ID {
            return self.add(object_type, value);
        }
        let value = value.to_lowercase();
        if !self.values.insert((object_type.to_owned(), property.to_owned(), value.clone())) {
            return;
        }
        let ids = (FIRST_ID + self.new_objects.len() as u64..).map(|id| id.to_string());
        for id in ids {
            if self.objects.insert((object_type.to_owned(), id.clone())) {
                let properties = BTreeMap::from([(property.to_owned(), Some(value))]);
                self.new_objects.push(Object { object_type: object_type.to_owned(), id, properties });
                return;
            }
        }
    }

    /// Adds an association type, unless there is one. The first to objects of a type is the unlabelled one.
    fn add_association_type(&mut self, to_type: &str, given: Given) {
        let names = self.object_types.iter().find(|[_, _, plural]| plural == to_type);
        let singular = names.map_or(to_type, |[_, singular, _]| singular);
        let known = self.association_types.entry(to_type.to_owned()).or_default();
        let new = |id, category, name: String, label| {
            let (from, to) = (PARTNER_CLIENTS.to_owned(), to_type.to_owned());
            AssociationType { from, to, id, name, category, label, is_new: true }
        };
        if known.is_empty() {
            let name = format!("partner_client_to_{singular}");
            known.push(new(FIRST_TYPE_ID, AssociationCategory::HubspotDefined, name, None));
        }
        if known.iter().any(|known| known.is(&given)) {
            return;
        }
        let added = match given {
            Given::Exact(id, category) => new(id, category, String::new(), Some(format!("Label {id}"))),
            Given::Number(id) => new(id, AssociationCategory::UserDefined, id.to_string(), None),
            Given::Text(text) => {
                let mut ids = FIRST_TYPE_ID + known.len() as u64..;
                let id = ids.find(|id| known.iter().all(|known| known.id != *id)).unwrap_or(u64::MAX);
                new(id, AssociationCategory::UserDefined, text, None)
            }
        };
        known.push(added);
    }

    /// The builder with what is new.
    fn added(self, mut builder: SimulatorBuilder) -> SimulatorBuilder {
        for [id, singular, plural] in self.object_types.into_iter().skip(OBJECT_TYPES.len()) {
            builder = builder.custom_object_type(id, singular, plural);
        }
        for Object { object_type, id, properties } in self.new_objects {
            let properties = properties.into_iter().filter_map(|(name, value)| Some((name, value?)));
            builder = builder.object(object_type, id, properties);
        }
        for AssociationType { to, id, name, category, label, .. } in
            self.association_types.into_values().flatten().filter(|association_type| association_type.is_new)
        {
            builder = match label {
                Some(label) => builder.association_label(to, category, id, label),
                None => builder.association_type(to, id, name),
            };
        }
        builder
    }
}
