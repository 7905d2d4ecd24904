//! Failure of an attempt or a call.

use reqwest::Response;

use crate::error::Error;

/// A failed attempt, with the response if there was one, its body replaced by one that the generated code can decode.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) response: Option<Response>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, response: None }
    }
}
