//! Calls that associate a partner client with another object.

use crate::{
    association::Association,
    associations::{
        associated::Associated,
        pair::{Pair, Requests},
        resolve::{exact_key, in_v3},
        steps::{WithTarget, WithType},
    },
    client::Client,
    error::{Error, Result},
    generated::{self, types},
    ids::{AssociationType, PartnerClientId, checked},
    partner_clients::PartnerClient,
    transport::{
        call_meta::CallMeta,
        call_options::{CallOptions, call},
        response,
    },
};

impl Client {
    /// Associates a partner client with another object. Other associations of the two stay, and associating twice changes
    /// nothing.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`; on dated versions of HubSpot's API
    /// `crm.objects.partner-clients.read` as well, to find the association type and to keep other labels.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client
    ///     .associate("512")
    ///     .with("companies", "9001")
    ///     .as_type("partner_client_to_company")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Dated versions
    /// There HubSpot sets all labels of two objects at once. If the pair may have other labels than the one that is added, the
    /// call reads them first and sends them along. If somebody else changes the labels of the same pair in between, that
    /// change can be lost: a label that was added is gone, or one that was removed is back. Where
    /// [`association_types`](Self::association_types) lists a single label, only one that was made in the last 30 seconds
    /// can be lost.
    pub fn associate<I>(&self, partner_client: I) -> WithTarget<Associate>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
    {
        WithTarget::new(self, partner_client)
    }

    /// Like [`associate`](Self::associate), from an [`Association`].
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use hubspot_partner_clients::Association;
    ///
    /// let association = Association::new(
    ///     "512",
    ///     "companies",
    ///     "9001",
    ///     "partner_client_to_company",
    /// )?;
    /// client.add_association(&association).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_association(&self, association: impl Into<Association>) -> Associate {
        let (pair, association_type) = Pair::split(association.into());
        Associate {
            client: self.clone(),
            what: Ok((pair, Some(association_type))),
            replacing: false,
            options: CallOptions::default(),
        }
    }
}

impl WithType<Associate> {
    /// Sets the association type: on v3 its name, in upper or lower case, or its number; on dated versions its number, its
    /// label in upper or lower case, or both category and number, as `USER_DEFINED:37`, which every version takes.
    /// [`Client::association_types`] lists the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Associate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, pair) = self.pair();
        let what = pair.and_then(|pair| Ok((pair, Some(checked(association_type)?))));
        Associate { client, what, replacing: false, options: CallOptions::default() }
    }

    /// Associates the two objects without a label. HubSpot knows the type for it; on v3 it is the one whose name ends in
    /// `_unlabeled`, or the only one there is.
    pub fn as_default(self) -> Associate {
        let (client, pair) = self.pair();
        Associate { client, what: pair.map(|pair| (pair, None)), replacing: false, options: CallOptions::default() }
    }
}

type Sent<T> = std::result::Result<generated::ResponseValue<T>, generated::Error<types::Error>>;

pub(crate) async fn put(association: Association, raw: generated::Client) -> Sent<PartnerClient> {
    let request = raw
        .associate()
        .partner_client_id(&association.partner_client_id)
        .to_object_type(association.to_object_type)
        .to_object_id(association.to_object_id)
        .association_type(association.association_type);
    response::written(request.send(), "associate", &association.partner_client_id).await
}

pub(crate) async fn delete(association: Association, raw: generated::Client) -> Sent<()> {
    raw.dissociate()
        .partner_client_id(association.partner_client_id)
        .to_object_type(association.to_object_type)
        .to_object_id(association.to_object_id)
        .association_type(association.association_type)
        .send()
        .await
}

/// Call that associates a partner client with another object: await it, or call [`send`](Self::send). See
/// [`Client::associate`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Associate {
    client: Client,
    /// Without a type it is the unlabelled one.
    what: Result<(Pair, Option<AssociationType>)>,
    replacing: bool,
    options: CallOptions,
}

