//! The arguments of the commands of `job`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{bulk::layout::TypedTable, help, question::Yes};

pub(super) const PREFIX: &str = "hubspot-partner-clients";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Address of Redis [default: REDIS_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(super) redis: Option<String>,
    /// Prefix of all keys in Redis
    #[arg(long, global = true, value_name = "TEXT", default_value = PREFIX)]
    pub(super) redis_prefix: String,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Put the rows of a CSV file into Redis; run again, it resumes where it stopped
    #[command(after_help = help::ENQUEUE)]
    Enqueue {
        /// Name of the job
        job: String,
        /// The CSV file, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        table: TypedTable,
        /// Remove the associations instead of creating them
        #[arg(long)]
        dissociate: bool,
        /// Let the labels of two objects go with their unlabelled association, which HubSpot removes together in dated versions
        /// [default: such an association is kept, and reported]
        #[arg(long, requires = "dissociate")]
        including_labels: bool,
        #[command(flatten)]
        yes: Yes,
    },
    /// Work on a job until every row is settled
    #[command(after_help = help::WORKER)]
    Worker(Worker),
    /// List all jobs that there are in this Redis
    #[command(after_help = help::JOBS)]
    List,
    /// Try the batches of a job again that were set aside, because they failed five times or ended ten workers
    #[command(after_help = help::RETRY)]
    Retry {
        /// Name of the job
        job: String,
    },
    /// Show how far a job has come, over all workers
    #[command(after_help = help::STATUS)]
    Status {
        /// Name of the job
        job: String,
    },
    /// Print the outcome of each row of a finished job, as CSV in the order of the file
    #[command(after_help = help::COLLECT)]
    Collect {
        /// Name of the job
        job: String,
        /// Print only the rows that failed; they can be enqueued again
        #[arg(long)]
        failed: bool,
    },
    /// Delete a job and its outcomes from Redis
    #[command(after_help = help::REMOVE)]
    Remove {
        /// Name of the job
        job: String,
    },
}

#[derive(Args)]
pub(super) struct Worker {
    /// Name of the job
    pub(super) job: String,
    /// Requests that this worker has in flight at once, from 1 to 1,000
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) concurrency: u16,
    /// Requests that all workers send per ten seconds, until HubSpot's responses state the account's rate limit
    /// [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate_limit: Option<u32>,
}
