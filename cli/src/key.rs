//! Objects named by a property, such as `domain=acme.example`, and their ids.

use std::borrow::Cow;

use hubspot_partner_clients::{Client, Error, ObjectId, ObjectType, PartnerClientId, Resolved};

use crate::failure::Failure;

/// How HubSpot calls the objects that everything here is associated with.
pub(crate) const PARTNER_CLIENTS: &str = "partner_clients";
/// How many ids are listed of objects that have the same value.
const MOST_IDS: usize = 5;
/// If there are as many, more objects may have the value.
const MANY_IDS: usize = 1_000;

/// A property and its value in place of an id. HubSpot's names of properties are letters, digits and underscores, all small.
pub(crate) fn parse(text: &str) -> Option<(String, &str)> {
    let (property, value) = text.split_once('=')?;
    let property = property.trim();
    let is_name = property.starts_with(|c: char| c.is_ascii_alphabetic())
        && property.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (property.to_ascii_lowercase(), value.trim()))
}

/// Why a key leads to no id.
pub(crate) struct Unresolved {
    pub(crate) message: String,
    /// HubSpot's, where it did not tell.
    pub(crate) error: Option<Error>,
}

/// The id that a key leads to, if it is one.
pub(crate) fn id(
    object_type: &str,
    property: &str,
    value: &str,
    outcome: Result<Resolved, Error>,
) -> Result<ObjectId, Unresolved> {
    let told = |message| Err(Unresolved { message, error: None });
    let objects = object_type.replace('_', " ");
    match outcome {
        Ok(Resolved::One(id)) => Ok(id),
        Ok(Resolved::None) => told(format!(
            "none of the {objects} in HubSpot has {property} {value:?}: {}, or give the record id",
            if is_address(property, value) { "leave out what is before and behind the domain" } else { "correct it" }
        )),
        Ok(Resolved::Several(ids)) => {
            let more = ids.len().saturating_sub(MOST_IDS);
            let listed: Vec<_> = ids.iter().take(MOST_IDS).map(ObjectId::as_str).collect();
            let or_more = if ids.len() < MANY_IDS { "" } else { " or more" };
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            told(format!(
                "{}{or_more} of the {objects} in HubSpot have {property} {value:?}, with the ids {}{more}: give the id that is meant",
                ids.len(),
                listed.join(", ")
            ))
        }
        Ok(_) => told(format!("{property} {value:?} cannot be looked up: give the record id")),
        Err(error) => {
            let message = format!("{property} {value:?} could not be looked up: {error}");
            Err(Unresolved { message, error: Some(error) })
        }
    }
}

/// Whether a value is the address of a page where HubSpot has a domain alone.
fn is_address(property: &str, value: &str) -> bool {
    property.contains("domain") && (value.contains('/') || value.to_ascii_lowercase().starts_with("www."))
}

/// Refuses what cannot be sent, before anybody is asked.
pub(crate) fn check_partner_client(text: &str) -> Result<(), Failure> {
    match parse(text) {
        Some(key) => check(key),
        None => Ok(PartnerClientId::new(text).map(drop)?),
    }
}

/// Refuses what cannot be sent, before anybody is asked.
pub(crate) fn check_object(text: &str) -> Result<(), Failure> {
    match parse(text) {
        Some(key) => check(key),
        None => Ok(ObjectId::new(text).map(drop)?),
    }
}

fn check((property, value): (String, &str)) -> Result<(), Failure> {
    if value.is_empty() {
        return Err(Failure::usage(format!("{property}= has no value: give one, or the record id")));
    }
    Ok(())
}

/// The id of an object that an argument names, which HubSpot is asked for unless it is one.
pub(crate) async fn resolved<'a>(client: &Client, object_type: &str, text: &'a str) -> Result<Cow<'a, str>, Failure> {
    let Some((property, value)) = parse(text) else { return Ok(text.into()) };
    let outcome = client.resolve(ObjectType::new(object_type)?, [(property.as_str(), value)]).send().await.pop();
    let outcome = outcome.unwrap_or(Ok(Resolved::None));
    match id(object_type, &property, value, outcome) {
        Ok(id) => Ok(id.to_string().into()),
        Err(Unresolved { error: Some(error), .. }) => Err(error.into()),
        Err(Unresolved { message, error: None }) => Err(Failure::unresolved(message)),
    }
}
