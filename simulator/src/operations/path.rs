//! What the path of an operation names.

use serde::Deserialize;

use crate::{
    crm::{not_found::NotFound, object_type::ObjectType, state::State},
    http::error::Failure,
};

/// All objects of a type.
#[derive(Deserialize)]
pub(crate) struct TypePath {
    pub(crate) object_type: String,
}

/// One object.
#[derive(Deserialize)]
pub(crate) struct ObjectPath {
    pub(crate) object_type: String,
    pub(crate) id: String,
}

/// The associations of an object with those of another type.
#[derive(Deserialize)]
pub(crate) struct AssociationsPath {
    pub(crate) object_type: String,
    pub(crate) id: String,
    pub(crate) to: String,
}

/// Two objects.
#[derive(Deserialize)]
pub(crate) struct PairPath {
    pub(crate) object_type: String,
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) to_id: String,
}

/// Two objects, and in v3 what the one is to the other.
#[derive(Deserialize)]
pub(crate) struct AssociationPath {
    pub(crate) object_type: String,
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) to_id: String,
    pub(crate) association_type: String,
}

/// Two object types.
#[derive(Deserialize)]
pub(crate) struct TypesPath {
    pub(crate) object_type: String,
    pub(crate) to: String,
}

impl TypesPath {
    pub(crate) fn infer(&self, state: &State) -> Result<(ObjectType, ObjectType), NotFound> {
        Ok((state.types.infer(&self.object_type)?, state.types.infer(&self.to)?))
    }

    /// The two types, which an association type must join.
    pub(crate) fn joined(&self, state: &State) -> Result<(ObjectType, ObjectType), Failure> {
        let (from, to) = self.infer(state)?;
        if state.association_types.between(&from, &to).next().is_none() {
            let (from, to) = (from.plural(), to.plural());
            return Err(Failure::validation(format!("no association types from {from} to {to}")));
        }
        Ok((from, to))
    }
}
