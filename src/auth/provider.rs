//! Sources of access tokens.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::auth::access_token::AccessToken;

/// What [`TokenProvider::access_token`] returns.
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
/// It is asked in the call's own task, so task-local values of whoever makes the call are not there. A call waits for it until
/// its [call timeout](crate::ClientBuilder::call_timeout); without one it waits as long as the provider takes.
pub trait TokenProvider: Send + Sync {
    /// The token to send with the next request. An error fails the call with
    /// [`Error::is_token`](crate::Error::is_token), before anything is sent.
    fn access_token(&self) -> TokenFuture<'_>;

    /// HubSpot has refused this token (401). Whether the next [`access_token`](Self::access_token) may give another one;
    /// if so, the request is sent once more with it.
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

/// A token that stays the same is its own provider.
impl TokenProvider for AccessToken {
    fn access_token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}
