//! Access tokens and their sources: the token itself, the trait that gives one to each request, the removal of
//! secrets from text, and OAuth.
#![cfg(feature = "client")]

pub(crate) mod access_token;
pub mod oauth;
pub(crate) mod provider;
pub(crate) mod redact;

pub use self::{
    access_token::AccessToken,
    provider::{TokenFuture, TokenProvider},
};
