//! The command line of the simulator.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    time::Duration,
};

use hubspot_simulator::{Fault, OAuthApp, Simulator, SimulatorBuilder};
use serde::Deserialize;

use crate::switches;

pub(crate) const HELP: &str = "\
Serves HubSpot's CRM from memory on a loopback port, for tests of any client.

Usage: hubspot-simulator [OPTIONS]

  --account ID           Have another account with this id; the options --seed, --limit, --oauth and --token that
                         follow it are its own
  --port PORT            Listen on this port; 0, the default, takes a free one
  --seed FILE            Start with what a seed file holds, in place of the default seed
  --export-seed FILE     Write what the simulator starts with as a seed file, and exit; that of the first account
  --limit LIMITS         Limit requests: 100/10s of each token, 250000/day, 5/s for searches, 150/10s-associations and
                         500000/day-associations for the operations under /crm/.../associations, separated by commas
                         or each in an option of its own
  --fault FAULT          Let requests fail; may be repeated, and the first that applies is used. A status, reset, html,
                         empty, truncated, invalid-json, daily-limit, bad-refresh-token, bad-hub or a delay, then
                         :SHARE%, :xTIMES, :OPERATION, :account=ID, :retry-after=30s or :after, such as 503:2%,
                         reset:1%:associate:after, 200ms:x5:search
  --oauth FILE           Issue tokens to the OAuth apps in this file: a JSON list of objects with client_id,
                         client_secret, refresh_token, and if you like scopes, access_token_lifetime (seconds),
                         rotating_refresh_token, edit_associations
  --versions VERSIONS    Serve just these versions of the API: v3, v4, 2026-03, 2026-09, separated by commas
  --latency FROM-TO      Answer late by a time between these two: 20-80ms, or 50ms
  --switch NAME=VALUE    Answer the other way where HubSpot's is uncertain; may be repeated, see below
  --token TOKEN          Accept this token as well, with all scopes of partner clients
  --quiet                Do not log requests
  --help                 Print this help

