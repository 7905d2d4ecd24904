//! The scopes that the operations ask for.

use std::collections::BTreeSet;

use crate::crm::{object_type::ObjectType, object_types::ObjectTypes};

/// The scope that reading partner clients and their associations takes.
pub const READ_SCOPE: &str = "crm.objects.partner-clients.read";

/// The scope that changing partner clients and their associations takes.
pub const WRITE_SCOPE: &str = "crm.objects.partner-clients.write";

/// Both scopes of partner clients.
pub(crate) fn partner_client_scopes() -> BTreeSet<String> {
    BTreeSet::from([READ_SCOPE.to_owned(), WRITE_SCOPE.to_owned()])
}

/// The scopes of all object types.
pub(crate) fn all_scopes(types: &ObjectTypes) -> BTreeSet<String> {
    let scopes = |object_type: &ObjectType| [object_type.read_scope(), object_type.write_scope()];
    types.all().iter().flat_map(scopes).collect()
}
