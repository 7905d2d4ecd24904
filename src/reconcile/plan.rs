//! What has to change, shown and done.

use std::{collections::BTreeSet, fmt};

use futures_util::StreamExt;
use serde::Serialize;

use super::Key;
use crate::{
    AssociationType, Client, ObjectId, ObjectType, PartnerClientId, Result,
    bulk::{Association, Outcome},
};

/// What has to change for the associations of partner clients to be as desired; from
/// [`Reconcile::plan`](super::Reconcile::plan).
///
/// It prints as a table, and serialises as `{"toObjectType", "add", "remove", "unchanged"}`, each change as
/// `{"partnerClientId", "toObjectId", "associationType"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// The type of the other objects.
    pub to_object_type: ObjectType,
    /// Associations that are desired and not there.
    pub add: Vec<PlannedChange>,
    /// Associations that are there and not desired.
    pub remove: Vec<PlannedChange>,
    /// How many are there and desired.
    pub unchanged: u64,
}

/// An association to be added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlannedChange {
    /// The partner client.
    pub partner_client_id: PartnerClientId,
    /// The other object.
    pub to_object_id: ObjectId,
    /// The association type, by its name in lower case.
    pub association_type: AssociationType,
}

/// What became of a [`Plan`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Applied {
    /// How many associations were made.
    pub added: u64,
    /// How many associations were removed.
    pub removed: u64,
    /// The changes that failed, each with its error; [`Outcome::index`] counts in [`Plan::add`] or [`Plan::remove`].
    pub failed: Vec<Outcome>,
}

impl Plan {
    pub(super) fn new(to_object_type: ObjectType, there: &BTreeSet<Key>, wanted: &BTreeSet<Key>) -> Result<Self> {
        let changes = |some: &BTreeSet<Key>, others: &BTreeSet<Key>| {
            let change = |Key(partner_client, to_object, name): &Key| {
                Ok(PlannedChange {
                    partner_client_id: partner_client.clone(),
                    to_object_id: to_object.clone(),
                    association_type: AssociationType::try_from(name.as_str())?,
                })
            };
            some.difference(others).map(change).collect::<Result<_>>()
        };
        Ok(Self {
            to_object_type,
            add: changes(wanted, there)?,
            remove: changes(there, wanted)?,
            unchanged: there.intersection(wanted).count() as u64,
        })
    }

    /// Whether everything is as desired.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Makes what is to be added, then removes what is to be removed, in batches; see
    /// [`Client::associate_many`]. Applying it again changes nothing.
    ///
    /// What fails is told for each change; the others are carried out all the same. If an addition fails, removals go on.
    pub async fn apply(&self, client: &Client) -> Applied {
        let inputs =
            |changes: &[PlannedChange]| -> Vec<_> { changes.iter().map(|c| c.input(&self.to_object_type)).collect() };
        let mut applied = Applied::default();
        let mut added = client.associate_many(inputs(&self.add)).outcomes();
        while let Some(outcome) = added.next().await {
            applied.note(outcome, |applied| &mut applied.added);
        }
        let mut removed = client.dissociate_many(inputs(&self.remove)).outcomes();
        while let Some(outcome) = removed.next().await {
            applied.note(outcome, |applied| &mut applied.removed);
        }
        applied
    }
}

impl Applied {
    fn note(&mut self, outcome: Outcome, count: impl FnOnce(&mut Self) -> &mut u64) {
        match outcome.result {
            Ok(()) => *count(self) += 1,
            Err(_) => self.failed.push(outcome),
        }
    }
}

impl PlannedChange {
    fn input(&self, to_object_type: &ObjectType) -> Association {
        let Self { partner_client_id, to_object_id, association_type } = self.clone();
        Association::new(partner_client_id, to_object_type.clone(), to_object_id, association_type)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["", "partner client", self.to_object_type.as_str(), "association type"];
        let row = |sign, change: &'_ PlannedChange| {
            [sign, change.partner_client_id.as_str(), change.to_object_id.as_str(), change.association_type.as_str()]
                .map(str::to_owned)
        };
        let changes = self.add.iter().map(|c| row("+", c)).chain(self.remove.iter().map(|c| row("-", c)));
        let rows: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(changes).collect();
        let width =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let [sign, client, object] = [width(0), width(1), width(2)].map(Option::unwrap_or_default);
        if !self.is_empty() {
            for [a, b, c, d] in &rows {
                writeln!(f, "{a:sign$} {b:client$}  {c:object$}  {d}")?;
            }
        }
        write!(f, "{} to add, {} to remove, {} unchanged", self.add.len(), self.remove.len(), self.unchanged)
    }
}
