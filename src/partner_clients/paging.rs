//! Streams of pages and of items.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt, Stream};

use crate::{
    error::{Error, Result},
    generated::types::{ForwardPaging, NextPage},
    partner_clients::cursor::Cursor,
    task::Task,
    transport::call_meta::CallMeta,
};

/// How many empty pages in a row a stream takes, for HubSpot may give one where there is more.
pub(crate) const MAX_EMPTY: u32 = 100;

/// One page of results.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items of the page, in HubSpot's order. A page may have fewer than the page size, or none, even if there are
    /// more pages.
    pub items: Vec<T>,
    /// Where the next page starts, or the end. It is valid for the same call only.
    pub next: Cursor,
    /// How many entries of the response could not be read, such as a partner client without an id. They are left out.
    pub left_out: usize,
    /// Whether the stream ends here, although there is a place to go on from later.
    ended: bool,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, next: Cursor) -> Self {
        Self { items, next, left_out: 0, ended: false }
    }

    /// The last page of a stream that can go on later.
    pub(crate) fn last(items: Vec<T>, later: Cursor) -> Self {
        Self { items, next: later, left_out: 0, ended: true }
    }

    /// From HubSpot's link to the next page.
    pub(crate) fn forward(items: Vec<T>, paging: Option<ForwardPaging>, meta: &CallMeta) -> Self {
        Self::new(items, next(paging.and_then(|paging| paging.next))).leaving_out(meta.left_out)
    }

    pub(crate) fn leaving_out(self, left_out: usize) -> Self {
        Self { left_out, ..self }
    }
}

/// A response of which no entry can be read, and that leads no further, is not an empty one.
pub(crate) fn check_read<T>(
    operation: &'static str,
    results: &[T],
    following: Option<&NextPage>,
    meta: &CallMeta,
) -> Result<()> {
    let leads_on = !next(following.cloned()).is_end();
    if meta.left_out == 0 || !results.is_empty() || leads_on {
        return Ok(());
    }
    Err(Error::unread_entries(meta.left_out).in_call(operation, meta, true))
}

/// The cursor that HubSpot gives with a page, or that is in its link to the next one. An empty one leads nowhere but to the
/// start.
pub(crate) fn next(page: Option<NextPage>) -> Cursor {
    let Some(NextPage { after, link, .. }) = page else { return Cursor::End };
    if !after.is_empty() {
        return Cursor::At(after);
    }
    // The link may have no host.
    let base = reqwest::Url::parse("https://api.hubapi.com").ok();
    let link = link.and_then(|link| base?.join(&link).ok());
    let after = link.and_then(|link| Some(link.query_pairs().find(|(name, _)| name == "after")?.1.into_owned()));
    after.filter(|after| !after.is_empty()).map_or(Cursor::End, Cursor::At)
}

type Fetching<T> = Pin<Box<dyn Future<Output = Result<Page<T>>> + Send>>;
type Fetch<T> = Box<dyn FnMut(Cursor) -> Fetching<T> + Send>;

/// Pages of results, as a [`Stream`].
///
/// ```no_run
/// # async fn run(client: hubspot_partner_clients::Client) -> hubspot_partner_clients::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut pages = client.list().pages();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} items", page.items.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// The stream continues for as long as HubSpot says there is more, however short a page is. It requests a page when it
/// is polled for it; with [`read_ahead`](Self::read_ahead) it requests the next page in the meantime. You can drop a
/// future of `next()` at any time without losing anything.
///
/// The stream ends after an error. It also ends with an error if HubSpot's pages would never end: if a cursor occurs
/// twice, or after a hundred empty pages in a row. A new stream can resume from [`cursor`](Self::cursor).
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    fetch: Fetch<T>,
    state: State<T>,
    /// Where the page starts that is next, or under way.
    cursor: Cursor,
    read_ahead: Option<fn(Fetching<T>) -> Fetching<T>>,
    endless: Endless,
}

enum State<T> {
    Idle,
    Fetching(Fetching<T>),
    Ended,
}

