//! Sources of access tokens.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use crate::auth::access_token::AccessToken;

/// Future of [`TokenProvider::access_token`].
pub type TokenFuture<'a> = Pin<
    Box<dyn Future<Output = std::result::Result<AccessToken, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>,
>;

/// A source of access tokens, asked before every request.
///
/// ```
/// use hubspot_partner_clients::{
///     AccessToken, Client, TokenFuture,
///     TokenProvider,
/// };
///
/// /// A token in a file that another program updates.
/// struct TokenFile(std::path::PathBuf);
///
/// impl TokenProvider for TokenFile {
///     fn access_token(&self) -> TokenFuture<'_> {
///         Box::pin(async {
///             let text =
///                 std::fs::read_to_string(&self.0)?;
///             Ok(AccessToken::new(text)?)
///         })
///     }
/// }
///
/// let client = Client::builder()
///     .token_provider(TokenFile(
///         "/run/secrets/hubspot".into(),
///     ))
///     .build()?;
/// # Ok::<(), hubspot_partner_clients::Error>(())
/// ```
///
/// It may be asked in a task of the call's own, where task-local values of the caller are not available. A call waits for the
/// token until its [timeout](crate::ClientBuilder::call_timeout), or without one for as long as the provider takes.
pub trait TokenProvider: Send + Sync {
    /// Returns the token to send with the next request. An error fails the call with
    /// [`Error::is_token`](crate::Error::is_token), before anything is sent.
    fn access_token(&self) -> TokenFuture<'_>;

    /// Called when HubSpot has rejected this token (401). Returns whether the next [`access_token`](Self::access_token)
    /// may return another one. If so, the request is sent once more with it.
    fn invalidate(&self, token: &AccessToken) -> bool {
        let _ = token;
        false
    }
}

impl<P: TokenProvider + ?Sized> TokenProvider for Arc<P> {
    fn access_token(&self) -> TokenFuture<'_> {
        (**self).access_token()
    }

    fn invalidate(&self, token: &AccessToken) -> bool {
        (**self).invalidate(token)
    }
}

/// Where a client takes its tokens from.
#[derive(Clone)]
pub(crate) enum Tokens {
    /// Nobody has to be asked, and a future that would say so costs an allocation.
    Fixed(AccessToken),
    Provider(Arc<dyn TokenProvider>),
}

impl Tokens {
    pub(crate) fn new(tokens: impl TokenProvider + 'static) -> Self {
        match (&tokens as &dyn Any).downcast_ref::<AccessToken>() {
            Some(token) => Self::Fixed(token.clone()),
            None => Self::Provider(Arc::new(tokens)),
        }
    }
}

/// A token that stays the same is its own provider.
impl TokenProvider for AccessToken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}
