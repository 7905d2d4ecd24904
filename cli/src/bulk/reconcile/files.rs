//! The files of a reconcile run: plans, undo files and journals.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hmac_sha256::Hash;
use hubspot_partner_clients::reconcile::Plan;

use super::{arguments::Reconcile, hex};
use crate::{
    bulk::undo::Content,
    command_line,
    failure::Failure,
    input_file,
    output_file::{OutputFile, same, write_json},
    printable::printable,
};

/// The files of a run, none of which is another.
pub(super) struct Files {
    journal: Option<PathBuf>,
}

impl Files {
    pub(super) fn check(arguments: &Reconcile, log: Option<&Path>) -> Result<Self, Failure> {
        let kept = arguments.journal.as_deref().map(kept_beside);
        let read = [("the input file", &arguments.file), ("the plan", &arguments.plan)];
        let mut others: Vec<(&str, &Path)> =
            read.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?))).collect();
        others.extend(log.map(|log| ("the log", log)));
        // It looks after itself, but for what else it may be.
        if let Some(journal) = arguments.journal.as_deref() {
            if let Some((other, _)) = others.iter().find(|(_, other)| same(journal, other)) {
                let message = format!("--journal {} would overwrite {other}", journal.display());
                return Err(Failure::file(message, "Give --journal another path; nothing was sent."));
            }
            others.push(("the journal", journal));
        }
        let written = [
            ("--save-plan", &arguments.save_plan),
            ("--undo", &arguments.undo),
            ("the plan beside the journal,", &kept),
        ];
        for (option, path) in written {
            if let Some(path) = path.as_deref() {
                OutputFile::try_out(option, path, &others)?;
                others.push((option, path));
            }
        }
        Ok(Self { journal: arguments.journal.clone() })
    }

    /// The plan of the run whose journal is gone on with.
    pub(super) fn kept_plan(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(journal) = &self.journal else { return Ok(None) };
        let kept = kept_beside(journal);
        let begun = fs::metadata(journal).is_ok_and(|journal| journal.len() > 0);
        match fs::exists(&kept) {
            Ok(exists) => Ok(Some(kept).filter(|_| begun && exists)),
            Err(error) => Err(Failure::io(format_args!("{} cannot be read", kept.display()), &error)),
        }
    }

    /// Keeps a plan for a run that goes on with the journal.
    pub(super) fn keep_plan(&self, plan: &Plan) -> Result<(), Failure> {
        self.journal
            .as_deref()
            .map_or(Ok(()), |journal| write_json("the plan beside the journal,", &kept_beside(journal), plan))
    }
}

fn kept_beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".plan.json");
    name.into()
}

/// Reads a plan, and a digest of the file.
pub(super) fn load(path: &Path) -> Result<(Plan, String), Failure> {
    let bytes = input_file::read(path, "Give the path of a saved plan.")?;
    let plan = match Content::parse(&bytes) {
        Ok(Content::Plan(plan)) => *plan,
        Ok(Content::Run(file)) => file.into_plan().ok_or_else(|| {
            let given = command_line::quoted(&path.to_string_lossy());
            let message = format!("{} is the undo file of a run and not a plan", path.display());
            Failure::file(message, format!("To reverse the run, use undo {given}."))
        })?,
        Err(error) => {
            let message = format!("{} is not a plan: {}", path.display(), printable(&error.to_string()));
            return Err(Failure::file(message, "Give a file that --save-plan or --undo wrote."));
        }
    };
    Ok((plan, hex(&Hash::hash(&bytes))))
}
