//! Calls that associate and dissociate a partner client and another object.

use std::marker::PhantomData;

use crate::{
    association::Association,
    client::Client,
    error::{Error, Result},
    generated::{self, types},
    ids::{AssociationType, ObjectId, ObjectType, PartnerClientId, checked},
    partner_clients::PartnerClient,
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
        response as answer,
    },
};

impl Client {
    /// Associates a partner client with another object, and returns the partner client. Associating twice changes nothing.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let partner_client = client
    ///     .associate("512")
    ///     .with("companies", "9001")
    ///     .as_type("partner_client_to_company")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn associate<I>(&self, partner_client: I) -> WithTarget<Associate>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
    {
        WithTarget::new(self, partner_client)
    }

    /// As [`associate`](Self::associate), from an [`Association`].
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
        Associate { client: self.clone(), association: Ok(association.into()), options: CallOptions::default() }
    }

    /// Removes an association. It is not an error if there is none.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
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

    /// As [`dissociate`](Self::dissociate), from an [`Association`].
    pub fn remove_association(&self, association: impl Into<Association>) -> Dissociate {
        Dissociate { client: self.clone(), association: Ok(association.into()), options: CallOptions::default() }
    }
}

/// First step of [`Associate`] and [`Dissociate`]: the other object is still missing.
///
/// A call without another object does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client.associate("512").await;
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "name the other object with `with`"]
pub struct WithTarget<Call> {
    client: Client,
    partner_client: Result<PartnerClientId>,
    call: PhantomData<fn() -> Call>,
}

impl<Call> WithTarget<Call> {
    fn new<I: TryInto<PartnerClientId, Error: Into<Error>>>(client: &Client, partner_client: I) -> Self {
        Self { client: client.clone(), partner_client: checked(partner_client), call: PhantomData }
    }

    /// Sets the other object: its type, then its id.
    pub fn with<T, I>(self, object_type: T, object_id: I) -> WithType<Call>
    where
        T: TryInto<ObjectType, Error: Into<Error>>,
        I: TryInto<ObjectId, Error: Into<Error>>,
    {
        let ends = self
            .partner_client
            .and_then(|partner_client| Ok((partner_client, checked(object_type)?, checked(object_id)?)));
        WithType { client: self.client, ends, call: self.call }
    }
}

/// Second step of [`Associate`] and [`Dissociate`]: the association type is still missing.
///
/// A call without an association type does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client
///     .associate("512")
///     .with("companies", "9001")
///     .await;
/// # }
/// ```
///
/// Nor does a number in place of the object type:
///
/// ```compile_fail,E0277
/// # fn run(client: hubspot_partner_clients::Client) {
/// client.associate(512).with(9001, "companies");
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "name the association type with `as_type`"]
pub struct WithType<Call> {
    client: Client,
    ends: Result<(PartnerClientId, ObjectType, ObjectId)>,
    call: PhantomData<fn() -> Call>,
}

impl<Call> WithType<Call> {
    fn association<T>(self, association_type: T) -> (Client, Result<Association>)
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let association = self.ends.and_then(|(partner_client, to_type, to_id)| {
            Association::new(partner_client, to_type, to_id, association_type)
        });
        (self.client, association)
    }
}

impl WithType<Associate> {
    /// Sets the association type: its name, in upper or lower case, or its numeric id. [`Client::association_types`] lists
    /// the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Associate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, association) = self.association(association_type);
        Associate { client, association, options: CallOptions::default() }
    }
}

impl WithType<Dissociate> {
    /// Sets the association type: its name, in upper or lower case, or its numeric id. [`Client::association_types`] lists
    /// the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Dissociate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, association) = self.association(association_type);
        Dissociate { client, association, options: CallOptions::default() }
    }
}

type Answer<T> = std::result::Result<generated::ResponseValue<T>, generated::Error<types::Error>>;

pub(crate) async fn put(association: Association, raw: generated::Client) -> Answer<PartnerClient> {
    let request = raw
        .associate()
        .partner_client_id(&association.partner_client_id)
        .to_object_type(association.to_object_type)
        .to_object_id(association.to_object_id)
        .association_type(association.association_type);
    answer::written(request.send(), "associate", &association.partner_client_id).await
}

pub(crate) async fn delete(association: Association, raw: generated::Client) -> Answer<()> {
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
    association: Result<Association>,
    options: CallOptions,
}

impl Associate {
    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let association = self.association?;
        transport::call(self.client.raw, self.options, "associate", |raw| put(association, raw)).await
    }
}

call! {
    /// Associates the two objects and returns the partner client. If HubSpot's response does not contain the partner
    /// client, only its id is set.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id that cannot be sent. HubSpot answers 404 for an unknown partner client, and 400
    /// for an unknown object type, object or association type.
    Associate => PartnerClient
}

/// Call that removes an association: await it, or call [`send`](Self::send). See [`Client::dissociate`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Dissociate {
    client: Client,
    association: Result<Association>,
    options: CallOptions,
}

impl Dissociate {
    async fn run(self) -> Result<((), CallMeta)> {
        let association = self.association?;
        transport::call(self.client.raw, self.options, "dissociate", |raw| delete(association, raw)).await
    }
}

call! {
    /// Removes the association.
    ///
    /// # Errors
    /// The same as for [`Associate::send`].
    Dissociate => ()
}
