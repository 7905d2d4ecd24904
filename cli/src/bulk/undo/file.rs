//! The undo file of a run: what the run may have made or removed, and in which account.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use hubspot_partner_clients::{
    Association, AssociationType, Error, ObjectId, PartnerClientId,
    reconcile::{Applied, Plan},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    account,
    bulk::{
        change::Change,
        existing::{Existing, Types},
        rows::Rows,
    },
    command_line,
    failure::Failure,
    input_file,
    output_file::Held,
    printable::printable,
};

const FORMAT: &str = "hubspot-partner-clients undo 1";
pub(in crate::bulk) const RECONCILE: &str = "reconcile";

/// Names a run by what it does and the digest of what it was given.
pub(in crate::bulk) fn named(verb: &str, digest: &str) -> String {
    format!("{verb} sha256:{digest}")
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::bulk) struct UndoFile {
    format: String,
    /// What the run did, and the digest of what it was given.
    run: String,
    /// What the run may change, for each type of the other objects: `add` it makes, and `remove` it removes.
    plans: Vec<Plan>,
    /// What of that it certainly did not change.
    #[serde(default)]
    unchanged: Vec<Association>,
}

/// The undo file of a run that begins.
pub(in crate::bulk) struct Begun {
    path: PathBuf,
    /// Until the run ends, nobody else takes up or reverses what it does.
    held: Held,
    file: UndoFile,
    /// That of earlier runs, as it was.
    earlier: Option<UndoFile>,
    /// What an earlier run may have changed, whatever this one does.
    carried: HashSet<Association>,
}

impl Begun {
    /// Has a run add to the file of earlier ones if that is there. The plans are from what HubSpot has now. Nothing is written.
    ///
    /// # Errors
    /// For a file of another run, or of what may be another account, and for one that is in use.
    pub(in crate::bulk) fn new(path: &Path, run: String, plans: Vec<Plan>) -> Result<Self, Failure> {
        let held = Held::new("--undo", path)?;
        let path = path.to_owned();
        if !path.exists() {
            let file = UndoFile { format: FORMAT.to_owned(), run, plans, unchanged: Vec::new() };
            return Ok(Self { path, held, file, earlier: None, carried: HashSet::new() });
        }
        let of = |plans: &[Plan]| -> BTreeSet<_> {
            plans.iter().map(|plan| (plan.server.clone(), plan.api_version.to_string(), plan.account.clone())).collect()
        };
        let of_another = || {
            let message = format!("{} already exists and is not the undo file of this run", path.display());
            Failure::file(message, "Give --undo another path; nothing was changed.")
        };
        let Content::Run(mut file) = read(&path)? else { return Err(of_another()) };
        // Of a run whose types HubSpot did not know there are no plans.
        if file.run != run || (!file.plans.is_empty() && of(&file.plans) != of(&plans)) {
            return Err(of_another());
        }
        if file.plans.iter().any(|plan| plan.account.is_none()) {
            return Err(account::may_be_another(&path));
        }
        let earlier = Some(file.clone());
        let carried = file.take_up(plans);
        Ok(Self { path, held, file, earlier, carried })
    }

    pub(in crate::bulk) fn write(&mut self) -> Result<(), Failure> {
        self.held.write(&self.file)
    }

    /// Notes what is certainly not so as a plan has it, and what this run at least did not change. Without that the file is right
    /// as well.
    pub(in crate::bulk) fn end(
        mut self,
        undone: impl IntoIterator<Item = Association>,
        not_by_this_run: impl IntoIterator<Item = Association>,
    ) {
        let carried = &self.carried;
        let unchanged = not_by_this_run.into_iter().filter(|change| !carried.contains(change));
        self.file.unchanged = undone.into_iter().chain(unchanged).collect::<BTreeSet<_>>().into_iter().collect();
        let _ = self.write();
    }

    /// Leaves the file as it was before a run that changed nothing.
    pub(in crate::bulk) fn give_up(mut self) {
        match self.earlier {
            Some(earlier) => drop(self.held.write(&earlier)),
            None => drop(fs::remove_file(&self.path)),
        }
    }
}

impl UndoFile {
    /// Leaves in the plans what the run may have changed.
    fn settle(&mut self) {
        let unchanged: HashSet<_> = self.unchanged.drain(..).collect();
        for plan in &mut self.plans {
            plan.add.retain(|change| !unchanged.contains(change));
            let kept = plan.remove.extract_if(.., |change| unchanged.contains(change));
            plan.keep.extend(kept);
            plan.keep.sort_unstable();
        }
    }

    /// Takes up a later run of the same rows, and returns what only an earlier one may have changed.
    fn take_up(&mut self, mut later: Vec<Plan>) -> HashSet<Association> {
        self.settle();
        let mut carried = HashSet::new();
        for earlier in &mut self.plans {
            match later.iter().position(|later| later.to_object_type == earlier.to_object_type) {
                Some(found) => merge(earlier, later.swap_remove(found), &mut carried),
                None => carried.extend(earlier.add.iter().chain(&earlier.remove).cloned()),
            }
        }
        self.plans.append(&mut later);
        carried
    }

