//! Lists of a partner client's associations.

use crate::{
    associations::{
        AssociatedId, AssociationsPage,
        resolve::{exact, is_type},
    },
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::{ObjectType, PartnerClientId, checked},
    partner_clients::{
        cursor::Cursor,
        list::check_page_size,
        paging::{Items, Page, Pages, check_read},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

impl Client {
    /// Lists the objects of one type that a partner client is associated with, as a page, as pages or as items.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// let page = client
    ///     .associations("512", "companies")
    ///     .await?;
    /// for company in &page.results {
    ///     println!("{} {}", company.id, company.type_);
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
            page_size: None,
            options: CallOptions::default(),
        }
    }
}

/// Call that lists associations: [`pages`](Self::pages), [`items`](Self::items), or await it for one page. See
/// [`Client::associations`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct ListAssociations {
    client: Client,
    ids: Result<(PartnerClientId, ObjectType)>,
    after: Cursor,
    page_size: Option<u16>,
    pub(crate) options: CallOptions,
}

impl ListAssociations {
    /// Starts at a cursor of a page or a stream of the same list, or at a text of HubSpot's.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Sets how many associations a page holds: 1 to 500; the default is 500.
    pub fn page_size(mut self, associations: u16) -> Self {
        self.page_size = Some(associations);
        self
    }

    /// Returns the associations page by page.
    pub fn pages(self) -> Pages<AssociatedId> {
        Pages::new(self.after.clone(), move |after| {
            let call = Self { after, ..self.clone() };
            Box::pin(async move {
                let (page, meta) = call.run().await?;
                Ok(Page::forward(page.results, page.paging, &meta))
            })
        })
    }

    /// Returns the associations one by one.
    pub fn items(self) -> Items<AssociatedId> {
        self.pages().items()
    }

    async fn run(self) -> Result<(AssociationsPage, CallMeta)> {
        let (partner_client, to_type) = self.ids?;
        let page_size = check_page_size(self.page_size, 500)?;
        if self.client.api_version().is_dated() && !self.after.is_end() {
            let call =
                labelled_page(&self.client, &partner_client, &to_type, self.after, Some(page_size), self.options);
            let (page, meta) = call.await?;
            let mut flat = AssociationsPage::builder().results(page.results.iter().flat_map(rows).collect::<Vec<_>>());
            flat = flat.paging(page.paging);
            return Ok((flat.try_into()?, meta));
        }
        if self.after.is_end() {
            return Ok((AssociationsPage::builder().results(Vec::new()).try_into()?, CallMeta::default()));
        }
        let called = transport::call(self.client.raw, self.options, "list_associations", |raw| async move {
            let mut request =
                raw.list_associations().partner_client_id(partner_client).to_object_type(to_type).limit(page_size);
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
    /// Reads the page. The last page has no `paging`.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for an id or a page size that cannot be sent. HubSpot answers 404 for an unknown
    /// partner client and 400 for an unknown object type.
    ListAssociations => AssociationsPage
}

/// A page of a partner client's associations as dated versions list them: each object once, with its types.
async fn labelled_page(
    client: &Client,
    partner_client: &PartnerClientId,
    to_type: &ObjectType,
    after: Cursor,
    page_size: Option<i64>,
    options: CallOptions,
) -> Result<(LabelledPage, CallMeta)> {
    const OPERATION: &str = "list_associations_with_labels";
    let (partner_client, to_type) = (partner_client.clone(), to_type.clone());
    let called = transport::call(client.raw.clone(), options, OPERATION, |raw| async move {
        let mut request = raw.list_associations_with_labels().partner_client_id(partner_client).to_object_type(to_type);
        if let Some(page_size) = page_size {
            request = request.limit(page_size);
        }
        if let Cursor::At(after) = after {
            request = request.after(after);
        }
        request.send().await
    });
    let (page, meta) = called.await?;
    let next = page.paging.as_ref().and_then(|paging| paging.next.as_ref());
    check_read(OPERATION, &page.results, next, &meta)?;
    Ok((page, meta))
}

type LabelledPage = types::CollectionResponseMultiAssociatedObjectWithLabelForwardPaging;

/// All pages of what dated versions list.
pub(crate) fn labelled_pages(
    client: &Client,
    partner_client: &PartnerClientId,
    to_type: &ObjectType,
    options: CallOptions,
) -> Pages<types::MultiAssociatedObjectWithLabel> {
    let (client, partner_client, to_type) = (client.clone(), partner_client.clone(), to_type.clone());
    Pages::new(Cursor::Start, move |after| {
        let (client, partner_client, to_type) = (client.clone(), partner_client.clone(), to_type.clone());
        let options = options.clone();
        Box::pin(async move {
            let call = labelled_page(&client, &partner_client, &to_type, after, None, options);
            let (page, meta) = call.await?;
            Ok(Page::forward(page.results, page.paging, &meta))
        })
    })
}

/// One row for each type, by category and number. An object of which HubSpot names no type has one row, without a type.
fn rows(listed: &types::MultiAssociatedObjectWithLabel) -> Vec<AssociatedId> {
    let row = |type_| AssociatedId { id: listed.to_object_id.clone(), type_ };
    if listed.association_types.is_empty() {
        return vec![row(String::new())];
    }
    let type_of = |held: &types::AssociationSpecWithLabel| match exact(held) {
        Ok(exact) if is_type(held) => exact.to_string(),
        // Of some HubSpot says no more than this.
        _ if held.type_id > 0 => held.type_id.to_string(),
        _ => String::new(),
    };
    listed.association_types.iter().map(|held| row(type_of(held))).collect()
}
