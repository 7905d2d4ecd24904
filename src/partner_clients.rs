//! Reading and updating partner clients.

use std::collections::BTreeMap;

use crate::{
    CallMeta, Client, Cursor, Error, Items, Page, Pages, PartnerClient, PartnerClientsPage, PropertyValue, RecordKey,
    Result, answer,
    generated::types,
    options::{CallOptions, call},
    paging::check_read,
    selection::{Selection, check_property, selects},
    transport,
};

impl Client {
    /// Reads a partner client.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let partner_client = client.get("512").properties(["name", "domain"]).associations(["companies"]).await?;
    /// println!("{:?}", partner_client.property("name"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, partner_client: impl Into<RecordKey>) -> GetPartnerClient {
        GetPartnerClient {
            client: self.clone(),
            partner_client: partner_client.into(),
            id_property: None,
            archived: false,
            selection: Selection::default(),
            options: CallOptions::default(),
        }
    }

    /// Lists partner clients, as a page, as pages or as items.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut partner_clients = client.list().properties(["name"]).items();
    /// while let Some(partner_client) = partner_clients.try_next().await? {
    ///     println!("{} {:?}", partner_client.id, partner_client.property("name"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> ListPartnerClients {
        ListPartnerClients {
            client: self.clone(),
            archived: false,
            after: Cursor::Start,
            limit: None,
            selection: Selection::default(),
            options: CallOptions::default(),
        }
    }

    /// Changes properties of a partner client.
    ///
    /// Needs the scope `crm.objects.partner-clients.write`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// client.update("512").set("name", "Acme").set("employees", 250).clear("domain").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, partner_client: impl Into<RecordKey>) -> UpdatePartnerClient {
        UpdatePartnerClient {
            client: self.clone(),
            partner_client: partner_client.into(),
            id_property: None,
            changes: Changes::default(),
            options: CallOptions::default(),
        }
    }
}

/// A partner client to be read: await it, or call [`send`](Self::send). See [`Client::get`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct GetPartnerClient {
    client: Client,
    partner_client: RecordKey,
    id_property: Option<String>,
    archived: bool,
    selection: Selection,
    options: CallOptions,
}

selects!(GetPartnerClient, associations);

impl GetPartnerClient {
    /// Takes the id for a value of this property, whose values are unique.
    pub fn id_property(mut self, name: impl Into<String>) -> Self {
        self.id_property = Some(name.into());
        self
    }

    /// Reads an archived partner client instead.
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let partner_client = self.partner_client.checked(self.id_property.as_deref())?;
        let lists = self.selection.lists()?;
        self.id_property.as_deref().map_or(Ok(()), check_property)?;
        transport::call(self.client.raw, self.options, "get", |raw| async move {
            let mut request = raw.get().partner_client_id(partner_client);
            if let Some(names) = lists.properties {
                request = request.properties(names);
            }
            if let Some(names) = lists.history {
                request = request.properties_with_history(names);
            }
            if let Some(object_types) = lists.associations {
                request = request.associations(object_types);
            }
            if let Some(name) = self.id_property {
                request = request.id_property(name);
            }
            if self.archived {
                request = request.archived(true);
            }
            request.send().await
        })
        .await
    }
}

call! {
    /// Reads the partner client.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id or a name that cannot be sent, and for names that make the URL too long.
    /// HubSpot answers 404 for a partner client it does not know.
    GetPartnerClient => PartnerClient
}

/// Partner clients to be listed: [`pages`](Self::pages), [`items`](Self::items), or await it for one page. See
/// [`Client::list`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited or polled"]
pub struct ListPartnerClients {
    client: Client,
    archived: bool,
    after: Cursor,
    limit: Option<u16>,
    selection: Selection,
    options: CallOptions,
}

selects!(ListPartnerClients, associations);

impl ListPartnerClients {
    /// Lists the archived partner clients instead.
    pub fn archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Starts from a cursor of the same list: that of a page or a stream. HubSpot's own text is sent as it is.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// How many partner clients a page holds: 1 to 100, or to 50 with history; the most by default.
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The partner clients page by page.
    pub fn pages(self) -> Pages<PartnerClient> {
        Pages::new(self.after.clone(), move |after| {
            let call = Self { after, ..self.clone() };
            Box::pin(async move {
                let (page, meta) = call.run().await?;
                Ok(Page::forward(page.results, page.paging, &meta))
            })
        })
    }

