//! Who calls: static tokens with their scopes, and OAuth apps.

pub(crate) mod access;
pub(crate) mod oauth;
pub(crate) mod scopes;
