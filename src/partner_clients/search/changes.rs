//! Streams of the partner clients that changed since a time.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeZone};

use super::{
    MAX_PAGE, Search,
    walk::{Found, behind, check_order},
};
use crate::{
    client::Client,
    error::{Error, Result},
    partner_clients::{
        PartnerClient,
        cursor::Cursor,
        paging::{Items, Page, Pages},
        search::filter::filter,
        selection::selects,
    },
    transport::call_options::settings,
};

/// The property that holds the time of a record's last change.
const CHANGED: &str = "hs_lastmodifieddate";
/// How long HubSpot may take to let a search find a change, in milliseconds.
const UNSEEN: i64 = 60_000;

impl Client {
    /// Streams the partner clients that changed at or after a time, oldest change first, without HubSpot's limit of
    /// 10,000 results.
    ///
    /// A partner client that changes in the meantime comes again, at its new place. Store [`Items::cursor`] together
    /// with your results, and a later stream resumes [`after`](ChangedSince::after) it: some partner clients may come
    /// twice, and none is missed.
    ///
    /// When all changes have been given, the stream ends, and its cursor is where the next run starts: a minute before
    /// the latest change that was given, because HubSpot's search finds a change with some delay.
    ///
    /// ```no_run
    /// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let since = chrono::Utc::now()
    ///     - chrono::TimeDelta::days(1);
    /// let mut changed = client
    ///     .changed_since(since)
    ///     .properties(["name"])
    ///     .items();
    /// while let Some(partner_client) =
    ///     changed.try_next().await?
    /// {
    ///     println!("{}", partner_client.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn changed_since<Z: TimeZone>(&self, time: DateTime<Z>) -> ChangedSince {
        ChangedSince { search: self.search(), since: time.to_utc().timestamp_millis(), after: Cursor::Start }
    }
}

/// Call that streams changed partner clients: [`pages`](Self::pages) or [`items`](Self::items). See
/// [`Client::changed_since`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is polled"]
pub struct ChangedSince {
    search: Search,
    since: i64,
    after: Cursor,
}

settings!(ChangedSince, search.options);
selects!(ChangedSince, properties of search.selection);

impl ChangedSince {
    /// Starts at a cursor of an earlier stream instead of the time. [`Cursor::Start`] stands for the time.
    pub fn after(mut self, cursor: impl Into<Cursor>) -> Self {
        self.after = cursor.into();
        self
    }

    /// Returns the partner clients page by page.
    pub fn pages(mut self) -> Pages<PartnerClient> {
        let properties = &mut self.search.selection.properties;
        if !properties.is_empty() {
            properties.push(CHANGED.to_owned());
        }
        let since = Step::Again(self.since);
        let step = self.after.place().map_or(Ok(since.clone()), Step::read).unwrap_or_else(|_| since.clone());
        let (at, has_seen) = (step.time(), !matches!(step, Step::Again(_)));
        let latest = Arc::new(Mutex::new(Latest { since: self.since, from: at, at, has_seen, ids: HashSet::new() }));
        Pages::new(self.after, move |cursor| {
            let (search, since, latest) = (self.search.clone(), since.clone(), Arc::clone(&latest));
            Box::pin(async move {
                let step = cursor.place().map_or(Ok(since), Step::read)?;
                page(search, step, &latest).await
            })
        })
    }

    /// Returns the partner clients one by one.
    pub fn items(self) -> Items<PartnerClient> {
        self.pages().items()
    }
}

/// The ids already given that were changed in the latest millisecond seen: the next page begins with it again.
struct Latest {
    since: i64,
    /// Where the stream began.
    from: i64,
    at: i64,
    /// Whether this stream, or the one that it resumes, has come to a change there.
    has_seen: bool,
    ids: HashSet<String>,
}

impl Latest {
    /// Whether it is new.
    fn see(&mut self, at: i64, id: &str) -> bool {
        self.has_seen = true;
        if at > self.at {
            self.at = at;
            self.ids.clear();
        }
        at != self.at || self.ids.insert(id.to_owned())
    }

