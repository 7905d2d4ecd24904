//! What was changed since a time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeZone, Utc};

use super::{MAX_PAGE, Search, filter, walk::behind};
use crate::{Client, Error, Items, Page, Pages, PartnerClient, Result, options::settings, selection::selects};

/// The property that holds the time of a record's last change.
const CHANGED: &str = "hs_lastmodifieddate";

impl Client {
    /// The partner clients that were changed at a time or since, oldest change first, without HubSpot's end at 10,000
    /// results.
    ///
    /// A partner client that is changed meanwhile comes again, at its new place. Keep [`Items::cursor`] after what you have
    /// dealt with, and a later stream goes on [`after`](ChangedSince::after) it: some may come twice, none is missed. New
    /// data takes a moment to be found, so begin a new run a minute before the end of the last one.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let since = chrono::Utc::now() - chrono::TimeDelta::days(1);
    /// let mut changed = client.changed_since(since).properties(["name"]).items();
    /// while let Some(partner_client) = changed.try_next().await? {
    ///     println!("{} {}", partner_client.updated_at, partner_client.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn changed_since<Z: TimeZone>(&self, time: DateTime<Z>) -> ChangedSince {
        ChangedSince { search: self.search(), start: Step::from(time.to_utc()).cursor() }
    }
}

/// Changed partner clients: [`pages`](Self::pages) or [`items`](Self::items). See [`Client::changed_since`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is polled"]
pub struct ChangedSince {
    search: Search,
    start: String,
}

settings!(ChangedSince, search.options);
selects!(ChangedSince, properties of search.selection);

impl ChangedSince {
    /// Starts from a cursor instead of the time.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.start = cursor.into();
        self
    }

    /// The partner clients page by page, none of them empty but perhaps the last.
    pub fn pages(mut self) -> Pages<PartnerClient> {
        let properties = &mut self.search.selection.properties;
        if !properties.is_empty() {
            properties.push(CHANGED.to_owned());
        }
        let latest = Arc::new(Mutex::new(Latest::default()));
        let start = self.start;
        Pages::new(Some(start.clone()), move |cursor| {
            let (search, latest) = (self.search.clone(), Arc::clone(&latest));
            let cursor = cursor.unwrap_or_else(|| start.clone());
            Box::pin(async move { page(search, Step::read(&cursor)?, &latest).await })
        })
    }

    /// The partner clients one by one.
    pub fn items(self) -> Items<PartnerClient> {
        self.pages().items()
    }
}

/// The ids already given that were changed in the latest millisecond seen: the next page begins with it again.
#[derive(Default)]
struct Latest {
    at: i64,
    ids: HashSet<String>,
}

impl Latest {
    /// Whether it is new.
    fn see(&mut self, at: i64, id: &str) -> bool {
        if at > self.at {
            self.at = at;
            self.ids.clear();
        }
        at != self.at || self.ids.insert(id.to_owned())
    }
}

/// What a page asks for: changes since a millisecond; or, where one holds more than a page, the rest of those in it, from
/// behind an id.
enum Step {
    Since(i64),
    Within(i64, String),
}

impl From<DateTime<Utc>> for Step {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Since(time.timestamp_millis())
    }
}

impl Step {
    fn cursor(&self) -> String {
        match self {
            Self::Since(at) => at.to_string(),
            Self::Within(at, id) => format!("{at}/{id}"),
        }
    }

    fn read(cursor: &str) -> Result<Self> {
        let (at, id) = cursor.split_once('/').map_or((cursor, None), |(at, id)| (at, Some(id)));
        let at = at.parse().map_err(|_| {
            Error::invalid_input(
                "cursor",
                Some(cursor),
                "is none of a stream of changes",
                "give one that a stream gave",
            )
        })?;
        Ok(id.map_or(Self::Since(at), |id| Self::Within(at, id.to_owned())))
    }
}

async fn page(search: Search, step: Step, latest: &Mutex<Latest>) -> Result<Page<PartnerClient>> {
    let request = match &step {
        Step::Since(at) => search.filter(filter(CHANGED).gte(*at)).sort_ascending(CHANGED),
        Step::Within(at, id) => behind(search.filter(filter(CHANGED).eq(*at)), Some(id), MAX_PAGE),
    };
    let found = Search { limit: Some(MAX_PAGE), ..request }.send().await?.results;
    let full = found.len() >= usize::from(MAX_PAGE);
    let found: Vec<PartnerClient> = found.into_iter().map(Into::into).collect();
    let next = match (step, found.first(), found.last()) {
        (Step::Since(_), Some(first), Some(last)) if full => {
            let (from, to) = (changed(first), changed(last));
            // A page of one millisecond may not be all of it; which of it came is not said by their order.
            Some(if from == to { Step::Within(to, "0".to_owned()) } else { Step::Since(to) })
        }
        (Step::Since(_), ..) => None,
        (Step::Within(at, _), _, Some(last)) if full => Some(Step::Within(at, last.id.clone())),
        (Step::Within(at, _), ..) => Some(Step::Since(at.saturating_add(1))),
    };
    let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
    let items = found.into_iter().filter(|object| latest.see(changed(object), &object.id)).collect();
    Ok(Page::new(items, next.map(|step| step.cursor())))
}

fn changed(object: &PartnerClient) -> i64 {
    let property = object.property(CHANGED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    property.map_or(object.updated_at, |time| time.to_utc()).timestamp_millis()
}
