//! Where the tokens of an account are kept, for more than one process.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

/// What a [`TokenStore`] returns.
pub type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Keeps the tokens of one account for several processes, for [`OAuthToken::store`](super::OAuthToken::store).
///
/// It holds one text, and a lock with a fencing token: a number that grows each time the lock is taken, so that a holder
/// that was stopped for longer than its lock lasted cannot replace what a later one has put there.
pub trait TokenStore: Send + Sync {
    /// What is kept.
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>>;

    /// Takes the lock for this long and gives its fencing token; none while another has it.
    ///
    /// An owner that has it, whether or not it knows, keeps it for this long from now, by the same fencing token: an answer
    /// may have been lost, or a refresh take longer than expected.
    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>>;

    /// Replaces what is kept and gives up the lock. False, and nothing done, if a later holder of the lock has replaced
    /// it. A holder whose lock is over may do so as long as no later one has.
    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool>;

    /// Gives up the lock, if it is still that of this fencing token.
    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()>;
}

impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>> {
        (**self).load()
    }

    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>> {
        (**self).lock(owner, lifetime)
    }

    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool> {
        (**self).save(fencing_token, token)
    }

    fn unlock(&self, fencing_token: u64) -> StoreFuture<'_, ()> {
        (**self).unlock(fencing_token)
    }
}

/// The tokens of an account as a text, which is secret: encrypt it before it leaves the process.
#[derive(Clone)]
pub struct StoredToken(SecretString);

impl StoredToken {
    /// What a store has kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text in the clear, of a few kilobytes at most.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Without the text.
impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredToken([redacted])")
    }
}