    /// Where the next stream begins: a minute before the latest change, which may be before this stream began.
    fn later(&self) -> Cursor {
        let at = match self.has_seen {
            true => self.at.saturating_sub(UNSEEN),
            false => self.from,
        };
        // Of a cursor from before the time, the time says nothing.
        let first = if self.since <= self.from { self.since } else { i64::MIN };
        Step::Again(at.max(first)).cursor()
    }
}

/// What a page asks for: changes since a millisecond; or, where one holds more than a page, the rest of those in it, from
/// behind an id. A stream that comes again begins before what it has given.
#[derive(Clone)]
enum Step {
    Since(i64),
    Within(i64, String),
    Again(i64),
}

impl Step {
    fn time(&self) -> i64 {
        let (Self::Since(at) | Self::Within(at, _) | Self::Again(at)) = self;
        *at
    }

    fn cursor(&self) -> Cursor {
        Cursor::At(match self {
            Self::Since(at) => at.to_string(),
            Self::Within(at, id) => format!("{at}/{id}"),
            Self::Again(at) => format!("{at}/"),
        })
    }

    fn read(cursor: &str) -> Result<Self> {
        let (at, id) = cursor.split_once('/').map_or((cursor, None), |(at, id)| (at, Some(id)));
        let at = at.parse().map_err(|_| {
            Error::invalid_input(
                "cursor",
                Some(cursor),
                "does not come from a stream of changes",
                "use one from such a stream",
            )
        })?;
        Ok(match id {
            None => Self::Since(at),
            Some("") => Self::Again(at),
            Some(id) => Self::Within(at, id.to_owned()),
        })
    }
}

async fn page(search: Search, step: Step, latest: &Mutex<Latest>) -> Result<Page<PartnerClient>> {
    let request = match &step {
        Step::Since(at) | Step::Again(at) => search.filter(filter(CHANGED).gte(*at)).sort_ascending(CHANGED),
        Step::Within(at, id) => behind(search.filter(filter(CHANGED).eq(*at)), Some(id), MAX_PAGE),
    };
    // A page that goes on behind what could be read may end with what cannot.
    let goes_on = !matches!(step, Step::Again(_));
    let Found { objects, more, left_out } = Search { page_size: Some(MAX_PAGE), ..request }.found(goes_on).await?;
    let times = || objects.iter().filter_map(changed);
    let next = match (step, objects.last()) {
        (Step::Since(_) | Step::Again(_), Some(_)) if more => {
            let (Some(from), Some(to)) = (times().next(), times().next_back()) else {
                return Err(Error::no_time_of_change());
            };
            if !times().is_sorted() {
                return Err(Error::out_of_order("times of change"));
            }
            // A page of one millisecond may not be all of it; which of it came is not said by their order.
            Some(if from == to { Step::Within(to, "0".to_owned()) } else { Step::Since(to) })
        }
        (Step::Since(_) | Step::Again(_), _) => None,
        (Step::Within(at, behind), Some(last)) if more => {
            check_order(&objects, Some(&behind))?;
            Some(Step::Within(at, last.id.clone()))
        }
        (Step::Within(at, _), _) => Some(Step::Since(at.saturating_add(1))),
    };
    let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
    let new = |object: &PartnerClient| changed(object).is_none_or(|at| latest.see(at, &object.id));
    let items = objects.into_iter().filter(new).collect();
    let page = match next {
        Some(step) => Page::new(items, step.cursor()),
        None => Page::last(items, latest.later()),
    };
    Ok(page.leaving_out(left_out))
}

/// When it was changed last, where HubSpot says so.
fn changed(object: &PartnerClient) -> Option<i64> {
    let property = object.property(CHANGED).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    property.map(|time| time.to_utc()).or(object.updated_at).map(|time| time.timestamp_millis())
}
