//! Searches of partner clients: the request and its filters, streams of all results, and streams of what changed.

mod changes;
mod filter;
mod walk;

use serde_json::json;

pub use self::{
    changes::ChangedSince,
    filter::{Filter, FilterOn, filter},
};
use crate::{
    client::Client,
    error::{Error, Result},
    generated::types,
    ids::ObjectType,
    partner_clients::{
        PartnerClient, SearchPage,
        cursor::Cursor,
        list::check_page_size,
        paging::{Items, Pages, check_read},
        selection::{Selection, check_property, selects},
    },
    transport::{
        self,
        call_meta::CallMeta,
        call_options::{CallOptions, call},
    },
};

/// HubSpot's limits of a search.
const MAX_PAGE: u16 = 200;
const MAX_GROUPS: usize = 5;
const MAX_FILTERS_IN_GROUP: usize = 6;
const MAX_FILTERS: usize = 18;
const MAX_BODY_CHARACTERS: usize = 3_000;
const MAX_RESULTS: u32 = 10_000;

impl Client {
    /// Searches partner clients, by text, by properties, or both.
    ///
    /// Needs the scope `crm.objects.partner-clients.read`. HubSpot allows five searches a second. Its search finds new
    /// data with some delay, and never finds archived partner clients.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use hubspot_partner_clients::filter;
    ///
    /// let found: Vec<_> = client
    ///     .search()
    ///     .filter(filter("name").contains_token("acme*"))
    ///     .filter(filter("employees").between(10, 250))
    ///     .or(filter("domain")
    ///         .is_in(["acme.example", "acme.test"]))
    ///     .properties(["name", "domain"])
    ///     .items()
    ///     .try_collect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn search(&self) -> Search {
        Search {
            client: self.clone(),
            object_type: None,
            query: None,
            groups: Vec::new(),
            sort: None,
            after: Cursor::Start,
            page_size: None,
            limit: None,
            selection: Selection::default(),
            options: CallOptions::default(),
        }
    }
}

impl Search {
    /// A search of objects of a type.
    pub(crate) fn of_type(client: &Client, object_type: &ObjectType, options: &CallOptions) -> Self {
        Self { object_type: Some(object_type.clone()), options: options.clone(), ..client.search() }
    }
}

/// Call that searches partner clients: [`pages`](Self::pages), [`items`](Self::items), or await it for one page. See
/// [`Client::search`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited or polled"]
pub struct Search {
    client: Client,
    /// Partner clients where there is none.
    object_type: Option<ObjectType>,
    query: Option<String>,
    /// Joined by or; the filters of each by and.
    groups: Vec<Vec<Filter>>,
    sort: Option<(String, &'static str)>,
    after: Cursor,
    page_size: Option<u16>,
    limit: Option<u32>,
    selection: Selection,
    options: CallOptions,
}

selects!(Search, properties of selection);

impl Search {
    /// Searches for this text in the properties that HubSpot searches by default.
    pub fn query(mut self, text: impl Into<String>) -> Self {
        self.query = Some(text.into());
        self
    }

    /// Adds a filter. All filters since the last [`or`](Self::or) must match.
    pub fn filter(mut self, filter: Filter) -> Self {
        match self.groups.last_mut() {
            Some(group) => group.push(filter),
            None => self.groups.push(vec![filter]),
        }
        self
    }

    /// Starts an alternative: the results match the filters before it, or this one and those after it.
    pub fn or(mut self, filter: Filter) -> Self {
        self.groups.push(vec![filter]);
        self
    }

    /// Sorts by a property, smallest or oldest first. HubSpot sorts by one property only, so the last sort applies.
    pub fn sort_ascending(mut self, property: impl Into<String>) -> Self {
        self.sort = Some((property.into(), "ASCENDING"));
        self
    }

    /// Sorts by a property, largest or latest first. HubSpot sorts by one property only, so the last sort applies.
    pub fn sort_descending(mut self, property: impl Into<String>) -> Self {
        self.sort = Some((property.into(), "DESCENDING"));
        self
    }

    /// Sets how many partner clients a page holds: 1 to 200; the default is 200.
    pub fn page_size(mut self, partner_clients: u16) -> Self {
        self.page_size = Some(partner_clients);
        self
    }

