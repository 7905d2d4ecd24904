//! Lists of partner clients.

use crate::{
    client::Client,
    error::{Error, Result},
    partner_clients::{
        PartnerClient, PartnerClientsPage,
        cursor::Cursor,
        paging::{Items, Page, Pages, check_read},
        selection::{Selection, selects, with_lists},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

impl Client {
    /// Lists partner clients, as a page, as pages or as items.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut partner_clients =
    ///     client.list().properties(["name"]).items();
    /// while let Some(partner_client) =
    ///     partner_clients.try_next().await?
    /// {
    ///     let name = partner_client.property("name");
    ///     println!("{} {name:?}", partner_client.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> ListPartnerClients {
        ListPartnerClients {
            client: self.clone(),
            archived: false,
            after: Cursor::Start,
            page_size: None,
            selection: Selection::default(),
            options: CallOptions::default(),
        }
    }
}

/// Call that lists partner clients: [`pages`](Self::pages), [`items`](Self::items), or await it for one page. See
/// [`Client::list`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited or polled"]
pub struct ListPartnerClients {
    client: Client,
    archived: bool,
    after: Cursor,
    page_size: Option<u16>,
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

    /// Starts at a cursor of a page or a stream of the same list, or at a text of HubSpot's.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Sets how many partner clients a page holds: 1 to 100, or 1 to 50 with history. The default is the largest.
    pub fn page_size(mut self, partner_clients: u16) -> Self {
        self.page_size = Some(partner_clients);
        self
    }

    /// Returns the partner clients page by page.
    pub fn pages(self) -> Pages<PartnerClient> {
        Pages::new(self.after.clone(), move |after| {
            let call = Self { after, ..self.clone() };
            Box::pin(async move {
                let (page, meta) = call.run().await?;
                Ok(Page::forward(page.results, page.paging, &meta))
            })
        })
    }

    /// Returns the partner clients one by one.
    pub fn items(self) -> Items<PartnerClient> {
        self.pages().items()
    }

    async fn run(self) -> Result<(PartnerClientsPage, CallMeta)> {
        let max = if self.selection.history.is_empty() { 100 } else { 50 };
        let page_size = check_page_size(self.page_size, max)?;
        let lists = self.selection.lists()?;
        if self.after.is_end() {
            return Ok((PartnerClientsPage::builder().results(Vec::new()).try_into()?, CallMeta::default()));
        }
        let called = transport::call(self.client.raw, self.options, "list", |raw| async move {
            let mut request = with_lists!(raw.list().limit(page_size), lists);
            if let Cursor::At(after) = self.after {
                request = request.after(after);
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
    /// [`Error::is_invalid_input`] for a page size that is out of range, for a name that cannot be sent, and for names
    /// that make the URL too long.
    ListPartnerClients => PartnerClientsPage
}

/// A page size, the most if none is given.
pub(crate) fn check_page_size(page_size: Option<u16>, max: u16) -> Result<i64> {
    match page_size {
        None => Ok(max.into()),
        Some(page_size) if (1..=max).contains(&page_size) => Ok(page_size.into()),
        Some(page_size) => {
            let page_size = page_size.to_string();
            Err(Error::invalid_input("page size", Some(&page_size), "is out of range", format!("give 1 to {max}")))
        }
    }
}
