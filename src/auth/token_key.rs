//! An access token in the body of a request.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::auth::access_token::AccessToken;

/// An access token in the body of a request, as HubSpot takes it to tell of it. It is never printed.
#[derive(Debug, Clone)]
pub struct TokenKey(AccessToken);

impl From<AccessToken> for TokenKey {
    fn from(token: AccessToken) -> Self {
        Self(token)
    }
}

/// For the request alone.
impl Serialize for TokenKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("TokenKey", 1)?;
        body.serialize_field("tokenKey", self.0.expose())?;
        body.end()
    }
}
