//! What a simulator holds unless told otherwise; the table in the module's documentation lists it.

use super::state::{NotFound, State};

/// Fills an empty state with one object of each type and one association type to each.
pub(super) fn plant(state: &mut State) -> Result<(), NotFound> {
    for (object_type, id, properties) in [
        (
            "partner_clients",
            "512",
            [("name", Some("Example Partner Client")), ("domain", Some("client.example")), ("description", None)]
                .as_slice(),
        ),
        ("companies", "9001", &[("name", Some("Example Company")), ("domain", Some("company.example"))]),
        ("contacts", "301", &[("email", Some("contact@company.example"))]),
        ("deals", "701", &[("dealname", Some("Example Deal"))]),
        ("tickets", "801", &[("subject", Some("Example Ticket"))]),
    ] {
        let properties =
            properties.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        state.insert_object(object_type, id, properties)?;
    }
    for (to_object_type, id, name) in [
        ("companies", 1001, "partner_client_to_company"),
        ("contacts", 1002, "partner_client_to_contact"),
        ("deals", 1003, "partner_client_to_deal"),
        ("tickets", 1004, "partner_client_to_ticket"),
    ] {
        state.insert_association_type(to_object_type, id, name)?;
    }
    Ok(())
}
