//! Association types of two objects in dated versions: reading, setting and removing them.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use tokio::time::Instant;

use crate::{
    association::Association,
    associations::{
        held::{is_said, with_label},
        list::labelled_pages,
        resolve::{Listing, Resolved, is_labelled, key},
        types::PARTNER_CLIENTS,
    },
    client::Client,
    error::{Error, Result},
    generated::types::{self, AssociationSpec, AssociationSpecWithLabel},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId},
    transport::{self, call_meta::CallMeta, call_options::CallOptions, response},
};

/// A partner client and another object.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) partner_client: PartnerClientId,
    pub(crate) to_type: ObjectType,
    pub(crate) to_id: ObjectId,
}

impl Pair {
    /// The two ends of an association, and its type.
    pub(crate) fn split(association: Association) -> (Self, AssociationType) {
        let Association { partner_client_id, to_object_type, to_object_id, association_type } = association;
        let pair = Self { partner_client: partner_client_id, to_type: to_object_type, to_id: to_object_id };
        (pair, association_type)
    }
}

/// The requests of one call on a pair, which share its time.
pub(crate) struct Requests {
    pub(super) client: Client,
    pub(super) options: CallOptions,
    pub(super) pair: Pair,
}

impl Requests {
    /// # Errors
    /// For a setting that cannot be used.
    pub(crate) fn new(client: Client, options: CallOptions, pair: Pair) -> Result<Self> {
        Ok(Self { options: options.shared(client.raw.inner.shared.call_timeout)?, client, pair })
    }

    /// The association type that is meant.
    pub(crate) async fn resolve(&self, given: &AssociationType) -> Result<Resolved> {
        self.client.resolve_type(&self.pair.to_type, given, Instant::now(), &self.options).await
    }

    /// Gives the pair a type beside those that it has; beside none where `replacing`.
    pub(crate) async fn add(self, resolved: Resolved, replacing: bool) -> Result<(Vec<String>, CallMeta)> {
        let may_replace = !replacing && resolved.may_replace();
        let mut types = vec![resolved.key];
        if may_replace {
            let held = self.held(&resolved.listing).await?;
            // A response may have one twice.
            for label in held.iter().filter(|held| is_labelled(held)).map(key) {
                if !types.contains(&label) {
                    types.push(label);
                }
            }
        }
        let (options, Pair { partner_client, to_type, to_id }) = (self.options, self.pair);
        let (set, meta): (types::LabelsBetweenObjectPair, _) =
            transport::write(self.client.raw, options, "set_labels", |raw| async move {
                let request = raw
                    .set_labels()
                    .from_object_type(PARTNER_CLIENTS)
                    .from_object_id(&partner_client)
                    .to_object_type(to_type)
                    .to_object_id(to_id)
                    .body(types);
                response::written(request.send(), "set_labels", &partner_client).await
            })
            .await?;
        Ok((set.labels, meta))
    }

    /// Gives the pair the unlabelled type, and returns which one that is if HubSpot says so.
    pub(crate) async fn add_default(self) -> Result<(Option<AssociationSpec>, CallMeta)> {
        let (options, Pair { partner_client, to_type, to_id }) = (self.options, self.pair);
        let from = partner_client.clone();
        let (done, meta): (types::BatchResponsePublicDefaultAssociation, _) =
            transport::write(self.client.raw, options, "associate_default", |raw| async move {
                let request = raw
                    .associate_default()
                    .from_object_type(PARTNER_CLIENTS)
                    .from_object_id(&partner_client)
                    .to_object_type(to_type)
                    .to_object_id(to_id);
                response::written(request.send(), "associate_default", &partner_client).await
            })
            .await?;
        // The response has both directions.
        let ours = done.results.into_iter().find(|made| made.from.as_ref().is_some_and(|end| end.id == (&from).into()));
        Ok((ours.and_then(|made| made.association_spec), meta))
    }

