//! What the path of an operation names.

use axum::{http::StatusCode, response::Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    call::Call,
    crm::{
        not_found::NotFound,
        object_type::ObjectType,
        state::{End, State},
    },
    http::{error::Failure, parameters::Parameters, response::json_response},
    operations::association_page::{Associations, MAX_LIMIT, Page},
};

/// All objects of a type.
#[derive(Deserialize)]
pub(crate) struct TypePath {
    pub(crate) object_type: String,
}

impl TypePath {
    /// The type, whose objects the caller may read.
    pub(crate) fn readable(&self, call: &Call, state: &State) -> Result<ObjectType, Failure> {
        let object_type = state.types.infer(&self.object_type)?;
        call.may_read(&object_type)?;
        Ok(object_type)
    }

    /// The type, whose objects the caller may change.
    pub(crate) fn writable(&self, call: &Call, state: &State) -> Result<ObjectType, Failure> {
        let object_type = state.types.infer(&self.object_type)?;
        call.may_write(&object_type)?;
        Ok(object_type)
    }

    /// The type, whose objects the caller may create and archive; nobody may those of partner clients.
    pub(crate) fn creatable(&self, call: &Call, state: &State) -> Result<ObjectType, Failure> {
        if state.types.infer(&self.object_type)?.is_partner_client() {
            return Err(Failure::method_not_allowed());
        }
        self.writable(call, state)
    }
}

/// One object.
#[derive(Deserialize)]
pub(crate) struct ObjectPath {
    #[serde(flatten)]
    pub(crate) of: TypePath,
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

impl AssociationsPath {
    /// A page of the associations that a request asks for, which `list` makes of the object's.
    pub(crate) fn page<P: Serialize + DeserializeOwned>(
        &self,
        call: &Call,
        parameters: &Parameters,
        list: impl FnOnce(Associations<'_>, Option<P>, usize) -> Page,
    ) -> Result<Response, Failure> {
        let state = call.state();
        let (from, to) = (state.types.infer(&self.object_type)?, state.types.infer(&self.to)?);
        call.may_read_associations(&from, &to)?;
        let limit = parameters.limit(MAX_LIMIT, MAX_LIMIT)?;
        let after = parameters.after()?;
        let object = state.live(End::new(&from, &self.id))?;
        let associations = Associations { call, state: &state, from: &from, object, to: &to };
        Ok(json_response(StatusCode::OK, &list(associations, after, limit).body()))
    }
}

impl PairPath {
    /// The types of both objects, whose associations the caller may change.
    pub(crate) fn associable(&self, call: &Call, state: &State) -> Result<(ObjectType, ObjectType), Failure> {
        associable(call, state, &self.object_type, &self.to)
    }
}

impl AssociationPath {
    /// The types of both objects, whose associations the caller may change.
    pub(crate) fn associable(&self, call: &Call, state: &State) -> Result<(ObjectType, ObjectType), Failure> {
        associable(call, state, &self.object_type, &self.to)
    }
}

fn associable(call: &Call, state: &State, from: &str, to: &str) -> Result<(ObjectType, ObjectType), Failure> {
    let (from, to) = (state.types.infer(from)?, state.types.infer(to)?);
    call.may_associate(&from, &to)?;
    Ok((from, to))
}

impl TypesPath {
    /// The two types, whose associations the caller may read.
    pub(crate) fn readable(&self, call: &Call, state: &State) -> Result<(ObjectType, ObjectType), Failure> {
        let (from, to) = self.infer(state)?;
        call.may_read_associations(&from, &to)?;
        Ok((from, to))
    }

    /// The two types, whose associations the caller may change.
    pub(crate) fn associable(&self, call: &Call, state: &State) -> Result<(ObjectType, ObjectType), Failure> {
        associable(call, state, &self.object_type, &self.to)
    }

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