The first two lines printed are HUBSPOT_BASE_URL and HUBSPOT_ACCESS_TOKEN; HUBSPOT_ACCESS_TOKEN_62515 follows for an
account 62515. Each request is logged on standard error.
Tests in other languages use GET and DELETE /__simulator/requests, POST /__simulator/reset, and POST and DELETE
/__simulator/faults, whose body is {\"fault\": \"503:2%\"}.
";

/// The account that every simulator has.
const FIRST_ACCOUNT: u64 = 1_234_567;

/// What the command line asks for.
pub(crate) enum Command {
    Serve(Box<Arguments>),
    Help,
}

/// How to serve.
pub(crate) struct Arguments {
    pub(crate) builder: SimulatorBuilder,
    pub(crate) port: u16,
    pub(crate) quiet: bool,
    pub(crate) export_seed: Option<String>,
    given: Given,
}

/// What was given so far. An option or value that would silently replace an earlier one is refused.
struct Given {
    /// The account that `--account` named last.
    account: u64,
    /// Options, switches and apps, each in the account that it belongs to, or in none.
    once: BTreeSet<(Option<u64>, String)>,
    /// The limits of each account.
    limits: BTreeMap<u64, String>,
}

impl Given {
    fn nothing() -> Self {
        Self { account: FIRST_ACCOUNT, once: BTreeSet::new(), limits: BTreeMap::new() }
    }

    /// Refuses what was given before; `what` names it.
    fn first(&mut self, account: Option<u64>, what: &str) -> Result<(), String> {
        if self.once.insert((account, what.to_owned())) {
            return Ok(());
        }
        Err(format!("{what} is given twice"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    scopes: Option<Vec<String>>,
    access_token_lifetime: Option<u64>,
    #[serde(default)]
    rotating_refresh_token: bool,
    edit_associations: Option<bool>,
}

/// Reads the command line; each problem names the option and what it takes.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let (builder, given) = (Simulator::builder(), Given::nothing());
    let mut read = Arguments { builder, port: 0, quiet: false, export_seed: None, given };
    // It may be a token, so the problem does not show it.
    let text = |(place, argument): (usize, OsString)| {
        argument.into_string().map_err(|_| format!("Argument {} is not UTF-8.", place + 1))
    };
    let arguments = arguments.into_iter().enumerate().map(text).collect::<Result<Vec<_>, _>>()?;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let flag = matches!(option.as_str(), "--help" | "-h" | "--quiet" | "-q");
        match (option.as_str(), given) {
            (_, Some(_)) if flag => return Err(format!("{option} takes no value.")),
            ("--help" | "-h", _) => return Ok(Command::Help),
            ("--quiet" | "-q", _) => read.quiet = true,
            (_, given) if OPTIONS.contains(&option.as_str()) => {
                let next = || arguments.next().filter(|next| !next.starts_with("--"));
                let value = given.or_else(next).ok_or_else(|| format!("{option} takes a value."))?;
                read = read.with(&option, value)?;
            }
            _ => return Err(format!("There is no option {option}.")),
        }
    }
    Ok(Command::Serve(Box::new(read)))
}

const OPTIONS: [&str; 11] = [
    "--account",
    "--port",
    "--seed",
    "--export-seed",
    "--limit",
    "--fault",
    "--oauth",
    "--versions",
    "--latency",
    "--token",
    "--switch",
];

impl Arguments {
    fn with(mut self, option: &str, value: String) -> Result<Self, String> {
        let problem = |error: &dyn std::fmt::Display| format!("{option}: {error}.");
        let account = self.given.account;
        match option {
            "--port" | "--export-seed" | "--versions" | "--latency" => {
                self.given.first(None, option).map_err(|twice| format!("{twice}."))?;
            }
            "--seed" => self.given.first(Some(account), option).map_err(|twice| format!("{twice} for an account."))?,
            _ => {}
        }
        match option {
            "--port" => self.port = value.parse().map_err(|_| problem(&format!("`{value}` is not 0 to 65535")))?,
            "--account" => {
                let id = value.parse().ok().filter(|id| *id > 0);
                let id = id.ok_or_else(|| problem(&format!("`{value}` is no id of an account, such as 62515")))?;
                self.given.account = id;
                self.builder = self.builder.account(id);
            }
            "--seed" => {
                let text = file(&value).map_err(|error| problem(&error))?;
                self.builder = self.builder.seed(&text).map_err(|error| problem(&format!("{value} is {error}")))?;
            }
            "--export-seed" => self.export_seed = Some(value),
            "--limit" => {
                let limits = self.given.limits.entry(account).or_default();
                let separator = if limits.is_empty() { "" } else { "," };
                *limits += &format!("{separator}{value}");
                self.builder = self.builder.rate_limits(limits.parse().map_err(|error: String| problem(&error))?);
            }
            "--fault" => {
                let fault: Fault = value.parse().map_err(|error: String| problem(&error))?;
                self.builder = self.builder.fault(fault);
            }
            "--oauth" => {
                let text = file(&value).map_err(|error| problem(&error))?;
                let apps: Vec<App> = serde_json::from_str(&text)
                    .map_err(|error| problem(&format!("{value} is no list of OAuth apps: {error}")))?;
                for app in apps {
                    let what = format!("the app with the client id `{}`", app.client_id);
                    self.given.first(Some(account), &what).map_err(|twice| problem(&format!("{value}: {twice}")))?;
                    self.builder = self.builder.oauth_app(app.into_app());
                }
            }
            "--switch" => {
                let (name, _) = value.split_once('=').unwrap_or((&value, ""));
                self.given.first(None, &format!("the switch `{name}`")).map_err(|twice| problem(&twice))?;
                self.builder = switches::throw(self.builder, &value).map_err(|error| problem(&error))?;
            }
            "--versions" => self.builder = self.builder.versions(value.split(',').map(str::trim)),
            "--latency" => {
                let (shortest, longest) =
                    latency(&value).ok_or_else(|| problem(&format!("`{value}` is no time such as 20-80ms")))?;
                self.builder = self.builder.latency(shortest, longest);
            }
            _ => {
                // The problem does not show the token.
                if !self.given.once.insert((None, format!("the token `{value}`"))) {
                    return Err(problem(&"a token is given twice, and it belongs to one account"));
                }
                let scopes = [hubspot_simulator::READ_SCOPE, hubspot_simulator::WRITE_SCOPE];
                self.builder = self.builder.token(value, scopes);
            }
        }
        Ok(self)
    }
}

impl App {
    fn into_app(self) -> OAuthApp {
        let mut app = OAuthApp::new(self.client_id, self.client_secret, self.refresh_token);
        if let Some(scopes) = self.scopes {
            app = app.scopes(scopes);
        }
        if let Some(seconds) = self.access_token_lifetime {
            app = app.access_token_lifetime(Duration::from_secs(seconds));
        }
        if self.rotating_refresh_token {
            app = app.rotating_refresh_token();
        }
        if self.edit_associations == Some(false) {
            app = app.without_edit_associations();
        }
        app
    }
}

fn file(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
}

/// `20-80ms`, or `50ms`.
fn latency(text: &str) -> Option<(Duration, Duration)> {
    let number = text.strip_suffix("ms")?;
    let (shortest, longest) = number.split_once('-').unwrap_or((number, number));
    let (shortest, longest) = (shortest.trim().parse().ok()?, longest.trim().parse().ok()?);
    (shortest <= longest && longest <= 3_600_000)
        .then(|| (Duration::from_millis(shortest), Duration::from_millis(longest)))
}
