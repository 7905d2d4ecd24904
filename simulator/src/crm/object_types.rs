//! The CRM's object types, and the names by which requests mean them.

use crate::crm::{
    not_found::NotFound,
    object_type::{ObjectType, PARTNER_CLIENT_ID},
};

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
        self.0.push(ObjectType::new(self.0.len(), id, singular, plural, scope));
    }
}