impl<T> Pages<T> {
    /// Pages from a cursor on, which `fetch` gets one by one.
    pub(crate) fn new(cursor: Cursor, fetch: impl FnMut(Cursor) -> Fetching<T> + Send + 'static) -> Self {
        let state = if cursor.is_end() { State::Ended } else { State::Idle };
        Self { fetch: Box::new(fetch), state, cursor, read_ahead: None, endless: Endless::default() }
    }

    /// Returns where to start again to get the pages that were not taken yet. After an error, that is the page that
    /// failed.
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    /// Returns the items of the pages one by one.
    pub fn items(self) -> Items<T> {
        Items { pages: self, page: VecDeque::new(), cursor: Cursor::Start, left_out: 0 }
    }
}

impl<T: Send + 'static> Pages<T> {
    /// Requests the next page, and only that one, while you work on the current one. Needs a Tokio runtime.
    pub fn read_ahead(mut self) -> Self {
        self.read_ahead = Some(|fetching| match Task::spawn(fetching) {
            Ok(task) => Box::pin(task.map(|page| page.and_then(|page| page))),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        });
        self
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if matches!(this.state, State::Idle) {
            this.state = State::Fetching((this.fetch)(this.cursor.clone()));
        }
        let State::Fetching(fetching) = &mut this.state else {
            return Poll::Ready(None);
        };
        let outcome = ready!(fetching.as_mut().poll(cx));
        this.state = State::Ended;
        let page = outcome.and_then(|page| this.endless.check(page));
        if let Ok(page) = &page {
            this.cursor.clone_from(&page.next);
            if !page.ended && !page.next.is_end() {
                this.state = match this.read_ahead {
                    Some(ahead) => State::Fetching(ahead((this.fetch)(page.next.clone()))),
                    None => State::Idle,
                };
            }
        }
        Poll::Ready(Some(page))
    }
}

impl<T> std::fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// Brent's cycle detection: one cursor is remembered, each time for twice as many pages, so that a circle is noticed without
/// remembering all cursors.
#[derive(Default)]
struct Endless {
    remembered: Option<Cursor>,
    pages: u64,
    until: u64,
    empty: u32,
}

impl Endless {
    fn check<T>(&mut self, page: Page<T>) -> Result<Page<T>> {
        if page.ended || page.next.is_end() {
            return Ok(page);
        }
        if self.remembered.as_ref() == Some(&page.next) {
            return Err(Error::repeated_cursor());
        }
        self.empty = if page.items.is_empty() { self.empty + 1 } else { 0 };
        if self.empty > MAX_EMPTY {
            return Err(Error::empty_pages(MAX_EMPTY));
        }
        self.pages += 1;
        if self.pages >= self.until {
            self.until = self.pages * 2;
            self.remembered = Some(page.next.clone());
        }
        Ok(page)
    }
}

/// Items of a result, as a [`Stream`]. It holds one page of them, or two with [`read_ahead`](Pages::read_ahead).
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    pages: Pages<T>,
    page: VecDeque<T>,
    /// Where the page under way started.
    cursor: Cursor,
    left_out: usize,
}

impl<T> Items<T> {
    /// Returns where to start again to get the items that were not taken yet. That is the start of the current page, so
    /// up to a page of items may come a second time. After an error it is the page that failed, and after the last item
    /// the end.
    pub fn cursor(&self) -> Cursor {
        if self.page.is_empty() { self.pages.cursor() } else { self.cursor.clone() }
    }

    /// How many entries of the responses so far could not be read and are left out; see [`Page::left_out`]. If pages
    /// overlap, an entry may count twice.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl<T: Send + 'static> Items<T> {
    /// Like [`Pages::read_ahead`].
    pub fn read_ahead(mut self) -> Self {
        self.pages = self.pages.read_ahead();
        self
    }
}

impl<T: Unpin> Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            let cursor = this.pages.cursor();
            match ready!(Pin::new(&mut this.pages).poll_next(cx)) {
                Some(Ok(page)) => {
                    this.page = page.items.into();
                    this.left_out += page.left_out;
                    this.cursor = cursor;
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> std::fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("cursor", &self.cursor()).finish_non_exhaustive()
    }
}
