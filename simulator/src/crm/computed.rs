//! The properties that HubSpot computes.

/// The property that holds the id of every object.
pub(crate) const OBJECT_ID: &str = "hs_object_id";

/// The names of the two times that HubSpot computes, which differ by object type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) created: &'static str,
    pub(crate) modified: &'static str,
}

impl Times {
    pub(crate) const USUAL: Self = Self { created: "createdate", modified: "hs_lastmodifieddate" };
    pub(crate) const OF_CONTACTS: Self = Self { created: "createdate", modified: "lastmodifieddate" };
    pub(crate) const OF_CUSTOM_OBJECTS: Self = Self { created: "hs_createdate", modified: "hs_lastmodifieddate" };

    /// The properties that HubSpot computes and every object of the type has.
    pub(crate) fn computed(self) -> [&'static str; 3] {
        [self.created, self.modified, OBJECT_ID]
    }

    pub(crate) fn is_computed(self, name: &str) -> bool {
        self.computed().contains(&name)
    }
}