impl Associate {
    /// Removes all other labels from the two objects, in the same request. Only dated versions of HubSpot's API can do
    /// this; on v3 the call fails with [`Error::is_invalid_input`].
    pub fn replacing(mut self) -> Self {
        self.replacing = true;
        self
    }

    /// Returns the partner client as it is after the association. On v3 it is part of HubSpot's response; on dated
    /// versions it is read by another request, which needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let association = client
    ///     .associate("512")
    ///     .with("companies", "9001")
    ///     .as_type("partner_client_to_company");
    /// let partner_client =
    ///     association.then_get().await?;
    /// println!("{:?}", partner_client.property("name"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn then_get(mut self) -> AssociateThenGet {
        AssociateThenGet { options: std::mem::take(&mut self.options), associate: self }
    }

    async fn run(self) -> Result<(Associated, CallMeta)> {
        let (pair, association_type) = self.what?;
        let mut associated = Associated {
            partner_client_id: pair.partner_client.clone(),
            to_object_type: pair.to_type.clone(),
            to_object_id: pair.to_id.clone(),
            association_type: association_type.clone(),
            labels: Vec::new(),
            partner_client: None,
        };
        let requests = Requests::new(self.client.clone(), self.options, pair.clone())?;
        let meta;
        match (self.client.api_version().is_dated(), association_type) {
            (true, Some(given)) => {
                let resolved = requests.resolve(&given).await?;
                (associated.labels, meta) = requests.add(resolved, self.replacing).await?;
            }
            (true, None) if self.replacing => {
                return Err(refuse_replacing(
                    "takes no label away where it adds none",
                    "use dissociate for the labels",
                ));
            }
            (true, None) => {
                let made;
                (made, meta) = requests.add_default().await?;
                associated.association_type = made.as_ref().and_then(|made| exact_key(made).ok());
            }
            (false, _) if self.replacing => {
                let remedy = "use a client of a dated version, or dissociate the other labels";
                return Err(refuse_replacing("does not exist in version v3 of HubSpot's API", remedy));
            }
            (false, given) => {
                let association_type = match given {
                    Some(given) => in_v3(given)?,
                    None => requests.default_in_v3().await?,
                };
                associated.association_type.get_or_insert_with(|| association_type.clone());
                let made;
                (made, meta) = requests.put(association_type).await?;
                associated.partner_client = Some(made);
            }
        }
        Ok((associated, meta))
    }
}

fn refuse_replacing(reason: &str, remedy: &str) -> Error {
    Error::invalid_input("replacing", None, reason, remedy)
}

call! {
    /// Associates the two objects.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id that cannot be sent, and on dated versions for an association type that
    /// does not exist or is ambiguous: the message lists the existing types, and nothing was changed. HubSpot answers
    /// 404 for an unknown partner client, and 400 for an unknown object type, object or association type.
    Associate => Associated
}

/// Call that associates a partner client with another object and returns the partner client. See [`Associate::then_get`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct AssociateThenGet {
    associate: Associate,
    options: CallOptions,
}

impl AssociateThenGet {
    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let Self { mut associate, options } = self;
        let client = associate.client.clone();
        let options = options.shared(client.raw.inner.shared.call_timeout)?;
        associate.options = options.clone();
        let (associated, meta) = associate.run().await?;
        match associated.partner_client {
            Some(partner_client) => Ok((partner_client, meta)),
            None => {
                let mut get = client.get(associated.partner_client_id);
                get.options = options;
                get.send_with_meta().await.map_err(Error::after_what_may_be_done)
            }
        }
    }
}

call! {
    /// Associates the two objects and returns the partner client. If HubSpot's response on v3 does not contain the
    /// partner client, only its id is set.
    ///
    /// # Errors
    /// The same as for [`Associate::send`]. If [`Error::operation`] is `get`, the association was made, and reading the
    /// partner client failed.
    AssociateThenGet => PartnerClient
}
