//! The command-line tool of the SDK: `hubspot-partner-clients --help` says what it does.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod arguments;
mod association_types;
mod associations;
mod bulk;
mod command_line;
mod completions;
mod demo;
mod doctor;
mod exit;
mod failure;
mod filter;
mod help;
mod input_file;
#[cfg(feature = "redis")]
mod job;
mod key;
mod log;
mod output;
mod output_file;
mod partner_clients;
mod printable;
mod question;
mod signals;
mod simulated;
mod spreadsheet;
mod suggest;
mod target;
mod words;

use std::{
    env,
    io::{Write, stdout},
    process::ExitCode,
};

use clap::Parser;

use self::{
    arguments::{Arguments, Association, Call, Command},
    exit::Code,
    failure::Failure,
    key::PARTNER_CLIENTS,
    log::Log,
    output::{Format, Output},
    signals::Signals,
    target::Target,
};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let json = arguments.format() == Format::Json;
    match run(arguments) {
        Ok(code) => code.into(),
        Err(failure) => failure.report(json),
    }
}

/// Whether arguments that cannot be read ask for JSON.
fn asks_for_json() -> bool {
    let arguments: Vec<_> = env::args_os().collect();
    let is_pair = |pair: &[_]| matches!(pair, [option, format] if option == "--output" && format == "json");
    arguments.iter().any(|argument| argument == "--json" || argument == "--output=json")
        || arguments.windows(2).any(is_pair)
}

/// Prints what clap answers itself: help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && asks_for_json() {
        return Failure::usage(error.render().to_string()).report(true);
    }
    match error.print().and_then(|()| stdout().flush()) {
        // Help that nobody could read.
        Err(unwritten) if !error.use_stderr() => Failure::output(&unwritten).report(false),
        _ if error.use_stderr() => Code::Usage.into(),
        _ => ExitCode::SUCCESS,
    }
}

fn run(arguments: Arguments) -> Result<Code, Failure> {
    // One thread does: all that is waited for is the network.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("the asynchronous runtime cannot start", &error))?;
    let signals = Signals::listen().map_err(|error| Failure::io("signals cannot be handled", &error))?;
    let mut output = Output::new(arguments.format());
    let log = Log::begin(arguments.log.as_deref(), arguments.verbose, output.json)?;
    let target = Target::new(&arguments, log.clone());
    let ended = runtime.block_on(dispatch(arguments.command, &target, &signals, &mut output));
    // Otherwise it would wait for a look-up of a name that is not answered, whatever ended the command.
    runtime.shutdown_background();
    let code = ended?;
    output.flush()?;
    log.end()?;
    Ok(code)
}

async fn dispatch(command: Command, target: &Target, signals: &Signals, output: &mut Output) -> Result<Code, Failure> {
    match command {
        Command::Demo => signals.interrupt(demo::run(target, signals, output), None).await,
        Command::Doctor { write, beliefs } => {
            let pair = write.as_deref().map(Association::of).transpose()?;
            let unfinished = pair.as_ref().map(|_| "Look whether the association is still there, and remove it.");
            if beliefs {
                return signals.interrupt(doctor::beliefs::run(target, pair.as_ref(), output), unfinished).await;
            }
            signals.interrupt(doctor::run(target, pair.as_ref(), output), unfinished).await
        }
        Command::Completions { shell } => {
            output.bytes(&completions::script(shell))?;
            Ok(Code::Success)
        }
        // These end by themselves when they are interrupted.
        Command::AssociateMany(many) => bulk::associate(&many, target, signals, output).await,
        Command::DissociateMany(many) => bulk::dissociate(&many, target, signals, output).await,
        Command::Reconcile(reconcile) => bulk::reconcile::run(&reconcile, target, signals, output).await,
        Command::Undo(undo) => bulk::undo::run(&undo, target, signals, output).await,
        #[cfg(feature = "redis")]
        Command::Job(arguments) => job::run(arguments, target, signals, output).await,
        Command::Call(call) => {
            signals.interrupt(perform(call, target, output), None).await?;
            Ok(Code::Success)
        }
    }
}

async fn perform(call: Call, target: &Target, output: &mut Output) -> Result<(), Failure> {
    call.check()?;
    let session = target.client().await?;
    let client = &session.client;
    if call.changes_something() || target.account.is_some() {
        target.named(client).await?;
    }
    match call {
        Call::Associate(association) => {
            let association = association.resolved(client).await?;
            associations::associate(client, &association, output).await
        }
        Call::Dissociate { association, labels, yes } => {
            let association = association.resolved(client).await?;
            let Association { partner_client, to_type, to_id, association_type } = &association;
            let what = format!(
                "the association of partner client {partner_client} with {to_type} {to_id} ({association_type})"
            );
            let question = format!("Remove {what}?");
            question::ask(yes.yes, target.simulator, &format!("this removes {what}"), &question).await?;
            associations::dissociate(client, &association, labels.including_labels, output).await
        }
        Call::Associations { partner_client, to_type } => {
            let partner_client = key::resolved(client, PARTNER_CLIENTS, &partner_client).await?;
            associations::list(client, &partner_client, &to_type, output).await
        }
        Call::Types { to_type } => association_types::run(&session, &to_type, output).await,
        Call::Get { id, properties } => {
            let id = key::resolved(client, PARTNER_CLIENTS, &id).await?;
            partner_clients::get(client, &id, properties, output).await
        }
        Call::List(page) => partner_clients::list(client, page, output).await,
        Call::Search(search) => partner_clients::search(client, search, output).await,
    }
}
