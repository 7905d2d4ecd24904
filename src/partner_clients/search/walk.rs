//! Streams of all results of a search.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use super::{MAX_PAGE, MAX_RESULTS, Search};
use crate::{
    error::{Error, Result},
    partner_clients::{
        PartnerClient, SearchPage,
        cursor::Cursor,
        paging::{MAX_EMPTY, Page, Pages, check_read, next},
        search::filter::filter,
    },
};

/// The property that holds a record's id.
pub(super) const ID: &str = "hs_object_id";

pub(super) fn pages(search: Search) -> Pages<PartnerClient> {
    if search.sort.is_some() { sorted(search) } else { by_id(search) }
}

/// Some results of a search, from its beginning on.
pub(super) struct Found {
    /// None only at the end.
    pub(super) objects: Vec<PartnerClient>,
    /// Whether there may be more behind them.
    pub(super) more: bool,
    /// How many could not be read.
    pub(super) left_out: usize,
}

impl Search {
    /// The first results there are, past empty pages.
    ///
    /// How long a page is says nothing of the end. There is more where HubSpot gives a cursor, where its total is larger
    /// than what came, and where a page is full; without a total nobody knows. A page that is empty although the total is
    /// not zero is asked for once more, and then believed.
    ///
    /// # Errors
    /// Also where nothing of a page can be read, unless it is the last of what `goes_on`.
    pub(super) async fn found(mut self, goes_on: bool) -> Result<Found> {
        let page_size = usize::from(self.page_size.unwrap_or(MAX_PAGE));
        let (mut doubted, mut left_out) = (false, 0);
        for _ in 0..=MAX_EMPTY {
            let (page, meta) = self.clone().fetch().await?;
            left_out += meta.left_out;
            let following = page.paging.and_then(|paging| paging.next);
            let next = next(following.clone());
            let more_than = |count: usize| page.total.map(|total| usize::try_from(total).unwrap_or(0) > count);
            // What cannot be read came as well.
            let count = page.results.len() + meta.left_out;
            let more = !next.is_end() || more_than(count).unwrap_or(true) || count >= page_size;
            if more || !goes_on {
                check_read(self.operation(), &page.results, following.as_ref(), &meta)?;
            }
            if !page.results.is_empty() {
                return Ok(Found { objects: page.results.into_iter().map(Into::into).collect(), more, left_out });
            }
            if !next.is_end() {
                if next == self.after {
                    return Err(Error::repeated_cursor());
                }
                self.after = next;
            } else if more_than(count).unwrap_or(false) && !doubted {
                doubted = true;
            } else {
                return Ok(Found { objects: Vec::new(), more: false, left_out });
            }
        }
        Err(Error::empty_pages(MAX_EMPTY))
    }
}

/// A walk by record id: each page asks for what comes after the last id of the one before, so that it neither counts
/// results nor minds that they change.
fn by_id(search: Search) -> Pages<PartnerClient> {
    let left = Arc::new(Mutex::new(search.limit));
    Pages::new(search.after.clone(), move |after| {
        let (search, left) = (search.clone(), Arc::clone(&left));
        Box::pin(async move {
            let page_size = search.page_size.unwrap_or(MAX_PAGE);
            let wanted = *left.lock().unwrap_or_else(PoisonError::into_inner);
            let Found { mut objects, more, left_out } = behind(search, after.place(), page_size).found(false).await?;
            objects.dedup_by(|a, b| a.id == b.id);
            if more {
                check_order(&objects, after.place())?;
            }
            let last = objects.last().map(|object| object.id.clone());
            let mut next = last.filter(|_| more);
            if let Some(wanted) = wanted {
                objects.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
                let rest = wanted - u32::try_from(objects.len()).unwrap_or(wanted);
                *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
                next = next.filter(|_| rest > 0);
            }
            Ok(Page::new(objects, next.map_or(Cursor::End, Cursor::At)).leaving_out(left_out))
        })
    })
}

/// Whether the last id of a page, all of it behind another one, is the place to go on from.
pub(super) fn check_order(objects: &[PartnerClient], behind: Option<&str>) -> Result<()> {
    let ids = behind.into_iter().chain(objects.iter().map(|object| object.id.as_str()));
    let numbers = ids.filter_map(|id| id.parse::<u128>().ok());
    if numbers.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(Error::out_of_order("ids")) }
}

