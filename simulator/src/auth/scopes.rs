//! The scopes that the operations ask for.

use std::collections::BTreeSet;

/// The scope that reading partner clients and their associations takes.
pub const READ_SCOPE: &str = "crm.objects.partner-clients.read";

/// The scope that changing partner clients and their associations takes.
pub const WRITE_SCOPE: &str = "crm.objects.partner-clients.write";

/// Both scopes the simulator knows.
pub(crate) fn all_scopes() -> BTreeSet<String> {
    BTreeSet::from([READ_SCOPE.to_owned(), WRITE_SCOPE.to_owned()])
}
