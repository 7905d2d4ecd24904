//! What an account holds when a simulator starts, as tests and seed files describe it.

use std::{collections::BTreeMap, error::Error};

use serde::{Deserialize, Serialize};

use crate::crm::{
    association_type::{AssociationCategory, Definition, TypeKey},
    not_found::NotFound,
    object::Object,
    object_type::ObjectType,
    object_types::ObjectTypes,
    rules::{Required, Rules, TimeKind},
    seed::{self, Seed},
    state::{End, State, UnlabeledCompanions},
};

pub(crate) const PARTNER_CLIENTS: &str = "partner_clients";

/// What an account holds when a simulator starts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) object_types: Vec<CustomType>,
    pub(crate) objects: Vec<Seed>,
    pub(crate) association_types: Vec<AssociationType>,
    pub(crate) associations: Vec<Association>,
    pub(crate) rules: Vec<Rule>,
    /// By a name of the object type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) default_properties: BTreeMap<String, Vec<String>>,
    /// Partner clients and properties that they have without a value.
    #[serde(skip)]
    pub(crate) null_properties: Vec<(String, String)>,
}

/// A custom object type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomType {
    pub(crate) id: String,
    pub(crate) singular: String,
    pub(crate) plural: String,
}

/// An association type. Without a category it is HubSpot's unlabelled one if it is the first of its pair, and a user's
/// with its name as the label otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssociationType {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) id: u64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) category: Option<AssociationCategory>,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) inverse_id: Option<u64>,
}

/// An association, whose type goes by its id, its name, or category and id: `USER_DEFINED:36`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Association {
    pub(crate) from_type: String,
    pub(crate) from_id: String,
    pub(crate) to_type: String,
    pub(crate) to_id: String,
    #[serde(rename = "type")]
    pub(crate) association_type: String,
}

/// What the account demands of a property.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "type")]
    pub(crate) object_type: String,
    pub(crate) property: String,
    pub(crate) is: RuleKind,
    /// The property and the value because of which this one is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<(String, String)>,
}

/// The kinds of demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuleKind {
    Date,
    Datetime,
    Required,
    Unique,
}

type Failed = Box<dyn Error + Send + Sync>;

impl Account {
    /// The objects and association types to start with unless a test does without; the table in the crate's
    /// documentation lists them.
    pub(crate) fn example() -> Self {
        let types = seed::DEFAULT_TYPES.into_iter().map(|(from, to, id, inverse)| AssociationType {
            from: from.to_owned(),
            to: to.to_owned(),
            id,
            name: String::new(),
            category: Some(AssociationCategory::HubspotDefined),
            label: None,
            inverse_id: Some(inverse),
        });
        Self { objects: seed::default_objects(), association_types: types.collect(), ..Self::default() }
    }

