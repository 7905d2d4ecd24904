//! Mirrors changed partner clients into a JSON file. It can be interrupted at any time and run again.
//!
//! ```text
//! cargo run -p examples --example sync -- [FILE]      (partner_clients.json by default)
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set it talks to HubSpot, or to `HUBSPOT_BASE_URL`; without a token, to a simulator of its
//! own.

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
        println!("Going on from where the last run came to.");
    }
    let changed = client.changed_since(DateTime::<Utc>::UNIX_EPOCH).properties(["name", "domain"]);
    let (mut pages, mut count) = (changed.after(&mirror.cursor).pages(), 0);
    while let Some(page) = pages.try_next().await? {
        count += page.items.len();
        mirror.cursor = page.next;
        mirror.partner_clients.extend(page.items.into_iter().map(|client| (client.id.clone(), client)));
        // The page and the progress it makes, both or neither.
        let new = file.with_extension("new");
        fs::write(&new, serde_json::to_vec(&mirror)?)?;
        fs::rename(new, file)?;
    }
    let (all, file) = (mirror.partner_clients.len(), file.display());
    println!("{count} partner clients read, {all} in {file}.");
    Ok(())
}
