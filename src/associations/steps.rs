//! The steps towards a call on one association: first its other object, then its type.

use std::marker::PhantomData;

use crate::{
    associations::pair::Pair,
    client::Client,
    error::{Error, Result},
    ids::{ObjectId, ObjectType, PartnerClientId, checked},
};

/// First step of [`Associate`](crate::Associate) and [`Dissociate`](crate::Dissociate): the other object is still missing.
///
/// A call without another object does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client.associate("512").await;
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "name the other object with `with`"]
pub struct WithTarget<Call> {
    client: Client,
    partner_client: Result<PartnerClientId>,
    call: PhantomData<fn() -> Call>,
}

impl<Call> WithTarget<Call> {
    pub(super) fn new<I: TryInto<PartnerClientId, Error: Into<Error>>>(client: &Client, partner_client: I) -> Self {
        Self { client: client.clone(), partner_client: checked(partner_client), call: PhantomData }
    }

    /// Sets the other object: its type, then its id.
    pub fn with<T, I>(self, object_type: T, object_id: I) -> WithType<Call>
    where
        T: TryInto<ObjectType, Error: Into<Error>>,
        I: TryInto<ObjectId, Error: Into<Error>>,
    {
        let ends = self
            .partner_client
            .and_then(|partner_client| Ok((partner_client, checked(object_type)?, checked(object_id)?)));
        WithType { client: self.client, ends, call: self.call }
    }
}

/// Second step of [`Associate`](crate::Associate) and [`Dissociate`](crate::Dissociate): the association type is still missing.
///
/// A call without an association type does not compile:
///
/// ```compile_fail,E0277
/// # async fn run(client: hubspot_partner_clients::Client) {
/// client
///     .associate("512")
///     .with("companies", "9001")
///     .await;
/// # }
/// ```
///
/// Nor does a number in place of the object type:
///
/// ```compile_fail,E0277
/// # fn run(client: hubspot_partner_clients::Client) {
/// client.associate(512).with(9001, "companies");
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "name the association type with `as_type`"]
pub struct WithType<Call> {
    client: Client,
    ends: Result<(PartnerClientId, ObjectType, ObjectId)>,
    call: PhantomData<fn() -> Call>,
}

impl<Call> WithType<Call> {
    pub(super) fn pair(self) -> (Client, Result<Pair>) {
        let pair = self.ends.map(|(partner_client, to_type, to_id)| Pair { partner_client, to_type, to_id });
        (self.client, pair)
    }
}
