//! What the tool takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hubspot_partner_clients::{Filter, bulk};

use super::filter;

pub(super) const NAME: &str = "hubspot-partner-clients";

const AFTER_HELP: &str = "\
Token:
  It is read from HUBSPOT_ACCESS_TOKEN, or asked for without showing it where there is a terminal. No option
  takes it, since other users of the machine can see arguments. --simulator needs none.

Exit codes:
  0    done
  1    HubSpot refused it, or some rows failed
  2    wrong arguments, a file or plan that cannot be sent or written, a plan that was not agreed to, or a journal of
       another run
  3    no token, or one that HubSpot does not take or that lacks a scope
  4    the network, a timeout, a rate limit or a fault of HubSpot's, after all retries
  129  ended by SIGHUP
  130  ended by SIGINT, as Ctrl-C sends it
  131  ended by SIGQUIT
  141  output pipe closed, as by `| head`
  143  ended by SIGTERM
  What is settled is told and written before a signal ends the tool; a second signal ends it at once.
  Where rows failed for several reasons, the first of 2, 3, 4 and 1 that occurred.";

pub(super) const FILE_HELP: &str = "\
File:
  CSV in UTF-8 with a header, separated by commas, semicolons or tabs. It needs the columns
  partner_client_id, to_object_type, to_object_id and association_type, in any order and in any usual
  spelling, such as `Partner Client ID`; others are ignored, as are spaces around values and empty rows.
  A row takes 1 MiB at most.

  All of the file is checked before anything is sent. It is read more than once, so standard input is not
  supported.

  With --simulator all partner clients, objects and association types of the file exist.";

const RECONCILE_HELP: &str = "\
Safety:
  Without --apply the plan is only shown. Removals are asked about on a terminal, and need --yes elsewhere. A
  partner client loses nothing before all its additions are in: if one fails, its removals are held back. A plan
  that removes more than 100 associations, or leaves fewer than half as many as there are, needs --max-removals.
  A saved plan is refused if what it was made from has changed. One that was carried out in part goes on.

";

/// Associate HubSpot partner clients with companies, contacts, deals, tickets and custom objects
#[derive(Parser)]
#[command(name = NAME, version, after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Write JSON: a document, or one in each line for lists and outcomes; errors too, on standard error
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Use a simulated HubSpot inside this process, which forgets everything at the end; needs no token
    #[arg(long, global = true, conflicts_with = "base_url")]
    pub(super) simulator: bool,
    /// Where the API is, in place of HUBSPOT_BASE_URL or https://api.hubapi.com
    #[arg(long, global = true, value_name = "URL")]
    pub(super) base_url: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Call(Call),
    /// Make the associations of a CSV file
    #[command(after_help = FILE_HELP)]
    AssociateMany(Many),
    /// Remove the associations of a CSV file
    #[command(after_help = FILE_HELP)]
    DissociateMany(Many),
    /// Bring the associations of partner clients with objects of a type to what a CSV file says, removing all others
    #[command(after_help = [RECONCILE_HELP, FILE_HELP].concat())]
    Reconcile(Reconcile),
    /// Share the rows of a CSV file between processes, through Redis
    #[cfg(feature = "redis")]
    Job(super::job::Arguments),
    /// Print a script that completes this tool's arguments in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What takes one call, or pages of one.
#[derive(Subcommand)]
pub(super) enum Call {
    /// Associate a partner client with another object
    Associate(Association),
    /// Remove an association; one that does not exist is no error
    Dissociate(Association),
    /// List the objects of a type that a partner client is associated with
    Associations {
        /// The partner client's id
        partner_client: String,
        /// The objects' type, such as companies or 2-1234567
        to_type: String,
    },
    /// List the association types from partner clients to objects of a type
    Types {
        /// The objects' type, such as companies or 2-1234567
        to_type: String,
    },
    /// Read a partner client
    Get {
        /// Its id
        id: String,
        /// The properties to show, HubSpot's default set without
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        properties: Vec<String>,
    },
    /// List partner clients
    List(Listing),
    /// Search partner clients
    Search(Search),
}

