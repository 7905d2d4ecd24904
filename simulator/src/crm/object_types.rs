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
pub(crate) struct ObjectTypes {
    account_id: u64,
    types: Vec<ObjectType>,
}

impl ObjectTypes {
    /// HubSpot's own types in an account.
    pub(crate) fn of(account_id: u64) -> Self {
        let mut types = Self { account_id, types: Vec::new() };
        for [id, singular, plural, scope] in STANDARD {
            types.push(id, singular, plural, scope);
        }
        types
    }

    pub(crate) fn account_id(&self) -> u64 {
        self.account_id
    }

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

    /// Gives a type another default set of properties.
    pub(crate) fn set_default_properties(&mut self, name: &str, properties: Vec<String>) -> Result<(), NotFound> {
        let changed = self.infer(name)?.with_default_properties(properties);
        let place = changed.place();
        self.types[place] = changed;
        Ok(())
    }

    /// Finds a type by its singular name, its plural name (both in any case) or its id, and a custom one also by its
    /// singular name behind `p` or `p1234567` and an underscore, with the id of the account.
    pub(crate) fn infer(&self, text: &str) -> Result<ObjectType, NotFound> {
        let found = self.types.iter().find(|object_type| object_type.is_named(text));
        found.or_else(|| self.qualified(text)).cloned().ok_or_else(|| NotFound::ObjectType(text.to_owned()))
    }

    pub(crate) fn all(&self) -> &[ObjectType] {
        &self.types
    }

    fn qualified(&self, text: &str) -> Option<&ObjectType> {
        let (account, name) = text.strip_prefix('p')?.split_once('_')?;
        let here = account.is_empty() || account == self.account_id.to_string();
        let mut custom = self.types.iter().filter(|object_type| here && object_type.custom().is_some());
        custom.find(|object_type| object_type.singular().eq_ignore_ascii_case(name))
    }

    fn push(&mut self, id: &str, singular: &str, plural: &str, scope: &str) {
        self.types.push(ObjectType::new(self.types.len(), id, singular, plural, scope));
    }
}
