//! An object type of the CRM, and its names.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::crm::computed::Times;

/// The property of contacts that no two may share.
pub(crate) const EMAIL: &str = "email";

/// The properties that HubSpot answers with where a request names none, as its guides and recorded answers show them,
/// beside those that every object has. Custom types have no others, and the set of partner clients is not known.
const DEFAULT_PROPERTIES: [(&str, &[&str]); 6] = [
    ("0-1", &["email", "firstname", "lastname"]),
    ("0-2", &["domain", "name"]),
    ("0-3", &["amount", "closedate", "dealname", "dealstage", "pipeline"]),
    ("0-5", &["content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"]),
    ("0-7", &["description", "name", "price"]),
    ("0-8", &["amount", "hs_product_id", "quantity"]),
];

const CONTACT_ID: &str = "0-1";
const LINE_ITEM_ID: &str = "0-8";
/// The ids of custom types begin so.
const CUSTOM: &str = "2-";
pub(super) const PARTNER_CLIENT_ID: &str = "0-145";

/// A CRM object type; clones are cheap, and compare by its place among the types of its simulator.
#[derive(Clone)]
pub(crate) struct ObjectType(Arc<Names>);

struct Names {
    place: usize,
    id: String,
    singular: String,
    plural: String,
    scope: String,
    /// `None` where the set is not known.
    default_properties: Option<Vec<String>>,
}

impl ObjectType {
    pub(super) fn new(place: usize, id: &str, singular: &str, plural: &str, scope: &str) -> Self {
        Self(Arc::new(Names {
            place,
            id: id.to_owned(),
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            scope: scope.to_owned(),
            default_properties: known_defaults(id),
        }))
    }

    /// The same type, with another default set.
    pub(super) fn with_default_properties(&self, names: Vec<String>) -> Self {
        let Names { place, id, singular, plural, scope, .. } = &*self.0;
        Self(Arc::new(Names {
            place: *place,
            id: id.clone(),
            singular: singular.clone(),
            plural: plural.clone(),
            scope: scope.clone(),
            default_properties: Some(names),
        }))
    }

    /// Whether the default set is another than the one it has in every account.
    pub(crate) fn changed_defaults(&self) -> Option<&[String]> {
        self.default_properties().filter(|_| self.0.default_properties != known_defaults(self.id()))
    }

    /// Its place among the types of its simulator, from 0.
    pub(crate) fn place(&self) -> usize {
        self.0.place
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    pub(crate) fn singular(&self) -> &str {
        &self.0.singular
    }

    pub(crate) fn plural(&self) -> &str {
        &self.0.plural
    }

    /// The name in an error: `PARTNER_CLIENT`.
    pub(crate) fn upper(&self) -> String {
        self.singular().to_ascii_uppercase()
    }

    /// The scope that reading these objects and their associations takes.
    pub(crate) fn read_scope(&self) -> String {
        format!("crm.objects.{}.read", self.0.scope)
    }

    /// The scope that changing these objects and their associations takes.
    pub(crate) fn write_scope(&self) -> String {
        format!("crm.objects.{}.write", self.0.scope)
    }

    /// The properties that an answer has where the request names none; `None` where that is not known.
    pub(crate) fn default_properties(&self) -> Option<&[String]> {
        self.0.default_properties.as_deref()
    }

    /// The names of the two times that HubSpot computes.
    pub(crate) fn times(&self) -> Times {
        match self.id() {
            CONTACT_ID => Times::OF_CONTACTS,
            id if id.starts_with(CUSTOM) => Times::OF_CUSTOM_OBJECTS,
            _ => Times::USUAL,
        }
    }

    /// The key of associations with these objects in an answer, where it is recorded that HubSpot writes it another way.
    pub(crate) fn key(&self) -> &str {
        if self.id() == LINE_ITEM_ID { "line items" } else { self.plural() }
    }

    pub(crate) fn is_contact(&self) -> bool {
        self.id() == CONTACT_ID
    }

    /// Partner clients can be read and updated, but neither created nor archived.
    pub(crate) fn is_partner_client(&self) -> bool {
        self.id() == PARTNER_CLIENT_ID
    }

    /// The id, singular and plural of a custom type; `None` for one of HubSpot's.
    pub(crate) fn custom(&self) -> Option<(String, String, String)> {
        let Names { id, singular, plural, .. } = &*self.0;
        id.starts_with(CUSTOM).then(|| (id.clone(), singular.clone(), plural.clone()))
    }

    pub(super) fn is_named(&self, text: &str) -> bool {
        self.id() == text || self.singular().eq_ignore_ascii_case(text) || self.plural().eq_ignore_ascii_case(text)
    }
}

fn known_defaults(id: &str) -> Option<Vec<String>> {
    if id.starts_with(CUSTOM) {
        return Some(Vec::new());
    }
    let (_, names) = DEFAULT_PROPERTIES.into_iter().find(|(known, _)| *known == id)?;
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

impl PartialEq for ObjectType {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for ObjectType {}

impl PartialOrd for ObjectType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl Hash for ObjectType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

impl fmt::Debug for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural())
    }
}
