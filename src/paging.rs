//! Pages and items as streams.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use tokio::task::JoinHandle;

use crate::{Error, Result, generated::types::ForwardPaging};

/// One page of results.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The page's items, in HubSpot's order.
    pub items: Vec<T>,
    /// From where the next page starts; none on the last one. It is opaque, and good for the same call only.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next }
    }

    /// As HubSpot tells of the next page.
    pub(crate) fn forward(items: Vec<T>, paging: Option<ForwardPaging>) -> Self {
        Self::new(items, paging.and_then(|paging| paging.next).map(|next| next.after))
    }
}

type Fetching<T> = Pin<Box<dyn Future<Output = Result<Page<T>>> + Send>>;
type Fetch<T> = Box<dyn FnMut(Option<String>) -> Fetching<T> + Send>;

/// The pages of a result, as a [`Stream`].
///
/// Nothing is asked for until the stream is polled, and a page not before the one before it was taken; with
/// [`read_ahead`](Self::read_ahead) the next one is asked for meanwhile. A future of `next()` may be dropped at any time
/// without a loss. The stream ends after an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    fetch: Fetch<T>,
    state: State<T>,
    read_ahead: Option<fn(Fetching<T>) -> Fetching<T>>,
    circle: Circle,
}

enum State<T> {
    /// Where the next page starts.
    Next(Option<String>),
    Fetching(Fetching<T>),
    End,
}

impl<T> Pages<T> {
    /// Pages from a cursor on, or from the beginning, each had by `fetch`.
    pub(crate) fn new(
        start: Option<String>,
        fetch: impl FnMut(Option<String>) -> Fetching<T> + Send + 'static,
    ) -> Self {
        Self { fetch: Box::new(fetch), state: State::Next(start), read_ahead: None, circle: Circle::default() }
    }

    /// The single items of the pages.
    pub fn items(self) -> Items<T> {
        Items { pages: self, page: VecDeque::new(), cursor: None, next: None }
    }
}

impl<T: Send + 'static> Pages<T> {
    /// Asks for the next page, one and no more, while the caller is busy with this one. It needs a Tokio runtime.
    pub fn read_ahead(mut self) -> Self {
        self.read_ahead = Some(|fetching| Box::pin(Ahead(tokio::spawn(fetching))));
        self
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let State::Next(cursor) = &mut this.state {
            this.state = State::Fetching((this.fetch)(cursor.take()));
        }
        let State::Fetching(fetching) = &mut this.state else {
            return Poll::Ready(None);
        };
        let outcome = ready!(fetching.as_mut().poll(cx));
        this.state = State::End;
        let page = outcome.and_then(|page| this.circle.check(page));
        if let Ok(Page { next: Some(next), .. }) = &page {
            this.state = match this.read_ahead {
                Some(ahead) => State::Fetching(ahead((this.fetch)(Some(next.clone())))),
                None => State::Next(Some(next.clone())),
            };
        }
        Poll::Ready(Some(page))
    }
}

impl<T> std::fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

/// A page under way in a task that ends with the stream.
struct Ahead<T>(JoinHandle<Result<Page<T>>>);

impl<T> Future for Ahead<T> {
    type Output = Result<Page<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(outcome.unwrap_or_else(|_| Err(Error::interrupted())))
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Brent's cycle detection: one cursor is remembered, each time for twice as many pages, so that cursors that go in a
/// circle are noticed without remembering all of them.
#[derive(Default)]
struct Circle {
    remembered: Option<String>,
    pages: u64,
    until: u64,
}

impl Circle {
    fn check<T>(&mut self, page: Page<T>) -> Result<Page<T>> {
        if page.next.is_some() && page.next == self.remembered {
            return Err(Error::repeated_cursor());
        }
        self.pages += 1;
        if self.pages >= self.until {
            self.until = self.pages * 2;
            self.remembered.clone_from(&page.next);
        }
        Ok(page)
    }
}

/// The items of a result, as a [`Stream`] that holds one page of them, or two with
/// [`read_ahead`](Pages::read_ahead).
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    pages: Pages<T>,
    page: VecDeque<T>,
    /// Where the page under way started.
    cursor: Option<String>,
    next: Option<String>,
}

impl<T> Items<T> {
    /// Where to start again to get what has not been taken yet. It is the start of the page under way, so some of its
    /// items may come a second time; `None` is the beginning of all.
    pub fn cursor(&self) -> Option<&str> {
        if self.page.is_empty() { self.next.as_deref() } else { self.cursor.as_deref() }
    }
}

impl<T: Send + 'static> Items<T> {
    /// As [`Pages::read_ahead`].
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
            match ready!(Pin::new(&mut this.pages).poll_next(cx)) {
                Some(Ok(page)) => {
                    this.page = page.items.into();
                    this.cursor = std::mem::replace(&mut this.next, page.next);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> std::fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
