//! Persisted form of plans.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{plan::NotPersisted, types::is_exact};
use crate::{
    api_version::ApiVersion,
    association::Association,
    associations::{
        reconcile::plan::Plan,
        resolve::{in_v3, known_category},
    },
    error::excerpt::excerpt,
    ids::{AssociationType, ObjectType, PartnerClientId},
};

const FORMAT: &str = "hubspot-partner-clients plan 2";

/// A plan with the name of its format. Nothing in it may be missing by mistake, so there are few defaults.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Persisted {
    format: String,
    server: String,
    api_version: ApiVersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    to_object_type: ObjectType,
    only_types: Vec<AssociationType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unlabeled_types: Vec<AssociationType>,
    partner_clients: Vec<PartnerClientId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<PartnerClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_removals: Option<u64>,
    add: Vec<Association>,
    remove: Vec<Association>,
    keep: Vec<Association>,
    /// Said for people; it is counted anew.
    #[serde(default)]
    unchanged: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside_labels: Vec<Association>,
}

impl From<Plan> for Persisted {
    fn from(plan: Plan) -> Self {
        Self {
            format: FORMAT.to_owned(),
            server: plan.server,
            api_version: plan.api_version,
            account: plan.account,
            to_object_type: plan.to_object_type,
            only_types: plan.only_types,
            unlabeled_types: plan.unlabeled_types,
            partner_clients: plan.partner_clients,
            unknown: plan.unknown,
            max_removals: plan.max_removals,
            unchanged: plan.keep.len() as u64,
            add: plan.add,
            remove: plan.remove,
            keep: plan.keep,
            beside_labels: plan.beside_labels,
        }
    }
}

/// The format comes first: of another one, nothing else is understood.
impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.get("format").and_then(Value::as_str) {
            Some(FORMAT) => {
                Persisted::deserialize(value).map_err(D::Error::custom)?.try_into().map_err(D::Error::custom)
            }
            Some(other) => {
                let format = excerpt(other, 64);
                let trouble = format!("the format is {format:?}, and this version of the crate knows {FORMAT:?}");
                Err(D::Error::custom(format!("{trouble}: make a new plan")))
            }
            None => Err(D::Error::missing_field("format")),
        }
    }
}

impl TryFrom<Persisted> for Plan {
    type Error = String;

    fn try_from(persisted: Persisted) -> Result<Self, String> {
        let version = persisted.api_version;
        let [add, remove, keep, beside_labels] =
            [persisted.add, persisted.remove, persisted.keep, persisted.beside_labels].map(|c| canonical(c, version));
        let (add, remove, keep, beside_labels) = (add?, remove?, keep?, beside_labels?);
        let spelt =
            |types: Vec<AssociationType>| types.iter().map(|t| spelt(t, version)).collect::<Result<Vec<_>, _>>();
        let (only_types, unlabeled_types) = (spelt(persisted.only_types)?, spelt(persisted.unlabeled_types)?);
        let partner_clients: HashSet<_> = persisted.partner_clients.iter().collect();
        let mut seen = HashSet::new();
        for change in add.iter().chain(&remove).chain(&keep) {
            let trouble = if !partner_clients.contains(&change.partner_client_id) {
                "is for a partner client that is not among partnerClients"
            } else if change.to_object_type != persisted.to_object_type {
                "has another object type than toObjectType"
            } else if !only_types.is_empty() && !only_types.contains(&change.association_type) {
                "has a type that is not among onlyTypes"
            } else if !seen.insert(change) {
                "occurs twice"
            } else {
                continue;
            };
            return Err(format!("{change} {trouble}"));
        }
        Ok(Self {
            server: persisted.server,
            api_version: persisted.api_version,
            account: persisted.account,
            to_object_type: persisted.to_object_type,
            only_types,
            unlabeled_types,
            partner_clients: persisted.partner_clients,
            unknown: persisted.unknown,
            max_removals: persisted.max_removals,
            add,
            remove,
            unchanged: keep.len() as u64,
            keep,
            beside_labels,
            options: NotPersisted::default(),
        })
    }
}

/// As a plan has them, whatever a person has made of them: sorted, and the case of a type does not matter.
fn canonical(mut changes: Vec<Association>, version: ApiVersion) -> Result<Vec<Association>, String> {
    for change in &mut changes {
        change.association_type = spelt(&change.association_type, version)?;
    }
    changes.sort_unstable();
    Ok(changes)
}

/// HubSpot's names on v3 are in lower case here, and numbers without a category; the categories of dated versions are as
/// HubSpot writes them.
fn spelt(association_type: &AssociationType, version: ApiVersion) -> Result<AssociationType, String> {
    let text = association_type.as_str();
    let spelt = match text.split_once(':') {
        _ if !version.is_dated() => AssociationType::new(text.to_lowercase()).and_then(in_v3),
        Some((category, number)) if is_exact(text) => {
            AssociationType::new(format!("{}:{number}", known_category(category).unwrap_or(category)))
        }
        _ => Ok(association_type.clone()),
    };
    spelt.map_err(|error| error.to_string())
}
