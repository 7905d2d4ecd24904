//! Associating partner clients with other CRM objects.

use std::marker::PhantomData;

use crate::{
    AssociatedId, AssociationDefinition, AssociationType, AssociationsPage, CallMeta, Client, Cursor, Error, Items,
    ObjectId, ObjectType, Page, Pages, PartnerClient, PartnerClientId, Result, answer,
    generated::{self, types},
    ids::checked,
    options::{CallOptions, call},
    paging::check_read,
    partner_clients::check_limit,
    transport,
};

/// The object type whose association types this API lists.
const PARTNER_CLIENTS: &str = "partner_clients";

impl Client {
    /// Associates a partner client with another object. An association that exists already stays as it is.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`. Answers with the partner client.
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

    /// Removes an association. One that does not exist is no error.
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

    /// Lists the objects of one type that a partner client is associated with, as a page, as pages or as items.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let page = client.associations("512", "companies").await?;
    /// for company in &page.results {
    ///     println!("{} as {}", company.id, company.type_);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn associations<I, T>(&self, partner_client: I, to_type: T) -> ListAssociations
    where
        I: TryInto<PartnerClientId, Error: Into<Error>>,
        T: TryInto<ObjectType, Error: Into<Error>>,
    {
        ListAssociations {
            client: self.clone(),
            ids: checked(partner_client).and_then(|id| Ok((id, checked(to_type)?))),
            after: Cursor::Start,
            limit: None,
            options: CallOptions::default(),
        }
    }

    /// Lists the association types that exist from partner clients to objects of a type, with id and name. Either goes
    /// into [`WithType::as_type`].
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// for association_type in client.association_types("companies").await? {
    ///     println!("{} {}", association_type.id, association_type.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn association_types<T>(&self, to_type: T) -> AssociationTypes
    where
        T: TryInto<ObjectType, Error: Into<Error>>,
    {
        AssociationTypes { client: self.clone(), to_type: checked(to_type), options: CallOptions::default() }
    }
}

/// [`Associate`] or [`Dissociate`], before it knows the other object.
///
/// A call without it does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client.associate("512").await;
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "give the other object by `with`"]
pub struct WithTarget<Call> {
    client: Client,
    partner_client: Result<PartnerClientId>,
    call: PhantomData<fn() -> Call>,
}

impl<Call> WithTarget<Call> {
    fn new<I: TryInto<PartnerClientId, Error: Into<Error>>>(client: &Client, partner_client: I) -> Self {
        Self { client: client.clone(), partner_client: checked(partner_client), call: PhantomData }
    }

    /// The other object: its type, then its id.
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

/// [`Associate`] or [`Dissociate`], before it knows the association type.
///
/// A call without it does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client.associate("512").with("companies", "9001").await;
/// # }
/// ```
///
/// Nor does an object id in the place of the object type, where it is a number:
///
/// ```compile_fail,E0277
/// # fn run(client: hubspot_partner_clients::Client) {
/// client.associate(512).with(9001, "companies");
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "give the association type by `as_type`"]
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
    /// The association type: its name in any case, or its numeric id. [`Client::association_types`] lists them.
    pub fn as_type<T>(self, association_type: T) -> Associate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, path) = self.path(association_type);
        Associate { client, path, options: CallOptions::default() }
    }
}

impl WithType<Dissociate> {
    /// The association type: its name in any case, or its numeric id. [`Client::association_types`] lists them.
    pub fn as_type<T>(self, association_type: T) -> Dissociate
    where
        T: TryInto<AssociationType, Error: Into<Error>>,
    {
        let (client, path) = self.path(association_type);
        Dissociate { client, path, options: CallOptions::default() }
    }
}

/// What the path of an association's address holds.
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

/// An association to be made: await it, or call [`send`](Self::send). See [`Client::associate`].
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
    /// Makes the association and answers with the partner client. Where HubSpot makes it and says nothing of the partner
    /// client, only the id of the answer is filled.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id that cannot be sent. HubSpot answers 404 for a partner client it does not
    /// know, and 400 for an object type, object or association type it does not know.
    Associate => PartnerClient
}

/// An association to be removed: await it, or call [`send`](Self::send). See [`Client::dissociate`].
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
    /// As [`Associate::send`].
    Dissociate => ()
}

/// Associations to be listed: [`pages`](Self::pages), [`items`](Self::items), or await it for one page. See
/// [`Client::associations`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct ListAssociations {
    client: Client,
    ids: Result<(PartnerClientId, ObjectType)>,
    after: Cursor,
    limit: Option<u16>,
    pub(crate) options: CallOptions,
}

impl ListAssociations {
    /// Starts from a cursor of the same list: that of a page or a stream. HubSpot's own text is sent as it is.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// How many associations a page holds: 1 to 500, 500 by default.
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The associations page by page.
    pub fn pages(self) -> Pages<AssociatedId> {
        Pages::new(self.after.clone(), move |after| {
            let call = Self { after, ..self.clone() };
            Box::pin(async move {
                let (page, meta) = call.run().await?;
                Ok(Page::forward(page.results, page.paging, &meta))
            })
        })
    }

    /// The associations one by one.
    pub fn items(self) -> Items<AssociatedId> {
        self.pages().items()
    }

    async fn run(self) -> Result<(AssociationsPage, CallMeta)> {
        let (partner_client, to_type) = self.ids?;
        let limit = check_limit(self.limit, 500)?;
        if self.after.is_end() {
            return Ok((AssociationsPage::builder().results(Vec::new()).try_into()?, CallMeta::default()));
        }
        let called = transport::call(self.client.raw, self.options, "list_associations", |raw| async move {
            let mut request =
                raw.list_associations().partner_client_id(partner_client).to_object_type(to_type).limit(limit);
            if let Cursor::At(after) = self.after {
                request = request.after(after);
            }
            request.send().await
        });
        let (page, meta) = called.await?;
        let next = page.paging.as_ref().and_then(|paging| paging.next.as_ref());
        check_read("list_associations", &page.results, next, &meta)?;
        Ok((page, meta))
    }
}

call! {
    /// Reads the page. The last one has no `paging`.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id or a limit that cannot be sent. HubSpot answers 404 for a partner client it
    /// does not know and 400 for such an object type.
    ListAssociations => AssociationsPage
}

/// Association types to be listed: await it, or call [`send`](Self::send). See [`Client::association_types`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct AssociationTypes {
    client: Client,
    to_type: Result<ObjectType>,
    pub(crate) options: CallOptions,
}

impl AssociationTypes {
    async fn run(self) -> Result<(Vec<AssociationDefinition>, CallMeta)> {
        let to_type = self.to_type?;
        let (collection, meta) =
            transport::call(self.client.raw, self.options, "association_types", |raw| async move {
                raw.association_types().from_object_type(PARTNER_CLIENTS).to_object_type(to_type).send().await
            })
            .await?;
        Ok((collection.results, meta))
    }
}

call! {
    /// Lists the association types.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an object type that cannot be sent. HubSpot answers 400 for one it does not know.
    AssociationTypes => Vec<AssociationDefinition>
}
