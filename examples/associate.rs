//! Associates a partner client with another object and lists the association back.
//!
//! ```text
//! cargo run -p examples --example associate -- [PARTNER_CLIENT_ID TO_OBJECT_TYPE TO_OBJECT_ID ASSOCIATION_TYPE]
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set, it calls HubSpot, or the server in `HUBSPOT_BASE_URL`. Without a token it starts a
//! simulator.

mod support;

use std::process::ExitCode;

use hubspot_partner_clients::{Client, Result};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ids = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ["512", "companies", "9001", "partner_client_to_company"],
        [partner_client, to_type, to_id, association_type] => [partner_client, to_type, to_id, association_type],
        _ => {
            eprintln!("usage: associate [PARTNER_CLIENT_ID TO_OBJECT_TYPE TO_OBJECT_ID ASSOCIATION_TYPE]");
            return ExitCode::from(2);
        }
    };
    support::run(async |client| associate(&client, ids).await).await
}

async fn associate(client: &Client, [partner_client, to_type, to_id, association_type]: [&str; 4]) -> Result<()> {
    let associated = client.associate(partner_client).with(to_type, to_id).as_type(association_type).await;
    if associated.as_ref().is_err_and(|error| error.status() == Some(400)) {
        show_types(client, to_type).await;
    }
    let associated = associated?;
    println!(
        "Associated partner client {} with {to_type} {to_id} as {association_type}.",
        associated.partner_client_id
    );
    if let Some(time) = associated.partner_client.and_then(|partner_client| partner_client.updated_at) {
        println!("HubSpot updated it at {time}.");
    }

    println!("It is now associated with these {to_type}:");
    for object in client.associations(partner_client, to_type).await?.results {
        println!("  {} as {}", object.id, object.type_);
    }
    Ok(())
}

/// Of all the arguments, the association type is the one that nobody knows by heart.
async fn show_types(client: &Client, to_type: &str) {
    for known in client.association_types(to_type).await.unwrap_or_default() {
        eprintln!("Association type to {to_type}: {} ({})", known.name.or(known.label).unwrap_or_default(), known.id);
    }
}