    /// The undo file of a run that has ended.
    pub(super) fn of_ended(path: &Path) -> Result<Self, Failure> {
        match read(path)? {
            Content::Run(mut file) => {
                file.settle();
                Ok(file)
            }
            Content::Plan(_) => {
                let given = command_line::quoted(&path.to_string_lossy());
                let remedy = format!("To carry it out, use reconcile --plan {given} --apply; nothing was changed.");
                let path = path.display();
                Err(Failure::file(format!("{path} is a plan and not an undo file"), remedy))
            }
        }
    }

    /// The plans that reverse what was changed.
    pub(super) fn reversals(&self) -> Vec<Plan> {
        self.plans.iter().map(Plan::undo).collect()
    }

    /// The plan that reverses a run of `reconcile`, which has one plan.
    pub(in crate::bulk) fn into_plan(mut self) -> Option<Plan> {
        self.settle();
        match self.plans.as_slice() {
            [plan] if self.run.starts_with(RECONCILE) => Some(plan.undo()),
            _ => None,
        }
    }

    /// Leaves in the plan of this place what could not be reversed or may not have been, because others may make and remove
    /// the rest from now on.
    pub(super) fn reversed(&mut self, place: usize, applied: &Applied) {
        let Some(plan) = self.plans.get_mut(place) else { return };
        let failed = applied.failures().map(|failed| &failed.association);
        let left: HashSet<_> = failed.chain(&applied.held_back).chain(&applied.unsettled).map(pair).collect();
        let is_left = |change: &Association| left.contains(&pair(change));
        plan.add.retain(is_left);
        plan.remove.retain(is_left);
    }
}

type Pair = (PartnerClientId, ObjectId);

fn pair(change: &Association) -> Pair {
    (change.partner_client_id.clone(), change.to_object_id.clone())
}

/// Makes of two plans the one of both runs. Before them there was what there is now, without what the earlier run made and
/// with what it removed. What it may have changed and is as before, others may have changed since: there the later plan holds.
fn merge(earlier: &mut Plan, mut later: Plan, carried: &mut HashSet<Association>) {
    let there: HashSet<_> = [&later.keep, &later.remove, &later.beside_labels].into_iter().flatten().cloned().collect();
    let missing: HashSet<_> = later.add.iter().filter(|change| !there.contains(change)).cloned().collect();
    let added: HashSet<_> = earlier.add.iter().filter(|change| !missing.contains(change)).cloned().collect();
    let removed: Vec<_> = earlier.remove.iter().filter(|change| !there.contains(change)).cloned().collect();
    let before: HashSet<_> =
        [&earlier.keep, &earlier.remove, &earlier.beside_labels].into_iter().flatten().map(pair).collect();
    let new: HashSet<_> = added.iter().map(pair).filter(|pair| !before.contains(pair)).collect();
    let unlabeled: BTreeSet<_> = earlier.unlabeled_types.drain(..).chain(later.unlabeled_types).collect();
    // HubSpot lists an unlabelled type beside the labels that were made.
    let is_ours = |change: &Association| {
        added.contains(change) || (unlabeled.contains(&change.association_type) && new.contains(&pair(change)))
    };
    later.keep.retain(|change| !is_ours(change));
    later.beside_labels.retain(|change| !is_ours(change));
    let listed = earlier.beside_labels.iter().filter(|change| added.contains(change));
    later.beside_labels.extend(listed.cloned());
    // Of partner clients that are unknown by now.
    let looked_at: HashSet<_> = later.partner_clients.iter().cloned().collect();
    let is_unseen = |change: &Association| !looked_at.contains(&change.partner_client_id);
    later.keep.extend(earlier.keep.drain(..).filter(is_unseen));
    let unseen = earlier.beside_labels.drain(..).filter(|change| is_unseen(change) && !added.contains(change));
    later.beside_labels.extend(unseen);
    carried.extend(added.iter().cloned());
    carried.extend(removed.iter().cloned());
    later.add = union(later.add, added);
    later.remove = union(later.remove, removed);
    later.keep.sort_unstable();
    later.unchanged = later.keep.len() as u64;
    later.beside_labels.sort_unstable();
    let clients: BTreeSet<_> = earlier.partner_clients.drain(..).chain(later.partner_clients).collect();
    later.unknown.retain(|id| !clients.contains(id));
    later.partner_clients = clients.into_iter().collect();
    later.unlabeled_types = unlabeled.into_iter().collect();
    *earlier = later;
}

/// Sorted, as plans have them.
fn union(all: Vec<Association>, more: impl IntoIterator<Item = Association>) -> Vec<Association> {
    all.into_iter().chain(more).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a file holds that --undo or --save-plan wrote.
pub(in crate::bulk) enum Content {
    /// What a run changes.
    Run(UndoFile),
    /// A plan that reverses nothing.
    Plan(Box<Plan>),
}

impl Content {
    /// # Errors
    /// What is wrong with the file.
    pub(in crate::bulk) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        // Editors put a byte order mark in front.
        let json: Value = serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))?;
        if json.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return serde_json::from_value(json).map(Self::Plan);
        }
        serde_json::from_value(json).map(Self::Run)
    }
}

