//! OAuth, for an app that acts for other people's accounts.
//!
//! 1. [`OAuthApp::authorize`] builds the URL of the page where a user connects an account.
//! 2. [`OAuthApp::exchange`] turns the code that comes back into a [`Grant`]. Store its refresh token in a safe place.
//! 3. [`OAuthApp::token`] creates an [`OAuthToken`] from a refresh token, which gives a client its access tokens.
//!
//! ```no_run
//! # async fn run(code: &str, state: &str) -> hubspot_partner_clients::Result<()> {
//! use hubspot_partner_clients::{
//!     Client, oauth::OAuthApp,
//! };
//!
//! let app =
//!     OAuthApp::new("client-id", "client-secret")?;
//!
//! let authorization = app
//!     .authorize("https://my.app/connected")
//!     .scopes([
//!         "crm.objects.partner-clients.read",
//!         "crm.objects.partner-clients.write",
//!     ])
//!     .build()?;
//! println!("open {}", authorization.url());
//!
//! // The user comes back to the redirect URI, with
//! // ?code=…&state=…
//! assert_eq!(state, authorization.state());
//! let grant = app
//!     .exchange(
//!         code,
//!         "https://my.app/connected",
//!         Some(authorization.code_verifier()),
//!     )
//!     .await?;
//!
//! let token =
//!     app.token_of(&grant)?.on_new_refresh_token(
//!         |token| async move { save(&token).await },
//!     );
//! let client = Client::builder()
//!     .token_provider(token)
//!     .build()?;
//! # Ok(())
//! # }
//! # async fn save(_: &str) -> std::io::Result<()> { Ok(()) }
//! ```
#![cfg(feature = "client")]

mod app;
mod authorization;
mod current;
mod flight;
mod fresh;
mod grant;
mod refused;
mod shared;
pub(crate) mod store;
mod token;

pub use self::{
    app::{OAuthApp, OAuthAppBuilder},
    authorization::{Authorization, AuthorizationBuilder},
    grant::Grant,
    store::{StoreFuture, StoredToken, TokenStore},
    token::OAuthToken,
};
