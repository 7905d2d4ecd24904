//! The association types that pairs of objects have in dated versions, read for many partner clients at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    association::Association,
    associations::{
        list::labelled_pages,
        read_errors::ReadErrors,
        resolve::{Listing, exact, is_labelled, is_type, key},
        types::PARTNER_CLIENTS,
    },
    client::Client,
    error::{Error, Result},
    generated::types::{self, AssociationSpecWithLabel, MultiAssociatedObjectWithLabel},
    ids::{ObjectId, ObjectType, PartnerClientId},
    partner_clients::{cursor::Cursor, paging::next},
    transport::{self, call_meta::CallMeta, call_options::CallOptions},
};

pub(crate) const MAX_INPUTS: usize = 1_000;
/// Requests at once where partner clients are read one by one.
pub(crate) const CONCURRENCY: usize = 4;
const OPERATION: &str = "batch_read_associations_with_labels";

/// The types of each object of one type that a partner client has.
type Objects = HashMap<ObjectId, Vec<AssociationSpecWithLabel>>;

/// What partner clients have with objects of one type.
#[derive(Default)]
pub(crate) struct Held {
    of: HashMap<PartnerClientId, Objects>,
    /// The partner clients that HubSpot does not know, with what it said of each.
    pub(crate) unknown: BTreeMap<PartnerClientId, Error>,
    /// The partner clients whose associations could not be read, and why.
    unread: BTreeMap<PartnerClientId, Error>,
}

impl Held {
    /// The labelled types of a pair.
    ///
    /// # Errors
    /// Where HubSpot does not say what the pair has: what is not known could be lost.
    pub(crate) fn labels(
        &self,
        association: &Association,
    ) -> Result<impl Iterator<Item = &AssociationSpecWithLabel> + Clone> {
        let partner_client = &association.partner_client_id;
        if let Some(error) = self.unread.get(partner_client) {
            return Err(error.clone());
        }
        let of_pair = self.of.get(partner_client).and_then(|of| of.get(&association.to_object_id));
        if of_pair.is_some_and(|types| !is_said(types)) {
            return Err(Error::unread_associations(partner_client.as_str(), 1));
        }
        Ok(of_pair.into_iter().flatten().filter(|held| is_labelled(held)))
    }

    /// What each partner client has, object by object.
    ///
    /// # Errors
    /// Where HubSpot does not say all of it.
    pub(crate) fn all(
        &self,
    ) -> Result<impl Iterator<Item = (&PartnerClientId, impl Iterator<Item = (&ObjectId, &[AssociationSpecWithLabel])>)>>
    {
        if let Some(error) = self.unread.values().next() {
            return Err(error.clone());
        }
        for (partner_client, of) in &self.of {
            match of.values().filter(|types| !is_said(types)).count() {
                0 => {}
                count => return Err(Error::unread_associations(partner_client.as_str(), count)),
            }
        }
        let objects = self.of.iter();
        Ok(objects.map(|(client, of)| (client, of.iter().map(|(id, types)| (id, types.as_slice())))))
    }

    fn add(
        &mut self,
        partner_client: &PartnerClientId,
        listed: Vec<MultiAssociatedObjectWithLabel>,
        listing: &Listing,
    ) {
        let of = self.of.entry(partner_client.clone()).or_default();
        for MultiAssociatedObjectWithLabel { to_object_id, association_types } in listed {
            let with_label = association_types.into_iter().map(|held| with_label(held, listing));
            of.entry(to_object_id).or_default().extend(with_label);
        }
    }
}

/// Whether an answer says of what types an object is: each by category and number.
pub(crate) fn is_said(types: &[AssociationSpecWithLabel]) -> bool {
    !types.is_empty() && types.iter().all(is_type)
}

/// A type that is held, with the label that the list of types gives it where the answer does not: taken for the unlabelled
/// type, it would be lost.
pub(crate) fn with_label(held: AssociationSpecWithLabel, listing: &Listing) -> AssociationSpecWithLabel {
    let has_label = |held: &AssociationSpecWithLabel| held.label.as_ref().is_some_and(|label| !label.trim().is_empty());
    if has_label(&held) {
        return held;
    }
    let listed = listing.results.iter().find(|listed| has_label(listed) && key(listed) == key(&held));
    let label = match listed {
        Some(listed) => listed.label.clone(),
        None if is_labelled(&held) => exact(&held).ok().map(|exact| exact.to_string()),
        None => None,
    };
    AssociationSpecWithLabel { label, ..held }
}

/// Reads a thousand partner clients to a request. A partner client of which the response does not say all is then listed by
/// itself. `told` has what each batch took.
///
/// # Errors
/// Where nothing can be read. What cannot be read of one partner client is kept with it. An unknown one has nothing.
pub(crate) async fn read(
    client: &Client,
    to_type: &ObjectType,
    partner_clients: &BTreeSet<PartnerClientId>,
    options: &CallOptions,
    mut told: impl FnMut(&CallMeta),
) -> Result<Held> {
    let listing = client.listing(to_type, None, options).await?.value;
    let mut held = Held::default();
    let all: Vec<_> = partner_clients.iter().collect();
    for chunk in all.chunks(MAX_INPUTS) {
        let unsaid = batch(client, to_type, chunk, options, &listing, &mut held, &mut told).await?;
        let mut alone = stream::iter(unsaid)
            .map(|partner_client| async move {
                let listed = list(client, to_type, &partner_client, options).await;
                (partner_client, listed)
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((partner_client, listed)) = alone.next().await {
            match listed {
                Ok(listed) => held.add(&partner_client, listed, &listing),
                Err(error) if error.is_not_found() => drop(held.unknown.insert(partner_client, error)),
                Err(error) if error.stops() => return Err(error),
                Err(error) => drop(held.unread.insert(partner_client, error)),
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
    listing: &Listing,
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
        Err(error) if error.is_refusal() => return Ok(asked),
        called => called?,
    };
    if !meta.is_complete(answer.status.as_str()) || meta.left_out > 0 {
        return Ok(asked);
    }
    let ReadErrors { empty, mut doubtful } = ReadErrors::new(&answer.errors, OPERATION, &meta, &asked)?;
    let (mut said, mut unsaid) = (Vec::new(), asked.difference(&empty).cloned().collect::<BTreeSet<_>>());
    for result in answer.results {
        let Ok(partner_client) = PartnerClientId::try_from(result.from.id.as_str()) else { continue };
        if !asked.contains(&partner_client) {
            continue;
        }
        let is_said = result.to.iter().all(|object| is_said(&object.association_types));
        // Many associations have pages of their own, and are listed from the beginning.
        if !is_said || next(result.paging.and_then(|paging| paging.next)) != Cursor::End {
            doubtful.insert(partner_client);
        } else {
            unsaid.remove(&partner_client);
            said.push((partner_client, result.to));
        }
    }
    for (partner_client, listed) in said {
        if !doubtful.contains(&partner_client) {
            held.add(&partner_client, listed, listing);
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
