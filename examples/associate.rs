//! Associates a partner client with another object and lists the association back.
//!
//! ```text
//! cargo run --example associate -- [PARTNER_CLIENT_ID TO_OBJECT_TYPE TO_OBJECT_ID ASSOCIATION_TYPE]
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set it talks to HubSpot, or to `HUBSPOT_BASE_URL`; without a token, to a simulator of its
//! own.

use std::process::ExitCode;

use hubspot_partner_clients::{Client, Result, simulator::Simulator};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [partner_client, to_type, to_id, association_type] =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => ["512", "companies", "9001", "partner_client_to_company"],
            [a, b, c, d] => [a, b, c, d],
            _ => {
                eprintln!("usage: associate [PARTNER_CLIENT_ID TO_OBJECT_TYPE TO_OBJECT_ID ASSOCIATION_TYPE]");
                return ExitCode::from(2);
            }
        };

    let simulator = match std::env::var_os("HUBSPOT_ACCESS_TOKEN") {
        Some(_) => None,
        None => match Simulator::start().await {
            Ok(simulator) => Some(simulator),
            Err(error) => {
                eprintln!("The simulator cannot start: {error}");
                return ExitCode::FAILURE;
            }
        },
    };
    let client = match &simulator {
        None => Client::from_env(),
        Some(simulator) => {
            println!("HUBSPOT_ACCESS_TOKEN is not set: using a simulated HubSpot at {}.", simulator.base_url());
            Client::builder().base_url(simulator.base_url()).access_token(simulator.access_token()).build()
        }
    };
    let outcome = match client {
        Ok(client) => run(&client, partner_client, to_type, to_id, association_type).await,
        Err(error) => Err(error),
    };
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    eprintln!("Failed: {}", error.message());
    if let Some(id) = error.correlation_id() {
        eprintln!("Correlation id: {id}");
    }
    for scope in error.required_scopes() {
        eprintln!("Scope needed: {scope}");
    }
    eprintln!("What to do: {}", error.remedy());
    ExitCode::FAILURE
}

async fn run(client: &Client, partner_client: &str, to_type: &str, to_id: &str, association_type: &str) -> Result<()> {
    let associated = client.associate(partner_client).with(to_type, to_id).as_type(association_type).await?;
    println!("Associated partner client {} with {to_type} {to_id} as {association_type}.", associated.id);
    println!("  updated {}", associated.updated_at);

    println!("Its {to_type} now:");
    for object in client.associations(partner_client, to_type).await?.results {
        println!("  {} as {}", object.id, object.type_);
    }
    Ok(())
}
