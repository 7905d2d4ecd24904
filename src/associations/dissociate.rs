//! Calls that remove associations of a partner client with another object.

use crate::{
    association::Association,
    associations::{
        pair::{Pair, Requests},
        resolve::in_v3,
        steps::{WithTarget, WithType},
    },
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, checked},
    transport::{
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

impl Client {
    /// Removes an association, and no other of the two objects. It is not an error if there is none.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`; on dated versions of HubSpot's API
    /// `crm.objects.partner-clients.read` as well, to find the association type.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client
    ///     .dissociate("512")
    ///     .with("companies", "9001")
    ///     .as_type("partner_client_to_company")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dissociate<I>(&self, partner_client: I) -> WithTarget<Dissociate>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
    {
        WithTarget::new(self, partner_client)
    }

    /// Like [`dissociate`](Self::dissociate), from an [`Association`].
    pub fn remove_association(&self, association: impl Into<Association>) -> Dissociate {
        let what = Ok(Pair::split(association.into()));
        Dissociate { client: self.clone(), what, including_labels: false, options: CallOptions::default() }
    }

    /// Removes every association of a partner client with another object, whatever its type. It is not an error if there is
    /// none.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`; on v3 `crm.objects.partner-clients.read` as well, because it takes
    /// a request for each type there.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client
    ///     .dissociate_all("512", "companies", "9001")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dissociate_all<I, T, O>(&self, partner_client: I, object_type: T, object_id: O) -> DissociateAll
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
        O: TryInto<ObjectId, Error: Into<Error>>,
    {
        let pair = checked(partner_client).and_then(|partner_client| {
            Ok(Pair { partner_client, to_type: checked(object_type)?, to_id: checked(object_id)? })
        });
        DissociateAll { client: self.clone(), pair, options: CallOptions::default() }
    }
}

impl WithType<Dissociate> {
    /// Sets the association type: on v3 its name, in upper or lower case, or its number; on dated versions its number, its
    /// label in upper or lower case, or both category and number, as `USER_DEFINED:37`, which every version takes.
    /// [`Client::association_types`] lists the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Dissociate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, pair) = self.pair();
        let what = pair.and_then(|pair| Ok((pair, checked(association_type)?)));
        Dissociate { client, what, including_labels: false, options: CallOptions::default() }
    }
}

/// Call that removes an association: await it, or call [`send`](Self::send). See [`Client::dissociate`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Dissociate {
    client: Client,
    what: Result<(Pair, AssociationType)>,
    including_labels: bool,
    options: CallOptions,
}

impl Dissociate {
    /// Removes the labels of the two objects together with the unlabelled association. On dated versions HubSpot
    /// removes both, so without this setting the call fails if there are labels. It makes no difference for other types
    /// or on v3.
    pub fn including_labels(mut self) -> Self {
        self.including_labels = true;
        self
    }

    async fn run(self) -> Result<((), CallMeta)> {
        let (pair, given) = self.what?;
        let requests = Requests::new(self.client.clone(), self.options, pair)?;
        let meta = if self.client.api_version().is_dated() {
            let resolved = requests.resolve(&given).await?;
            requests.remove(&resolved, self.including_labels).await?
        } else {
            requests.delete(in_v3(given)?).await?
        };
        Ok(((), meta))
    }
}

call! {
    /// Removes the association.
    ///
    /// # Errors
    /// The same as for [`Associate::send`](crate::Associate::send). On dated versions also [`Error::is_invalid_input`]
    /// for the unlabelled type of two objects that have labels: the message lists the labels, and nothing was removed.
    Dissociate => ()
}

/// Call that removes every association of two objects: await it, or call [`send`](Self::send). See
/// [`Client::dissociate_all`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct DissociateAll {
    client: Client,
    pair: Result<Pair>,
    options: CallOptions,
}

impl DissociateAll {
    async fn run(self) -> Result<((), CallMeta)> {
        let dated = self.client.api_version().is_dated();
        let requests = Requests::new(self.client, self.options, self.pair?)?;
        let meta = if dated { requests.remove_all().await? } else { requests.remove_all_in_v3().await? };
        Ok(((), meta))
    }
}

call! {
    /// Removes the associations.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id that cannot be sent. On v3, some of the associations may have been removed
    /// when an error occurs; the same call removes the rest.
    DissociateAll => ()
}
