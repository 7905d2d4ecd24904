//! Single associations.

use futures_util::TryStreamExt;
use hubspot_partner_clients::{Client, Error};
use serde_json::json;

use super::{
    arguments::Association,
    failure::{Failure, warn_left_out},
    output::{Output, Table},
    suggest,
};

pub(super) async fn associate(client: &Client, what: &Association, output: &mut Output) -> Result<(), Failure> {
    let Association { partner_client, to_type, to_id, association_type } = what;
    match client.associate(partner_client).with(to_type, to_id).as_type(association_type).await {
        Ok(associated) if output.json => output.json(&associated),
        Ok(associated) => output.line(format_args!(
            "Partner client {} is associated with {to_type} {to_id} as {association_type}.",
            associated.partner_client_id
        )),
        Err(error) => Err(explained(client, what, error).await),
    }
}

pub(super) async fn dissociate(
    client: &Client,
    what: &Association,
    including_labels: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let Association { partner_client, to_type, to_id, association_type } = what;
    let call = client.dissociate(partner_client).with(to_type, to_id).as_type(association_type);
    match if including_labels { call.including_labels() } else { call }.await {
        Ok(()) if output.json => output.json(&json!({
            "partnerClientId": partner_client,
            "toObjectType": to_type,
            "toObjectId": to_id,
            "associationType": association_type,
            "result": "removed",
        })),
        Ok(()) => output.line(format_args!(
            "Partner client {partner_client} is no longer associated with {to_type} {to_id} as {association_type}."
        )),
        Err(error) => Err(explained(client, what, error).await),
    }
}

async fn explained(client: &Client, what: &Association, error: Error) -> Failure {
    let hint = suggest::association_type(client, &what.to_type, &what.association_type, &error).await;
    let hint = hint.or_else(|| suggest::object_type(&what.to_type, &error));
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.and_then_do(&hint),
        None => failure,
    }
}

pub(super) async fn list(
    client: &Client,
    partner_client: &str,
    to_type: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut associated = client.associations(partner_client, to_type).items();
    let mut table = Table::new(["id", "type"]);
    let hinted = |error| suggest::with_hint(error, to_type);
    while let Some(object) = output.wait(associated.try_next()).await?.map_err(hinted)? {
        if output.json {
            output.json(&object)?;
        } else {
            table.row([object.id.as_str(), &object.type_], output)?;
        }
    }
    if !output.json {
        table.end(output)?;
    }
    warn_left_out(associated.left_out(), output.json);
    Ok(())
}
