//! The associations of partner clients, brought to the state that a file describes.

use std::collections::BTreeSet;

use hubspot_partner_clients::{
    Client,
    reconcile::{Applied, Plan},
};
use serde_json::json;

use super::{check, report::first, rows::Rows, seed};
use crate::cli::{
    arguments::Reconcile,
    connect::Connection,
    failure::{Code, Failure, to_json},
    output::{Output, Table, printable},
};

pub(in crate::cli) async fn run(
    arguments: &Reconcile,
    connection: &Connection,
    output: &mut Output,
) -> Result<Code, Failure> {
    check::check(&arguments.file, Some(&arguments.to_type))?;
    let connected =
        connection.client_with(|builder| builder, |simulator| seed::seed(simulator, &arguments.file)).await?;
    let client = &connected.client;
    let plan = plan(client, arguments).await?;
    if !output.json {
        output.line(format_args!("{plan}"))?;
        output.flush()?;
    }
    let applied = if arguments.apply { Some(plan.apply(client).await) } else { None };
    if output.json {
        output.json(&json!({"plan": plan, "applied": applied.as_ref().map(applied_json)}))?;
    } else if let Some(applied) = &applied {
        tell(applied, output)?;
    } else if !plan.is_empty() {
        output.line(format_args!("Nothing was changed. Give --apply to change it."))?;
    }
    let errors = applied.iter().flat_map(|applied| &applied.failed).filter_map(|failed| failed.result.as_ref().err());
    Ok(errors.map(Code::from).fold(Code::Success, first))
}

async fn plan(client: &Client, arguments: &Reconcile) -> Result<Plan, Failure> {
    let mut partner_clients: BTreeSet<String> = arguments.partner_clients.iter().cloned().collect();
    let all_in_file = arguments.all_in_file || partner_clients.is_empty();
    let mut desired = Vec::new();
    let mut rows = Rows::open(&arguments.file)?;
    while let Ok(true) = rows.advance()? {
        let [partner_client, _, to_id, association_type] = rows.values().map(str::to_owned);
        if all_in_file {
            partner_clients.insert(partner_client.clone());
        }
        desired.push((partner_client, to_id, association_type));
    }
    let only = &arguments.only_types;
    let reconcile = client.reconcile(partner_clients, arguments.to_type.as_str(), desired);
    Ok(only.iter().fold(reconcile, |reconcile, only| reconcile.only_type(only)).plan().await?)
}

fn tell(applied: &Applied, output: &mut Output) -> Result<(), Failure> {
    for failed in &applied.failed {
        if let (Some(partner_client), Some(to_id), Err(error)) =
            (failed.association.partner_client(), failed.association.to_object_id(), &failed.result)
        {
            let error = printable(&error.to_string());
            output.line(format_args!("partner client {partner_client} and {to_id}: {error}"))?;
        }
    }
    let mut table = Table::new(["added", "removed", "failed"]);
    table.row([applied.added, applied.removed, applied.failed.len() as u64].map(|count| count.to_string()), output)?;
    table.end(output)
}

fn applied_json(applied: &Applied) -> serde_json::Value {
    let failed = applied.failed.iter().map(|failed| {
        json!({
            "partnerClientId": failed.association.partner_client(),
            "toObjectId": failed.association.to_object_id(),
            "associationType": failed.association.association_type(),
            "error": failed.result.as_ref().err().map(to_json),
        })
    });
    json!({"added": applied.added, "removed": applied.removed, "failed": failed.collect::<Vec<_>>()})
}
