//! Suggestions for an object type or an association type that HubSpot does not know.

use hubspot_partner_clients::{AssociationDefinition, Client, Error};

use super::{command_line::NAME, failure::Failure};

const MOST: usize = 3;

/// HubSpot's names of the objects that most accounts have, and how people call one of them.
const OBJECT_TYPES: [(&str, &str); 21] = [
    ("appointments", "appointment"),
    ("calls", "call"),
    ("carts", "cart"),
    ("communications", "communication"),
    ("companies", "company"),
    ("contacts", "contact"),
    ("deals", "deal"),
    ("emails", "email"),
    ("invoices", "invoice"),
    ("leads", "lead"),
    ("line_items", "line_item"),
    ("listings", "listing"),
    ("meetings", "meeting"),
    ("notes", "note"),
    ("orders", "order"),
    ("products", "product"),
    ("quotes", "quote"),
    ("services", "service"),
    ("subscriptions", "subscription"),
    ("tasks", "task"),
    ("tickets", "ticket"),
];

/// Says which object type may be meant, if HubSpot refused one that looks like it.
pub(super) fn object_type(given: &str, error: &Error) -> Option<String> {
    if !matches!(error.status(), Some(400 | 404)) {
        return None;
    }
    let given = given.to_lowercase();
    let distance = |(plural, singular): &(&str, &str)| {
        strsim::damerau_levenshtein(plural, &given).min(strsim::damerau_levenshtein(singular, &given))
    };
    let (closest, (plural, _)) = OBJECT_TYPES.iter().map(|known| (distance(known), *known)).min()?;
    let is_close = plural != given && closest <= 2.min(given.chars().count() / 3);
    is_close.then(|| format!("Did you mean the object type {plural}?"))
}

/// A failure with what else to do.
pub(super) fn with_hint(error: Error, to_type: &str) -> Failure {
    let hint = object_type(to_type, &error);
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.and_then_do(&hint),
        None => failure,
    }
}

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
    match client.association_types(to_type).await {
        Ok(known) => hint(&known, to_type, association_type),
        Err(error) => object_type(to_type, &error),
    }
}

pub(super) fn may_be_association_type(error: &Error) -> bool {
    // In a batch there may be a category alone.
    error.status() == Some(400) || (error.status().is_none() && error.category().is_some())
}

fn hint(known: &[AssociationDefinition], to_type: &str, wanted: &str) -> Option<String> {
    // A number may come with a category on every version.
    let number = wanted.rsplit_once(':').map_or(wanted, |(_, number)| number);
    let is_one = |known: &AssociationDefinition| {
        names_of(known).any(|name| name.eq_ignore_ascii_case(wanted)) || known.id.as_str() == number
    };
    if known.iter().any(is_one) {
        return None;
    }
    let wanted_lower = wanted.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &wanted_lower);
    let mut close: Vec<_> = known.iter().flat_map(names_of).map(|name| (distance(name), name)).collect();
    close.retain(|(distance, _)| *distance <= 2.max(wanted.chars().count() / 3));
    close.sort_unstable();
    let close: Vec<_> = close.into_iter().take(MOST).map(|(_, name)| name).collect();
    let meant = if close.is_empty() { String::new() } else { format!(" Did you mean {}?", close.join(" or ")) };
    Some(format!("There is no association type {wanted:?} for {to_type}.{meant} `{NAME} types {to_type}` lists them."))
}

/// What people call it by: v3 has names, dated versions have labels.
fn names_of(known: &AssociationDefinition) -> impl Iterator<Item = &str> {
    [known.name.as_deref(), known.label.as_deref()].into_iter().flatten()
}
