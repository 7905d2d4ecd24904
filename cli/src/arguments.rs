//! The arguments of the tool and of its commands that take one call.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use hubspot_partner_clients::{ApiVersion, AssociationType, Client, Filter, ObjectId, ObjectType, PartnerClientId};

use super::{
    account,
    bulk::{
        arguments::{DissociateMany, Labels, Many},
        reconcile::arguments::Reconcile,
        undo::arguments::Arguments as Undo,
    },
    command_line,
    failure::Failure,
    filter, help,
    key::{self, PARTNER_CLIENTS},
    output::Format,
    question::Yes,
};

/// The options that every command has.
const GLOBAL: &str = "Options of every command";

/// Associate HubSpot partner clients with companies, contacts, deals, tickets and custom objects
#[derive(Parser)]
#[command(name = command_line::NAME, version, after_help = help::TOOL, max_term_width = 120)]
pub(super) struct Arguments {
    /// Short for --output json
    #[arg(long, global = true, help_heading = GLOBAL, conflicts_with = "output")]
    json: bool,
    /// Form of what is printed
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
    /// Use a simulated HubSpot inside this process, which needs no token and forgets everything at the end
    #[arg(long, global = true, help_heading = GLOBAL, conflicts_with = "base_url")]
    pub(super) simulator: bool,
    /// Base URL of the API [default: HUBSPOT_BASE_URL, or else https://api.hubapi.com]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// Version of HubSpot's API: v3, or a dated one such as 2026-09 [default: HUBSPOT_API_VERSION, or else v3]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "VERSION")]
    pub(super) api_version: Option<ApiVersion>,
    /// Refuse a token for another HubSpot account than this one, by its id [default: any account]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "ID", value_parser = account::id)]
    pub(super) account: Option<String>,
    /// Print a line on standard error for each request
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(super) verbose: bool,
    /// Append a line of JSON to this file for each request, without secrets [default: no log]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show what the tool does, in a simulated HubSpot
    #[command(after_help = help::DEMO)]
    Demo,
    /// Check the token, the account, the scopes, the limits and the versions, and say what to do about what is wrong
    #[command(after_help = help::DOCTOR)]
    Doctor {
        /// Also make and remove an association of these two objects, which must have none, on each version [default: only
        /// read]
        #[arg(long, num_args = 4, value_names = ["PARTNER_CLIENT", "TO_TYPE", "TO_ID", "TYPE"])]
        write: Option<Vec<String>>,
        /// Print how the account's answers differ from what the simulator believes of HubSpot, and nothing else: no ids,
        /// names, tokens or property values, so that you can send it
        #[arg(long)]
        beliefs: bool,
    },
    #[command(flatten)]
    Call(Call),
    /// Create the associations that a CSV file lists
    #[command(after_help = help::ASSOCIATE_MANY)]
    AssociateMany(Many),
    /// Remove the associations that a CSV file lists
    #[command(after_help = help::DISSOCIATE_MANY)]
    DissociateMany(DissociateMany),
    /// Make associations match a CSV file: add what is missing, and remove what the file does not list
    #[command(after_help = help::RECONCILE)]
    Reconcile(Reconcile),
    /// Reverse what a run changed, from the file that its --undo wrote
    #[command(after_help = help::UNDO)]
    Undo(Undo),
    /// Share the rows of a CSV file between processes, through Redis
    #[cfg(feature = "redis")]
    #[command(after_help = help::JOB)]
    Job(super::job::arguments::Arguments),
    /// Print a completion script for a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Arguments {
    pub(super) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }
}

