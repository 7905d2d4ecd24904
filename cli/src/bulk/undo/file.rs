//! The undo file of a run: what the run may have made or removed, and in which account.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use hubspot_partner_clients::{Association, Error, ErrorKind, reconcile::Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bulk::{
        Change,
        existing::{Existing, Types},
        rows::Rows,
    },
    failure::Failure,
    output_file::OutputFile,
    printable::printable,
};

const FORMAT: &str = "hubspot-partner-clients undo 1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UndoFile {
    format: String,
    /// Names the file that the run took, and what it did with it.
    run: String,
    /// What the run may change, for each type of the other objects: `add` it makes, and `remove` it removes.
    plans: Vec<Plan>,
    /// What of that it certainly did not change.
    #[serde(default)]
    unchanged: Vec<Association>,
}

impl UndoFile {
    /// The plans that reverse the run.
    fn reversed(self) -> Vec<Plan> {
        let unchanged: HashSet<_> = self.unchanged.into_iter().collect();
        let reversed = self.plans.into_iter().map(|mut plan| {
            plan.add.retain(|change| !unchanged.contains(change));
            plan.remove.retain(|change| !unchanged.contains(change));
            plan.undo()
        });
        reversed.collect()
    }

    /// Adds what a later run may change and the earlier one could not: partner clients and types may be new.
    fn take_up(&mut self, later: Plan) {
        let Some(plan) = self.plans.iter_mut().find(|plan| plan.to_object_type == later.to_object_type) else {
            self.plans.push(later);
            return;
        };
        let known: HashSet<_> =
            [&plan.add, &plan.remove, &plan.keep, &plan.beside_labels].into_iter().flatten().cloned().collect();
        plan.add.extend(later.add.into_iter().filter(|change| !known.contains(change)));
        plan.remove.extend(later.remove.into_iter().filter(|change| !known.contains(change)));
        let partner_clients: BTreeSet<_> = plan.partner_clients.drain(..).chain(later.partner_clients).collect();
        plan.partner_clients = partner_clients.into_iter().collect();
        plan.add.sort_unstable();
        plan.remove.sort_unstable();
    }
}

/// What an undo file holds.
enum Content {
    /// What a run changes.
    Run(UndoFile),
    /// The plan that reverses another, as `reconcile --undo` writes it.
    Plan(Box<Plan>),
}

/// The plans that reverse what an undo file is of.
pub(super) fn plans(path: &Path) -> Result<Vec<Plan>, Failure> {
    Ok(match read(path)? {
        Content::Run(file) => file.reversed(),
        Content::Plan(plan) => vec![*plan],
    })
}

fn read(path: &Path) -> Result<Content, Failure> {
    let text =
        fs::read(path).map_err(|error| Failure::io(format_args!("{} cannot be read", path.display()), &error))?;
    // Editors put a byte order mark in front.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let refused = |error: serde_json::Error| {
        let message = format!("{} is not an undo file: {}", path.display(), printable(&error.to_string()));
        Failure::file(message, "Give a file that --undo wrote; nothing was changed.")
    };
    let json: Value = serde_json::from_slice(text).map_err(refused)?;
    if json.get("format").and_then(Value::as_str) == Some(FORMAT) {
        return serde_json::from_value(json).map(Content::Run).map_err(refused);
    }
    serde_json::from_value(json).map(Content::Plan).map_err(refused)
}

/// An undo file that is written while a run goes on.
pub(in crate::bulk) struct Recorder {
    path: PathBuf,
    file: UndoFile,
    types: Types,
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
        let run = format!("{} sha256:{digest}", change.verb());
        let of = |plans: &[Plan]| -> BTreeSet<_> {
            plans.iter().map(|plan| (plan.server.clone(), plan.api_version.to_string(), plan.account.clone())).collect()
        };
        let bound = of(&plans);
        let plans = plans.into_iter().map(|plan| changes(change, including_labels, plan));
        let file = if path.exists() {
            let of_another = || {
                let message = format!("{} already exists and is not the undo file of this run", path.display());
                Failure::file(message, "Give --undo another path; nothing was changed.")
            };
            let Content::Run(mut earlier) = read(path)? else { return Err(of_another()) };
            if earlier.run != run || of(&earlier.plans) != bound {
                return Err(of_another());
            }
            // It may change them yet.
            earlier.unchanged.clear();
            plans.for_each(|plan| earlier.take_up(plan));
            earlier
        } else {
            UndoFile { format: FORMAT.to_owned(), run, plans: plans.collect(), unchanged: Vec::new() }
        };
        let recorder = Self { path: path.to_owned(), file, types, rows: HashMap::new() };
        recorder.write()?;
        Ok(recorder)
    }

    /// Takes the outcome of the row that `rows` stands at.
    pub(in crate::bulk) fn add(&mut self, rows: &Rows, result: Result<(), &Error>) {
        use ErrorKind::{Conflict, NotFound, Refused};
        let is_unchanged = result.is_err_and(|error| matches!(error.kind(), Conflict | NotFound | Refused));
        if let Ok(association) = self.types.association(rows) {
            *self.rows.entry(association).or_insert(true) &= is_unchanged;
        }
    }

    /// Notes what the run did not change. Without that the file is right as well.
    pub(in crate::bulk) fn end(mut self) {
        let unchanged = self.rows.drain().filter(|(_, unchanged)| *unchanged).map(|(association, _)| association);
        self.file.unchanged = unchanged.collect();
        self.file.unchanged.sort_unstable();
        let _ = self.write();
    }

    fn write(&self) -> Result<(), Failure> {
        let mut file = OutputFile::create("--undo", &self.path, &[])?;
        let written = serde_json::to_writer_pretty(&mut file, &self.file).map_err(io::Error::from);
        let written = written.and_then(|()| file.write_all(b"\n"));
        written.map_err(|error| Failure::io(format_args!("{} cannot be written", self.path.display()), &error))?;
        file.commit()
    }
}

/// What a run changes, from a plan to have what its file lists and no more.
fn changes(change: Change, including_labels: bool, mut plan: Plan) -> Plan {
    match change {
        Change::Associate => plan.keep.append(&mut plan.remove),
        Change::Dissociate => {
            let listed: HashSet<_> = plan.keep.iter().chain(&plan.add).cloned().collect();
            let pair = |change: &Association| (change.partner_client_id.clone(), change.to_object_id.clone());
            // Their labels go with them.
            let whole: HashSet<_> = match including_labels {
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
