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
pub(super) struct ReadErrors {
    /// Those without an association.
    pub(super) empty: BTreeSet<PartnerClientId>,
    /// Those that could not be read, in whole or in part.
    pub(super) doubtful: BTreeSet<PartnerClientId>,
}

impl ReadErrors {
    /// # Errors
    /// An error that every other request would meet as well.
    pub(super) fn new(
        errors: &[types::StandardError],
        operation: &'static str,
        meta: &CallMeta,
        asked: &BTreeSet<PartnerClientId>,
    ) -> Result<Self> {
        let (mut empty, mut doubtful) = (BTreeSet::new(), BTreeSet::new());
        for error in errors {
            let sub_category = error.sub_category.as_ref().and_then(|value| value.as_str());
            let values =
                error.context.iter().filter(|(name, _)| !name.starts_with("to")).flat_map(|(_, values)| values);
            if sub_category.is_some_and(|sub_category| sub_category.ends_with(NONE_FOUND)) {
                empty.extend(values.map(String::as_str));
                continue;
            }
            let told = Error::in_batch(error).in_call(operation, meta, false);
            if told.stops() {
                return Err(told);
            }
            // As in `PARTNER_CLIENT=513 is not valid`.
            doubtful
                .extend(values.flat_map(|value| value.split(|c: char| !c.is_alphanumeric()).chain([value.as_str()])));
        }
        let named = |names: &BTreeSet<&str>| asked.iter().filter(|id| names.contains(id.as_str())).cloned().collect();
        Ok(Self { empty: named(&empty), doubtful: named(&doubtful) })
    }
}