    /// The partner clients one by one.
    pub fn items(self) -> Items<PartnerClient> {
        self.pages().items()
    }

    async fn run(self) -> Result<(PartnerClientsPage, CallMeta)> {
        let max = if self.selection.history.is_empty() { 100 } else { 50 };
        let limit = check_limit(self.limit, max)?;
        let lists = self.selection.lists()?;
        if self.after.is_end() {
            return Ok((PartnerClientsPage::builder().results(Vec::new()).try_into()?, CallMeta::default()));
        }
        let called = transport::call(self.client.raw, self.options, "list", |raw| async move {
            let mut request = raw.list().limit(limit);
            if let Cursor::At(after) = self.after {
                request = request.after(after);
            }
            if let Some(names) = lists.properties {
                request = request.properties(names);
            }
            if let Some(names) = lists.history {
                request = request.properties_with_history(names);
            }
            if let Some(object_types) = lists.associations {
                request = request.associations(object_types);
            }
            if self.archived {
                request = request.archived(true);
            }
            request.send().await
        });
        let (page, meta) = called.await?;
        let next = page.paging.as_ref().and_then(|paging| paging.next.as_ref());
        check_read("list", &page.results, next, &meta)?;
        Ok((page, meta))
    }
}

call! {
    /// Reads one page.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a limit that is out of range, for a name that cannot be sent, and for names that
    /// make the URL too long.
    ListPartnerClients => PartnerClientsPage
}

/// A page size, the most if none is given.
pub(crate) fn check_limit(limit: Option<u16>, max: u16) -> Result<i64> {
    match limit {
        None => Ok(max.into()),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit.into()),
        Some(limit) => {
            let limit = limit.to_string();
            Err(Error::invalid_input("limit", Some(&limit), "is out of range", format!("give 1 to {max}")))
        }
    }
}

/// Properties to be changed: the last word for each counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(BTreeMap<String, PropertyValue>);

impl Changes {
    pub(crate) fn set(&mut self, name: String, value: PropertyValue) {
        self.0.insert(name, value);
    }

    /// As HubSpot wants them.
    pub(crate) fn checked(&self) -> Result<BTreeMap<String, String>> {
        if self.0.is_empty() {
            let remedy = "set or clear a property";
            return Err(Error::invalid_input("update", None, "changes nothing", remedy));
        }
        self.0
            .iter()
            .map(|(name, value)| {
                check_property(name)?;
                Ok((name.clone(), value.for_update(name)?))
            })
            .collect()
    }
}

/// Properties to be changed: await it, or call [`send`](Self::send). See [`Client::update`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct UpdatePartnerClient {
    client: Client,
    partner_client: RecordKey,
    id_property: Option<String>,
    changes: Changes,
    options: CallOptions,
}

impl UpdatePartnerClient {
    /// Gives a property a value.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<PropertyValue>) -> Self {
        self.changes.set(name.into(), value.into());
        self
    }

    /// Takes a property's value away.
    pub fn clear(self, name: impl Into<String>) -> Self {
        // HubSpot ignores a null.
        self.set(name, "")
    }

    /// Takes the id for a value of this property, whose values are unique.
    pub fn id_property(mut self, name: impl Into<String>) -> Self {
        self.id_property = Some(name.into());
        self
    }

    async fn run(self) -> Result<(PartnerClient, CallMeta)> {
        let partner_client = self.partner_client.checked(self.id_property.as_deref())?;
        let body = types::SimplePublicObjectInput::builder().properties(self.changes.checked()?);
        self.id_property.as_deref().map_or(Ok(()), check_property)?;
        let (object, meta) = transport::call(self.client.raw, self.options, "update", |raw| async move {
            let request = raw.update().partner_client_id(&partner_client).body(body);
            match self.id_property {
                Some(name) => request.id_property(name).send().await,
                None => answer::written(request.send(), "update", &partner_client).await,
            }
        })
        .await?;
        Ok((object.into(), meta))
    }
}

call! {
    /// Changes the properties and answers with the partner client, without associations. Where HubSpot changes them and says
    /// nothing of the partner client, only the id of the answer is filled.
    ///
    /// An update is not repeated after a failure that may have come too late, because the repetition could undo what was
    /// written in between.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an update that changes nothing, and for an id, a name or a value that cannot be
    /// sent. HubSpot answers 404 for a partner client it does not know, and 400 for a value it does not take.
    UpdatePartnerClient => PartnerClient
}
