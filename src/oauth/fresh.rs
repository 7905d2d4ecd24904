//! Tokens from a grant or a store.

use std::time::Duration;

use secrecy::SecretString;

use crate::{auth::access_token::AccessToken, oauth::grant::Grant};

/// An access token as a refresh gives it, or a store that another process has put it into.
#[derive(Clone)]
pub(super) struct Fresh {
    pub(super) access_token: AccessToken,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) refresh_in: Duration,
    pub(super) expires_in: Duration,
    pub(super) unsaved: bool,
}

impl From<&Grant> for Fresh {
    fn from(grant: &Grant) -> Self {
        Self {
            access_token: grant.access_token.clone(),
            refresh_token: grant.refresh_token.clone(),
            refresh_in: grant.expires_in * 5 / 6,
            expires_in: grant.expires_in,
            unsaved: false,
        }
    }
}
