//! An access token in the body of a request.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    auth::access_token::AccessToken,
    error::{Error, Result},
};

/// The body of the request that asks HubSpot about an access token. The token is never printed.
#[derive(Debug, Clone, Default)]
pub struct TokenKey(Option<AccessToken>);

impl TokenKey {
    /// The body as it is sent.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub(crate) fn body(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|_| Error::credentials("access token", "cannot be sent in a body", "check it"))
    }
}

impl From<AccessToken> for TokenKey {
    fn from(token: AccessToken) -> Self {
        Self(Some(token))
    }
}

/// For the request alone.
impl Serialize for TokenKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("TokenKey", 1)?;
        body.serialize_field("tokenKey", &self.0.as_ref().map(AccessToken::expose))?;
        body.end()
    }
}
