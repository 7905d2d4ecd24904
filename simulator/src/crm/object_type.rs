//! The CRM's object types, and the names by which requests mean them.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::crm::not_found::NotFound;

/// HubSpot's own types: id, singular name, plural name, name in scopes.
const STANDARD: [[&str; 4]; 7] = [
    ["0-1", "contact", "contacts", "contacts"],
    ["0-2", "company", "companies", "companies"],
    ["0-3", "deal", "deals", "deals"],
    ["0-5", "ticket", "tickets", "tickets"],
    ["0-7", "product", "products", "products"],
    ["0-8", "line_item", "line_items", "line_items"],
    [PARTNER_CLIENT_ID, "partner_client", "partner_clients", "partner-clients"],
];

/// The properties that HubSpot answers with where a request names none, as its guides and recorded answers show them,
/// beside those that every object has. Of the other types the set is not known.
const DEFAULT_PROPERTIES: [(&str, &[&str]); 6] = [
    ("0-1", &["email", "firstname", "lastname"]),
    ("0-2", &["domain", "name"]),
    ("0-3", &["amount", "closedate", "dealname", "dealstage", "pipeline"]),
    ("0-5", &["content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"]),
    ("0-7", &["description", "name", "price"]),
    ("0-8", &["amount", "hs_product_id", "quantity"]),
];

const PARTNER_CLIENT_ID: &str = "0-145";

/// A CRM object type; clones are cheap, and compare by its place among the types of its simulator.
#[derive(Clone)]
pub(crate) struct ObjectType(Arc<Names>);

struct Names {
    place: usize,
    id: String,
    singular: String,
    plural: String,
    scope: String,
}

impl ObjectType {
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
    pub(crate) fn default_properties(&self) -> Option<&'static [&'static str]> {
        DEFAULT_PROPERTIES.into_iter().find(|(id, _)| *id == self.id()).map(|(_, names)| names)
    }

    /// Partner clients can be read and updated, but neither created nor archived.
    pub(crate) fn is_partner_client(&self) -> bool {
        self.id() == PARTNER_CLIENT_ID
    }

    /// The id, singular and plural of a custom type; `None` for one of HubSpot's.
    pub(crate) fn custom(&self) -> Option<(String, String, String)> {
        let Names { id, singular, plural, .. } = &*self.0;
        id.starts_with("2-").then(|| (id.clone(), singular.clone(), plural.clone()))
    }

    fn is_named(&self, text: &str) -> bool {
        self.id() == text || self.singular().eq_ignore_ascii_case(text) || self.plural().eq_ignore_ascii_case(text)
    }
}

/// All object types of a simulator: HubSpot's own and an account's custom ones.
#[derive(Debug)]
pub(crate) struct ObjectTypes(Vec<ObjectType>);

impl Default for ObjectTypes {
    fn default() -> Self {
        let mut types = Self(Vec::new());
        for [id, singular, plural, scope] in STANDARD {
            types.push(id, singular, plural, scope);
        }
        types
    }
}

impl ObjectTypes {
    /// Adds a custom type, unless one of its names is taken.
    pub(crate) fn add_custom(&mut self, id: &str, singular: &str, plural: &str) -> Result<(), String> {
        if !id.strip_prefix("2-").is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(format!("the id of a custom object type is 2- and a number, not `{id}`"));
        }
        for name in [id, singular, plural] {
            if name.is_empty() || self.infer(name).is_ok() {
                return Err(format!("`{name}` cannot name a custom object type: it is empty or taken"));
            }
        }
        self.push(id, singular, plural, "custom");
        Ok(())
    }

    /// Finds a type by its singular name, its plural name (both in any case) or its id.
    pub(crate) fn infer(&self, text: &str) -> Result<ObjectType, NotFound> {
        let found = self.0.iter().find(|object_type| object_type.is_named(text));
        found.cloned().ok_or_else(|| NotFound::ObjectType(text.to_owned()))
    }

    pub(crate) fn all(&self) -> &[ObjectType] {
        &self.0
    }

    fn push(&mut self, id: &str, singular: &str, plural: &str, scope: &str) {
        self.0.push(ObjectType(Arc::new(Names {
            place: self.0.len(),
            id: id.to_owned(),
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            scope: scope.to_owned(),
        })));
    }
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
