//! Stores that keep the tokens of an account for several processes.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

/// Future of the methods of [`TokenStore`].
pub type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Keeps the tokens of one account for several processes; see [`OAuthToken::store`](super::OAuthToken::store).
///
/// A store holds one text and a lock. `RedisTokenStore`, of the feature `redis`, is one. The example `token_file` in
/// this crate's repository keeps a file, for the processes of one machine.
///
/// # The lock
///
/// A process that needs an access token loads what is stored. If that has expired, the process takes the lock,
/// refreshes the token, and saves the new one, which releases the lock. The others load again until there is a token or
/// the lock is free. The lock expires after its lifetime of 30 seconds, so that a process that dies holds up the others
/// no longer than that. A process that is still at work renews it every 10 seconds. A method that takes longer than 30
/// seconds counts as failed.
///
/// A process may be suspended for longer than that and resume while another one has the lock. Therefore each `lock`
/// returns a fencing token, a number larger than all before, and `save` does nothing for a number smaller than that of
/// the last save. At worst there is one refresh too many, and the newer token stays.
///
/// # Clocks
///
/// A token expires some time after it was saved. A store on another machine says how long ago that was, by its own clock
/// ([`StoredToken::with_age`]), and then the clocks of the processes need not agree. `RedisTokenStore` does so. Without an
/// age, the clock of the machine decides, which suits processes of one machine.
///
/// # In memory
///
/// For several clients of one process, or for tests:
///
/// ```
/// use std::{
///     sync::Mutex,
///     time::{Duration, Instant},
/// };
///
/// use hubspot_partner_clients::oauth::{
///     StoreFuture, StoredToken, TokenStore,
/// };
///
/// #[derive(Default)]
/// struct Memory(Mutex<Kept>);
///
/// #[derive(Default)]
/// struct Kept {
///     token: Option<StoredToken>,
///     saved_by: u64,
///     fencing_token: u64,
///     lock: Option<(String, Instant)>,
/// }
///
/// impl Memory {
///     fn change<T: Send + 'static>(
///         &self,
///         change: impl FnOnce(&mut Kept) -> T,
///     ) -> StoreFuture<'static, T> {
///         let outcome = self
///             .0
///             .lock()
///             .map(|mut kept| change(&mut kept))
///             .map_err(|_| {
///                 "a change panicked".into()
///             });
///         Box::pin(std::future::ready(outcome))
///     }
/// }
///
/// impl TokenStore for Memory {
///     fn load(
///         &self,
///     ) -> StoreFuture<'_, Option<StoredToken>>
///     {
///         self.change(|kept| kept.token.clone())
///     }
///
///     fn lock<'a>(
///         &'a self,
///         owner: &'a str,
///         lifetime: Duration,
///     ) -> StoreFuture<'a, Option<u64>> {
///         self.change(|kept| {
///             let now = Instant::now();
///             match &kept.lock {
///                 Some((holder, until))
///                     if *until > now
///                         && holder != owner =>
///                 {
///                     return None;
///                 }
///                 Some((_, until))
///                     if *until > now => {}
///                 _ => kept.fencing_token += 1,
///             }
///             kept.lock = Some((
///                 owner.to_owned(),
///                 now + lifetime,
///             ));
///             Some(kept.fencing_token)
///         })
///     }
///
///     fn save(
///         &self,
///         fencing_token: u64,
///         token: StoredToken,
///     ) -> StoreFuture<'_, bool> {
///         self.change(|kept| {
///             let is_newest =
///                 fencing_token >= kept.saved_by;
///             if is_newest {
///                 (kept.token, kept.saved_by) =
///                     (Some(token), fencing_token);
///             }
///             if kept.fencing_token == fencing_token
///             {
///                 kept.lock = None;
///             }
///             is_newest
///         })
///     }
///
///     fn unlock(
///         &self,
///         fencing_token: u64,
///     ) -> StoreFuture<'_, ()> {
///         self.change(|kept| {
///             if kept.fencing_token == fencing_token
///             {
///                 kept.lock = None;
///             }
///         })
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use hubspot_partner_clients::{Client, oauth::OAuthApp, simulator::{self, Simulator}};
/// # let registered = simulator::OAuthApp::new("id", "secret", "refresh-token").rotating_refresh_token();
/// # let hubspot = Simulator::builder().oauth_app(registered).start().await?;
/// # let app = OAuthApp::builder("id", "secret").base_url(hubspot.base_url()).build()?;
///
/// let memory =
///     std::sync::Arc::new(Memory::default());
/// let token = app
///     .token("refresh-token")?
///     .store(std::sync::Arc::clone(&memory));
/// # let client = |token| Client::builder().base_url(hubspot.base_url()).token_provider(token).build();
/// # let second = app.token("refresh-token")?.store(memory);
/// # let (first, second) = (client(token)?, client(second)?);
/// # tokio::try_join!(first.get(512).send(), second.get(512).send())?;
/// # assert_eq!(hubspot.requests().iter().filter(|request| request.path().starts_with("/oauth/")).count(), 1);
/// # Ok(())
/// # }
/// ```
pub trait TokenStore: Send + Sync {
    /// Returns what is stored.
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>>;

    /// Takes the lock for this long and returns its fencing token, or `None` while another owner has the lock. An owner
    /// that has it already keeps it for this long from now, with the same fencing token: it renews the lock, or the
    /// first result did not reach it.
    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>>;

    /// Replaces what is stored and releases the lock. Returns `false`, and does nothing, if a later holder of the lock
    /// has saved already. A holder whose lock has expired may still save as long as no later one has.
    fn save(&self, fencing_token: u64, token: StoredToken) -> StoreFuture<'_, bool>;

    /// Releases the lock, if it still belongs to this fencing token.
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

/// The tokens of an account as text. The text is secret: encrypt it before it leaves the process.
#[derive(Clone)]
pub struct StoredToken {
    text: SecretString,
    age: Option<Duration>,
}

impl StoredToken {
    /// Wraps the text that a store has kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: SecretString::from(text.into()), age: None }
    }

    /// Sets how long ago the text was saved, by the store's clock.
    #[must_use]
    pub fn with_age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// The text in the clear, at most a few kilobytes.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.age
    }
}

/// Without the text.
impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredToken").field("text", &"[redacted]").field("age", &self.age).finish()
    }
}
