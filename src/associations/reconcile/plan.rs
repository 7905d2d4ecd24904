//! What has to change, and what that is true of.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
};

use serde::Serialize;

use crate::{
    api_version::ApiVersion,
    association::Association,
    associations::types::label_of_unlabeled,
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId},
    transport::call_options::CallOptions,
};

/// A plan may remove so many without a bound of its own: what one request takes.
const MAX_REMOVALS: u64 = 100;

/// Changes that bring associations in line with a desired list; from [`Reconcile::plan`](super::Reconcile::plan).
///
/// ```no_run
/// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
/// let company = ("companies", "9001");
/// let desired = [(
///     "512",
///     company,
///     "partner_client_to_company",
/// )];
/// let plan = client
///     .reconcile(["512"], "companies", desired)
///     .plan()
///     .await?;
/// println!("{plan}");
/// let applied = plan.apply(&client).await?;
/// println!("{} added", applied.added);
/// # Ok(())
/// # }
/// ```
///
/// It prints as a table. With serde it is persisted and loaded again: an object with the members `format`, `server`, `apiVersion`, `account`,
/// `toObjectType`, `onlyTypes`, `unlabeledTypes`, `partnerClients`, `unknown`, `maxRemovals`, `add`, `remove`, `keep`,
/// `unchanged` and `besideLabels`, where each change is an [`Association`]. A persisted plan holds all that it
/// was true of, so that it can be looked at by a person and applied later; loading refuses one that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "super::persisted::Persisted")]
#[non_exhaustive]
pub struct Plan {
    /// The base URL of the server that the plan was made from. The plan applies to no other.
    pub server: String,
    /// The version of HubSpot's API that the plan was made in. The plan applies in no other, because association types
    /// differ.
    pub api_version: ApiVersion,
    /// The [account](super::Reconcile::account), if it was given.
    pub account: Option<String>,
    /// The type of the other objects.
    pub to_object_type: ObjectType,
    /// The association types that the plan considers; all types if it is empty. A plan knows each type by one text: on
    /// v3 its name, on dated versions its category and number, such as `USER_DEFINED:37`.
    pub only_types: Vec<AssociationType>,
    /// The unlabelled types, which HubSpot lists beside a label; see the [module](super).
    pub unlabeled_types: Vec<AssociationType>,
    /// The partner clients that the plan considers.
    pub partner_clients: Vec<PartnerClientId>,
    /// Partner clients that HubSpot does not know, [left out](super::Reconcile::skip_unknown).
    pub unknown: Vec<PartnerClientId>,
    /// How many associations may be removed, instead of the [default](super::Apply::max_removals).
    pub max_removals: Option<u64>,
    /// Associations that are desired and missing.
    pub add: Vec<Association>,
    /// Associations that exist and are not desired.
    pub remove: Vec<Association>,
    /// Associations that exist and are desired.
    pub keep: Vec<Association>,
    /// How many associations exist and are desired.
    pub unchanged: u64,
    /// What HubSpot lists beside a label, and what is therefore not taken for an association of its own; see the
    /// [module](super).
    pub beside_labels: Vec<Association>,
    pub(super) options: NotPersisted,
}

/// The settings of [`Reconcile`](super::Reconcile), which belong to a process and may hold secrets.
#[derive(Debug, Clone, Default)]
pub(super) struct NotPersisted(pub(super) CallOptions);

/// Plans are the same if they say the same.
impl PartialEq for NotPersisted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for NotPersisted {}

/// How a plan came about.
pub(super) struct Made {
    pub(super) server: String,
    pub(super) api_version: ApiVersion,
    pub(super) account: Option<String>,
    pub(super) to_object_type: ObjectType,
    pub(super) only_types: Vec<AssociationType>,
    pub(super) unlabeled_types: Vec<AssociationType>,
    pub(super) partner_clients: Vec<PartnerClientId>,
    pub(super) unknown: Vec<PartnerClientId>,
    pub(super) options: CallOptions,
}

