//! Where the tokens of an account are kept, for more than one process.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

/// What a [`TokenStore`] returns.
pub type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Keeps the tokens of one account for several processes, for [`OAuthToken::store`](super::OAuthToken::store).
///
/// It holds one text and a lock. `RedisTokenStore`, of the feature `redis`, is one; the example `token_file` of this
/// crate's repository keeps a file, for the processes of one machine.
///
/// # The lock
///
/// A process that needs an access token loads what is kept. If that is not good any more, it takes the lock, refreshes, saves
/// and so gives up the lock; the others load again until there is a token, or the lock is free. The lock ends by itself after
/// its lifetime, 30 seconds, so that a process that dies holds up nobody for longer; one that is still at work renews it every
/// 10 seconds. A method that takes longer than 30 seconds has failed.
///
/// A process may be stopped for longer than that, and go on while another has the lock. Therefore each taking of the lock gives
/// a fencing token, a number larger than all before, and `save` refuses a number smaller than that of the last save. So the
/// clocks of the machines need not agree: at worst there is one refresh too many, and the newer token stays.
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
    /// What is kept.
    fn load(&self) -> StoreFuture<'_, Option<StoredToken>>;

    /// Takes the lock for this long and gives its fencing token; none while another owner has it. An owner that has it already
    /// keeps it for this long from now, with the same fencing token: it renews the lock, or has not got the first response.
    fn lock<'a>(&'a self, owner: &'a str, lifetime: Duration) -> StoreFuture<'a, Option<u64>>;

    /// Replaces what is kept and gives up the lock. False, and nothing done, if a later holder of the lock has saved already. A
    /// holder whose lock is over may still save as long as no later one has.
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
