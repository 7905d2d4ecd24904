//! The longer texts of `--help`.

pub(crate) const TOOL: &str = "\
Examples, without an account:
  hubspot-partner-clients demo
  hubspot-partner-clients list --simulator

Token:
  Set HUBSPOT_ACCESS_TOKEN to the access token of a private app or a service
  key. If it is not set, the tool asks for the token on a terminal, without
  showing it. No option takes the token, because other users of the machine
  can see arguments. With --simulator, no token is needed.

Exit codes:
  0    success
  1    HubSpot refused the request, or some rows failed
  2    invalid arguments, file, plan or journal; a removal that was not
       confirmed; output that cannot be written
  3    no token, a token that HubSpot rejects, or a token that lacks a scope
  4    network error, timeout, rate limit, server error, or a response that is
       not HubSpot's or does not say what became of the request
  129  ended by SIGHUP
  130  ended by SIGINT, as Ctrl-C sends it
  131  ended by SIGQUIT
  141  output pipe closed, as by `| head`
  143  ended by SIGTERM

  If rows failed for several reasons, the exit code is the first of 2, 3, 4
  and 1 that applies. On a signal, the tool prints and writes what is settled
  before it ends. A second signal ends it at once.";

pub(crate) const DEMO: &str = "\
Example:
  hubspot-partner-clients demo";

pub(crate) const DOCTOR: &str = "\
Examples:
  hubspot-partner-clients doctor
  hubspot-partner-clients doctor --write 512 companies 9001 partner_client_to_company
  hubspot-partner-clients doctor --beliefs > report.txt

Each line is ok, a warning or an error. Without --write, nothing is changed.
The exit code is 0 unless there is an error.";

pub(crate) const ASSOCIATE: &str = "\
Example:
  hubspot-partner-clients associate 512 deals 701 partner_client_to_deal
  hubspot-partner-clients associate 512 companies domain=acme.example owner";

pub(crate) const DISSOCIATE: &str = "\
Example:
  hubspot-partner-clients dissociate 512 companies 9001 partner_client_to_company";

pub(crate) const ASSOCIATIONS: &str = "\
Example:
  hubspot-partner-clients associations 512 companies";

pub(crate) const TYPES: &str = "\
Example:
  hubspot-partner-clients types companies";

pub(crate) const GET: &str = "\
Example:
  hubspot-partner-clients get 512 --properties name,domain";

pub(crate) const LIST: &str = "\
Example:
  hubspot-partner-clients list --limit 20 --properties name,domain";

pub(crate) const SEARCH: &str = "\
Example:
  hubspot-partner-clients search --filter domain=acme.example --limit 10";

pub(crate) const COMPLETIONS: &str = "\
Example:
  hubspot-partner-clients completions bash > completions.bash

To load it in this shell, run `source completions.bash`.";

/// A macro, so that texts can be joined where constants are wanted.
macro_rules! file {
    () => {
        "
File format:
  CSV in UTF-8 with a header, separated by commas, semicolons, tabs or
  vertical bars. The columns partner_client_id, to_object_type, to_object_id
  and association_type are required, in any order and in any usual spelling,
  such as `Partner Client ID`; --column names columns of other names, and
  --to-type and --type stand for a whole column. Other columns, spaces around
  values and empty rows are ignored. A row may be up to 1 MiB long. With - in
  place of a file, up to 64 MiB of standard input are read.

  In place of an id, a row can have a property and its value, such as
  domain=acme.example or email=ada@acme.example. If the column Website has
  domains, --column to_object_id.domain=Website finds the companies by them.
  HubSpot is asked for all these objects before anything is sent; if one is
  not there, or is there several times, nothing is sent.

  The whole file is checked before anything is sent.

  With --simulator, every partner client, object and association type in the
  file exists."
    };
}

