//! Calls that associate and dissociate a partner client and another object.

use std::marker::PhantomData;

use crate::{
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
    /// let partner_client =
    ///     client.associate("512").with("companies", "9001").as_type("partner_client_to_company").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn associate<I>(&self, partner_client: I) -> WithTarget<Associate>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
    {
        WithTarget::new(self, partner_client)
    }

    /// Removes an association. It is not an error if there is none.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client.dissociate("512").with("companies", "9001").as_type("partner_client_to_company").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dissociate<I>(&self, partner_client: I) -> WithTarget<Dissociate>
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
    {
        WithTarget::new(self, partner_client)
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
/// client.associate("512").with("companies", "9001").await;
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
    fn path<T>(self, association_type: T) -> (Client, Result<Path>)
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let path = self.ends.and_then(|(partner_client, to_type, to_id)| {
            Ok(Path { partner_client, to_type, to_id, association_type: checked(association_type)? })
        });
        (self.client, path)
    }
}

impl WithType<Associate> {
    /// Sets the association type: its name, in upper or lower case, or its numeric id. [`Client::association_types`] lists
    /// the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Associate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, path) = self.path(association_type);
        Associate { client, path, options: CallOptions::default() }
    }
}

impl WithType<Dissociate> {
    /// Sets the association type: its name, in upper or lower case, or its numeric id. [`Client::association_types`] lists
    /// the types of the account.
    pub fn as_type<T>(self, association_type: T) -> Dissociate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, path) = self.path(association_type);
        Dissociate { client, path, options: CallOptions::default() }
    }
}

/// Variable parts of the path of an association.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) partner_client: PartnerClientId,
    pub(crate) to_type: ObjectType,
    pub(crate) to_id: ObjectId,
    pub(crate) association_type: AssociationType,
}

type Answer<T> = std::result::Result<generated::ResponseValue<T>, generated::Error<types::Error>>;

impl Path {
    pub(crate) async fn put(self, raw: generated::Client) -> Answer<PartnerClient> {
        let request = raw
            .associate()
            .partner_client_id(&self.partner_client)
            .to_object_type(self.to_type)
            .to_object_id(self.to_id)
            .association_type(self.association_type);
        answer::written(request.send(), "associate", &self.partner_client).await
    }

    pub(crate) async fn delete(self, raw: generated::Client) -> Answer<()> {
        raw.dissociate()
            .partner_client_id(self.partner_client)
            .to_object_type(self.to_type)
            .to_object_id(self.to_id)
            .association_type(self.association_type)
            .send()
            .await
    }
}

/// Call that associates a partner client with another object: await it, or call [`send`](Self::send). See
/// [`Client::associate`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Associate {
    client: Client,
    path: Result<Path>,
    options: CallOptions,
}

impl Associate {
    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let path = self.path?;
        transport::call(self.client.raw, self.options, "associate", |raw| path.put(raw)).await
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
    path: Result<Path>,
    options: CallOptions,
}

impl Dissociate {
    async fn run(self) -> Result<((), CallMeta)> {
        let path = self.path?;
        transport::call(self.client.raw, self.options, "dissociate", |raw| path.delete(raw)).await
    }
}

call! {
    /// Removes the association.
    ///
    /// # Errors
    /// The same as for [`Associate::send`].
    Dissociate => ()
}
