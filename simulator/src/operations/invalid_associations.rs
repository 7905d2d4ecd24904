//! What becomes of a batch that asks for associations that cannot be made.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    crm::{object_type::ObjectType, state::State},
    http::{
        error::{Failure, INVALID_ASSOCIATIONS, invalid_object_ids},
        response::add,
    },
    operations::batch_input::AssociationInput,
};

/// How a batch of new associations is answered when some cannot be made: because an object does not exist, a partner
/// client is archived, or the association type is unknown.
///
/// HubSpot's answers take all three forms, and it does not say which one when. This chooses:
/// [`SimulatorBuilder::invalid_associations`](crate::SimulatorBuilder::invalid_associations).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidAssociations {
    /// Answers 400 and makes none. The error's context names each object that does not exist, once, under
    /// `INVALID_OBJECT_IDS`, `objectId` and `objectType`. Where all objects exist, there is no context, and the message
    /// names the first association type that is unknown.
    #[default]
    RefuseNaming,
    /// Answers 400 and makes none. The error names nothing.
    Refuse,
    /// Answers 207 and makes all that can be made. Each of the others has an error, whose context holds its
    /// `fromObjectId` and `toObjectId` and, where objects do not exist, `INVALID_OBJECT_IDS`.
    Partial,
}

impl InvalidAssociations {
    /// The refusal of the whole batch; `None` when the rest of it can be made.
    pub(crate) fn refusal(self, invalid: &[Invalid]) -> Option<Failure> {
        let first = invalid.first()?;
        match self {
            Self::RefuseNaming => {
                let mut seen = BTreeSet::new();
                let missing = invalid.iter().flat_map(|association| &association.missing);
                let missing: Vec<_> = missing.filter(|object| seen.insert(*object)).cloned().collect();
                // Without a documented form for it, an unknown association type stands in the message alone.
                let naming_type = || Failure::validation(first.message.as_str());
                Some(if missing.is_empty() { naming_type() } else { Failure::invalid_objects(&missing) })
            }
            Self::Refuse => Some(Failure::validation(INVALID_ASSOCIATIONS)),
            Self::Partial => None,
        }
    }
}

/// An association that cannot be made.
#[derive(Debug)]
pub(crate) struct Invalid {
    from_id: String,
    to_id: String,
    /// The objects that do not exist; none when it is the association type that is unknown.
    missing: Vec<(ObjectType, String)>,
    message: String,
}

impl Invalid {
    /// What keeps an association from being made; objects come before the association type.
    pub(crate) fn find(state: &State, to: ObjectType, input: &AssociationInput) -> Option<Self> {
        let (from_id, to_id) = (&input.from.id.0, &input.to.id.0);
        let ends = [(ObjectType::PartnerClient, from_id), (to, to_id)];
        let missing: Vec<_> = ends
            .into_iter()
            .filter(|(object_type, id)| !state.exists(*object_type, id))
            .map(|(object_type, id)| (object_type, id.clone()))
            .collect();
        let message = if missing.is_empty() {
            state.association_type_id(to, &input.association_type.0).err()?.to_string()
        } else {
            INVALID_ASSOCIATIONS.to_owned()
        };
        Some(Self { from_id: from_id.clone(), to_id: to_id.clone(), missing, message })
    }

    /// Its error beside the results of the others.
    pub(crate) fn error(&self) -> Value {
        let mut context = json!({"fromObjectId": [self.from_id], "toObjectId": [self.to_id]});
        let category = if self.missing.is_empty() {
            "VALIDATION_ERROR"
        } else {
            add(&mut context, "INVALID_OBJECT_IDS", json!(invalid_object_ids(&self.missing)));
            "OBJECT_NOT_FOUND"
        };
        json!({"status": "error", "category": category, "message": self.message, "context": context})
    }
}
