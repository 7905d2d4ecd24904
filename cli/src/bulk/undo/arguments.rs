//! The arguments of `undo`.

use std::path::PathBuf;

use clap::Args;

use crate::question::Yes;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The file that --undo wrote
    pub(super) file: PathBuf,
    /// Show what would be changed, and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) yes: Yes,
    /// Remove associations even from partner clients whose additions failed
    #[arg(long)]
    pub(super) remove_anyway: bool,
}