    /// Ends a stream after this many results. A sorted stream needs a limit of at most 10,000, because HubSpot returns
    /// no more sorted results.
    pub fn limit(mut self, results: u32) -> Self {
        self.limit = Some(results);
        self
    }

    /// Starts at a cursor of a page or a stream of the same search.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Returns the results page by page.
    ///
    /// Without a sort, results are walked in record-id order, which avoids HubSpot's 10,000-result limit. A partner
    /// client that matches the whole time is returned exactly once, even while others change. The walk uses one filter
    /// of each group. With a sort, HubSpot's limit applies: set [`limit`](Self::limit), or the stream fails with
    /// [`Error::is_invalid_input`].
    pub fn pages(self) -> Pages<PartnerClient> {
        walk::pages(self)
    }

    /// Returns the results one by one; see [`pages`](Self::pages).
    pub fn items(self) -> Items<PartnerClient> {
        self.pages().items()
    }

    async fn run(self) -> Result<(SearchPage, CallMeta)> {
        let operation = self.operation();
        let (page, meta) = self.fetch().await?;
        let next = page.paging.as_ref().and_then(|paging| paging.next.as_ref());
        check_read(operation, &page.results, next, &meta)?;
        Ok((page, meta))
    }

    fn operation(&self) -> &'static str {
        if self.object_type.is_some() { "search_objects" } else { "search" }
    }

    /// One page, of which perhaps nothing can be read.
    async fn fetch(self) -> Result<(SearchPage, CallMeta)> {
        let body = self.body()?;
        if self.after.is_end() {
            return Ok((SearchPage::builder().results(Vec::new()).try_into()?, CallMeta::default()));
        }
        let operation = self.operation();
        let called = transport::call(self.client.raw, self.options, operation, |raw| async move {
            match self.object_type {
                Some(object_type) => raw.search_objects().object_type(object_type).body(body).send().await,
                None => raw.search().body(body).send().await,
            }
        });
        called.await
    }

    /// The request, within HubSpot's limits.
    fn body(&self) -> Result<types::PublicObjectSearchRequest> {
        let refuse = |field: &str, count: usize, most: usize| {
            let (reason, remedy) = (format!("are more than the {most} that HubSpot accepts"), "search in parts");
            Err(Error::invalid_input(field, Some(&count.to_string()), reason, remedy))
        };
        if self.groups.len() > MAX_GROUPS {
            return refuse("groups of filters", self.groups.len(), MAX_GROUPS);
        }
        if let Some(group) = self.groups.iter().find(|group| group.len() > MAX_FILTERS_IN_GROUP) {
            return refuse("filters in a group", group.len(), MAX_FILTERS_IN_GROUP);
        }
        let filters: usize = self.groups.iter().map(Vec::len).sum();
        if filters > MAX_FILTERS {
            return refuse("filters in total", filters, MAX_FILTERS);
        }
        self.selection.check()?;
        let group = |filters: &Vec<Filter>| {
            let filters = filters.iter().map(Filter::request).collect::<Result<Vec<_>>>()?;
            Ok(types::FilterGroup::builder().filters(filters).try_into()?)
        };
        let sort = |(property, direction): &(String, &str)| {
            check_property(property)?;
            Ok(json!({"propertyName": property, "direction": direction}))
        };
        let body = types::PublicObjectSearchRequest::builder()
            .after(self.after.place().map(str::to_owned))
            .filter_groups(self.groups.iter().map(group).collect::<Result<Vec<types::FilterGroup>>>()?)
            .limit(check_page_size(self.page_size, MAX_PAGE)?)
            .properties(self.selection.properties.clone())
            .query(self.query.clone())
            .sorts(self.sort.iter().map(sort).collect::<Result<Vec<_>>>()?);
        let body = types::PublicObjectSearchRequest::try_from(body)?;
        let characters = serde_json::json!(body).to_string().chars().count();
        if characters > MAX_BODY_CHARACTERS {
            return refuse("characters of the search", characters, MAX_BODY_CHARACTERS);
        }
        Ok(body)
    }
}

call! {
    /// Reads one page, with the total number of results.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] for a search beyond HubSpot's limits: 5 groups of 6 filters, 18 filters in all,
    /// 3,000 characters, 200 results a page. Also for names and values that cannot be sent. HubSpot answers 400 for an
    /// unknown property, and for a page that ends after the 10,000th result.
    Search => SearchPage
}
