//! Suggestions for an association type that HubSpot does not know.

use hubspot_partner_clients::{AssociationDefinition, Client, Error};

use super::command_line::NAME;

const MOST: usize = 3;

/// Says which association types there are, if HubSpot refused one because it has no such type.
pub(super) async fn association_type(
    client: &Client,
    to_type: &str,
    association_type: &str,
    error: &Error,
) -> Option<String> {
    if !may_be_association_type(error) {
        return None;
    }
    // A further failure would say nothing of this one.
    let known = client.association_types(to_type).await.ok()?;
    hint(&known, to_type, association_type)
}

pub(super) fn may_be_association_type(error: &Error) -> bool {
    // In a batch there may be a category alone.
    error.status() == Some(400) || (error.status().is_none() && error.category().is_some())
}

fn hint(known: &[AssociationDefinition], to_type: &str, wanted: &str) -> Option<String> {
    if known.iter().any(|known| {
        known.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)) || known.id.to_string() == wanted
    }) {
        return None;
    }
    let wanted_lower = wanted.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &wanted_lower);
    let mut close: Vec<_> =
        known.iter().filter_map(|known| known.name.as_deref()).map(|name| (distance(name), name)).collect();
    close.retain(|(distance, _)| *distance <= 2.max(wanted.chars().count() / 3));
    close.sort_unstable();
    let close: Vec<_> = close.into_iter().take(MOST).map(|(_, name)| name).collect();
    let meant = if close.is_empty() { String::new() } else { format!(" Did you mean {}?", close.join(" or ")) };
    Some(format!("There is no association type {wanted:?} for {to_type}.{meant} `{NAME} types {to_type}` lists them."))
}
