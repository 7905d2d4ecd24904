//! The arguments of `reconcile`.

use std::path::PathBuf;

use clap::Args;

use crate::{bulk::layout::Table, question::Yes};

#[derive(Args)]
pub(crate) struct Reconcile {
    /// The CSV file, which lists all associations that there should be, or - for standard input
    #[arg(required_unless_present = "plan")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: Table,
    /// Type of the other objects of every row; required unless --plan is given
    #[arg(long, value_name = "TYPE", required_unless_present = "plan")]
    pub(crate) to_type: Option<String>,
    /// Consider associations of this type only; repeat the option for several types [default: all types]
    #[arg(long = "only-type", value_name = "TYPE")]
    pub(crate) only_types: Vec<String>,
    /// Ids of the partner clients to consider, separated by commas: an id without rows in the file loses all its
    /// associations [default: the partner clients in the file]
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(crate) partner_clients: Vec<String>,
    /// Consider all partner clients in the file, as well as those of --partner-clients
    #[arg(long)]
    pub(crate) all_in_file: bool,
    /// Leave out partner clients that HubSpot does not know, and name them
    #[arg(long)]
    pub(crate) skip_unknown: bool,
    /// Write the plan to this JSON file, to be reviewed and applied later [default: no file]
    #[arg(long, value_name = "FILE")]
    pub(crate) save_plan: Option<PathBuf>,
    /// Use this plan, written by --save-plan or --undo, instead of a CSV file [default: a new plan]
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "file", "columns", "association_type", "to_type", "only_types", "partner_clients", "all_in_file", "skip_unknown", "save_plan",
    ])]
    pub(crate) plan: Option<PathBuf>,
    /// Carry out the plan; without it, the plan is only shown
    #[arg(long)]
    pub(crate) apply: bool,
    #[command(flatten)]
    pub(crate) yes: Yes,
    /// Refuse a plan that removes more associations than this [default: 100, and at least half of them must remain]
    #[arg(long, value_name = "N")]
    pub(crate) max_removals: Option<u64>,
    /// Remove associations even from partner clients whose additions failed
    #[arg(long, requires = "apply")]
    pub(crate) remove_anyway: bool,
    /// Before anything is changed, write to this file what the run may change, so that `undo FILE` reverses it
    /// [default: no file]
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub(crate) undo: Option<PathBuf>,
    /// Record in this file and in FILE.plan.json what is settled, so that running the same command again resumes where it
    /// stopped [default: no journal]
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub(crate) journal: Option<PathBuf>,
}
