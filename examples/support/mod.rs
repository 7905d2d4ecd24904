//! Parts that the examples share: a client for HubSpot or a simulator, and the report of an error.

#[path = "../../cli/src/simulated.rs"]
mod simulated;

use std::{error::Error as StdError, process::ExitCode};

use hubspot_partner_clients::{Client, Error, simulator::Simulator};

/// Runs an example with a client for HubSpot if `HUBSPOT_ACCESS_TOKEN` is set, and otherwise for a simulator.
pub async fn run<E: Into<Box<dyn StdError>>>(example: impl AsyncFnOnce(Client) -> Result<(), E>) -> ExitCode {
    let outcome = match client().await {
        // The simulator stops when it is dropped.
        Ok((client, _simulator)) => example(client).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn client() -> Result<(Client, Option<Simulator>), Box<dyn StdError>> {
    if std::env::var_os("HUBSPOT_ACCESS_TOKEN").is_some() {
        return Ok((Client::from_env()?, None));
    }
    let simulator = simulated::hubspot().start().await?;
    eprintln!("HUBSPOT_ACCESS_TOKEN is not set: using a simulated HubSpot at {}.", simulator.base_url());
    let client = Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token()).build()?;
    Ok((client, Some(simulator)))
}

fn report(error: &(dyn StdError + 'static)) {
    let Some(error) = error.downcast_ref::<Error>() else {
        return eprintln!("Failed: {error}");
    };
    eprintln!("Failed: {error}");
    eprintln!("What to do: {}", error.remedy());
}
