//! Associations that were read together with a partner client.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use crate::{
    associations::{
        AssociationDefinition,
        pair::{Pair, Requests},
        resolve::{in_v3, key},
    },
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, checked, is_number},
    partner_clients::PartnerClient,
    transport::call_options::CallOptions,
};

/// An object that a partner client is associated with, and the association types.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssociatedObject {
    /// The id of the object.
    pub id: ObjectId,
    /// The names of the association types, each once.
    pub types: Vec<String>,
}

impl PartnerClient {
    /// Returns the objects of one type that were read with the partner client (see
    /// [`associations`](crate::GetPartnerClient::associations)), each once with all its association types.
    ///
    /// Any name of the type will do, in singular or plural: HubSpot uses keys such as `line items` for `line_items`.
    /// HubSpot includes at most one page of them; [`Client::associations`] lists them all.
    pub fn associated(&self, object_type: &str) -> Vec<AssociatedObject> {
        let wanted = normal(object_type);
        let mut objects: Vec<AssociatedObject> = Vec::new();
        let mut places = BTreeMap::new();
        for (_, found) in self.associations.iter().filter(|(key, _)| normal(key) == wanted) {
            for associated in &found.results {
                let place = *places.entry(associated.id.clone()).or_insert_with(|| {
                    objects.push(AssociatedObject { id: associated.id.clone(), types: Vec::new() });
                    objects.len() - 1
                });
                if let Some(object) = objects.get_mut(place).filter(|o| !o.types.contains(&associated.type_)) {
                    object.types.push(associated.type_.clone());
                }
            }
        }
        objects
    }
}

/// An object type's name without what HubSpot varies: case, space or underscore, singular or plural, or the standard
/// types' ids.
fn normal(name: &str) -> String {
    let name = name.to_lowercase().replace([' ', '-', '_'], " ");
    let name = match name.as_str() {
        "0 1" => "contact",
        "0 2" => "company",
        "0 3" => "deal",
        "0 5" => "ticket",
        other => other,
    };
    match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) => stem.to_owned(),
        (None, None) => name.to_owned(),
    }
}

impl Client {
    /// Returns whether a partner client is associated with an object by an association type, given as
    /// [`WithType::as_type`](crate::WithType::as_type) takes it.
    ///
    /// The call lists the associations until it finds this one, so it takes a request for every 500.
    ///
    /// # Errors
    /// The same as for [`Client::associations`], and for a number as for [`Client::association_types`]. On dated versions
    /// [`Error::is_invalid_input`] for a type that does not exist; on v3 no object is associated by such a type.
    /// [`Error::is_decode`] if the association is not found and some entries of HubSpot's list cannot be read.
    pub async fn is_associated<I, T, O, A>(
        &self,
        partner_client: I,
        object_type: T,
        object_id: O,
        association_type: A,
    ) -> Result<bool>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        O: TryInto<ObjectId, Error: Into<Error>>,
        A: TryInto<AssociationType, Error: Into<Error>>,
    {
        let object_type: ObjectType = checked(object_type)?;
        let object_id: ObjectId = checked(object_id)?;
        let association_type: AssociationType = checked(association_type)?;
        let partner_client: PartnerClientId = checked(partner_client)?;
        // Its requests share the time of one call.
        let options = CallOptions::default().shared(self.raw.inner.shared.call_timeout)?;
        if self.api_version().is_dated() {
            let pair = Pair { partner_client, to_type: object_type, to_id: object_id };
            let requests = Requests::new(self.clone(), options, pair)?;
            let wanted = requests.resolve(&association_type).await?;
            return Ok(requests.held(&wanted.listing).await?.iter().any(|held| key(held) == wanted.key));
        }
        let association_type = in_v3(association_type)?;
        let mut type_id = is_number(association_type.as_str()).then(|| association_type.to_string());
        let name = self.name_of(&object_type, association_type, &options).await?;
        let mut list = self.associations(&partner_client, &object_type);
        list.options = options.clone();
        let mut associated = list.items();
        while let Some(found) = associated.try_next().await? {
            if found.id != object_id {
                continue;
            }
            // HubSpot may list by the id of the type.
            if type_id.is_none() && is_number(&found.type_) {
                let types = self.types_in_time(&object_type, &options).await?;
                let asked =
                    types.into_iter().find(|t| t.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(&name)));
                type_id = Some(asked.map_or_else(|| name.clone(), |asked| asked.id.to_string()));
            }
            if found.type_.eq_ignore_ascii_case(&name) || type_id.as_ref() == Some(&found.type_) {
                return Ok(true);
            }
        }
        match associated.left_out() {
            0 => Ok(false),
            count => Err(Error::unread_associations(partner_client.as_str(), count)),
        }
    }

    /// Lists name association types by name, so an id has to be looked up.
    async fn name_of(
        &self,
        to_type: &ObjectType,
        association_type: AssociationType,
        options: &CallOptions,
    ) -> Result<String> {
        let text = association_type.as_str();
        if !is_number(text) {
            return Ok(text.to_owned());
        }
        let types = self.types_in_time(to_type, options).await?;
        Ok(types.into_iter().find(|t| t.id == association_type).and_then(|t| t.name).unwrap_or_else(|| text.to_owned()))
    }

    async fn types_in_time(&self, to_type: &ObjectType, options: &CallOptions) -> Result<Vec<AssociationDefinition>> {
        let mut types = self.association_types(to_type);
        types.options = options.clone();
        types.send().await
    }
}