pub(crate) const ASSOCIATE_MANY: &str = concat!(
    "\
Example:
  hubspot-partner-clients associate-many rows.csv --check
  hubspot-partner-clients associate-many rows.csv --column to_object_id.domain=Website
  hubspot-partner-clients associate-many rows.csv --journal rows.journal
",
    file!()
);

pub(crate) const DISSOCIATE_MANY: &str = concat!(
    "\
Example:
  hubspot-partner-clients dissociate-many rows.csv --check
  hubspot-partner-clients dissociate-many rows.csv --journal rows.journal --failed failed.csv

Before it removes anything, the tool asks on a terminal; elsewhere it needs
--yes.
",
    file!()
);

pub(crate) const RECONCILE: &str = concat!(
    "\
Example:
  hubspot-partner-clients reconcile rows.csv --to-type companies
  hubspot-partner-clients reconcile rows.csv --to-type companies --apply

Safety:
  Without --apply, the plan is shown and nothing is changed. Before it removes
  anything, the tool asks on a terminal; elsewhere it needs --yes. A partner
  client loses associations only after all its additions succeeded: if one
  fails, its removals are held back. A plan that removes more than 100
  associations, or leaves fewer than half as many as there are, is refused
  unless --max-removals allows it. A saved plan is refused if the associations
  that it was made from have changed since. A plan that was carried out in
  part can be run again.
",
    file!()
);

pub(crate) const UNDO: &str = "\
Examples:
  hubspot-partner-clients undo undo.json --dry-run
  hubspot-partner-clients undo undo.json

The file is one that associate-many, dissociate-many or reconcile wrote with
--undo. The tool removes what the run made and was not there before, and makes
what the run removed. Other changes since then stay. A run and its undo can be
interrupted and run again. The file is of one account, server and version of the
API. To repeat a run that was undone, give it --undo again, or another --journal:
its journal still records the rows as done.";

#[cfg(feature = "redis")]
pub(crate) const JOB: &str = "\
Example:
  hubspot-partner-clients job enqueue march rows.csv
  hubspot-partner-clients job worker march
  hubspot-partner-clients job collect march > outcomes.csv

How it works:
  A job is enqueued once. Any number of workers, on any number of machines,
  share its rows and the token's rate limit. If a worker dies, the others
  take over its rows 15 seconds later. Everything can be stopped and started
  again.

Redis:
  Set REDIS_URL to redis://user:password@host:6379/0, or to rediss://… for
  TLS. --redis is for addresses without a password, because other users of the
  machine can see arguments. Redis 6.2 or later is required, or Valkey; Redis
  Cluster is not supported. Set `appendonly yes` so that a job survives a
  restart of Redis, and `maxmemory-policy noeviction` so that a full memory
  loses nothing.";

#[cfg(feature = "redis")]
pub(crate) const ENQUEUE: &str = concat!(
    "\
Example:
  hubspot-partner-clients job enqueue march rows.csv
",
    file!()
);

#[cfg(feature = "redis")]
pub(crate) const WORKER: &str = "\
Example:
  hubspot-partner-clients job worker march --concurrency 8

It ends when every row of the job has an outcome, with exit code 1 if rows
failed, whichever worker sent them, and with 4 if a batch is set aside.";

#[cfg(feature = "redis")]
pub(crate) const JOBS: &str = "\
Example:
  hubspot-partner-clients job list";

#[cfg(feature = "redis")]
pub(crate) const RETRY: &str = "\
Example:
  hubspot-partner-clients job retry march

A batch of rows that fails five times by timeouts or server errors, or during
which ten workers in a row are killed, is set aside, so that it holds up
nothing. `job status` says why it failed.";

#[cfg(feature = "redis")]
pub(crate) const STATUS: &str = "\
Example:
  hubspot-partner-clients job status march";

#[cfg(feature = "redis")]
pub(crate) const COLLECT: &str = "\
Example:
  hubspot-partner-clients job collect march --failed > failed.csv";

#[cfg(feature = "redis")]
pub(crate) const REMOVE: &str = "\
Example:
  hubspot-partner-clients job remove march";
