//! Looking up the objects that rows name by a property.

use std::{
    collections::HashMap,
    io::{IsTerminal, stderr},
};

use hubspot_partner_clients::Client;

use super::{
    check::Checked,
    input::{Ids, Input},
    problems::Problems,
    rows::Rows,
};
use crate::{
    failure::{Failure, write_to_stderr},
    key::{self, Unresolved},
    words::counted,
};

/// Asks HubSpot for the objects that rows name by a property.
///
/// # Errors
/// Every row whose objects are not there or are there twice, or whose objects HubSpot did not tell.
pub(crate) async fn resolve(input: &Input, checked: &Checked, client: &Client) -> Result<(), Failure> {
    let count = checked.keys_count();
    // Searches are few in a second, so thousands take their time.
    if count > 0 && stderr().is_terminal() {
        write_to_stderr(&format!("Looking up {} in HubSpot …\n", counted(count, "object")));
    }
    let (mut ids, mut wrong, mut cause) = (Ids::new(), HashMap::new(), None);
    for (object_type, keys) in &checked.keys {
        let outcomes = client.resolve(object_type.as_str(), keys.iter().cloned()).send().await;
        for ((property, value), outcome) in keys.iter().zip(outcomes) {
            match key::id(object_type, property, value, outcome) {
                Ok(id) => {
                    let of_property = ids.entry(object_type.clone()).or_default().entry(property.clone()).or_default();
                    of_property.insert(value.clone(), id.to_string());
                }
                Err(Unresolved { message, error }) => {
                    cause = cause.or(error);
                    wrong.insert((object_type.as_str(), property.as_str(), value.as_str()), message);
                }
            }
        }
    }
    let mut problems = Problems::default();
    let mut rows = Rows::open(input)?;
    while !wrong.is_empty() && matches!(rows.advance()?, Ok(true)) {
        for (part, key) in rows.keys() {
            if let Some(message) = wrong.get(&(key.object_type, key.property.as_ref(), key.value)) {
                problems.add(rows.problem(part, message.clone()));
            }
        }
    }
    problems.check(&input.name()).map_err(|failure| match &cause {
        Some(error) => failure.caused_by(error),
        None => failure,
    })?;
    input.know(ids);
    Ok(())
}
