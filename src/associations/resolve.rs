//! Association types of dated versions, found by number, category and number, label or name.

use std::sync::Arc;

use crate::{
    error::{Error, Result},
    generated::types::{AssociationSpec, AssociationSpecWithLabel},
    ids::{AssociationType, ObjectType},
};

/// The association types from partner clients to objects of one type.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) results: Vec<AssociationSpecWithLabel>,
    /// False where an entry could not be read.
    is_whole: bool,
}

impl Listing {
    /// What HubSpot listed, of which so many entries are left out already.
    pub(super) fn new(listed: Vec<AssociationSpecWithLabel>, left_out: usize) -> Self {
        let (results, odd): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_type);
        Self { results, is_whole: left_out == 0 && odd.is_empty() }
    }

    /// Whether there is a type that a user may mean.
    ///
    /// # Errors
    /// For a category that HubSpot does not have.
    pub(super) fn has(&self, given: &AssociationType) -> Result<bool> {
        Ok(!find(self, &wanted(given)?).is_empty())
    }
}

const HUBSPOT_DEFINED: &str = "HUBSPOT_DEFINED";
/// The categories that HubSpot has.
const CATEGORIES: [&str; 4] = [HUBSPOT_DEFINED, "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK"];
/// How many types an error lists.
const MOST_LISTED: usize = 20;

/// A category as HubSpot writes it, from one in any case; `None` for one that is not known here.
pub(crate) fn known_category(category: &str) -> Option<&'static str> {
    CATEGORIES.into_iter().find(|known| known.eq_ignore_ascii_case(category))
}

/// What a user calls an association type by.
enum Wanted<'a> {
    Exact(&'static str, i64),
    Number(i64),
    Text(&'a str),
}

/// Reads an association type as a user gives it.
///
/// # Errors
/// For a category that HubSpot does not have.
fn wanted(given: &AssociationType) -> Result<Wanted<'_>> {
    let text = given.as_str();
    if let Ok(number) = text.parse() {
        return Ok(Wanted::Number(number));
    }
    let Some((category, number)) = text.split_once(':') else { return Ok(Wanted::Text(text)) };
    // A label may hold a colon as well.
    let is_category = !category.is_empty() && category.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    match (number.parse(), known_category(category)) {
        (Ok(number), Some(category)) => Ok(Wanted::Exact(category, number)),
        (Ok(_), None) if is_category => {
            let remedy = format!("give one of {} before the number", CATEGORIES.join(", "));
            Err(Error::invalid_input(
                "association type",
                Some(text),
                "has a category that HubSpot does not have",
                remedy,
            ))
        }
        _ => Ok(Wanted::Text(text)),
    }
}

/// An association type as v3 takes it: it knows no categories, and numbers are its own.
///
/// # Errors
/// For a category that HubSpot does not have.
pub(crate) fn in_v3(given: AssociationType) -> Result<AssociationType> {
    match wanted(&given)? {
        Wanted::Exact(_, number) => AssociationType::new(number.to_string()),
        Wanted::Number(_) | Wanted::Text(_) => Ok(given),
    }
}

/// An association type of a dated version, and those beside it.
pub(crate) struct Resolved {
    pub(crate) key: AssociationSpec,
    /// See [`is_labelled`].
    pub(crate) is_labelled: bool,
    pub(crate) listing: Arc<Listing>,
}

impl Resolved {
    /// Whether a pair of objects may hold another type that setting this one takes away. The unlabelled type stays.
    pub(crate) fn may_replace(&self) -> bool {
        let is_other = |listed: &AssociationSpecWithLabel| {
            listed.type_id != self.key.association_type_id || category(listed) != self.key.association_category
        };
        !self.listing.is_whole || self.listing.results.iter().any(|listed| is_other(listed) && is_labelled(listed))
    }
}

/// Whether an answer says what type it is.
pub(crate) fn is_type(listed: &AssociationSpecWithLabel) -> bool {
    !listed.category.trim().is_empty() && listed.type_id > 0
}

