//! Association types of two objects in v3, which takes one type a request.

use futures_util::TryStreamExt;

use crate::{
    association::Association,
    associations::{
        associate::{delete, put},
        pair::{Pair, Requests},
        types::{AssociationDefinition, label_of_unlabeled},
    },
    error::{Error, Result},
    ids::{AssociationType, checked},
    partner_clients::PartnerClient,
    transport::{self, call_meta::CallMeta},
};

impl Requests {
    pub(crate) async fn put(self, association_type: AssociationType) -> Result<(PartnerClient, CallMeta)> {
        let Pair { partner_client, to_type, to_id } = self.pair;
        let association = Association {
            partner_client_id: partner_client,
            to_object_type: to_type,
            to_object_id: to_id,
            association_type,
        };
        transport::write(self.client.raw, self.options, "associate", |raw| put(association, raw)).await
    }

    pub(crate) async fn delete(&self, association_type: AssociationType) -> Result<CallMeta> {
        let association = self.association(association_type);
        let sent = transport::write(self.client.raw.clone(), self.options.clone(), "dissociate", |raw| {
            delete(association, raw)
        });
        Ok(sent.await?.1)
    }

    fn association(&self, association_type: AssociationType) -> Association {
        let Pair { partner_client, to_type, to_id } = self.pair.clone();
        Association {
            partner_client_id: partner_client,
            to_object_type: to_type,
            to_object_id: to_id,
            association_type,
        }
    }

    /// Labels first: the unlabelled type may take them along, and is listed beside them.
    pub(crate) async fn remove_all_in_v3(self) -> Result<CallMeta> {
        let partner_client = &self.pair.partner_client;
        let mut list = self.client.associations(partner_client, self.pair.to_type.clone());
        list.options = self.options.clone();
        let (mut held, mut items) = (Vec::new(), list.items());
        while let Some(found) = items.try_next().await? {
            if found.id == self.pair.to_id {
                let unread = |_| Error::unread_associations(partner_client.as_str(), 1);
                held.push(checked::<AssociationType, _>(found.type_).map_err(unread)?);
            }
        }
        if items.left_out() > 0 {
            return Err(Error::unread_associations(partner_client.as_str(), items.left_out()));
        }
        held.sort_by_key(|held| label_of_unlabeled(held.as_str()).is_some());
        let mut meta = CallMeta::default();
        for (before, association_type) in held.into_iter().enumerate() {
            let deleted = self.delete(association_type).await;
            meta = deleted.map_err(|error| if before > 0 { error.after_what_may_be_done() } else { error })?;
        }
        Ok(meta)
    }

    /// The unlabelled type of the pair's object types.
    pub(crate) async fn default_in_v3(&self) -> Result<AssociationType> {
        let mut list = self.client.association_types(self.pair.to_type.clone());
        list.options = self.options.clone();
        let listed = list.send().await?;
        let is_unlabelled =
            |definition: &&AssociationDefinition| definition.name.as_deref().and_then(label_of_unlabeled).is_some();
        let unlabelled: Vec<_> = listed.iter().filter(is_unlabelled).collect();
        if let ([only], _) | ([], [only]) = (unlabelled.as_slice(), listed.iter().collect::<Vec<_>>().as_slice()) {
            return Ok(only.id.clone());
        }
        let reason = format!("is not among the types that HubSpot lists from partner clients to {}", self.pair.to_type);
        let remedy = match listed.as_slice() {
            [] => "there is no association type; create one in HubSpot's settings".to_owned(),
            listed => {
                let name = |d: &AssociationDefinition| format!("{} ({})", d.name.as_deref().unwrap_or_default(), d.id);
                let names: Vec<_> = listed.iter().map(name).collect();
                format!("give one of {} to as_type", names.join(", "))
            }
        };
        Err(Error::invalid_input("default association type", None, reason, remedy))
    }
}