impl Plan {
    pub(super) fn new(made: Made, there: &BTreeSet<Association>, wanted: BTreeSet<Association>) -> Self {
        let is_looked_at = |change: &Association| looked_at(&made.only_types, change);
        let is_unlabeled = |change: &Association| is_unlabeled(&made.unlabeled_types, change);
        let labeled = pairs(there.iter().filter(|change| !is_unlabeled(change)));
        let stays = |change: &&Association| !is_looked_at(change);
        let labeled_then = pairs(wanted.iter().chain(there.iter().filter(stays)).filter(|c| !is_unlabeled(c)));
        // HubSpot may list it only because of a label that goes.
        let was_beside_label = |change: &Association| {
            is_unlabeled(change) && labeled.contains(&pair(change)) && !labeled_then.contains(&pair(change))
        };
        let is_beside_label = |change: &Association| is_unlabeled(change) && labeled_then.contains(&pair(change));
        let superfluous = there.iter().filter(|change| is_looked_at(change) && !wanted.contains(change));
        let (mut beside_labels, remove): (Vec<_>, Vec<_>) = superfluous.cloned().partition(is_beside_label);
        let (keep, add): (Vec<_>, Vec<_>) =
            wanted.iter().cloned().partition(|change| there.contains(change) && !was_beside_label(change));
        beside_labels.extend(add.iter().filter(|change| there.contains(change)).cloned());
        let Made { server, api_version, account, to_object_type, only_types, .. } = made;
        let Made { unlabeled_types, partner_clients, unknown, options, .. } = made;
        Self {
            server,
            api_version,
            account,
            to_object_type,
            only_types,
            unlabeled_types,
            partner_clients,
            unknown,
            max_removals: None,
            add,
            remove,
            unchanged: keep.len() as u64,
            keep,
            beside_labels,
            options: NotPersisted(options),
        }
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Returns the plan that reverses this one: it adds what this one removes, and removes what this one adds. Persist
    /// it before you apply this plan. It stays right wherever the run ends: a change that was not made is found to be
    /// in place already. [`Applied::undo`](super::Applied::undo) omits such changes.
    ///
    /// Types that HubSpot lists beside a label are removed together with new pairs, unless others have given the pair a
    /// label since. On dated versions, the unlabelled
    /// type that this plan adds to a pair with labels stays, because HubSpot would remove the labels with it.
    pub fn undo(&self) -> Self {
        let before = pairs(self.keep.iter().chain(&self.remove).chain(&self.beside_labels));
        let beside_labels: HashSet<_> = self.beside_labels.iter().collect();
        let (was_listed, mut remove): (BTreeSet<_>, BTreeSet<_>) =
            self.add.iter().cloned().partition(|change| beside_labels.contains(change));
        for new in self.add.iter().filter(|change| !before.contains(&pair(change))) {
            let unlabeled =
                self.unlabeled_types.iter().filter(|t| self.only_types.is_empty() || self.only_types.contains(t));
            remove.extend(unlabeled.map(|t| Association { association_type: t.clone(), ..new.clone() }));
        }
        // There, the labels of the pair would go with it.
        let labeled = pairs(self.keep.iter().chain(&self.remove).filter(|change| !self.is_unlabeled(change)));
        let is_dated = self.api_version.is_dated();
        remove.retain(|change| !(is_dated && self.is_unlabeled(change) && labeled.contains(&pair(change))));
        let keep: BTreeSet<_> = self.keep.iter().cloned().chain(was_listed).collect();
        Self {
            add: self.remove.clone(),
            max_removals: Some(remove.len() as u64),
            remove: remove.into_iter().collect(),
            unchanged: keep.len() as u64,
            keep: keep.into_iter().collect(),
            ..self.clone()
        }
    }

    /// Checks how many the plan removes; see [`Apply::max_removals`](super::Apply::max_removals).
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] if there are too many.
    pub fn check_removals(&self) -> Result<()> {
        self.check_removals_against(self.max_removals)
    }

    pub(super) fn check_removals_against(&self, max: Option<u64>) -> Result<()> {
        let removals = self.remove.len() as u64;
        let before = self.keep.len() + self.remove.len();
        let after = self.keep.len() + self.add.len();
        let reason = match max {
            Some(max) if removals > max => format!("at most {max} may be removed"),
            None if removals > MAX_REMOVALS => format!("at most {MAX_REMOVALS} may be removed without your permission"),
            None if removals > 0 && after < before - before / 2 => {
                "fewer than half would be left, which needs your permission".to_owned()
            }
            _ => return Ok(()),
        };
        let reason = format!("removes {removals} of {before} associations and leaves {after}: {reason}");
        let remedy = format!("check the plan; to allow it, set `max_removals` to {removals}");
        Err(Error::invalid_input("the plan", None, reason, remedy))
    }

    pub(super) fn is_unlabeled(&self, change: &Association) -> bool {
        is_unlabeled(&self.unlabeled_types, change)
    }

    pub(super) fn looks_at(&self, change: &Association) -> bool {
        looked_at(&self.only_types, change)
    }
}

fn looked_at(only: &[AssociationType], change: &Association) -> bool {
    only.is_empty() || only.contains(&change.association_type)
}

pub(super) type Pair<'a> = (&'a PartnerClientId, &'a ObjectId);

pub(super) fn pairs<'a>(changes: impl Iterator<Item = &'a Association>) -> HashSet<Pair<'a>> {
    changes.map(pair).collect()
}

pub(super) fn pair(change: &Association) -> Pair<'_> {
    (&change.partner_client_id, &change.to_object_id)
}

/// v3 may list an association by a type that its list of types lacks.
fn is_unlabeled(unlabeled_types: &[AssociationType], change: &Association) -> bool {
    let association_type = &change.association_type;
    unlabeled_types.contains(association_type) || label_of_unlabeled(association_type.as_str()).is_some()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["", "partner client", self.to_object_type.as_str(), "association type"];
        let row = |sign, change: &'_ Association| {
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
        if !self.unknown.is_empty() {
            let unknown: Vec<_> = self.unknown.iter().map(PartnerClientId::as_str).collect();
            writeln!(f, "left out because HubSpot does not know them: {}", unknown.join(", "))?;
        }
        write!(f, "{} to add, {} to remove, {} unchanged", self.add.len(), self.remove.len(), self.unchanged)
    }
}
