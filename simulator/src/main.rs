//! Serves the in-process HubSpot for a shell or a client in another language; `--help` tells how.

mod arguments;
mod switches;

use std::{env, fs, io::Write as _, process::ExitCode};

use hubspot_simulator::{RecordedRequest, SimulatorBuilder};

use crate::arguments::{Arguments, Command, HELP};

/// The requests that `GET /__simulator/requests` tells of.
const KEPT_REQUESTS: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match arguments::read(env::args().skip(1)) {
        Ok(Command::Serve(arguments)) => arguments,
        Ok(Command::Help) => {
            print!("{HELP}{}", switches::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    match serve(*arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let Arguments { builder, port, quiet, export_seed } = arguments;
    let builder = builder.port(port).control().keep_requests(KEPT_REQUESTS);
    let builder: SimulatorBuilder = if quiet { builder } else { builder.log(log) };
    let simulator =
        builder.start().await.map_err(|error| format!("The simulator cannot serve on port {port}: {error}"))?;
    if let Some(path) = export_seed {
        let seed = simulator.export_seed().map_err(|error| format!("The seed cannot be exported: {error}"))?;
        return fs::write(&path, seed + "\n").map_err(|error| format!("{path} cannot be written: {error}"));
    }
    println!("HUBSPOT_BASE_URL={}", simulator.base_url());
    println!("HUBSPOT_ACCESS_TOKEN={}", simulator.access_token());
    for account in simulator.accounts().skip(1) {
        println!("HUBSPOT_ACCESS_TOKEN_{}={}", account.account_id(), account.access_token());
    }
    simulator.stopped().await.map_err(|error| format!("The simulator stopped: {error}"))
}

/// One line a request: method, path, status and who sent it. A query may hold what a path does not, so it stays out.
fn log(request: &RecordedRequest) {
    let status = request.status().map_or_else(|| "reset".to_owned(), |status| status.to_string());
    let who = request.caller().unwrap_or("-");
    // A reader that went away is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{} {} {status} {who}", request.method(), request.path());
}