/// What takes one call, or pages of one.
#[derive(Subcommand)]
pub(super) enum Call {
    /// Associate a partner client with another object
    #[command(after_help = help::ASSOCIATE)]
    Associate(Association),
    /// Remove an association; it is no error if there is none
    #[command(after_help = help::DISSOCIATE)]
    Dissociate {
        #[command(flatten)]
        association: Association,
        #[command(flatten)]
        labels: Labels,
        #[command(flatten)]
        yes: Yes,
    },
    /// List the objects of a type that a partner client is associated with
    #[command(after_help = help::ASSOCIATIONS)]
    Associations {
        /// Id of the partner client, or a property and its value, such as hs_client_name=Acme
        partner_client: String,
        /// Type of the other objects, such as companies or 2-1234567
        to_type: String,
    },
    /// List the association types from partner clients to an object type: their names in v3, and their categories and
    /// labels in dated versions
    #[command(after_help = help::TYPES)]
    Types {
        /// Type of the other objects, such as companies or 2-1234567
        to_type: String,
    },
    /// Show a partner client
    #[command(after_help = help::GET)]
    Get {
        /// Id of the partner client, or a property and its value, such as hs_client_name=Acme
        id: String,
        /// Properties to show, separated by commas [default: HubSpot's default properties]
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        properties: Vec<String>,
    },
    /// List partner clients
    #[command(after_help = help::LIST)]
    List(Listing),
    /// Search partner clients
    #[command(after_help = help::SEARCH)]
    Search(Search),
}

impl Call {
    pub(super) fn changes_something(&self) -> bool {
        matches!(self, Self::Associate(_) | Self::Dissociate { .. })
    }

    /// Refuses what cannot be sent, before anybody is asked.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Associate(association) | Self::Dissociate { association, .. } => {
                let Association { partner_client, to_type, to_id, association_type } = association;
                key::check_partner_client(partner_client)?;
                ObjectType::new(to_type)?;
                key::check_object(to_id)?;
                AssociationType::new(association_type)?;
            }
            Self::Associations { partner_client, to_type } => {
                key::check_partner_client(partner_client)?;
                ObjectType::new(to_type)?;
            }
            Self::Types { to_type } => drop(ObjectType::new(to_type)?),
            Self::Get { id, .. } => key::check_partner_client(id)?,
            Self::List(_) | Self::Search(_) => {}
        }
        Ok(())
    }
}

#[derive(Args)]
pub(super) struct Association {
    /// Id of the partner client, or a property and its value, such as hs_client_name=Acme
    pub(super) partner_client: String,
    /// Type of the other object, such as companies or 2-1234567
    pub(super) to_type: String,
    /// Id of the other object, or a property and its value, such as domain=acme.example
    pub(super) to_id: String,
    /// Association type, by name or numeric id; the command `types` lists them
    #[arg(value_name = "TYPE")]
    pub(super) association_type: String,
}

impl Association {
    /// The same, with the ids of the objects that are named by a property.
    pub(super) async fn resolved(self, client: &Client) -> Result<Self, Failure> {
        let partner_client = key::resolved(client, PARTNER_CLIENTS, &self.partner_client).await?.into_owned();
        let to_id = key::resolved(client, &self.to_type, &self.to_id).await?.into_owned();
        Ok(Self { partner_client, to_id, ..self })
    }

    /// The four values of `--write`, with ids in the one form that answers have, by which they are compared.
    pub(super) fn of(values: &[String]) -> Result<Self, Failure> {
        let [partner_client, to_type, to_id, association_type] = values else {
            return Err(Failure::usage(
                "--write takes a partner client, the type and id of an object, and an association type",
            ));
        };
        Ok(Self {
            partner_client: PartnerClientId::new(partner_client)?.to_string(),
            to_type: ObjectType::new(to_type)?.to_string(),
            to_id: ObjectId::new(to_id)?.to_string(),
            association_type: AssociationType::new(association_type)?.to_string(),
        })
    }
}

#[derive(Args)]
pub(super) struct Listing {
    /// Stop after this many partner clients [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Properties to show, separated by commas [default: HubSpot's default properties]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) properties: Vec<String>,
}

#[derive(Args)]
pub(super) struct Search {
    /// Text to search for [default: any]
    #[arg(long, value_name = "TEXT")]
    pub(super) query: Option<String>,
    /// Condition on a property, such as `domain=acme.example`; repeat the option to combine conditions, all of which must
    /// hold. Operators are = != < <= > >= and ~ (contains the word; * matches any characters) [default: none]
    #[arg(long = "filter", value_name = "FILTER", value_parser = filter::parse)]
    pub(super) filters: Vec<Filter>,
    #[command(flatten)]
    pub(super) listing: Listing,
}

/// Names or ids that commas separate, with white space around them or a comma too many.
pub(super) fn listed(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
