//! What an account holds: objects with their properties and history, object types, associations, and how values compare.

pub(crate) mod association_type;
pub(crate) mod comparison;
pub(crate) mod computed;
pub(crate) mod not_found;
pub(crate) mod object;
pub(crate) mod object_type;
pub(crate) mod object_types;
pub(crate) mod rules;
pub(crate) mod seed;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod time;
pub(crate) mod tokens;
