//! A simulated HubSpot in which a file can be tried out.

use std::collections::HashSet;

use hubspot_partner_clients::simulator::SimulatorBuilder;

use super::{input::Input, rows::Rows};
use crate::{failure::Failure, key::PARTNER_CLIENTS};

/// What the simulator's own seed has.
const KNOWN_TYPES: [&str; 4] =
    ["partner_client_to_company", "partner_client_to_contact", "partner_client_to_deal", "partner_client_to_ticket"];
const FIRST_TYPE_ID: u64 = 100_001;
/// The id of the first object that is named by a property.
const FIRST_ID: usize = 900_000_001;

/// Adds all partner clients, objects and association types of the file.
pub(super) fn seed(mut builder: SimulatorBuilder, input: &Input) -> Result<SimulatorBuilder, Failure> {
    let (mut partner_clients, mut objects, mut types) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut named_objects = HashSet::new();
    let mut rows = Rows::open(input)?;
    while let Ok(true) = rows.advance()? {
        let [partner_client, to_type, to_id, association_type] = rows.values();
        let mut has_key = [false; 4];
        for (part, key) in rows.keys() {
            if let Some(has_key) = has_key.get_mut(part) {
                *has_key = true;
            }
            let named = (key.object_type.to_owned(), key.property.to_string(), key.value.to_lowercase());
            let next = FIRST_ID + named_objects.len();
            if named_objects.insert(named.clone()) {
                let (object_type, property, value) = named;
                builder = match object_type.as_str() {
                    PARTNER_CLIENTS => builder.partner_client(next.to_string(), [(property, value)]),
                    _ => builder.object(object_type, next.to_string(), [(property, value)]),
                };
            }
        }
        let [has_client_key, _, has_object_key, _] = has_key;
        if !has_client_key && partner_clients.insert(partner_client.to_owned()) {
            builder = builder.partner_client(partner_client, [("name", format!("Client {partner_client}"))]);
        }
        if !has_object_key && objects.insert((to_type.to_owned(), to_id.to_owned())) {
            builder = builder.object(to_type, to_id, [("name", to_id)]);
        }
        let association_type = association_type.to_lowercase();
        if !KNOWN_TYPES.contains(&association_type.as_str())
            && types.insert((to_type.to_owned(), association_type.clone()))
        {
            let id = association_type.parse().unwrap_or(FIRST_TYPE_ID + types.len() as u64);
            builder = builder.association_type(to_type, id, association_type);
        }
    }
    Ok(builder)
}
