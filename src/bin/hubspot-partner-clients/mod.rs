//! From arguments to an exit code.

mod arguments;
mod associations;
mod bulk;
mod connect;
mod demo;
mod failure;
mod filter;
#[cfg(feature = "redis")]
mod job;
mod output;
mod partner_clients;
mod suggest;

use std::{env, process::ExitCode};

use clap::{CommandFactory, Parser};

use self::{
    arguments::{Arguments, Call, Command, NAME},
    connect::Connection,
    failure::{Code, Failure},
    output::Output,
};

pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let json = arguments.json;
    match run(arguments) {
        Ok(code) => code.into(),
        Err(failure) => failure.report(json),
    }
}

/// What clap has to say: help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && env::args_os().any(|argument| argument == "--json") {
        return Failure::usage(error.render().to_string()).report(true);
    }
    // There is nobody left to be told of a failure.
    let _ = error.print();
    if error.use_stderr() { Code::Usage.into() } else { ExitCode::SUCCESS }
}

fn run(arguments: Arguments) -> Result<Code, Failure> {
    // One thread does: all that is waited for is the network.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("the asynchronous runtime cannot start", &error))?;
    let mut output = Output::new(arguments.json);
    let code = runtime.block_on(dispatch(arguments, &mut output))?;
    output.flush()?;
    Ok(code)
}

async fn dispatch(arguments: Arguments, output: &mut Output) -> Result<Code, Failure> {
    let connection = Connection { simulator: arguments.simulator, base_url: arguments.base_url };
    match arguments.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
            output.bytes(&script)?;
            Ok(Code::Success)
        }
        // These end by themselves when they are interrupted.
        Command::AssociateMany(many) => bulk::run(bulk::Change::Associate, &many, &connection, output).await,
        Command::DissociateMany(many) => bulk::run(bulk::Change::Dissociate, &many, &connection, output).await,
        Command::Reconcile(reconcile) => bulk::reconcile::run(&reconcile, &connection, output).await,
        #[cfg(feature = "redis")]
        Command::Job(arguments) => job::run(arguments, &connection, output).await,
        Command::Call(call) => {
            interruptible(answer(call, &connection, output), None).await?;
            Ok(Code::Success)
        }
    }
}

async fn interruptible<T>(run: impl Future<Output = Result<T, Failure>>, remedy: Option<&str>) -> Result<T, Failure> {
    tokio::select! {
        outcome = run => outcome,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::interrupted("Interrupted.", remedy.map(str::to_owned))),
    }
}

async fn answer(call: Call, connection: &Connection, output: &mut Output) -> Result<(), Failure> {
    let connected = connection.client().await?;
    let client = &connected.client;
    match call {
        Call::Associate(association) => associations::associate(client, &association, output).await,
        Call::Dissociate(association) => associations::dissociate(client, &association, output).await,
        Call::Associations { partner_client, to_type } => {
            associations::list(client, &partner_client, &to_type, output).await
        }
        Call::Types { to_type } => associations::types(client, &to_type, output).await,
        Call::Get { id, properties } => partner_clients::get(client, &id, properties, output).await,
        Call::List(page) => partner_clients::list(client, page, output).await,
        Call::Search(search) => partner_clients::search(client, search, output).await,
    }
}
