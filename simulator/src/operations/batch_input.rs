//! Inputs of batches, as requests name them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    crm::{
        association_type::{AssociationCategory, TypeKey},
        object_type::ObjectType,
        state::State,
    },
    http::{error::Failure, request_body::Text},
};

/// A batch of whichever inputs.
#[derive(Deserialize)]
pub(crate) struct Batch<T> {
    pub(crate) inputs: Vec<T>,
}

/// An association as v3 names one.
#[derive(Deserialize)]
pub(crate) struct AssociationInput {
    pub(crate) from: ObjectId,
    pub(crate) to: ObjectId,
    #[serde(rename = "type")]
    pub(crate) association_type: Text,
}

/// An association as v4 and the dated versions name one.
#[derive(Deserialize)]
pub(crate) struct LabelsInput {
    pub(crate) from: ObjectId,
    pub(crate) to: ObjectId,
    pub(crate) types: Specs,
}

/// Two objects.
#[derive(Deserialize)]
pub(crate) struct PairInput {
    pub(crate) from: ObjectId,
    pub(crate) to: ObjectId,
}

/// An object and others.
#[derive(Deserialize)]
pub(crate) struct PairsInput {
    pub(crate) from: ObjectId,
    pub(crate) to: Vec<ObjectId>,
}

/// An input that is but an id.
#[derive(Deserialize)]
pub(crate) struct ObjectId {
    pub(crate) id: Text,
}

/// An object whose associations are read, from behind a cursor.
#[derive(Deserialize)]
pub(crate) struct PageInput {
    pub(crate) id: Text,
    pub(crate) after: Option<String>,
}

/// Association types by category and id.
pub(crate) type Specs = Vec<Spec>;

/// An association type by category and id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec {
    association_category: AssociationCategory,
    association_type_id: u64,
}

impl Spec {
    pub(crate) fn key(&self) -> TypeKey {
        TypeKey { id: self.association_type_id, category: self.association_category }
    }
}

/// The association types, of which there is one at least and each exists.
pub(crate) fn check_specs(
    state: &State,
    (from, to): (&ObjectType, &ObjectType),
    specs: &[Spec],
) -> Result<Vec<TypeKey>, Failure> {
    let keys: Vec<_> = specs.iter().map(Spec::key).collect();
    if keys.is_empty() {
        return Err(Failure::validation("At least one association type is required"));
    }
    let unknown = unknown_keys(state, (from, to), &keys);
    if unknown.is_empty() { Ok(keys) } else { Err(Failure::invalid_definitions(&unknown)) }
}

/// The association types that do not exist.
pub(crate) fn unknown_keys(state: &State, (from, to): (&ObjectType, &ObjectType), keys: &[TypeKey]) -> Vec<TypeKey> {
    keys.iter().copied().filter(|key| state.association_types.find(from, to, *key).is_none()).collect()
}

/// The ids of the inputs, each once.
pub(crate) fn distinct(inputs: &[ObjectId]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    inputs.iter().map(|input| input.id.0.as_str()).filter(|id| seen.insert(*id)).collect()
}

pub(crate) fn check_number(inputs: usize, max: usize) -> Result<(), Failure> {
    if inputs > max {
        return Err(Failure::validation(format!("A batch takes at most {max} inputs here, not {inputs}")));
    }
    Ok(())
}

/// As [`check_number`], where HubSpot wants one input at least.
pub(crate) fn check_inputs(inputs: usize, max: usize) -> Result<(), Failure> {
    if inputs == 0 {
        return Err(Failure::validation("A batch takes at least one input here"));
    }
    check_number(inputs, max)
}
