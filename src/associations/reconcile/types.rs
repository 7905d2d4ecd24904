//! Association types by the one name that a plan knows each of them by.

use crate::{
    associations::AssociationDefinition,
    client::Client,
    error::{Error, Result},
    ids::{AssociationType, ObjectType, checked},
    transport::call_options::CallOptions,
};

/// Ends the name of the type that HubSpot lists beside every label of a pair, such as `x_to_y_unlabeled`.
pub(super) const UNLABELED: &str = "_unlabeled";

/// The association types from partner clients to objects of a type.
pub(super) struct Types {
    to_type: ObjectType,
    known: Vec<AssociationDefinition>,
}

impl Types {
    pub(super) async fn read(client: &Client, to_type: &ObjectType, options: &CallOptions) -> Result<Self> {
        let mut types = client.association_types(to_type.clone());
        types.options = options.clone();
        Ok(Self { to_type: to_type.clone(), known: types.send().await? })
    }

    fn find(&self, text: &str) -> Option<&AssociationDefinition> {
        self.known
            .iter()
            .find(|t| t.id.as_str() == text || t.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text)))
    }

    /// The name of a type that a caller gave by name or id.
    pub(super) fn given(&self, wanted: &AssociationType) -> Result<AssociationType> {
        if let Some(found) = self.find(wanted.as_str()) {
            return Ok(canonical(found));
        }
        let known: Vec<_> =
            self.known.iter().map(|t| format!("{} ({})", t.name.as_deref().unwrap_or_default(), t.id)).collect();
        let reason = format!("does not exist from partner clients to {}", self.to_type);
        let remedy = match known.as_slice() {
            [] => "there is none; create one in HubSpot's settings".to_owned(),
            known => format!("use one of {}", known.join(", ")),
        };
        Err(Error::invalid_input("association type", Some(wanted.as_str()), reason, remedy))
    }

    /// The name of a type that HubSpot listed an association by. It may be one that its list of types lacks.
    pub(super) fn listed(&self, text: &str) -> Result<AssociationType> {
        self.find(text).map_or_else(|| checked(text.to_lowercase()), |found| Ok(canonical(found)))
    }

    /// The types that HubSpot lists beside labels.
    pub(super) fn unlabeled(&self) -> Vec<AssociationType> {
        self.known.iter().map(canonical).filter(|name| name.as_str().ends_with(UNLABELED)).collect()
    }
}

/// HubSpot's name in lower case, since its case does not matter; the id where the name cannot be sent.
fn canonical(definition: &AssociationDefinition) -> AssociationType {
    let name = definition.name.as_ref().and_then(|name| AssociationType::new(name.to_lowercase()).ok());
    name.unwrap_or_else(|| definition.id.clone())
}