/// The search, from behind an id on, in the order of ids.
pub(super) fn behind(search: Search, id: Option<&str>, page_size: u16) -> Search {
    let mut search = Search { after: Cursor::Start, page_size: Some(page_size), ..search }.sort_ascending(ID);
    if search.groups.is_empty() {
        search.groups.push(Vec::new());
    }
    for group in &mut search.groups {
        // On the first page as well, so that a group that is full already is refused there.
        group.push(filter(ID).gt(id.unwrap_or("0")));
    }
    search
}

/// HubSpot's own pages, which it counts out up to the 10,000th result.
fn sorted(search: Search) -> Pages<PartnerClient> {
    let given = Arc::new(Mutex::new(HashSet::new()));
    Pages::new(search.after.clone(), move |after| {
        let (search, given) = (search.clone(), Arc::clone(&given));
        Box::pin(async move {
            let limit = checked_limit(search.limit)?;
            let (first, start) = (counted(&search.after)?, counted(&after)?);
            let already = given.lock().unwrap_or_else(PoisonError::into_inner).len();
            // The results before the cursor that the stream began at count as well.
            let left = limit.saturating_sub(first).saturating_sub(u32::try_from(already).unwrap_or(u32::MAX));
            let page_size = search.page_size.map_or(u32::from(MAX_PAGE), u32::from);
            let page_size = page_size.min(left).min(MAX_RESULTS.saturating_sub(start));
            let Some(page_size) = u16::try_from(page_size).ok().filter(|&page_size| page_size > 0) else {
                return Ok(Page::new(Vec::new(), Cursor::End));
            };
            let search = Search { after, page_size: Some(page_size), ..search };
            let (mut page, mut meta) = search.clone().run().await?;
            let is_last = |page: &SearchPage| page.paging.as_ref().is_none_or(|paging| paging.next.is_none());
            if page.results.is_empty() && is_last(&page) && page.total.is_some_and(|total| total > i64::from(start)) {
                (page, meta) = search.run().await?;
            }
            let count = u32::try_from(page.results.len() + meta.left_out).unwrap_or(u32::MAX);
            let end = start.saturating_add(count);
            let mut next = next(page.paging.and_then(|paging| paging.next));
            // A page may have been cut short without a cursor, so the next one may begin with results of this one.
            if next.is_end() && count > 0 && page.total.is_none_or(|total| total > i64::from(end)) {
                next = Cursor::At(end.to_string());
            }
            let mut objects: Vec<PartnerClient> = page.results.into_iter().map(Into::into).collect();
            let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
            objects.retain(|object| given.insert(object.id.clone()));
            objects.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            let rest = left.saturating_sub(u32::try_from(objects.len()).unwrap_or(u32::MAX));
            let over =
                rest == 0 || next.place().and_then(|place| place.parse().ok()).is_some_and(|n: u32| n >= MAX_RESULTS);
            Ok(Page::new(objects, if over { Cursor::End } else { next }).leaving_out(meta.left_out))
        })
    })
}

/// How many results lie before a cursor of a sorted search.
fn counted(cursor: &Cursor) -> Result<u32> {
    let Some(place) = cursor.place() else { return Ok(0) };
    place.parse().map_err(|_| {
        Error::invalid_input(
            "cursor",
            Some(place),
            "does not come from a sorted search",
            "use one from the same search",
        )
    })
}

fn checked_limit(limit: Option<u32>) -> Result<u32> {
    let refuse =
        |value: Option<&str>, reason: &str, remedy: &str| Err(Error::invalid_input("limit", value, reason, remedy));
    match limit {
        None => refuse(
            None,
            "is required for a sorted stream, because HubSpot stops at 10,000 results",
            "set it to 10,000 or less, or remove the sort to get all results in id order",
        ),
        Some(limit) if limit > MAX_RESULTS => {
            refuse(Some(&limit.to_string()), "is more than HubSpot returns in a chosen order", "give 10,000 or less")
        }
        Some(limit) => Ok(limit),
    }
}
