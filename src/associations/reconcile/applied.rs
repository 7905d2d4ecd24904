//! Result of applying a plan.

use std::collections::HashSet;

use crate::{association::Association, associations::reconcile::plan::Plan, error::Error};

/// Result of applying a [`Plan`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Applied {
    /// How many associations were made.
    pub added: u64,
    /// How many associations were removed.
    pub removed: u64,
    /// Changes that were already in place, for example because part of the plan was carried out before.
    pub already_done: Vec<Association>,
    /// Additions that failed or whose outcome is unknown.
    pub failed_additions: Vec<FailedChange>,
    /// Removals that failed or whose outcome is unknown.
    pub failed_removals: Vec<FailedChange>,
    /// Removals that were not sent, because not all additions of the same partner client succeeded.
    pub held_back: Vec<Association>,
    /// Changes that have no outcome, because the run was [stopped](super::Apply::run_until) or its
    /// [journal](super::Apply::journal) could not be written. Those whose request was under way may have been carried out,
    /// and [`changed`](Self::changed) leaves out the others.
    pub unsettled: Vec<Association>,
    /// Why the [journal](super::Apply::journal) could not be written. Outcomes from just before may be missing in it,
    /// and nothing was sent after it.
    pub journal_error: Option<Error>,
    /// The unsettled changes that were certainly not made.
    pub(super) left: Vec<Association>,
}

/// A change that failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailedChange {
    /// The association that was to be added or removed.
    pub association: Association,
    /// Why the change failed.
    pub error: Error,
}

impl Applied {
    /// Notes unsettled changes that were certainly not made.
    pub(super) fn leave<'a>(&mut self, changes: impl IntoIterator<Item = &'a Association>) {
        for change in changes {
            self.unsettled.push(change.clone());
            self.left.push(change.clone());
        }
    }

    /// Whether everything is as the plan says.
    pub fn is_complete(&self) -> bool {
        self.failures().next().is_none() && self.held_back.is_empty() && self.unsettled.is_empty()
    }

    /// The failed additions, then the failed removals.
    pub fn failures(&self) -> impl Iterator<Item = &FailedChange> {
        self.failed_additions.iter().chain(&self.failed_removals)
    }

    /// Like [`Plan::undo`], without changes that were certainly not made.
    pub fn undo(&self, plan: &Plan) -> Plan {
        self.changed(plan).undo()
    }

    /// The plan without changes that were certainly not made: what was, or may have been, carried out.
    pub fn changed(&self, plan: &Plan) -> Plan {
        let changes = |failed: &'_ [FailedChange]| -> HashSet<Association> {
            let undone = failed.iter().filter(|failed| failed.error.changed_nothing());
            undone.map(|failed| failed.association.clone()).collect()
        };
        let not_added = changes(&self.failed_additions);
        let mut not_removed = changes(&self.failed_removals);
        not_removed.extend(self.held_back.iter().cloned());
        let left: HashSet<_> = self.left.iter().collect();
        let mut changed = plan.clone();
        changed.add.retain(|change| !not_added.contains(change) && !left.contains(change));
        let kept = changed.remove.extract_if(.., |change| not_removed.contains(change) || left.contains(change));
        changed.keep.extend(kept);
        changed.keep.sort_unstable();
        changed.unchanged = changed.keep.len() as u64;
        changed
    }
}
