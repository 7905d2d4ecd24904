//! The association types that pairs of objects have in dated versions, read for many partner clients at once.

use std::collections::{BTreeSet, HashMap};

use futures_util::TryStreamExt;

use crate::{
    association::Association,
    associations::{list::labelled_pages, read_errors::ReadErrors, resolve::is_labelled, types::PARTNER_CLIENTS},
    client::Client,
    error::{Error, Result},
    generated::types::{self, AssociationSpecWithLabel, MultiAssociatedObjectWithLabel},
    ids::{ObjectId, ObjectType, PartnerClientId},
    partner_clients::{cursor::Cursor, paging::next},
    transport::{self, call_meta::CallMeta, call_options::CallOptions},
};

const MAX_INPUTS: usize = 1_000;
const OPERATION: &str = "batch_read_associations_with_labels";

/// What partner clients have with objects of one type.
#[derive(Default)]
pub(crate) struct Held(HashMap<PartnerClientId, HashMap<ObjectId, Vec<AssociationSpecWithLabel>>>);

impl Held {
    /// The labelled types of a pair.
    pub(crate) fn labels(&self, association: &Association) -> impl Iterator<Item = &AssociationSpecWithLabel> {
        let of_pair = self.0.get(&association.partner_client_id).and_then(|of| of.get(&association.to_object_id));
        of_pair.into_iter().flatten().filter(|held| is_labelled(held))
    }

    fn add(&mut self, partner_client: &PartnerClientId, listed: Vec<MultiAssociatedObjectWithLabel>) {
        let of = self.0.entry(partner_client.clone()).or_default();
        for object in listed {
            of.entry(object.to_object_id).or_default().extend(object.association_types);
        }
    }
}

/// Reads a thousand partner clients to a request, and by itself each of which the answer does not say all. `told` has what
/// each batch took.
///
/// # Errors
/// Where something is not known: what is not known could be lost. An unknown partner client has nothing.
pub(crate) async fn read(
    client: &Client,
    to_type: &ObjectType,
    partner_clients: &BTreeSet<PartnerClientId>,
    options: &CallOptions,
    mut told: impl FnMut(&CallMeta),
) -> Result<Held> {
    let mut held = Held::default();
    let all: Vec<_> = partner_clients.iter().collect();
    for chunk in all.chunks(MAX_INPUTS) {
        for partner_client in batch(client, to_type, chunk, options, &mut held, &mut told).await? {
            match list(client, to_type, &partner_client, options).await {
                Ok(listed) => held.add(&partner_client, listed),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(held)
}

/// Takes what one answer says, and gives back the partner clients of which it does not say all.
async fn batch(
    client: &Client,
    to_type: &ObjectType,
    chunk: &[&PartnerClientId],
    options: &CallOptions,
    held: &mut Held,
    told: &mut impl FnMut(&CallMeta),
) -> Result<BTreeSet<PartnerClientId>> {
    let asked: BTreeSet<_> = chunk.iter().copied().cloned().collect();
    let input = |id: &&PartnerClientId| types::PublicFetchAssociationsBatchRequest { id: (*id).into(), after: None };
    let inputs = chunk.iter().map(input).collect();
    let to = to_type.clone();
    let (called, meta, _) =
        transport::call_with_body(client.raw.clone(), options.clone(), OPERATION, |raw| async move {
            let request =
                raw.batch_read_associations_with_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to);
            request.body(types::BatchInputPublicFetchAssociationsBatchRequest { inputs }).send().await
        })
        .await;
    told(&meta);
    let answer = match called {
        // One partner client may have it all refused; each is asked for by itself.
        Err(error) if error.is_not_found() => return Ok(asked),
        called => called?,
    };
    if !meta.is_complete(answer.status.as_str()) || meta.left_out > 0 {
        return Ok(asked);
    }
    let ReadErrors { empty, mut doubtful } = ReadErrors::new(&answer.errors, OPERATION, &meta, &asked)?;
    let mut unsaid: BTreeSet<_> = asked.difference(&empty).cloned().collect();
    for result in answer.results {
        let Ok(partner_client) = PartnerClientId::try_from(result.from.id.as_str()) else { continue };
        if !asked.contains(&partner_client) {
            continue;
        }
        // Many associations have pages of their own, and are listed from the beginning.
        if next(result.paging.and_then(|paging| paging.next)) != Cursor::End {
            doubtful.insert(partner_client);
        } else {
            unsaid.remove(&partner_client);
            held.add(&partner_client, result.to);
        }
    }
    unsaid.extend(doubtful);
    Ok(unsaid)
}

async fn list(
    client: &Client,
    to_type: &ObjectType,
    partner_client: &PartnerClientId,
    options: &CallOptions,
) -> Result<Vec<MultiAssociatedObjectWithLabel>> {
    let mut pages = labelled_pages(client, partner_client, to_type, options.clone());
    let (mut all, mut left_out) = (Vec::new(), 0);
    while let Some(page) = pages.try_next().await? {
        left_out += page.left_out;
        all.extend(page.items);
    }
    match left_out {
        0 => Ok(all),
        count => Err(Error::unread_associations(partner_client.as_str(), count)),
    }
}
