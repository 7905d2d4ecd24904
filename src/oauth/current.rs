//! Access token in use, with its times.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::{auth::access_token::AccessToken, oauth::fresh::Fresh};

/// A token this close to its end is not sent any more: the request has to arrive before it.
const MARGIN: Duration = Duration::from_secs(10);

/// An access token in use, and when to replace it.
pub(super) struct Current {
    pub(super) token: AccessToken,
    pub(super) refresh_at: Instant,
    pub(super) expires_at: Instant,
}

impl Current {
    pub(super) fn new(fresh: &Fresh) -> Self {
        let now = Instant::now();
        Self {
            token: fresh.access_token.clone(),
            refresh_at: now + fresh.refresh_in,
            expires_at: now + fresh.expires_in.saturating_sub(MARGIN),
        }
    }

    /// As it was given, for a store that does not have it yet.
    pub(super) fn fresh(&self, refresh_token: &SecretString) -> Fresh {
        let expires_in = (self.expires_at + MARGIN).saturating_duration_since(Instant::now());
        Fresh {
            access_token: self.token.clone(),
            refresh_token: Some(refresh_token.clone()),
            refresh_in: expires_in * 5 / 6,
            expires_in,
            unsaved: false,
        }
    }
}
