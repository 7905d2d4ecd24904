//! What the errors in the answer to a batch read of associations say.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    generated::types,
    ids::PartnerClientId,
    transport::call_meta::CallMeta,
};

/// What HubSpot answers for a partner client without an association of the kind.
const NONE_FOUND: &str = "NO_ASSOCIATIONS_FOUND";

/// The partner clients that the errors name.
#[derive(Default)]
pub(super) struct ReadErrors {
    /// Those without an association.
    pub(super) empty: BTreeSet<PartnerClientId>,
    /// Those of which something is not there: the partner client, or only what it has.
    pub(super) doubtful: BTreeSet<PartnerClientId>,
}

impl ReadErrors {
    /// # Errors
    /// An error that is about something else.
    pub(super) fn new(
        errors: &[types::StandardError],
        operation: &'static str,
        meta: &CallMeta,
        asked: &BTreeSet<PartnerClientId>,
    ) -> Result<Self> {
        let mut named = Self::default();
        for error in errors {
            let sub_category = error.sub_category.as_ref().and_then(|value| value.as_str());
            let is_empty = sub_category.is_some_and(|sub_category| sub_category.ends_with(NONE_FOUND));
            let error = Error::in_batch(error).in_call(operation, meta, false);
            if !is_empty && !error.is_not_found() {
                return Err(error);
            }
            let of_inputs = error.context().iter().filter(|(name, _)| !name.starts_with("to"));
            let ids: BTreeSet<&str> = of_inputs.flat_map(|(_, values)| values).map(String::as_str).collect();
            let these = asked.iter().filter(|partner_client| ids.contains(partner_client.as_str())).cloned();
            if is_empty { named.empty.extend(these) } else { named.doubtful.extend(these) }
        }
        Ok(named)
    }
}
