//! HubSpot's own object types and their names.

use crate::key::PARTNER_CLIENTS;

/// Each by its id, singular and plural.
pub(super) const OBJECT_TYPES: [[&str; 3]; 7] = [
    ["0-1", "contact", "contacts"],
    ["0-2", "company", "companies"],
    ["0-3", "deal", "deals"],
    ["0-5", "ticket", "tickets"],
    ["0-7", "product", "products"],
    ["0-8", "line_item", "line_items"],
    ["0-145", "partner_client", PARTNER_CLIENTS],
];

/// One name of an object type however it is spelt: the plural of HubSpot's own types, and lower case.
pub(super) fn canonical(text: &str) -> String {
    let text = text.to_lowercase();
    match OBJECT_TYPES.iter().find(|names| names.contains(&text.as_str())) {
        Some([_, _, plural]) => (*plural).to_owned(),
        None => text,
    }
}
