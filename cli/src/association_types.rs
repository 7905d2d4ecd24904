//! The command `types`: association types with their names in v3, and their categories and labels in dated versions.

use std::collections::BTreeMap;

use hubspot_partner_clients::{ApiVersion, AssociationDefinition};
use serde_json::json;

use super::{
    failure::{Failure, warn},
    output::{Output, Table},
    suggest,
    target::Session,
};

pub(super) async fn run(session: &Session, to_type: &str, output: &mut Output) -> Result<(), Failure> {
    let own = session.client.association_types(to_type).await.map_err(|error| suggest::with_hint(error, to_type))?;
    let is_dated = session.client.api_version().is_dated();
    let other = if is_dated { ApiVersion::V3 } else { ApiVersion::V2026_09 };
    let others = session.at(other)?.association_types(to_type).await;
    // It only adds to what is listed already.
    if let Err(error) = &others {
        let what = if is_dated { "the names of" } else { "the categories and labels of" };
        let message = format!("{what} {other} could not be read: {error}");
        warn(json!({"kind": error.kind().as_str(), "message": message}), output.json);
    }
    let others = others.unwrap_or_default();
    let types = if is_dated { joined(others, own) } else { joined(own, others) };
    if output.json {
        return types.iter().try_for_each(|association_type| output.json(association_type));
    }
    let mut table = Table::new(["id", "name", "category", "label"]);
    for AssociationDefinition { id, name, category, label, .. } in &types {
        let cells = [name, category, label].map(|cell| cell.as_deref().unwrap_or_default());
        table.row([id.as_str()].into_iter().chain(cells), output)?;
    }
    table.end(output)
}

/// The types of v3 with what dated versions say of the same number, and then those that v3 does not list. A number that
/// stands in several categories has a row for each.
fn joined(v3: Vec<AssociationDefinition>, dated: Vec<AssociationDefinition>) -> Vec<AssociationDefinition> {
    let mut by_id: BTreeMap<String, Vec<AssociationDefinition>> = BTreeMap::new();
    for definition in dated {
        by_id.entry(definition.id.to_string()).or_default().push(definition);
    }
    let mut all = Vec::new();
    for definition in v3 {
        match by_id.remove(definition.id.as_str()) {
            Some(same) => all.extend(same.into_iter().map(|mut same| {
                same.name.clone_from(&definition.name);
                same
            })),
            None => all.push(definition),
        }
    }
    all.extend(by_id.into_values().flatten());
    all
}
