//! The association types that HubSpot lists, asked for once for all calls of a client.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    associations::{
        resolve::{Listing, Resolved, resolve_in},
        types::{PARTNER_CLIENTS, labels},
    },
    cache::Kept,
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectType},
    transport::call_options::CallOptions,
};

/// How old a list may be that decides that a pair has no labels to lose.
const RECENT: Duration = Duration::from_secs(30);

impl Client {
    /// Finds an association type among those that HubSpot lists from partner clients to objects of a type. The list is
    /// asked for once for all calls of a client and its clones, and once more for a type that it does not have where it
    /// came before `began`. A list that has no label beside the type is to be recent: a label that was made since would be
    /// lost.
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
        if !kept.value.has(given)? && kept.at < began {
            kept = self.listing(to_type, Some(kept.at), options).await?;
        }
        let found = resolve_in(&kept.value, to_type, given)?;
        if found.may_replace() || kept.at.elapsed() < RECENT {
            return Ok(found);
        }
        kept = self.listing(to_type, Some(kept.at), options).await?;
        resolve_in(&kept.value, to_type, given)
    }

    /// The types that HubSpot lists, as they were told after `after`.
    pub(crate) async fn listing(
        &self,
        to_type: &ObjectType,
        after: Option<Instant>,
        options: &CallOptions,
    ) -> Result<Kept<Listing>> {
        let key = format!("{PARTNER_CLIENTS}/{}", to_type.as_str().to_lowercase());
        let ask = || {
            let (client, to_type, mut options) = (self.clone(), to_type.clone(), options.clone());
            // Others wait for it as well.
            (options.call_timeout, options.deadline) = (None, None);
            async move {
                let (listed, meta) = labels(client, to_type, options).await?;
                Ok(Listing::new(listed.results, meta.left_out))
            }
        };
        let shared = &self.raw.inner.shared;
        let asked = shared.association_types.get(&key, after, ask);
        match options.call_timeout.or(shared.call_timeout) {
            Some(total) => timeout(total, asked).await.unwrap_or_else(|_| Err(Error::call_timeout(total))),
            None => asked.await,
        }
    }
}
