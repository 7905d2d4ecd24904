//! The arguments of `associate-many` and `dissociate-many`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hubspot_partner_clients::bulk;

use super::layout::TypedTable;
use crate::question::Yes;

#[derive(Args)]
pub(crate) struct Many {
    /// The CSV file, or - for standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) table: TypedTable,
    /// Check the file and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Check the file and ask HubSpot what is wrong with its rows, what is there already, and how long a run will take; nothing
    /// is changed
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) check: bool,
    /// Record in this file what is settled, so that running the same command again resumes where it stopped
    /// [default: no journal]
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Write the rows that failed to this CSV file, with the columns error and correlation_id added; it can be used as input
    /// again. They are collected in FILE.partial, which replaces FILE when the run ends, even by a signal
    /// [default: no file]
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,
    /// Before anything is changed, read what there is, and write to this file what the run may change, so that `undo FILE`
    /// reverses it. The rows are held in memory, and a request reads what a thousand partner clients have [default: no file]
    #[arg(long, value_name = "FILE")]
    pub(crate) undo: Option<PathBuf>,
    /// Requests in flight at once, from 1 to 1,000
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// How rows become requests
    #[arg(long, value_enum, default_value_t)]
    pub(crate) strategy: Strategy,
    /// Requests per ten seconds, until HubSpot's responses state the account's rate limit [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate_limit: Option<u32>,
}

/// The arguments of `dissociate-many`.
#[derive(Args)]
pub(crate) struct DissociateMany {
    #[command(flatten)]
    pub(crate) many: Many,
    #[command(flatten)]
    pub(crate) labels: Labels,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

/// What may go with the unlabelled association.
#[derive(Args)]
pub(crate) struct Labels {
    /// Let the labels of two objects go with their unlabelled association, which HubSpot removes together in dated versions
    /// [default: such an association is kept, and reported]
    #[arg(long)]
    pub(crate) including_labels: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Strategy {
    /// As many rows per request as HubSpot allows: 2,000 to associate, 100 to dissociate
    #[default]
    Batch,
    /// One row per request
    Single,
    /// Like batch, but a lone row is sent singly, for a clearer error
    Automatic,
}

impl From<Strategy> for bulk::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Batch => Self::Batch,
            Strategy::Single => Self::Single,
            Strategy::Automatic => Self::Automatic,
        }
    }
}
