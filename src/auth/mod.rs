//! Access tokens: the token itself, the trait that provides one for each request, and the removal of secrets from text.
#![cfg(feature = "client")]

pub(crate) mod access_token;
pub(crate) mod provider;
pub(crate) mod redact;
pub(crate) mod token_key;

pub use self::{
    access_token::AccessToken,
    provider::{TokenFuture, TokenProvider},
};
