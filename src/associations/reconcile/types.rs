//! Association types by the one text that a plan knows each of them by.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    associations::{
        AssociationDefinition,
        resolve::{Listing, exact, exact_key, in_v3, is_labelled, resolve_in},
        types::label_of_unlabeled,
    },
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectType, checked},
    transport::call_options::CallOptions,
};

/// The association types from partner clients to objects of a type. A plan knows them by name on v3, by category and number
/// on dated versions.
pub(super) struct Types {
    to_type: ObjectType,
    known: Known,
}

enum Known {
    Named(Vec<AssociationDefinition>),
    Numbered(Arc<Listing>),
}

impl Types {
    pub(super) async fn read(client: &Client, to_type: &ObjectType, options: &CallOptions) -> Result<Self> {
        let known = if client.api_version().is_dated() {
            // What is sent later keeps labels by this list, so it is asked for anew.
            Known::Numbered(client.listing(to_type, Some(Instant::now()), options).await?.value)
        } else {
            let mut types = client.association_types(to_type.clone());
            types.options = options.clone();
            Known::Named(types.send().await?)
        };
        Ok(Self { to_type: to_type.clone(), known })
    }

    /// The text for a type that a caller gave by name, number or label.
    pub(super) fn given(&self, wanted: &AssociationType) -> Result<AssociationType> {
        let known = match &self.known {
            Known::Named(known) => known,
            Known::Numbered(listing) => return exact_key(&resolve_in(listing, &self.to_type, wanted)?.key),
        };
        if let Some(found) = find(known, in_v3(wanted.clone())?.as_str()) {
            return Ok(canonical(found));
        }
        let listed: Vec<_> =
            known.iter().map(|t| format!("{} ({})", t.name.as_deref().unwrap_or_default(), t.id)).collect();
        let reason = format!("does not exist from partner clients to {}", self.to_type);
        let remedy = match listed.as_slice() {
            [] => "there is none; create one in HubSpot's settings".to_owned(),
            listed => format!("use one of {}", listed.join(", ")),
        };
        Err(Error::invalid_input("association type", Some(wanted.as_str()), reason, remedy))
    }

    /// The text for a type that stands in a plan. It may be one that is not listed any more.
    pub(super) fn in_plan(&self, text: &AssociationType) -> Result<AssociationType> {
        match &self.known {
            Known::Named(_) => self.listed(text.as_str()),
            Known::Numbered(_) if is_exact(text.as_str()) => Ok(text.clone()),
            Known::Numbered(_) => self.given(text),
        }
    }

    /// The name of a type that v3 listed an association by. It may be one that its list of types lacks.
    pub(super) fn listed(&self, text: &str) -> Result<AssociationType> {
        let found = match &self.known {
            Known::Named(known) => find(known, text),
            Known::Numbered(_) => None,
        };
        found.map_or_else(|| checked(text.to_lowercase()), |found| Ok(canonical(found)))
    }

    /// The types that HubSpot lists beside labels.
    pub(super) fn unlabeled(&self) -> Vec<AssociationType> {
        match &self.known {
            Known::Named(known) => {
                known.iter().map(canonical).filter(|name| label_of_unlabeled(name.as_str()).is_some()).collect()
            }
            Known::Numbered(listing) => {
                listing.results.iter().filter(|listed| !is_labelled(listed)).filter_map(|t| exact(t).ok()).collect()
            }
        }
    }
}

fn find<'a>(known: &'a [AssociationDefinition], text: &str) -> Option<&'a AssociationDefinition> {
    known.iter().find(|t| t.id.as_str() == text || t.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text)))
}

/// HubSpot's name in lower case, since its case does not matter; the id where the name cannot be sent.
fn canonical(definition: &AssociationDefinition) -> AssociationType {
    let name = definition.name.as_ref().and_then(|name| AssociationType::new(name.to_lowercase()).ok());
    name.unwrap_or_else(|| definition.id.clone())
}

/// Whether a text has the form `USER_DEFINED:37`, with a category in any case.
pub(super) fn is_exact(text: &str) -> bool {
    text.split_once(':').is_some_and(|(category, number)| {
        let is_category = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        !category.is_empty() && category.bytes().all(is_category) && number.parse::<i64>().is_ok()
    })
}
