//! Mirrors changed partner clients into a local SQLite file. It can be interrupted at any time and run again.
//!
//! ```text
//! cargo run --example sync -- [FILE]      (partner_clients.sqlite by default)
//! ```
//!
//! With `HUBSPOT_ACCESS_TOKEN` set it talks to HubSpot, or to `HUBSPOT_BASE_URL`; without a token, to a simulator of its
//! own.

mod support;

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Page, PartnerClient};
use rusqlite::{Connection, OptionalExtension, params};

/// New data takes a moment to be found, so a run begins a little before the end of the last one.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args().nth(1).unwrap_or_else(|| "partner_clients.sqlite".to_owned());
    support::run(async |client| sync(&client, &file).await).await
}

async fn sync(client: &Client, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut mirror = Connection::open(file)?;
    mirror.execute_batch(
        "CREATE TABLE IF NOT EXISTS partner_clients (id TEXT PRIMARY KEY, name TEXT, domain TEXT, changed TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT, since TEXT NOT NULL);",
    )?;
    let progress: Option<(Option<String>, DateTime<Utc>)> =
        mirror.query_row("SELECT cursor, since FROM progress", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (cursor, mut since) = progress.unwrap_or_default();

    let mut changed = client.changed_since(since - OVERLAP).properties(["name", "domain"]);
    if let Some(cursor) = cursor {
        println!("Going on where the last run was interrupted.");
        changed = changed.after(cursor);
    }
    let (mut pages, mut count) = (changed.pages(), 0);
    while let Some(page) = pages.try_next().await? {
        count += page.items.len();
        since = page.items.iter().map(|client| client.updated_at).fold(since, DateTime::max);
        keep(&mut mirror, &page, since)?;
    }
    let all: i64 = mirror.query_row("SELECT count(*) FROM partner_clients", [], |row| row.get(0))?;
    println!("{count} partner clients read, {all} in {file}, the last changed at {since}.");
    Ok(())
}

/// A page and the progress it makes, both or neither.
fn keep(mirror: &mut Connection, page: &Page<PartnerClient>, since: DateTime<Utc>) -> rusqlite::Result<()> {
    let transaction = mirror.transaction()?;
    for client in &page.items {
        transaction.execute(
            "INSERT OR REPLACE INTO partner_clients VALUES (?, ?, ?, ?)",
            params![client.id, client.property("name"), client.property("domain"), client.updated_at],
        )?;
    }
    transaction.execute("INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", params![page.next, since])?;
    transaction.commit()
}
