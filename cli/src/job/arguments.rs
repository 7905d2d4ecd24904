//! What the commands of shared work take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const AFTER_HELP: &str = "\
A job is enqueued once. Any number of workers, on any number of machines, share it and the account's allowance:
one that dies has its rows taken over by the others 15 seconds later. All of it can be stopped and started again.

Redis:
  REDIS_URL, or --redis where it has no password, since other users of the machine can see arguments:
  redis://user:password@host:6379/0, or rediss:// with TLS. Redis 6.2 or later; `appendonly yes` keeps a job over
  a restart of Redis, and `maxmemory-policy noeviction` when its memory is full.";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Where Redis is, in place of REDIS_URL
    #[arg(long, global = true, value_name = "URL")]
    pub(super) redis: Option<String>,
    /// What the names of all keys in Redis begin with
    #[arg(long, global = true, value_name = "TEXT", default_value = "hubspot-partner-clients")]
    pub(super) redis_prefix: String,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Put the rows of a CSV file into Redis; given again, it goes on where it stopped
    #[command(after_help = crate::arguments::FILE_HELP)]
    Enqueue {
        /// The job's name
        job: String,
        /// The CSV file
        file: PathBuf,
        /// Remove the associations instead of making them
        #[arg(long)]
        dissociate: bool,
    },
    /// Work on a job until all of it is settled
    Worker(Worker),
    /// Show how far a job has come, over all workers
    Status {
        /// The job's name
        job: String,
    },
    /// Write what became of each row of a finished job, as CSV in the file's order
    Collect {
        /// The job's name
        job: String,
        /// Write the rows that failed only; they can be enqueued again
        #[arg(long)]
        failed: bool,
    },
    /// Take a job and its outcomes out of Redis
    Remove {
        /// The job's name
        job: String,
    },
}

#[derive(Args)]
pub(super) struct Worker {
    /// The job's name
    pub(super) job: String,
    /// The HubSpot account, by any name that all its workers are given: they share its allowance
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) account: String,
    /// How many requests this worker has under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) concurrency: u16,
    /// How many requests all workers send in ten seconds until HubSpot's answers tell the account's allowance
    #[arg(long = "limit-per-10s", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit_per_10s: Option<u32>,
}
