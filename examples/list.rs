//! Prints a table of all partner clients.
//!
//! ```text
//! cargo run -p examples --example list
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set, it calls HubSpot, or the server in `HUBSPOT_BASE_URL`. Without a token it starts a
//! simulator.

mod support;

use std::{io::Write, process::ExitCode};

use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Result};

#[tokio::main]
async fn main() -> ExitCode {
    support::run(async |client| list(&client).await).await
}

async fn list(client: &Client) -> Result<()> {
    println!("{:>12}  {:<28}  {:<28}  changed", "id", "name", "domain");
    let mut partner_clients = client.list().properties(["name", "domain"]).items().read_ahead();
    let mut count = 0_usize;
    while let Some(partner_client) = partner_clients.try_next().await? {
        count += 1;
        let column = |name| partner_client.property(name).unwrap_or("-").chars().take(28).collect::<String>();
        let changed = partner_client.updated_at.map(|time| time.format("%Y-%m-%d %H:%M").to_string());
        let changed = changed.as_deref().unwrap_or("-");
        let (id, name, domain) = (&partner_client.id, column("name"), column("domain"));
        let Ok(()) = writeln!(std::io::stdout(), "{id:>12}  {name:<28}  {domain:<28}  {changed}") else {
            // The reader closed the pipe, as `head` does.
            return Ok(());
        };
        if count.is_multiple_of(100) {
            eprint!("\r{count} partner clients");
            std::io::stderr().flush().ok();
        }
    }
    eprintln!("\r{count} partner clients in total");
    Ok(())
}
