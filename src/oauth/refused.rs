//! Refresh tokens that HubSpot rejected recently.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hmac_sha256::Hash;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::error::Error;

/// How long a refused refresh token is not tried again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What is remembered of them, by their hash, so that the calls of an account that was disconnected do not all ask.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<Mutex<Entries>>);

type Entries = HashMap<[u8; 32], (Error, Instant)>;

impl Refused {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error that this refresh token had, if that was lately.
    pub(super) fn error(&self, refresh_token: &SecretString) -> Option<Error> {
        let entries = self.entries();
        let (error, since) = entries.get(&hash(refresh_token))?;
        (since.elapsed() < REMEMBERED).then(|| error.clone())
    }

    pub(super) fn remember(&self, refresh_token: &SecretString, error: &Error) {
        let mut entries = self.entries();
        entries.retain(|_, (_, since)| since.elapsed() < REMEMBERED);
        entries.insert(hash(refresh_token), (error.clone(), Instant::now()));
    }

    /// The account was connected again, and HubSpot has given the same refresh token for it.
    pub(super) fn forget(&self, refresh_token: &SecretString) {
        self.entries().remove(&hash(refresh_token));
    }
}

fn hash(refresh_token: &SecretString) -> [u8; 32] {
    Hash::hash(refresh_token.expose_secret().as_bytes())
}
