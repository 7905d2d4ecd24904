//! Reading the associations that are there.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::Key;
use crate::{
    AssociatedId, Client, Error, ObjectId, ObjectType, PartnerClientId, Result, generated::types, options::CallOptions,
    transport,
};

const MAX_INPUTS: usize = 1_000;
/// What HubSpot answers for a partner client without an association of the kind.
const NONE_FOUND: &str = "NO_ASSOCIATIONS_FOUND";

pub(super) async fn read(
    client: &Client,
    partner_clients: &[PartnerClientId],
    to_type: &ObjectType,
    options: &CallOptions,
) -> Result<BTreeSet<Key>> {
    let mut there = BTreeSet::new();
    let distinct: Vec<_> = partner_clients.iter().collect::<BTreeSet<_>>().into_iter().collect();
    for chunk in distinct.chunks(MAX_INPUTS) {
        let inputs = chunk.iter().map(|id| types::PublicObjectId::builder().id(*id).try_into());
        let inputs = inputs.collect::<std::result::Result<Vec<_>, types::error::ConversionError>>()?;
        let to = to_type.clone();
        let (answer, meta) =
            transport::call(client.raw.clone(), options.clone(), "batch_read_associations", |raw| async move {
                let request = raw.batch_read_associations().from_object_type("partner_clients").to_object_type(to);
                request.body(types::BatchInputPublicObjectId::builder().inputs(inputs)).send().await
            })
            .await?;
        let fatal = |error: &&types::StandardError| {
            let sub_category = error.sub_category.as_ref().and_then(|value| value.as_str());
            !sub_category.is_some_and(|sub_category| sub_category.ends_with(NONE_FOUND))
        };
        if let Some(error) = answer.errors.iter().find(fatal) {
            return Err(Error::in_batch(error).in_call("batch_read_associations", &meta, false));
        }
        for result in answer.results {
            let partner_client = PartnerClientId::try_from(result.from.id.as_str())?;
            // Many associations have pages of their own, as when they are listed.
            if let Some(next) = result.paging.and_then(|paging| paging.next) {
                let mut rest = client.associations(partner_client.clone(), to_type.clone()).after(next.after);
                rest.options = options.clone();
                let rest: Vec<_> = rest.items().try_collect().await?;
                there.extend(rest.into_iter().map(|other| key(&partner_client, other)));
            }
            there.extend(result.to.into_iter().map(|other| key(&partner_client, other)));
        }
    }
    Ok(there)
}

fn key(partner_client: &PartnerClientId, AssociatedId { id, type_, .. }: AssociatedId) -> Key {
    Key(partner_client.clone(), ObjectId::clone(&id), type_.to_lowercase())
}
