//! A call as an operation sees it: whose it is, which version it speaks, and what it shares with others.

use std::{
    iter,
    sync::{Arc, MutexGuard},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde_json::Value;

use crate::{
    auth::access::Caller,
    crm::{object_type::ObjectType, state::State},
    http::{error::Failure, version::Version},
    portal::Portal,
    server::Server,
};

/// A call that passed authentication and rate limits, in a version that is served.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    pub(crate) caller: Caller,
    pub(crate) version: Version,
}

impl Call {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.portal().state()
    }

    /// The account that the caller's token belongs to.
    pub(crate) fn portal(&self) -> &Portal {
        self.server.portal(self.caller.portal())
    }

    /// Refuses a token that may not read objects of a type.
    pub(crate) fn may_read(&self, object_type: &ObjectType) -> Result<(), Failure> {
        self.require(vec![object_type.read_scope()])
    }

    /// Refuses a token that may not write objects of a type.
    pub(crate) fn may_write(&self, object_type: &ObjectType) -> Result<(), Failure> {
        self.require(vec![object_type.write_scope()])
    }

    /// Refuses a token that may not read associations: v3 asks for a scope of the object they start at, and the other
    /// versions for one of either end.
    pub(crate) fn may_read_associations(&self, from: &ObjectType, to: &ObjectType) -> Result<(), Failure> {
        self.require(self.ends(from, to).map(ObjectType::read_scope).collect())
    }

    /// As [`may_read_associations`](Self::may_read_associations), for changing them: a user without the permission is
    /// refused by 2026-09 and later, and with another error than a token without the scope.
    pub(crate) fn may_associate(&self, from: &ObjectType, to: &ObjectType) -> Result<(), Failure> {
        self.require(self.ends(from, to).map(ObjectType::write_scope).collect())?;
        if self.version.validates_writes() && !self.caller.edits_associations() {
            return Err(Failure::validation("Missing 'Edit Associations' permission."));
        }
        Ok(())
    }

    /// The object types of which one scope is enough.
    fn ends<'a>(&self, from: &'a ObjectType, to: &'a ObjectType) -> impl Iterator<Item = &'a ObjectType> {
        let other = (self.version != Version::V3 && from != to).then_some(to);
        iter::once(from).chain(other)
    }

    /// The address of an object type's objects in this version.
    pub(crate) fn objects_url(&self, object_type: &str) -> String {
        format!("{}{}/{object_type}", self.server.base_url(), self.version.objects_path())
    }

    /// An object's id in an answer of v4 or a dated version.
    pub(crate) fn object_id(&self, id: &str) -> Value {
        self.server.settings.object_id(id)
    }

    /// Refuses a token that has none of these scopes.
    fn require(&self, scopes: Vec<String>) -> Result<(), Failure> {
        if scopes.iter().any(|scope| self.caller.scopes().contains(scope)) {
            return Ok(());
        }
        Err(Failure::missing_scopes(&scopes))
    }
}

/// The router puts it there for each request that reaches an operation.
impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Failure::unauthenticated)
    }
}
