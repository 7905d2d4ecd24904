//! The association types that HubSpot lists, asked for once for all calls of a client.

use std::{borrow::Cow, time::Duration};

use tokio::time::Instant;

use crate::{
    associations::{
        resolve::{Listing, Resolved, resolve_in},
        types::labels,
    },
    cache::Kept,
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectType},
    task::Task,
    transport::{call_meta::CallMeta, call_options::CallOptions},
};

/// How old a list may be that decides that a pair has no labels to lose.
const RECENT: Duration = Duration::from_secs(30);

impl Client {
    /// Finds an association type among those that HubSpot lists from partner clients to objects of a type. The list is
    /// asked for once for all calls of a client and its clones, and once more for a type that it does not have where it
    /// was asked for before `began`. A list that has no label beside the type is to be recent: a label that was made since
    /// would be lost.
    ///
    /// # Errors
    /// [`Error::is_invalid_input`] with the types there are, where it is none of them or several; that of the list.
    pub(crate) async fn resolve_type(
        &self,
        to_type: &ObjectType,
        given: &AssociationType,
        began: Instant,
        options: &CallOptions,
    ) -> Result<Resolved> {
        // Before HubSpot is asked.
        Listing::default().has(given)?;
        let mut kept = self.listing(to_type, None, options).await?;
        let found = match resolve_in(&kept.value, to_type, given) {
            Err(_) if kept.at < began && !kept.value.has(given)? => {
                kept = self.listing(to_type, Some(kept.at), options).await?;
                resolve_in(&kept.value, to_type, given)?
            }
            found => found?,
        };
        if found.may_replace() || kept.at.elapsed() < RECENT {
            return Ok(found);
        }
        kept = self.listing(to_type, Some(kept.at), options).await?;
        resolve_in(&kept.value, to_type, given)
    }

    /// The types that HubSpot lists, as they were asked for after `after`.
    pub(crate) async fn listing(
        &self,
        to_type: &ObjectType,
        after: Option<Instant>,
        options: &CallOptions,
    ) -> Result<Kept<Listing>> {
        let key = in_lower_case(to_type.as_str());
        let shared = &self.raw.inner.shared;
        if let Some(kept) = shared.association_types.kept(&key, after) {
            return Ok(kept);
        }
        // Others may have asked for it, or may wait for it as well.
        let in_call = |error: Error| match error.operation() {
            Some(_) => error,
            None => error.in_call("association_labels", &CallMeta::default(), false),
        };
        let mut options = options.clone().shared(shared.call_timeout).map_err(in_call)?;
        // A list changes nothing, and others who need it have another lease or none.
        options.lease = None;
        let (client, to_type) = (self.clone(), to_type.clone());
        let (cache, key) = (shared.association_types.clone(), key.into_owned());
        // In a task, because a timer panics in a runtime that has none.
        let asked = Task::spawn(async move {
            let ask = || {
                let (client, to_type, options) = (client.clone(), to_type.clone(), options.clone());
                async move {
                    let (listed, meta) = labels(client, to_type, options).await?;
                    Ok(Listing::new(listed.results, meta.left_out))
                }
            };
            cache.get(&key, after, &options, ask).await
        });
        match asked {
            Ok(asked) => asked.await.and_then(|listed| listed),
            Err(error) => Err(error),
        }
        .map_err(in_call)
    }
}

fn in_lower_case(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { name.into() } else { name.to_lowercase().into() }
}
