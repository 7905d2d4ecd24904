//! A plan beside what is there now.

use std::collections::BTreeSet;

use super::{
    existing::Existing,
    plan::{Pair, pair, pairs},
};
use crate::{
    association::Association,
    associations::reconcile::plan::Plan,
    error::{Error, Result},
};

/// How many differences are named.
const NAMED: usize = 10;

/// Whether a plan is true still. What it changes may be there or not: it may have been carried out in part.
///
/// # Errors
/// One that names what is not as the plan says.
pub(super) fn check(plan: &Plan, existing: &Existing) -> Result<()> {
    let described = |change: &Association, verb| {
        let Association { partner_client_id, to_object_type, to_object_id, association_type } = change;
        format!("partner client {partner_client_id} {verb} {to_object_type} {to_object_id} ({association_type})")
    };
    let is_labeled = |change: &&Association| !plan.is_unlabeled(change);
    let known: BTreeSet<_> = plan.add.iter().chain(&plan.remove).chain(&plan.keep).collect();
    let labeled = pairs(existing.there.iter().chain(known.iter().copied()).filter(is_labeled));
    let is_beside_label =
        |change: &Association| plan.is_unlabeled(change) && labeled.contains::<Pair<'_>>(&pair(change));
    let is_new = |change: &&Association| plan.looks_at(change) && !known.contains(change) && !is_beside_label(change);
    let unknown = existing.unknown.iter().map(|id| format!("partner client {id} no longer exists"));
    let of_known = plan.keep.iter().filter(|change| !existing.unknown.contains(&change.partner_client_id));
    let gone = of_known.filter(|change| !existing.there.contains(change)).map(|change| described(change, "has lost"));
    let new = existing.there.iter().filter(is_new).map(|change| described(change, "now has"));
    let mut differences = unknown.chain(gone).chain(new);
    let mut named: Vec<_> = differences.by_ref().take(NAMED).collect();
    if named.is_empty() {
        return Ok(());
    }
    match differences.count() {
        0 => {}
        more => named.push(format!("and {more} more")),
    }
    let reason = format!("is out of date, and nothing was changed: {}", named.join("; "));
    Err(Error::invalid_input("the plan", None, reason, "make a new plan"))
}
