//! Mirrors changed partner clients into a JSON file. It can be interrupted at any time and run again.
//!
//! ```text
//! cargo run -p examples --example sync -- [FILE]      (partner_clients.json by default)
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set, it calls HubSpot, or the server in `HUBSPOT_BASE_URL`. Without a token it starts a
//! simulator.

mod support;

use std::{collections::BTreeMap, error::Error, fs, path::Path, process::ExitCode};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Cursor, PartnerClient};
use serde::{Deserialize, Serialize};

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
struct Mirror {
    cursor: Cursor,
    partner_clients: BTreeMap<String, PartnerClient>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).unwrap_or_else(|| "partner_clients.json".into());
    support::run(async |client| sync(&client, file.as_ref()).await).await
}

async fn sync(client: &Client, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut mirror = if file.exists() { serde_json::from_slice(&fs::read(file)?)? } else { Mirror::default() };
    if !mirror.cursor.is_start() {
        println!("Resuming where the last run stopped.");
    }
    let changed = client.changed_since(DateTime::<Utc>::UNIX_EPOCH).properties(["name", "domain"]);
    let mut pages = changed.after(&mirror.cursor).pages();
    let (mut count, mut left_out) = (0, 0);
    while let Some(page) = pages.try_next().await? {
        count += page.items.len();
        left_out += page.left_out;
        mirror.cursor = page.next;
        mirror.partner_clients.extend(page.items.into_iter().map(|client| (client.id.clone(), client)));
        // Renaming replaces the file at once, so it always holds a page and its cursor, or neither.
        let new = file.with_extension("new");
        fs::write(&new, serde_json::to_vec(&mirror)?)?;
        fs::rename(new, file)?;
    }
    let (all, file) = (mirror.partner_clients.len(), file.display());
    println!("{count} changed partner clients read; {all} are in {file}.");
    if left_out > 0 {
        eprintln!(
            "{left_out} records are missing from the file, because HubSpot's responses describe them in an unreadable way."
        );
    }
    Ok(())
}
