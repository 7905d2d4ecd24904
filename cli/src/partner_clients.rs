//! Reading, listing and searching partner clients.

use std::collections::BTreeSet;

use chrono::SecondsFormat;
use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Items, PartnerClient};

use super::{
    arguments::{Listing, Search, listed},
    failure::{Failure, warn_left_out},
    output::{Output, Table},
};

/// Properties that HubSpot also sends outside the properties.
const COMPUTED: [&str; 3] = ["createdate", "hs_lastmodifieddate", "hs_object_id"];
/// How many partner clients a list's columns are taken from if none are given.
const SAMPLE: usize = 100;

pub(super) async fn get(
    client: &Client,
    id: &str,
    properties: Vec<String>,
    output: &mut Output,
) -> Result<(), Failure> {
    let partner_client = client.get(id).properties(listed(&properties)).await?;
    if output.json {
        return output.json(&partner_client);
    }
    let mut table = Table::new(["property", "value"]);
    let (created, updated) = (time(partner_client.created_at), time(partner_client.updated_at));
    for row in [["id", &partner_client.id], ["created", &created], ["updated", &updated]] {
        table.row(row, output)?;
    }
    for name in columns([&partner_client]) {
        table.row([&*name, partner_client.property(&name).unwrap_or_default()], output)?;
    }
    table.end(output)
}

pub(super) async fn list(client: &Client, listing: Listing, output: &mut Output) -> Result<(), Failure> {
    let listing = Listing { properties: listed(&listing.properties), ..listing };
    let call = client.list().properties(&listing.properties).page_size(page(listing.limit, 100));
    show(call.items(), listing, output).await
}

pub(super) async fn search(client: &Client, search: Search, output: &mut Output) -> Result<(), Failure> {
    let Search { query, filters, listing } = search;
    let listing = Listing { properties: listed(&listing.properties), ..listing };
    let mut call = client.search().properties(&listing.properties).page_size(page(listing.limit, 200));
    if let Some(query) = query {
        call = call.query(query);
    }
    let call = filters.into_iter().fold(call, |call, filter| call.filter(filter));
    show(call.items(), listing, output).await
}

/// No larger than what is asked for.
fn page(limit: Option<u64>, most: u16) -> u16 {
    limit.and_then(|limit| u16::try_from(limit).ok()).map_or(most, |limit| limit.min(most))
}

async fn show(mut items: Items<PartnerClient>, listing: Listing, output: &mut Output) -> Result<(), Failure> {
    show_all(&mut items, listing, output).await?;
    warn_left_out(items.left_out(), output.json);
    Ok(())
}

async fn show_all(items: &mut Items<PartnerClient>, listing: Listing, output: &mut Output) -> Result<(), Failure> {
    let mut left = listing.limit.unwrap_or(u64::MAX);
    let mut next = async |output: &mut Output| {
        let next = if left == 0 { None } else { output.wait(items.try_next()).await?? };
        left -= u64::from(next.is_some());
        Result::<_, Failure>::Ok(next)
    };
    if output.json {
        while let Some(partner_client) = next(output).await? {
            output.json(&partner_client)?;
        }
        return Ok(());
    }
    let mut first = Vec::new();
    while first.len() < SAMPLE
        && let Some(partner_client) = next(output).await?
    {
        first.push(partner_client);
    }
    let names = if listing.properties.is_empty() { columns(&first) } else { listing.properties };
    let mut table = Table::new(["id"].into_iter().chain(names.iter().map(String::as_str)).chain(["updated"]));
    let mut row = |partner_client: &PartnerClient, output: &mut Output| {
        let mut cells = vec![partner_client.id.clone()];
        cells.extend(names.iter().map(|name| partner_client.property(name).unwrap_or_default().to_owned()));
        cells.push(time(partner_client.updated_at));
        table.row(cells, output)
    };
    for partner_client in first {
        row(&partner_client, output)?;
    }
    while let Some(partner_client) = next(output).await? {
        row(&partner_client, output)?;
    }
    table.end(output)
}

fn columns<'a>(partner_clients: impl IntoIterator<Item = &'a PartnerClient>) -> Vec<String> {
    let names: BTreeSet<&String> = partner_clients.into_iter().flat_map(|client| client.properties.keys()).collect();
    names.into_iter().filter(|name| !COMPUTED.contains(&name.as_str())).cloned().collect()
}

/// Empty where HubSpot does not say.
fn time(time: Option<chrono::DateTime<chrono::Utc>>) -> String {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}