    /// Takes one type from the pair. The unlabelled one takes the labels along, so it is refused where the pair holds some,
    /// unless they may go.
    pub(crate) async fn remove(self, resolved: &Resolved, including_labels: bool) -> Result<CallMeta> {
        if !including_labels && !resolved.is_labelled && resolved.may_replace() {
            let held = self.held(&resolved.listing).await?;
            let labels: BTreeSet<_> =
                held.iter().filter(|held| is_labelled(held)).filter_map(|h| h.label.as_deref()).collect();
            if !labels.is_empty() {
                return Err(takes_labels(&resolved.key, &labels));
            }
        }
        let (options, types) = (self.options, vec![resolved.key.clone()]);
        let Pair { partner_client, to_type, to_id } = self.pair;
        let (_, meta): (types::BatchResponse, _) =
            transport::write(self.client.raw, options, "batch_dissociate_labels", |raw| async move {
                let from = types::PublicObjectId { id: (&partner_client).into() };
                let to = types::PublicObjectId { id: to_id };
                let inputs = vec![types::PublicAssociationMultiPost { from, to, types }];
                let body = types::BatchInputPublicAssociationMultiPost { inputs };
                let request = raw.batch_dissociate_labels().from_object_type(PARTNER_CLIENTS).to_object_type(to_type);
                response::written(request.body(body).send(), "batch_dissociate_labels", &partner_client).await
            })
            .await?;
        Ok(meta)
    }

    /// Takes every type from the pair.
    pub(crate) async fn remove_all(self) -> Result<CallMeta> {
        let (options, Pair { partner_client, to_type, to_id }) = (self.options, self.pair);
        let sent = transport::write(self.client.raw, options, "dissociate_all", |raw| async move {
            let request = raw.dissociate_all().from_object_type(PARTNER_CLIENTS).from_object_id(partner_client);
            request.to_object_type(to_type).to_object_id(to_id).send().await
        });
        Ok(sent.await?.1)
    }

    /// The types that the pair holds. HubSpot lists them with those of all other objects of that type, 500 to a request.
    ///
    /// # Errors
    /// Where some of what HubSpot lists cannot be read: what is not known could be lost.
    pub(crate) async fn held(&self, listing: &Listing) -> Result<Vec<AssociationSpecWithLabel>> {
        let held = self.listed().await?;
        Ok(held.into_iter().map(|held| with_label(held, listing)).collect())
    }

    async fn listed(&self) -> Result<Vec<AssociationSpecWithLabel>> {
        let Pair { partner_client, to_type, to_id } = &self.pair;
        let mut pages = labelled_pages(&self.client, partner_client, to_type, self.options.clone());
        let (mut held, mut left_out, mut is_listed) = (Vec::new(), 0, false);
        while let Some(page) = pages.try_next().await? {
            left_out += page.left_out;
            // A response may have an object twice.
            let of_pair: Vec<_> = page.items.into_iter().filter(|listed| listed.to_object_id == *to_id).collect();
            is_listed |= !of_pair.is_empty();
            held.extend(of_pair.into_iter().flat_map(|listed| listed.association_types));
            if !held.is_empty() {
                break;
            }
        }
        match left_out + usize::from(is_listed && !is_said(&held)) {
            0 => Ok(held),
            count => Err(Error::unread_associations(partner_client.as_str(), count)),
        }
    }
}

/// The error of an unlabelled type that is not removed, since the pair's labels would go with it.
pub(super) fn takes_labels(unlabelled: &AssociationSpec, labels: &BTreeSet<&str>) -> Error {
    let labels = labels.iter().copied().collect::<Vec<_>>().join(", ");
    let type_id = unlabelled.association_type_id.to_string();
    let reason = format!("is the unlabelled one, and HubSpot removes the labels of the pair with it ({labels})");
    let remedy = "set including_labels if they may go, or remove a label instead";
    Error::invalid_input("association type", Some(&type_id), reason, remedy)
}
