//! Attribution of the objects in an answer to the values that were asked for.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    ids::ObjectId,
    partner_clients::{PartnerClient, batch::folded},
};

/// Properties whose objects HubSpot also finds by further values, and the property that holds these, separated by
/// semicolons.
const FURTHER: [(&str, &str); 2] = [("email", "hs_additional_emails"), ("domain", "hs_additional_domains")];

/// The properties to ask for, so that an object says what it was found by.
pub(super) fn telling(property: &str) -> impl Iterator<Item = &str> {
    std::iter::once(property).chain(further(property))
}

fn further(property: &str) -> Option<&'static str> {
    FURTHER.iter().find(|(name, _)| *name == property).map(|(_, further)| *further)
}

/// The objects of an answer by the values that they say they have.
#[derive(Default)]
pub(super) struct Attribution {
    exact: HashMap<String, BTreeSet<ObjectId>>,
    any_case: HashMap<String, BTreeSet<ObjectId>>,
    /// Whether there are objects that say to have another value than those that were asked for.
    pub(super) has_others: bool,
    /// Whether there are objects that do not say which value they have.
    pub(super) has_silent: bool,
}

impl Attribution {
    pub(super) fn new(property: &str, asked: &[&str], objects: impl IntoIterator<Item = PartnerClient>) -> Self {
        let asked: HashSet<String> = asked.iter().map(|value| folded(value)).collect();
        let mut attribution = Self::default();
        for object in objects {
            let has = |value: &&str| !value.trim().is_empty();
            let first = object.property(property).filter(has);
            let further = further(property).and_then(|further| object.property(further));
            let further = further.into_iter().flat_map(|values| values.split(';')).filter(has);
            let (Ok(id), Some(first)) = (ObjectId::new(object.id.as_str()), first) else {
                attribution.has_silent = true;
                continue;
            };
            let mut is_asked_for = false;
            for value in std::iter::once(first).chain(further) {
                let any_case = folded(value);
                if asked.contains(&any_case) {
                    is_asked_for = true;
                    attribution.exact.entry(value.trim().to_owned()).or_default().insert(id.clone());
                    attribution.any_case.entry(any_case).or_default().insert(id.clone());
                }
            }
            attribution.has_others |= !is_asked_for;
        }
        attribution
    }

    /// The objects with this very value.
    pub(super) fn exactly(&self, value: &str) -> Option<&BTreeSet<ObjectId>> {
        self.exact.get(value)
    }

    /// The objects with this value in any case.
    pub(super) fn in_any_case(&self, value: &str) -> Option<&BTreeSet<ObjectId>> {
        self.any_case.get(&folded(value))
    }
}