    /// Reads a seed file.
    pub(crate) fn read(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Adds everything of another account; where both name the same, the other one counts.
    pub(crate) fn extend(&mut self, other: Self) {
        self.object_types.extend(other.object_types);
        self.objects.extend(other.objects);
        self.association_types.extend(other.association_types);
        self.associations.extend(other.associations);
        self.rules.extend(other.rules);
        self.default_properties.extend(other.default_properties);
        self.null_properties.extend(other.null_properties);
    }

    /// The CRM of this account, now.
    pub(crate) fn into_state(self, id: u64, companions: UnlabeledCompanions) -> Result<State, Failed> {
        let mut types = ObjectTypes::of(id);
        for CustomType { id, singular, plural } in &self.object_types {
            types.add_custom(id, singular, plural)?;
        }
        for (name, properties) in self.default_properties {
            types.set_default_properties(&name, properties)?;
        }
        let stores = seed::stores(&types, self.objects)?;
        let rules = rules(&types, self.rules)?;
        let mut state = State::new(types, stores, rules, companions);
        let partner_clients = state.types.infer(PARTNER_CLIENTS)?;
        for (id, name) in self.null_properties {
            if partner_clients.times().is_computed(&name) {
                return Err(format!("{name} of partner client `{id}` is never null").into());
            }
            let store = state.store_mut(&partner_clients);
            let row = store.row(&id).ok_or(NotFound::Object { object_type: partner_clients.clone(), id })?;
            store.set_null(row, name);
        }
        for association_type in self.association_types {
            association_type.plant(&mut state)?;
        }
        for association in &self.associations {
            association.plant(&mut state)?;
        }
        Ok(state)
    }

    /// What a CRM holds, so that a simulator that starts with it holds the same.
    pub(crate) fn of(state: &State) -> Self {
        let mut account = Self { rules: exported_rules(&state.rules), ..Self::default() };
        let types = state.types.all();
        for object_type in types {
            if let Some((id, singular, plural)) = object_type.custom() {
                account.object_types.push(CustomType { id, singular, plural });
            }
            if let Some(properties) = object_type.changed_defaults() {
                account.default_properties.insert(object_type.plural().to_owned(), properties.to_vec());
            }
            let store = state.store(object_type);
            for object in store.all() {
                account.objects.push(exported(object_type, object));
            }
            // Each pair of types once.
            for to in types.iter().filter(|to| to.place() <= object_type.place()) {
                let definitions = state.association_types.between(object_type, to);
                account.association_types.extend(definitions.map(|one| AssociationType::of(object_type, to, one)));
                for object in store.all() {
                    let associations = state.associations(object_type, object, to, None);
                    account.associations.extend(associations.map(|(id, definition)| Association {
                        from_type: object_type.plural().to_owned(),
                        from_id: object.id.as_str().to_owned(),
                        to_type: to.plural().to_owned(),
                        to_id: id.to_owned(),
                        association_type: definition.key.to_string().replace('=', ":"),
                    }));
                }
            }
        }
        account
    }
}

fn rules(types: &ObjectTypes, given: Vec<Rule>) -> Result<Rules, NotFound> {
    let mut rules = Rules::default();
    for Rule { object_type, property, is, when } in given {
        let object_type = types.infer(&object_type)?;
        match is {
            RuleKind::Date => rules.set_time(object_type, property, TimeKind::Date),
            RuleKind::Datetime => rules.set_time(object_type, property, TimeKind::DateTime),
            RuleKind::Unique => rules.set_unique(object_type, property),
            RuleKind::Required => rules.require(object_type, Required { property, when }),
        }
    }
    Ok(rules)
}

fn exported_rules(rules: &Rules) -> Vec<Rule> {
    let times = rules.times().map(|(object_type, property, kind)| Rule {
        object_type: object_type.plural().to_owned(),
        property: property.to_owned(),
        is: if kind == TimeKind::Date { RuleKind::Date } else { RuleKind::Datetime },
        when: None,
    });
    let required = rules.required().map(|(object_type, required)| Rule {
        object_type: object_type.plural().to_owned(),
        property: required.property.clone(),
        is: RuleKind::Required,
        when: required.when.clone(),
    });
    let unique = rules.unique().map(|(object_type, property)| Rule {
        object_type: object_type.plural().to_owned(),
        property: property.to_owned(),
        is: RuleKind::Unique,
        when: None,
    });
    times.chain(required).chain(unique).collect()
}

fn exported(object_type: &ObjectType, object: &Object) -> Seed {
    let property = |name: &str| (name.to_owned(), object.text(name).map(|text| text.into_owned()));
    let properties: BTreeMap<_, _> = object.names().map(property).collect();
    Seed {
        object_type: object_type.plural().to_owned(),
        id: object.id.as_str().to_owned(),
        properties: properties.into_iter().collect(),
        archived: object.archived_at.is_some(),
    }
}

impl AssociationType {
    fn of(from: &ObjectType, to: &ObjectType, definition: &Definition) -> Self {
        Self {
            from: from.plural().to_owned(),
            to: to.plural().to_owned(),
            id: definition.key.id,
            name: definition.name.clone(),
            category: Some(definition.key.category),
            label: definition.label.clone(),
            inverse_id: Some(definition.inverse.id),
        }
    }

    fn plant(self, state: &mut State) -> Result<(), NotFound> {
        let (from, to) = (state.types.infer(&self.from)?, state.types.infer(&self.to)?);
        let name = match self.name {
            name if name.is_empty() => format!("{}_to_{}", from.singular(), to.singular()),
            name => name,
        };
        match self.category {
            None => state.association_types.insert_named((&from, &to), self.id, &name),
            Some(category) => {
                let key = TypeKey { id: self.id, category };
                state.association_types.insert((&from, &to), key, self.label, &name, self.inverse_id);
            }
        }
        Ok(())
    }
}

impl Association {
    fn plant(&self, state: &mut State) -> Result<(), NotFound> {
        let (from, to) = (state.types.infer(&self.from_type)?, state.types.infer(&self.to_type)?);
        let (from, to) = (End::new(&from, &self.from_id), End::new(&to, &self.to_id));
        let key = self.association_type.split_once(':').and_then(|(category, id)| {
            let category = AssociationCategory::ALL.into_iter().find(|known| known.as_str() == category)?;
            Some(TypeKey { id: id.parse().ok()?, category })
        });
        match key {
            Some(key) => state.restore(from, to, key),
            None => state.associate(from, to, &self.association_type),
        }
    }
}
