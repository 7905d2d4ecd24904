//! Serves the in-process HubSpot for a shell or a client in another language; `--help` tells how.

mod arguments;
mod switches;

use std::{
    env, fs,
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
};

use hubspot_simulator::{RecordedRequest, SimulatorBuilder};

use crate::arguments::{Arguments, Command, HELP};

/// The requests that `GET /__simulator/requests` tells of.
const KEPT_REQUESTS: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match arguments::read(env::args_os().skip(1)) {
        Ok(Command::Serve(arguments)) => serve(*arguments).await,
        Ok(Command::Help) => help(),
        Err(problem) => {
            complain(&format!("{problem}\nTry --help."));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn help() -> Result<(), String> {
    match write(&format!("{HELP}{}", switches::HELP)) {
        // The reader has seen enough of it.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| unwritten(&error)),
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let Arguments { builder, port, quiet, export_seed, .. } = arguments;
    let builder = builder.port(port).control().keep_requests(KEPT_REQUESTS);
    let builder: SimulatorBuilder = if quiet { builder } else { builder.log(log) };
    let simulator =
        builder.start().await.map_err(|error| format!("The simulator cannot serve on port {port}: {error}"))?;
    if let Some(path) = export_seed {
        let seed = simulator.export_seed().map_err(|error| format!("The seed cannot be exported: {error}"))?;
        return fs::write(&path, seed + "\n").map_err(|error| format!("{path} cannot be written: {error}"));
    }
    let mut lines =
        format!("HUBSPOT_BASE_URL={}\nHUBSPOT_ACCESS_TOKEN={}\n", simulator.base_url(), simulator.access_token());
    for account in simulator.accounts().skip(1) {
        lines += &format!("HUBSPOT_ACCESS_TOKEN_{}={}\n", account.account_id(), account.access_token());
    }
    // Without a reader nobody knows where the simulator is.
    write(&lines).map_err(|error| unwritten(&error))?;
    simulator.stopped().await.map_err(|error| format!("The simulator stopped: {error}"))
}

/// Writes all of a text at once, so that a reader who takes only its first line gets it.
fn write(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn unwritten(error: &io::Error) -> String {
    format!("Standard output cannot be written: {error}")
}

/// Says what is wrong, on standard error. Where that cannot be written either, the exit code says it.
fn complain(problem: &str) {
    let _ = writeln!(io::stderr(), "{problem}");
}

/// One line a request: method, path, status and who sent it. A query may hold what a path does not, so it stays out.
fn log(request: &RecordedRequest) {
    let status = request.status().map_or_else(|| "reset".to_owned(), |status| status.to_string());
    let who = request.caller().unwrap_or("-");
    // A reader that went away is no reason to stop.
    let _ = writeln!(io::stderr(), "{} {} {status} {who}", request.method(), request.path());
}
