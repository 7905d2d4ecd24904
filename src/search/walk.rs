//! Streams of search results.

use std::sync::{Arc, Mutex, PoisonError};

use super::{MAX_PAGE, MAX_RESULTS, Search, filter};
use crate::{Error, Page, Pages, PartnerClient, Result};

/// The property that holds a record's id.
pub(super) const ID: &str = "hs_object_id";

pub(super) fn pages(search: Search) -> Pages<PartnerClient> {
    if search.sort.is_some() { sorted(search) } else { by_id(search) }
}

/// A walk by record id: each page asks for what comes after the last id of the one before, so that it neither counts
/// results nor minds that they change.
fn by_id(search: Search) -> Pages<PartnerClient> {
    let left = Arc::new(Mutex::new(search.top));
    Pages::new(search.after.clone(), move |after| {
        let (search, left) = (search.clone(), Arc::clone(&left));
        Box::pin(async move {
            let limit = search.limit.unwrap_or(MAX_PAGE);
            let wanted = *left.lock().unwrap_or_else(PoisonError::into_inner);
            let mut items = behind(search, after.as_deref(), limit).send().await?.results;
            let full = items.len() >= usize::from(limit);
            let last = items.last().map(|object| object.id.clone());
            let mut next = last.filter(|_| full);
            if let Some(wanted) = wanted {
                items.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
                let rest = wanted - u32::try_from(items.len()).unwrap_or(wanted);
                *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
                next = next.filter(|_| rest > 0);
            }
            Ok(Page::new(items.into_iter().map(Into::into).collect(), next))
        })
    })
}

/// The search, from behind an id on, in the order of ids.
pub(super) fn behind(search: Search, id: Option<&str>, limit: u16) -> Search {
    let mut search = Search { after: None, limit: Some(limit), ..search }.sort_ascending(ID);
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
    Pages::new(search.after.clone(), move |after| {
        let search = search.clone();
        Box::pin(async move {
            let top = checked_top(search.top)?;
            let start = match &after {
                None => 0,
                Some(after) => after.parse().map_err(|_| {
                    Error::invalid_input(
                        "cursor",
                        Some(after),
                        "is none of a sorted search",
                        "give one of the same search",
                    )
                })?,
            };
            let limit = search.limit.map_or(u32::from(MAX_PAGE), u32::from).min(top.saturating_sub(start));
            let Some(limit) = u16::try_from(limit).ok().filter(|&limit| limit > 0) else {
                return Ok(Page::new(Vec::new(), None));
            };
            let page = Search { after, limit: Some(limit), ..search }.send().await?;
            let end = start + u32::from(limit);
            let next = page.paging.and_then(|paging| paging.next).map(|next| next.after);
            let items = page.results.into_iter().map(Into::into).collect();
            Ok(Page::new(items, next.filter(|_| end < top)))
        })
    })
}

fn checked_top(top: Option<u32>) -> Result<u32> {
    let refuse =
        |value: Option<&str>, reason: &str, remedy: &str| Err(Error::invalid_input("top", value, reason, remedy));
    match top {
        None => refuse(
            None,
            "is missing from a sorted stream, which HubSpot ends at 10,000 results",
            "set it to 10,000 or less, or leave out the sort for all results in the order of ids",
        ),
        Some(top) if top > MAX_RESULTS => refuse(
            Some(&top.to_string()),
            "is more than HubSpot counts out in an order of yours",
            "give 10,000 or less",
        ),
        Some(top) => Ok(top),
    }
}