fn read(path: &Path) -> Result<Content, Failure> {
    let text = input_file::read(path, "Give a file that --undo wrote; nothing was changed.")?;
    Content::parse(&text).map_err(|error| {
        let message = format!("{} is not an undo file: {}", path.display(), printable(&error.to_string()));
        Failure::file(message, "Give a file that --undo wrote; nothing was changed.")
    })
}

/// An undo file that is written while a run goes on.
pub(in crate::bulk) struct Recorder {
    begun: Begun,
    types: Types,
    /// Whether labels go with the unlabelled type, on dated versions.
    including_labels: bool,
    /// Whether what stands in a row certainly was not changed.
    rows: HashMap<Association, bool>,
}

impl Recorder {
    /// Writes what the run may change, or takes up the file of an earlier run with the same rows, whose changes it has as well.
    pub(in crate::bulk) fn begin(
        path: &Path,
        change: Change,
        including_labels: bool,
        digest: &str,
        existing: Existing,
    ) -> Result<Self, Failure> {
        let Existing { types, plans } = existing;
        let plans = plans.into_iter().map(|plan| changes(change, including_labels, plan)).collect();
        let mut begun = Begun::new(path, named(change.verb(), digest), plans)?;
        begun.write()?;
        Ok(Self { begun, types, including_labels, rows: HashMap::new() })
    }

    /// Takes the outcome of the row that `rows` stands at. For one from the journal, nothing was sent.
    pub(in crate::bulk) fn add(&mut self, rows: &Rows, result: Result<(), &Error>, is_from_journal: bool) {
        self.record(rows, is_from_journal || result.is_err_and(Error::changed_nothing));
    }

    /// Notes whether the row that `rows` stands at certainly changed nothing.
    pub(in crate::bulk) fn record(&mut self, rows: &Rows, is_unchanged: bool) {
        if let Ok(association) = self.types.association(rows) {
            *self.rows.entry(association).or_insert(true) &= is_unchanged;
        }
    }

    /// Notes what the run did not change.
    pub(in crate::bulk) fn end(self) {
        let mut unchanged: BTreeSet<_> =
            self.rows.iter().filter(|(_, unchanged)| **unchanged).map(|(association, _)| association.clone()).collect();
        for plan in &self.begun.file.plans {
            // Labels that no row has go with the unlabelled type only.
            let goes = |label: &Association, unlabeled: &AssociationType| {
                let mut row = label.clone();
                row.association_type = unlabeled.clone();
                self.rows.get(&row)
            };
            let stays = |label: &Association| {
                let mut rows = plan.unlabeled_types.iter().filter_map(|unlabeled| goes(label, unlabeled)).peekable();
                rows.peek().is_some() && rows.all(|unchanged| *unchanged)
            };
            let labels = plan.remove.iter().filter(|change| !self.rows.contains_key(change));
            unchanged.extend(labels.filter(|label| stays(label)).cloned());
            if self.including_labels && plan.api_version.is_dated() {
                // They may be gone whatever became of rows of their own.
                let unlabeled = &plan.unlabeled_types;
                let is_taken = |label: &Association| {
                    label.to_object_type == plan.to_object_type
                        && !unlabeled.contains(&label.association_type)
                        && unlabeled.iter().any(|unlabeled| goes(label, unlabeled) == Some(&false))
                };
                unchanged.retain(|change| !is_taken(change));
            }
        }
        self.begun.end([], unchanged);
    }
}

/// What a run changes, from a plan to have what its file lists and no more.
fn changes(change: Change, including_labels: bool, mut plan: Plan) -> Plan {
    match change {
        Change::Associate => plan.keep.append(&mut plan.remove),
        Change::Dissociate => {
            let listed: HashSet<_> = plan.keep.iter().chain(&plan.add).cloned().collect();
            let pair = |change: &Association| (change.partner_client_id.clone(), change.to_object_id.clone());
            // Their labels go with them, in dated versions.
            let whole: HashSet<_> = match including_labels && plan.api_version.is_dated() {
                true => listed
                    .iter()
                    .filter(|change| plan.unlabeled_types.contains(&change.association_type))
                    .map(pair)
                    .collect(),
                false => HashSet::new(),
            };
            let there = [&mut plan.keep, &mut plan.remove, &mut plan.beside_labels].map(std::mem::take);
            let goes = |change: &Association| listed.contains(change) || whole.contains(&pair(change));
            (plan.remove, plan.keep) = there.into_iter().flatten().partition(goes);
            plan.add.clear();
        }
    }
    plan.keep.sort_unstable();
    plan.remove.sort_unstable();
    plan.unchanged = plan.keep.len() as u64;
    plan
}
