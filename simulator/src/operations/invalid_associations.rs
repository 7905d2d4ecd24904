//! What becomes of a batch that asks for associations that cannot be made.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    crm::{
        association_type::TypeKey,
        object_type::ObjectType,
        state::{End, State},
    },
    http::{
        error::{Failure, INVALID_ASSOCIATIONS, invalid_definitions_context, invalid_object_ids},
        response::add,
    },
    operations::{
        batch_input::{AssociationInput, LabelsInput, unknown_keys},
        labels::missing,
    },
    settings::InvalidAssociations,
};

/// The refusal of a whole batch; `None` when the rest of it can be made.
pub(crate) fn refusal(answer: InvalidAssociations, invalid: &[Invalid]) -> Option<Failure> {
    let first = invalid.first()?;
    match answer {
        InvalidAssociations::RefuseNaming => {
            let mut seen = BTreeSet::new();
            let missing = invalid.iter().flat_map(|association| &association.missing);
            let missing: Vec<_> = missing.filter(|object| seen.insert(*object)).cloned().collect();
            if !missing.is_empty() {
                return Some(Failure::invalid_objects(&missing));
            }
            let keys: BTreeSet<_> = invalid.iter().flat_map(|association| &association.unknown).copied().collect();
            if !keys.is_empty() {
                return Some(Failure::invalid_definitions(&keys.into_iter().collect::<Vec<_>>()));
            }
            // v3: without a documented form for it, an unknown association type stands in the message alone.
            Some(Failure::validation(first.message.as_str()))
        }
        InvalidAssociations::Refuse => Some(Failure::validation(INVALID_ASSOCIATIONS)),
        InvalidAssociations::Partial => None,
    }
}

/// An association that cannot be made.
#[derive(Debug)]
pub(crate) struct Invalid {
    from_id: String,
    to_id: String,
    /// The objects that do not exist; none when it is the association type that is unknown.
    missing: Vec<(ObjectType, String)>,
    /// The association types that do not exist, where they are named by category and id.
    unknown: Vec<TypeKey>,
    message: String,
}

impl Invalid {
    /// What keeps an association of v3 from being made; objects come before the association type.
    pub(crate) fn find(
        state: &State,
        (from, to): (&ObjectType, &ObjectType),
        input: &AssociationInput,
    ) -> Option<Self> {
        let missing = missing(state, End::new(from, &input.from.id.0), End::new(to, &input.to.id.0));
        let message = if missing.is_empty() {
            state.association_types.named(from, to, &input.association_type.0).err()?.to_string()
        } else {
            INVALID_ASSOCIATIONS.to_owned()
        };
        Some(Self::new(&input.from.id.0, &input.to.id.0, missing, Vec::new(), message))
    }

    /// What keeps labels from being set; objects come before the association types.
    pub(crate) fn find_labels(
        state: &State,
        (from, to): (&ObjectType, &ObjectType),
        input: &LabelsInput,
    ) -> Option<Self> {
        let missing = missing(state, End::new(from, &input.from.id.0), End::new(to, &input.to.id.0));
        let keys: Vec<_> = input.types.iter().map(|spec| spec.key()).collect();
        let unknown = if missing.is_empty() { unknown_keys(state, (from, to), &keys) } else { Vec::new() };
        let none = keys.is_empty();
        if missing.is_empty() && unknown.is_empty() && !none {
            return None;
        }
        let message = if missing.is_empty() && none {
            "At least one association type is required".to_owned()
        } else {
            INVALID_ASSOCIATIONS.to_owned()
        };
        Some(Self::new(&input.from.id.0, &input.to.id.0, missing, unknown, message))
    }

    /// A pair of which an object does not exist.
    pub(crate) fn find_pair(state: &State, from: End<'_>, to: End<'_>) -> Option<Self> {
        let missing = missing(state, from, to);
        if missing.is_empty() {
            return None;
        }
        Some(Self::new(from.id, to.id, missing, Vec::new(), INVALID_ASSOCIATIONS.to_owned()))
    }

    fn new(
        from_id: &str,
        to_id: &str,
        missing: Vec<(ObjectType, String)>,
        unknown: Vec<TypeKey>,
        message: String,
    ) -> Self {
        Self { from_id: from_id.to_owned(), to_id: to_id.to_owned(), missing, unknown, message }
    }

    /// Its error beside the results of the others.
    pub(crate) fn error(&self) -> Value {
        let mut context = json!({"fromObjectId": [self.from_id], "toObjectId": [self.to_id]});
        let category = if self.missing.is_empty() { "VALIDATION_ERROR" } else { "OBJECT_NOT_FOUND" };
        if !self.missing.is_empty() {
            add(&mut context, "INVALID_OBJECT_IDS", json!(invalid_object_ids(&self.missing)));
        }
        if !self.unknown.is_empty()
            && let Value::Object(members) = invalid_definitions_context(&self.unknown)
        {
            for (name, value) in members {
                add(&mut context, &name, value);
            }
        }
        json!({"status": "error", "category": category, "message": self.message, "context": context})
    }
}