/// The category as HubSpot writes it, in whatever case an answer has it.
pub(super) fn category(listed: &AssociationSpecWithLabel) -> &str {
    known_category(&listed.category).unwrap_or(&listed.category)
}

/// Whether it is more than the type by which HubSpot says that two objects are associated, and no more.
pub(crate) fn is_labelled(listed: &AssociationSpecWithLabel) -> bool {
    category(listed) != HUBSPOT_DEFINED || listed.label.as_ref().is_some_and(|label| !label.trim().is_empty())
}

/// The type by its category and number, as `USER_DEFINED:37`.
///
/// # Errors
/// Where they cannot be sent.
pub(crate) fn exact(listed: &AssociationSpecWithLabel) -> Result<AssociationType> {
    exact_key(&key(listed))
}

/// Like [`exact`].
pub(crate) fn exact_key(key: &AssociationSpec) -> Result<AssociationType> {
    let category = known_category(&key.association_category).unwrap_or(&key.association_category);
    AssociationType::new(format!("{category}:{}", key.association_type_id))
}

/// The type as requests name it.
pub(crate) fn key(listed: &AssociationSpecWithLabel) -> AssociationSpec {
    AssociationSpec { association_category: category(listed).to_owned(), association_type_id: listed.type_id }
}

/// Finds an association type among these.
///
/// # Errors
/// [`Error::is_invalid_input`] with the types there are, where it is none of them or several.
pub(crate) fn resolve_in(listing: &Arc<Listing>, to_type: &ObjectType, given: &AssociationType) -> Result<Resolved> {
    let (reason, remedy) = match find(listing, &wanted(given)?).as_slice() {
        [only] => {
            return Ok(Resolved { key: key(only), is_labelled: is_labelled(only), listing: Arc::clone(listing) });
        }
        [] => {
            let remedy = match listing.results.as_slice() {
                [] => "there is none; create one in HubSpot's settings".to_owned(),
                known => format!("give one of {}", choices(known.iter())),
            };
            (format!("does not exist from partner clients to {to_type}"), remedy)
        }
        several => (
            format!("is more than one type from partner clients to {to_type}"),
            format!("give one of {}", choices(several.iter().copied())),
        ),
    };
    Err(Error::invalid_input("association type", Some(given.as_str()), reason, remedy))
}

/// The types that a user may mean: of a text the label, in any case, and otherwise the name that HubSpot makes of a label.
fn find<'a>(listing: &'a Listing, wanted: &Wanted<'_>) -> Vec<&'a AssociationSpecWithLabel> {
    let all = |is_meant: &dyn Fn(&AssociationSpecWithLabel) -> bool| -> Vec<_> {
        listing.results.iter().filter(|listed| is_meant(listed)).collect()
    };
    let label = |listed: &AssociationSpecWithLabel| listed.label.as_ref().map(|label| label.trim().to_lowercase());
    match wanted {
        Wanted::Exact(exact, number) => all(&|listed| category(listed) == *exact && listed.type_id == *number),
        Wanted::Number(number) => all(&|listed| listed.type_id == *number),
        Wanted::Text(text) => {
            let text = text.trim().to_lowercase();
            let by_label = all(&|listed| label(listed).is_some_and(|label| label == text));
            if !by_label.is_empty() {
                return by_label;
            }
            all(&|listed| label(listed).is_some_and(|label| label.replace(' ', "_") == text))
        }
    }
}

/// Types as an error lists them.
pub(crate) fn choices<'a>(known: impl ExactSizeIterator<Item = &'a AssociationSpecWithLabel>) -> String {
    let more = known.len().saturating_sub(MOST_LISTED);
    let listed: Vec<_> = known
        .take(MOST_LISTED)
        .map(|listed| {
            let label = listed.label.as_deref().filter(|label| !label.trim().is_empty()).unwrap_or("unlabelled");
            format!("{}:{} ({label})", category(listed), listed.type_id)
        })
        .collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    listed.join(", ") + &more
}
