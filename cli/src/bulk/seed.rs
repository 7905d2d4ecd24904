//! A simulated HubSpot in which a file can be tried out.

use std::{collections::HashSet, path::Path};

use hubspot_partner_clients::simulator::SimulatorBuilder;

use super::rows::Rows;
use crate::failure::Failure;

/// What the simulator's own seed has.
const KNOWN_TYPES: [&str; 4] =
    ["partner_client_to_company", "partner_client_to_contact", "partner_client_to_deal", "partner_client_to_ticket"];
const FIRST_TYPE_ID: u64 = 100_001;

/// Adds all partner clients, objects and association types of the file.
pub(super) fn seed(mut builder: SimulatorBuilder, path: &Path) -> Result<SimulatorBuilder, Failure> {
    let (mut partner_clients, mut objects, mut types) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut rows = Rows::open(path)?;
    while let Ok(true) = rows.advance()? {
        let [partner_client, to_type, to_id, association_type] = rows.values();
        if partner_clients.insert(partner_client.to_owned()) {
            builder = builder.partner_client(partner_client, [("name", format!("Client {partner_client}"))]);
        }
        if objects.insert((to_type.to_owned(), to_id.to_owned())) {
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
