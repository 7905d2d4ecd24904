//! Reading the associations that are there.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::types::Types;
use crate::{
    association::Association,
    associations::{
        AssociatedId,
        held::{self, CONCURRENCY, MAX_INPUTS},
        read_errors::ReadErrors,
        resolve::{exact, is_labelled},
        types::PARTNER_CLIENTS,
    },
    client::Client,
    error::{Error, Result},
    generated,
    ids::{AssociationType, ObjectType, PartnerClientId},
    partner_clients::{cursor::Cursor, paging::next},
    transport::{self, call_options::CallOptions},
};

const OPERATION: &str = "batch_read_associations";

/// What HubSpot says of some partner clients.
#[derive(Default)]
pub(super) struct Existing {
    pub(super) there: BTreeSet<Association>,
    /// The types of dated versions in it that have no label.
    pub(super) unlabeled: BTreeSet<AssociationType>,
    /// Those that it does not know.
    pub(super) unknown: BTreeSet<PartnerClientId>,
    /// What it said of the first of them.
    refusal: Option<Error>,
}

impl Existing {
    /// An error that names all unknown partner clients, if there are any.
    pub(super) fn all_known(&self) -> Result<()> {
        match &self.refusal {
            None => Ok(()),
            Some(refusal) => Err(refusal.naming_unknown(self.unknown.iter().map(PartnerClientId::as_str))),
        }
    }

    fn add_unknown(&mut self, partner_client: &PartnerClientId, refusal: Error) {
        self.unknown.insert(partner_client.clone());
        self.refusal.get_or_insert(refusal);
    }
}

pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) to_type: &'a ObjectType,
    pub(super) types: &'a Types,
    pub(super) options: &'a CallOptions,
}

impl Reader<'_> {
    /// Reads a thousand partner clients to a request. One of which an answer says nothing that is certain is asked for by
    /// itself.
    pub(super) async fn read(&self, partner_clients: &[PartnerClientId]) -> Result<Existing> {
        if self.client.api_version().is_dated() {
            return self.read_dated(partner_clients).await;
        }
        let mut existing = Existing::default();
        let distinct: Vec<_> = partner_clients.iter().collect::<BTreeSet<_>>().into_iter().collect();
        for chunk in distinct.chunks(MAX_INPUTS) {
            let unsaid = self.batch(chunk, &mut existing).await?;
            let mut alone = stream::iter(unsaid)
                .map(|partner_client| async move {
                    let listed = self.list(&partner_client, None).await;
                    (partner_client, listed)
                })
                .buffer_unordered(CONCURRENCY);
            while let Some((partner_client, listed)) = alone.next().await {
                match listed {
                    Ok(listed) => existing.there.extend(listed),
                    Err(error) if error.is_not_found() => existing.add_unknown(&partner_client, error),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(existing)
    }

    async fn read_dated(&self, partner_clients: &[PartnerClientId]) -> Result<Existing> {
        let distinct = partner_clients.iter().cloned().collect();
        let held = held::read(self.client, self.to_type, &distinct, self.options, |_| {}).await?;
        let mut existing = Existing::default();
        for (partner_client, objects) in held.all()? {
            let unread = || Error::unread_associations(partner_client.as_str(), 1);
            for (to_object_id, types) in objects {
                for held in types {
                    let association_type = exact(held).map_err(|_| unread())?;
                    if !is_labelled(held) {
                        existing.unlabeled.insert(association_type.clone());
                    }
                    existing.there.insert(Association {
                        partner_client_id: partner_client.clone(),
                        to_object_type: self.to_type.clone(),
                        to_object_id: to_object_id.clone(),
                        association_type,
                    });
                }
            }
        }
        for (partner_client, refusal) in held.unknown {
            existing.add_unknown(&partner_client, refusal);
        }
        Ok(existing)
    }

    /// Takes what one answer says, and gives back the partner clients of which it says nothing that is certain.
    async fn batch(&self, chunk: &[&PartnerClientId], existing: &mut Existing) -> Result<BTreeSet<PartnerClientId>> {
        let asked: BTreeSet<_> = chunk.iter().copied().cloned().collect();
        let inputs = chunk.iter().map(|id| generated::types::PublicObjectId::builder().id(*id).try_into());
        let inputs = inputs.collect::<std::result::Result<Vec<_>, generated::types::error::ConversionError>>()?;
        let to = self.to_type.clone();
        let called = transport::call(self.client.raw.clone(), self.options.clone(), OPERATION, |raw| async move {
            let request = raw.batch_read_associations().from_object_type(PARTNER_CLIENTS).to_object_type(to);
            request.body(generated::types::BatchInputPublicObjectId::builder().inputs(inputs)).send().await
        });
        let (answer, meta) = match called.await {
            // One partner client may have it all refused; each is told of by itself.
            Err(error) if error.is_refusal() => return Ok(asked),
            called => called?,
        };
        // It does not say whose the entries are that cannot be read, either.
        if !meta.is_complete(answer.status.as_str()) || meta.left_out > 0 {
            return Ok(asked);
        }
        let ReadErrors { empty, mut doubtful } = ReadErrors::new(&answer.errors, OPERATION, &meta, &asked)?;
        let mut unsaid: BTreeSet<_> = asked.difference(&empty).cloned().collect();
        for result in answer.results {
            let Ok(partner_client) = PartnerClientId::try_from(result.from.id.as_str()) else { continue };
            if !asked.contains(&partner_client) || doubtful.contains(&partner_client) {
                continue;
            }
            unsaid.remove(&partner_client);
            // Many associations have pages of their own, as when they are listed.
            if let Cursor::At(after) = next(result.paging.and_then(|paging| paging.next)) {
                existing.there.extend(self.list(&partner_client, Some(after)).await?);
            }
            for other in result.to {
                match self.association(&partner_client, other) {
                    Ok(association) => drop(existing.there.insert(association)),
                    // Whatever another result says of it.
                    Err(_) => drop(doubtful.insert(partner_client.clone())),
                }
            }
        }
        unsaid.extend(doubtful);
        Ok(unsaid)
    }

    async fn list(&self, partner_client: &PartnerClientId, after: Option<String>) -> Result<Vec<Association>> {
        let mut list = self.client.associations(partner_client, self.to_type.clone());
        if let Some(after) = after {
            list = list.after(after);
        }
        list.options = self.options.clone();
        let mut items = list.items();
        let others: Vec<_> = items.by_ref().try_collect().await?;
        if items.left_out() > 0 {
            return Err(Error::unread_associations(partner_client.as_str(), items.left_out()));
        }
        others.into_iter().map(|other| self.association(partner_client, other)).collect()
    }

    /// # Errors
    /// Where HubSpot does not say of what type it is.
    fn association(&self, partner_client: &PartnerClientId, other: AssociatedId) -> Result<Association> {
        let listed = self.types.listed(&other.type_);
        Ok(Association {
            partner_client_id: partner_client.clone(),
            to_object_type: self.to_type.clone(),
            to_object_id: other.id,
            association_type: listed.map_err(|_| Error::unread_associations(partner_client.as_str(), 1))?,
        })
    }
}
