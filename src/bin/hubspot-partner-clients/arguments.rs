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
  2    wrong arguments, a file that cannot be sent, or a journal of another run
  3    no token, or one that HubSpot does not take or that lacks a scope
  4    the network, a timeout, a rate limit or a fault of HubSpot's, after all retries
  130  interrupted
  141  whoever read the output closed it
  Where rows failed for several reasons, the first of 2, 3, 4 and 1 that occurred.";

pub(super) const FILE_HELP: &str = "\
File:
  CSV in UTF-8 with a header. It needs the columns partner_client_id, to_object_type, to_object_id and
  association_type, in any order; others are ignored, as are spaces around values and empty rows. A row
  takes 1 MiB at most.

  All of the file is checked before anything is sent. It is read more than once, so standard input is not
  supported.

  With --simulator all partner clients, objects and association types of the file exist.";

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
    #[command(after_help = FILE_HELP)]
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
    /// Write the rows that failed to this file, overwriting it, with all their columns and error and correlation_id; it
    /// can be given as input again
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
    pub(super) file: PathBuf,
    /// The type of the other objects, as the file has it in each row
    #[arg(long, value_name = "TYPE")]
    pub(super) to_type: String,
    /// Look at associations of this type alone; may be given several times
    #[arg(long = "only-type", value_name = "TYPE")]
    pub(super) only_types: Vec<String>,
    /// Change what the plan says; without, it is only shown
    #[arg(long)]
    pub(super) apply: bool,
    /// The ids of the partner clients to look at: one that the file does not have loses its associations
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub(super) partner_clients: Vec<String>,
    /// Look at all partner clients of the file; the default without --partner-clients
    #[arg(long)]
    pub(super) all_in_file: bool,
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