#[derive(Args)]
pub(super) struct Association {
    /// The partner client's id
    pub(super) partner_client: String,
    /// The other object's type, such as companies or 2-1234567
    pub(super) to_type: String,
    /// The other object's id
    pub(super) to_id: String,
    /// The association type: its name or numeric id; `types` lists them
    #[arg(value_name = "TYPE")]
    pub(super) association_type: String,
}

#[derive(Args)]
pub(super) struct Listing {
    /// End after so many; all without
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// The properties to show, HubSpot's default set without
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) properties: Vec<String>,
}

#[derive(Args)]
pub(super) struct Search {
    /// Text to be found
    #[arg(long, value_name = "TEXT")]
    pub(super) query: Option<String>,
    /// What a property must be: NAME, an operator, a value. All filters must hold. The operators are = != < <= > >= and
    /// ~ (contains the word; * stands for any characters)
    #[arg(long = "filter", value_name = "FILTER", value_parser = filter::parse)]
    pub(super) filters: Vec<Filter>,
    #[command(flatten)]
    pub(super) listing: Listing,
}

#[derive(Args)]
pub(super) struct Many {
    /// The CSV file
    pub(super) file: PathBuf,
    /// Check the file and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remember in this file what is settled, so that the same command goes on where it was interrupted
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// Write the rows that failed to this file, with all their columns and error and correlation_id; it can be given as
    /// input again. The rows are collected in FILE.partial, which replaces FILE when the run ends, by a signal as well
    #[arg(long, value_name = "FILE")]
    pub(super) failed: Option<PathBuf>,
    /// How many requests are under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) concurrency: u16,
    /// Which requests carry the rows
    #[arg(long, value_enum, default_value_t)]
    pub(super) strategy: Strategy,
    /// How many requests to send in ten seconds until HubSpot's answers tell the account's allowance
    #[arg(long = "limit-per-10s", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit_per_10s: Option<u32>,
}

#[derive(Args)]
pub(super) struct Reconcile {
    /// The CSV file: all associations that there should be
    #[arg(required_unless_present = "plan")]
    pub(super) file: Option<PathBuf>,
    /// The type of the other objects, as the file has it in each row
    #[arg(long, value_name = "TYPE", required_unless_present = "plan")]
    pub(super) to_type: Option<String>,
    /// Look at associations of this type alone; may be given several times
    #[arg(long = "only-type", value_name = "TYPE")]
    pub(super) only_types: Vec<String>,
    /// The ids of the partner clients to look at: an id without rows in the file loses all its associations
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(super) partner_clients: Vec<String>,
    /// Look at all partner clients of the file; the default without --partner-clients
    #[arg(long)]
    pub(super) all_in_file: bool,
    /// Leave out partner clients that HubSpot does not know, and name them
    #[arg(long)]
    pub(super) skip_unknown: bool,
    /// Write the plan to this file, to be looked at and applied later
    #[arg(long, value_name = "FILE")]
    pub(super) save_plan: Option<PathBuf>,
    /// Use the plan in this file, written by --save-plan or --undo, in place of a CSV file
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "file", "to_type", "only_types", "partner_clients", "all_in_file", "skip_unknown", "save_plan",
    ])]
    pub(super) plan: Option<PathBuf>,
    /// Change what the plan says; without it, the plan is only shown
    #[arg(long)]
    pub(super) apply: bool,
    /// Remove associations without asking; needed where there is no terminal
    #[arg(long)]
    pub(super) yes: bool,
    /// Refuse a plan that removes more associations than this [default: 100, and at least half as many must be left]
    #[arg(long, value_name = "N")]
    pub(super) max_removals: Option<u64>,
    /// Remove associations even from partner clients whose additions failed
    #[arg(long, requires = "apply")]
    pub(super) remove_anyway: bool,
    /// Write a plan that takes the changes back to this file, before the first of them is made
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub(super) undo: Option<PathBuf>,
    /// Remember the plan and what is settled in this file and FILE.plan.json, so that the same command goes on where it was
    /// interrupted
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub(super) journal: Option<PathBuf>,
}

/// Names or ids that commas separate, with white space around them or a comma too many.
pub(super) fn listed(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Strategy {
    /// As many rows to a request as HubSpot takes
    #[default]
    Batch,
    /// A request for each row
    Single,
    /// As batch, but a row that is alone goes as single does, which has clearer errors
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
